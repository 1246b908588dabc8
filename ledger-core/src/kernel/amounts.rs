//! Reads what people write for amounts, spans and words into whole numbers.

use crate::kernel::units::{DAY_MS, Money};
use crate::kernel::words::MINUTE_MS;
use alloc::format;
use alloc::string::String;

/// What to write instead of a word that is not known.
pub(crate) fn one_of(word: &str, choices: &[&str]) -> String {
    format!("{word:?} is not known here; write one of {}", choices.join(", "))
}

/// Whether one letter more, less or other turns one word into the other, or one is how the other begins.
pub(crate) fn close(known: &str, word: &str) -> bool {
    let front = known.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
    let back = known.bytes().rev().zip(word.bytes().rev()).take_while(|(a, b)| a == b).count();
    let longer = known.len().max(word.len());
    let shorter = known.len().min(word.len());
    let begins = front > 2 && front.saturating_add(1) >= shorter;
    begins || longer > 2 && front.saturating_add(back).saturating_add(1) >= longer
}

/// `90d` is 90 and `d`.
pub(crate) fn number_and_unit(text: &str) -> Option<(i64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit))
}

/// The days that a text like `90d` says, if they lie in these bounds.
pub(crate) fn days_in(text: &str, (least, most): (i32, i32)) -> Option<i32> {
    let (days, unit) = number_and_unit(text)?;
    let days = i32::try_from(days).ok()?;
    (unit == "d" && (least..=most).contains(&days)).then_some(days)
}

/// A duration in the largest unit that leaves nothing over, days but for one.
pub fn show_duration(ms: i64) -> String {
    let units = [(DAY_MS, "d"), (60 * MINUTE_MS, "h"), (MINUTE_MS, "m")];
    let whole = units.into_iter().find(|(unit, _)| ms > *unit && ms.checked_rem(*unit) == Some(0));
    let (unit, name) = whole.unwrap_or((MINUTE_MS, "m"));
    format!("{}{name}", ms.checked_div(unit).unwrap_or(0).max(1))
}

/// Reads a decimal amount into minor units: `"1.5"` with two digits is 150.
pub fn read_money(text: &str, digits: u32) -> Option<Money> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let wide = usize::try_from(digits).ok()?;
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) || part.len() > wide || text.ends_with('.') {
        return None;
    }
    let part = format!("{part:0<wide$}");
    let minor = if part.is_empty() { 0 } else { part.parse::<i64>().ok()? };
    let scale = 10i64.checked_pow(digits)?;
    whole.parse::<i64>().ok()?.checked_mul(scale)?.checked_add(minor).map(Money)
}
