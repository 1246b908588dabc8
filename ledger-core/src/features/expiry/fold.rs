//! How it is folded until when points live, and what can live again.

use crate::features::expiry::change::{self, Expiring, Reinstated, ReminderSet};
use crate::tables::here::{Folds, Here};
use crate::tables::member::{Lapsed, Member, Spell};

impl Folds for change::Spell {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here<'_>) -> Result<(), &'static str> {
        member.purses.of_mut(self.wallet).aside_mut().spell = Some(Spell { since: self.since, until: self.until });
        Ok(())
    }
}

impl Folds for Expiring {}

impl Folds for ReminderSet {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here<'_>) -> Result<(), &'static str> {
        member.purses.of_mut(self.wallet).aside_mut().remind_at = self.at.ever();
        Ok(())
    }
}

impl Folds for change::Lapsed {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here<'_>) -> Result<(), &'static str> {
        let lapsed = &mut member.purses.of_mut(self.wallet).aside_mut().lapsed;
        lapsed.retain(|lapsed| lapsed.day >= self.forget_before);
        match lapsed.last_mut() {
            Some(last) if last.day == self.day => {
                last.points = last.points.plus(self.points).ok_or("points overflow")?
            }
            _ => lapsed.push(Lapsed { day: self.day, points: self.points }),
        }
        Ok(())
    }
}

impl Folds for Reinstated {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here<'_>) -> Result<(), &'static str> {
        let aside = member.purses.of_mut(self.wallet).aside_mut();
        aside.reinstate(self.points, self.lot, self.forget_before).ok_or("more points live again than died")
    }
}
