//! Events: two members that are one.

use crate::kernel::fields::{Fields, Payload};
use crate::kernel::names::Name;
use serde::{Deserialize, Serialize};

/// Control: another member is this one as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged<W> {
    /// The other, whose names stand for this member from now on.
    pub from: W,
}

impl<W> Merged<W> {
    /// The same, speaking of somebody else.
    pub(crate) fn map<V>(self, mut who: impl FnMut(W) -> V) -> Merged<V> {
        let Merged { from } = self;
        Merged { from: who(from) }
    }
}

impl Payload for Merged<Name> {
    fn limits(&mut self, found: &mut Fields) {
        found.name("other", &mut self.from, 1);
    }
}

/// Control: it is another after all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmerged<W> {
    /// The other, by its own name.
    pub from: W,
}

impl<W> Unmerged<W> {
    /// The same, speaking of somebody else.
    pub(crate) fn map<V>(self, mut who: impl FnMut(W) -> V) -> Unmerged<V> {
        let Unmerged { from } = self;
        Unmerged { from: who(from) }
    }
}

impl Payload for Unmerged<Name> {
    fn limits(&mut self, found: &mut Fields) {
        found.name("other", &mut self.from, 1);
    }
}
