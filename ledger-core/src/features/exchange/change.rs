//! Changes: points that become a partner's, and back.

use crate::kernel::sealed::HiddenName;
use crate::kernel::units::TermNo;
use serde::{Deserialize, Serialize};

/// The partner settled it, or it lapsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeClosed {
    /// Which.
    pub exchange: TermNo,
    /// The partner's reference.
    pub reference: HiddenName,
}
