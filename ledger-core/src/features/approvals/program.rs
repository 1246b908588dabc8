//! Approvals: how many people must stand for what is done by hand.

use crate::features::approvals::state::ManualAdjustment;
use crate::kernel::units::{DAY_MS, Points};

/// Most people that must stand for something.
pub const PEOPLE_MAX: i64 = 8;

/// How many people must stand for points that are given or taken by hand; where nothing is said, one.
#[derive(Clone, Copy, Debug)]
pub struct Approvals {
    /// For points that are given.
    pub credit: Option<Quorum>,
    /// For points that are taken.
    pub debit: Option<Quorum>,
    /// After how long a proposal has lapsed, in milliseconds.
    pub lapse_ms: i64,
}

/// From how many points on how many people must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// For more points than these ...
    pub over: Points,
    /// ... so many people: 2 to [`PEOPLE_MAX`].
    pub people: usize,
}

impl Default for Approvals {
    fn default() -> Approvals {
        Approvals { credit: None, debit: None, lapse_ms: 30 * DAY_MS }
    }
}

impl Approvals {
    /// The quorum for so many points, if more than one must agree.
    pub fn quorum(&self, adjustment: ManualAdjustment, points: Points) -> Option<&Quorum> {
        let quorum = match adjustment {
            ManualAdjustment::Credit => self.credit.as_ref(),
            ManualAdjustment::Debit => self.debit.as_ref(),
        };
        quorum.filter(|quorum| points > quorum.over)
    }
}
