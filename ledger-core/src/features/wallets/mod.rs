//! Wallets: the kinds of points.

pub mod program;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;
