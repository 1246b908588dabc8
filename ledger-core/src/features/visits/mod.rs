//! Visits: split purchases that are one.

pub mod change;
pub(crate) mod fold;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;
