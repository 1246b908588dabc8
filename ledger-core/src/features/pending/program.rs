//! Pending: how long new points wait before they can be spent.

use crate::kernel::units::Points;

/// How long new points wait before they can be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Only if they are more than so many at once.
    pub over: Points,
    /// Until when.
    pub until: PendingUntil,
}

/// What new points wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingUntil {
    /// The start of the local date so many days behind the one they were earned on.
    Days(i32),
    /// Their purchase is settled; of anything else, nothing.
    Settled,
}
