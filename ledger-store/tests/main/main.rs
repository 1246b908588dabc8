//! Tests of the store at the boundary its users meet: a real RocksDB in a directory that goes away.
//!
//! Random tests print their seed and take it back: `LEDGER_SEED=…`. Longer campaigns than the suite's:
//! `LEDGER_KILLS=200` (crash), `LEDGER_DAMAGE=all` (damage), `LEDGER_DATA=….csv` (data).
//! `UPDATE_FIXTURE=1` writes the fixtures anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod aliases;
mod blocks;
mod causes;
mod checkpoints;
mod child;
mod concurrency;
mod counters;
mod crash;
mod damage;
mod data;
mod failure;
mod fixtures;
mod forgery;
mod format;
mod history;
mod ids;
mod ledger;
mod looking;
mod mark;
mod model;
mod newer;
mod notes;
mod proofs;
mod quarantine;
mod raw;
mod recovery;
mod rows;
mod said;
mod sealing;
mod secondfold;
mod stage;
mod stalls;
mod time;
