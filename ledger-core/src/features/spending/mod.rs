//! Spending: redemptions and holds, and giving them back.

pub mod change;
pub(crate) mod due;
pub mod event;
pub(crate) mod fold;
pub mod program;
pub(crate) mod program_toml;
pub(crate) mod redemption;
pub(crate) mod rules;
pub mod state;
