//! Exchange: points that become a partner's and back, in two phases.

pub mod change;
pub(crate) mod due;
pub mod event;
pub(crate) mod fold;
pub mod program;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;
pub(crate) mod totals;
