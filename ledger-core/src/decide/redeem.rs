//! Redemptions: what they must keep to, and how they are given back.
//!
//! What counts for an order, a day or a month is worked out from the member's own holds and
//! redemptions: held points count from the day they were held, released points never did, points given
//! back no longer do. So a limit that is new or changed in the program in force is exact at once.

use super::{Draft, Redemption};
use crate::event::{Event, Who};
use crate::lots::Slice;
use crate::member::{Hold, RedemptionRef};
use crate::record::{Account, Change, order_hash};
use crate::refusal::Refusal;
use crate::units::{Day, Money, Points, TermNo};
use alloc::vec::Vec;

/// For how many days a redemption may count: a month and some.
const COUNTED_DAYS: i32 = 32;

/// The short name of an order; 0 for none.
pub(super) fn hash_of(order: &str) -> u64 {
    if order.is_empty() { 0 } else { order_hash(order) }
}

impl<'a> Draft<'a> {
    /// Refuses a redemption or hold that the program does not allow, whatever the balance.
    pub(super) fn may_redeem(&self, points: Points, order: &str, total: Option<Money>) -> Result<(), Refusal> {
        let rules = &self.program.redeem;
        if rules.min.is_some_and(|min| points < min) {
            return Err(Refusal::RedeemBelowMin);
        }
        if rules.max.is_some_and(|max| points > max) {
            return Err(Refusal::RedeemAboveMax);
        }
        if rules.step.is_some_and(|step| points.0.checked_rem(step.0) != Some(0)) {
            return Err(Refusal::RedeemNotInSteps);
        }
        let order = hash_of(order);
        let for_order = |of: u64, _: Day| order != 0 && of == order;
        if let Some(share) = rules.share {
            let total = total.ok_or(Refusal::OrderTotalMissing)?;
            if !share.allows(plus(points, self.taken(for_order)), total) {
                return Err(Refusal::RedeemShareExceeded);
            }
        }
        let month = self.program.calendar.month_end(self.today);
        let this_month = |_, day| self.program.calendar.month_end(day) == month;
        if rules.per_order.is_some_and(|most| plus(points, self.taken(for_order)) > most) {
            return Err(Refusal::RedeemMaxPerOrder);
        }
        if rules.per_day.is_some_and(|most| plus(points, self.taken(|_, day| day == self.today)) > most) {
            return Err(Refusal::RedeemMaxPerDay);
        }
        if rules.per_month.is_some_and(|most| plus(points, self.taken(this_month)) > most) {
            return Err(Refusal::RedeemMaxPerMonth);
        }
        Ok(())
    }

    /// What is captured and held of certain orders and days.
    fn taken(&self, counts: impl Fn(u64, Day) -> bool) -> Points {
        let kept = |one: &RedemptionRef| one.points.0.saturating_sub(one.refunded.0);
        let captured = self.member.redemptions.iter().filter(|one| counts(one.order, one.day)).map(kept);
        let held = self.member.holds.iter().filter(|hold| counts(hold.order, hold.day));
        let held = held.map(|hold: &Hold| hold.points().0);
        Points(captured.chain(held).fold(0, i64::saturating_add))
    }

    /// Notes that so many points were spent.
    pub(super) fn redeemed(&mut self, order: u64, day: Day, points: Points) {
        let days = self.program.wallet.refund_days.max(COUNTED_DAYS);
        let forget_before = self.today.plus(days.saturating_neg());
        self.change(Change::Redeemed { member: self.no, order, day, points, forget_before });
    }

    /// Gives points of a redemption back, those first that were to expire last: what stays spent is what
    /// a smaller redemption would have taken, in whatever parts the rest comes back.
    pub(super) fn refund_redemption(
        &mut self,
        event: &Event<Who>,
        redemption: Option<Redemption<'a>>,
        points: Option<Points>,
    ) -> Result<(), Refusal> {
        let known = |redemption: &Redemption<'_>| redemption.known.day >= self.horizon();
        let Redemption { known, record } = redemption.filter(known).ok_or(Refusal::RedemptionUnknown)?;
        let left = Points(known.points.0.saturating_sub(known.refunded.0));
        let points = points.unwrap_or(left);
        if points > left || left.is_zero() {
            return Err(Refusal::RefundOverRedeemed);
        }
        self.observe(event)?;
        self.change(Change::RedeemRefunded { member: self.no, redemption: known.position, points });
        let spent = record.verdict.postings.iter().filter(|posting| posting.to == Account::Redeemed);
        let spent =
            spent.map(|posting| Slice { expires_at: posting.expires_at, id: posting.lot, left: posting.points });
        for slice in from_behind(spent.rev(), known.refunded, points) {
            self.give_back(slice);
        }
        Ok(())
    }

    /// Gives back to the lot that points were taken from, with its first expiry; what has expired
    /// meanwhile does so now, or lives for the grace that the program gives.
    fn give_back(&mut self, slice: Slice) {
        let expired = slice.expires_at <= self.desk.at;
        let slice = match self.program.redeem.grace_days {
            Some(days) if expired => {
                Slice { expires_at: self.program.calendar.start_of(self.today.plus(days)), ..slice }
            }
            None if expired => return self.post(Account::Redeemed, Account::Expired, slice, TermNo::NONE),
            _ => slice,
        };
        let left = self.repay(Account::Redeemed, TermNo::NONE, slice.left, Some(slice));
        self.post(Account::Redeemed, Account::Available, Slice { left, ..slice }, TermNo::NONE);
    }
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
