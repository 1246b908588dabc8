//! Life: what few members have beside points, each part with its feature. The row keeps it apart.

use crate::features::approvals::state::Proposal;
use crate::features::exchange::state::Exchanges;
use crate::features::household::state::Sharing;
use crate::features::membership::state::Membership;
use crate::features::merge::state::Merges;
use crate::features::transfer::state::Gifts;
use crate::features::visits::state::Visits;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What became of a member beside its points.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// What it may not do any more, and its other names.
    pub membership: Membership,
    /// What the member gave to others and got from them, by wallet, in order of the first time.
    pub gifts: Vec<Gifts>,
    /// The member it is merged into, and those merged into it.
    pub merges: Merges,
    /// What was proposed, oldest first; some may have lapsed.
    pub proposals: Vec<Proposal>,
    /// The household it shares with, and who shares with it.
    pub sharing: Sharing,
    /// Its last visits, where the program counts by them.
    pub visits: Option<Box<Visits>>,
    /// Exchanges that are open, and those remembered.
    pub exchanges: Exchanges,
}

impl Life {
    /// Whether nothing is out of the ordinary: such a life is not kept.
    pub fn is_ordinary(&self) -> bool {
        *self == Life::default()
    }
}
