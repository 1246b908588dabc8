//! Events: points from member to member.

use crate::kernel::fields::{Fields, NOTE_BYTES_MAX, Payload};
use crate::kernel::names::Name;
use crate::kernel::units::Points;
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Command: give points to another member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer<W> {
    /// Who gets them.
    pub to: W,
    /// From which wallet, and to which; the program's first if empty.
    pub wallet: Box<str>,
    /// How many the member gives, greater than 0; the program's fee is taken of them.
    pub points: Points,
    /// Why. Up to 512 bytes.
    pub note: Box<str>,
}

impl<W> Transfer<W> {
    /// The same, speaking of somebody else.
    pub(crate) fn map<V>(self, mut who: impl FnMut(W) -> V) -> Transfer<V> {
        let Transfer { to, wallet, points, note } = self;
        Transfer { to: who(to), wallet, points, note }
    }
}

impl Payload for Transfer<Name> {
    fn limits(&mut self, found: &mut Fields) {
        found.name("to", &mut self.to, 1);
        found.name("wallet", &mut self.wallet, 0);
        found.amount("points", self.points.0, 1);
        found.text("note", &self.note, 0, NOTE_BYTES_MAX);
    }
}
