//! Visits: which one a purchase or check-in belongs to, and what limits count in it.
//!
//! A visit is what a member did at one place, each thing no more than the program's gap behind the one before, by when
//! it happened; what names no store is of one place of its own, or whoever leaves the store out would be given a visit
//! for every purchase. What is told late joins the visit in whose time it happened. What thereby makes two visits one
//! counts what both did, so nothing is given twice for what is one visit by all that is known.

use crate::features::earning::basket::Basket;
use crate::features::spending::redemption::hash_of;
use crate::features::visits::state::Stay;
use crate::kernel::units::TermNo;
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use alloc::vec::Vec;

impl Draft<'_> {
    /// The event begins a visit, or carries one on.
    pub(crate) fn visit(&mut self, basket: &Basket<'_>, gap_ms: i64) {
        let store = store_of(basket);
        let new = || Stay { store, from: basket.at, until: basket.at, late: false };
        let stay = self.member.visits().map_or_else(new, |visits| visits.at(store, basket.at, gap_ms));
        self.change(Change::Visited(change::Visited { member: self.no, stay, counted: Vec::new() }));
    }

    /// How much of a limit is used up in the visit of the event: all of it, if that is not known.
    pub(crate) fn used_in_visit(&self, limit: TermNo) -> i64 {
        let visited = self.verdict.changes.iter().find_map(|change| match change {
            Change::Visited(change::Visited { member, stay, counted }) if *member == self.no => Some((stay, counted)),
            _ => None,
        });
        let Some((stay, counted)) = visited.filter(|(stay, _)| !stay.late) else { return i64::MAX };
        let before = self.member.visits().map_or(0, |visits| visits.counted_in(stay, limit));
        let now = counted.iter().filter(|(term, _)| *term == limit);
        now.fold(before, |sum, (_, amount)| sum.saturating_add(*amount))
    }

    /// Counts against a limit in the visit of the event, or in that of a purchase of which something goes back, if
    /// that is still known.
    pub(crate) fn count_in_visit(&mut self, limit: TermNo, basket: &Basket<'_>, amount: i64) {
        let no = self.no;
        let visited = self.verdict.changes.iter_mut().find_map(|change| match change {
            Change::Visited(change::Visited { member, counted, .. }) if *member == no => Some(counted),
            _ => None,
        });
        if let Some(counted) = visited {
            return match counted.iter_mut().find(|(term, _)| *term == limit) {
                Some((_, sum)) => *sum = sum.saturating_add(amount),
                None => counted.push((limit, amount)),
            };
        }
        let known = self.member.visits().and_then(|visits| visits.in_which(store_of(basket), basket.at));
        if let Some(visit) = known {
            let (member, stay, counted) = (no, visit.stay, Vec::from([(limit, amount)]));
            self.change(Change::Visited(change::Visited { member, stay, counted }));
        }
    }
}

/// The place of an event.
fn store_of(basket: &Basket<'_>) -> u64 {
    hash_of(basket.origin.map_or("", |origin| &origin.store))
}
