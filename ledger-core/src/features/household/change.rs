//! Changes: who shares with whom.

use crate::kernel::units::MemberNo;
use serde::{Deserialize, Serialize};

/// The member shares with a household.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdJoined {
    /// Which.
    pub household: MemberNo,
}

/// The member shares with none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdLeft;

/// Another shares with the member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberJoined {
    /// Who.
    pub member: MemberNo,
}

/// Another does so no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberLeft {
    /// Who.
    pub member: MemberNo,
}
