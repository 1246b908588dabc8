//! Events: what settles a purchase.

use crate::kernel::fields::{Fields, Payload};
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Fact: a purchase is settled: paid for good, delivered, or whatever the program's points wait for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The order of the purchase.
    pub order: Box<str>,
}

impl Payload for Settled {
    fn limits(&mut self, found: &mut Fields) {
        found.name("order", &mut self.order, 1);
    }
}
