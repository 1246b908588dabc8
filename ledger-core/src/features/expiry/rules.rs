//! How points die: when what is earned expires, and what every activity puts off.
//!
//! Most lots have their own date, given by the program that was in force when they were earned. Lots of a wallet
//! whose points live as long as their member is active share one date, that of the purse's spell: an activity moves
//! it and touches no lot. A date that was told only ever moves to a later one.

use crate::features::counting::happening::Happening;
use crate::features::risk::rules as risk;
use crate::features::wallets::rules as wallets;
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::{LOTS_MAX, SLICES_MAX, Slice, split_slices};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Money, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use crate::tables::event::Kind;
use crate::tables::event::{self, Event, MemberRef};
use crate::tables::member::{ActivityExpiry, Purse};
use crate::tables::program::{Earner, Expiry, Wallet};
use alloc::vec::Vec;

/// When a lot of a wallet expires that is earned by this event.
pub(crate) fn expires_at(draft: &mut Draft<'_>, wallet: &Wallet) -> At {
    let own = |posting: &&Posting| (posting.member, posting.wallet) == (draft.no(), wallet.id);
    let known = draft.postings().iter().filter(own).find(|posting| posting.makes_lot());
    let known = known.map(|posting| posting.expires_at);
    let expires_at = known.unwrap_or_else(|| draft.program().expires_at(wallet, draft.day(), earner(draft)));
    // What would begin a spell that is over by now has the date on which that ended.
    let Expiry::Activity { after, round, .. } = &wallet.expiry else { return expires_at };
    let lives = draft.member().purses.of(wallet.id).spell().is_some_and(|spell| spell.until > draft.counted_at());
    let until = draft.program().calendar.start_of(draft.program().after(draft.day(), *after, *round));
    if lives || until > draft.counted_at() { expires_at } else { until }
}

/// The member as expiries ask of it; of a newcomer, this event counts.
pub(crate) fn earner(draft: &Draft<'_>) -> Earner {
    let enrols = |change: &Change| matches!(change, Change::Enrolled(change::Enrolled { joined: true, .. }));
    let now = || draft.changes().iter().any(enrols).then_some(draft.today());
    let before = draft.member().enrolled_at.map(|at| draft.program().calendar.day_of(at));
    Earner { enrolled_on: before.or_else(now), tier: draft.member().tier.tier }
}

/// Puts off the end of every spell for which this was an activity, and begins one where points that die with
/// it come into a purse that has none.
pub(crate) fn renew_activity(draft: &mut Draft<'_>, kind: Option<Happening>, paid: impl Fn() -> Money) {
    let program = draft.program();
    if draft.member().closed_at().is_some() {
        return;
    }
    for wallet in program.wallets() {
        let Expiry::Activity { after, round, activity, least } = &wallet.expiry else { continue };
        let active = kind.is_some_and(|kind| activity.contains(kind))
            && (kind != Some(Happening::Event(Kind::Purchase)) || paid() >= *least);
        let until = || program.calendar.start_of(program.after(draft.day(), *after, *round));
        let spell = draft.member().purses.of(wallet.id).spell().filter(|spell| spell.until > draft.counted_at());
        let spell = match spell {
            Some(spell) if active && until() > spell.until => ActivityExpiry { until: until(), ..spell },
            None if begins_spell(draft, wallet.id) => ActivityExpiry { since: draft.position(), until: until() },
            _ => continue,
        };
        draft.change(Change::ActivityExpirySet(change::ActivityExpirySet {
            member: draft.no(),
            wallet: wallet.id,
            since: spell.since,
            until: spell.until,
        }));
    }
}

/// Whether new points of a wallet die with its spell.
fn begins_spell(draft: &Draft<'_>, wallet: TermNo) -> bool {
    let own = |posting: &&Posting| (posting.member, posting.wallet) == (draft.no(), wallet);
    let begins = |posting: &Posting| posting.makes_lot() && posting.expires_at == At::SLIDING;
    draft.postings().iter().filter(own).any(begins)
}

/// Lets everything die whose time has come; of a closed member, everything.
pub(crate) fn expire(draft: &mut Draft<'_>, due: At) {
    let member = draft.member();
    let closed = member.closed_at().is_some_and(|closed_at| closed_at <= due);
    let until = if closed { At::NEVER } else { due };
    for purse in member.purses.iter() {
        for (account, lots) in
            [(Account::Available, &purse.lots), (Account::Review, purse.review()), (Account::Pending, purse.pending())]
        {
            let dead: Vec<Slice> = purse.dead(lots, until).take(SLICES_MAX).copied().collect();
            draft.post_all(purse.wallet, (account, Account::Expired), &dead, TermNo::NONE);
        }
    }
}

/// Lets go of what was set aside: it comes back to the lots it was of, with their date. What died meanwhile does so
/// now: it is never the member's again, be it for an instant.
pub(crate) fn let_go(draft: &mut Draft<'_>, (wallet, from): (TermNo, Account), rest: &[Slice]) {
    let purse = draft.member().purses.of(wallet);
    for slice in rest {
        let to = if is_dead(draft, purse, slice) { Account::Expired } else { Account::Available };
        draft.post(wallet, (from, to), *slice, TermNo::NONE);
    }
}

/// Whether points of such a lot are gone by now.
pub(crate) fn is_dead(draft: &Draft<'_>, purse: &Purse, lot: &Slice) -> bool {
    purse.dies_at(lot) <= draft.counted_at()
}

/// After points came or went: when the member is next to be reminded.
pub(crate) fn look_ahead(draft: &mut Draft<'_>) {
    if draft.member().closed_at().is_some() {
        return;
    }
    let program = draft.program();
    for wallet in program.wallets().filter(|wallet| !wallet.remind.is_empty()) {
        let at = next_reminder(draft, wallet);
        if at < draft.member().purses.of(wallet.id).remind_at() {
            draft.change(Change::ReminderSet(change::ReminderSet { member: draft.no(), wallet: wallet.id, at }));
        }
    }
}

/// Notes what this record lets die, but for what died with its member.
pub(crate) fn lapse(draft: &mut Draft<'_>) {
    let program = draft.program();
    if draft.member().closed_at().is_none() {
        let wallets = program.wallets().filter_map(|wallet| Some((wallet.id, wallet.reinstate_days?)));
        wallets.for_each(|(wallet, days)| lapse_of(draft, wallet, days));
    }
}

/// The same of one wallet, but for what could not be spent or had died before.
fn lapse_of(draft: &mut Draft<'_>, wallet: TermNo, days: i32) {
    let purse = draft.member().purses.of(wallet);
    let lapses = |posting: &&Posting| {
        let own = posting.member == draft.no() && posting.wallet == wallet;
        let dies = posting.to == Account::Expired && !matches!(posting.from, Account::Review | Account::Pending);
        own && dies && !purse.is_reinstated(posting.lot)
    };
    let expired_recently = draft.postings().iter().filter(lapses);
    let points = Points(expired_recently.fold(0, |sum, posting| posting.points.0.saturating_add(sum)));
    if !points.is_zero() {
        let (member, day) = (draft.no(), draft.today());
        let forget_before = day.plus(days.saturating_neg());
        draft.change(Change::ExpiredRecently(change::ExpiredRecently { member, wallet, day, points, forget_before }));
    }
}

/// The first instant to come at which the program wants the member reminded, as far as it is known now. Lots
/// that are spent or put off until then are noticed when it comes.
fn next_reminder(draft: &Draft<'_>, wallet: &Wallet) -> At {
    let calendar = &draft.program().calendar;
    let purse = draft.member().purses.of(wallet.id);
    let moved = draft.changes().iter().find_map(|change| match change {
        Change::ActivityExpirySet(change::ActivityExpirySet { member, wallet: of, until, .. })
            if (*member, *of) == (draft.no(), wallet.id) =>
        {
            Some(*until)
        }
        _ => None,
    });
    let until = moved.unwrap_or_else(|| purse.spell_until());
    let comes = |posting: &&Posting| {
        (posting.member, posting.wallet, posting.to) == (draft.no(), wallet.id, Account::Available)
    };
    let coming = || {
        let dates = draft.postings().iter().filter(comes).map(|posting| posting.expires_at);
        dates.map(|at| if at == At::SLIDING { until } else { at }).filter(|at| *at < At::SLIDING)
    };
    let reminders = wallet.remind.iter().filter_map(|days| {
        let from = calendar.start_of(draft.today().plus(1).plus(*days));
        let dies_at = purse.next_death(from, until).into_iter().chain(coming().filter(|at| *at >= from)).min()?;
        Some(calendar.start_of(calendar.day_of(dies_at).plus(days.saturating_neg())))
    });
    reminders.min().unwrap_or(At::NEVER)
}

/// Says what dies in as many days as the program reminds of, and when there is more to say.
pub(crate) fn remind(draft: &mut Draft<'_>, due: At) {
    let (program, member) = (draft.program(), draft.member());
    for purse in member.purses.iter().filter(|purse| purse.remind_at() <= due) {
        let wallet = program.wallet(purse.wallet);
        for days in &wallet.remind {
            let day = draft.today().plus(*days);
            let (from, to) = (program.calendar.start_of(day), program.calendar.start_of(day.plus(1)));
            let mut dying = purse.dated(&purse.lots).filter(|lot| (from..to).contains(&lot.expires_at)).peekable();
            let Some(first) = dying.peek().map(|lot| lot.expires_at) else { continue };
            let points = Points(dying.fold(0, |sum, lot| lot.left.0.saturating_add(sum)));
            let (member, wallet) = (draft.no(), wallet.id);
            draft.change(Change::Expiring(change::Expiring { member, wallet, expires_at: first, points }));
        }
        let at = next_reminder(draft, wallet);
        draft.change(Change::ReminderSet(change::ReminderSet { member: draft.no(), wallet: wallet.id, at }));
    }
}

/// Points that died within the program's window live again, until a stated instant: a new lot, marked so that
/// it happens once.
pub(crate) fn reinstate(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Reinstated,
) -> Result<(), Refusal> {
    let event::Reinstated { wallet, points, expires_at, .. } = said;
    let (points, expires_at) = (*points, *expires_at);
    let wallet = wallets::spendable(draft, wallet)?;
    let days = wallet.reinstate_days.ok_or(Refusal::ReinstateNotAllowed)?;
    if expires_at <= draft.at() {
        return Err(Refusal::LotExpired);
    }
    let forget_before = draft.today().plus(days.saturating_neg());
    let expired_recently = draft
        .member()
        .purses
        .of(wallet.id)
        .expired_recently()
        .iter()
        .filter(|expired_recently| expired_recently.day >= forget_before);
    let there = Points(expired_recently.fold(0, |sum, expired_recently| expired_recently.points.0.saturating_add(sum)));
    let points = points.unwrap_or(there);
    if points > there || there.is_zero() {
        return Err(Refusal::NotEnoughExpired);
    }
    if draft.room(wallet).is_some_and(|room| room < points) {
        return Err(Refusal::OverMaxBalance);
    }
    if draft.member().purses.iter().map(Purse::lots_len).fold(1, usize::saturating_add) > LOTS_MAX {
        return Err(Refusal::MemberLimitReached);
    }
    risk::observe(draft, event, Points::ZERO)?;
    let (member, wallet) = (draft.no(), wallet.id);
    let slice = Slice { expires_at, ..Slice::in_no_lot(points) };
    let lot = draft.bring(wallet, Account::Expired, TermNo::NONE, slice);
    draft.change(Change::Reinstated(change::Reinstated { member, wallet, points, lot, forget_before }));
    Ok(())
}

/// Points that can be spent and would die before a stated instant live until then, those first that die first: a
/// new lot. What lives with its spell or was reinstated is left alone.
pub(crate) fn extend_expiry(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Extended,
) -> Result<(), Refusal> {
    let event::Extended { wallet, points, expires_at, .. } = said;
    let (points, expires_at) = (*points, *expires_at);
    let wallet = wallets::spendable(draft, wallet)?;
    if expires_at <= draft.at() {
        return Err(Refusal::LotExpired);
    }
    let purse = draft.member().purses.of(wallet.id);
    let dies_sooner = |lot: &&Slice| lot.expires_at < expires_at.min(At::SLIDING) && !purse.is_reinstated(lot.id);
    let sooner: Vec<Slice> = purse.lots.iter().filter(dies_sooner).copied().collect();
    let there = sum(&sooner);
    let points = points.unwrap_or(there);
    if points > there || there.is_zero() {
        return Err(Refusal::NotEnoughPoints);
    }
    let (slices, _) = split_slices(sooner.iter(), points);
    if slices.len() > SLICES_MAX {
        return Err(Refusal::TooManyLots);
    }
    risk::observe(draft, event, Points::ZERO)?;
    draft.post_all(wallet.id, (Account::Available, Account::Moved), &slices, TermNo::NONE);
    let lot = Slice { expires_at, id: draft.new_lot(), left: points };
    draft.post(wallet.id, (Account::Moved, Account::Available), lot, TermNo::NONE);
    Ok(())
}

fn sum(slices: &[Slice]) -> Points {
    Points(slices.iter().fold(0, |sum, slice| slice.left.0.saturating_add(sum)))
}
