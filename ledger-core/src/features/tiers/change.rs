//! Changes: tiers, streaks and activity.

use crate::kernel::units::{At, Day, MemberNo, TermNo};
use serde::{Deserialize, Serialize};

/// The member's tier, or its footing, changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierSet {
    /// Who.
    pub member: MemberNo,
    /// The tier before.
    pub from: TermNo,
    /// The tier now.
    pub to: TermNo,
    /// Since when the member falls short of the tier, if so.
    pub unmet_since: Option<Day>,
    /// When the tier must be looked at again.
    pub due: At,
    /// Why.
    pub why: TierWhy,
}

/// One more day of a streak counted, which may have been told late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// Whose.
    pub member: MemberNo,
    /// Which.
    pub term: TermNo,
    /// Days in a row that end with the last one of the streak.
    pub count: u32,
    /// The day that counted.
    pub day: Day,
}

/// The member was active; dormancy begins at this instant, or never until active again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// Who.
    pub member: MemberNo,
    /// When inactivity is due.
    pub dormant_at: At,
}

/// Why a tier or its footing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TierWhy {
    /// The member is new.
    Joined,
    /// The metric reached a higher tier.
    Earned,
    /// A streak, ladder or the like gave it.
    Granted,
    /// The footing changed, the tier did not.
    Progress,
    /// The tier was not earned for too long.
    Lapsed,
    /// The member came from another system with it.
    Opened,
}
