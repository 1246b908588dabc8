//! Time: how far the clock is believed, and the events' own times.
//!
//! What is due by a wrong time happens for good. So nothing is done by a time that jumps further than declared, until
//! a person says that it is right. What is known without the clock is the time of the last record, and what has passed
//! since by a clock that nobody can set: ledger time goes on by that, and what is said of later times is not taken.

use super::{Clock, Time};
use ledger_core::event::{Body, Event, Name, Tick};
use ledger_core::units::{At, DAY_MS};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is known follows the clock at most so much slower than time passes: more than a sound clock drifts, so that
/// many small steps are no way round the limit of one.
const FOLLOWS_ONE_IN: i64 = 1_000;
/// It follows after so long, in milliseconds.
const FOLLOWS_AFTER_MS: i64 = 10_000;

/// How far time may go at once before a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jumps {
    /// How far the clock may get ahead of what passed by the steady clock, in milliseconds.
    pub running_ms: i64,
    /// How far it may be ahead of the last record when the ledger is opened, in milliseconds.
    pub opening_ms: i64,
    /// How far an event's own time may be ahead of the ledger's, where time follows the events, in milliseconds.
    pub events_ms: i64,
    /// Times up to here are right: a person said so.
    pub believed: At,
}

impl Default for Jumps {
    fn default() -> Jumps {
        Jumps { running_ms: DAY_MS / 24, opening_ms: 7 * DAY_MS, events_ms: 92 * DAY_MS, believed: At(i64::MIN) }
    }
}

/// A clock that nobody can set: how much time has passed since some instant.
#[derive(Clone)]
pub struct Steady(pub Arc<dyn Fn() -> Duration + Send + Sync>);

impl fmt::Debug for Steady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Steady")
    }
}

impl Steady {
    fn ms(&self) -> i64 {
        i64::try_from((self.0)().as_millis()).unwrap_or(i64::MAX)
    }
}

/// Time that would jump, and does not until a person says that it is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// What is known.
    pub from: At,
    /// What the clock says, or an event.
    pub to: At,
}

impl Jump {
    /// How far it would be, in whole seconds.
    pub fn seconds(&self) -> i64 {
        self.to.0.saturating_sub(self.from.0) / 1_000
    }
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        write!(f, "time would jump by {} days and {} hours", seconds / 86_400, seconds % 86_400 / 3_600)
    }
}

/// What is known of time without asking a clock that can be set.
struct Known {
    at: At,
    /// What the steady clock said then.
    since_ms: i64,
    /// The clock was believed since the ledger was opened.
    begun: bool,
    jump: Option<Jump>,
}

/// The clock, as far as it is believed.
pub(crate) struct Guard {
    clock: Clock,
    steady: Option<Steady>,
    time: Time,
    jumps: Jumps,
    known: Mutex<Known>,
    /// Batches that were not taken because of a jump.
    questioned: AtomicU64,
}

impl Guard {
    /// `last`: the time of the last record of a ledger in which anything can be harmed.
    pub(super) fn new(clock: Clock, steady: Option<Steady>, time: Time, jumps: Jumps, last: Option<At>) -> Guard {
        let since_ms = steady.as_ref().map_or(0, Steady::ms);
        let known = Known { at: last.unwrap_or(At(i64::MAX)), since_ms, begun: false, jump: None };
        Guard { clock, steady, time, jumps, known: Mutex::new(known), questioned: AtomicU64::new(0) }
    }

    /// What the clock says, or on wall time what is known, if that is not believed.
    pub(crate) fn now(&self) -> At {
        let clock = (self.clock)();
        if self.time != Time::Wall {
            return clock;
        }
        let steady_ms = self.steady.as_ref().map(Steady::ms);
        let mut known = self.known.lock();
        let passed = steady_ms.map_or(0, |now| now.saturating_sub(known.since_ms));
        let certain = At(known.at.0.saturating_add(passed));
        let span = match steady_ms {
            _ if !known.begun => self.jumps.opening_ms,
            Some(_) => self.jumps.running_ms,
            // Nothing tells how much time passed.
            None => i64::MAX,
        };
        let is_near = clock.0 <= certain.0.saturating_add(span);
        if !is_near && clock > self.jumps.believed {
            known.jump = Some(Jump { from: certain, to: clock });
            return certain;
        }
        known.jump = None;
        let is_first = !known.begun && (clock >= certain || known.at == At(i64::MAX));
        let now_ms = steady_ms.unwrap_or_default();
        if is_first || !is_near {
            *known = Known { at: clock, since_ms: now_ms, begun: true, jump: None };
        } else if known.begun && passed >= FOLLOWS_AFTER_MS {
            let most = passed / FOLLOWS_ONE_IN;
            let step = clock.0.saturating_sub(certain.0).clamp(-most, most);
            (known.at, known.since_ms) = (At(certain.0.saturating_add(step)), now_ms);
        }
        clock
    }

    /// Why a batch is not judged where ledger time stands `at`: which of its events says what nobody believes yet.
    pub(super) fn questions(&self, events: &[Event<Name>], at: At, has_members: bool) -> Option<(usize, Jump)> {
        let found = match self.time {
            Time::Simulated => None,
            Time::Wall => self.beyond_what_is_known(events),
            Time::Events => self.ahead_of_the_others(events, at, has_members),
        };
        match found {
            Some((_, jump)) => {
                self.questioned.fetch_add(1, Ordering::Relaxed);
                if self.time == Time::Events {
                    self.known.lock().jump = Some(jump);
                }
            }
            None if self.time == Time::Events && !events.is_empty() => self.known.lock().jump = None,
            None => {}
        }
        found
    }

    /// While the clock is not believed, what is said of later than what is known is as uncertain.
    fn beyond_what_is_known(&self, events: &[Event<Name>]) -> Option<(usize, Jump)> {
        let jump = self.known.lock().jump?;
        let end = At(jump.from.0.saturating_add(self.jumps.running_ms));
        events.iter().position(|event| event.occurred_at > end).map(|at| (at, jump))
    }

    /// Time follows the events one by one; before the first that is of a member there is nothing to be harmed. A tick
    /// is there to move time: whoever says it has said so.
    fn ahead_of_the_others(&self, events: &[Event<Name>], at: At, has_members: bool) -> Option<(usize, Jump)> {
        let clock = (self.clock)();
        let (mut at, mut begun) = (at, has_members);
        for (n, event) in events.iter().enumerate() {
            let to = ledger_time(Time::Events, clock, event);
            if begun
                && !matches!(event.body, Body::Tick(_))
                && to.0 > at.0.saturating_add(self.jumps.events_ms)
                && to > self.jumps.believed
            {
                return Some((n, Jump { from: at, to }));
            }
            begun |= !event.member.is_empty();
            at = at.max(to);
        }
        None
    }

    /// The jump that nobody has believed yet, if there is one.
    pub(super) fn jump(&self) -> Option<Jump> {
        if self.time == Time::Wall {
            self.now();
        }
        self.known.lock().jump
    }

    pub(super) fn questioned(&self) -> u64 {
        self.questioned.load(Ordering::Relaxed)
    }
}

/// The ledger time that an event brings.
pub(super) fn ledger_time(time: Time, clock: At, event: &Event<Name>) -> At {
    let own = match &event.body {
        Body::Tick(Tick { up_to }) => *up_to,
        _ => event.occurred_at,
    };
    match time {
        Time::Wall => clock,
        Time::Events => own.min(clock),
        Time::Simulated => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicI64;

    const BEGIN: i64 = 1_000 * DAY_MS;
    const MINUTE: i64 = 60_000;

    /// A guard, the hand of its clock and that of its steady clock.
    fn guard(last: Option<At>, jumps: Jumps) -> (Guard, Arc<AtomicI64>, Arc<AtomicI64>) {
        let (clock, steady) = (Arc::new(AtomicI64::new(BEGIN)), Arc::new(AtomicI64::new(5)));
        let (told, told_steady) = (clock.clone(), steady.clone());
        let passed = move || Duration::from_millis(told_steady.load(Ordering::SeqCst).unsigned_abs());
        let guard = Guard::new(
            Arc::new(move || At(told.load(Ordering::SeqCst))),
            Some(Steady(Arc::new(passed))),
            Time::Wall,
            jumps,
            last,
        );
        (guard, clock, steady)
    }

    #[test]
    fn small_steps_are_no_way_round_the_limit_of_one() {
        let (guard, clock, steady) = guard(Some(At(BEGIN)), Jumps::default());
        let mut believed = 0;
        for step in 1..=120 {
            // Half a minute too much in each half minute.
            clock.store(BEGIN + step * MINUTE, Ordering::SeqCst);
            steady.store(5 + step * MINUTE / 2, Ordering::SeqCst);
            let now = guard.now();
            if guard.jump().is_none() {
                assert_eq!(now, At(BEGIN + step * MINUTE));
                believed = step;
            }
        }
        assert!((115..=120).contains(&believed), "an hour is the limit: {believed}");
        clock.store(BEGIN + 200 * MINUTE, Ordering::SeqCst);
        assert!(guard.now() < At(BEGIN + 62 * MINUTE), "an hour passed");
        assert!(guard.jump().is_some());
    }

    #[test]
    fn a_clock_that_drifts_as_clocks_do_is_followed_for_years() {
        let (guard, clock, steady) = guard(Some(At(BEGIN)), Jumps::default());
        for hour in 1..=20_000 {
            // 200 parts in a million too fast: 4 hours in 20,000.
            steady.store(5 + hour * 60 * MINUTE, Ordering::SeqCst);
            clock.store(BEGIN + hour * 60 * MINUTE + hour * 720, Ordering::SeqCst);
            assert_eq!(guard.now(), At(BEGIN + hour * 60 * MINUTE + hour * 720), "after {hour} hours");
        }
    }

    #[test]
    fn a_clock_that_was_behind_at_the_start_is_taken_once_it_is_set() {
        let (guard, clock, steady) = guard(Some(At(BEGIN)), Jumps::default());
        clock.store(5, Ordering::SeqCst);
        assert_eq!(guard.now(), At(5), "time does not go back for it: that is seen to elsewhere");
        steady.store(5 + MINUTE, Ordering::SeqCst);
        clock.store(BEGIN + 2 * DAY_MS, Ordering::SeqCst);
        assert_eq!(guard.now(), At(BEGIN + 2 * DAY_MS), "the ledger was off for two days");
        assert_eq!(guard.jump(), None);
    }
}
