//! Changes: points that become a partner's, and back.

use crate::kernel::units::TermNo;
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// The partner settled it, or it lapsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeClosed {
    /// Which.
    pub exchange: TermNo,
    /// The partner's reference.
    pub reference: Box<str>,
}
