//! What somebody says to the clerk.

use super::*;

/// What somebody says to the clerk.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Enrol {
        birthday: Option<(i64, i64)>,
    },
    Attribute {
        known: bool,
        value: i64,
    },
    Purchase {
        order: String,
        paid: i64,
    },
    Settle {
        order: String,
    },
    Cancel {
        order: String,
    },
    Refund {
        order: String,
        amount: i64,
    },
    /// Of a line by its place: all of its one item, or some of its money.
    RefundLine {
        order: String,
        line: usize,
        amount: Option<i64>,
    },
    CheckIn,
    Refer {
        referee: MemberRef,
    },
    Redeem {
        points: i64,
    },
    Hold {
        name: String,
        points: i64,
        ttl: Option<i64>,
    },
    Capture {
        name: String,
        points: Option<i64>,
        last: bool,
    },
    Void {
        name: String,
    },
    Extend {
        name: String,
        ttl: Option<i64>,
    },
    /// Of the member's redemptions, counted round.
    GiveBack {
        nth: usize,
        points: Option<i64>,
    },
    Credit {
        points: i64,
        by: &'static str,
    },
    Debit {
        points: i64,
        by: &'static str,
    },
    /// Of the member's proposals, counted round.
    Approve {
        nth: usize,
        by: &'static str,
    },
    Withdraw {
        nth: usize,
    },
    Donate {
        known: bool,
        points: i64,
    },
    Give {
        to: MemberRef,
        points: i64,
    },
    /// A member of another system: its points, how many days old, and for how many days to come; what it owes; and
    /// what it spent how many days ago.
    Open {
        lots: Vec<(i64, i64, Option<i64>)>,
        debt: Option<i64>,
        spent: Vec<(i64, i64)>,
    },
    Freeze {
        earn: bool,
        redeem: bool,
    },
    Unfreeze {
        earn: bool,
        redeem: bool,
    },
    Prolong {
        points: Option<i64>,
        days: i64,
    },
    Reinstate {
        points: Option<i64>,
        /// For how many days to come.
        days: i64,
    },
    Close,
}

impl Act {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Act::Enrol { .. } => "enrolled",
            Act::Attribute { .. } => "attributes_set",
            Act::Purchase { .. } => "purchase",
            Act::Settle { .. } => "settled",
            Act::Cancel { .. } => "cancelled",
            Act::Refund { .. } | Act::RefundLine { .. } => "refunded",
            Act::CheckIn => "check_in",
            Act::Refer { .. } => "referral",
            Act::Redeem { .. } => "redeem",
            Act::Hold { .. } => "hold",
            Act::Capture { .. } => "capture",
            Act::Void { .. } => "void",
            Act::Extend { .. } => "hold_extended",
            Act::GiveBack { .. } => "redeem_refunded",
            Act::Credit { .. } => "credit",
            Act::Debit { .. } => "debit",
            Act::Approve { .. } => "approved",
            Act::Withdraw { .. } => "withdrawn",
            Act::Give { .. } => "transfer",
            Act::Donate { .. } => "donate",
            Act::Open { .. } => "opened",
            Act::Prolong { .. } => "extended",
            Act::Reinstate { .. } => "reinstated",
            Act::Freeze { .. } => "frozen",
            Act::Unfreeze { .. } => "unfrozen",
            Act::Close => "closed",
        }
    }

    pub(super) fn is_command(&self) -> bool {
        let commands = ["redeem", "hold", "hold_extended", "capture", "void", "credit", "debit", "transfer"];
        commands.contains(&self.kind()) || ["reinstated", "extended", "approved", "donate"].contains(&self.kind())
    }

    pub(super) fn is_control(&self) -> bool {
        matches!(self.kind(), "frozen" | "unfrozen" | "closed" | "withdrawn" | "opened")
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Keys {
    pub device: Option<u8>,
    pub ip: Option<u8>,
    pub phone: Option<u8>,
}
