//! Changes: points that live on.

use crate::kernel::units::{At, Day, LotId, MemberNo, Points, Position, TermNo};
use serde::{Deserialize, Serialize};

/// Lots of a purse that die with its spell of activity die at another instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityExpirySet {
    /// Whose.
    pub member: MemberNo,
    /// Of which wallet.
    pub wallet: TermNo,
    /// The record that began the spell: this one, or one before that puts it off.
    pub since: Position,
    /// When it ends.
    pub until: At,
}

/// Points die soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiring {
    /// Whose.
    pub member: MemberNo,
    /// Of which wallet.
    pub wallet: TermNo,
    /// The first instant at which they are gone; of several on one date, the first of them.
    pub expires_at: At,
    /// How many die on that date.
    pub points: Points,
}

/// The next reminder of a purse comes at another instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderSet {
    /// Whose.
    pub member: MemberNo,
    /// Of which wallet.
    pub wallet: TermNo,
    /// When; never, if none is due.
    pub at: At,
}

/// Points died that can be reinstated for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiredRecently {
    /// Whose.
    pub member: MemberNo,
    /// Of which wallet.
    pub wallet: TermNo,
    /// Local date on which they died.
    pub day: Day,
    /// How many.
    pub points: Points,
    /// What died on earlier days cannot be reinstated any more.
    pub forget_before: Day,
}

/// A lot of points that died once changes hands: what dies again cannot be reinstated again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiedOnce {
    /// Whose it is now.
    pub member: MemberNo,
    /// Of which wallet.
    pub wallet: TermNo,
    /// The lot that it is now.
    pub lot: LotId,
}

/// Points that had died live again, those first that died first: once, the lot they are now in is marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reinstated {
    /// Whose.
    pub member: MemberNo,
    /// Of which wallet.
    pub wallet: TermNo,
    /// How many, debt they repaid included.
    pub points: Points,
    /// The lot.
    pub lot: LotId,
    /// What died on earlier days cannot be reinstated any more.
    pub forget_before: Day,
}
