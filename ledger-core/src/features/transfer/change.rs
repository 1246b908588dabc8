//! Changes: points from member to member.

use crate::kernel::units::{Day, Points, TermNo};
use serde::{Deserialize, Serialize};

/// The member gave points to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gave {
    /// Of which wallet.
    pub wallet: TermNo,
    /// On which local date.
    pub day: Day,
    /// How many.
    pub points: Points,
}

/// The member got points from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Of which wallet.
    pub wallet: TermNo,
}
