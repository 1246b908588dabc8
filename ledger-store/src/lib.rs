//! The points ledger on disk: one log, its fold, snapshots, and proof that they agree.
//!
//! A [`Ledger`] is opened on a directory; its [`Handle`] submits batches of events and reads. Events
//! are judged by `ledger-core`; this crate makes what came of them durable, keeps the folded state in
//! memory, and brings it back after a crash. The path of an event:
//!
//! ```text
//! Handle::submit ─► shard: judge + fold ─► commit: blocks + cursors, one flush ─► answered
//!                                              └► now and then, snapshot: folded rows in bulk
//! Ledger::open   ─► recover: rows of the snapshot, then the tail of the log
//! verify         ─► the whole log from zero, compared with everything stored
//! ```
//!
//! The log is the only thing that is durable at once; all else is a snapshot of its fold, and every
//! row knows the position it has applied. `FORMAT.md` says byte by byte what is on disk.
//!
//! It is not: a clock (the caller brings one), a network service (`ledger-grpc`), or a place for
//! rules (`ledger-core`).

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod block;
mod causes;
mod chain;
mod check;
mod checkpoint;
mod commit;
mod disk;
mod error;
mod export;
mod filter;
mod frame;
mod identity;
mod ids;
mod keys;
mod live;
mod mark;
mod notes;
mod owner;
mod pepper;
mod prove;
mod read;
mod recover;
mod restore;
mod sealing;
mod seed;
mod shard;
mod signer;
mod snapshot;
mod tiles;
mod verify;

pub use checkpoint::{Checkpoint, ConsistencyProof, InclusionProof, Shown, ShownCause};
pub use error::{CommitError, Damage, MarkError, OpenError, ReadError, SubmitError};
pub use export::{ExportError, Exported, export_verdicts, is_export, read_export};
pub use identity::{Identity, LedgerId};
pub use notes::{NoteError, NoteSigner, VerifierKey, sign};
pub use read::{AsOf, CounterView, Explained, History, MemberLook, MemberView, Moment, Pending, Replay, Step, Totals};
pub use restore::{Outset, restore};
pub use sealing::Seals;
pub use seed::{Seed, SeedError, key_from};
pub use shard::{
    Batch, Clock, Cursor, Done, Handle, Health, Jump, Jumps, Ledger, Notify, Options, Stats, Steady, Time,
};
pub use signer::{Checkpoints, Signed};
pub use verify::{AtLeast, FINDINGS_MAX, Report, rebuild, totals_at, verify, verify_at_least, verify_under};
