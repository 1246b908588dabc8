//! What a member may still do, and under which other names it is known.
//!
//! A freeze stops earning, redeeming or both and takes nothing; a closed member keeps its history and its name, and
//! its points are due at once. An alias (card, phone, QR code) stands for its member wherever a name is asked for;
//! the ledger knows only its keyed hash.

use crate::kernel::sealed::Sealed;
use crate::kernel::units::{At, Day, MemberNo, MonthDay, Position, RiskKey, StaffNo};
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most aliases of one member.
pub const ALIASES_MAX: usize = 64;

/// A birthday, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birthday {
    /// The date, without the year.
    pub date: MonthDay,
    /// It is celebrated on no earlier day: one that was corrected is celebrated a year after the one before at the
    /// earliest, so that no correction gives twice.
    pub from: Day,
}

/// What a freeze stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Facts give no points, and none are given by hand.
    Earn,
    /// Points are neither spent, reserved, nor given away.
    Redeem,
    /// Both.
    All,
}

impl Scope {
    /// Whether this stops all that `other` stops.
    pub fn covers(self, other: Scope) -> bool {
        self == Scope::All || self == other
    }

    /// What is stopped once `other` is stopped as well.
    pub fn with(self, other: Scope) -> Scope {
        if self == other { self } else { Scope::All }
    }

    /// What is still stopped once `other` is not; `None` if nothing is.
    pub fn without(self, other: Scope) -> Option<Scope> {
        match (self, other) {
            (Scope::All, Scope::Earn) => Some(Scope::Redeem),
            (Scope::All, Scope::Redeem) => Some(Scope::Earn),
            (Scope::Earn, Scope::Redeem) | (Scope::Redeem, Scope::Earn) => Some(self),
            (_, Scope::All) | (Scope::Earn, Scope::Earn) | (Scope::Redeem, Scope::Redeem) => None,
        }
    }

    /// The trade's word.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Earn => "earn",
            Scope::Redeem => "redeem",
            Scope::All => "all",
        }
    }

    /// The scope of this word.
    pub fn read(word: &str) -> Option<Scope> {
        [Scope::Earn, Scope::Redeem, Scope::All].into_iter().find(|scope| scope.name() == word)
    }
}

/// What a member may not do any more, and its other names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// What is frozen, if anything.
    pub frozen: Option<Scope>,
    /// When the member closed, if it did: for ever.
    pub closed_at: Option<At>,
    /// Other names, oldest first.
    pub aliases: Vec<Alias>,
}

impl Membership {
    /// Whether this is frozen.
    pub fn freezes(&self, scope: Scope) -> bool {
        self.frozen.is_some_and(|frozen| frozen.covers(scope))
    }
}

/// Another name of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// What it is, in the sender's word: `card`, `phone`, `qr`.
    pub kind: Box<str>,
    /// Its keyed hash.
    pub key: RiskKey,
    /// When it was linked.
    pub linked_at: At,
}

/// Somebody of the staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRow {
    /// The record that registered it.
    pub position: Position,
    /// The name, as it is stored.
    pub name: Sealed,
}

/// Under which name a member is found from a record on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameBinding<'r> {
    /// A new member's own name, as it is stored.
    Name(&'r Sealed, MemberNo),
    /// A new name of the staff, as it is stored.
    Staff(&'r Sealed, StaffNo),
    /// The keyed hash of an alias, and the member it stands for; nobody if it stands for no one now.
    Alias(RiskKey, MemberNo),
}
