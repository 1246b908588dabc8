//! Risk: what is counted, and what is done about it.

use crate::features::counting::happening::Happenings;
use crate::features::earning::program::Measure;
use crate::features::risk::change::Action;
use crate::kernel::names::RiskKind;
use crate::kernel::units::{At, TermNo};

/// A risk counter.
#[derive(Clone, Debug)]
pub struct CounterRule {
    /// Its name.
    pub id: TermNo,
    /// Which kinds of events it counts.
    pub on: Happenings,
    /// By what.
    pub key: KeyKind,
    /// What.
    pub measure: Measure,
    /// Width of a bucket of time, in milliseconds.
    pub bucket_ms: i64,
    /// How many full buckets the window has; the one that is running comes on top, so a window is
    /// never shorter than declared and at most one bucket longer. 0: for ever.
    pub buckets: i32,
}

/// By what a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The member.
    Member,
    /// A risk key of this kind.
    Risk(RiskKind),
}

/// A risk rule.
#[derive(Clone, Copy, Debug)]
pub struct RiskRule {
    /// Its name.
    pub id: TermNo,
    /// Which counter, by index.
    pub counter: usize,
    /// From which value on.
    pub at_least: i64,
    /// What it does.
    pub action: Action,
}

impl CounterRule {
    /// The bucket in which `at` lies.
    pub fn bucket(&self, at: At) -> i32 {
        if self.buckets == 0 {
            return 0;
        }
        i32::try_from(at.0.div_euclid(self.bucket_ms.max(1))).unwrap_or(i32::MAX)
    }

    /// The first bucket of the window that ends at `at`.
    pub fn window_from(&self, at: At) -> i32 {
        self.bucket(at).saturating_sub(self.buckets)
    }
}
