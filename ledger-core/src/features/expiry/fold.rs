//! How it is folded until when points live, and what can live again.

use crate::features::expiry::change::{self, DiedOnce, Expiring, Reinstated, ReminderSet};
use crate::features::expiry::state::ActivityExpiry;
use crate::tables::here::{Folds, Here};
use crate::tables::member::Member;

impl Folds for change::ActivityExpirySet {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        member.purses.of_mut(self.wallet).lifetimes_mut().spell =
            Some(ActivityExpiry { since: self.since, until: self.until });
        Ok(())
    }
}

impl Folds for Expiring {}

impl Folds for ReminderSet {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        member.purses.of_mut(self.wallet).lifetimes_mut().remind_at = self.at.ever();
        Ok(())
    }
}

impl Folds for change::ExpiredRecently {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let lifetimes = member.purses.of_mut(self.wallet).lifetimes_mut();
        lifetimes.lapse(self.day, self.points, self.forget_before).ok_or("points overflow")
    }
}

impl Folds for DiedOnce {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        member.purses.of_mut(self.wallet).lifetimes_mut().mark(self.lot);
        Ok(())
    }
}

impl Folds for Reinstated {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let lifetimes = member.purses.of_mut(self.wallet).lifetimes_mut();
        lifetimes.reinstate(self.points, self.lot, self.forget_before).ok_or("more points live again than died")
    }
}
