//! What no sound log or state contains.

use crate::kernel::units::{MemberNo, Position};

/// The log and the state contradict each other, or bytes are not what they claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Corrupt {
    /// Bytes that are no value.
    #[error("damaged bytes: {what}")]
    Bytes {
        /// What is wrong with them.
        what: &'static str,
    },
    /// A record that does not add up.
    #[error("record {position} does not fold into member {member}: {what}")]
    Fold {
        /// The record.
        position: Position,
        /// The member; 0 for the shared rows.
        member: MemberNo,
        /// What does not add up.
        what: &'static str,
    },
}
