//! How merges are folded.

use crate::features::merge::change::{self, MergedInto, Released, Unmerged};
use crate::features::merge::state::Absorbed;
use crate::tables::here::{FoldsLife, Here};
use crate::tables::life::Life;

impl FoldsLife for MergedInto {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        match life.merges.into.replace(self.member) {
            Some(_) => Err("a member is merged twice"),
            None => Ok(()),
        }
    }
}

impl FoldsLife for change::Absorbed {
    #[inline]
    fn apply(&self, life: &mut Life, here: &Here) -> Result<(), &'static str> {
        life.merges.absorbed.push(Absorbed { member: self.member, position: here.position });
        Ok(())
    }
}

impl FoldsLife for Unmerged {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        life.merges.into.take().map(drop).ok_or("a member is unmerged that is not merged")
    }
}

impl FoldsLife for Released {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        let at = life.merges.absorbed.iter().position(|one| one.member == self.member);
        life.merges.absorbed.remove(at.ok_or("no such member is merged")?);
        Ok(())
    }
}
