//! Expiry: how points die, and live on.

pub mod change;
pub mod event;
pub mod program;
pub(crate) mod program_toml;
pub(crate) mod rules;
