//! Tiers: how they are earned and kept, and what lifts them.

use crate::features::counting::happening::Happenings;
use crate::features::earning::program::Trigger;
use crate::kernel::units::TermNo;
use alloc::vec::Vec;

/// When a member counts as dormant.
#[derive(Clone, Debug)]
pub struct Inactivity {
    /// After how many days without activity.
    pub days: i32,
    /// What counts as activity, by kind of event.
    pub activity: Happenings,
}

/// Days in a row that grant a tier.
#[derive(Clone, Copy, Debug)]
pub struct StreakRule {
    /// Its name.
    pub id: TermNo,
    /// What must happen each day.
    pub on: Trigger,
    /// How many days.
    pub days: u32,
    /// The tier granted, by rank.
    pub grant: usize,
}

/// Every so many events lift the tier.
#[derive(Clone, Copy, Debug)]
pub struct Ladder {
    /// Its name.
    pub id: TermNo,
    /// What is counted.
    pub on: Trigger,
    /// How many.
    pub every: i64,
    /// By how many tiers.
    pub step: usize,
}

/// The tiers and how they are kept.
#[derive(Clone, Debug)]
pub struct Tiers {
    /// The metric: money spent, in minor units.
    pub metric: TermNo,
    /// In how many days, today included.
    pub window_days: i32,
    /// After how many days short of its standard a tier falls by one; never if absent.
    pub patience_days: Option<i32>,
    /// From the lowest, which everyone has, to the highest.
    pub ranks: Vec<Tier>,
}

/// A tier.
#[derive(Clone, Copy, Debug)]
pub struct Tier {
    /// Its name.
    pub id: TermNo,
    /// The least metric that earns it.
    pub least: i64,
    /// An attribute that must not exceed a value.
    pub attribute: Option<(TermNo, i64)>,
}
