//! Returns: what refunds take back.

pub mod change;
pub mod event;
pub(crate) mod rules;
