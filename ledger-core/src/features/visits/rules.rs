//! Visits: which one a purchase or check-in belongs to, and what limits count in it.
//!
//! A visit is what a member did at one place, each thing no more than the program's gap behind the one before, by when
//! it happened; what names no store is of one place of its own, or whoever leaves the store out would be given a visit
//! for every purchase. What is told late joins the visit in whose time it happened. What thereby makes two visits one
//! counts what both did, so nothing is given twice for what is one visit by all that is known.

use crate::features::visits::state::VisitSpan;
use crate::kernel::names::{Found, Origin};
use crate::kernel::units::{At, StaffNo, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use alloc::vec::Vec;

/// Where, by the store's short name, and when.
pub(crate) type Place = (u64, At);

/// Where an event happened.
pub(crate) fn place_of(draft: &Draft<'_>, origin: Option<&Origin<StaffNo>>, at: At) -> Place {
    (draft.short(Found::Store, origin.map_or("", |origin| &origin.store)), at)
}

/// The event begins a visit, or carries one on.
pub(crate) fn visit(draft: &mut Draft<'_>, (store, at): Place, gap_ms: i64) {
    let new = || VisitSpan { store, from: at, until: at, late: false };
    let stay = draft.member().visits().map_or_else(new, |visits| visits.at(store, at, gap_ms));
    draft.change(Change::Visited(change::Visited { member: draft.no(), stay, counted: Vec::new() }));
}

/// How much of a limit is used up in the visit of the event; `None` if it may be part of one that is not known.
pub(crate) fn used_in_visit(draft: &Draft<'_>, limit: TermNo) -> Option<i64> {
    let visited = draft.changes().iter().find_map(|change| match change {
        Change::Visited(change::Visited { member, stay, counted }) if *member == draft.no() => Some((stay, counted)),
        _ => None,
    });
    let (stay, counted) = visited.filter(|(stay, _)| !stay.late)?;
    let before = draft.member().visits().map_or(0, |visits| visits.counted_in(stay, limit));
    let now = counted.iter().filter(|(term, _)| *term == limit);
    Some(now.fold(before, |sum, (_, amount)| sum.saturating_add(*amount)))
}

/// Counts against a limit in the visit of the event, or in that of a purchase of which something goes back, if
/// that is still known.
pub(crate) fn count_in_visit(draft: &mut Draft<'_>, limit: TermNo, (store, at): Place, amount: i64) {
    let no = draft.no();
    let visited = draft.find_change(|change| match change {
        Change::Visited(change::Visited { member, counted, .. }) if *member == no => Some(counted),
        _ => None,
    });
    if let Some(counted) = visited {
        return match counted.iter_mut().find(|(term, _)| *term == limit) {
            Some((_, sum)) => *sum = sum.saturating_add(amount),
            None => counted.push((limit, amount)),
        };
    }
    let known = draft.member().visits().and_then(|visits| visits.in_which(store, at));
    if let Some(visit) = known {
        let (member, stay, counted) = (no, visit.stay, Vec::from([(limit, amount)]));
        draft.change(Change::Visited(change::Visited { member, stay, counted }));
    }
}
