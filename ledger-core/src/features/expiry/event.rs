//! Events: points that live on.

use crate::kernel::fields::{Fields, NOTE_BYTES_MAX, Payload};
use crate::kernel::names::Name;
use crate::kernel::units::{At, Points};
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Command: points that died not long ago live again, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reinstated {
    /// Of which wallet; the program's first if empty.
    pub wallet: Box<str>,
    /// How many; all that can be if absent.
    pub points: Option<Points>,
    /// The first instant at which they are gone for good.
    pub expires_at: At,
    /// Why. 1 to 512 bytes.
    pub reason: Box<str>,
}

impl Payload for Reinstated {
    fn limits(&mut self, found: &mut Fields) {
        new_date_limits(found, &mut self.wallet, self.points, (self.expires_at, &self.reason));
    }
}

/// Command: points that would die sooner live until a stated instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extended {
    /// Of which wallet; the program's first if empty.
    pub wallet: Box<str>,
    /// How many, those first that die first; all if absent.
    pub points: Option<Points>,
    /// The first instant at which they are gone.
    pub expires_at: At,
    /// Why. 1 to 512 bytes.
    pub reason: Box<str>,
}

impl Payload for Extended {
    fn limits(&mut self, found: &mut Fields) {
        new_date_limits(found, &mut self.wallet, self.points, (self.expires_at, &self.reason));
    }
}

/// The limits of what gives points another date.
fn new_date_limits(found: &mut Fields, wallet: &mut Name, points: Option<Points>, (expires_at, reason): (At, &str)) {
    found.name("wallet", wallet, 0);
    found.points("points", points);
    found.instant("expires_at", expires_at);
    found.text("reason", reason, 1, NOTE_BYTES_MAX);
}
