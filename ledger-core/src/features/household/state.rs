//! Who shares with a household.

/// Most members of one household.
pub const HOUSEHOLD_MAX: usize = 16;
