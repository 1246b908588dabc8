//! Transfers: how members may give points to each other.

use crate::kernel::units::Points;

/// How members may give points to each other; what is absent asks nothing.
#[derive(Clone, Copy, Debug)]
pub struct TransferRules {
    /// At least so many points at once.
    pub min: Option<Points>,
    /// At most so many points at once.
    pub max: Option<Points>,
    /// At most so many points a local day.
    pub per_day: Option<Points>,
    /// What the program takes of them, in hundredths of a percent; rounded down.
    pub fee_basis_points: i64,
    /// For how long whoever got points may give none, in milliseconds.
    pub cooling_ms: i64,
}
