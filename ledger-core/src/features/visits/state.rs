//! Visits: what a member did at one place, with little time in between.
//!
//! Several small purchases minutes apart are one visit, so that what is given once a visit is not given once a
//! purchase. How long the time in between may be is the program's; here is what is known of the last few visits, what
//! limits counted in them, and how one carries on, becomes one with another, or is forgotten.
//!
//! Visits of one place never overlap. What may be part of a visit that is forgotten is *late*, and stays so.

use crate::kernel::units::{At, DAY_MS, TermNo};
use crate::kernel::words::LATENESS_MAX;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most time that a program may let lie between two events of one visit, in milliseconds.
pub const GAP_MAX_MS: i64 = DAY_MS;
/// So many visits of a member are remembered, those that ended last: beside them only what ended no more than
/// [`VISITS_KEPT_MS`] before the visit that carries on.
pub const VISITS_KEPT: usize = 8;
/// For so long visits are remembered, in milliseconds: as late as things may be told, and a gap, and a day for the
/// one that is not over.
#[allow(clippy::as_conversions, clippy::cast_lossless)] // A constant cannot convert otherwise.
pub const VISITS_KEPT_MS: i64 = GAP_MAX_MS + (LATENESS_MAX as i64 + 1) * DAY_MS;
/// Most visits of one member that are remembered.
pub const VISITS_MAX: usize = 64;

/// The last visits of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visits {
    /// Those that are remembered, in the order in which they ended.
    known: Vec<Visit>,
    /// When the last of those ended that are not.
    forgotten_until: Option<At>,
}

/// One visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// When and where.
    pub stay: VisitSpan,
    /// What limits counted in it, in order of the first time.
    pub counted: Vec<(TermNo, i64)>,
}

/// When and where a visit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitSpan {
    /// Short name of the store, by [`NameKey`](crate::kernel::names::NameKey); 0 for all that name none.
    pub store: u64,
    /// When the first of what belongs to it happened.
    pub from: At,
    /// When the last did.
    pub until: At,
    /// It may be part of a visit that is forgotten: what limits counted there is not known.
    pub late: bool,
}

impl VisitSpan {
    /// Whether something of that instant happened in it, or no more than `gap_ms` before or behind it.
    fn is_near(&self, store: u64, at: At, gap_ms: i64) -> bool {
        self.store == store && at.plus_ms(gap_ms) >= self.from && at <= self.until.plus_ms(gap_ms)
    }

    /// Whether all of `other` is in it.
    pub(crate) fn has(&self, other: &VisitSpan) -> bool {
        self.store == other.store && self.from <= other.from && other.until <= self.until
    }
}

impl Visit {
    /// What a limit counted in it.
    pub fn counted(&self, limit: TermNo) -> i64 {
        self.counted.iter().filter(|(term, _)| *term == limit).fold(0, |sum, (_, amount)| sum.saturating_add(*amount))
    }

    /// Counts more in it. `None` on overflow.
    pub(crate) fn count(&mut self, limit: TermNo, more: i64) -> Option<()> {
        match self.counted.iter_mut().find(|(term, _)| *term == limit) {
            Some((_, amount)) => *amount = amount.checked_add(more)?,
            None => self.counted.push((limit, more)),
        }
        Some(())
    }
}

impl Visits {
    /// The visit to which something belongs that happened in a store: one that is known, all of several that it joins
    /// to one, or a new one.
    pub(crate) fn at(&self, store: u64, at: At, gap_ms: i64) -> VisitSpan {
        let near = self.known.iter().map(|visit| visit.stay).filter(|stay| stay.is_near(store, at, gap_ms));
        let alone = VisitSpan { store, from: at, until: at, late: false };
        let (mut stay, mut first) = (alone, At::NEVER);
        for VisitSpan { from, until, late, .. } in near {
            stay =
                VisitSpan { store, from: stay.from.min(from), until: stay.until.max(until), late: stay.late || late };
            first = first.min(from);
        }
        // Before the first of them there may be what is forgotten.
        let may_touch = at < first && self.forgotten_until.is_some_and(|end| at <= end.plus_ms(gap_ms));
        VisitSpan { late: stay.late || may_touch, ..stay }
    }

    /// The visit in which something happened, if it is known.
    pub(crate) fn in_which(&self, store: u64, at: At) -> Option<&Visit> {
        self.known.iter().find(|visit| visit.stay.is_near(store, at, 0))
    }

    /// What a limit counted in all that is now part of a visit.
    pub(crate) fn counted_in(&self, stay: &VisitSpan, limit: TermNo) -> i64 {
        let parts = self.known.iter().filter(|visit| stay.has(&visit.stay));
        parts.fold(0, |sum, visit| sum.saturating_add(visit.counted(limit)))
    }

    /// A visit is as `stay` says now, with all that was counted in its parts, and more besides. `None` if that
    /// overflows, or the visit ends before it begins.
    pub(crate) fn extend_visit(&mut self, stay: VisitSpan, more: &[(TermNo, i64)]) -> Option<()> {
        if stay.until < stay.from {
            return None;
        }
        let mut now = Visit { stay, counted: Vec::new() };
        let parts = self.known.iter().filter(|visit| stay.has(&visit.stay));
        for (limit, amount) in parts.flat_map(|visit| &visit.counted).chain(more) {
            now.count(*limit, *amount)?;
        }
        self.known.retain(|visit| !stay.has(&visit.stay));
        let place = self.known.partition_point(|visit| visit.stay.until <= stay.until);
        self.known.insert(place, now);
        self.forget(stay.until.plus_ms(VISITS_KEPT_MS.saturating_neg()));
        Some(())
    }

    /// Forgets the visits that ended first: those before `from` as far as enough are left, and all that are too many.
    fn forget(&mut self, from: At) {
        let len = self.known.len();
        let old = self.known.partition_point(|visit| visit.stay.until < from);
        let gone = old.min(len.saturating_sub(VISITS_KEPT)).max(len.saturating_sub(VISITS_MAX));
        let last = self.known.drain(..gone).next_back().map(|visit| visit.stay.until);
        self.forgotten_until = self.forgotten_until.max(last);
    }
}
