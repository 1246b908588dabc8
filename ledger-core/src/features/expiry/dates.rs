//! The date a lot dies on, by the policy of its wallet.

use crate::features::expiry::program::{Earner, Expiry, Round, Span};
use crate::features::wallets::program::Wallet;
use crate::kernel::units::{At, Day};
use crate::tables::program::Program;

impl Program {
    /// When a lot of `wallet` earned on `day` expires: the first instant after its last usable day.
    pub fn expires_at(&self, wallet: &Wallet, day: Day, earner: Earner) -> At {
        let calendar = &self.calendar;
        let first_gone = match &wallet.expiry {
            Expiry::Never => return At::NEVER,
            Expiry::Activity { .. } => return At::SLIDING,
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
