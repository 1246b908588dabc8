//! Lots: the points a member holds, soonest expiry first, then oldest first.
//!
//! A lot is what one earning left behind: how many points, and until when. Spending takes from the
//! front; giving back goes to the very lot it came from, with its first expiry.
//!
//! Owns the order of taking. Knows nothing of why points move: that is `decide`.
//! Invariant: lots are sorted, none is empty or negative, and they add up to `total`.

use crate::kernel::units::{At, LotId, Points};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Largest balance of a member, and largest total of a ledger, in points: 10^18.
pub const BALANCE_MAX: i64 = 1_000_000_000_000_000_000;
/// Most lots one member may have, 100,000: beyond that what is earned joins the youngest lot of its date.
pub const LOTS_MAX: usize = 100_000;
/// Most slices one record may take: 20,000.
pub const SLICES_MAX: usize = 20_000;

/// Points of one earning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// The first instant at which the points are gone; [`At::SLIDING`] if their purse knows it.
    pub expires_at: At,
    /// Which earning.
    pub id: LotId,
    /// What is left of it.
    pub left: Points,
}

/// Part of a lot, on its way somewhere or held.
pub type Slice = Lot;

impl Slice {
    /// Points that are in no lot: debt, and what was never a member's.
    pub(crate) fn in_no_lot(points: Points) -> Slice {
        Slice { expires_at: At::NEVER, id: LotId::default(), left: points }
    }
}

/// A member's lots of one kind (available, or in review).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lots {
    lots: Vec<Lot>,
    total: Points,
    #[serde(skip)]
    emptied: bool,
}

impl Lots {
    /// No lots.
    pub const NONE: Lots = Lots { lots: Vec::new(), total: Points::ZERO, emptied: false };

    /// All points in these lots.
    pub fn total(&self) -> Points {
        self.total
    }

    /// The lots in the order in which they are spent.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Lot> {
        self.lots.iter().filter(|lot| !lot.left.is_zero())
    }

    /// How many lots there are.
    pub fn len(&self) -> usize {
        self.lots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lots.is_empty()
    }

    /// When the first of them expires, if none dies with a spell.
    pub(crate) fn first_expiry(&self) -> At {
        self.lots.first().map_or(At::NEVER, |lot| lot.expires_at)
    }

    /// The first lot that expires at `from` or later.
    pub(crate) fn first_from(&self, from: At) -> Option<&Lot> {
        self.lots.get(self.lots.partition_point(|lot| lot.expires_at < from))
    }

    /// The youngest lot of one date.
    pub(crate) fn last_of(&self, expires_at: At) -> Option<&Lot> {
        let end = self.lots.partition_point(|lot| lot.expires_at <= expires_at);
        self.lots.get(end.checked_sub(1)?).filter(|lot| lot.expires_at == expires_at && !lot.left.is_zero())
    }

    /// The lots in the order in which they are spent, where those that die with the spell die at `until`.
    pub(crate) fn in_order(&self, until: At) -> impl Iterator<Item = &Lot> {
        let split = |lots: &'_ [Lot], last: At| lots.partition_point(|lot| lot.expires_at <= last);
        let (dated, never) = self.lots.split_at(split(&self.lots, At::SLIDING));
        let (dated, spell) = dated.split_at(split(dated, At(At::SLIDING.0 - 1)));
        let (sooner, later) = dated.split_at(split(dated, until));
        let all = sooner.iter().chain(spell).chain(later).chain(never);
        all.filter(|lot| !lot.left.is_zero())
    }

    /// What is left of one earning: of several dates, where part of it was given back with another one.
    pub fn pieces(&self, id: LotId) -> impl Iterator<Item = &Lot> {
        self.iter().filter(move |lot| lot.id == id)
    }

    /// The slices that spending `points` would take, the oldest lots first, or how many points there are if too
    /// few.
    pub fn quote_oldest(&self, points: Points) -> Result<Vec<Slice>, Points> {
        let mut lots: Vec<&Lot> = self.iter().collect();
        lots.sort_unstable_by_key(|lot| lot.id);
        slices_of(lots.into_iter(), points)
    }

    /// Adds points to a lot, making it if need be. `None` on overflow or if `points` is not positive.
    pub(crate) fn put(&mut self, id: LotId, expires_at: At, points: Points) -> Option<()> {
        if points <= Points::ZERO {
            return None;
        }
        self.total = self.total.plus(points)?;
        match self.place(id, expires_at) {
            Ok(at) => {
                let lot = self.lots.get_mut(at)?;
                lot.left = lot.left.plus(points)?;
            }
            Err(at) => self.lots.insert(at, Lot { expires_at, id, left: points }),
        }
        Some(())
    }

    /// Adds many lots, or parts of lots, at once: one merge instead of as many insertions. `None` as for
    /// one.
    pub(crate) fn put_all(&mut self, coming: Vec<Lot>) -> Option<()> {
        for lot in &coming {
            self.total = self.total.plus(lot.left).filter(|_| lot.left > Points::ZERO)?;
        }
        self.lots.extend(coming);
        self.lots.sort_by_key(|lot| (lot.expires_at, lot.id));
        let mut overflows = false;
        self.lots.dedup_by(|later, earlier| {
            let same = (later.expires_at, later.id) == (earlier.expires_at, earlier.id);
            if same {
                let left = earlier.left.plus(later.left);
                overflows |= left.is_none();
                earlier.left = left.unwrap_or(earlier.left);
            }
            same
        });
        (!overflows).then_some(())
    }

    /// Takes points from a lot. `None` if the lot is not there or has fewer: the log and the lots
    /// contradict each other.
    pub(crate) fn take(&mut self, id: LotId, expires_at: At, points: Points) -> Option<()> {
        let at = self.place(id, expires_at).ok()?;
        let lot = self.lots.get_mut(at)?;
        if points <= Points::ZERO || lot.left < points {
            return None;
        }
        lot.left = lot.left.less(points)?;
        self.total = self.total.less(points)?;
        self.emptied |= lot.left.is_zero();
        Some(())
    }

    /// Drops lots that were emptied since the last sweep: once per record, not once per slice. Answers whether any was.
    pub(crate) fn sweep(&mut self) -> bool {
        let emptied = core::mem::take(&mut self.emptied);
        if emptied {
            self.lots.retain(|lot| !lot.left.is_zero());
        }
        emptied
    }

    fn place(&self, id: LotId, expires_at: At) -> Result<usize, usize> {
        // Most earnings expire last of all.
        if self.lots.last().is_none_or(|last| (last.expires_at, last.id) < (expires_at, id)) {
            return Err(self.lots.len());
        }
        self.lots.binary_search_by_key(&(expires_at, id), |lot| (lot.expires_at, lot.id))
    }
}

/// The slices that taking `points` from these lots takes, or how many points there are if too few.
pub(crate) fn slices_of<'a>(lots: impl Iterator<Item = &'a Lot>, points: Points) -> Result<Vec<Slice>, Points> {
    let mut slices = Vec::new();
    let mut missing = points;
    for lot in lots {
        if missing.is_zero() {
            break;
        }
        let left = lot.left.min(missing);
        missing = Points(missing.0.saturating_sub(left.0));
        slices.push(Slice { left, ..*lot });
    }
    if missing.is_zero() { Ok(slices) } else { Err(Points(points.0.saturating_sub(missing.0))) }
}

/// The first `points` of some slices, and the rest.
pub(crate) fn split_slices<'s>(slices: impl Iterator<Item = &'s Slice>, points: Points) -> (Vec<Slice>, Vec<Slice>) {
    let (mut spent, mut rest) = (Vec::new(), Vec::new());
    let mut missing = points;
    for slice in slices {
        let taken = slice.left.min(missing);
        missing = Points(missing.0.saturating_sub(taken.0));
        if !taken.is_zero() {
            spent.push(Slice { left: taken, ..*slice });
        }
        let left = Points(slice.left.0.saturating_sub(taken.0));
        if !left.is_zero() {
            rest.push(Slice { left, ..*slice });
        }
    }
    (spent, rest)
}
