//! Instants as machines write them: RFC 3339, to the millisecond.
//!
//! People read and write local times of the program's zone; those are `local`'s.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use ledger_core::calendar::Calendar;
use ledger_core::units::At;
use std::sync::LazyLock;

/// The calendar of UTC.
pub static UTC: LazyLock<Calendar> = LazyLock::new(|| Calendar::new("UTC").expect("the zone data has UTC"));

/// Reads `2026-01-31T09:00:00Z`, with a fraction and an offset such as `+08:00` if there are any.
/// What is finer than a millisecond is cut off.
pub fn read(text: &str) -> Option<At> {
    let instant = is_rfc_3339(text).then(|| text.parse::<Timestamp>().ok()).flatten()?;
    let ms = instant.as_nanosecond().div_euclid(1_000_000);
    i64::try_from(ms).ok().map(At)
}

/// Reads a time that clocks show in the calendar's zone: `2026-01-31T09:00:00`, with a blank for the T, without
/// seconds, or a date alone, which is its first instant. A time that clocks show twice is the first of the two. One
/// that says its offset, `+0100` too, is read by that.
pub fn read_local(text: &str, calendar: &Calendar) -> Option<At> {
    let local_of = |text: &str| -> Option<String> {
        let (date, time) = text.split_at_checked(10)?;
        let time = time.strip_prefix(['T', 't', ' ']);
        Some(time.map_or_else(|| date.to_owned(), |time| format!("{date}T{time}")))
    };
    let with_t = local_of(text)?;
    let (local, offset) = match with_t.get(10..)?.find(['Z', 'z', '+', '-']) {
        Some(at) => with_t.split_at_checked(10 + at)?,
        None => (with_t.as_str(), ""),
    };
    let local = if is_like(local, b"0000-00-00T00:00") { format!("{local}:00") } else { local.to_owned() };
    if !offset.is_empty() {
        let colon = is_like(offset, b"+0000") || is_like(offset, b"-0000");
        let offset = if colon { format!("{}:{}", &offset[..3], &offset[3..]) } else { offset.to_owned() };
        return read(&format!("{local}{offset}"));
    }
    if is_like(text, b"0000-00-00") || is_rfc_3339(&format!("{local}Z")) {
        return calendar.read(&local);
    }
    None
}

/// Whether a text has the shape of RFC 3339. `jiff` reads more than that, such as hours without minutes, or the name
/// of a zone behind the offset: an instant that only some programs can read is a typing error here.
fn is_rfc_3339(text: &str) -> bool {
    let Some((local, rest)) = text.split_at_checked(19) else { return false };
    let offset = rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let shaped = is_like(local, b"0000-00-00T00:00:00") || is_like(local, b"0000-00-00t00:00:00");
    shaped && (matches!(offset, "Z" | "z") || is_like(offset, b"+00:00") || is_like(offset, b"-00:00"))
}

/// Whether a text has a digit wherever its shape has a 0, and elsewhere what that has.
fn is_like(text: &str, shape: &[u8]) -> bool {
    let same = |(byte, like): (u8, &u8)| if *like == b'0' { byte.is_ascii_digit() } else { byte == *like };
    text.len() == shape.len() && text.bytes().zip(shape).all(same)
}

/// Writes `2026-01-31T09:00:00Z`, with a fraction only if there is one.
pub fn show(at: At) -> String {
    const PLAIN: DateTimePrinter = DateTimePrinter::new();
    const FRACTION: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let latest = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let instant = Timestamp::from_millisecond(at.0).unwrap_or(latest);
    let printer = if at.0 % 1000 == 0 { PLAIN } else { FRACTION };
    printer.timestamp_to_string(&instant)
}

/// An instant as the API has it.
pub fn stamp(at: At) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.0.rem_euclid(1000) * 1_000_000).expect("less than a second");
    prost_types::Timestamp { seconds: at.0.div_euclid(1000), nanos }
}

/// An instant of the API.
pub fn at(stamp: &prost_types::Timestamp) -> At {
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
        assert_eq!(read("1997-01-01t12:00:00.1z"), Some(At(852_120_000_100)), "RFC 3339 allows small letters");
        assert_eq!(read("1997-01-01T12:00:00-00:00"), Some(At(852_120_000_000)));
        assert_eq!(read("1969-12-31T23:59:59.9999Z"), Some(At(-1)), "cut off, not rounded to 1970");
    }

    #[test]
    fn what_is_no_instant_is_not_read() {
        let broken = ["", "1997-01-01", "1997-01-01 12:00:00Z", "1997-01-01T12:00:00", "1997-13-01T12:00:00Z"];
        for text in broken {
            assert_eq!(read(text), None, "{text:?}");
        }
        for rest in ["", ".Z", "+8:00", "é", "+08", "+0800", "[Europe/Berlin]", "+01:00[Europe/Berlin]", " Z", "Z "] {
            assert_eq!(read(&format!("1997-01-01T12:00:00{rest}")), None, "{rest:?}");
        }
        for text in ["1997-01-01T25:00:00Z", "19970101T120000Z", "1997-01-01T12Z", "1997-02-29T12:00:00Z"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
