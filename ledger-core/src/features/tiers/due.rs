//! Due: when a tier is looked at again, and when a member is inactive.

use crate::kernel::units::At;
use crate::tables::cause::{Next, Timer};
use crate::tables::member::Member;

/// The metric falls short, or the patience ends.
#[inline]
pub(crate) fn tier(member: &Member) -> Next {
    let at = member.tier.due.unwrap_or(At::NEVER);
    Next { at, timer: Timer::Tier }
}

/// Nothing was done for as long as the program allows.
#[inline]
pub(crate) fn inactivity(member: &Member) -> Next {
    let at = member.dormant_at.unwrap_or(At::NEVER);
    Next { at, timer: Timer::Inactivity }
}
