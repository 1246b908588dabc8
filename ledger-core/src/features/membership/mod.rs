//! Membership: joining, attributes, freezing, closing, aliases.

pub mod change;
pub mod event;
pub(crate) mod fold;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;
