//! Visits: split purchases that are one.

pub mod change;
pub(crate) mod rules;
pub mod state;
