//! How commands that wait are folded: into their member's row, or into that of the totals if they are of nobody.

use crate::features::waiting::change::Overtook;
use crate::kernel::units::MemberNo;
use crate::tables::here::{Folds, Here};
use crate::tables::member::{Deferred, Member};
use crate::tables::totals::Shared;

impl Overtook {
    fn waiting(&self, here: &Here) -> Deferred {
        let Overtook { name, day, until, .. } = *self;
        Deferred { name, position: here.position, day, until }
    }
}

impl Folds for Overtook {
    #[inline]
    fn apply(&self, member: &mut Member, here: &Here) -> Result<(), &'static str> {
        member.returns.get_or_insert_default().overtaken.push(self.waiting(here));
        Ok(())
    }

    #[inline]
    fn add_up(&self, shared: &mut Shared, here: &Here) -> Result<(), &'static str> {
        if self.member == MemberNo::NOBODY {
            shared.waiting.push(self.waiting(here));
        }
        Ok(())
    }
}
