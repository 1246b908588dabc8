//! Wallets: the kinds of points.

pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;
