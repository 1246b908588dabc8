//! Events: points from member to member, and from other systems.

use crate::kernel::fields::{Fields, NOTE_BYTES_MAX, OPENING_LOTS_MAX, Payload};
use crate::kernel::names::Name;
use crate::kernel::units::{At, Points};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
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

/// Command: points that another system owed the member, each with its own dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// To which wallet, in which the member never had any; the program's first if empty.
    pub wallet: Box<str>,
    /// The points, by lot.
    pub lots: Vec<OpeningLot>,
}

impl Payload for Imported {
    fn limits(&mut self, found: &mut Fields) {
        found.name("wallet", &mut self.wallet, 0);
        if self.lots.is_empty() || self.lots.len() > OPENING_LOTS_MAX {
            found.add("lots", format!("has {} lots; send 1 to {OPENING_LOTS_MAX}", self.lots.len()));
        }
        for (n, lot) in self.lots.iter().take(OPENING_LOTS_MAX).enumerate() {
            found.amount(&format!("lots[{n}].points"), lot.points.0, 1);
            found.instant(&format!("lots[{n}].earned_at"), lot.earned_at);
            if let Some(expires_at) = lot.expires_at {
                found.instant(&format!("lots[{n}].expires_at"), expires_at);
            }
        }
    }
}

/// Points of another system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningLot {
    /// How many, greater than 0.
    pub points: Points,
    /// When they were earned there.
    pub earned_at: At,
    /// The first instant at which they are gone; as if earned here on that date if absent.
    pub expires_at: Option<At>,
}
