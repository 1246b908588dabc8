//! Returns: what refunds take back.

pub mod change;
mod clawback;
pub mod event;
pub(crate) mod fold;
pub(crate) mod program_toml;
mod reversal;
pub(crate) mod rules;
pub mod state;
