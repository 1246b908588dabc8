//! Pieces of items: what was taken of them, and at which price.

use crate::kernel::units::{Points, TermNo};
use serde::{Deserialize, Serialize};

/// A piece of an item, at the price at which it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The item.
    pub item: TermNo,
    /// The counter of its pieces, for everybody and for each member.
    pub taken: TermNo,
    /// What one costs, more than 0.
    pub points: Points,
}

impl Piece {
    /// How many whole pieces so many points are.
    pub fn in_points(self, points: Points) -> i64 {
        points.0.checked_div(self.points.0).unwrap_or(0)
    }
}
