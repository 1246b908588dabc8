//! Conversions: so many points of one wallet that become points of another.

use crate::kernel::units::{Points, TermNo};

/// So many points of one wallet become points of another as soon as they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Its name.
    pub id: TermNo,
    /// The wallet it takes from.
    pub from: TermNo,
    /// How many points it takes at once, more than 0.
    pub takes: Points,
    /// The wallet it gives to.
    pub to: TermNo,
    /// How many points it gives for them, more than 0.
    pub gives: Points,
}
