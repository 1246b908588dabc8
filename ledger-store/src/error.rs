//! What can go wrong outside the business: one small enum per kind of call.
//!
//! None of these is a refusal (that is a record) and none is swallowed: a failed write or damage
//! stops the shard, and everyone who asks is told why.

use crate::identity::{Identity, LedgerId};
use crate::shard::Jump;
use ledger_core::fold::Corrupt;
use ledger_core::judge::Unreadable;
use ledger_core::units::Position;

/// Why a ledger cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// RocksDB cannot open the directory; most often another process has it open.
    #[error("cannot open {dir}: {source}")]
    Database {
        /// The directory.
        dir: String,
        /// What RocksDB says.
        source: rocksdb::Error,
    },
    /// There is nothing to open, and nothing was made.
    #[error("there is no ledger in {dir}")]
    NoLedger {
        /// The directory.
        dir: String,
    },
    /// The directory was made before there was a release.
    #[error("the ledger has format {found}, made by a version before the first release; import it anew")]
    BeforeRelease {
        /// The directory's.
        found: u32,
    },
    /// The directory belongs to another version of this software.
    #[error("the ledger has format {found}, this version reads format {known}")]
    Format {
        /// The directory's.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The secret given is not the one the ledger was made with.
    #[error("the secret is not the one this ledger was made with")]
    Secret,
    /// The identity given is not the one the ledger was made with.
    #[error("the ledger is {found}, not {given}")]
    OtherLedger {
        /// The directory's.
        found: LedgerId,
        /// The one that was asked for.
        given: LedgerId,
    },
    /// The pepper given is not the one the ledger was made with.
    #[error("the pepper is not the one this ledger was made with")]
    Pepper,
    /// The root of the salts that was given is not the one the ledger was made with, or some were taken away since.
    #[error("the root of the salts is not the one this ledger was made with")]
    Salts,
    /// Another process has the ledger open.
    #[error("{dir} is in use: another process has the ledger open")]
    InUse {
        /// The directory.
        dir: String,
    },
    /// The log is not what its mark says.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// There are rows of an older version, and nothing may be written.
    #[error("the folded rows were written by an older version; open the ledger once, which folds its log again")]
    OlderRows,
    /// The checkpoint that was signed last is of another ledger, or the log does not begin with what it says.
    #[error("the checkpoint in {file} {what}")]
    Checkpoint {
        /// Where it is kept.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// What is stored contradicts itself. Run `ledgerd verify`.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// No randomness for the ledger's secret or identity, or no thread to run on.
    #[error("cannot start: {0}")]
    System(String),
}

/// The log is not what the mark beside it says: something that was answered may be gone. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarkError {
    /// There is a log and no mark.
    #[error("the mark is missing, and the log ends at {end}: whether that is its end is not known")]
    Missing {
        /// Where the log ends.
        end: u64,
    },
    /// The mark cannot be read.
    #[error("the mark is damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
    /// The mark is of another ledger, lineage or shard.
    #[error("the mark is of ledger {of}, and the log of ledger {found}")]
    Other {
        /// The mark's.
        of: Identity,
        /// The log's.
        found: Identity,
    },
    /// The mark is ahead of the log: the log lost its end.
    #[error(
        "the log ends at {end}, with commit {commit}, and the mark says that {marked} records were durable, with \
         commit {marked_commit}"
    )]
    Ahead {
        /// Where the log ends.
        end: u64,
        /// Its last commit.
        commit: u64,
        /// Where the mark stands.
        marked: u64,
        /// The commit behind which it stands.
        marked_commit: u64,
    },
    /// The mark is further behind the log than any crash leaves it: it is an old one.
    #[error("the mark stands at {marked}, too far behind the log, which ends at {end}: it is an old copy")]
    Behind {
        /// Where the log ends.
        end: u64,
        /// Where the mark stands.
        marked: u64,
    },
    /// The log has other records or commits than those that were marked.
    #[error("the log differs from its mark: the first {at} records, or the commit that ends with them, were changed")]
    Differs {
        /// How many records the mark vouches for.
        at: u64,
    },
    /// There is a mark, and no ledger.
    #[error("the mark of ledger {of} says that {marked} records were durable, and there is no ledger beside it")]
    Alone {
        /// The mark's.
        of: Identity,
        /// Where the mark stands.
        marked: u64,
    },
}

/// What is stored contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// A block of records is not what was written.
    #[error("block ending at {last}: {what}")]
    Block {
        /// The position its key names.
        last: Position,
        /// What is wrong.
        what: &'static str,
    },
    /// A row is not what was written.
    #[error("row {row}: {what}")]
    Row {
        /// Which.
        row: String,
        /// What is wrong.
        what: String,
    },
    /// A personal text was sealed otherwise than it is to be opened, or changed since.
    #[error("{what} does not open: the ledger is kept under another sealing key than the one given, or under none")]
    Sealed {
        /// Which.
        what: String,
    },
    /// A record or row does not decode or fold.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// RocksDB reports damage or cannot read.
    #[error("database: {0}")]
    Database(String),
}

impl From<rocksdb::Error> for Damage {
    fn from(error: rocksdb::Error) -> Damage {
        Damage::Database(error.into_string())
    }
}

/// Why a batch got no outcomes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Nothing can be judged. Nothing of the batch happened.
    #[error(transparent)]
    Program(Unreadable),
    /// Time would jump, by the clock or by an event of the batch, and nobody has said that it is right. Nothing of the
    /// batch happened.
    #[error("{jump}, and nobody has said that this is right")]
    Clock {
        /// Which event of the batch says so.
        event: usize,
        /// From when to when.
        jump: Jump,
    },
    /// The shard stopped. Whether the batch became durable is not known: send the same ids again
    /// once the ledger is back, and the outcome will tell.
    #[error("the shard stopped: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
}

/// Why a batch was not taken. Nothing of it happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// Nothing can be judged.
    #[error(transparent)]
    Program(Unreadable),
    /// The queue is full. Try again soon.
    #[error("the queue is full: {waiting} events wait")]
    Busy {
        /// How many events wait.
        waiting: usize,
    },
    /// The shard stopped.
    #[error("the shard stopped: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
}

/// Why a read has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// What was asked for takes a program that cannot be read.
    #[error(transparent)]
    Program(#[from] Unreadable),
    /// The shard stopped before what was read became durable.
    #[error("the shard stopped: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
    /// What was said is held back: the record tells what it did, and of its cause the hash alone is there.
    #[error("what was said in record {position} is held back")]
    CauseHeldBack {
        /// The record.
        position: Position,
    },
    /// What is stored contradicts itself.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// Nobody waits for the answer any more.
    #[error("nobody waits for the answer")]
    Abandoned,
}
