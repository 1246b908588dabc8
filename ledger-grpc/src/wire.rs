//! Wire: protobuf messages to the ledger's own types and back, with the limits of what may be asked.
//!
//! What comes in (`said`) is checked whole: every broken limit is named by the path of its field, so
//! a caller mends all of them at once. What goes out (`told`) is cut to fit into one message. Beside
//! `service.rs`, this is the only place that names protobuf messages; it knows neither the store nor
//! a status code.

mod said;
mod told;

pub use said::{Hash, Page, Sorted, When, Whose};
pub use said::{batch, event_id, member_name, member_names, one, page, program_text, publish, tagged, when, whose};
pub use told::{Portrait, case, counter, faults, fit, maybe_member, member, members_of_case};
pub use told::{outcome, outcomes, program, record, spoken_of, step, totals};

use ledger_core::event::{NAME_BYTES_MAX, Violation};
use ledger_core::program::Fault;
use ledger_core::units::{MemberNo, TermNo};
use std::collections::HashMap;
use std::sync::Arc;

/// Largest event, in encoded bytes; the text of a program comes on top.
pub const EVENT_BYTES_MAX: usize = 64 << 10;
/// Most events of one batch.
pub const BATCH_EVENTS_MAX: usize = 10_000;
/// Longest tag of a batch, in bytes.
pub const TAG_BYTES_MAX: usize = NAME_BYTES_MAX;
/// Most members of one call.
pub const MEMBERS_MAX: usize = 1_000;
/// Records or cases of one page, unless asked otherwise.
pub const PAGE_USUAL: usize = 100;
/// Most records or cases of one page.
pub const PAGE_MAX: usize = 1_000;
/// Programs of one page, unless asked otherwise.
pub const PROGRAM_PAGE_USUAL: usize = 10;
/// Most programs of one page.
pub const PROGRAM_PAGE_MAX: usize = 100;
/// Most lots and holds of a member that is asked for alone.
pub const LOTS_SHOWN: usize = 1_000;
/// Most lots and holds of each of many members.
pub const LOTS_SHOWN_OF_MANY: usize = 10;
/// Most members named in the evidence of a case.
pub const CASE_MEMBERS_SHOWN: usize = 1_000;
/// Lists are cut, and traces left out, when they have so many encoded bytes.
pub const LIST_BYTES_MAX: usize = 2 << 20;
/// Largest answer, in encoded bytes: what clients take by default, less the frame.
pub const ANSWER_BYTES_MAX: usize = (4 << 20) - 1024;

/// Fields that break their limits; nothing of what they came with was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub Vec<Violation>);

impl Invalid {
    fn one(field: &str, problem: impl Into<String>) -> Invalid {
        Invalid(vec![violation(field, problem)])
    }

    /// The faults of a program that was to be published, as broken limits of its text.
    pub fn program(faults: &[Fault]) -> Invalid {
        Invalid(faults.iter().map(|fault| violation("text", fault.to_string())).collect())
    }

    /// The same, with paths that start at the request instead of at this part of it.
    fn under(mut self, part: &str) -> Invalid {
        for violation in &mut self.0 {
            let dot = if violation.field.is_empty() { "" } else { "." };
            violation.field = format!("{part}{dot}{}", violation.field);
        }
        self
    }
}

fn violation(field: &str, problem: impl Into<String>) -> Violation {
    Violation { field: field.to_owned(), problem: problem.into() }
}

/// The words and names with which numbers are told to callers.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// The vocabulary: term n is the n-th word.
    pub terms: Arc<Vec<Box<str>>>,
    /// The members that an answer speaks of.
    pub names: HashMap<MemberNo, Box<str>>,
}

impl Words {
    /// The word of a term; empty if none.
    pub fn term(&self, term: TermNo) -> String {
        let word = usize::from(term.0).checked_sub(1).and_then(|at| self.terms.get(at));
        word.map(|word| word.to_string()).unwrap_or_default()
    }

    /// The name of a member; empty if nobody.
    pub fn name(&self, no: MemberNo) -> String {
        self.names.get(&no).map(|name| name.to_string()).unwrap_or_default()
    }
}
