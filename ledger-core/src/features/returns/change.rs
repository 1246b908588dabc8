//! Changes: purchases given back.

use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Day, MemberNo, Money, Position, TermNo};
use serde::{Deserialize, Serialize};

/// Part of a purchase was refunded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// Who.
    pub member: MemberNo,
    /// The record of the purchase.
    pub purchase: Position,
    /// How much, in minor units.
    pub amount: Money,
    /// How much was told beyond what was there to go back, in minor units.
    pub excess: Money,
}

/// The points of the purchase in this record depend on the tier; its refunds look at the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierCounted {
    /// Whose.
    pub member: MemberNo,
    /// The tier in which the member stood before; none of a newcomer.
    pub tier: TermNo,
}

/// Part of a line of a purchase went back; its money is in the [`Refunded`] before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineReturned {
    /// Whose.
    pub member: MemberNo,
    /// The record of the purchase.
    pub purchase: Position,
    /// Place of the line in it; the first is 0.
    pub line: u16,
    /// How many items went back, in millionths of one; 0 if money was named.
    pub items: u64,
    /// How much money of the line, in minor units; 0 if items were named.
    pub amount: Money,
}

/// The refund or settlement in this record waits for its purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// Whose.
    pub member: MemberNo,
    /// Short name of the order, by [`NameKey`](crate::kernel::names::NameKey).
    pub order: u64,
    /// The local date on which it came.
    pub day: Day,
    /// The first instant at which it waits no more.
    pub until: At,
}

/// It waits no more: what it speaks of is in this record, and so is what comes of it, or it never came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeferredApplied {
    /// Whose.
    pub member: MemberNo,
    /// The record of what waited.
    pub event: Position,
    /// Why nothing comes of it, if so.
    pub refusal: Option<Refusal>,
}

/// A refund did not happen after all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundReversed {
    /// Whose.
    pub member: MemberNo,
    /// The record of the refund.
    pub refund: Position,
    /// The record of the purchase; that of the refund if none of it went back.
    pub purchase: Position,
    /// How much of it is not refunded any more, in minor units.
    pub amount: Money,
}

/// Part of a line of a purchase is kept after all; its money is in the [`RefundReversed`] before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineKept {
    /// Whose.
    pub member: MemberNo,
    /// The record of the purchase.
    pub purchase: Position,
    /// Place of the line in it; the first is 0.
    pub line: u16,
    /// How many items are kept, in millionths of one.
    pub items: u64,
    /// How much money of the line, in minor units.
    pub amount: Money,
}
