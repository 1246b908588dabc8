//! Events: points given and taken by hand, and who agrees to it.

use crate::kernel::fields::{Fields, NOTE_BYTES_MAX, Payload};
use crate::kernel::names::{Name, RecordRef};
use crate::kernel::units::Points;
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Command: give points by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit<S> {
    /// To which wallet; the program's first if empty.
    pub wallet: Box<str>,
    /// How many, greater than 0.
    pub points: Points,
    /// Why. 1 to 512 bytes.
    pub reason: Box<str>,
    /// Who of the staff stands for it, up to 64 bytes; may be empty where the program asks for nobody.
    pub by: S,
}

impl<S> Credit<S> {
    /// The same, speaking otherwise of the staff.
    pub(crate) fn map<T>(self, staff: impl FnOnce(S) -> T) -> Credit<T> {
        let Credit { wallet, points, reason, by } = self;
        Credit { wallet, points, reason, by: staff(by) }
    }
}

impl Payload for Credit<Name> {
    fn limits(&mut self, found: &mut Fields) {
        by_hand_limits(found, &mut self.wallet, self.points, (&self.reason, &mut self.by));
    }
}

/// Command: take points by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debit<S> {
    /// From which wallet; the program's first if empty.
    pub wallet: Box<str>,
    /// How many, greater than 0.
    pub points: Points,
    /// Why. 1 to 512 bytes.
    pub reason: Box<str>,
    /// Who of the staff stands for it; as of a credit.
    pub by: S,
}

impl<S> Debit<S> {
    /// The same, speaking otherwise of the staff.
    pub(crate) fn map<T>(self, staff: impl FnOnce(S) -> T) -> Debit<T> {
        let Debit { wallet, points, reason, by } = self;
        Debit { wallet, points, reason, by: staff(by) }
    }
}

impl Payload for Debit<Name> {
    fn limits(&mut self, found: &mut Fields) {
        by_hand_limits(found, &mut self.wallet, self.points, (&self.reason, &mut self.by));
    }
}

/// Command: one more stands for what was proposed; it is carried out once as many do as the program asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved<S> {
    /// The record that proposed it.
    pub proposal: RecordRef,
    /// Who of the staff. 1 to 64 bytes.
    pub by: S,
}

impl<S> Approved<S> {
    /// The same, speaking otherwise of the staff.
    pub(crate) fn map<T>(self, staff: impl FnOnce(S) -> T) -> Approved<T> {
        let Approved { proposal, by } = self;
        Approved { proposal, by: staff(by) }
    }
}

impl Payload for Approved<Name> {
    fn limits(&mut self, found: &mut Fields) {
        found.record("event", &mut self.proposal);
        found.staff("by", &mut self.by, 1);
    }
}

/// Control: what was proposed is not to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn<S> {
    /// The record that proposed it.
    pub proposal: RecordRef,
    /// Who of the staff says so. 1 to 64 bytes.
    pub by: S,
    /// Why. 1 to 512 bytes.
    pub reason: Box<str>,
}

impl<S> Withdrawn<S> {
    /// The same, speaking otherwise of the staff.
    pub(crate) fn map<T>(self, staff: impl FnOnce(S) -> T) -> Withdrawn<T> {
        let Withdrawn { proposal, by, reason } = self;
        Withdrawn { proposal, by: staff(by), reason }
    }
}

impl Payload for Withdrawn<Name> {
    fn limits(&mut self, found: &mut Fields) {
        found.record("event", &mut self.proposal);
        found.staff("by", &mut self.by, 1);
        found.text("reason", &self.reason, 1, NOTE_BYTES_MAX);
    }
}

/// The limits of what is given or taken by hand.
fn by_hand_limits(found: &mut Fields, wallet: &mut Name, points: Points, (reason, by): (&str, &mut Name)) {
    found.name("wallet", wallet, 0);
    found.amount("points", points.0, 1);
    found.text("reason", reason, 1, NOTE_BYTES_MAX);
    found.staff("by", by, 0);
}
