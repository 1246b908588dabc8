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
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::Slice;
use crate::kernel::names::Found;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{Day, Money, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::desk::Redemption;
use crate::tables::draft::Draft;
use crate::tables::event::{self, Event, MemberRef};
use crate::tables::member::{Hold, RedemptionRef};
use crate::tables::program::Wallet;
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
    item: Option<Piece>,
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
    }));
}

/// Gives points of a redemption back, those first that were taken last: what stays spent is what a
/// smaller redemption would have taken, in whatever parts the rest comes back.
pub(crate) fn give_back<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    said: &event::RedeemRefunded,
    redemption: Option<Redemption<'a>>,
) -> Result<(), Refusal> {
    let known = |redemption: &Redemption<'_>| redemption.known.day >= draft.horizon();
    let redemption = redemption.filter(known).ok_or(Refusal::RedemptionUnknown)?;
    let Redemption { owner, known, record } = redemption;
    let left = Points(known.points.0.saturating_sub(known.refunded.0));
    let points = said.points.unwrap_or(left);
    if points > left || left.is_zero() {
        return Err(Refusal::RefundOverRedeemed);
    }
    risk::observe(draft, event, Points::ZERO)?;
    draft.lend_to_no(owner, |owner| {
        let (member, redemption) = (owner.no(), known.position);
        owner.change(Change::RedeemRefunded(change::RedeemRefunded { member, redemption, points }));
    });
    if points == left {
        items::restock(draft, &redemption);
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
    Ok(())
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
