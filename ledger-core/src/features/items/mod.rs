//! Items: what points are redeemed for.

pub mod program;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;
pub(crate) mod totals;
