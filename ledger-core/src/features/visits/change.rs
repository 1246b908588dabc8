//! Changes: visits.

use crate::features::visits::state::VisitSpan;
use crate::kernel::units::{MemberNo, TermNo};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A visit begins or carries on, or limits count something else in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visited {
    /// Whose.
    pub member: MemberNo,
    /// When and where it is now: whatever visits lie in it are one with it.
    pub stay: VisitSpan,
    /// What limits count in it beside what they did: points, or how often rules apply.
    pub counted: Vec<(TermNo, i64)>,
}
