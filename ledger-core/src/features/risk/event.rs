//! Events: what people find out about a case.

use crate::kernel::fields::{Fields, NOTE_BYTES_MAX, Payload};
use crate::kernel::names::RecordRef;
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Control: close a risk case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResolved {
    /// The record that opened the case; named by its event, the one that joined it as well.
    pub case: RecordRef,
    /// What was found.
    pub finding: Finding,
    /// Why. Up to 512 bytes.
    pub note: Box<str>,
}

impl Payload for CaseResolved {
    fn limits(&mut self, found: &mut Fields) {
        found.record("event", &mut self.case);
        found.text("note", &self.note, 0, NOTE_BYTES_MAX);
    }
}

/// What people found out about a risk case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// All in order: points in review become available.
    Legitimate,
    /// Fraud: points in review are voided.
    Fraud,
}
