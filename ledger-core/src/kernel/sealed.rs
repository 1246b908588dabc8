//! Sealed: a personal text as it is stored, and what seals and opens it.
//!
//! Records and rows hold the sealed bytes as they are, so that a key that is gone changes neither. What seals stands
//! outside: the core only says for whom, and never looks at a text that it did not just hear.

use crate::kernel::names::{Found, Name, NameKey};
use crate::kernel::units::{MemberNo, StaffNo};
use alloc::boxed::Box;
use core::fmt::Debug;
use serde::{Deserialize, Serialize};

/// The scheme of texts that are stored as they are.
pub const PLAIN: u8 = 0;
/// The scheme of texts under AES-256-GCM-SIV (RFC 8452).
pub const AES_256_GCM_SIV: u8 = 1;
/// Kept for texts under SM4-GCM, whose nonces would stand in front of their bytes.
pub const SM4_GCM: u8 = 2;

/// A personal text as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// How the bytes are sealed: [`PLAIN`], [`AES_256_GCM_SIV`].
    pub scheme: u8,
    /// The bytes.
    pub bytes: Box<[u8]>,
}

impl Sealed {
    /// A text as it is.
    pub fn plain(text: &str) -> Sealed {
        Sealed { scheme: PLAIN, bytes: text.as_bytes().into() }
    }

    /// The text, if it is stored as it is.
    pub fn as_plain(&self) -> Option<&str> {
        if self.scheme == PLAIN { core::str::from_utf8(&self.bytes).ok() } else { None }
    }
}

/// Which personal text it is. Its number is part of what it is sealed for, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A member's own name.
    Member,
    /// A caller's name for a hold.
    Hold,
    /// A partner's reference of an exchange.
    Reference,
    /// A name of the staff.
    Staff,
}

impl Field {
    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            Field::Member => 1,
            Field::Hold => 2,
            Field::Reference => 3,
            Field::Staff => 4,
        }
    }
}

/// What a text is sealed for. None of it is stored with the text: whoever has the row knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedFor {
    /// Which text.
    pub field: Field,
    /// Whose it is; nobody if it is no member's.
    pub member: MemberNo,
    /// Which of them.
    pub number: u64,
}

impl SealedFor {
    /// A member's own name.
    pub const fn member(member: MemberNo) -> SealedFor {
        SealedFor { field: Field::Member, member, number: 0 }
    }

    /// A name of the staff.
    pub fn staff(staff: StaffNo) -> SealedFor {
        SealedFor { field: Field::Staff, member: MemberNo::NOBODY, number: u64::from(staff.0) }
    }

    /// A caller's name for a member's hold.
    pub const fn hold(member: MemberNo, name: &HiddenName) -> SealedFor {
        SealedFor { field: Field::Hold, member, number: name.short }
    }

    /// A partner's reference of a member's exchange.
    pub const fn reference(member: MemberNo, name: &HiddenName) -> SealedFor {
        SealedFor { field: Field::Reference, member, number: name.short }
    }
}

/// A name as records and rows have it: found by its short name, told by what is sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenName {
    /// Its short name: see [`NameKey`].
    pub short: u64,
    /// The name.
    pub sealed: Sealed,
}

impl HiddenName {
    /// A name that is stored as it is.
    pub fn plain(short: u64, name: &str) -> HiddenName {
        HiddenName { short, sealed: Sealed::plain(name) }
    }
}

/// How a ledger hides names: by keys that the core never sees.
#[derive(Clone, Copy, Debug)]
pub struct Hiding<'a> {
    /// The key of short names.
    pub key: NameKey,
    /// What seals.
    pub sealing: &'a dyn Sealing,
}

impl Hiding<'_> {
    /// Hides nothing that is meant to be found: for whatever names nobody and nothing.
    pub const NOTHING: Hiding<'static> = Hiding { key: NameKey::new([0; 16]), sealing: &Plain };

    /// Hides a caller's name for a member's hold.
    pub(crate) fn hold(&self, member: MemberNo, name: &str) -> HiddenName {
        self.hide(Found::Hold, name, |hidden| SealedFor::hold(member, hidden))
    }

    /// Hides a partner's reference of a member's exchange.
    pub(crate) fn reference(&self, member: MemberNo, name: &str) -> HiddenName {
        self.hide(Found::Reference, name, |hidden| SealedFor::reference(member, hidden))
    }

    fn hide(&self, what: Found, name: &str, of: impl FnOnce(&HiddenName) -> SealedFor) -> HiddenName {
        let mut hidden = HiddenName { short: self.key.short(what, name), sealed: Sealed::default() };
        hidden.sealed = self.sealing.seal(of(&hidden), name);
        hidden
    }
}

/// What seals and opens personal texts.
pub trait Sealing: Debug {
    /// Seals a text.
    fn seal(&self, of: SealedFor, text: &str) -> Sealed;

    /// Opens what was sealed for this; `None` if it was sealed otherwise.
    fn open(&self, of: SealedFor, sealed: &Sealed) -> Option<Name>;
}

/// Seals nothing: texts are stored as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Sealing for Plain {
    fn seal(&self, _: SealedFor, text: &str) -> Sealed {
        Sealed::plain(text)
    }

    fn open(&self, _: SealedFor, sealed: &Sealed) -> Option<Name> {
        sealed.as_plain().map(Name::from)
    }
}
