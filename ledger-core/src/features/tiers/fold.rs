//! How tiers, streaks and activity are folded.

use crate::features::tiers::change::{self, Active, TierSet};
use crate::features::tiers::state::{Joined, Streak};
use crate::kernel::units::TermNo;
use crate::tables::here::{Folds, Here};
use crate::tables::member::Member;
use crate::tables::totals::Shared;
use alloc::vec::Vec;

impl Folds for TierSet {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        member.tier.tier = self.to;
        member.tier.unmet_since = self.unmet_since;
        member.tier.due = self.due.ever();
        Ok(())
    }

    #[inline]
    fn add_up(&self, shared: &mut Shared, _: &Here) -> Result<(), &'static str> {
        if self.from == self.to {
            return Ok(());
        }
        total(&mut shared.tiers, self.from, |count| count.checked_sub(1))?;
        total(&mut shared.tiers, self.to, |count| count.checked_add(1))
    }
}

fn total(tiers: &mut Vec<(TermNo, u64)>, tier: TermNo, step: impl Fn(u64) -> Option<u64>) -> Result<(), &'static str> {
    if tier == TermNo::NONE {
        return Ok(());
    }
    let at = match tiers.binary_search_by_key(&tier, |(term, _)| *term) {
        Ok(at) => at,
        Err(at) => {
            tiers.insert(at, (tier, 0));
            at
        }
    };
    let (_, count) = tiers.get_mut(at).ok_or("no such tier")?;
    *count = step(*count).ok_or("more members leave a tier than are in it")?;
    Ok(())
}

impl Folds for change::Streak {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let known = member.streaks.iter_mut().find(|streak| streak.term == self.term);
        let before = known.as_deref().copied().unwrap_or_else(|| Streak::new(self.term, self.day));
        let Joined { streak, .. } = before.with(self.day).ok_or("a day of a streak counts twice")?;
        if streak.count() != self.count {
            return Err("a streak has other days than its record says");
        }
        match known {
            Some(old) => *old = streak,
            None => member.streaks.push(streak),
        }
        Ok(())
    }
}

impl Folds for Active {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        member.dormant_at = self.dormant_at.ever();
        Ok(())
    }
}
