//! Dates, added by hand.

use super::*;

pub(super) fn day_of(at: i64) -> i64 {
    (at + ZONE).div_euclid(DAY)
}

pub(super) fn start_of(day: i64) -> i64 {
    day * DAY - ZONE
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(super) fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Tuesday to Thursday: 6 January 1970 was a Tuesday.
pub(super) fn is_midweek(day: i64) -> bool {
    (day - 5).rem_euclid(7) < 3
}

/// A quarter, half a point and more being one.
pub(super) fn quarter(points: i64) -> i64 {
    points / 4 + i64::from(points % 4 >= 2)
}

/// Year, month and day of month, by counting from 1970.
pub(super) fn civil(day: i64) -> (i64, i64, i64) {
    let (mut year, mut month, mut left) = (1970, 1, day);
    while left >= 365 + i64::from(is_leap(year)) {
        left -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    while left >= month_days(year, month) {
        left -= month_days(year, month);
        month += 1;
    }
    (year, month, left + 1)
}

pub(super) fn expires_at(version: usize, day: i64) -> i64 {
    if version == 0 {
        return start_of(day + 40);
    }
    let (mut year, mut month, of_month) = civil(day);
    let mut to_month_end = month_days(year, month) - of_month;
    for _ in 0..2 {
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        to_month_end += month_days(year, month);
    }
    start_of(day + to_month_end + 1)
}
