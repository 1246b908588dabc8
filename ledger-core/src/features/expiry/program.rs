//! Expiry: until when a wallet's points can be used.
//!
//! A policy gives a lot its date when it is earned, and never looks at it again: a new version of the program
//! dates what is earned from then on. Dates are local ones, and a lot can be used through the last of them.

use crate::features::counting::happening::Happenings;
use crate::kernel::units::{At, Day, Money, MonthDay, TermNo};
use crate::tables::program::{Program, Wallet};
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

impl Program {
    /// When a lot of `wallet` earned on `day` expires: the first instant after its last usable day.
    pub fn expires_at(&self, wallet: &Wallet, day: Day, earner: Earner) -> At {
        let calendar = &self.calendar;
        let first_gone = match &wallet.expiry {
            Expiry::Never => return At::NEVER,
            Expiry::Activity { .. } => return At::WITH_SPELL,
            Expiry::Rolling { after, by_tier, round } => {
                let rank = self.rank_of(earner.tier);
                let longer = by_tier.iter().map(|(tier, after)| (self.rank_of(*tier), *after));
                let reached = longer.filter(|(least, _)| rank >= *least).max_by_key(|(least, _)| *least);
                self.after(day, reached.map_or(*after, |(_, after)| after), *round)
            }
            Expiry::Calendar { through, years } => calendar.in_year(day, *years, *through).plus(1),
            Expiry::Until(last) => last.plus(1),
            Expiry::Anniversary(nth) => calendar.anniversary(earner.enrolled_on.unwrap_or(day), day, *nth),
        };
        calendar.start_of(first_gone)
    }

    /// The first day after a span that begins on `day`: `d + n days` ends at 00:00 of that date; a month or
    /// year end is usable through its last day.
    pub(crate) fn after(&self, day: Day, span: Span, round: Round) -> Day {
        let last = match span {
            Span::Days(days) => day.plus(days),
            Span::Months(months) => self.calendar.plus_months(day, months),
        };
        match round {
            Round::Day => last,
            Round::MonthEnd => self.calendar.month_end(last).plus(1),
            Round::YearEnd => self.calendar.year_end(last).plus(1),
        }
    }
}
