//! Redemption: what spending from a wallet must keep to.

use crate::kernel::units::{Money, Points};

/// What a redemption or a hold must keep to; what is absent asks nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct RedeemRules {
    /// At least so many points at once.
    pub min: Option<Points>,
    /// At most so many points at once.
    pub max: Option<Points>,
    /// In multiples of so many points.
    pub step: Option<Points>,
    /// At most so many points for one order, captured and held.
    pub per_order: Option<Points>,
    /// At most so many points a local day, captured and held.
    pub per_day: Option<Points>,
    /// At most so many points a calendar month, captured and held.
    pub per_month: Option<Points>,
    /// What points are worth, and at most which share of an order they may pay.
    pub share: Option<Share>,
    /// For how many days points live that are given back after they expired; not at all if absent.
    pub grace_days: Option<i32>,
}

/// At most which share of an order may be paid with points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// So many points ...
    pub points: Points,
    /// ... are worth so much.
    pub worth: Money,
    /// The share, in hundredths of a percent.
    pub basis_points: i64,
}

impl Share {
    /// Whether `points` may pay towards an order of `total`.
    pub fn allows(&self, points: Points, total: Money) -> bool {
        let paid = i128::from(points.0).saturating_mul(i128::from(self.worth.0)).saturating_mul(10_000);
        let most = i128::from(total.0).saturating_mul(i128::from(self.basis_points));
        paid <= most.saturating_mul(i128::from(self.points.0))
    }
}
