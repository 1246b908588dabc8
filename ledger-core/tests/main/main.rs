//! Tests of the core at the boundary its users meet: scenario texts, properties, bytes, programs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod baskets;
mod busy;
mod bytes;
mod calendar;
mod complaints;
mod conditions;
mod counters;
mod events;
mod explain;
mod folds;
mod items;
mod large_programs;
mod lateness;
mod ledger;
mod lots;
mod meet;
mod naive;
mod overtakes;
mod programs;
mod proofs;
mod properties;
mod rules;
mod scenarios;
mod secondfold;
mod story;
mod sums;
mod visits;
