//! Changes: two members that are one.

use crate::kernel::units::MemberNo;
use serde::{Deserialize, Serialize};

/// The member is merged into another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedInto {
    /// Which.
    pub member: MemberNo,
}

/// Another is merged into the member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absorbed {
    /// Which.
    pub member: MemberNo,
}

/// The member stands for itself again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmerged;

/// Another stands for itself again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Which.
    pub member: MemberNo,
}
