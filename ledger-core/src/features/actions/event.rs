//! Events: what members do that has no kind of event of its own.

use crate::kernel::fields::{Fields, Payload};
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Fact: the member did something that the program knows by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What it did: `watched`, `posted`, `shared`. 1 to 32 bytes, `a`-`z`, `0`-`9`, `_`.
    pub kind: Box<str>,
    /// What it did it to: `video 17`. Up to 128 bytes; may be empty.
    pub target: Box<str>,
    /// How much of it, in the source's own unit; 0 to 10^12.
    pub value: i64,
}

impl Payload for Action {
    fn limits(&mut self, found: &mut Fields) {
        found.kind("kind", &self.kind);
        found.name("target", &mut self.target, 0);
        found.amount("value", self.value, 0);
    }
}
