//! The mark: a log that lost what was answered does not open, whatever is done to its write-ahead log, its mark or
//! the whole directory; and what only a crash left opens always.
//!
//! `LEDGER_DAMAGE=10000` does so many of each kind of damage.

use crate::child;
use crate::ledger::{self, LEDGER, directory, far_future, open, say, simulated};
use crate::raw::{self, Raw};
use crate::said::{Random, Stream};
use ledger_core::units::{At, Position};
use ledger_store::{
    AtLeast, Identity, Ledger, LedgerId, MarkError, OpenError, Options, Report, rebuild, restore, verify,
    verify_at_least,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const STREAM: Stream = Stream { seed: 77, members: 12, step_ms: 300_000 };
/// The pages of a mark's two slots, and how much of each is said.
const SLOT: usize = 4096;
const SAID: usize = 119;

/// How many damages of a kind.
pub fn rounds(usual: u64) -> u64 {
    match std::env::var("LEDGER_DAMAGE").as_deref() {
        Ok("all") => 10_000,
        Ok(number) => number.parse().expect("LEDGER_DAMAGE is a number, or all"),
        Err(_) => usual,
    }
}

fn feed(dir: &Path, from: u64, to: u64) {
    let ledger = open(dir, 1_000_000);
    say(&ledger.handle(), vec![STREAM.program()]);
    for first in (from..to).step_by(40) {
        say(&ledger.handle(), STREAM.events(first..to.min(first + 40)));
    }
    ledger.close().expect("nothing failed");
}

fn fed(to: u64) -> TempDir {
    let dir = directory();
    feed(dir.path(), 0, to);
    dir
}

fn copied(dir: &Path) -> TempDir {
    let copy = directory();
    raw::copy(dir, copy.path());
    copy
}

fn opened(dir: &Path) -> Result<Ledger, OpenError> {
    Ledger::open(dir, simulated(1_000_000), far_future())
}

/// Every file with its bytes, but for what RocksDB tells of itself.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = raw::files(dir, "").into_iter().map(|path| {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        (name, fs::read(path).expect("readable"))
    });
    files.filter(|(name, _)| !name.starts_with("LOG") && name != "LOCK").collect()
}

/// A child that died under load: its directory, and the last position that it was answered.
fn killed(random: &mut Random, snapshot_records: u64) -> (TempDir, u64) {
    let dir = directory();
    let vars = [
        ("LEDGER_DIR", dir.path().display().to_string()),
        ("LEDGER_STREAM", "77".into()),
        ("LEDGER_FROM", "0".into()),
        ("LEDGER_SNAPSHOT", snapshot_records.to_string()),
    ];
    let mut loading = child::start("load", "", &vars);
    let mut last = 0;
    let mut hear = |line: String| {
        let position = line.split_once(' ').expect("an event and a position").1;
        last = last.max(position.parse().expect("a position"));
    };
    for _ in 0..2_000 + random.below(2_000) {
        hear(loading.hear().expect("it loads until it is killed"));
    }
    loading.kill();
    while let Some(line) = loading.hear() {
        hear(line);
    }
    drop(loading);
    (dir, last)
}

/// Opens and verifies a damaged directory: it has everything that was answered, or is refused and left as it is.
/// Answers with why it is refused.
fn has_all_or_is_refused(dir: &Path, answered: u64, what: &str) -> Option<String> {
    let before = files(dir);
    let found = verify(dir, &mut |_| {});
    assert!(files(dir) == before, "{what}: verify wrote something");
    let agrees = found.as_ref().is_ok_and(Report::agrees);
    match opened(dir) {
        Ok(ledger) => {
            let end = ledger.handle().committed().0;
            assert!(end >= answered, "{what}: opens with {end} records, and {answered} were answered");
            ledger.close().expect("nothing failed");
            assert!(agrees, "{what}: opens, and verify says {:?}", found.map(|report| report.findings));
            None
        }
        Err(error) => {
            assert!(!agrees, "{what}: verify agrees, and opening says {error}");
            assert!(files(dir) == before, "{what}: refused, and something was written");
            assert!(rebuild(dir).is_err(), "{what}: rebuild makes it well");
            assert!(files(dir) == before, "{what}: rebuild wrote something");
            assert!(!matches!(error, OpenError::System(_) | OpenError::InUse { .. }), "{what}: {error}");
            Some(error.to_string())
        }
    }
}

/// The lengths of the entries of a write-ahead log are two bytes behind a checksum of four, in blocks of 32 KiB.
fn length_fields(log: &[u8]) -> Vec<usize> {
    let (mut at, mut fields) = (0, Vec::new());
    while at + 7 <= log.len() {
        let left = 32_768 - at % 32_768;
        if left < 7 {
            at += left;
            continue;
        }
        let length = usize::from(u16::from_le_bytes([log[at + 4], log[at + 5]]));
        if log[at + 6] == 0 && length == 0 {
            break;
        }
        fields.push(at + 4);
        at += 7 + length;
    }
    fields
}

/// Damages a write-ahead log: the kinds of which most were silent losses once.
fn damage_log(path: &Path, random: &mut Random, kind: u64) -> String {
    let mut log = fs::read(path).expect("readable");
    let length = log.len() as u64;
    let what = match kind {
        0 => "emptied".into(),
        1 => "deleted".into(),
        2 => {
            let left = random.below(length);
            log.truncate(left as usize);
            format!("cut to {left} of {length}")
        }
        3 => {
            let bit = random.below(length * 8) as usize;
            log[bit / 8] ^= 1 << (bit % 8);
            format!("bit {bit} flipped")
        }
        4 => {
            let fields = length_fields(&log);
            let last_block = fields.iter().filter(|at| **at + 32_768 > log.len()).copied().collect::<Vec<_>>();
            let among = if random.one_in(2) { &last_block } else { &fields };
            let at = among[random.below(among.len() as u64) as usize] + random.below(2) as usize;
            let bit = random.below(8);
            log[at] ^= 1 << bit;
            format!("length at {at} bit {bit}")
        }
        _ => {
            let at = random.below(length / 4096 + 1) as usize * 4096;
            let end = log.len().min(at + 4096);
            log[at..end].fill(0);
            format!("page at {at} zeroed")
        }
    };
    match kind {
        0 => fs::write(path, b"").expect("writable"),
        1 => fs::remove_file(path).expect("removable"),
        _ => fs::write(path, log).expect("writable"),
    }
    what
}

#[test]
fn a_damaged_write_ahead_log_loses_nothing_that_was_answered_in_silence() {
    let (mut random, _) = Random::seeded();
    let images = [killed(&mut random, 1_000_000), killed(&mut random, 900), killed(&mut random, 1_000_000)];
    for (dir, answered) in &images {
        // As the kill left it, it has everything.
        let copy = copied(dir.path());
        assert_eq!(has_all_or_is_refused(copy.path(), *answered, "as it was left"), None);
    }
    let (mut refused, mut harmless) = (0, 0);
    let mut reasons = BTreeSet::new();
    for round in 0..rounds(60) {
        let (image, answered) = &images[random.below(3) as usize];
        let damaged = copied(image.path());
        let logs = raw::files(damaged.path(), ".log");
        let log = &logs[random.below(logs.len() as u64) as usize];
        if fs::metadata(log).expect("there").len() == 0 {
            continue;
        }
        let what = damage_log(log, &mut random, round % 6);
        match has_all_or_is_refused(damaged.path(), *answered, &what) {
            Some(why) => {
                refused += 1;
                reasons.insert(why.split(|letter: char| letter.is_ascii_digit()).next().unwrap_or_default().to_owned());
            }
            None => harmless += 1,
        }
    }
    println!("{refused} damages refused, {harmless} without effect: {reasons:#?}");
    assert!(refused > harmless);
}

#[test]
fn a_closed_ledger_that_loses_its_write_ahead_log_is_refused() {
    let (mut random, _) = Random::seeded();
    let dir = fed(600);
    let answered = ledger::verified(dir.path()).records;
    for round in 0..rounds(30) {
        let damaged = copied(dir.path());
        let logs = raw::files(damaged.path(), ".log");
        let what = damage_log(logs.last().expect("a log"), &mut random, round % 6);
        has_all_or_is_refused(damaged.path(), answered, &what);
    }
}

/// What is done to a mark: its bytes then, or none if it is gone.
fn damage_mark(mark: &[u8], older: &[u8], random: &mut Random, kind: u64) -> (String, Option<Vec<u8>>) {
    let mut changed = mark.to_vec();
    let slot = random.below(2) as usize * SLOT;
    let what = match kind {
        0 => return ("gone".into(), None),
        1 => {
            changed.rotate_left(SLOT);
            "slots swapped".into()
        }
        2 => {
            changed[slot..slot + SLOT].fill(0);
            format!("slot at {slot} zeroed")
        }
        3 => {
            let at = random.below(SAID as u64) as usize;
            changed[slot..slot + at].copy_from_slice(&older[slot..slot + at]);
            format!("slot at {slot} torn at {at}")
        }
        4 => {
            let bit = random.below(SAID as u64 * 8) as usize;
            changed[slot + bit / 8] ^= 1 << (bit % 8);
            format!("slot at {slot} bit {bit}")
        }
        5 => {
            changed.truncate(random.below(SLOT as u64 + SAID as u64) as usize);
            format!("cut to {}", changed.len())
        }
        6 => {
            changed[..SLOT].copy_from_slice(&older[..SLOT]);
            "one slot of an older mark".into()
        }
        7 => {
            changed.fill(0);
            "zeroed".into()
        }
        _ => {
            changed.copy_from_slice(older);
            "an older mark".into()
        }
    };
    (what, Some(changed))
}

#[test]
fn a_damaged_mark_is_refused_by_name_or_changes_nothing() {
    let (mut random, _) = Random::seeded();
    let dir = fed(200);
    let older = fs::read(dir.path().join("mark")).expect("beside the database");
    feed(dir.path(), 200, 600);
    let report = ledger::verified(dir.path());
    let mark = fs::read(dir.path().join("mark")).expect("beside the database");
    let mut refused = BTreeMap::new();
    for round in 0..rounds(90) {
        let damaged = copied(dir.path());
        let (what, changed) = damage_mark(&mark, &older, &mut random, round % 9);
        match &changed {
            Some(changed) => fs::write(damaged.path().join("mark"), changed).expect("writable"),
            None => fs::remove_file(damaged.path().join("mark")).expect("removable"),
        }
        let harmless = [Some(&mark), Some(&older)].contains(&changed.as_ref()) && changed.as_ref() == Some(&mark);
        match has_all_or_is_refused(damaged.path(), report.records, &what) {
            Some(why) => {
                assert!(why.contains("mark"), "{what}: {why}");
                *refused.entry(round % 9).or_insert(0) += 1;
            }
            // The newer slot is gone, and the log has the commit that it was of.
            None => assert!(harmless || (2..=6).contains(&(round % 9)), "{what}: opened"),
        }
    }
    assert!(refused.len() >= 8, "{refused:?}");
}

fn mark_error(dir: &Path) -> MarkError {
    match opened(dir) {
        Err(OpenError::Mark(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it opened"),
    }
}

#[test]
fn a_mark_of_another_ledger_lineage_or_place_is_refused_by_name() {
    let dir = fed(200);
    let mark = |of: &Path| fs::read(of.join("mark")).expect("beside the database");
    let (own, end) = (mark(dir.path()), ledger::verified(dir.path()).records);
    let put = |mark: &[u8]| fs::write(dir.path().join("mark"), mark).expect("writable");
    let other = directory();
    let options = Options { ledger: Some(LedgerId([9; 16])), ..simulated(1_000_000) };
    Ledger::open(other.path(), options, far_future()).expect("it is made").close().expect("nothing failed");
    put(&mark(other.path()));
    assert!(matches!(mark_error(dir.path()), MarkError::Other { of, .. } if of.ledger == LedgerId([9; 16])));
    assert!(matches!(restore(dir.path(), None, At(0)), Err(OpenError::Mark(MarkError::Other { .. }))));
    // One that was restored, and one that had other records.
    let restored = copied(dir.path());
    fs::write(restored.path().join("mark"), &own).expect("writable");
    restore(restored.path(), None, At(0)).expect("it is a copy");
    put(&mark(restored.path()));
    assert!(matches!(mark_error(dir.path()), MarkError::Other { of, .. } if of.lineage == 2));
    let twin = directory();
    let ledger = open(twin.path(), 1_000_000);
    say(&ledger.handle(), vec![STREAM.program()]);
    (0..5).for_each(|n| drop(say(&ledger.handle(), STREAM.events(40 * n + 1..40 * n + 41))));
    ledger.close().expect("nothing failed");
    put(&mark(twin.path()));
    let error = mark_error(dir.path());
    assert!(matches!(error, MarkError::Differs { .. } | MarkError::Ahead { .. }), "{error}");
    // A mark, and no ledger.
    let alone = directory();
    fs::write(alone.path().join("mark"), &own).expect("writable");
    assert_eq!(mark_error(alone.path()), MarkError::Alone { of: here(1), marked: end });
    assert_eq!(fs::read_dir(alone.path()).expect("readable").count(), 1, "nothing was made");
    put(&own);
    ledger::verified(dir.path());
}

fn here(lineage: u32) -> Identity {
    Identity { ledger: LEDGER, lineage, shard: 0 }
}

#[test]
fn an_old_copy_is_refused_unless_it_is_said_to_be_one() {
    let dir = fed(200);
    let copy = copied(dir.path());
    let old = ledger::verified(dir.path());
    feed(dir.path(), 200, 400);
    let now = ledger::verified(dir.path());
    let mark = fs::read(dir.path().join("mark")).expect("beside the database");
    let known = AtLeast { position: Position(now.records), root: Some(now.root) };

    // With the mark of the newer log.
    fs::write(copy.path().join("mark"), &mark).expect("writable");
    let ahead = mark_error(copy.path());
    let MarkError::Ahead { end, marked, .. } = ahead else { panic!("{ahead}") };
    assert_eq!((end, marked), (old.records, now.records));
    let findings = verify(copy.path(), &mut |_| {}).expect("readable").findings;
    assert!(findings[0].contains(&ahead.to_string()), "{findings:?}");
    // With no mark.
    fs::remove_file(copy.path().join("mark")).expect("removable");
    assert_eq!(mark_error(copy.path()), MarkError::Missing { end: old.records });
    // With its own mark, only somebody who knows better can tell.
    let whole = copied(copy.path());
    fs::write(copy.path().join("mark"), &mark).expect("writable");
    let own = directory();
    feed(own.path(), 0, 200);
    assert!(verify_at_least(own.path(), Some(known), &mut |_| {}).expect("readable").findings[0].contains("ends at"));
    drop(whole);

    // It says that it is a copy, and names what it lacks.
    let outset = restore(copy.path(), None, At(7)).expect("it is a copy");
    assert_eq!((outset.identity, outset.end, outset.reached), (here(2), Position(old.records), Position(now.records)));
    let report = ledger::verified(copy.path());
    assert_eq!((report.identity, report.root), (here(2), old.root));
    let ledger = open(copy.path(), 1_000_000);
    let handle = ledger.handle();
    assert_eq!(handle.identity_at(Position(old.records)), here(1), "what was before keeps its lineage");
    assert_eq!(handle.identity_at(Position(old.records + 1)), here(2));
    say(&handle, STREAM.events(500..520));
    drop(handle);
    ledger.close().expect("nothing failed");
    // A second copy is put back over the first.
    let outset = restore(copy.path(), Some(AtLeast { position: Position(9_999), root: None }), At(8)).expect("again");
    assert_eq!((outset.identity.lineage, outset.reached), (3, Position(9_999)));
    assert_eq!(ledger::verified(copy.path()).identity, here(3));
}

#[test]
fn a_root_that_is_held_against_a_log_is_checked_wherever_it_was() {
    let dir = fed(200);
    let ledger = open(dir.path(), 1_000_000);
    let mut roots = Vec::new();
    drop(ledger);
    for n in 0..6 {
        feed(dir.path(), 200 + n * 10, 210 + n * 10);
        let report = ledger::verified(dir.path());
        roots.push(AtLeast { position: Position(report.records), root: Some(report.root) });
    }
    let found = |at_least| verify_at_least(dir.path(), Some(at_least), &mut |_| {}).expect("readable").findings;
    for known in &roots {
        assert_eq!(found(*known), [""; 0]);
        let other = AtLeast { position: Position(known.position.0 - 1), ..*known };
        assert!(found(other)[0].contains("another root"), "{other:?}");
        assert!(matches!(restore(dir.path(), Some(other), At(0)), Err(OpenError::Mark(MarkError::Differs { .. }))));
        assert_eq!(found(AtLeast { root: None, ..*known }), [""; 0]);
    }
    let end = roots.last().expect("six").position;
    assert!(found(AtLeast { position: end.next(), root: None })[0].contains("before"));
    assert_eq!(ledger::verified(dir.path()).identity, here(1), "nothing was restored");
}

#[test]
fn cursors_alone_are_commits_and_keep_the_mark_with_the_log() {
    let dir = fed(40);
    let ledger = open(dir.path(), 1_000_000);
    for next in 1..=5 {
        let cursors = vec![ledger_store::Cursor { source: "outbox:t".into(), next }];
        let batch = ledger_store::Batch { events: Vec::new(), cursors };
        ledger.handle().submit_and_wait(batch).expect("committed");
    }
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
    let raw = Raw::open(dir.path());
    let commits = raw.rows("commits");
    let (key, last) = commits.last().expect("there are some");
    // The cursor of before the last commit is not the one the chain says.
    raw.put("meta", b"cuoutbox:t", &4u64.to_le_bytes());
    raw.delete("commits", key);
    drop(raw);
    assert!(matches!(mark_error(dir.path()), MarkError::Ahead { .. }), "a cursor was answered and is gone");
    let raw = Raw::open(dir.path());
    raw.put("commits", key, last);
    drop(raw);
    let findings = verify(dir.path(), &mut |_| {}).expect("readable").findings;
    assert!(findings[0].contains("cursor of outbox:t"), "{findings:?}");
}

#[test]
fn a_mark_two_commits_behind_is_what_a_crash_leaves_and_three_is_an_old_copy() {
    let dir = fed(40);
    let ledger = open(dir.path(), 1_000_000);
    let mut marks = Vec::new();
    for first in (40..46).map(|n| n * 10) {
        say(&ledger.handle(), STREAM.events(first..first + 10));
        // Whoever is answered finds the mark behind it, flushed or not.
        let mark = fs::read(dir.path().join("mark")).expect("beside the database");
        assert_ne!(marks.last(), Some(&mark));
        marks.push(mark);
    }
    let end = ledger.handle().committed().0;
    ledger.close().expect("nothing failed");
    for (behind, mark) in marks.iter().rev().enumerate() {
        let crashed = copied(dir.path());
        fs::write(crashed.path().join("mark"), mark).expect("writable");
        if behind > 2 {
            assert!(matches!(mark_error(crashed.path()), MarkError::Behind { end: at, .. } if at == end), "{behind}");
            continue;
        }
        assert_eq!(ledger::verified(crashed.path()).records, end);
        opened(crashed.path()).expect("a crash left it").close().expect("nothing failed");
        // It is brought up to the log: what is lost from now on is seen.
        let brought = fs::read(crashed.path().join("mark")).expect("beside the database");
        assert_eq!(behind == 0, brought == *mark);
        let raw = Raw::open(crashed.path());
        let (key, _) = raw.rows("commits").pop().expect("there are some");
        let (block, _) = raw.rows("log").pop().expect("there are some");
        raw.delete("commits", &key);
        raw.delete("log", &block);
        drop(raw);
        assert!(matches!(mark_error(crashed.path()), MarkError::Ahead { .. }), "{behind}");
    }
}
