//! Where a member stands, and what it does day after day.

use crate::kernel::units::{At, Day, TermNo};
use serde::{Deserialize, Serialize};

/// Tier and footing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierState {
    /// The tier.
    pub tier: TermNo,
    /// Since when the member falls short of it.
    pub unmet_since: Option<Day>,
    /// When it must be looked at again: when the metric falls short, or when the patience ends.
    pub due: Option<At>,
}

/// For so many days, up to the last one, a streak knows which counted.
pub const STREAK_DAYS: u32 = u64::BITS;

/// Days in a row: of the last days which ones counted, and how many in a row lie before them. So it is the same in
/// whatever order its days are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// Which streak.
    pub term: TermNo,
    /// The last day that counted.
    pub last: Day,
    /// Bit n: whether the day n days before the last counted.
    days: u64,
    /// How many days in a row lie right before the last [`STREAK_DAYS`].
    before: u32,
}

/// A streak with one more day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The streak.
    pub streak: Streak,
    /// How many days in a row lie right before that day.
    pub behind: u32,
    /// How many come right after it.
    pub ahead: u32,
}

impl Streak {
    /// A streak of which no day counted yet, whose first is to be this one.
    pub fn new(term: TermNo, first: Day) -> Streak {
        Streak { term, last: first, days: 0, before: 0 }
    }

    /// So many days in a row of which this is the last.
    pub fn row(term: TermNo, last: Day, days: u32) -> Streak {
        let mask = u64::MAX.checked_shr(STREAK_DAYS.saturating_sub(days)).unwrap_or(0);
        Streak { term, last, days: mask, before: days.saturating_sub(STREAK_DAYS) }
    }

    /// The streak with all that another knows of it.
    pub fn and(&self, other: &Streak) -> Streak {
        let (early, late) = if self.last < other.last { (self, other) } else { (other, self) };
        let moved = match late.last.0.abs_diff(early.last.0) {
            0 => *early,
            step => early.moved_on(step, late.last),
        };
        Streak { days: late.days | moved.days, before: late.before.max(moved.before), ..*late }
    }

    /// How many days in a row end with the last one.
    pub fn count(&self) -> u32 {
        self.row_from(0)
    }

    /// Whether it is known if `day` counted.
    pub fn knows(&self, day: Day) -> bool {
        self.ago(day).is_none_or(|ago| ago < STREAK_DAYS)
    }

    /// The streak with a day that did not count before; `None` if it did, or if that is not known.
    pub fn with(&self, day: Day) -> Option<Joined> {
        let Some(ago) = self.ago(day) else {
            let streak = self.moved_on(day.0.abs_diff(self.last.0), day);
            return Some(Joined { streak, behind: streak.row_from(1), ahead: 0 });
        };
        let bit = 1u64.checked_shl(ago)?;
        if self.days & bit != 0 {
            return None;
        }
        let ahead = self.days & bit.saturating_sub(1);
        // Of the days after it, those that count without a gap.
        let ahead = STREAK_DAYS.checked_sub(ago).and_then(|up| ahead.checked_shl(up)).map_or(0, u64::leading_ones);
        let streak = Streak { days: self.days | bit, ..*self };
        Some(Joined { streak, behind: streak.row_from(ago.saturating_add(1)), ahead })
    }

    /// How many days before the last one `day` is; `None` if it comes behind it.
    fn ago(&self, day: Day) -> Option<u32> {
        (day <= self.last).then(|| day.0.abs_diff(self.last.0))
    }

    /// The streak with a later day, so many days behind the last one.
    fn moved_on(&self, step: u32, day: Day) -> Streak {
        let days = self.days.checked_shl(step).unwrap_or(0) | 1;
        let before = STREAK_DAYS.checked_sub(step).map_or(0, |edge| self.row_from(edge));
        Streak { term: self.term, last: day, days, before }
    }

    /// How many days in a row end so many days before the last one.
    fn row_from(&self, ago: u32) -> u32 {
        let rest = self.days.checked_shr(ago).unwrap_or(0).trailing_ones();
        if rest.saturating_add(ago) >= STREAK_DAYS { rest.saturating_add(self.before) } else { rest }
    }
}
