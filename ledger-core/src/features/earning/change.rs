//! Changes: what members do that may earn points.

use crate::kernel::units::{Day, MemberNo};
use serde::{Deserialize, Serialize};

/// The member has a purchase, made by this record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchased {
    /// Who.
    pub member: MemberNo,
    /// Short name of the order, by [`NameKey`](crate::kernel::names::NameKey).
    pub order: u64,
    /// Local date of the purchase.
    pub day: Day,
    /// Purchases of earlier days are past the refund horizon.
    pub forget_before: Day,
}

/// The member was brought by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferredBy {
    /// The referee.
    pub member: MemberNo,
    /// The referrer.
    pub referrer: MemberNo,
}
