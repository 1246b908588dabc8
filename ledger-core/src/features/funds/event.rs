//! Events: points given to good causes.

use crate::kernel::fields::{Fields, Payload};
use crate::kernel::units::Points;
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Command: give points to a fund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Donate {
    /// The fund, by its name in the program. 1 to 128 bytes.
    pub fund: Box<str>,
    /// How many of the fund's wallet, greater than 0.
    pub points: Points,
}

impl Payload for Donate {
    fn limits(&mut self, found: &mut Fields) {
        found.name("fund", &mut self.fund, 1);
        found.amount("points", self.points.0, 1);
    }
}
