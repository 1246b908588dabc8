//! Redemptions: what they must keep to, and how they are given back.
//!
//! The rules are the wallet's. What counts for an order, a day or a month is worked out from the
//! member's own holds and redemptions from it: held points count from the day they were held, released
//! points never did, points given back no longer do. So a limit that is new or changed in the program in
//! force is exact at once.

use crate::features::items::state::Piece;
use crate::kernel::account::Account;
use crate::kernel::lots::Slice;
use crate::kernel::names::order_hash;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{Day, Money, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::{Draft, Redemption};
use crate::tables::event::{Event, Who};
use crate::tables::member::{Hold, RedemptionRef};
use crate::tables::program::Wallet;
use alloc::vec::Vec;

/// For how many days a redemption may count: a month and some.
const COUNTED_DAYS: i32 = 32;

/// The short name of an order; 0 for none.
pub(crate) fn hash_of(order: &str) -> u64 {
    if order.is_empty() { 0 } else { order_hash(order) }
}

impl<'a> Draft<'a> {
    /// Whether the program allows such a redemption or hold from a wallet, whatever the balance.
    pub(crate) fn redeemable(
        &self,
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
            return Err(Refusal::RedeemNotInSteps);
        }
        let order = hash_of(order);
        let taken = |counts: &dyn Fn(u64, Day) -> bool| self.taken(wallet.id, counts);
        let for_order = |of: u64, _: Day| order != 0 && of == order;
        if let Some(share) = rules.share {
            let total = total.ok_or(Refusal::OrderTotalMissing)?;
            if !share.allows(plus(points, taken(&for_order)), total) {
                return Err(Refusal::RedeemShareExceeded);
            }
        }
        let month = self.program.calendar.month_end(self.today);
        let this_month = |_: u64, day: Day| self.program.calendar.month_end(day) == month;
        if rules.per_order.is_some_and(|most| plus(points, taken(&for_order)) > most) {
            return Err(Refusal::RedeemMaxPerOrder);
        }
        if rules.per_day.is_some_and(|most| plus(points, taken(&|_, day| day == self.today)) > most) {
            return Err(Refusal::RedeemMaxPerDay);
        }
        if rules.per_month.is_some_and(|most| plus(points, taken(&this_month)) > most) {
            return Err(Refusal::RedeemMaxPerMonth);
        }
        Ok(())
    }

    /// What is captured and held from a wallet, of certain orders and days.
    pub(crate) fn taken(&self, wallet: TermNo, counts: &dyn Fn(u64, Day) -> bool) -> Points {
        let kept = |one: &RedemptionRef| one.points.0.saturating_sub(one.refunded.0);
        let captured = self.member.redemptions.iter().filter(|one| one.wallet == wallet && counts(one.order, one.day));
        let captured = captured.map(kept);
        let held = self.member.holds.iter().filter(|hold| hold.wallet == wallet && counts(hold.order, hold.day));
        let held = held.map(|hold: &Hold| hold.points().0);
        Points(captured.chain(held).fold(0, i64::saturating_add))
    }

    /// Notes that so many points of a wallet were spent, for an order on a day.
    pub(crate) fn redeemed(&mut self, (wallet, order, day): (TermNo, u64, Day), points: Points, item: Option<Piece>) {
        let days = self.program.refund_days.max(COUNTED_DAYS);
        let forget_before = self.today.plus(days.saturating_neg());
        self.change(Change::Redeemed(change::Redeemed {
            member: self.no,
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
    pub(crate) fn refund_redemption(
        &mut self,
        event: &Event<Who>,
        redemption: Option<Redemption<'a>>,
        points: Option<Points>,
    ) -> Result<(), Refusal> {
        let known = |redemption: &Redemption<'_>| redemption.known.day >= self.horizon();
        let redemption = redemption.filter(known).ok_or(Refusal::RedemptionUnknown)?;
        let Redemption { owner, known, record } = redemption;
        let left = Points(known.points.0.saturating_sub(known.refunded.0));
        let points = points.unwrap_or(left);
        if points > left || left.is_zero() {
            return Err(Refusal::RefundOverRedeemed);
        }
        self.observe(event)?;
        self.change(Change::RedeemRefunded(change::RedeemRefunded {
            member: owner,
            redemption: known.position,
            points,
        }));
        if points == left {
            self.restock(&redemption);
        }
        let spent = record.verdict.postings.iter().filter(|posting| posting.to == Account::Redeemed);
        let spent =
            spent.map(|posting| Slice { expires_at: posting.expires_at, id: posting.lot, left: posting.points });
        for slice in from_behind(spent.rev(), known.refunded, points) {
            self.give_back(known.wallet, slice);
        }
        Ok(())
    }

    /// Gives back to the lot that points were taken from, with its first expiry; what has expired
    /// meanwhile does so now, or lives for the grace that the program gives.
    fn give_back(&mut self, wallet: TermNo, slice: Slice) {
        let expired = self.is_dead(self.member.purses.of(wallet), &slice);
        let slice = match self.program.wallet(wallet).redeem.grace_days {
            Some(days) if expired => {
                Slice { expires_at: self.program.calendar.start_of(self.today.plus(days)), ..slice }
            }
            None if expired => {
                return self.post(wallet, (Account::Redeemed, Account::Expired), slice, TermNo::NONE);
            }
            _ => slice,
        };
        let left = self.repay(wallet, Account::Redeemed, TermNo::NONE, slice.left, Some(slice));
        self.post(wallet, (Account::Redeemed, Account::Available), Slice { left, ..slice }, TermNo::NONE);
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
