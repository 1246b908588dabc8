//! Events: what changes the ledger itself.

use crate::kernel::fields::{Fields, PROGRAM_BYTES_MAX, Payload};
use crate::kernel::units::At;
use alloc::boxed::Box;
use alloc::format;
use serde::{Deserialize, Serialize};

/// Control: a new version of the program takes effect at this position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramPublished {
    /// The program file as written.
    pub text: Box<str>,
}

impl Payload for ProgramPublished {
    fn limits(&mut self, found: &mut Fields) {
        if self.text.len() > PROGRAM_BYTES_MAX {
            found.add("text", format!("at most {PROGRAM_BYTES_MAX} bytes are allowed"));
        }
    }
}

/// Control: everything due up to this instant happens now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The instant.
    pub up_to: At,
}

impl Payload for Tick {
    fn limits(&mut self, found: &mut Fields) {
        found.instant("up_to", self.up_to);
    }
}
