//! Counting: what limits, metrics and risk counters count.

pub mod change;
pub(crate) mod fold;
pub mod happening;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;
