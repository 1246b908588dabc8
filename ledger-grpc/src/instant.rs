//! Instants as machines write them: RFC 3339, to the millisecond.
//!
//! People read and write local times of the program's zone; those are `local`'s.

use ledger_core::calendar::{Calendar, show_day};
use ledger_core::units::{At, DAY_MS, Day};
use prost_types::Timestamp;
use std::sync::LazyLock;

const MINUTE_MS: i64 = 60_000;

/// The calendar of UTC.
pub static UTC: LazyLock<Calendar> = LazyLock::new(|| Calendar::new("UTC").expect("the zone data has UTC"));

/// Reads `2026-01-31T09:00:00Z`, with a fraction and an offset such as `+08:00` if there are any.
/// What is finer than a millisecond is cut off.
pub fn read(text: &str) -> Option<At> {
    let (local, rest) = text.split_at_checked(19)?;
    let shape = |(byte, like): (u8, u8)| if like == b'0' { byte.is_ascii_digit() } else { byte == like };
    if !local.bytes().zip(*b"0000-00-00T00:00:00").all(shape) {
        return None;
    }
    let (ms, offset) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (fraction, offset) = rest.split_at(digits);
            if !(1..=9).contains(&digits) {
                return None;
            }
            (format!("{fraction:0<3}")[..3].parse().ok()?, offset)
        }
    };
    Some(At(UTC.read(local)?.0 + ms - offset_ms(offset)?))
}

fn offset_ms(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    let two = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * MINUTE_MS)
}

/// Writes `2026-01-31T09:00:00Z`, with a fraction only if there is one.
pub fn show(at: At) -> String {
    let ms = at.0.rem_euclid(DAY_MS);
    let day = show_day(Day(i32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX)));
    let (hour, minute, second) = (ms / 3_600_000, ms / MINUTE_MS % 60, ms / 1000 % 60);
    let fraction = if ms % 1000 == 0 { String::new() } else { format!(".{:03}", ms % 1000) };
    format!("{day}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// An instant as the API has it.
pub fn stamp(at: At) -> Timestamp {
    let nanos = i32::try_from(at.0.rem_euclid(1000) * 1_000_000).expect("less than a second");
    Timestamp { seconds: at.0.div_euclid(1000), nanos }
}

/// An instant of the API.
pub fn at(stamp: &Timestamp) -> At {
    At(stamp.seconds.saturating_mul(1000).saturating_add(i64::from(stamp.nanos / 1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_as_it_was_written() {
        for ms in [0, 1, -1, 852_120_000_000, 1_767_225_600_123, -2_208_988_800_000, 253_370_764_800_000] {
            assert_eq!(read(&show(At(ms))), Some(At(ms)), "{ms}");
        }
        assert_eq!(show(At(852_120_000_000)), "1997-01-01T12:00:00Z");
    }

    #[test]
    fn an_offset_counts_from_utc() {
        assert_eq!(read("1997-01-01T20:00:00+08:00"), Some(At(852_120_000_000)));
        assert_eq!(read("1997-01-01T07:00:00.5-05:00"), Some(At(852_120_000_500)));
        assert_eq!(read("1997-01-01T12:00:00.123456789Z"), Some(At(852_120_000_123)));
    }

    #[test]
    fn what_is_no_instant_is_not_read() {
        let broken = ["", "1997-01-01", "1997-01-01 12:00:00Z", "1997-01-01T12:00:00", "1997-13-01T12:00:00Z"];
        for text in broken {
            assert_eq!(read(text), None, "{text:?}");
        }
        for text in
            ["1997-01-01T12:00:00.Z", "1997-01-01T12:00:00+8:00", "1997-01-01T12:00:00é", "1997-01-01T25:00:00Z"]
        {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
