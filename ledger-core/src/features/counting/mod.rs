//! Counting: what limits, metrics and risk counters count.

pub mod change;
pub mod happening;
pub(crate) mod rules;
