//! Due: when something has waited for long enough.

use crate::kernel::units::At;
use crate::tables::cause::{Next, Timer};
use crate::tables::member::{Deferred, Member};

/// The first of what waits has.
#[inline]
pub(crate) fn lapse(member: &Member) -> Next {
    let until = member.returns.as_ref().and_then(|returns| returns.waiting().map(|one| one.until).min());
    Next { at: until.unwrap_or(At::NEVER), timer: Timer::WaitOver }
}

/// The same of what is of no member.
pub(crate) fn first(waiting: &[Deferred]) -> Option<At> {
    waiting.iter().map(|one| one.until).min()
}
