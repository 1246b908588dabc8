//! Accounts and postings: where points are, and how they move.

use crate::kernel::units::{At, LotId, MemberNo, Points, TermNo};
use serde::{Deserialize, Serialize};

/// Where points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Account {
    /// Program: points come from here. Its balance is minus all that was ever issued.
    Issued,
    /// Program: spent.
    Redeemed,
    /// Program: died of age.
    Expired,
    /// Program: taken back with a refund.
    ClawedBack,
    /// Program: voided as fraud.
    Voided,
    /// Program: taken by hand.
    Debited,
    /// Member: free to spend.
    Available,
    /// Member: waiting for a risk case.
    Review,
    /// Member: reserved by the hold of this number.
    Held(u32),
    /// Member: owed to the program. Its balance is minus the debt.
    Debt,
    /// Between two members: what one gives and the other gets in the same record. Its balance is 0.
    Moved,
    /// Program: taken for moving points.
    Fees,
    /// Program: given to funds.
    Donated,
    /// Member: earned, and waiting until they can be spent.
    Pending,
    /// Member: on the way to a partner who has not settled it yet.
    Exchanging,
    /// Program: become a partner's.
    Exchanged,
}

impl Account {
    /// How many kinds of account there are.
    pub const KINDS: usize = 16;

    /// One account of each kind, in order of declaration.
    pub const ALL: [Account; Account::KINDS] = [
        Account::Issued,
        Account::Redeemed,
        Account::Expired,
        Account::ClawedBack,
        Account::Voided,
        Account::Debited,
        Account::Available,
        Account::Review,
        Account::Held(0),
        Account::Debt,
        Account::Moved,
        Account::Fees,
        Account::Donated,
        Account::Pending,
        Account::Exchanging,
        Account::Exchanged,
    ];

    /// Place among the kinds, in order of declaration.
    pub fn kind(self) -> usize {
        match self {
            Account::Issued => 0,
            Account::Redeemed => 1,
            Account::Expired => 2,
            Account::ClawedBack => 3,
            Account::Voided => 4,
            Account::Debited => 5,
            Account::Available => 6,
            Account::Review => 7,
            Account::Held(_) => 8,
            Account::Debt => 9,
            Account::Moved => 10,
            Account::Fees => 11,
            Account::Donated => 12,
            Account::Pending => 13,
            Account::Exchanging => 14,
            Account::Exchanged => 15,
        }
    }

    /// Whether what is here is the member's to spend, now or once it has waited.
    pub fn is_spendable_later(self) -> bool {
        match self {
            Account::Available | Account::Review | Account::Held(_) | Account::Pending | Account::Exchanging => true,
            Account::Issued
            | Account::Redeemed
            | Account::Expired
            | Account::ClawedBack
            | Account::Voided
            | Account::Debited
            | Account::Debt
            | Account::Moved
            | Account::Fees
            | Account::Donated
            | Account::Exchanged => false,
        }
    }

    /// The trade's word.
    pub fn name(self) -> &'static str {
        match self {
            Account::Issued => "issued",
            Account::Redeemed => "redeemed",
            Account::Expired => "expired",
            Account::ClawedBack => "clawed_back",
            Account::Voided => "voided",
            Account::Debited => "debited",
            Account::Available => "available",
            Account::Review => "review",
            Account::Held(_) => "held",
            Account::Debt => "debt",
            Account::Moved => "moved",
            Account::Fees => "fees",
            Account::Donated => "donated",
            Account::Pending => "pending",
            Account::Exchanging => "exchanging",
            Account::Exchanged => "exchanged",
        }
    }
}

/// One movement of points between two accounts of one wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Whose member accounts are meant.
    pub member: MemberNo,
    /// Which kind of points.
    pub wallet: TermNo,
    /// The account that gives.
    pub from: Account,
    /// The account that gets.
    pub to: Account,
    /// How many; always more than 0.
    pub points: Points,
    /// The lot they are in; of a new lot, this record and this posting.
    pub lot: LotId,
    /// When that lot expires.
    pub expires_at: At,
    /// The rule that moves them; [`TermNo::NONE`] where the event itself does.
    pub rule: TermNo,
}

impl Posting {
    /// Whether it makes a lot, in which new points are the member's.
    pub fn makes_lot(&self) -> bool {
        self.from == Account::Issued && matches!(self.to, Account::Available | Account::Review | Account::Pending)
    }

    /// Whether none of it was or is a member's.
    pub fn is_of_funds(&self) -> bool {
        use Account::{ClawedBack, Donated, Issued};
        matches!((self.from, self.to), (Issued | ClawedBack, Donated) | (Donated, ClawedBack))
    }
}
