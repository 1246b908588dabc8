//! Values: instants, spans, dates, currencies and names, both ways.

use super::Faults;
use crate::proto;
use ledger_core::event::{AT_MAX, AT_MIN, Currency, NAME_BYTES_MAX, Name, name_problem};
use ledger_core::quantity::{QUANTITY_DIGITS_MAX, Quantity};
use ledger_core::units::{At, LotId, MonthDay, Position};

/// An instant; absent for [`At::NEVER`].
pub fn stamp(at: At) -> Option<prost_types::Timestamp> {
    let nanos = i32::try_from(at.0.rem_euclid(1000) * 1_000_000).unwrap_or(0);
    (at < At::SLIDING).then(|| prost_types::Timestamp { seconds: at.0.div_euclid(1000), nanos })
}

/// Reads an instant that must be there.
pub(super) fn instant(field: &str, stamp: Option<prost_types::Timestamp>, faults: &mut Faults) -> At {
    let Some(stamp) = stamp else {
        faults.add(field, "is missing");
        return At(0);
    };
    let whole = (0..1_000_000_000).contains(&stamp.nanos).then(|| stamp.seconds.checked_mul(1000)).flatten();
    let at = whole.and_then(|ms| ms.checked_add(i64::from(stamp.nanos / 1_000_000))).map(At);
    at.filter(|at| (AT_MIN..=AT_MAX).contains(at)).unwrap_or_else(|| {
        faults.add(field, "must lie between 1900-01-01 and 9999-01-01, with 0 to 999,999,999 nanos");
        At(0)
    })
}

/// A span of milliseconds.
pub(super) fn duration(ms: i64) -> prost_types::Duration {
    let nanos = i32::try_from(ms.rem_euclid(1000) * 1_000_000).unwrap_or(0);
    prost_types::Duration { seconds: ms.div_euclid(1000), nanos }
}

/// Rounded up to the millisecond; what does not fit is out of range, which the event says of itself.
pub(super) fn duration_ms(span: prost_types::Duration) -> i64 {
    let part = i64::from(span.nanos).saturating_add(999_999).div_euclid(1_000_000);
    span.seconds.saturating_mul(1000).saturating_add(part)
}

/// A month and a day of it.
pub(super) fn month_day(date: MonthDay) -> proto::MonthDay {
    proto::MonthDay { month: date.month.into(), day: date.day.into() }
}

/// What does not fit is no date, which the event says of itself.
pub(super) fn decode_month_day(date: proto::MonthDay) -> MonthDay {
    MonthDay { month: u8::try_from(date.month).unwrap_or(0), day: u8::try_from(date.day).unwrap_or(0) }
}

/// Reads a currency.
pub(super) fn currency(field: &str, text: &str, faults: &mut Faults) -> Currency {
    Currency::read(text).unwrap_or_else(|| {
        faults.add(field, "must be three capital letters, as in ISO 4217");
        Currency(*b"EUR")
    })
}

/// How much of a line: a number, and how many of its digits stand behind the point.
pub(super) fn quantity(n: usize, (number, digits): (u32, u32), faults: &mut Faults) -> Quantity {
    Quantity::new(number, digits).unwrap_or_else(|| {
        let problem = format!("is {digits}; send 0 to {QUANTITY_DIGITS_MAX} digits behind the point");
        faults.add(&format!("lines[{n}].quantity_digits"), problem);
        Quantity::ONE
    })
}

/// Which lot.
pub(super) fn lot_id(id: LotId) -> Option<proto::LotId> {
    (id.position != Position::UNRECORDED).then(|| proto::LotId { position: id.position.0, line: id.line.into() })
}

/// How many, as messages count.
pub(super) fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// A name in its normal form; notes what is wrong with it.
pub(super) fn name(field: &str, text: impl Into<Name>, bytes_min: usize, faults: &mut Faults) -> Name {
    let mut name = text.into();
    if let Some(problem) = name_problem(&mut name, bytes_min, NAME_BYTES_MAX) {
        faults.add(field, problem);
    }
    name
}
