//! Where a member stands, and what it does day after day.

use crate::kernel::units::{At, Day, TermNo};
use serde::{Deserialize, Serialize};

/// Tier and footing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierState {
    /// The tier.
    pub tier: TermNo,
    /// Since when the member falls short of it.
    pub unmet_since: Option<Day>,
    /// When it must be looked at again: when the metric falls short, or when the patience ends.
    pub due: Option<At>,
}

/// Days in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// Which streak.
    pub term: TermNo,
    /// How many days.
    pub count: u32,
    /// The last of them.
    pub last: Day,
}
