//! How it is folded what members give to each other.

use crate::features::transfer::change::{Gave, Received};
use crate::features::transfer::state::Gifts;
use crate::kernel::counter;
use crate::tables::here::{FoldsLife, Here};
use crate::tables::life::Life;
use crate::tables::member::Member;

impl FoldsLife for Gave {
    #[inline]
    fn fits(&self, member: &Member) -> bool {
        member.gifts_of(self.wallet).is_none_or(|gifts| counter::fits(gifts.given_on(self.day).0, self.points.0))
    }

    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        let gifts = Gifts::of(&mut life.gifts, self.wallet).ok_or("no such gifts")?;
        let given = gifts.given_on(self.day).plus(self.points).ok_or("points given overflow")?;
        (gifts.day, gifts.given) = (self.day, given);
        Ok(())
    }
}

impl FoldsLife for Received {
    #[inline]
    fn apply(&self, life: &mut Life, here: &Here) -> Result<(), &'static str> {
        Gifts::of(&mut life.gifts, self.wallet).ok_or("no such gifts")?.received_at = Some(here.at);
        Ok(())
    }
}
