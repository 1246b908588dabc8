//! Faults: what is wrong in a program file, and where.

use alloc::string::String;

/// Most faults of one file that are told one by one.
pub const FAULTS_MAX: usize = 100;

/// Something wrong in a program file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: u32,
    /// Field, as a path: `earn[2].limit.per`.
    pub field: String,
    /// What is wrong and what to write instead.
    pub problem: String,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.field, self.problem)
    }
}
