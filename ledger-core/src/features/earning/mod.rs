//! Earning: what facts give.

pub(crate) mod amount_toml;
pub(crate) mod basket;
pub mod change;
pub mod condition;
pub mod event;
pub(crate) mod fold;
pub(crate) mod kept;
pub(crate) mod limits;
pub(crate) mod limits_toml;
pub mod program;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub(crate) mod totals;
pub mod trigger;
pub(crate) mod trigger_toml;
pub(crate) mod when_toml;
