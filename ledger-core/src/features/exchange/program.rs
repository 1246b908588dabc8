//! Exchanges: at which rates points become a partner's, and a partner's become points.

use crate::kernel::fields::AMOUNT_MAX;
use crate::kernel::units::{Points, TermNo};

/// A partner with whose points those of a wallet are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its name.
    pub id: TermNo,
    /// The wallet that gives and gets.
    pub wallet: TermNo,
    /// At which rate points become the partner's, if they do. One that goes neither way settles what is open.
    pub out: Option<Rate>,
    /// At which rate the partner's become points, if they do.
    pub inward: Option<Rate>,
    /// At most so many points of a member go out on a local day.
    pub per_day: Option<Points>,
    /// After how long an exchange that is not settled is undone, in milliseconds.
    pub within_ms: i64,
    /// Each member's counter of points that went out.
    pub day: TermNo,
    /// The counters of what went out and was settled.
    pub gone: Tallied,
    /// The counters of what came in and was settled.
    pub come: Tallied,
}

/// Counters over all members, of both sides of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tallied {
    /// The points.
    pub points: TermNo,
    /// The partner's units.
    pub units: TermNo,
}

/// So many points for so many of a partner's units; only whole multiples are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The points, more than 0.
    pub points: Points,
    /// The partner's units, more than 0.
    pub units: i64,
}

impl Rate {
    /// The units for so many points. `None` if the points are no multiple of the rate's, or the units do not fit 64
    /// bits.
    pub fn units_for(&self, points: Points) -> Option<i64> {
        multiple(points.0, self.points.0)?.checked_mul(self.units)
    }

    /// The points for so many units. `None` as for units.
    pub fn points_for(&self, units: i64) -> Option<Points> {
        let points = multiple(units, self.units)?.checked_mul(self.points.0)?;
        (points <= AMOUNT_MAX).then_some(Points(points))
    }
}

fn multiple(all: i64, one: i64) -> Option<i64> {
    (all.checked_rem(one)? == 0).then(|| all.checked_div(one)).flatten()
}
