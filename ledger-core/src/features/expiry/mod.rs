//! Expiry: how points die, and live on.

pub mod change;
pub(crate) mod dates;
pub(crate) mod due;
pub mod event;
pub(crate) mod fold;
pub mod program;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;
