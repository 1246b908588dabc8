//! Merge: two members that are one.

pub mod change;
pub mod event;
pub(crate) mod fold;
pub(crate) mod rules;
pub mod state;
