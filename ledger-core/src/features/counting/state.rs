//! Counters of risk keys, and of everybody.

use crate::kernel::counter::Counter;
use crate::kernel::units::Position;
use serde::{Deserialize, Serialize};

/// A risk counter with the position it has applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterRow {
    /// The last record folded into this row.
    pub position: Position,
    /// The counter.
    pub counter: Counter,
}
