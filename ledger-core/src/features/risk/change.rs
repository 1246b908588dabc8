//! Changes: what people find out about a case.

use crate::features::risk::event::Finding;
use crate::kernel::counter::Key;
use crate::kernel::units::TermNo;
use crate::kernel::units::{MemberNo, Position};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// More members belong to an open case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseJoined {
    /// The case.
    pub case: Position,
    /// Who.
    pub members: Vec<MemberNo>,
}

/// A case was resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseClosed {
    /// The case.
    pub case: Position,
    /// What was found.
    pub finding: Finding,
    /// Whose points it concerned.
    pub members: Vec<MemberNo>,
}

/// A flag with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseOpened {
    /// The risk rule.
    pub rule: TermNo,
    /// What the rule does.
    pub action: Action,
    /// The counter it looked at, and whose.
    pub counter: TermNo,
    /// Whose counter it was.
    pub key: Key,
    /// What the counter said.
    pub value: i64,
    /// The rule's threshold.
    pub at_least: i64,
    /// The members concerned.
    pub members: Vec<MemberNo>,
}

/// What a risk rule does when its counter reaches the threshold, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// Only says so.
    Flag,
    /// What the members earn waits in review until the case is resolved.
    Review,
    /// Commands are refused and facts earn nothing.
    Deny,
}
