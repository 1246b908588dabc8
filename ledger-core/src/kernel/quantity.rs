//! Quantities of goods: whole numbers, and how many of their digits stand behind the point.
//!
//! Goods are sold by the piece and by weight. A quantity says its own scale, so none is ever rounded; whatever counts
//! goods counts their millionths.

use core::fmt;
use serde::{Deserialize, Serialize};

/// Most digits behind the point of a quantity.
pub const QUANTITY_DIGITS_MAX: u32 = 6;
/// What one piece comes to where goods are counted.
pub const MILLIONTHS: i64 = 1_000_000;
/// Room for the digits, behind the number itself.
const DIGITS_BITS: u32 = 3;

/// How much of some goods: 345 of which three digits stand behind the point are 0.345. `1.0` and `1` are the same.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity(u64);

impl Quantity {
    /// One piece.
    pub const ONE: Quantity = Quantity(1 << DIGITS_BITS);

    /// So many pieces.
    pub fn whole(pieces: u32) -> Quantity {
        Quantity(u64::from(pieces) << DIGITS_BITS)
    }

    /// A number of which so many digits stand behind the point. `None` if those are more than
    /// [`QUANTITY_DIGITS_MAX`].
    pub fn new(mut number: u32, mut digits: u32) -> Option<Quantity> {
        if digits > QUANTITY_DIGITS_MAX {
            return None;
        }
        while digits > 0 && number.is_multiple_of(10) {
            number = number.checked_div(10)?;
            digits = digits.saturating_sub(1);
        }
        Some(Quantity(Quantity::whole(number).0 | u64::from(digits)))
    }

    /// Reads a decimal number: `0.345`. `None` if it is none, or has more digits than there is room for.
    pub fn read(text: &str) -> Option<Quantity> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || text.ends_with('.') || !is_plain(whole) || !is_plain(part) {
            return None;
        }
        let part = part.trim_end_matches('0');
        let digits = u32::try_from(part.len()).ok().filter(|digits| *digits <= QUANTITY_DIGITS_MAX)?;
        let (whole, part) =
            (whole.parse::<u64>().ok()?, part.parse::<u64>().ok().or_else(|| part.is_empty().then_some(0))?);
        let number = whole.checked_mul(10u64.checked_pow(digits)?)?.checked_add(part)?;
        Quantity::new(u32::try_from(number).ok()?, digits)
    }

    /// The number, without its point.
    pub fn number(self) -> u32 {
        u32::try_from(self.0 >> DIGITS_BITS).unwrap_or(u32::MAX)
    }

    /// How many of its digits stand behind the point.
    pub fn digits(self) -> u32 {
        u32::try_from(self.0 & ((1 << DIGITS_BITS) - 1)).unwrap_or(0)
    }

    /// Whether it is nothing at all.
    pub fn is_zero(self) -> bool {
        self.number() == 0
    }

    /// The same, counted.
    #[inline]
    pub fn millionths(self) -> i64 {
        let one = 10i64.checked_pow(QUANTITY_DIGITS_MAX.saturating_sub(self.digits())).unwrap_or(1);
        i64::from(self.number()).saturating_mul(one)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, digits) = (u64::from(self.number()), self.digits());
        let one = 10u64.checked_pow(digits).unwrap_or(1);
        let (whole, part) = (number.checked_div(one).unwrap_or(0), number.checked_rem(one).unwrap_or(0));
        match usize::try_from(digits) {
            Ok(wide) if wide > 0 => write!(f, "{whole}.{part:0wide$}"),
            _ => whole.fmt(f),
        }
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_quantity_is_the_same_however_it_is_written() {
        for (said, shown, millionths) in [
            ("1", "1", 1_000_000),
            ("1.0", "1", 1_000_000),
            ("0.345", "0.345", 345_000),
            ("10.500000", "10.5", 10_500_000),
            ("0.000001", "0.000001", 1),
            ("007", "7", 7_000_000),
            ("0.0", "0", 0),
            ("4294967295", "4294967295", 4_294_967_295_000_000),
            ("4294.967295", "4294.967295", 4_294_967_295),
            ("1.00000000000", "1", 1_000_000),
        ] {
            let read = Quantity::read(said).expect(said);
            assert_eq!((&*read.to_string(), read.millionths()), (shown, millionths), "{said}");
            assert_eq!(Quantity::new(read.number(), read.digits()), Some(read), "{said}");
        }
        assert_eq!(Quantity::new(1_000, 3), Some(Quantity::ONE));
        assert_eq!(Quantity::new(0, 6), Some(Quantity::whole(0)));
        assert_eq!(Quantity::new(1, 7), None);
        for none in ["", ".", "1.", ".5", "-1", "+1", "1e3", "0.1234567", "4294967296", "42949672950.1", "1,5", "1.2.3"]
        {
            assert_eq!(Quantity::read(none), None, "{none}");
        }
    }
}
