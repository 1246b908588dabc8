//! How what members do is folded.

use crate::features::earning::change::{Purchased, ReferredBy};
use crate::features::returns::state::PurchaseRef;
use crate::tables::here::{Folds, Here};
use crate::tables::member::Member;

impl Folds for Purchased {
    #[inline]
    fn apply(&self, member: &mut Member, here: &Here) -> Result<(), &'static str> {
        member.forget_purchases(self.forget_before);
        let (order, position, day) = (self.order, here.position, self.day);
        member.purchases.push(PurchaseRef { order, position, day, refunded: Default::default() });
        Ok(())
    }
}

impl Folds for ReferredBy {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        member.referrer = Some(self.referrer);
        Ok(())
    }
}
