//! How purchases given back are folded.

use crate::features::returns::change::{self, DeferredApplied, Refunded, TierCounted};
use crate::features::returns::state::{Deferred, LineReturned, ReversedRefund};
use crate::kernel::units::MemberNo;
use crate::tables::here::{Folds, Here};
use crate::tables::member::Member;
use crate::tables::totals::Shared;

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

impl Folds for change::LineKept {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let change::LineKept { purchase, line, items, amount, .. } = *self;
        let kept = LineReturned { purchase, line, items, amount };
        let returns = member.returns.as_mut().and_then(|returns| returns.lines.keep_again(kept));
        returns.ok_or("more of a line is kept than came back")?;
        member.forget_returns();
        Ok(())
    }
}

impl Folds for change::RefundReversed {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let change::RefundReversed { refund, purchase, amount, .. } = *self;
        let Some(found) = member.purchases.at_mut(purchase) else {
            return if amount.0 == 0 { Ok(()) } else { Err("no such purchase") };
        };
        let left = found.refunded.0.checked_sub(amount.0).filter(|left| *left >= 0);
        found.refunded.0 = left.ok_or("more is kept than was refunded")?;
        member.returns.get_or_insert_default().reversed.push(ReversedRefund { purchase, refund });
        Ok(())
    }
}

impl Folds for change::Deferred {
    #[inline]
    fn apply(&self, member: &mut Member, here: &Here) -> Result<(), &'static str> {
        let change::Deferred { order: name, day, until, .. } = *self;
        let deferred = Deferred { name, position: here.position, day, until };
        member.returns.get_or_insert_default().deferred.push(deferred);
        Ok(())
    }
}

impl Folds for DeferredApplied {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let waited = member.returns.as_mut().and_then(|returns| returns.resume_deferred(self.event));
        waited.ok_or("nothing of the kind waits")?;
        member.forget_returns();
        Ok(())
    }

    #[inline]
    fn add_up(&self, shared: &mut Shared, _: &Here) -> Result<(), &'static str> {
        if self.member == MemberNo::NOBODY {
            let at = shared.waiting.iter().position(|waiting| waiting.position == self.event);
            shared.waiting.remove(at.ok_or("nothing of the kind waits")?);
        }
        Ok(())
    }
}
