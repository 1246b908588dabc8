//! What every test here may ask of a ledger: its rows as bytes, and whether it adds up.

use ledger_core::account::Account;
use ledger_core::bytes::{encode, encode_row};
use ledger_core::event::{self, Body, Currency, Event, Line, Name, RiskKeys};
use ledger_core::fold::fold_member;
use ledger_core::lots::Lot;
use ledger_core::member::{Balances, Member};
use ledger_core::memory::Memory;
use ledger_core::record::Record;
use ledger_core::state::{State, WalletTotals};
use ledger_core::units::{At, MemberNo, Money, Points, Position, StaffNo, TermNo};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The bytes of a row.
pub fn row_bytes<T: Serialize>(row: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_row(row, &mut bytes).expect("everything stored can be encoded");
    bytes
}

/// The bytes of a record.
pub fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes).expect("everything stored can be encoded");
    bytes
}

/// Every member's number and row.
pub fn members(state: &State) -> impl Iterator<Item = (MemberNo, &Member)> {
    (1..=state.members_len()).map(MemberNo).map(|no| (no, state.member(no).expect("numbers have no gaps")))
}

/// Every row of a state, named, as the bytes that would be stored.
pub fn rows(state: &State) -> Vec<(String, Vec<u8>)> {
    let mut rows: Vec<(String, Vec<u8>)> = vec![("shared".into(), row_bytes(&state.shared))];
    rows.extend(members(state).map(|(no, member)| (format!("member {no}"), row_bytes(member))));
    rows.extend(state.counters.iter().map(|((key, term), row)| (format!("counter {key} {term}"), row_bytes(row))));
    rows.extend(state.cases.iter().map(|(position, case)| (format!("case {position}"), row_bytes(case))));
    rows.extend(state.programs.iter().map(|program| (format!("program {}", program.position), row_bytes(program))));
    let staff = (1..=state.staff_len()).filter_map(|no| Some((no, state.staff(StaffNo(no))?)));
    rows.extend(staff.map(|(no, row)| (format!("staff {no}"), row_bytes(row))));
    rows
}

/// The log, decoded.
pub fn log(memory: &Memory) -> Vec<(Position, Record)> {
    let decoded =
        memory.log().iter().map(|stored| Record::decode(&stored.verdict, &stored.cause).expect("the log can be read"));
    decoded.enumerate().map(|(n, record)| (Position(n as u64 + 1), record)).collect()
}

/// Asserts everything that is true of any ledger at any time.
pub fn check(memory: &Memory) {
    check_balances(&memory.state);
    check_log(memory);
}

/// The balance of each kind of account of the first wallet in which points moved.
pub fn accounts(state: &State) -> [i64; Account::KINDS] {
    state.shared.wallets.first().map_or([0; Account::KINDS], |totals| totals.accounts)
}

/// What a member has of the first wallet it had points in.
pub fn balances(member: &Member) -> Balances {
    member.balances(member.purses.first().wallet)
}

/// The books balance, and no row contradicts itself.
pub fn check_balances(state: &State) {
    let mut sums = std::collections::BTreeMap::<TermNo, [i64; Account::KINDS]>::new();
    let mut tiers = std::collections::BTreeMap::new();
    for (no, member) in members(state) {
        for lots in member.purses.iter().flat_map(|purse| [&purse.lots, purse.review(), purse.pending()]) {
            let all: Vec<_> = lots.iter().copied().collect();
            assert_eq!(lots.len(), all.len(), "member {no}: empty lots are dropped");
            assert!(all.iter().all(|lot| lot.left > Points::ZERO), "member {no}: {all:?}");
            assert!(all.is_sorted_by_key(|lot| (lot.expires_at, lot.id)), "member {no}: {all:?}");
            assert_eq!(all.iter().map(|lot| lot.left.0).sum::<i64>(), lots.total().0, "member {no}: lots add up");
        }
        for hold in &member.holds {
            assert!(hold.points() > Points::ZERO, "member {no}: an open hold holds something");
            assert!(hold.slices.iter().all(|slice| slice.left >= Points::ZERO), "member {no}: {hold:?}");
        }
        let mut held = 0;
        for purse in member.purses.iter() {
            assert!(purse.debt >= Points::ZERO, "member {no} owes {}", purse.debt);
            let balances = member.balances(purse.wallet);
            let waits = |lot: &Lot| purse.waits_until(lot.id).is_some();
            assert!(purse.pending().iter().all(waits), "member {no}: what is pending waits for something");
            held += balances.held.0;
            let sums = sums.entry(purse.wallet).or_default();
            sums[Account::Available.kind()] += balances.available.0;
            sums[Account::Review.kind()] += balances.review.0;
            sums[Account::Pending.kind()] += balances.pending.0;
            sums[Account::Exchanging.kind()] += balances.exchanging.0;
            sums[Account::Held(0).kind()] += balances.held.0;
            sums[Account::Debt.kind()] -= balances.debt.0;
        }
        assert_eq!(held, member.holds.iter().map(|hold| hold.points().0).sum::<i64>());
        if member.tier.tier.0 != 0 {
            *tiers.entry(member.tier.tier).or_insert(0u64) += 1;
        }
    }
    for WalletTotals { wallet, accounts } in &state.shared.wallets {
        assert_eq!(accounts.iter().sum::<i64>(), 0, "debits are credits: {accounts:?}");
        let sums = sums.remove(wallet).unwrap_or_default();
        for account in [
            Account::Available,
            Account::Review,
            Account::Pending,
            Account::Exchanging,
            Account::Held(0),
            Account::Debt,
        ] {
            let kind = account.kind();
            assert_eq!(accounts[kind], sums[kind], "the total of {} is that of its members", account.name());
        }
    }
    assert!(sums.is_empty(), "a wallet that members have has totals");
    let counted = state.shared.tiers.iter().copied().filter(|(_, count)| *count > 0).collect();
    assert_eq!(tiers, counted, "the members of each tier are counted");
}

/// The log folds to the very rows there are, as a whole and member by member.
fn check_log(memory: &Memory) {
    let again = memory.refold().expect("the log folds");
    let (now, again) = (rows(&memory.state), rows(&again));
    for (now, again) in now.iter().zip(&again) {
        assert_eq!(now, again, "the log folds to other bytes");
    }
    assert_eq!(now.len(), again.len(), "the log folds to other rows");
    let log = log(memory);
    for (no, member) in members(&memory.state) {
        let mut alone = Member::default();
        for (position, record) in log.iter().filter(|(_, record)| record.members().contains(&no)) {
            fold_member(&mut alone, no, *position, record).expect("a member's own records fold");
        }
        assert_eq!(row_bytes(&alone), row_bytes(member), "member {no} is its own records");
        let touching = log.iter().filter(|(_, record)| record.members().contains(&no));
        let positions: Vec<Position> = touching.map(|(position, _)| *position).collect();
        let pages = memory.state.dirty().pages.iter().filter(|page| page.member == no);
        let paged: Vec<Position> = pages.flat_map(|page| page.positions.iter().copied()).collect();
        assert_eq!([&paged[..], &member.history.recent].concat(), positions, "member {no} knows its records");
        assert_eq!((member.history.paged, member.records), (paged.len() as u64, positions.len() as u64));
    }
    for (position, record) in &log {
        let moved = record.verdict.postings.iter().all(|posting| posting.points > Points::ZERO);
        assert!(moved, "record {position} moves something");
        let refused = record.verdict.refusal.is_none() || record.verdict.postings.is_empty();
        assert!(refused, "record {position} is refused and moves points");
    }
}

/// An event of a test, with nothing but what every event has.
pub fn event(id: &str, member: &str, at: At, body: Body<Name>) -> Event<Name> {
    Event {
        source: "test".into(),
        id: id.into(),
        occurred_at: at,
        member: member.into(),
        keys: RiskKeys::default(),
        origin: None,
        body,
    }
}

/// A purchase of one line.
pub fn purchase(order: &str, net: i64) -> Body<Name> {
    let lines = vec![Line::plain("", 1, Money(net))];
    Body::purchase(order, Currency(*b"EUR"), lines)
}

/// A ledger with this program in force since `at`.
pub fn publish(text: &str, at: At) -> Memory {
    let mut memory = Memory::new();
    let body = Body::ProgramPublished(event::ProgramPublished { text: text.into() });
    let outcome = memory.submit(event("program", "", at, body), at).expect("publishing folds");
    assert_eq!(outcome.refusal, None, "the program has no faults");
    memory
}

/// Bytes as people compare them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
