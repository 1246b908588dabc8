//! Changes: who a member is, and what it may do.

use crate::features::membership::state::{Birthday, Scope};
use crate::kernel::sealed::Sealed;
use crate::kernel::units::{MemberNo, RiskKey, StaffNo, TermNo};
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// A name became a member, with the next free number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The number.
    pub member: MemberNo,
    /// The name.
    pub name: Sealed,
}

/// A name became one of the staff, with the next free number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRegistered {
    /// The number.
    pub staff: StaffNo,
    /// The name.
    pub name: Sealed,
}

/// The member enrolled, or its birthday is known otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Who.
    pub member: MemberNo,
    /// Its birthday.
    pub birthday: Option<Birthday>,
    /// Whether it enrolled by this record.
    pub joined: bool,
}

/// An attribute has a new value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeSet {
    /// Whose.
    pub member: MemberNo,
    /// Which.
    pub term: TermNo,
    /// The value.
    pub value: i64,
}

/// This is frozen now; nothing if absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// What.
    pub scope: Option<Scope>,
}

/// The member is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed;

/// The member has another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasLinked {
    /// What it is.
    pub kind: Box<str>,
    /// Its keyed hash.
    pub key: RiskKey,
}

/// The member has it no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasUnlinked {
    /// Its keyed hash.
    pub key: RiskKey,
}
