//! Local dates: the bridge between instants and the calendar of the program's time zone.
//!
//! The zone data is compiled in (its version is pinned by Cargo.lock). Only `decide` asks the
//! calendar; what it answers is written into the record, so a replay never asks again.

use crate::units::{At, DAY_MS, Day, MonthDay};
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};

/// A time zone with the arithmetic of dates that programs need.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    /// The calendar of an IANA zone such as `Asia/Shanghai`; `None` if there is no such zone.
    pub fn new(zone: &str) -> Option<Calendar> {
        let zone = TimeZoneDatabase::bundled().get(zone).ok()?;
        Some(Calendar { zone })
    }

    /// The local date on which `at` falls. Saturates outside the years -9999 to 9999.
    pub fn day_of(&self, at: At) -> Day {
        let offset_s = match Timestamp::from_millisecond(at.0) {
            Ok(instant) => self.zone.to_offset(instant).seconds(),
            Err(_) => 0,
        };
        let local = at.0.saturating_add(i64::from(offset_s).saturating_mul(1000));
        let days = local.div_euclid(DAY_MS);
        Day(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The first instant of a local date (00:00, or the first instant after a gap at midnight).
    pub fn start_of(&self, day: Day) -> At {
        date(day)
            .and_then(|date| self.zone.to_ambiguous_timestamp(date.to_datetime(Default::default())).compatible().ok())
            .map_or(At::NEVER, |instant| At(instant.as_millisecond()))
    }

    /// The same day of the month `months` later, or the last day of that month if it is shorter.
    pub fn plus_months(&self, day: Day, months: i32) -> Day {
        date(day)
            .and_then(|date| date.checked_add(Span::new().try_months(months).ok()?).ok())
            .map_or(Day(i32::MAX), day_number)
    }

    /// The last day of the month in which `day` lies.
    pub fn month_end(&self, day: Day) -> Day {
        date(day).map_or(Day(i32::MAX), |date| day_number(date.last_of_month()))
    }

    /// The last day of the year in which `day` lies.
    pub fn year_end(&self, day: Day) -> Day {
        date(day).map_or(Day(i32::MAX), |date| day_number(date.last_of_year()))
    }

    /// Whether `birthday` is celebrated on `day`; 29 February falls on 1 March in common years.
    pub fn celebrates(&self, birthday: MonthDay, day: Day) -> bool {
        let Some(date) = date(day) else { return false };
        let is = |month: i8, of_month: i8| date.month() == month && date.day() == of_month;
        let leap_born = birthday.month == 2 && birthday.day == 29;
        match (i8::try_from(birthday.month), i8::try_from(birthday.day)) {
            (Ok(_), Ok(_)) if leap_born && !date.in_leap_year() => is(3, 1),
            (Ok(month), Ok(day)) => is(month, day),
            _ => false,
        }
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

/// `YYYY-MM-DD` of a local date.
pub fn show_day(day: Day) -> alloc::string::String {
    date(day).map_or_else(|| alloc::format!("day {}", day.0), |date| alloc::format!("{date}"))
}

fn date(day: Day) -> Option<Date> {
    EPOCH.checked_add(Span::new().try_days(day.0).ok()?).ok()
}

fn day_number(date: Date) -> Day {
    let days = EPOCH.until(date).map_or(i32::MAX, |span| span.get_days());
    Day(days)
}

const EPOCH: Date = jiff::civil::date(1970, 1, 1);
