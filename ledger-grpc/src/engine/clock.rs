//! Clock: the only place that reads the clock of the wall, and the one that nobody can set.

use ledger_core::units::At;
use ledger_store::{Clock, Steady};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The clock of the wall, as the store wants it.
#[expect(clippy::disallowed_methods, reason = "this is the one place where the clock is read")]
pub fn wall_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        At(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

/// A clock that nobody can set, by which jumps of the other are known.
pub fn steady_clock() -> Steady {
    let begin = Instant::now();
    Steady(Arc::new(move || begin.elapsed()))
}
