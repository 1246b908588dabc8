//! The quantities of a points ledger, each its own type, all integers.
//!
//! Nothing here rounds except [`units_of`] and [`share`], which say how; nothing here wraps: sums are
//! checked, and what cannot be represented is the caller's refusal or the fold's `Corrupt`.

use core::fmt;
use serde::{Deserialize, Serialize};

/// Milliseconds in a day of 24 hours.
pub const DAY_MS: i64 = 86_400_000;
/// A hundred percent, in hundredths of a percent.
pub const WHOLE: i64 = 10_000;

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

quantity!(
    /// Whole points of one wallet (scale 0). May be negative only where debt is meant.
    Points,
    i64
);
quantity!(
    /// Money in minor units of the program's currency (cents, fen).
    Money,
    i64
);
quantity!(
    /// An instant: milliseconds since 1970-01-01T00:00:00Z.
    At,
    i64
);
quantity!(
    /// A local calendar date of the program's time zone: days since 1970-01-01.
    Day,
    i32
);
quantity!(
    /// The place of a record in the log of its shard. The first record is at 1; 0 is before all.
    Position,
    u64
);
quantity!(
    /// A member inside the ledger. The first is 1; 0 is nobody.
    MemberNo,
    u32
);
quantity!(
    /// Somebody of the staff inside the ledger: who served, or who stands for something. The first is 1; 0 is nobody.
    StaffNo,
    u32
);
quantity!(
    /// A word of the program's vocabulary (rule, limit, tier, counter, attribute): stable for ever,
    /// through all versions of the program. 0 is no word.
    TermNo,
    u16
);

impl Points {
    /// No points.
    pub const ZERO: Points = Points(0);

    /// Sum, or `None` past 2^63.
    #[inline]
    pub fn plus(self, other: Points) -> Option<Points> {
        self.0.checked_add(other.0).map(Points)
    }

    /// Difference, or `None` past 2^63.
    #[inline]
    pub fn less(self, other: Points) -> Option<Points> {
        self.0.checked_sub(other.0).map(Points)
    }

    /// Whether there are none.
    #[inline]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl At {
    /// Later than every instant: a timer that is not set, a lot that does not expire.
    pub const NEVER: At = At(i64::MAX);
    /// No instant, but in its place: a lot that dies with its purse's spell of activity.
    pub const SLIDING: At = At(i64::MAX - 1);

    /// This instant, unless it is [`At::NEVER`].
    #[inline]
    pub(crate) fn ever(self) -> Option<At> {
        (self != At::NEVER).then_some(self)
    }

    /// The instant `ms` later; saturates at [`At::NEVER`].
    #[inline]
    pub fn plus_ms(self, ms: i64) -> At {
        At(self.0.saturating_add(ms))
    }
}

impl Day {
    /// The date `days` later (or earlier, if negative); saturates at the ends of the calendar.
    #[inline]
    pub fn plus(self, days: i32) -> Day {
        Day(self.0.saturating_add(days))
    }
}

impl Position {
    /// Where a record would stand that is not made yet: what it makes has no name that lasts.
    pub const UNRECORDED: Position = Position(u64::MAX);

    /// The next place in the log.
    #[inline]
    pub fn next(self) -> Position {
        Position(self.0.saturating_add(1))
    }
}

impl MemberNo {
    /// Not a member.
    pub const NOBODY: MemberNo = MemberNo(0);
}

impl StaffNo {
    /// Nobody of the staff.
    pub const NOBODY: StaffNo = StaffNo(0);
}

impl TermNo {
    /// Not a word.
    pub const NONE: TermNo = TermNo(0);
}

/// A lot is named by the record that made it and its place among that record's postings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LotId {
    /// The record that made the lot.
    pub position: Position,
    /// Index of the posting within that record.
    pub line: u16,
}

impl fmt::Display for LotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "L{}.{}", self.position, self.line)
    }
}

/// A device, address or phone, known to the ledger only as a keyed hash (HMAC-SHA-256, first 128 bits).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RiskKey(pub [u8; 16]);

impl fmt::Display for RiskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RiskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A month and a day of it, as in a birthday. 29 February is kept as it is; in common years it
/// falls on 1 March.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MonthDay {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl MonthDay {
    /// Whether there is such a date in any year.
    pub(crate) fn is_date(self) -> bool {
        let days: u8 = match self.month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        (1..=12).contains(&self.month) && (1..=days).contains(&self.day)
    }
}

/// What becomes of the part that is short of a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// It is lost.
    #[default]
    Down,
    /// Half of a whole and more is a whole.
    HalfUp,
    /// Any part is a whole.
    Up,
}

/// How many times `unit` goes into `amount`, which is 0 or more. `None` if `unit` is not positive.
#[inline]
pub fn units_of(amount: Money, unit: Money, rounding: Rounding) -> Option<i64> {
    let whole = amount.0.checked_div_euclid(unit.0).filter(|_| unit.0 > 0)?;
    if rounding == Rounding::Down {
        return Some(whole);
    }
    let part = amount.0.checked_rem_euclid(unit.0)?;
    let least = if rounding == Rounding::Up { 1 } else { unit.0.saturating_sub(part) };
    whole.checked_add(i64::from(part >= least))
}

/// `amount * part / whole`, all 0 or more. `None` if it does not fit 64 bits, or `whole` is 0.
pub fn share(amount: i64, part: i64, whole: i64, rounding: Rounding) -> Option<i64> {
    let (product, whole) = (i128::from(amount).checked_mul(i128::from(part))?, i128::from(whole));
    let (top, bottom) = match rounding {
        Rounding::Down => (product, whole),
        Rounding::HalfUp => (product.checked_mul(2)?.checked_add(whole)?, whole.checked_mul(2)?),
        Rounding::Up => (product.checked_add(whole.checked_sub(1)?)?, whole),
    };
    i64::try_from(top.checked_div(bottom)?).ok()
}
