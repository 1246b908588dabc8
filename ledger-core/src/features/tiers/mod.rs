//! Tiers, streaks, ladders and activity.

pub mod change;
pub(crate) mod fold;
pub(crate) mod rules;

pub use rules::{Footing, footing};
