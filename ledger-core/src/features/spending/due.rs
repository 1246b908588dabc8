//! Due: when a hold releases itself.

use crate::kernel::units::At;
use crate::tables::cause::{Next, Timer};
use crate::tables::member::Member;

/// The first of the open holds does.
#[inline]
pub(crate) fn release(member: &Member) -> Next {
    let at = member.holds.iter().map(|hold| hold.expires_at).min().unwrap_or(At::NEVER);
    Next { at, timer: Timer::HoldExpiry }
}
