//! Wire: protobuf messages to the ledger's own types and back, with the limits of what may be asked.
//!
//! Each feature has a file that knows its messages both ways; `kinds` has a line for each kind of event and
//! of change. What comes in is checked whole: every broken limit is named by the path of its field, so a
//! caller mends all of them at once. What goes out is cut to fit into one message. It knows neither the store's
//! workings nor a status code.

mod actions;
mod approvals;
mod counted;
mod counting;
mod earning;
mod event;
mod exchange;
mod expiry;
mod funds;
mod household;
mod items;
mod kinds;
mod member;
mod membership;
mod merge;
mod names;
mod opening;
mod outcome;
mod pending;
mod publishing;
mod record;
mod reference;
mod request;
mod returns;
mod risk;
mod spending;
mod tiers;
mod token;
mod totals;
mod transfer;
mod values;
mod visits;

pub use self::counted::count;
pub use self::counting::counter;
pub use self::event::{DecodedBatch, Hash, batch, one, publish, quote, tagged};
pub use self::member::{maybe_member, member, people_named_with, purse};
pub use self::names::{Names, Person};
pub use self::outcome::{fit, outcome, outcomes, quoted, trace};
pub use self::publishing::{faults, program};
pub use self::record::{people_of_record, record, step};
pub use self::request::{
    EventAsked, Page, When, Which, Whose, event_asked, member_name, member_names, page, program_text, when, which,
    which_to_prove, whose, whose_key,
};
pub use self::returns::parked;
pub use self::risk::{case, members_of_case};
pub use self::token::{read_token, token, token_of};
pub use self::totals::totals;
pub use self::values::stamp;

use self::kinds::{Decode, Encode, EncodeChange, Within};
use ledger_core::event::{NAME_BYTES_MAX, Violation};
use ledger_core::program::Fault;

/// Largest event, in encoded bytes; the text of a program comes on top.
pub const EVENT_BYTES_MAX: usize = 2 << 20;
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

/// Most bytes of the violations of one event of a batch, and of the details of an error: they are sent behind a call,
/// where many clients take no more than 8 KiB in all.
pub const VIOLATIONS_BYTES_MAX: usize = 1_600;
/// Longest text of a violation or of an error, in bytes.
pub const PROBLEM_BYTES_MAX: usize = 300;
/// What a violation takes beside its texts.
const VIOLATION_FRAME: usize = 16;

/// A text that is not longer than [`PROBLEM_BYTES_MAX`].
pub fn shortened(mut text: String) -> String {
    if text.len() > PROBLEM_BYTES_MAX {
        let mut end = PROBLEM_BYTES_MAX - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Fields that break their limits; nothing of what they came with was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub Vec<Violation>);

impl Invalid {
    fn one(field: &str, problem: impl Into<String>) -> Invalid {
        Invalid(vec![Violation { field: field.to_owned(), problem: problem.into() }])
    }

    /// The faults of a program that was to be published, as broken limits of its text.
    pub fn program(faults: &[Fault]) -> Invalid {
        let one = |fault: &Fault| Violation { field: "text".into(), problem: fault.to_string() };
        Invalid(faults.iter().map(one).collect())
    }

    /// As many of the violations as so many bytes hold, each cut to a readable length, and behind them how many more
    /// there are.
    pub fn fitted(self, bytes_max: usize) -> Vec<Violation> {
        let (total, mut bytes) = (self.0.len(), 0usize);
        let cut = |one: Violation| Violation { field: shortened(one.field), problem: shortened(one.problem) };
        let fits = |one: &Violation| {
            bytes += one.field.len() + one.problem.len() + VIOLATION_FRAME;
            bytes <= bytes_max
        };
        let mut told: Vec<Violation> = self.0.into_iter().map(cut).take_while(fits).collect();
        if told.len() < total {
            let problem = format!("and {} more; mend these first", total - told.len());
            told.push(Violation { field: String::new(), problem });
        }
        told
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

/// What is found wrong while messages are read, in the fields of one kind of event or of a request.
#[derive(Debug, Default)]
struct Faults {
    /// The kind, which stands before the names of its fields; empty for other fields.
    of: &'static str,
    found: Vec<Violation>,
}

impl Faults {
    fn add(&mut self, field: &str, problem: impl Into<String>) {
        let field = if self.of.is_empty() { field.to_owned() } else { format!("{}.{field}", self.of) };
        self.found.push(Violation { field, problem: problem.into() });
    }

    /// What was read, if nothing was wrong.
    fn check<T>(self, value: T) -> Result<T, Invalid> {
        if self.found.is_empty() { Ok(value) } else { Err(Invalid(self.found)) }
    }
}

#[cfg(test)]
mod tests;
