//! Holds that are open, and redemptions that are remembered.

use crate::features::items::state::Piece;
use crate::kernel::lots::Slice;
use crate::kernel::sealed::HiddenName;
use crate::kernel::units::{At, Day, LotId, Points, Position, TermNo};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most open holds of one member.
pub const HOLDS_MAX: usize = 1_000;
/// Most closed holds remembered, so that a late capture is told "closed" and not "unknown".
pub const CLOSED_HOLDS_MAX: usize = 64;

/// Points reserved for one caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Number, counted per member from 1.
    pub no: u32,
    /// The wallet it takes from.
    pub wallet: TermNo,
    /// The caller's name for it.
    pub name: HiddenName,
    /// When it releases itself.
    pub expires_at: At,
    /// What it holds, in the order it was taken.
    pub slices: Vec<Slice>,
    /// How many slices, from the front, are used up.
    pub used: u32,
    /// Short name of the order it is for, by [`NameKey`](crate::kernel::names::NameKey); 0 if it names none.
    pub order: u64,
    /// Local date from which it counts.
    pub day: Day,
    /// What it holds pieces of, if of an item.
    pub item: Option<Piece>,
}

impl Hold {
    /// How many points are still held.
    pub fn points(&self) -> Points {
        Points(self.slices.iter().fold(0, |sum, slice| sum.saturating_add(slice.left.0)))
    }

    /// How many pieces of its item are still held; 0 if it is of none.
    pub fn pieces(&self) -> i64 {
        self.item.map_or(0, |piece| piece.in_points(self.points()))
    }

    /// The open hold of a number, which must be of this wallet, to be changed.
    #[inline]
    pub(crate) fn find(holds: &mut [Hold], no: u32, wallet: TermNo) -> Option<&mut Hold> {
        holds.iter_mut().find(|hold| hold.no == no && hold.wallet == wallet)
    }

    /// Takes points from the slice whose turn it is: slices leave a hold in the order they came. `None` if they are
    /// of another lot, or too many.
    #[inline]
    pub(crate) fn take(&mut self, lot: LotId, points: Points) -> Option<()> {
        let slice = self.slices.get_mut(usize::try_from(self.used).ok()?)?;
        if slice.id != lot || slice.left < points {
            return None;
        }
        slice.left = slice.left.less(points)?;
        if slice.left.is_zero() {
            self.used = self.used.saturating_add(1);
        }
        Some(())
    }
}

/// A redemption that can still be given back, or still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedemptionRef {
    /// The wallet it took from.
    pub wallet: TermNo,
    /// Short name of the order it was for, by [`NameKey`](crate::kernel::names::NameKey); 0 if it names none.
    pub order: u64,
    /// The record of the redemption.
    pub position: Position,
    /// Local date from which it counts.
    pub day: Day,
    /// How many points it took.
    pub points: Points,
    /// How many of them were given back.
    pub refunded: Points,
    /// Short name of the hold it was captured from; 0 if from none.
    pub hold: u64,
}
