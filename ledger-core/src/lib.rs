//! The rules and the arithmetic of a points ledger, and nothing else.
//!
//! An [`event`] is what was said to us: a purchase, a check-in, a redemption. A [`record`] is what we
//! did about it, kept for ever: the event, the program version that judged it, and the outcome. The
//! way from one to the other, and from records to balances, is this crate:
//!
//! ```text
//! Event<Name> ─► judge ─► what is due first, as records of its own   (timers: expiry, tiers …)
//!                  │
//!                  ├─► decide (Program, State, Event) ─► Verdict      every rule, no change
//!                  ├─► fold   (State, Record)         ─► State        every change, no rule
//!                  └─► Book::append                   ─► the log      names, bytes, disk: the caller's
//!
//! replay, verify, as-of:  the log ─► fold ─► State                    no rule, no program, no clock
//! ```
//!
//! [`decide`] holds every rule and changes nothing; [`fold`] changes everything and holds no rule. So a
//! record means the same in ten years, whatever became of the program that judged it, and a balance is
//! the sum of its records and never anything else. [`program`] reads rules from TOML; [`lots`],
//! [`counter`] and [`member`] are the numbers; [`state`] is all rows together; [`bytes`] is how records
//! and rows are stored; [`merkle`] and [`inclusion`] are how a log proves what it holds. [`memory`] is a whole ledger
//! without a disk.
//!
//! # It is not
//!
//! - a database: it appends to a [`judge::LogAccess`] and never asks where that is;
//! - a clock: ledger time comes in with each event, and nothing here asks for more;
//! - a source of chance: no randomness, no floats, no hash maps, no threads, so the same log folds to
//!   the same bytes on any machine;
//! - a judge of malformed events: [`event::Event::violations`] tells of those before `judge` sees them;
//! - a place for personal data: a name is in one record, the one that registers it.
//!
//! # Example
//!
//! ```
//! use ledger_core::event::{self, Body, Event, RiskKeys};
//! use ledger_core::{memory::Memory, refusal::Refusal, units::{At, Points}};
//!
//! let program = r#"
//!     id = "coffee"
//!     timezone = "Europe/Vienna"
//!     currency = "EUR"
//!     [[wallet]]
//!     id = "beans"
//!     [[earn]]
//!     id = "check_in"
//!     on = "check_in"
//!     fixed = 5
//!     limit = { times = 1, per = "1d" }
//! "#;
//! let mut ledger = Memory::new();
//! let mut say = |id: &str, member: &str, body| {
//!     let (source, at, keys) = ("till-7".into(), At(1_767_225_600_000), RiskKeys::default());
//!     let event = Event { source, id: id.into(), occurred_at: at, member: member.into(), keys, origin: None, body };
//!     ledger.submit(event, at)
//! };
//! say("e-1", "", Body::ProgramPublished(event::ProgramPublished { text: program.into() }))?;
//! assert_eq!(say("e-2", "Ada", Body::CheckIn(event::CheckIn))?.available, Points(5));
//! assert_eq!(say("e-3", "Ada", Body::CheckIn(event::CheckIn))?.earned_first(), Points(0)); // once a day
//! let redeemed = say("e-4", "Ada", Body::redeem(Points(6)))?;
//! assert_eq!(redeemed.refusal, Some(Refusal::NotEnoughPoints));
//! assert!(say("e-2", "Ada", Body::CheckIn(event::CheckIn))?.duplicate); // the first outcome again
//! # Ok::<(), ledger_core::fold::Corrupt>(())
//! ```

#![no_std]

extern crate alloc;

pub(crate) mod consequences;
pub mod decide;
pub mod explain;
pub mod features;
pub mod judge;
pub mod kernel;
pub mod memory;
pub mod program_file;
pub mod tables;
pub(crate) mod timers;
pub mod totals;

pub use features::visits::state as visit;
pub use kernel::{
    account, bytes, calendar, counter, currencies, inclusion, lots, merkle, names, normal, quantity, refusal, salts,
    sealed, tally, trace, units,
};
pub use tables::{change, event, fold, life, member, outcome, program, record, state};
