//! Forgery: somebody who can write every file but the mark, and knows the format. What they make agrees with
//! itself: it is another history of the same ledger, every block sealed again, every commit chained, every row
//! folded anew. And edits of single rows, which agree with nothing.
//!
//! `LEDGER_DAMAGE=10000` does so many of each.

use crate::ledger::{self, directory, far_future, open, simulated};
use crate::mark::rounds;
use crate::raw::{self, FAMILIES, Raw, Row};
use crate::said::{Random, Stream, event};
use ledger_core::event::{Body, Event, Name};
use ledger_core::units::Points;
use ledger_store::{AtLeast, Batch, Cursor, Ledger, MarkError, OpenError, rebuild, restore, verify, verify_at_least};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const STREAM: Stream = Stream { seed: 41, members: 9, step_ms: 300_000 };
/// Events of the true history, and how many go into one commit.
const EVENTS: u64 = 160;
const BATCH: usize = 20;

fn history() -> Vec<Event<Name>> {
    [STREAM.program()].into_iter().chain(STREAM.events(0..EVENTS)).collect()
}

/// A ledger in which this was said, batch by batch.
fn written(history: &[Event<Name>], batch: usize) -> TempDir {
    let dir = directory();
    let ledger = open(dir.path(), 60);
    for (n, events) in (1..).zip(history.chunks(batch)) {
        let cursors = vec![Cursor { source: "file".into(), next: n }];
        ledger.handle().submit_and_wait(Batch { events: events.to_vec(), cursors }).expect("the batch is committed");
    }
    ledger.close().expect("nothing failed");
    dir
}

/// Another history, which is as long if it can be: what the forger wants to have happened.
fn forge(history: &mut Vec<Event<Name>>, random: &mut Random) -> (String, usize) {
    let at = 1 + random.below(history.len() as u64 - 2) as usize;
    let gift = || Body::credit(Points(1_000_000), "so it was always");
    match random.below(6) {
        0 => {
            let member = history[at].member.clone();
            let id = history[at].id.clone();
            history[at] = event("till", &id, history[at].occurred_at, &member, gift());
            (format!("event {at} is a gift"), BATCH)
        }
        1 => {
            history.remove(at);
            (format!("event {at} is gone"), BATCH)
        }
        2 => {
            history.swap(at, at + 1);
            (format!("events {at} and the next are swapped"), BATCH)
        }
        3 => {
            let time = history[at].occurred_at;
            history.insert(at, event("till", "never", time, "m1", gift()));
            (format!("a gift before event {at}"), BATCH)
        }
        4 => {
            let last = history.len() - 1;
            history[last].member = "somebody".into();
            (format!("event {last} is another member's"), BATCH)
        }
        _ => (format!("{} in a commit", BATCH + 1), BATCH + 1),
    }
}

#[test]
fn another_history_of_the_same_ledger_is_refused_whatever_agrees_in_it() {
    let (mut random, _) = Random::seeded();
    let truth = written(&history(), BATCH);
    let (mark, report) = (fs::read(truth.path().join("mark")).expect("there"), ledger::verified(truth.path()));
    let mut names = BTreeMap::new();
    for _ in 0..rounds(12) {
        let mut other = history();
        let (what, batch) = forge(&mut other, &mut random);
        let forged = written(&other, batch);
        ledger::verified(forged.path());
        fs::write(forged.path().join("mark"), &mark).expect("the mark is out of reach");
        let error = match Ledger::open(forged.path(), simulated(60), far_future()) {
            Err(OpenError::Mark(error)) => error,
            Err(other) => panic!("{what}: {other}"),
            Ok(_) => panic!("{what}: it opened"),
        };
        let findings = verify(forged.path(), &mut |_| {}).expect("readable").findings;
        assert!(findings[0].contains(&error.to_string()), "{what}: {findings:?}");
        let rebuilt = rebuild(forged.path());
        assert!(matches!(&rebuilt, Err(OpenError::Mark(other)) if *other == error), "{what}: {rebuilt:?}");
        // It is no copy of the true one either, where it is as long.
        if let MarkError::Differs { .. } = error {
            assert!(restore(forged.path(), None, ledger_core::units::At(0)).is_err(), "{what}: a copy");
        }
        // Whoever has the mark too is caught by whoever kept a root.
        let made = written(&other, batch);
        let position = ledger_core::units::Position(report.records);
        let known = AtLeast { position, root: Some(report.root) };
        let findings = verify_at_least(made.path(), Some(known), &mut |_| {}).expect("readable").findings;
        assert_eq!(findings.is_empty(), batch != BATCH, "{what}: {findings:?}");
        *names.entry(error.to_string().split(' ').take(3).collect::<Vec<_>>().join(" ")).or_insert(0) += 1;
    }
    println!("{names:?}");
}

/// A key, and its value then; none if it is gone.
type Edited = (Vec<u8>, Option<Vec<u8>>);

/// What an edit does to a row: its value then, or none if it is gone; and perhaps to the one behind it.
fn edit(rows: &[Row], at: usize, random: &mut Random) -> (String, Vec<Edited>) {
    let (key, value) = rows[at].clone();
    let other = &rows[random.below(rows.len() as u64) as usize];
    match random.below(6) {
        0 if !value.is_empty() => {
            let bit = random.below(value.len() as u64 * 8) as usize;
            let mut value = value;
            value[bit / 8] ^= 1 << (bit % 8);
            (format!("bit {bit}"), vec![(key, Some(value))])
        }
        1 => {
            let left = random.below(value.len() as u64) as usize;
            (format!("cut to {left}"), vec![(key, Some(value[..left].to_vec()))])
        }
        2 => ("gone".into(), vec![(key, None)]),
        3 => ("swapped".into(), vec![(key, Some(other.1.clone())), (other.0.clone(), Some(value))]),
        4 => {
            let mut elsewhere = key;
            let last = elsewhere.len() - 1;
            elsewhere[last] = elsewhere[last].wrapping_add(1 + random.below(9) as u8);
            ("elsewhere, too".into(), vec![(elsewhere, Some(value))])
        }
        _ => ("another's".into(), vec![(key, Some(other.1.clone()))]),
    }
}

#[test]
fn an_edit_of_any_row_is_found_or_changes_nothing() {
    let (mut random, _) = Random::seeded();
    let truth = written(&history(), BATCH);
    let report = ledger::verified(truth.path());
    let image = directory();
    raw::copy(truth.path(), image.path());
    let families: Vec<(&str, Vec<Row>)> = {
        let raw = Raw::open(image.path());
        FAMILIES.into_iter().map(|family| (family, raw.rows(family))).filter(|(_, rows)| !rows.is_empty()).collect()
    };
    let (mut found, mut same) = (0, BTreeMap::new());
    for _ in 0..rounds(60) {
        let (family, rows) = &families[random.below(families.len() as u64) as usize];
        let at = random.below(rows.len() as u64) as usize;
        let (what, changes) = edit(rows, at, &mut random);
        let what = format!("{family} {:02x?} {what}", rows[at].0);
        let known = |key: &[u8]| rows.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
        if changes.iter().all(|(key, value)| known(key) == *value) {
            continue;
        }
        put(truth.path(), family, changes.iter().map(|(key, value)| (key, value.clone())));
        match verify(truth.path(), &mut |_| {}) {
            Ok(now) if now.agrees() => {
                assert_eq!((now.root, now.digest), (report.root, report.digest), "{what}: nothing is found");
                *same
                    .entry(what.split(' ').next_back().unwrap_or_default().to_owned() + " of " + family)
                    .or_insert(0) += 1;
            }
            _ => found += 1,
        }
        put(truth.path(), family, changes.iter().map(|(key, _)| (key, known(key))));
    }
    println!("{found} edits found; without effect: {same:?}");
    assert_eq!(ledger::verified(truth.path()).digest, report.digest, "all is as it was");
}

fn put<'a>(dir: &Path, family: &str, rows: impl Iterator<Item = (&'a Vec<u8>, Option<Vec<u8>>)>) {
    let raw = Raw::open(dir);
    for (key, value) in rows {
        match value {
            Some(value) => raw.put(family, key, &value),
            None => raw.delete(family, key),
        }
    }
}
