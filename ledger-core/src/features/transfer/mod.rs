//! Transfer: from member to member.

pub mod change;
pub mod event;
pub(crate) mod fold;
pub mod program;
pub(crate) mod program_toml;
pub(crate) mod rules;
pub mod state;
