//! Members: balances, lots and holds by wallet, tier, names, and what is open, as messages.

use super::approvals::proposal;
use super::exchange::open_exchange;
use super::membership::{alias, attribute, scope};
use super::merge::merged;
use super::returns::parked;
use super::spending::open_hold;
use super::tiers::{standing, streak};
use super::{Names, Person, token, values};
use crate::proto;
use ledger_core::lots::Lot;
use ledger_core::member::Member;
use ledger_core::program::Program;
use ledger_core::units::{At, TermNo};
use ledger_store::MemberLook;

/// A member, with at most so many lots and holds.
pub fn member(look: &MemberLook<'_>, names: &Names, shown_max: usize) -> proto::Member {
    let MemberLook { no, name, member, position, at, program } = *look;
    let first = program.map_or_else(|| member.purses.first().wallet, |program| program.wallet.id);
    proto::Member {
        name: name.to_owned(),
        no: no.0,
        position: position.0,
        at: values::stamp(at),
        purses: purses(member, first, names, shown_max),
        holds: member.holds.iter().take(shown_max).map(|hold| open_hold(hold, no, names)).collect(),
        holds_count: values::count(member.holds.len()),
        tier: program.and_then(|program| standing(program, member, at, names)),
        streaks: member.streaks.iter().map(|one| streak(one, names)).collect(),
        open_cases: member.cases.iter().map(|case| case.0).collect(),
        attributes: member.attributes.iter().map(|(term, value)| attribute(*term, *value, names)).collect(),
        enrolled_at: member.enrolled_at.and_then(values::stamp),
        birthday: member.birthday.map(|known| values::month_day(known.date)),
        referrer: member.referrer.map(|no| names.member(no)).unwrap_or_default(),
        dormant_at: member.dormant_at.and_then(values::stamp),
        records: member.records,
        frozen: scope(member.frozen()).into(),
        closed_at: member.closed_at().and_then(values::stamp),
        aliases: member.aliases().iter().map(alias).collect(),
        merged: member.absorbed().iter().map(|one| merged(one, names)).collect(),
        parked_events: program.map(|program| parked_events(program, member, at)).unwrap_or_default(),
        proposals: member.open_proposals(at).map(|open| proposal(open, names)).collect(),
        exchanges: member.exchanges().iter().map(|open| open_exchange(open, no, names)).collect(),
        household: member.household().map(|no| names.member(no)).unwrap_or_default(),
        token: token(position, names),
        household_members: member.household_members().iter().map(|no| names.member(*no)).collect(),
    }
}

/// Everybody whom the answer about a member names.
pub fn people_named_with(member: &Member) -> impl Iterator<Item = Person> {
    let proposals = member.life.iter().flat_map(|life| &life.proposals);
    let merged = member.absorbed().iter().map(|one| one.member);
    let household = member.household().into_iter().chain(member.household_members().iter().copied());
    let members = member.referrer.into_iter().chain(merged).chain(household).map(Person::Member);
    members.chain(proposals.flat_map(|open| &open.by).map(|no| Person::Staff(*no)))
}

/// A member as it was asked for by name, if there is one.
pub fn maybe_member(name: &str, member: Option<proto::Member>) -> proto::MaybeMember {
    proto::MaybeMember { name: name.to_owned(), member }
}

fn parked_events(program: &Program, member: &Member, at: At) -> Vec<proto::ParkedEvent> {
    member.waiting(at).map(|waiting| parked(waiting, program)).collect()
}

/// What a member has of a wallet, with at most so many lots.
pub fn purse(member: &Member, wallet: TermNo, names: &Names, shown_max: usize) -> proto::Purse {
    let (balances, purse) = (member.balances(wallet), member.purses.of(wallet));
    let available = purse.dated(&purse.lots).map(|one| lot(&one));
    let waits = |one: &Lot| {
        let until = purse.waits_until(one.id);
        let waits_for_settlement = until == Some(At::NEVER);
        proto::Lot { waits_until: until.and_then(values::stamp), waits_for_settlement, ..lot(one) }
    };
    let pending = purse.dated(purse.pending()).map(|lot| proto::Lot { pending: true, ..waits(&lot) });
    let in_review = purse.dated(purse.review()).map(|lot| proto::Lot { in_review: true, ..waits(&lot) });
    proto::Purse {
        wallet: names.term(wallet),
        available: balances.available.0,
        in_review: balances.review.0,
        held: balances.held.0,
        pending: balances.pending.0,
        exchanging: balances.exchanging.0,
        debt: balances.debt.0,
        lots: available.chain(pending).chain(in_review).take(shown_max).collect(),
        lots_count: values::count(purse.lots_len()),
    }
}

/// What a member has of each wallet, of `first` first.
fn purses(member: &Member, first: TermNo, names: &Names, shown_max: usize) -> Vec<proto::Purse> {
    let others = member.purses.iter().map(|purse| purse.wallet).filter(|wallet| *wallet != first);
    std::iter::once(first).chain(others).map(|wallet| purse(member, wallet, names, shown_max)).collect()
}

/// A member in short, exactly as folded.
pub(super) fn state(member: &Member, first: TermNo, names: &Names) -> proto::MemberState {
    proto::MemberState {
        purses: purses(member, first, names, 0),
        holds_count: values::count(member.holds.len()),
        tier: names.term(member.tier.tier),
    }
}

/// What one earning left behind.
pub(super) fn lot(lot: &Lot) -> proto::Lot {
    let (id, expires_at) = (values::lot_id(lot.id), values::stamp(lot.expires_at));
    proto::Lot { id, points: lot.left.0, expires_at, ..proto::Lot::default() }
}
