//! What a member gave to others and got from them.

use crate::kernel::units::{At, Day, Points, TermNo};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What of one wallet went from the member to others, and when some last came: no more than limits ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gifts {
    /// The wallet.
    pub wallet: TermNo,
    /// The last local date on which the member gave any.
    pub day: Day,
    /// How many points it gave on that date.
    pub given: Points,
    /// When the member last got any.
    pub received_at: Option<At>,
}

impl Gifts {
    /// What is known of a wallet, made if nothing is.
    pub(crate) fn of(all: &mut Vec<Gifts>, wallet: TermNo) -> Option<&mut Gifts> {
        let known = all.iter().position(|gifts| gifts.wallet == wallet);
        let at = known.unwrap_or_else(|| {
            all.push(Gifts { wallet, day: Day(i32::MIN), given: Points::ZERO, received_at: None });
            all.len().saturating_sub(1)
        });
        all.get_mut(at)
    }

    /// How many points the member gave on this date, if it is the last on which it gave any.
    pub fn given_on(&self, day: Day) -> Points {
        if self.day == day { self.given } else { Points::ZERO }
    }
}
