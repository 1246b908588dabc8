//! How it is folded who shares with whom.

use crate::features::household::change::{HouseholdJoined, HouseholdLeft, MemberJoined, MemberLeft};
use crate::tables::here::{FoldsLife, Here};
use crate::tables::life::Life;

impl FoldsLife for HouseholdJoined {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        match life.sharing.household.replace(self.household) {
            Some(_) => Err("a member joins two households"),
            None => Ok(()),
        }
    }
}

impl FoldsLife for HouseholdLeft {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        life.sharing.household.take().map(drop).ok_or("a member leaves no household")
    }
}

impl FoldsLife for MemberJoined {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        life.sharing.members.push(self.member);
        Ok(())
    }
}

impl FoldsLife for MemberLeft {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        let at = life.sharing.members.iter().position(|one| *one == self.member);
        life.sharing.members.remove(at.ok_or("no such member of the household")?);
        Ok(())
    }
}
