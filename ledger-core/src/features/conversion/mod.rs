//! Conversion: enough stamps become a cup.

pub(crate) mod program_toml;
pub(crate) mod rules;
