//! How purchases given back are folded.

use crate::features::returns::change::{self, DeferredApplied, Refunded, TierCounted};
use crate::features::returns::state::{Deferred, LineReturned};
use crate::kernel::units::Day;
use crate::tables::here::{Folds, Here};
use crate::tables::member::Member;

impl Folds for Refunded {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let found = member.purchases.at_mut(self.purchase);
        let found = found.ok_or("no such purchase")?;
        found.refunded.0 = found.refunded.0.checked_add(self.amount.0).ok_or("refund overflows")?;
        Ok(())
    }
}

impl Folds for TierCounted {}

impl Folds for change::LineReturned {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let change::LineReturned { purchase, line, items, amount, .. } = *self;
        let back = LineReturned { purchase, line, items, amount };
        member.returns.get_or_insert_default().lines.add(back).ok_or("what came back of a line overflows")
    }
}

impl Folds for change::Deferred {
    #[inline]
    fn apply(&self, member: &mut Member, here: &Here) -> Result<(), &'static str> {
        member.forget_returns(self.forget_before);
        let deferred = Deferred { order: self.order, position: here.position, day: self.day };
        member.returns.get_or_insert_default().deferred.push(deferred);
        Ok(())
    }
}

impl Folds for DeferredApplied {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let waited = member.returns.as_mut().and_then(|returns| returns.resume_deferred(self.event));
        waited.ok_or("nothing of the kind waits for a purchase")?;
        member.forget_returns(Day(i32::MIN));
        Ok(())
    }
}
