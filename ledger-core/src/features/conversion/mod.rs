//! Conversion: enough stamps become a cup.

pub mod program;
pub(crate) mod program_toml;
pub(crate) mod rules;
