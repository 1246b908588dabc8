//! Changes: what changes the ledger itself.

use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The vocabulary grew; terms are numbered in order, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsAdded {
    /// The new words.
    pub terms: Vec<Box<str>>,
}

/// A program is in force from the next record on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramSet {
    /// Its text, as it was published.
    pub text: Box<str>,
}
