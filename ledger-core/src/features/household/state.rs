//! Who shares with a household.

use crate::kernel::units::MemberNo;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most members of one household.
pub const HOUSEHOLD_MAX: i64 = 16;

/// What a member shares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharing {
    /// The household it shares with.
    pub household: Option<MemberNo>,
    /// Who shares with it, in the order of joining.
    pub members: Vec<MemberNo>,
}
