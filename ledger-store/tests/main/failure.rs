//! A write that fails stops the shard, loudly: nobody is acknowledged, and nothing that was is lost.

use crate::child;
use crate::ledger::{self, directory, simulated};
use crate::said::{BEGIN, Stream, event};
use ledger_core::event::{self, Body};
use ledger_core::units::At;
use ledger_store::{Batch, CommitError, Health, Ledger, Options, ReadError, SubmitError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const STREAM: Stream = Stream { seed: 5, members: 30, step_ms: 60_000 };

/// A child that may write no file past a limit, and goes on until a write fails.
pub fn fill() {
    let ledger = ledger::open(Path::new(&child::var("LEDGER_DIR")), 1_000_000);
    let handle = ledger.handle();
    ledger::say(&handle, vec![STREAM.program()]);
    let batch = |first: u64| Batch { events: STREAM.events(first..first + 50), cursors: Vec::new() };
    let mut first = 0;
    let reason = loop {
        match handle.submit_and_wait(batch(first)) {
            Ok(outcomes) => {
                let positions = (first..).zip(outcomes.iter().map(|outcome| outcome.position));
                child::tell(positions.map(|(n, position)| format!("{n} {position}")));
            }
            Err(CommitError::Stopped { reason }) => break reason,
            Err(other) => panic!("{other}"),
        }
        first += 50;
    };
    assert!(reason.contains("commit failed"), "{reason}");
    let committed = handle.committed();
    assert_eq!(handle.health(), Health::Stopped(reason.clone()));
    // The very batch again, another one, and by both doors.
    for first in [first, first + 50] {
        assert_eq!(handle.submit_and_wait(batch(first)), Err(CommitError::Stopped { reason: reason.clone() }));
        let refused = handle.submit(batch(first), Box::new(|_| panic!("nobody is answered")));
        assert_eq!(refused, Err(SubmitError::Stopped { reason: reason.clone() }));
    }
    // The failed batch is folded in memory, and must not be seen.
    assert!(matches!(handle.totals().wait(), Err(ReadError::Stopped { .. })), "totals rest on the failed batch");
    assert!(matches!(handle.totals().try_take(), Ok(Err(ReadError::Stopped { .. }))));
    assert_eq!(handle.committed(), committed, "nothing was committed after the failure");
    drop(handle);
    assert_eq!(ledger.close(), Err(CommitError::Stopped { reason: reason.clone() }));
    child::tell([format!("stopped {reason}")]);
}

#[test]
fn a_failed_write_stops_the_shard_and_after_a_restart_all_that_was_acknowledged_is_there() {
    let dir = directory();
    // 25 is SIGXFSZ: ignored, a write past the limit fails as on a full disk instead of killing.
    let limits = "trap '' 25; ulimit -f 1000;";
    let mut filling = child::start("fill", limits, &[("LEDGER_DIR", dir.path().display().to_string())]);
    let (mut acknowledged, mut stopped) = (Vec::new(), None);
    while let Some(line) = filling.hear() {
        match line.split_once(' ').expect("two words") {
            ("stopped", reason) => stopped = Some(reason.to_string()),
            (n, position) => {
                assert_eq!(stopped, None, "nothing is acknowledged after the failure");
                acknowledged.push((n.parse::<u64>().expect("a number"), position.parse::<u64>().expect("a position")));
            }
        }
    }
    assert!(filling.ended_well(), "the child saw what it should");
    println!("{} events, then: {}", acknowledged.len(), stopped.expect("a write failed"));
    assert!(acknowledged.len() > 1_000, "it worked before");
    ledger::verified(dir.path());
    let ledger = ledger::open(dir.path(), 1_000_000);
    for part in acknowledged.chunks(500) {
        let outcomes = ledger::say(&ledger.handle(), STREAM.events(part.iter().map(|(n, _)| *n)));
        for ((n, position), outcome) in part.iter().zip(outcomes) {
            assert!(outcome.duplicate && outcome.position.0 == *position, "event {n} is lost");
        }
    }
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

/// A child that may write no file past a limit, goes on until a write fails, and reads on.
pub fn read_on() {
    let dir = child::var("LEDGER_DIR");
    let options = Options { stay: true, ..simulated(1_000_000) };
    let ledger = Ledger::open(Path::new(&dir), options, ledger::far_future()).expect("it opens");
    let handle = ledger.handle();
    ledger::say(&handle, vec![STREAM.program()]);
    let mut first = 0;
    while let Ok(outcomes) =
        handle.submit_and_wait(Batch { events: STREAM.events(first..first + 50), cursors: Vec::new() })
    {
        assert!(!outcomes.is_empty());
        first += 50;
    }
    let committed = handle.committed();
    // Soon, as what is durable has to be folded again.
    let before = std::time::Instant::now();
    let totals = loop {
        match handle.totals().wait() {
            Ok(totals) => break totals,
            Err(error) => assert!(before.elapsed().as_secs() < 60, "{error}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert!(matches!(handle.health(), Health::Stopped(_)));
    assert_eq!((totals.position, handle.committed()), (committed, committed), "what is durable, and no more");
    assert!(totals.members > 10);
    let view = ledger::member(&handle, "m1");
    assert!(view.position <= committed);
    let refused = handle.submit(Batch { events: STREAM.events(0..1), cursors: Vec::new() }, Box::new(|_| ()));
    assert!(matches!(refused, Err(SubmitError::Stopped { .. })), "nothing is taken");
    // Others look at it, on the full disk.
    let report = ledger::verified(Path::new(&dir));
    assert_eq!(report.records, committed.0);
    drop((handle, ledger));
    let looked = Ledger::look(Path::new(&dir), simulated(1_000), ledger::far_future()).expect("it is read");
    let again = looked.handle().totals().wait().expect("it is read");
    assert_eq!((again.position, again.members), (committed, totals.members));
    child::tell([format!("read {committed}")]);
}

#[test]
fn where_the_disk_is_full_what_is_durable_is_read_and_verified_on() {
    let dir = directory();
    let limits = "trap '' 25; ulimit -f 1000;";
    let mut filling = child::start("read on", limits, &[("LEDGER_DIR", dir.path().display().to_string())]);
    let said = filling.hear().expect("it says how far it read");
    assert!(filling.ended_well(), "the child saw what it should");
    assert!(said.starts_with("read "), "{said}");
}

/// A ledger whose clock panics once `broken` is set.
fn with_a_clock_that_breaks(dir: &Path) -> (Ledger, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let told = broken.clone();
    let clock = move || {
        assert!(!told.load(Ordering::SeqCst), "the clock is broken");
        At(4_000_000_000_000)
    };
    (Ledger::open(dir, simulated(1_000), Arc::new(clock)).expect("it opens"), broken)
}

#[test]
fn a_panic_in_a_thread_of_the_ledger_stops_it_loudly() {
    let dir = directory();
    let (ledger, broken) = with_a_clock_that_breaks(dir.path());
    let handle = ledger.handle();
    ledger::say(&handle, vec![STREAM.program()]);
    broken.store(true, Ordering::SeqCst);
    let batch = || Batch { events: STREAM.events(0..10), cursors: Vec::new() };
    let answer = handle.submit_and_wait(batch());
    assert!(matches!(&answer, Err(CommitError::Stopped { reason }) if reason.contains("panicked")), "{answer:?}");
    assert!(matches!(handle.health(), Health::Stopped(_)), "{:?}", handle.health());
    assert!(handle.submit(batch(), Box::new(|_| {})).is_err());
    drop(handle);
    assert!(ledger.close().is_err());
    ledger::verified(dir.path());
}

#[test]
fn a_panic_where_answers_are_taken_stops_it_loudly() {
    let dir = directory();
    let ledger = ledger::open(dir.path(), 1_000);
    let handle = ledger.handle();
    ledger::say(&handle, vec![STREAM.program()]);
    let batch = Batch { events: STREAM.events(0..10), cursors: Vec::new() };
    handle.submit(batch, Box::new(|_| panic!("the caller is broken"))).expect("queued");
    // Whoever comes next is told, and does not wait for ever.
    while handle.health() == Health::Serving {
        let more = Batch {
            events: vec![event("till", "more", BEGIN, "m1", Body::CheckIn(event::CheckIn))],
            cursors: Vec::new(),
        };
        let _ = handle.submit_and_wait(more);
    }
    assert!(handle.totals().wait().is_err() || handle.committed().0 > 1);
    drop(handle);
    assert!(ledger.close().is_err());
    ledger::verified(dir.path());
}
