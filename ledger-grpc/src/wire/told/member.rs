//! Members as they are told: balances, lots and holds by wallet, tier, names, and what is open.

use super::{attribute, count, lot_id, open_exchange, proposal, record, stamp, told_month_day, told_scope};
use crate::proto;
use crate::wire::Words;
use ledger_core::calendar::show_day;
use ledger_core::features::membership::state::Alias;
use ledger_core::features::merge::state::Absorbed;
use ledger_core::features::tiers::footing;
use ledger_core::lots::Lot;
use ledger_core::member::{Hold, Member, Parked, Streak};
use ledger_core::program::Program;
use ledger_core::record::Record;
use ledger_core::units::{At, MemberNo, Position, TermNo};

/// A member as it is to be told.
#[derive(Clone, Copy, Debug)]
pub struct Portrait<'a> {
    /// Its number.
    pub no: MemberNo,
    /// Everything folded.
    pub member: &'a Member,
    /// The position this is true at.
    pub position: Position,
    /// The ledger time this is true at.
    pub at: At,
    /// The program then in force.
    pub program: Option<&'a Program>,
}

/// Tells a member, with at most so many lots and holds.
pub fn member(portrait: Portrait<'_>, words: &Words, shown_max: usize) -> proto::Member {
    let Portrait { no, member, position, at, program } = portrait;
    let first = program.map_or_else(|| member.purses.first().wallet, |program| program.wallet.id);
    let proto::Purse { available, in_review, held, pending, exchanging, debt, lots, lots_count, .. } =
        purse(member, first, words, shown_max);
    proto::Member {
        name: member.name.to_string(),
        no: no.0,
        position: position.0,
        at: stamp(at),
        available,
        in_review,
        held,
        pending,
        exchanging,
        debt,
        lots,
        lots_count,
        holds: member.holds.iter().take(shown_max).map(|hold| open_hold(hold, words)).collect(),
        holds_count: count(member.holds.len()),
        tier: program.and_then(|program| tier(program, member, at, words)),
        streaks: member.streaks.iter().map(|one| streak(one, words)).collect(),
        open_cases: member.cases.iter().map(|case| case.0).collect(),
        attributes: member.attributes.iter().map(|(term, value)| attribute(*term, *value, words)).collect(),
        enrolled_at: member.enrolled_at.and_then(stamp),
        birthday: member.birthday.map(told_month_day),
        referrer: member.referrer.map(|no| words.name(no)).unwrap_or_default(),
        dormant_at: member.dormant_at.and_then(stamp),
        records: member.records,
        frozen: told_scope(member.frozen()).into(),
        closed_at: member.closed_at().and_then(stamp),
        aliases: member.aliases().iter().map(told_alias).collect(),
        more_purses: more_purses(member, first, words, shown_max),
        merged: member.absorbed().iter().map(|one| merged(one, words)).collect(),
        parked_events: program.map(|program| parked(program, member, at)).unwrap_or_default(),
        proposals: member.open_proposals(at).map(|open| proposal(open, words)).collect(),
        exchanges: member.exchanges().iter().map(|open| open_exchange(open, words)).collect(),
        household: member.household().map(|no| words.name(no)).unwrap_or_default(),
        household_members: member.household_members().iter().map(|no| words.name(*no)).collect(),
    }
}

fn merged(one: &Absorbed, words: &Words) -> proto::MergedMember {
    proto::MergedMember { name: words.name(one.member), position: one.position.0 }
}

/// Members whose names are told of a member.
pub fn spoken_of_with(member: &Member) -> impl Iterator<Item = MemberNo> {
    let merged = member.absorbed().iter().map(|one| one.member);
    let household = member.household().into_iter().chain(member.household_members().iter().copied());
    member.referrer.into_iter().chain(merged).chain(household)
}

fn parked(program: &Program, member: &Member, at: At) -> Vec<proto::ParkedEvent> {
    let told = |parked: &Parked| proto::ParkedEvent {
        position: parked.position.0,
        since: show_day(parked.day),
        until: show_day(parked.day.plus(program.refund_days)),
    };
    member.parked_from(program.refund_horizon(at)).map(told).collect()
}

fn told_alias(alias: &Alias) -> proto::Alias {
    proto::Alias { kind: alias.kind.to_string(), key: alias.key.to_string(), linked_at: stamp(alias.linked_at) }
}

/// Tells what a member has of a wallet, with at most so many lots.
pub fn purse(member: &Member, wallet: TermNo, words: &Words, shown_max: usize) -> proto::Purse {
    let (balances, purse) = (member.balances(wallet), member.purses.of(wallet));
    let available = purse.dated(&purse.lots).map(|lot| shown_lot(&lot));
    let waits = |lot: &Lot| {
        let until = purse.waits_until(lot.id);
        let waits_for_settlement = until == Some(At::NEVER);
        proto::Lot { waits_until: until.and_then(stamp), waits_for_settlement, ..shown_lot(lot) }
    };
    let pending = purse.dated(purse.pending()).map(|lot| proto::Lot { pending: true, ..waits(&lot) });
    let in_review = purse.dated(purse.review()).map(|lot| proto::Lot { in_review: true, ..waits(&lot) });
    proto::Purse {
        wallet: words.term(wallet),
        available: balances.available.0,
        in_review: balances.review.0,
        held: balances.held.0,
        pending: balances.pending.0,
        exchanging: balances.exchanging.0,
        debt: balances.debt.0,
        lots: available.chain(pending).chain(in_review).take(shown_max).collect(),
        lots_count: count(purse.lots_len()),
    }
}

fn more_purses(member: &Member, first: TermNo, words: &Words, shown_max: usize) -> Vec<proto::Purse> {
    let others = member.purses.iter().map(|purse| purse.wallet).filter(|wallet| *wallet != first);
    others.map(|wallet| purse(member, wallet, words, shown_max)).collect()
}

/// Tells one step of a replay.
pub fn step(position: Position, told: &Record, after: &Member, words: &Words) -> proto::ReplayMemberResponse {
    let first = told.verdict.wallet;
    let proto::Purse { available, in_review, held, pending, exchanging, debt, lots_count, .. } =
        purse(after, first, words, 0);
    let after = proto::MemberState {
        available,
        in_review,
        held,
        pending,
        exchanging,
        debt,
        lots_count,
        more_purses: more_purses(after, first, words, 0),
        holds_count: count(after.holds.len()),
        tier: words.term(after.tier.tier),
    };
    proto::ReplayMemberResponse { record: Some(record(position, told, words)), after: Some(after) }
}

fn tier(program: &Program, member: &Member, at: At, words: &Words) -> Option<proto::TierStanding> {
    let tiers = program.tiers.as_ref()?;
    let footing = footing(program, member, at)?;
    let rank = program.rank_of(member.tier.tier);
    let next = tiers.ranks.get(rank + 1);
    let needed_for_next = next.map_or(0, |tier| tier.least);
    let requires =
        |(term, at_most)| proto::AttributeLimit { name: words.term(term), at_most, value: member.attribute(term) };
    Some(proto::TierStanding {
        tier: words.term(member.tier.tier),
        metric: footing.metric,
        window_days: tiers.window_days.unsigned_abs(),
        needed_to_keep: tiers.ranks.get(rank).map_or(0, |tier| tier.least),
        next: next.map(|tier| words.term(tier.id)).unwrap_or_default(),
        needed_for_next,
        missing_for_next: needed_for_next.saturating_sub(footing.metric).max(0),
        next_requires: next.and_then(|tier| tier.attribute).map(requires),
        unmet_since: member.tier.unmet_since.map(show_day).unwrap_or_default(),
        falls_on: footing.lost_on.map(show_day).unwrap_or_default(),
        falls_short_on: footing.falls_short_on.map(show_day).unwrap_or_default(),
    })
}

pub(super) fn shown_lot(lot: &Lot) -> proto::Lot {
    proto::Lot { id: lot_id(lot.id), points: lot.left.0, expires_at: stamp(lot.expires_at), ..proto::Lot::default() }
}

fn open_hold(hold: &Hold, words: &Words) -> proto::OpenHold {
    proto::OpenHold {
        wallet: words.term(hold.wallet),
        name: hold.name.to_string(),
        no: hold.no,
        points: hold.points().0,
        expires_at: stamp(hold.expires_at),
        item: hold.item.map(|piece| words.term(piece.item)).unwrap_or_default(),
        pieces: hold.pieces(),
    }
}

pub(super) fn streak(streak: &Streak, words: &Words) -> proto::Streak {
    proto::Streak { name: words.term(streak.term), days: streak.count, last: show_day(streak.last) }
}
