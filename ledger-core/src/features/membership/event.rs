//! Events: who a member is, and what it may do.

use crate::features::membership::state::Scope;
use crate::kernel::fields::{ATTRIBUTES_MAX, Fields, NAME_BYTES_MAX, NOTE_BYTES_MAX, Payload, is_kind};
use crate::kernel::names::Name;
use crate::kernel::units::MonthDay;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Fact: the member joined; or, of one that did, its birthday is this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Birthday without the year, for birthday rules.
    pub birthday: Option<MonthDay>,
}

impl Payload for Enrolled {
    fn limits(&mut self, found: &mut Fields) {
        found.birthday("birthday", self.birthday);
    }
}

/// Fact: outside models say something about the member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributesSet {
    /// Attribute name and value; the program declares the names.
    pub attributes: Vec<(Box<str>, i64)>,
}

impl Payload for AttributesSet {
    fn limits(&mut self, found: &mut Fields) {
        if self.attributes.is_empty() || self.attributes.len() > ATTRIBUTES_MAX {
            found.add("attributes", format!("must hold 1 to {ATTRIBUTES_MAX} attributes"));
        }
        self.attributes.iter_mut().take(ATTRIBUTES_MAX).for_each(|(name, _)| found.name("attributes", name, 1));
    }
}

/// Control: the member may no longer earn, redeem, or either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// What is stopped, beside what is stopped already.
    pub scope: Scope,
    /// Why. Up to 512 bytes.
    pub reason: Box<str>,
}

impl Payload for Frozen {
    fn limits(&mut self, found: &mut Fields) {
        found.text("reason", &self.reason, 0, NOTE_BYTES_MAX);
    }
}

/// Control: the member may again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfrozen {
    /// What is no longer stopped.
    pub scope: Scope,
    /// Why. Up to 512 bytes.
    pub reason: Box<str>,
}

impl Payload for Unfrozen {
    fn limits(&mut self, found: &mut Fields) {
        found.text("reason", &self.reason, 0, NOTE_BYTES_MAX);
    }
}

/// Control: the membership ends for ever; its points are due at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Why. Up to 512 bytes.
    pub reason: Box<str>,
}

impl Payload for Closed {
    fn limits(&mut self, found: &mut Fields) {
        found.text("reason", &self.reason, 0, NOTE_BYTES_MAX);
    }
}

/// Control: the member is known by another name as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasLinked<W> {
    /// What it is: `card`, `phone`, `qr`. 1 to 32 bytes, `a`-`z`, `0`-`9`, `_`.
    pub kind: Box<str>,
    /// The name as events give it: the kind, a colon, and the rest.
    pub alias: W,
}

impl<W> AliasLinked<W> {
    /// The same, speaking of somebody else.
    pub(crate) fn map<V>(self, mut who: impl FnMut(W) -> V) -> AliasLinked<V> {
        let AliasLinked { kind, alias } = self;
        AliasLinked { kind, alias: who(alias) }
    }
}

impl Payload for AliasLinked<Name> {
    fn limits(&mut self, found: &mut Fields) {
        alias_limits(found, &self.kind, &mut self.alias);
    }
}

/// Control: that name stands for the member no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasUnlinked<W> {
    /// What it is.
    pub kind: Box<str>,
    /// The name.
    pub alias: W,
}

impl<W> AliasUnlinked<W> {
    /// The same, speaking of somebody else.
    pub(crate) fn map<V>(self, mut who: impl FnMut(W) -> V) -> AliasUnlinked<V> {
        let AliasUnlinked { kind, alias } = self;
        AliasUnlinked { kind, alias: who(alias) }
    }
}

impl Payload for AliasUnlinked<Name> {
    fn limits(&mut self, found: &mut Fields) {
        alias_limits(found, &self.kind, &mut self.alias);
    }
}

fn alias_limits(found: &mut Fields, kind: &str, alias: &mut Name) {
    if !is_kind(kind) {
        found.kind("kind", kind);
    } else if let Some(rest) = alias.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':')) {
        let mut rest = Name::from(rest);
        found.name("name", &mut rest, 1);
        *alias = format!("{kind}:{rest}").into();
        if alias.len() > NAME_BYTES_MAX && rest.len() <= NAME_BYTES_MAX {
            let most = NAME_BYTES_MAX.saturating_sub(kind.len()).saturating_sub(1);
            found.text("name", &rest, 1, most);
        }
    } else {
        found.add("name", format!("must be {kind}: and the rest, as events name it"));
    }
}
