//! Trace: which rules applied, and what stood between them and the member's points.

use crate::kernel::units::{Points, TermNo};
use serde::{Deserialize, Serialize};

/// A rule that applied to the event, and what it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The rule.
    pub rule: TermNo,
    /// What it came to by itself.
    pub computed: Points,
    /// What was granted.
    pub granted: Points,
    /// Why the two differ, or where the points went.
    pub adjustment: Adjustment,
}

/// What stood between a rule and the member's available points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Adjustment {
    /// Nothing.
    None,
    /// A limit was reached.
    Limit {
        /// Which.
        limit: TermNo,
    },
    /// An open case: the points wait in review.
    Review,
    /// A risk rule denies points.
    Denied,
    /// The member is frozen.
    Frozen,
    /// The member is closed.
    Closed,
    /// The member has as many as the wallet allows.
    MaxBalance,
    /// More was to be taken back than there is, and the wallet lets the rest go.
    Clamped,
    /// Another rule of its group gives more.
    Beaten {
        /// Which.
        by: TermNo,
    },
    /// The wallet's points were to be used by a date that has passed.
    Expired,
    /// Of a refused item: so many pieces were asked for, and so many are left.
    Stock,
    /// Of a refused item: so many points of its wallet were said, and so many it costs.
    Price,
    /// It was told so late that what a limit has left of its time is not known.
    Late {
        /// Which.
        limit: TermNo,
    },
    /// It is history, which another system has rewarded.
    History,
}
