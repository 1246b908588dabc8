//! Programs as published.

use crate::kernel::units::{At, Position};
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// A program as published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRow {
    /// The record that published it.
    pub position: Position,
    /// When.
    pub at: At,
    /// The file as written.
    pub text: Box<str>,
}
