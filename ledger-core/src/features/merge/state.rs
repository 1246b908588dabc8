//! Who is merged into a member.

use crate::kernel::units::{MemberNo, Position};
use serde::{Deserialize, Serialize};

/// Most members merged into one.
pub const MERGED_MAX: usize = 16;

/// A member that is merged into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absorbed {
    /// Which.
    pub member: MemberNo,
    /// The record that merged it.
    pub position: Position,
}
