//! What a member gave to others and got from them.

use crate::kernel::units::{At, Day, Points, TermNo};
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
    /// How many points the member gave on this date, if it is the last on which it gave any.
    pub fn given_on(&self, day: Day) -> Points {
        if self.day == day { self.given } else { Points::ZERO }
    }
}
