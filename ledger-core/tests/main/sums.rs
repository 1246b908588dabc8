//! Sums at their limits: whatever legal events say, what they come to is recorded or refused, and every record folds.

use crate::ledger::{self, event, purchase};
use ledger_core::account::{Account, Posting};
use ledger_core::change::{self, Change, LifeChange};
use ledger_core::counter::{COUNT_MAX, Key};
use ledger_core::event::{
    self, AMOUNT_MAX, Body, Currency, Event, LINES_MAX, Line, Name, OpeningLot, RiskKeys, RiskKind,
};
use ledger_core::fold::fold;
use ledger_core::lots::BALANCE_MAX;
use ledger_core::memory::Memory;
use ledger_core::record::{Record, Verdict};
use ledger_core::units::{At, DAY_MS, LotId, MemberNo, Money, Points, RiskKey, StaffNo, TermNo};
use proptest::prelude::*;

/// A program in which as many things as possible are counted.
const PROGRAM: &str = r#"
id = "t"
timezone = "UTC"
currency = "EUR"

[[wallet]]
id = "points"
expiry = { after = "12M" }

[[wallet]]
id = "stamps"
kind = "stamp"

[[wallet]]
id = "cups"
kind = "entitlement"

[transfer]
wallet = "points"

[[convert]]
id = "cup"
from = { wallet = "stamps", points = 1 }
to = { wallet = "cups", points = 1000 }

[[campaign]]
id = "spring"

[[fund]]
id = "forest"

[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
campaign = "spring"

[[earn]]
id = "stamp"
on = "purchase"
per = "1000000.00"
give = 1
wallet = "stamps"

[[earn]]
id = "trees"
on = "purchase"
per = "1000000.00"
give = 1
to = { fund = "forest" }

[[earn]]
id = "win_back"
on = "inactive"
fixed = 1000
limit = { points = 100000, per = "30d" }

[inactivity]
after = "30d"
activity = ["purchase"]

[tiers]
window = "365d"
downgrade_after = "90d"

[[tier]]
id = "low"

[[tier]]
id = "high"
at_least = "200.00"

[[counter]]
id = "spent"
on = ["redeem", "transfer", "credit"]
key = "member"
measure = "points"

[[counter]]
id = "on_device"
on = ["redeem", "transfer", "credit"]
key = "device"
measure = "points"

[[counter]]
id = "dormancies"
on = ["inactive"]
key = "member"
measure = "count"
"#;

fn huge(order: &str) -> Body<Name> {
    let lines = vec![Line::plain("", 1, Money(AMOUNT_MAX)); LINES_MAX];
    Body::purchase(order, Currency(*b"EUR"), lines)
}

#[test]
fn however_much_a_member_buys_the_ledger_goes_on() {
    let text = std::fs::read_to_string(ledger::root().join("programs/community.toml")).expect("the example is there");
    let text = text.replace("per = \"1.00\"", "per = \"100000.00\"").replace("CNY", "EUR");
    let mut memory = ledger::publish(&text, At(0));
    let mut refused = None;
    // 923 of these are more than 64 bits can add up.
    for n in 0..950 {
        let id = format!("{n}");
        let outcome = memory.submit(event(&id, "M1", At(0), huge(&id)), At(0)).expect("the record folds");
        refused = outcome.refusal;
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(refused.map(|refusal| refusal.reason()), Some("MEMBER_LIMIT_REACHED"));
    let other = memory.submit(event("other", "M2", At(0), purchase("o", 10_000_000)), At(0)).expect("it folds");
    assert_eq!((other.refusal, other.earned_first()), (None, Points(1)), "nobody else is concerned");
    let refund = Body::refund("0", Currency(*b"EUR"), Money(AMOUNT_MAX));
    let refund = memory.submit(event("back", "M1", At(0), refund), At(0)).expect("it folds");
    assert_eq!(refund.refusal, None, "what makes the sum smaller is not refused");
}

/// A record that makes every sum there is as large as sums can get, up to `short` of it.
fn fill(memory: &mut Memory, short: i64) {
    let wallets: Vec<TermNo> = memory.state.shared.wallets.iter().map(|totals| totals.wallet).collect();
    let donated = |wallet| {
        let issued = memory.state.shared.balance(wallet, Account::Issued).saturating_neg();
        Posting {
            member: MemberNo::NOBODY,
            wallet,
            from: Account::Issued,
            to: Account::Donated,
            points: Points(BALANCE_MAX - issued - short),
            lot: LotId::default(),
            expires_at: At::NEVER,
            rule: TermNo::NONE,
        }
    };
    let postings = wallets.into_iter().map(donated).filter(|posting| posting.points > Points::ZERO).collect();
    let mut changes = Vec::new();
    let mut count = |key, counter: &ledger_core::counter::Counter| {
        let bucket = counter.tallies().last().map_or(0, |tally| tally.bucket);
        let amount = COUNT_MAX - short - counter.total;
        let (term, keep_from, seen) = (counter.term, i32::MIN, MemberNo::NOBODY);
        changes.push(Change::Counted(change::Counted { key, term, bucket, keep_from, amount, seen }));
    };
    let members = || ledger::members(&memory.state);
    members().for_each(|(no, row)| row.counters.iter().for_each(|counter| count(Key::Member(no), counter)));
    memory.state.counters.iter().for_each(|((key, _), row)| count(Key::Risk(*key), &row.counter));
    for (member, row) in members() {
        for gifts in row.life.iter().flat_map(|life| &life.gifts) {
            let points = Points(COUNT_MAX - short - gifts.given.0);
            let gave = change::Gave { wallet: gifts.wallet, day: gifts.day, points };
            changes.push(Change::Life(change::Life { member, change: LifeChange::Gave(gave) }));
        }
    }
    let verdict = Verdict { postings, changes, ..Verdict::default() };
    let body = Body::Tick(event::Tick { up_to: memory.state.shared.at });
    let tick = event("fill", "", memory.state.shared.at, body).map(|_| event::MemberRef::Nobody, |_| StaffNo::NOBODY);
    let record = Record::said(memory.state.shared.at, 1, tick, verdict);
    let position = memory.state.shared.position.next();
    fold(&mut memory.state, position, &record).expect("a full ledger folds");
}

/// Something legal, with an amount from the ends of its field.
fn legal(what: u8, n: usize, amount: i64) -> Body<Name> {
    let (points, wallet, note) = (Points(amount.max(1)), Name::default(), Name::default());
    match what {
        0 => huge(&format!("huge {n}")),
        1 => purchase(&format!("plain {n}"), amount),
        2 => Body::redeem(points),
        3 => Body::Transfer(event::Transfer { to: "B".into(), wallet, points, note }),
        4 => Body::Credit(event::Credit { wallet, points, reason: "r".into(), by: Name::default() }),
        5 => {
            let lot = OpeningLot { wallet: "cups".into(), points, earned_at: At(0), expires_at: None };
            Body::Opened(event::Opened { lots: vec![lot; 500], ..Default::default() })
        }
        6 => Body::refund("o", Currency(*b"EUR"), Money(points.0)),
        7 => Body::Debit(event::Debit { wallet, points, reason: "r".into(), by: Name::default() }),
        8 => Body::hold(&format!("hold {n}"), points),
        _ => Body::Cancelled(event::Cancelled { order: "o".into() }),
    }
}

fn say(memory: &mut Memory, n: usize, member: &str, now: i64, body: Body<Name>) -> Option<&'static str> {
    let mut keys = RiskKeys::default();
    keys.set(RiskKind::Device, RiskKey([7; 16]));
    let mut event = Event { keys, ..event(&format!("{n}"), member, At(now), body) };
    assert_eq!(event.violations(), [], "only what may be sent is sent");
    memory.submit(event, At(now)).expect("whatever is legal folds").refusal.map(|refusal| refusal.reason())
}

/// A ledger of two members in which each kind of sum was begun.
fn begun() -> Memory {
    let mut memory = ledger::publish(PROGRAM, At(0));
    for (n, (member, body)) in [
        ("A", purchase("o", AMOUNT_MAX)),
        ("B", purchase("o", AMOUNT_MAX)),
        (
            "A",
            Body::Credit(event::Credit {
                wallet: "points".into(),
                points: Points(5),
                reason: "r".into(),
                by: "".into(),
            }),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(say(&mut memory, n, member, 0, body), None);
    }
    memory
}

proptest! {
    #[test]
    fn at_the_limits_of_every_sum_legal_events_are_recorded_or_refused(
        short in prop_oneof![Just(0i64), Just(1), 0..AMOUNT_MAX, Just(500 * AMOUNT_MAX)],
        steps in proptest::collection::vec(
            (0u8..10, prop_oneof![Just(1i64), Just(AMOUNT_MAX), 1..AMOUNT_MAX], any::<bool>(), 0..40i64),
            1..24,
        ),
    ) {
        let mut memory = begun();
        fill(&mut memory, short);
        let mut now = 0;
        for (n, (what, amount, first, days)) in steps.into_iter().enumerate() {
            now += days * DAY_MS;
            say(&mut memory, 100 + n, if first { "A" } else { "B" }, now, legal(what, n, amount));
        }
        memory.tick(At(now + 500 * DAY_MS)).expect("whatever is due folds");
        ledger::check_balances(&memory.state);
    }
}

#[test]
fn a_gift_that_one_day_cannot_add_up_is_refused() {
    let mut memory = ledger::publish(PROGRAM, At(0));
    let give =
        || Body::Transfer(event::Transfer { to: "B".into(), wallet: "".into(), points: Points(7), note: "".into() });
    assert_eq!(say(&mut memory, 0, "A", 0, purchase("o", AMOUNT_MAX)), None);
    assert_eq!(say(&mut memory, 1, "B", 0, purchase("o", AMOUNT_MAX)), None);
    assert_eq!(say(&mut memory, 2, "A", 0, give()), None);
    fill(&mut memory, 6);
    assert_eq!(say(&mut memory, 3, "A", 0, give()), Some("MEMBER_LIMIT_REACHED"), "one more than fits");
    assert_eq!(say(&mut memory, 4, "B", 0, Body::CheckIn(event::CheckIn)), None, "others go on");
}

#[test]
fn every_check_of_a_fold_says_what_keeps_input_from_it() {
    let src = ledger::root().join("ledger-core/src");
    let mut files = vec![src.join("tables/fold.rs")];
    for feature in std::fs::read_dir(src.join("features")).expect("features are there") {
        files.push(feature.expect("a folder").path().join("fold.rs"));
    }
    let mut checks = std::collections::BTreeSet::new();
    for file in files.into_iter().filter(|file| file.exists()) {
        let text = std::fs::read_to_string(&file).expect("sources can be read");
        for mark in ["ok_or(\"", "Err(\"", "const OVERFLOWS: &str = \""] {
            for said in text.split(mark).skip(1) {
                checks.insert(said.split('"').next().unwrap_or_default().to_string());
            }
        }
    }
    let list = std::fs::read_to_string(ledger::root().join("ledger-core/tests/folds.txt")).expect("the list is there");
    let listed = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let listed: std::collections::BTreeSet<String> =
        listed.map(|line| line.split_once(": ").expect("a check, and why no input reaches it").0.to_string()).collect();
    assert_eq!(checks, listed, "ledger-core/tests/folds.txt lists what folds check");
}
