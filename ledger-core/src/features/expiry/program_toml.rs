//! Reads a wallet's `expiry`: until when its points can be used, and what is done around that date.

use crate::kernel::calendar::{read_day, read_month_day};
use crate::kernel::units::{Money, TermNo};
use crate::program_file::{Reading, Section, number_and_unit};
use crate::tables::program::{Expiry, Round, Span};
use alloc::format;
use alloc::vec::Vec;

/// Most years or anniversaries that points live.
const YEARS_MAX: i64 = 100;
/// The earliest reminder, in days before the date.
const REMIND_DAYS_MAX: i64 = 366;
/// Most reminders of one date.
const REMINDERS_MAX: usize = 8;

/// How the points of a wallet die, and what is said of it.
pub(crate) struct Death {
    pub(crate) expiry: Expiry,
    pub(crate) remind: Vec<i32>,
    pub(crate) reinstate_days: Option<i32>,
}

impl Reading<'_> {
    pub(crate) fn expiry(&mut self, wallet: &mut Section<'_>, digits: i64) -> Death {
        let Some(mut section) = self.table(wallet, "expiry") else {
            return Death { expiry: Expiry::Never, remind: Vec::new(), reinstate_days: None };
        };
        let words = ["after", "until", "anniversary"];
        let said = words.map(|word| section.table.get(word).is_some());
        let expiry = match said {
            [true, false, false] => self.rolling(&mut section, digits),
            [false, true, false] => self.until(&mut section),
            [false, false, true] => {
                let nth = self.int(&mut section, "anniversary", 1, YEARS_MAX, true);
                nth.and_then(|(nth, _)| i32::try_from(nth).ok()).map(Expiry::Anniversary)
            }
            _ => {
                section.used.extend(words);
                self.fault(section.at, &section.path.clone(), "needs one of `after`, `until` or `anniversary`".into());
                None
            }
        };
        let remind = self.reminders(&mut section);
        let reinstate_days = self.days(&mut section, "reinstate", false);
        self.end(&section);
        Death { expiry: expiry.unwrap_or(Expiry::Never), remind, reinstate_days }
    }

    /// `remind = ["30d", "7d"]`.
    fn reminders(&mut self, section: &mut Section<'_>) -> Vec<i32> {
        let mut remind: Vec<i32> = Vec::new();
        for (text, at) in self.words(section, "remind", false) {
            let days =
                number_and_unit(&text).filter(|(days, unit)| *unit == "d" && (1..=REMIND_DAYS_MAX).contains(days));
            let problem = match days.and_then(|(days, _)| i32::try_from(days).ok()) {
                None => format!("{text:?} is no number of days; write 1d to {REMIND_DAYS_MAX}d"),
                Some(days) if remind.contains(&days) => format!("{text:?} is said twice"),
                Some(_) if remind.len() >= REMINDERS_MAX => format!("at most {REMINDERS_MAX} are allowed"),
                Some(days) => {
                    remind.push(days);
                    continue;
                }
            };
            self.fault(at, &section.field("remind"), problem);
        }
        remind
    }

    fn rolling(&mut self, section: &mut Section<'_>, digits: i64) -> Option<Expiry> {
        let after = self.span(section, "after");
        let round = match self.choice(section, "round", &["day", "month_end", "year_end"], false) {
            Some((1, _)) => Round::MonthEnd,
            Some((2, _)) => Round::YearEnd,
            _ => Round::Day,
        };
        if section.table.get("activity").is_some() {
            let activity = self.kinds(section, "activity");
            let least = self.money(section, "at_least", digits, false).map_or(Money(0), |(least, _)| least);
            return Some(Expiry::Activity { after: after?, round, activity, least });
        }
        let by_tier = self.spans_by_tier(section);
        Some(Expiry::Rolling { after: after?, by_tier, round })
    }

    fn spans_by_tier(&mut self, section: &mut Section<'_>) -> Vec<(TermNo, Span)> {
        let mut spans = Vec::new();
        for mut step in self.sections(section, "by_tier") {
            let tier = self.text_of(&mut step, "tier", true);
            let tier = tier.map(|(word, at)| self.tier_word(&word, at, step.field("tier")));
            let after = self.span(&mut step, "after");
            self.end(&step);
            spans.extend(tier.zip(after));
        }
        spans
    }

    /// `until = "2027-06-30"`, or `until = "12-31"` of the year that comes `years` later.
    fn until(&mut self, section: &mut Section<'_>) -> Option<Expiry> {
        let (text, at) = self.text_of(section, "until", true)?;
        if let Some(date) = read_day(&text) {
            return Some(Expiry::Until(date));
        }
        let years = self.int(section, "years", 0, YEARS_MAX, false);
        let Some(through) = read_month_day(&text) else {
            let problem = format!("{text:?} is no date; write 12-31 of some year, or 2027-06-30");
            self.fault(at, &section.field("until"), problem);
            return None;
        };
        let years = years.map_or(1, |(years, _)| years);
        if years == 0 && (through.month, through.day) != (12, 31) {
            let problem = "points earned after the date would have expired; with `years = 0` it is 12-31";
            self.fault(at, &section.field("until"), problem.into());
        }
        Some(Expiry::Calendar { through, years: i32::try_from(years).ok()? })
    }
}
