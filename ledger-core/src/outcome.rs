//! Outcomes: what the sender of an event is told. Each follows from its record alone, so the same
//! event is told the same, however often it comes.

use crate::record::{Account, Record, Trace};
use crate::refusal::Refusal;
use crate::units::{At, Points, Position};
use alloc::vec::Vec;

/// The outcome of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The record that holds it.
    pub position: Position,
    /// When it was judged.
    pub at: At,
    /// The event had come before; this is the first outcome again.
    pub duplicate: bool,
    /// Why it was not carried out, if so.
    pub refusal: Option<Refusal>,
    /// Every rule that applied.
    pub trace: Vec<Trace>,
    /// New points, wherever they went: available, review or debt.
    pub earned: Points,
    /// The member's available points after it.
    pub available: Points,
}

impl Outcome {
    /// The outcome that a record tells.
    pub fn of(position: Position, record: &Record, duplicate: bool) -> Outcome {
        let verdict = &record.verdict;
        let issued = verdict.postings.iter().filter(|posting| posting.from == Account::Issued);
        Outcome {
            position,
            at: record.at,
            duplicate,
            refusal: verdict.refusal,
            trace: verdict.trace.clone(),
            earned: Points(issued.fold(0, |sum, posting| sum.saturating_add(posting.points.0))),
            available: verdict.available,
        }
    }
}
