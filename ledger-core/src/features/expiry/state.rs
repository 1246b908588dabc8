//! Until when the points of a purse live, and what died of them.

use crate::kernel::fields::AT_MIN;
use crate::kernel::lots::Lot;
use crate::kernel::units::{At, Day, LotId, Points, Position};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most lots of reinstated points that one purse remembers as such.
pub const REINSTATED_MAX: usize = 64;

/// What is known of how the points of a purse live, beside the dates of their lots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lifetimes {
    /// The last spell of activity.
    pub(crate) spell: Option<ActivityExpiry>,
    /// When the member is next reminded of points that die.
    pub(crate) remind_at: Option<At>,
    /// What died and can be reinstated, by date.
    pub(crate) expired_recently: Vec<ExpiredRecently>,
    /// Lots of points that died once, oldest first.
    pub(crate) reinstated: Vec<LotId>,
}

/// Points that died on one date and can be reinstated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiredRecently {
    /// The local date.
    pub day: Day,
    /// How many are left of them.
    pub points: Points,
}

/// A time in which the member was active often enough: lots that were earned in it die together at its end, which
/// every activity puts off. One date for all of them, however many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityExpiry {
    /// The record that began it: older lots were of another spell.
    pub since: Position,
    /// When it ends, unless it is put off.
    pub until: At,
}

impl ActivityExpiry {
    /// When a lot is gone, given the last spell of its purse: long ago if it is of one before.
    #[inline]
    pub(crate) fn dies_at(last: Option<ActivityExpiry>, lot: &Lot) -> At {
        match last {
            _ if lot.expires_at != At::SLIDING => lot.expires_at,
            Some(spell) if lot.id.position >= spell.since => spell.until,
            _ => AT_MIN,
        }
    }
}

impl Lifetimes {
    /// Takes points from what died, the first first, and marks the lot they are in now. `None` if fewer died.
    pub(crate) fn reinstate(&mut self, points: Points, lot: LotId, forget_before: Day) -> Option<()> {
        let mut missing = points;
        self.expired_recently.retain(|expired_recently| expired_recently.day >= forget_before);
        for expired_recently in &mut self.expired_recently {
            let taken = expired_recently.points.min(missing);
            (expired_recently.points, missing) = (expired_recently.points.less(taken)?, missing.less(taken)?);
        }
        self.expired_recently.retain(|expired_recently| !expired_recently.points.is_zero());
        self.mark(lot);
        missing.is_zero().then_some(())
    }

    /// The points of this lot died once.
    pub(crate) fn mark(&mut self, lot: LotId) {
        self.reinstated.push(lot);
        if self.reinstated.len() > REINSTATED_MAX {
            self.reinstated.remove(0);
        }
    }

    /// Points died on a date; what died before `forget_before` is forgotten. `None` on overflow.
    pub(crate) fn lapse(&mut self, day: Day, points: Points, forget_before: Day) -> Option<()> {
        self.expired_recently.retain(|expired_recently| expired_recently.day >= forget_before);
        match self.expired_recently.last_mut() {
            Some(last) if last.day == day => last.points = last.points.plus(points)?,
            _ => self.expired_recently.push(ExpiredRecently { day, points }),
        }
        Some(())
    }
}
