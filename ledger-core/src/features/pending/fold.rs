//! How it is folded until when points wait.

use crate::features::pending::change::PendingUntil;
use crate::tables::here::{Folds, Here};
use crate::tables::member::Member;

impl Folds for PendingUntil {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        member.purses.of_mut(self.wallet).waiting_mut().wait(self.lot, self.until);
        Ok(())
    }
}
