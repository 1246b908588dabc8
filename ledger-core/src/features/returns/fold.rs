//! How purchases given back are folded.

use crate::features::returns::change::{self, Refunded, TierCounted, Unparked};
use crate::tables::here::{Folds, Here};
use crate::tables::member::{LineReturned, Member, Parked};

impl Folds for Refunded {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here<'_>) -> Result<(), &'static str> {
        let found = member.purchases.iter_mut().find(|known| known.position == self.purchase);
        let found = found.ok_or("no such purchase")?;
        found.refunded.0 = found.refunded.0.checked_add(self.amount.0).ok_or("refund overflows")?;
        Ok(())
    }
}

impl Folds for TierCounted {}

impl Folds for change::LineReturned {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here<'_>) -> Result<(), &'static str> {
        let change::LineReturned { purchase, line, items, amount, .. } = *self;
        let back = LineReturned { purchase, line, items, amount };
        member.take_back(back).ok_or("what came back of a line overflows")
    }
}

impl Folds for change::Parked {
    #[inline]
    fn apply(&self, member: &mut Member, here: &Here<'_>) -> Result<(), &'static str> {
        member.forget_returns(self.forget_before);
        member.park(Parked { order: self.order, position: here.position, day: self.day });
        Ok(())
    }
}

impl Folds for Unparked {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here<'_>) -> Result<(), &'static str> {
        member.unpark(self.event).ok_or("nothing of the kind waits for a purchase")
    }
}
