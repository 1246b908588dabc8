//! Redemptions: what they must keep to, and how they are given back.
//!
//! The rules are the wallet's. What counts for an order, a day or a month is worked out from the
//! member's own holds and redemptions from it: held points count from the day they were held, released
//! points never did, points given back no longer do. So a limit that is new or changed in the program in
//! force is exact at once.

use crate::features::expiry::rules as expiry;
use crate::features::items::rules as items;
use crate::features::items::state::Piece;
use crate::features::risk::rules as risk;
use crate::features::spending::rules::was_held;
use crate::features::waiting::rules::{self as waiting, Waited};
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::Slice;
use crate::kernel::names::Found;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{Day, Money, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::desk::{Redemption, References};
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, MemberRef, SpentRef};
use crate::tables::member::{Hold, RedemptionRef};
use crate::tables::program::Wallet;
use crate::tables::record::{Cause, Record};
use alloc::vec::Vec;

/// For how many days a redemption may count: a month and some.
const COUNTED_DAYS: i32 = 32;

/// Whether the program allows such a redemption or hold from a wallet, whatever the balance.
pub(crate) fn redeemable(
    draft: &Draft<'_>,
    wallet: &Wallet,
    points: Points,
    order: &str,
    total: Option<Money>,
) -> Result<(), Refusal> {
    let rules = &wallet.redeem;
    if rules.min.is_some_and(|min| points < min) {
        return Err(Refusal::RedeemBelowMin);
    }
    if rules.max.is_some_and(|max| points > max) {
        return Err(Refusal::RedeemAboveMax);
    }
    if rules.step.is_some_and(|step| points.0.checked_rem(step.0) != Some(0)) {
        return Err(Refusal::RedeemNotMultiple);
    }
    let order = draft.short(Found::Order, order);
    let taken = |counts: &dyn Fn(u64, Day) -> bool| taken(draft, wallet.id, counts);
    let for_order = |of: u64, _: Day| order != 0 && of == order;
    if let Some(share) = rules.share {
        let total = total.ok_or(Refusal::OrderTotalMissing)?;
        if !share.allows(plus(points, taken(&for_order)), total) {
            return Err(Refusal::RedeemShareExceeded);
        }
    }
    let month = draft.program().calendar.month_end(draft.today());
    let this_month = |_: u64, day: Day| draft.program().calendar.month_end(day) == month;
    if rules.per_order.is_some_and(|most| plus(points, taken(&for_order)) > most) {
        return Err(Refusal::RedeemMaxPerOrder);
    }
    if rules.per_day.is_some_and(|most| plus(points, taken(&|_, day| day == draft.today())) > most) {
        return Err(Refusal::RedeemMaxPerDay);
    }
    if rules.per_month.is_some_and(|most| plus(points, taken(&this_month)) > most) {
        return Err(Refusal::RedeemMaxPerMonth);
    }
    Ok(())
}

/// What is captured and held from a wallet, of certain orders and days.
pub(crate) fn taken(draft: &Draft<'_>, wallet: TermNo, counts: &dyn Fn(u64, Day) -> bool) -> Points {
    let kept = |one: &RedemptionRef| one.points.0.saturating_sub(one.refunded.0);
    let captured = draft.member().redemptions.iter().filter(|one| one.wallet == wallet && counts(one.order, one.day));
    let captured = captured.map(kept);
    let held = draft.member().holds.iter().filter(|hold| hold.wallet == wallet && counts(hold.order, hold.day));
    let held = held.map(|hold: &Hold| hold.points().0);
    Points(captured.chain(held).fold(0, i64::saturating_add))
}

/// Notes that so many points of a wallet were spent, for an order on a day.
pub(crate) fn redeemed(
    draft: &mut Draft<'_>,
    (wallet, order, day): (TermNo, u64, Day),
    points: Points,
    (item, hold): (Option<Piece>, u64),
) {
    // A record is one redemption, of however many captures that had waited for their hold.
    let member = draft.no();
    let same = draft.find_change(|change| match change {
        Change::Redeemed(known) if (known.member, known.wallet) == (member, wallet) => Some(&mut known.points),
        _ => None,
    });
    if let Some(known) = same {
        *known = plus(*known, points);
        return;
    }
    let days = draft.program().refund_days.max(COUNTED_DAYS);
    let forget_before = draft.today().plus(days.saturating_neg());
    draft.change(Change::Redeemed(change::Redeemed {
        member: draft.no(),
        wallet,
        order,
        day,
        points,
        forget_before,
        item,
        hold,
    }));
}

/// A fact: what was paid with points was given back. Told before its redemption, it waits for it.
pub(crate) fn give_back<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    said: &event::RedeemRefunded,
    parties: &References<'a>,
) -> Result<(), Refusal> {
    let horizon = draft.horizon();
    let known = parties.redemptions.iter().filter(|redemption| redemption.known.day >= horizon);
    let known: Vec<Redemption<'a>> = known.copied().collect();
    if known.is_empty() {
        let name = waits_for(draft, &said.redemption, parties).ok_or(Refusal::RedemptionUnknown)?;
        return waiting::overtake(draft, event, name);
    }
    let points = to_give_back(&known, said.points)?;
    risk::observe(draft, event, Points::ZERO)?;
    take_from_last(draft, &known, points);
    Ok(())
}

/// The short name of what a redemption that is not known is waited for by, if it may still come.
fn waits_for(draft: &Draft<'_>, redemption: &SpentRef, parties: &References<'_>) -> Option<u64> {
    match redemption {
        SpentRef::Record(record) => {
            record.short(draft.hiding().key).filter(|_| parties.record.is_none() || parties.is_waiting)
        }
        SpentRef::Order(order) => Some(draft.short(Found::Order, order)),
        SpentRef::Hold(hold) => {
            let name = draft.short(Found::Hold, hold);
            (!was_held(draft, name) || !parties.redemptions.is_empty()).then_some(name)
        }
    }
}

/// How many points come back, if so many are left.
fn to_give_back(redemptions: &[Redemption<'_>], said: Option<Points>) -> Result<Points, Refusal> {
    let left = Points(redemptions.iter().fold(0, |sum, one| left_of(one).0.saturating_add(sum)));
    let points = said.unwrap_or(left);
    if points > left || left.is_zero() { Err(Refusal::RefundOverRedeemed) } else { Ok(points) }
}

/// What of a redemption was not given back.
fn left_of(redemption: &Redemption<'_>) -> Points {
    Points(redemption.known.points.0.saturating_sub(redemption.known.refunded.0))
}

/// Gives points back, of the redemption that comes first as many as there are.
fn take_from_last(draft: &mut Draft<'_>, redemptions: &[Redemption<'_>], mut points: Points) {
    for redemption in redemptions {
        let now = points.min(left_of(redemption));
        if !now.is_zero() {
            give_back_of(draft, redemption, now);
            points = Points(points.0.saturating_sub(now.0));
        }
    }
}

/// Gives points of a redemption back, those first that were taken last: what stays spent is what a
/// smaller redemption would have taken, in whatever parts the rest comes back.
fn give_back_of(draft: &mut Draft<'_>, redemption: &Redemption<'_>, points: Points) {
    let Redemption { owner, known, record } = *redemption;
    draft.lend_to_no(owner, |owner| {
        let (member, redemption) = (owner.no(), known.position);
        owner.change(Change::RedeemRefunded(change::RedeemRefunded { member, redemption, points }));
    });
    if record.verdict.changes.iter().any(|change| is_all(change, plus(known.refunded, points))) {
        items::restock(draft, redemption);
    }
    // What a conversion took in the same record is not of the redemption, and never comes back.
    let is_its = |posting: &&Posting| {
        let own = (posting.member, posting.wallet, posting.rule) == (owner, known.wallet, TermNo::NONE);
        own && posting.to == Account::Redeemed
    };
    let spent = record.verdict.postings.iter().filter(is_its);
    let spent = spent.map(|posting| Slice { expires_at: posting.expires_at, id: posting.lot, left: posting.points });
    for slice in from_behind(spent.rev(), known.refunded, points) {
        put_back(draft, known.wallet, slice);
    }
}

/// Whether so many points are all that were redeemed by this change.
fn is_all(change: &Change, refunded: Points) -> bool {
    matches!(change, Change::Redeemed(change::Redeemed { points, .. }) if *points == refunded)
}

/// A redemption as far as it is of a capture that had waited for its hold: others may be in the same record.
pub(crate) fn of_capture(known: RedemptionRef, capture: &event::Capture) -> RedemptionRef {
    let points = capture.points.map_or(known.points, |points| known.points.min(plus(known.refunded, points)));
    RedemptionRef { points, ..known }
}

/// What waited for the redemption in this very record, as if each had come right behind it.
pub(crate) fn resume_deferred(draft: &mut Draft<'_>, event: &Event<MemberRef>, deferred: &[Waited]) {
    let Some(mut known) = made(draft).filter(|_| !deferred.is_empty()) else { return };
    let record = Record::said(draft.at(), 0, event.clone(), draft.verdict_so_far().clone());
    for (whose, waited, late) in deferred {
        let Cause::Event(Event { body: Body::RedeemRefunded(said), .. }) = late.cause() else { continue };
        let named = match &said.redemption {
            SpentRef::Record(named) => named.as_event(),
            SpentRef::Order(_) | SpentRef::Hold(_) => None,
        };
        let capture = deferred.iter().find_map(|(.., early)| match early.cause() {
            Cause::Event(Event { source, id, body: Body::Capture(capture), .. }) => {
                named.is_some_and(|named| named.is(source, id)).then_some(capture)
            }
            _ => None,
        });
        let its = capture.map_or(known, |capture| of_capture(known, capture));
        let redemption = Redemption { owner: draft.no(), known: its, record: &record };
        waiting::resume(draft, (*whose, waited), |draft| {
            let points = to_give_back(&[redemption], said.points)?;
            take_from_last(draft, &[redemption], points);
            known.refunded = plus(known.refunded, points);
            Ok(())
        });
    }
}

/// The redemption that this record makes.
fn made(draft: &Draft<'_>) -> Option<RedemptionRef> {
    draft.changes().iter().find_map(|change| match change {
        Change::Redeemed(change::Redeemed { member, wallet, order, day, points, hold, .. })
            if *member == draft.no() =>
        {
            let (wallet, order, day, points, hold) = (*wallet, *order, *day, *points, *hold);
            let (position, refunded) = (draft.position(), Points::ZERO);
            Some(RedemptionRef { wallet, order, position, day, points, refunded, hold })
        }
        _ => None,
    })
}

/// Gives back to the lot that points were taken from, with its first expiry, once debt is repaid; what has expired
/// meanwhile does so now, or lives for the grace that the program gives.
fn put_back(draft: &mut Draft<'_>, wallet: TermNo, slice: Slice) {
    let expired = expiry::is_dead(draft, draft.member().purses.of(wallet), &slice);
    let (slice, to) = match draft.program().wallet(wallet).redeem.grace_days {
        Some(days) if expired => {
            let expires_at = draft.program().calendar.start_of(draft.today().plus(days));
            (Slice { expires_at, ..slice }, Account::Available)
        }
        None if expired => (slice, Account::Expired),
        _ => (slice, Account::Available),
    };
    let left = draft.repay(wallet, Account::Redeemed, TermNo::NONE, slice.left, Some(slice));
    draft.post(wallet, (Account::Redeemed, to), Slice { left, ..slice }, TermNo::NONE);
}

fn plus(points: Points, more: Points) -> Points {
    Points(points.0.saturating_add(more.0))
}

/// Of slices that come last first, `points` behind the first `skipped`.
fn from_behind(slices: impl Iterator<Item = Slice>, skipped: Points, points: Points) -> Vec<Slice> {
    let (mut skip, mut missing) = (skipped.0, points.0);
    let mut taken = Vec::new();
    for slice in slices {
        let passed = skip.min(slice.left.0);
        skip = skip.saturating_sub(passed);
        let left = slice.left.0.saturating_sub(passed).min(missing);
        missing = missing.saturating_sub(left);
        if left > 0 {
            taken.push(Slice { left: Points(left), ..slice });
        }
    }
    taken
}
