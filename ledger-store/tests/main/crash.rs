//! Kill -9, again and again.
//!
//! A child holds the ledger and submits from several threads, with snapshots all the time. It says
//! which event stands where as soon as the ledger has acknowledged it, and is killed in the middle:
//! under load, while it recovers, while it makes the ledger. What it said must then be there, at the
//! place it said and once; and the log, the rows, the pages and the ids must agree.
//!
//! The instants are counted in acknowledgements, and then some microseconds are slept through, so that
//! a kill may fall anywhere: nothing waits for anything by sleeping.
//!
//! `LEDGER_KILLS=200` kills more often than the suite.

use crate::child;
use crate::ledger::{self, directory};
use crate::said::{Random, Stream};
use ledger_core::units::Position;
use ledger_store::{Ledger, Options};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const THREADS: u64 = 4;
/// Small, so that a snapshot is being written at nearly every instant.
const SNAPSHOT_RECORDS: u64 = 300;

fn stream(seed: u64) -> Stream {
    Stream { seed, members: 40, step_ms: 120_000 }
}

fn open(dir: &Path) -> Ledger {
    open_with(dir, SNAPSHOT_RECORDS)
}

fn open_with(dir: &Path, snapshot_records: u64) -> Ledger {
    let options = Options { batch_events_max: 100, ..ledger::simulated(snapshot_records) };
    Ledger::open(dir, options, ledger::far_future()).expect("the ledger opens, however it was left")
}

/// A child that loads the ledger until it is killed.
pub fn load() {
    let number = |name| child::var(name).parse::<u64>().expect("a number");
    let (stream, next) = (stream(number("LEDGER_STREAM")), AtomicU64::new(number("LEDGER_FROM")));
    let ledger = open_with(Path::new(&child::var("LEDGER_DIR")), number("LEDGER_SNAPSHOT"));
    let handle = ledger.handle();
    ledger::say(&handle, vec![stream.program()]);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (handle, next) = (&handle, &next);
            scope.spawn(move || {
                let mut random = Random::new(number("LEDGER_FROM") + thread);
                loop {
                    let many = 1 + random.below(40);
                    let first = next.fetch_add(many, Ordering::Relaxed);
                    let outcomes = ledger::say(handle, stream.events(first..first + many));
                    let positions = outcomes.iter().map(|outcome| outcome.position);
                    child::tell((first..).zip(positions).map(|(n, position)| format!("{n} {position}")));
                }
            });
        }
    });
}

/// What the ledger has acknowledged: the position of each event.
#[derive(Default)]
struct Acknowledged(BTreeMap<u64, Position>);

impl Acknowledged {
    fn note(&mut self, n: u64, position: Position) {
        let first = *self.0.entry(n).or_insert(position);
        assert_eq!(first, position, "event {n} stands at two places");
    }

    fn hear(&mut self, line: &str) -> u64 {
        let (n, position) = line.split_once(' ').expect("an event and a position");
        let n = n.parse().expect("a number");
        self.note(n, Position(position.parse().expect("a position")));
        n
    }

    /// Says the events from `from` on again: those that were acknowledged are known, at their places.
    fn check(&mut self, dir: &Path, stream: &Stream, from: u64) {
        let ledger = open(dir);
        let handle = ledger.handle();
        let expected: Vec<(u64, Position)> = self.0.range(from..).map(|(n, position)| (*n, *position)).collect();
        for expected in expected.chunks(500) {
            let outcomes = ledger::say(&handle, stream.events(expected.iter().map(|(n, _)| *n)));
            for ((n, position), outcome) in expected.iter().zip(outcomes) {
                assert!(outcome.duplicate, "event {n} was acknowledged, and is new");
                assert_eq!(outcome.position, *position, "event {n} stands elsewhere than acknowledged");
                let found = handle.outcome("till", &format!("e-{n}")).expect("readable");
                assert_eq!(found, Some(outcome), "event {n} is told otherwise");
            }
        }
        // What was on its way when the child died comes again from its source.
        let end = self.0.last_key_value().map_or(0, |(n, _)| n + 1);
        for (n, outcome) in (end..).zip(ledger::say(&handle, stream.events(end..end + 100))) {
            self.note(n, outcome.position);
        }
        drop(handle);
        ledger.close().expect("nothing failed");
    }
}

#[test]
fn killed_at_any_instant_it_keeps_what_it_acknowledged_and_applies_nothing_twice() {
    let kills = std::env::var("LEDGER_KILLS").map_or(10, |kills| kills.parse().expect("LEDGER_KILLS is a number"));
    let (mut random, seed) = Random::seeded();
    let (dir, stream) = (directory(), stream(seed));
    let mut acknowledged = Acknowledged::default();
    let (mut unchecked, mut opening) = (0, 0);
    for _ in 0..kills {
        let known = acknowledged.0.len() as u64;
        let from = acknowledged.0.last_key_value().map_or(0, |(n, _)| (n + 1).saturating_sub(random.below(50)));
        let vars = [
            ("LEDGER_DIR", dir.path().display().to_string()),
            ("LEDGER_STREAM", seed.to_string()),
            ("LEDGER_FROM", from.to_string()),
            ("LEDGER_SNAPSHOT", SNAPSHOT_RECORDS.to_string()),
        ];
        let mut loading = child::start("load", "", &vars);
        if random.one_in(4) {
            // While it makes or recovers the ledger.
            opening += 1;
            std::thread::sleep(Duration::from_micros(random.below(60_000)));
        } else {
            for _ in 0..1 + random.below(2_000) {
                acknowledged.hear(&loading.hear().expect("it loads until it is killed"));
            }
            std::thread::sleep(Duration::from_micros(random.below(3_000)));
        }
        loading.kill();
        while let Some(line) = loading.hear() {
            acknowledged.hear(&line);
        }
        drop(loading);
        if acknowledged.0.is_empty() {
            continue;
        }
        // As the kill left it, and sometimes not even opened before the next one.
        let report = ledger::verified(dir.path());
        let last = acknowledged.0.values().max().expect("not empty");
        assert!(report.records >= last.0, "acknowledged {last}, and the log ends at {}", report.records);
        if acknowledged.0.len() as u64 > known && random.one_in(2) {
            acknowledged.check(dir.path(), &stream, unchecked);
            unchecked = acknowledged.0.last_key_value().map_or(0, |(n, _)| n + 1);
        }
    }
    acknowledged.check(dir.path(), &stream, 0);
    let report = ledger::verified(dir.path());
    let ledger = open(dir.path());
    ledger::assert_applied_once(&ledger::log_from(&ledger.handle(), Position(1)));
    println!(
        "{kills} kills, {opening} of them while opening; {} acknowledged events, {} records",
        acknowledged.0.len(),
        report.records
    );
}
