//! Opening: members that come from another system, as that left them.

pub mod change;
pub mod event;
pub(crate) mod fold;
pub(crate) mod rules;
