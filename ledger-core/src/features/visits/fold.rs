//! How visits are folded.

use crate::features::visits::change::Visited;
use crate::tables::here::{Folds, Here};
use crate::tables::member::Member;

impl Folds for Visited {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let visits = member.life.get_or_insert_default().visits.get_or_insert_default();
        visits.extend_visit(self.stay, &self.counted).ok_or("a visit does not add up")
    }
}
