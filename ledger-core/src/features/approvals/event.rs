//! Events: points given and taken by hand, and who agrees to it.

use crate::kernel::fields::{Fields, NOTE_BYTES_MAX, Payload, STAFF_BYTES_MAX};
use crate::kernel::units::{Points, Position};
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Command: give points by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// To which wallet; the program's first if empty.
    pub wallet: Box<str>,
    /// How many, greater than 0.
    pub points: Points,
    /// Why. 1 to 512 bytes.
    pub reason: Box<str>,
    /// Who of the staff stands for it, up to 64 bytes; may be empty where the program asks for nobody.
    pub by: Box<str>,
}

impl Payload for Credit {
    fn limits(&self, found: &mut Fields) {
        by_hand_limits(found, &self.wallet, self.points, (&self.reason, &self.by));
    }
}

/// Command: take points by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debit {
    /// From which wallet; the program's first if empty.
    pub wallet: Box<str>,
    /// How many, greater than 0.
    pub points: Points,
    /// Why. 1 to 512 bytes.
    pub reason: Box<str>,
    /// Who of the staff stands for it; as of a credit.
    pub by: Box<str>,
}

impl Payload for Debit {
    fn limits(&self, found: &mut Fields) {
        by_hand_limits(found, &self.wallet, self.points, (&self.reason, &self.by));
    }
}

/// Command: one more stands for what was proposed; it is carried out once as many do as the program asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The record that proposed it, as its outcome told.
    pub proposal: Position,
    /// Who of the staff. 1 to 64 bytes.
    pub by: Box<str>,
}

impl Payload for Approved {
    fn limits(&self, found: &mut Fields) {
        found.text("by", &self.by, 1, STAFF_BYTES_MAX);
    }
}

/// Control: what was proposed is not to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// The record that proposed it.
    pub proposal: Position,
    /// Who of the staff says so. 1 to 64 bytes.
    pub by: Box<str>,
    /// Why. 1 to 512 bytes.
    pub reason: Box<str>,
}

impl Payload for Withdrawn {
    fn limits(&self, found: &mut Fields) {
        found.text("by", &self.by, 1, STAFF_BYTES_MAX);
        found.text("reason", &self.reason, 1, NOTE_BYTES_MAX);
    }
}

/// The limits of what is given or taken by hand.
fn by_hand_limits(found: &mut Fields, wallet: &str, points: Points, (reason, by): (&str, &str)) {
    found.name("wallet", wallet, 0);
    found.amount("points", points.0, 1);
    found.text("reason", reason, 1, NOTE_BYTES_MAX);
    found.text("by", by, 0, STAFF_BYTES_MAX);
}
