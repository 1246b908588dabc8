//! Decimal: numbers with a point, exact, in integers.

/// Most digits of a number, those behind its point with them.
const DIGITS_MAX: u32 = 36;

/// `units` divided by ten to the power of `scale`; a fraction does not end in 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    units: i128,
    scale: u32,
}

/// What becomes of digits that are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// The nearest; the half away from 0.
    HalfUp,
    /// The nearest; the half to the even neighbour.
    HalfEven,
    /// Towards 0.
    Down,
    /// Away from 0.
    Up,
}

impl Round {
    /// The words of the config.
    pub(super) const WORDS: [(&'static str, Round); 4] =
        [("half_up", Round::HalfUp), ("half_even", Round::HalfEven), ("down", Round::Down), ("up", Round::Up)];
}

/// Why a decimal is no whole number of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It has more digits behind its point than there may be, and nothing says how to round.
    Digits,
    /// It is larger than any number here.
    Large,
}

impl Decimal {
    /// Reads digits with a point, a sign and an exponent if there are any, as JSON writes them; zeros may come first.
    pub(super) fn read(text: &str) -> Option<Decimal> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (sign, number) = number.strip_prefix('-').map_or((1, number), |number| (-1, number));
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(part) || exponent.unsigned_abs() > DIGITS_MAX {
            return None;
        }
        let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
        let scale = u32::try_from(part.len()).ok()?;
        if u32::try_from(whole.len()).ok()?.checked_add(scale)? > DIGITS_MAX {
            return None;
        }
        let digits = [whole, part].concat();
        let units = if digits.is_empty() { 0 } else { digits.parse::<i128>().ok()? };
        // The point moves by the exponent.
        let scale = i64::from(scale).checked_sub(i64::from(exponent))?;
        let more = u32::try_from(scale.min(0).unsigned_abs()).ok()?;
        let units = units.checked_mul(10i128.checked_pow(more)?)?.checked_mul(sign)?;
        Some(Decimal { units, scale: u32::try_from(scale.max(0)).ok()? }.trimmed())
    }

    fn trimmed(mut self) -> Decimal {
        while self.scale > 0 && self.units % 10 == 0 {
            self.units /= 10;
            self.scale -= 1;
        }
        self
    }

    /// The product; `None` if it has too many digits.
    pub(super) fn times(self, other: Decimal) -> Option<Decimal> {
        let units = self.units.checked_mul(other.units)?;
        Some(Decimal { units, scale: self.scale.checked_add(other.scale)? }.trimmed())
    }

    /// The whole number of units of which there are ten to the power of `digits` in 1: of 12.5 with two digits 1250.
    ///
    /// # Errors
    /// [`Unfit`]
    pub(super) fn in_units(self, digits: u32, round: Option<Round>) -> Result<i64, Unfit> {
        let number = match digits.checked_sub(self.scale) {
            Some(more) => 10i128.checked_pow(more).and_then(|power| self.units.checked_mul(power)),
            None => Some(rounded(self.units, self.scale - digits, round.ok_or(Unfit::Digits)?)),
        };
        number.and_then(|number| i64::try_from(number).ok()).ok_or(Unfit::Large)
    }
}

/// A number without its last digits.
fn rounded(units: i128, digits: u32, round: Round) -> i128 {
    // Nothing but the sign is left of a number that is divided by more than any has.
    let Some(power) = 10i128.checked_pow(digits) else {
        return if round == Round::Up { units.signum() } else { 0 };
    };
    let (whole, rest) = (units / power, (units % power).unsigned_abs());
    let half = rest.cmp(&(power.unsigned_abs() - rest));
    let away = match round {
        Round::Down => false,
        Round::Up => rest > 0,
        Round::HalfUp => half.is_ge(),
        Round::HalfEven => half.is_gt() || (half.is_eq() && whole % 2 != 0),
    };
    if away { whole + units.signum() } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, digits: u32, round: Option<Round>) -> Option<i64> {
        Decimal::read(text).and_then(|decimal| decimal.in_units(digits, round).ok())
    }

    #[test]
    fn decimals_are_exact() {
        let minor = |text| units(text, 2, None);
        assert_eq!(["0", "12", "12.5", "12.50", "12.500"].map(minor), [0, 1200, 1250, 1250, 1250].map(Some));
        assert_eq!(
            ["-5.00", "-0", "007.5", "1e2", "1.5E-1", "12345e-2"].map(minor),
            [-500, 0, 750, 10000, 15, 12345].map(Some)
        );
        assert_eq!(["1.005", "1e-3", "92233720368547758.08", "1e30"].map(minor), [None; 4]);
        assert_eq!(units("2.0", 0, None), Some(2));
        assert_eq!(units("0.345", 3, None), Some(345));
        let none = ["", "-", ".5", "5.", "+5", "1,5", "1 ", "0x1", "1e", "1e99", "1e2.5", "--1", "é", "1_0", "1e+-2"];
        assert_eq!(none.map(|text| Decimal::read(text).is_none()), [true; 15]);
        let long = "1".repeat(37);
        assert_eq!(Decimal::read(&long), None);
    }

    #[test]
    fn what_has_digits_too_many_is_rounded_as_declared() {
        let all = |text: &str| Round::WORDS.map(|(_, round)| units(text, 2, Some(round)).expect("it is rounded"));
        // half_up, half_even, down, up
        assert_eq!(all("10.1250"), [1013, 1012, 1012, 1013]);
        assert_eq!(all("10.1350"), [1014, 1014, 1013, 1014]);
        assert_eq!(all("-10.125"), [-1013, -1012, -1012, -1013]);
        assert_eq!(all("0.30000000000000004"), [30, 30, 30, 31]);
        assert_eq!(all("0.004999"), [0, 0, 0, 1]);
        assert_eq!(all("1e-36"), [0, 0, 0, 1]);
    }

    #[test]
    fn a_price_times_a_quantity_is_exact() {
        let times = |one: &str, two: &str| Decimal::read(one)?.times(Decimal::read(two)?);
        let net = |one: &str, two: &str, round| times(one, two).and_then(|product| product.in_units(2, round).ok());
        assert_eq!(net("19.99", "3", None), Some(5997));
        assert_eq!(net("2.5", "0.4", None), Some(100), "1.00 in the end");
        assert_eq!(net("19.90", "0.345", None), None);
        assert_eq!(net("19.90", "0.345", Some(Round::HalfUp)), Some(687));
        assert_eq!(net("-19.90", "0.345", Some(Round::HalfUp)), Some(-687));
        assert_eq!(times(&"9".repeat(30), &"9".repeat(30)), None);
    }
}
