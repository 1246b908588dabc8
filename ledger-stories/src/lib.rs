//! Stories: what happens at a ledger in the words of the trade, and what the ledger answers.
//!
//! ```text
//! publish coffee
//! at 2026-01-03 09:00
//!   enrol     M1                    -> earned 0, available 0, bean
//!   purchase  M1 s-1 38.00          -> earned 38, available 38, bean
//!   redeem    M1 40                 -> refused NOT_ENOUGH_POINTS
//!   again                           -> again refused NOT_ENOUGH_POINTS
//! at 2027-01-04
//!   balance   M1                    -> available 0, held 0, review 0, debt 0
//! ```
//!
//! [`run`] plays a text on any [`Stage`] (a ledger in memory, the store, a server over gRPC) and writes the
//! answers behind the arrows; a test passes when the text comes back unchanged. Lines without an arrow are
//! played silently; `#` begins a comment.
//!
//! A line begins with a verb. What verbs there are, how they are written and what they mean is one table,
//! [`verbs`], and each has its entry beside the code that reads it, in a file for each feature. What may follow
//! an event as pairs of a word and a value is another, [`details`]. From these come [`help`] and [`page`], and every
//! example in them is played.

mod help;
mod memory;
mod play;
mod seen;
mod stage;
mod verbs;
mod words;

pub use self::help::{EXAMPLE_PROGRAM, EXAMPLE_START, help, page};
pub use self::play::{Unplayable, run};
pub use self::seen::{
    Seen, SeenCase, SeenCounter, SeenExchange, SeenLedger, SeenProposal, SeenPurse, SeenTally, SeenTotals, SeenWhy,
};
pub use self::stage::{Quote, Said, Stage, Told, asked, quote_of};
pub use self::verbs::{Detail, Verb, details, verbs};
