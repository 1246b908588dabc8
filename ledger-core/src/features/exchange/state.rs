//! Exchanges that are open, and those remembered.

use crate::kernel::lots::Slice;
use crate::kernel::sealed::HiddenName;
use crate::kernel::units::{At, Points, TermNo};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most open exchanges of one member.
pub const EXCHANGES_MAX: usize = 64;
/// Most closed exchanges remembered, so that a partner's reference is not used again.
pub const CLOSED_EXCHANGES_MAX: usize = 64;

/// Exchanges of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanges {
    /// Those that no partner has settled yet, oldest first.
    pub open: Vec<OpenExchange>,
    /// The last that are settled or lapsed, by exchange and short name of the reference, oldest first.
    pub closed: Vec<(TermNo, u64)>,
}

/// An exchange that its partner has not settled yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenExchange {
    /// Which, by the program.
    pub exchange: TermNo,
    /// The partner's reference.
    pub reference: HiddenName,
    /// Whether points come in, or go out.
    pub inward: bool,
    /// The wallet.
    pub wallet: TermNo,
    /// How many points.
    pub points: Points,
    /// How many of the partner's units.
    pub units: i64,
    /// What is set aside of the member's lots; nothing if points come in.
    pub slices: Vec<Slice>,
    /// The first instant at which it is undone.
    pub lapses_at: At,
}
