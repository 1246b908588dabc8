//! Changes: what settles a purchase.

use crate::kernel::units::{At, LotId, MemberNo, TermNo};
use serde::{Deserialize, Serialize};

/// Points of this record, or of one that waits in review, are not to be spent before an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUntil {
    /// Whose.
    pub member: MemberNo,
    /// Of which wallet.
    pub wallet: TermNo,
    /// The lot they are in.
    pub lot: LotId,
    /// Until when; [`At::NEVER`] for as long as their purchase is not settled.
    pub until: At,
}
