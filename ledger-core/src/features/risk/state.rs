//! Cases.

use crate::features::risk::change::CaseOpened;
use crate::features::risk::event::Finding;
use crate::kernel::units::{At, Position};
use serde::{Deserialize, Serialize};

/// A risk case: the flag, its evidence and its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The last record folded into this row.
    pub position: Position,
    /// When it was opened.
    pub at: At,
    /// What was seen; members that joined later are among the members.
    pub opened: CaseOpened,
    /// What was found, once it was.
    pub finding: Option<Finding>,
}
