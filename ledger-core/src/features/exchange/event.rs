//! Events: points that become a partner's, and back.

use crate::kernel::fields::{Fields, Payload};
use crate::kernel::units::Points;
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Command: points are to become a partner's once it settles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeOut {
    /// The exchange, by its name in the program. 1 to 128 bytes.
    pub exchange: Box<str>,
    /// The partner's reference: one exchange of the member. 1 to 128 bytes.
    pub reference: Box<str>,
    /// How many, greater than 0: a multiple of the rate's.
    pub points: Points,
}

impl Payload for ExchangeOut {
    fn limits(&mut self, found: &mut Fields) {
        found.name("exchange", &mut self.exchange, 1);
        found.name("reference", &mut self.reference, 1);
        found.amount("points", self.points.0, 1);
    }
}

/// Command: a partner's units are to become points once it settles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeIn {
    /// The exchange, by its name in the program. 1 to 128 bytes.
    pub exchange: Box<str>,
    /// The partner's reference: one exchange of the member. 1 to 128 bytes.
    pub reference: Box<str>,
    /// How many, greater than 0: a multiple of the rate's.
    pub units: i64,
}

impl Payload for ExchangeIn {
    fn limits(&mut self, found: &mut Fields) {
        found.name("exchange", &mut self.exchange, 1);
        found.name("reference", &mut self.reference, 1);
        found.amount("units", self.units, 1);
    }
}

/// Control: the partner did its part of an exchange, or will not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeSettled {
    /// The exchange, by its name in the program. 1 to 128 bytes.
    pub exchange: Box<str>,
    /// The partner's reference. 1 to 128 bytes.
    pub reference: Box<str>,
    /// Whether it did.
    pub accepted: bool,
}

impl Payload for ExchangeSettled {
    fn limits(&mut self, found: &mut Fields) {
        found.name("exchange", &mut self.exchange, 1);
        found.name("reference", &mut self.reference, 1);
    }
}
