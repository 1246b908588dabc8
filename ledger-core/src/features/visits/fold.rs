//! How visits are folded.

use crate::features::visits::change::Visited;
use crate::kernel::counter;
use crate::tables::here::{Folds, Here};
use crate::tables::member::Member;
use crate::tables::state::State;

impl Folds for Visited {
    #[inline]
    fn fits(&self, state: &State) -> bool {
        let known = state.member(self.member).and_then(Member::visits);
        let fits = |(limit, more): &(_, _)| {
            known.is_none_or(|visits| counter::fits(visits.counted_in(&self.stay, *limit), *more))
        };
        self.counted.iter().all(fits)
    }

    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let visits = member.life.get_or_insert_default().visits.get_or_insert_default();
        visits.extend_visit(self.stay, &self.counted).ok_or("a visit does not add up")
    }
}
