//! How it is folded that a member came from another system.

use crate::features::opening::change::Opened;
use crate::tables::here::{Folds, Here};
use crate::tables::member::Member;

impl Folds for Opened {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        if core::mem::replace(&mut member.opened, true) {
            return Err("a member comes from another system twice");
        }
        member.enrolled_at = self.enrolled_at.or(member.enrolled_at);
        member.birthday = self.birthday.or(member.birthday);
        for streak in &self.streaks {
            match member.streaks.iter_mut().find(|known| known.term == streak.term) {
                Some(known) => *known = *streak,
                None => member.streaks.push(*streak),
            }
        }
        Ok(())
    }
}
