//! Kernel: numbers, dates, names, lots and counters. It knows no feature.

pub mod account;
pub mod amounts;
pub mod bytes;
pub mod calendar;
pub mod corrupt;
pub mod counter;
pub mod currencies;
pub mod fault;
pub mod fields;
pub mod inclusion;
pub mod lots;
pub mod merkle;
pub mod names;
pub mod normal;
pub mod quantity;
pub mod refusal;
pub mod salts;
pub mod sealed;
pub mod tally;
pub(crate) mod toml_reader;
pub(crate) mod toml_values;
pub mod trace;
pub mod units;
pub mod words;
