//! Changes: members that come from another system.

use crate::features::membership::state::Birthday;
use crate::features::tiers::state::Streak;
use crate::kernel::units::{At, MemberNo};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The member came from another system: it does so once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Who.
    pub member: MemberNo,
    /// When it enrolled, if this says so.
    pub enrolled_at: Option<At>,
    /// Its birthday, if this says so.
    pub birthday: Option<Birthday>,
    /// Its streaks that are others now.
    pub streaks: Vec<Streak>,
}
