//! Households: what members share.

use crate::kernel::units::TermNo;

/// What members share with their households.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Household {
    /// Points of which wallet.
    pub wallet: TermNo,
    /// Which share of what rules give, in hundredths of a percent, 100 to 10,000; rounded down once for each event.
    pub basis_points: i64,
    /// How many may share with one household, 1 to
    /// [`HOUSEHOLD_MAX`](crate::features::household::state::HOUSEHOLD_MAX).
    pub members: usize,
}
