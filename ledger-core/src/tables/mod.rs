//! Tables: the sums of all features, one line for each.

pub mod change;
pub(crate) mod desk;
pub(crate) mod draft;
pub mod event;
pub mod fold;
pub mod life;
pub mod member;
pub mod outcome;
pub mod program;
pub mod record;
pub mod state;
