//! Approvals: points given or taken by hand, and how many must agree.

pub mod change;
pub mod event;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;
