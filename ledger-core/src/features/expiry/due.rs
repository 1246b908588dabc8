//! Due: when points die, and when their member is reminded of it.

use crate::features::wallets::state::Purse;
use crate::kernel::units::At;
use crate::tables::cause::{Next, Timer};
use crate::tables::member::Member;

/// The first lot dies, or its member is closed and they all do.
#[inline]
pub(crate) fn expiry(member: &Member) -> Next {
    let first = member.purses.iter().map(Purse::first_expiry).min().unwrap_or(At::NEVER);
    let closed = member.closed_at().filter(|_| member.purses.iter().any(|purse| purse.lots_len() > 0));
    let at = closed.map_or(first, |closed| first.min(closed));
    Next { at, timer: Timer::Expiry }
}

/// The member is told of points that die; not of what died with it.
#[inline]
pub(crate) fn reminder(member: &Member) -> Next {
    let purses = member.purses.iter().filter(|_| member.closed_at().is_none());
    let at = purses.map(Purse::remind_at).min().unwrap_or(At::NEVER);
    Next { at, timer: Timer::Reminder }
}
