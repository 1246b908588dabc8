//! Local dates: the bridge between instants and the calendar of the program's time zone.
//!
//! The zone data is compiled in (its version is pinned by Cargo.lock). Only `decide` asks the
//! calendar; what it answers is written into the record, so a replay never asks again.

use crate::kernel::units::{At, DAY_MS, Day, MonthDay};
use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A time zone with the arithmetic of dates that programs need.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    /// Seconds from 00:00 UTC of a date to its first instant here.
    starts: Memo,
}

impl Calendar {
    /// The calendar of an IANA zone such as `Asia/Shanghai`; `None` if there is no such zone.
    pub fn new(zone: &str) -> Option<Calendar> {
        let zone = TimeZoneDatabase::bundled().get(zone).ok()?;
        Some(Calendar { zone, starts: Memo::default() })
    }

    /// The local date on which `at` falls. Saturates outside the years -9999 to 9999.
    pub fn day_of(&self, at: At) -> Day {
        let days = self.local_ms(at).div_euclid(DAY_MS);
        Day(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The minute of its local day in which `at` falls, by the clock on the wall: 0 to 1439.
    pub fn minute_of(&self, at: At) -> i32 {
        let minutes = self.local_ms(at).rem_euclid(DAY_MS).div_euclid(60_000);
        i32::try_from(minutes).unwrap_or(0)
    }

    /// What the clock on the wall shows, as if it stood in Greenwich.
    fn local_ms(&self, at: At) -> i64 {
        let offset_s = match Timestamp::from_millisecond(at.0) {
            Ok(instant) => self.zone.to_offset(instant).seconds(),
            Err(_) => 0,
        };
        at.0.saturating_add(i64::from(offset_s).saturating_mul(1000))
    }

    /// The first instant of a local date (00:00, or the first instant after a gap at midnight).
    pub fn start_of(&self, day: Day) -> At {
        let utc_s = i64::from(day.0).saturating_mul(DAY_MS / 1000);
        let start = self.starts.get(day, || {
            let midnight = Civil::of(day)?.date()?.to_datetime(Default::default());
            let start = self.zone.to_ambiguous_timestamp(midnight).compatible().ok()?;
            i32::try_from(start.as_second().saturating_sub(utc_s)).ok()
        });
        start.map_or(At::NEVER, |after| At(utc_s.saturating_add(i64::from(after)).saturating_mul(1000)))
    }

    /// The same day of the month `months` later, or the last day of that month if it is shorter.
    pub fn plus_months(&self, day: Day, months: i32) -> Day {
        Civil::of(day).and_then(|date| date.plus_months(months)).map_or(Day(i32::MAX), Civil::day)
    }

    /// The Monday of the week in which `day` lies.
    pub fn week_start(&self, day: Day) -> Day {
        // 1970-01-01 was a Thursday.
        day.plus(day.0.rem_euclid(7).saturating_add(3).rem_euclid(7).saturating_neg())
    }

    /// The first day of the month in which `day` lies.
    pub fn month_start(&self, day: Day) -> Day {
        Civil::of(day).map_or(Day(i32::MIN), |date| Civil { day: 1, ..date }.day())
    }

    /// The first day of the year in which `day` lies.
    pub fn year_start(&self, day: Day) -> Day {
        Civil::of(day).map_or(Day(i32::MIN), |date| Civil { month: 1, day: 1, ..date }.day())
    }

    /// The last day of the month in which `day` lies.
    pub fn month_end(&self, day: Day) -> Day {
        Civil::of(day).map_or(Day(i32::MAX), |date| date.month_end().day())
    }

    /// The last day of the year in which `day` lies.
    pub fn year_end(&self, day: Day) -> Day {
        Civil::of(day).map_or(Day(i32::MAX), |date| Civil { month: 12, day: 31, ..date }.day())
    }

    /// A date of the year that comes `years` after the one in which `day` lies; 29 February of a common year
    /// is its 28th.
    pub fn in_year(&self, day: Day, years: i32, date: MonthDay) -> Day {
        Civil::of(day).map_or(Day(i32::MAX), |today| today.in_year(years, date).day())
    }

    /// The `nth` anniversary of `first` that falls behind `day`; 29 February falls on 1 March in common years.
    pub fn anniversary(&self, first: Day, day: Day, nth: i32) -> Day {
        let (first, day) = (Civil::of(first), Civil::of(day.max(first)));
        first.zip(day).map_or(Day(i32::MAX), |(first, day)| first.anniversary(day, nth))
    }

    /// Whether `birthday` is celebrated on `day`; 29 February falls on 1 March in common years.
    pub fn celebrates(&self, birthday: MonthDay, day: Day) -> bool {
        let Some(date) = Civil::of(day) else { return false };
        let leap_born = birthday.month == 2 && birthday.day == 29;
        let (month, day) = if leap_born && !date.in_leap_year() { (3, 1) } else { (birthday.month, birthday.day) };
        (date.month, date.day) == (i32::from(month), i32::from(day))
    }

    /// `YYYY-MM-DD HH:MM` in local time.
    pub fn show(&self, at: At) -> alloc::string::String {
        use alloc::string::ToString;
        if at == At::NEVER {
            return "never".to_string();
        }
        match Timestamp::from_millisecond(at.0) {
            Ok(instant) => {
                let local = self.zone.to_datetime(instant);
                alloc::format!("{} {:02}:{:02}", local.date(), local.hour(), local.minute())
            }
            Err(_) => "never".to_string(),
        }
    }

    /// The instant of a local date and time written `YYYY-MM-DD` or `YYYY-MM-DD HH:MM[:SS]`.
    pub fn read(&self, text: &str) -> Option<At> {
        let text = text.trim();
        let local: jiff::civil::DateTime = match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => date.to_datetime(Default::default()),
            _ => text.parse().ok()?,
        };
        let instant = self.zone.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(At(instant.as_millisecond()))
    }
}

/// What was worked out for a date, kept because nearly every event asks for the same few dates. It
/// changes no answer: a date that is not here, or was pushed out by another, is worked out again.
#[derive(Debug)]
struct Memo(Box<[AtomicU64]>);

impl Memo {
    /// Over two years, so that today, the expiry of a lot and the review of a tier all have their place.
    const DATES: i32 = 1_024;

    /// The value of `day`, worked out if it is not known; `None` is not kept.
    fn get(&self, day: Day, work_out: impl FnOnce() -> Option<i32>) -> Option<i32> {
        let slot = self.0.get(usize::try_from(day.0.rem_euclid(Memo::DATES)).ok()?)?;
        // Date and value share a word, so that no thread sees one without the other.
        let word = |value: i32| (u64::from(day.0.cast_unsigned()) << 32) | u64::from(value.cast_unsigned());
        let known = slot.load(Ordering::Relaxed);
        // An empty slot looks like 1970-01-01 with 0, which is therefore never taken as known.
        if known != 0 && known >> 32 == word(0) >> 32 {
            return u32::try_from(known & u64::from(u32::MAX)).ok().map(u32::cast_signed);
        }
        let value = work_out()?;
        slot.store(word(value), Ordering::Relaxed);
        Some(value)
    }
}

impl Default for Memo {
    fn default() -> Memo {
        Memo((0..Memo::DATES).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Clone for Memo {
    fn clone(&self) -> Memo {
        Memo::default()
    }
}

/// The date written `YYYY-MM-DD`.
pub fn read_day(text: &str) -> Option<Day> {
    let date: Date = (text.len() == 10).then(|| text.parse().ok()).flatten()?;
    let civil = Civil { year: date.year().into(), month: date.month().into(), day: date.day().into() };
    Some(civil.day())
}

/// The date of any year written `MM-DD`.
pub fn read_month_day(text: &str) -> Option<MonthDay> {
    let date: Date = (text.len() == 5).then(|| alloc::format!("2000-{text}").parse().ok()).flatten()?;
    Some(MonthDay { month: date.month().unsigned_abs(), day: date.day().unsigned_abs() })
}

/// `YYYY-MM-DD` of a local date.
pub fn show_day(day: Day) -> alloc::string::String {
    match Civil::of(day).and_then(Civil::date) {
        Some(date) => alloc::format!("{date}"),
        None => alloc::format!("day {}", day.0),
    }
}

/// A date of the proleptic Gregorian calendar, years -9999 to 9999.
///
/// From and to day numbers by `civil_from_days` and `days_from_civil` of H. Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms": the year begins in March, so that the leap day is its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    year: i32,
    month: i32,
    day: i32,
}

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i32 = 719_468;
/// The last day number of the year 9999, and the first of -9999.
const DAYS: core::ops::RangeInclusive<i32> = -4_371_587..=2_932_896;
/// Days in 400 years.
const ERA: i32 = 146_097;

#[expect(clippy::arithmetic_side_effects, reason = "every number here is bounded by DAYS and the years of it")]
impl Civil {
    fn of(day: Day) -> Option<Civil> {
        if !DAYS.contains(&day.0) {
            return None;
        }
        let days = day.0 + EPOCH;
        let (era, day_of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
        let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Some(Civil { year: year + era * 400 + i32::from(month <= 2), month, day })
    }

    fn day(self) -> Day {
        let year = self.year - i32::from(self.month <= 2);
        let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
        let from_march = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let day_of_year = (153 * from_march + 2) / 5 + self.day - 1;
        Day(era * ERA + year * 365 + year / 4 - year / 100 + day_of_year - EPOCH)
    }

    fn plus_months(self, months: i32) -> Option<Civil> {
        let months = (self.year * 12 + self.month - 1).checked_add(months)?;
        let first = Civil { year: months.div_euclid(12), month: months.rem_euclid(12) + 1, day: 1 };
        let in_range = (-9_999..=9_999).contains(&first.year);
        in_range.then(|| Civil { day: self.day.min(first.month_end().day), ..first })
    }

    fn month_end(self) -> Civil {
        let day = match self.month {
            2 if self.in_leap_year() => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        Civil { day, ..self }
    }

    fn in_year(self, years: i32, date: MonthDay) -> Civil {
        let first = Civil { year: self.year + years, month: date.month.into(), day: 1 };
        Civil { day: i32::from(date.day).min(first.month_end().day), ..first }
    }

    fn anniversary(self, day: Civil, nth: i32) -> Day {
        // A 29 February that the year does not have is the day after the 28th by its number.
        let this_year = Civil { year: day.year, ..self }.day();
        let years = if this_year > day.day() { nth - 1 } else { nth };
        Civil { year: day.year + years, ..self }.day()
    }

    fn in_leap_year(self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    fn date(self) -> Option<Date> {
        Date::new(i16::try_from(self.year).ok()?, i8::try_from(self.month).ok()?, i8::try_from(self.day).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Span;

    #[test]
    fn dates_are_those_of_the_library_from_end_to_end() {
        let epoch = jiff::civil::date(1970, 1, 1);
        let every = |step: usize| DAYS.step_by(step).chain(-150_000..150_000);
        for day in every(97) {
            let civil = Civil::of(Day(day)).expect("in range");
            let date = epoch.checked_add(Span::new().days(day)).expect("in range");
            assert_eq!(civil.date(), Some(date), "day {day}");
            assert_eq!(civil.day(), Day(day));
            assert_eq!(civil.month_end().date(), Some(date.last_of_month()), "month end of {date}");
            assert_eq!(civil.in_leap_year(), date.in_leap_year(), "{date}");
            let months = day % 50;
            let later = date.checked_add(Span::new().months(months)).ok();
            assert_eq!(civil.plus_months(months).and_then(Civil::date), later, "{months} months from {date}");
        }
        let beyond = [DAYS.start().saturating_sub(1), DAYS.end().saturating_add(1), i32::MIN, i32::MAX];
        assert!(beyond.into_iter().all(|day| Civil::of(Day(day)).is_none()));
    }

    #[test]
    fn a_date_asked_for_again_is_the_same_even_after_it_was_pushed_out() {
        for zone in ["Asia/Shanghai", "Europe/Berlin", "Pacific/Apia", "America/Sao_Paulo"] {
            let one = Calendar::new(zone).expect("a zone");
            for day in (0..20_000).chain([0, 1, -1, 1_024, 2_048, 0]) {
                let fresh = Calendar::new(zone).expect("a zone").start_of(Day(day));
                assert_eq!((one.start_of(Day(day)), one.start_of(Day(day))), (fresh, fresh), "{zone} day {day}");
            }
        }
    }
}
