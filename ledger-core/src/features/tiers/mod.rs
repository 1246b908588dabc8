//! Tiers, streaks, ladders and activity.

pub mod change;
pub(crate) mod due;
pub(crate) mod fold;
pub(crate) mod named_toml;
pub mod program;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;

pub use rules::{TierProgress, tier_progress};
