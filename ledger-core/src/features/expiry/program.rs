//! Expiry: until when a wallet's points can be used.
//!
//! A policy gives a lot its date when it is earned, and never looks at it again: a new version of the program
//! dates what is earned from then on. Dates are local ones, and a lot can be used through the last of them.

use crate::features::counting::happening::Happenings;
use crate::kernel::units::{Day, Money, MonthDay, TermNo};
use alloc::vec::Vec;

/// How long a lot lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// For ever.
    Never,
    /// Some time after the date of earning.
    Rolling {
        /// How long.
        after: Span,
        /// How long for members who stood in such a tier, or a higher one.
        by_tier: Vec<(TermNo, Span)>,
        /// Rounded up to the last day of what.
        round: Round,
    },
    /// Through one date of the year that comes so many years after that of earning.
    Calendar {
        /// The date; a day the month does not have is its last.
        through: MonthDay,
        /// How many years later.
        years: i32,
    },
    /// Through this date, after which no more are given.
    Until(Day),
    /// As long as the member is active; all lots of a purse die together.
    Activity {
        /// How long after the last activity.
        after: Span,
        /// Rounded up to the last day of what.
        round: Round,
        /// Which kinds of events are activities.
        activity: Happenings,
        /// The least that is paid for a purchase that is one.
        least: Money,
    },
    /// Until the n-th anniversary of enrolment behind the date of earning.
    Anniversary(i32),
}

/// A span of calendar time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Days.
    Days(i32),
    /// Months; a day the month does not have becomes its last.
    Months(i32),
}

/// To the last day of what an expiry is rounded up; the points are usable through that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The day itself.
    Day,
    /// The month.
    MonthEnd,
    /// The year.
    YearEnd,
}

/// What an expiry asks of whoever earns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earner {
    /// On which date the member enrolled, if it did.
    pub enrolled_on: Option<Day>,
    /// The tier in which it stands; none of a newcomer.
    pub tier: TermNo,
}

impl Expiry {
    /// Whether no more points are given on `day`, as they would have expired.
    pub fn is_over(&self, day: Day) -> bool {
        matches!(self, Expiry::Until(last) if day > *last)
    }
}
