//! Changes: commands that wait.

use crate::kernel::units::{At, Day, MemberNo};
use serde::{Deserialize, Serialize};

/// The command in this record waits for what it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overtook {
    /// Whose; nobody's if it is of no member.
    pub member: MemberNo,
    /// Short name of what it waits for, by [`NameKey`](crate::kernel::names::NameKey).
    pub name: u64,
    /// The local date on which it came.
    pub day: Day,
    /// The first instant at which it waits no more.
    pub until: At,
}
