//! How it is folded what members give to each other.

use crate::features::transfer::change::{Gave, Received};
use crate::features::transfer::state::Gifts;
use crate::tables::here::{FoldsLife, Here};
use crate::tables::life::Life;

impl FoldsLife for Gave {
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
