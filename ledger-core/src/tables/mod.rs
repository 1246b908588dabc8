//! Tables: the sums of all features, one line for each.

pub mod cause;
pub mod change;
pub(crate) mod desk;
pub(crate) mod draft;
pub(crate) mod due;
pub mod event;
pub mod fold;
pub(crate) mod here;
pub mod life;
pub mod member;
pub mod outcome;
pub mod program;
pub mod record;
pub mod state;
pub mod totals;
