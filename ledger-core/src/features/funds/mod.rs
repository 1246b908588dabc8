//! Funds: good causes that points are given to.

pub mod event;
pub mod program;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub(crate) mod totals;
