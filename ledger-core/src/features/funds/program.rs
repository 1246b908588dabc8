//! Funds: good causes that rules and members give to.

use crate::kernel::units::TermNo;

/// A good cause that rules and members give to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fund {
    /// Its name.
    pub id: TermNo,
    /// The wallet whose points it gets.
    pub wallet: TermNo,
    /// The counter of what it was given, less what refunds took back.
    pub given: TermNo,
}
