//! The calendar: days follow one another without gap or overlap in every zone, however odd.

use crate::naive::DAY;
use ledger_core::calendar::{Calendar, read_day, read_month_day, show_day};
use ledger_core::units::{At, Day, MonthDay};
use proptest::prelude::*;

/// Zones with changes at midnight (São Paulo, Beirut), of half an hour (Lord Howe), a day that never was
/// (Apia), odd minutes (Kathmandu), and none (Shanghai, UTC).
const ZONES: [&str; 10] = [
    "UTC",
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Africa/Casablanca",
];

fn zone(name: &str) -> Calendar {
    Calendar::new(name).unwrap_or_else(|| panic!("{name} is a zone"))
}

proptest! {
    #![proptest_config(crate::properties::config(256))]

    #[test]
    fn every_instant_lies_in_its_day(zone_no in 0..ZONES.len(), at in -60 * 365 * DAY..200 * 365 * DAY) {
        let calendar = zone(ZONES[zone_no]);
        let day = calendar.day_of(At(at));
        prop_assert!(calendar.start_of(day) <= At(at), "{} begins before {at}", show_day(day));
        prop_assert!(At(at) < calendar.start_of(day.plus(1)), "{} ends after {at}", show_day(day));
        prop_assert!(calendar.day_of(At(at + 1)) >= day, "days do not go back");
    }

    #[test]
    fn months_and_years_end_on_their_last_day(day in -20_000..60_000i32, months in 0..50i32) {
        let calendar = zone("UTC");
        let of = |day: Day| -> (i32, u32, u32) {
            let text = show_day(day);
            let parts: Vec<i32> = text.split('-').map(|part| part.parse().expect("a number")).collect();
            (parts[0], parts[1] as u32, parts[2] as u32)
        };
        let (year, month, of_month) = of(Day(day));
        let end = calendar.month_end(Day(day));
        prop_assert_eq!((of(end).0, of(end).1), (year, month));
        prop_assert_eq!(of(end.plus(1)).2, 1);
        prop_assert_eq!(of(calendar.year_end(Day(day))), (year, 12, 31));
        let later = calendar.plus_months(Day(day), months);
        let whole = year * 12 + month as i32 - 1 + months;
        prop_assert_eq!((of(later).0, of(later).1), (whole.div_euclid(12), whole.rem_euclid(12) as u32 + 1));
        let last = calendar.month_end(later);
        prop_assert!(of(later).2 == of_month || (of(later).2 < of_month && later == last), "{} months on", months);
    }

    #[test]
    fn a_birthday_comes_once_a_year(month in 1..=12u8, of_month in 1..=31u8, year in 1970..2100i32) {
        let calendar = zone("UTC");
        let most = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][usize::from(month) - 1];
        prop_assume!(of_month <= most);
        let birthday = MonthDay { month, day: of_month };
        let first = calendar.day_of(calendar.read(&format!("{year}-01-01")).expect("a date"));
        let days = calendar.year_end(first).0 - first.0;
        let celebrated = (0..=days).filter(|day| calendar.celebrates(birthday, first.plus(*day))).count();
        prop_assert_eq!(celebrated, 1);
    }
}

#[test]
fn a_day_that_never_was_ends_as_it_begins() {
    // Samoa went from 29 to 31 December 2011.
    let calendar = zone("Pacific/Apia");
    let skipped = calendar.day_of(calendar.read("2011-12-29").expect("a date")).plus(1);
    assert_eq!(show_day(skipped), "2011-12-30");
    assert_eq!(calendar.start_of(skipped), calendar.start_of(skipped.plus(1)));
    assert_eq!(calendar.show(calendar.start_of(skipped)), "2011-12-31 00:00");
}

#[test]
fn a_day_that_begins_late_begins_with_its_first_instant() {
    // In São Paulo summer time began at midnight: 4 November 2018 had no 00:00.
    let calendar = zone("America/Sao_Paulo");
    let noon = calendar.read("2018-11-04 12:00").expect("a time");
    let start = calendar.start_of(calendar.day_of(noon));
    assert_eq!(calendar.show(start), "2018-11-04 01:00");
    assert_eq!(calendar.show(At(start.0 - 1)), "2018-11-03 23:59");
}

#[test]
fn dates_of_other_years_are_those_of_the_calendar() {
    let calendar = zone("Europe/Berlin");
    let day = |text: &str| read_day(text).expect("a date");
    let date = |text: &str| read_month_day(text).expect("a date of any year");
    let in_year = |from: &str, years, text| show_day(calendar.in_year(day(from), years, date(text)));
    assert_eq!(in_year("2026-12-31", 0, "12-31"), "2026-12-31");
    assert_eq!(in_year("2026-01-01", 1, "06-30"), "2027-06-30");
    assert_eq!(in_year("2027-05-05", 1, "02-29"), "2028-02-29");
    assert_eq!(in_year("2026-05-05", 1, "02-29"), "2027-02-28");
    let anniversary = |of: &str, after: &str, nth| show_day(calendar.anniversary(day(of), day(after), nth));
    assert_eq!(anniversary("2026-03-15", "2026-03-15", 1), "2027-03-15");
    assert_eq!(anniversary("2026-03-15", "2027-03-14", 1), "2027-03-15");
    assert_eq!(anniversary("2026-03-15", "2027-03-15", 2), "2029-03-15");
    // What happened before the first day waits for the first anniversary.
    assert_eq!(anniversary("2026-03-15", "2025-03-14", 1), "2027-03-15");
    assert_eq!(anniversary("2024-02-29", "2024-02-29", 1), "2025-03-01");
    assert_eq!(anniversary("2024-02-29", "2027-03-01", 1), "2028-02-29");
    assert_eq!(anniversary("2024-02-29", "2027-02-28", 1), "2027-03-01");
    assert_eq!(calendar.start_of(calendar.anniversary(day("2024-02-29"), day("9999-12-31"), 100)), At::NEVER);
    assert_eq!(calendar.anniversary(Day(i32::MAX), Day(0), 1), Day(i32::MAX));
    assert_eq!(calendar.in_year(Day(i32::MAX), 1, date("12-31")), Day(i32::MAX));
    for text in ["", "1-1", "13-01", "02-30", "2026-01-01", "+1-01", "01-+1", "ab-cd"] {
        assert_eq!(read_month_day(text), None, "{text}");
    }
}

#[test]
fn what_lies_outside_the_calendar_is_never() {
    let calendar = zone("Europe/Berlin");
    assert_eq!(calendar.start_of(Day(i32::MAX)), At::NEVER);
    assert_eq!(calendar.start_of(Day(i32::MIN)), At::NEVER);
    assert_eq!(calendar.show(At::NEVER), "never");
    assert_eq!(calendar.show(At(i64::MIN)), "never");
    assert_eq!(calendar.month_end(Day(i32::MAX)), Day(i32::MAX));
    assert_eq!(calendar.plus_months(Day(0), i32::MAX), Day(i32::MAX));
    let far = [At::NEVER, At(i64::MIN), At(i64::MAX - 1)].map(|at| calendar.day_of(at));
    assert_eq!(far, [Day(i32::MAX), Day(i32::MIN), Day(i32::MAX)]);
    assert!(Calendar::new("Mars/Olympus").is_none());
    assert!(calendar.read("2026-02-30").is_none());
    assert!(calendar.read("yesterday").is_none());
}
