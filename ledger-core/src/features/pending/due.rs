//! Due: when points have waited long enough.

use crate::features::wallets::state::Purse;
use crate::kernel::units::At;
use crate::tables::cause::{Next, Timer};
use crate::tables::member::Member;

/// The first lot has waited long enough, but for those in review.
#[inline]
pub(crate) fn activation(member: &Member) -> Next {
    let at = member.purses.iter().map(Purse::next_activation).min().unwrap_or(At::NEVER);
    Next { at, timer: Timer::Activation }
}
