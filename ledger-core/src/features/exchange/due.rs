//! Due: when an exchange is given up.

use crate::kernel::units::At;
use crate::tables::cause::{Next, Timer};
use crate::tables::member::Member;

/// The first of the open exchanges lapses.
#[inline]
pub(crate) fn lapse(member: &Member) -> Next {
    let at = member.exchanges().iter().map(|open| open.lapses_at).min().unwrap_or(At::NEVER);
    Next { at, timer: Timer::ExchangeLapse }
}
