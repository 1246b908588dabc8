//! Who is merged into a member.

use crate::kernel::units::{MemberNo, Position};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most members merged into one.
pub const MERGED_MAX: usize = 16;

/// Merges of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merges {
    /// The member it is merged into.
    pub into: Option<MemberNo>,
    /// Members merged into it, oldest first.
    pub absorbed: Vec<Absorbed>,
}

/// A member that is merged into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absorbed {
    /// Which.
    pub member: MemberNo,
    /// The record that merged it.
    pub position: Position,
}
