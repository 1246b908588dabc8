//! Changes: what is counted.

use crate::kernel::counter::Key;
use crate::kernel::units::{Day, MemberNo, TermNo};
use serde::{Deserialize, Serialize};

/// Something was counted: a tier metric, a limit or a risk counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// For whom.
    pub key: Key,
    /// By which metric, limit or counter.
    pub term: TermNo,
    /// In which bucket of time.
    pub bucket: i32,
    /// Earlier buckets are no longer needed.
    pub keep_from: i32,
    /// How much.
    pub amount: i64,
    /// Who did it, where distinct members are counted; else nobody.
    pub seen: MemberNo,
}

/// The event happened longer ago than the program lets things be told late: windows of its date may not be known any
/// more, and what they do not know is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldLate {
    /// Whose event.
    pub member: MemberNo,
    /// The local date on which it happened.
    pub day: Day,
    /// The first date of which things could still be told.
    pub since: Day,
}
