//! Wallets: the kinds of points.

pub(crate) mod program_toml;
pub mod state;
