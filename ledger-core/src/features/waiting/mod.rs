//! Waiting: commands that were told before what they speak of. Each waits for that, for as long as the program says,
//! and is then as if it had come right behind it.

pub mod change;
pub(crate) mod due;
pub(crate) mod fold;
pub(crate) mod rules;
