//! Changes: points spent, reserved and given back.

use crate::features::items::state::Piece;
use crate::kernel::sealed::HiddenName;
use crate::kernel::units::{At, Day, MemberNo, Points, Position, TermNo};
use serde::{Deserialize, Serialize};

/// A hold is open; this record's postings to its account fill it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldOpened {
    /// Whose.
    pub member: MemberNo,
    /// Its number, counted per member.
    pub no: u32,
    /// The wallet it takes from.
    pub wallet: TermNo,
    /// The caller's name for it.
    pub name: HiddenName,
    /// When it releases itself.
    pub expires_at: At,
    /// Short name of the order it is for, by [`NameKey`](crate::kernel::names::NameKey); 0 if it names none.
    pub order: u64,
    /// Local date from which it counts.
    pub day: Day,
    /// What it holds pieces of, if of an item.
    pub item: Option<Piece>,
}

/// A hold is closed; nothing is held by it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldClosed {
    /// Whose.
    pub member: MemberNo,
    /// Its number.
    pub no: u32,
}

/// The member spent points, by this record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeemed {
    /// Who.
    pub member: MemberNo,
    /// The wallet they came from.
    pub wallet: TermNo,
    /// Short name of the order it was for, by [`NameKey`](crate::kernel::names::NameKey); 0 if it names none.
    pub order: u64,
    /// Local date from which it counts: of a capture, that of its hold.
    pub day: Day,
    /// How many.
    pub points: Points,
    /// Redemptions of earlier days are not needed any more.
    pub forget_before: Day,
    /// What was bought, if an item was: as many pieces as its points come to.
    pub item: Option<Piece>,
    /// Short name of the hold it was captured from; 0 if from none.
    pub hold: u64,
}

/// Points of a redemption were given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedeemRefunded {
    /// To whom.
    pub member: MemberNo,
    /// The record of the redemption.
    pub redemption: Position,
    /// How many.
    pub points: Points,
}

/// A hold ends at another instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldExtended {
    /// Whose.
    pub member: MemberNo,
    /// Its number.
    pub no: u32,
    /// When it releases itself.
    pub expires_at: At,
}
