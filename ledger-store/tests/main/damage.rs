//! Damage: whatever is changed on disk, `verify` finds it and names it.
//!
//! The rows are changed through RocksDB itself, so that none of its own checksums can help: only what
//! the ledger knows of its own rows. One test goes below it and flips bits in files.
//!
//! `LEDGER_DAMAGE=all` changes every bit of every row that the suite takes samples of.

use crate::blocks::{Block, COUNT, ROOT, put_together, sealed, take_apart};
use crate::ledger::{self, directory, far_future, open, say, simulated};
use crate::raw::{self, FAMILIES, Raw, Row};
use crate::said::{Random, Stream, event};
use ledger_core::event::{self, Body, Finding};
use ledger_core::units::Position;
use ledger_store::{Batch, Cursor, Ledger, OpenError, Report, rebuild, verify};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Bytes of one row that are changed, unless all are.
const SAMPLES: usize = 30;

/// A closed ledger with something in every family: several snapshots, pages, open holds, cases open and
/// closed, counters, and where a source stands.
fn written() -> (TempDir, Report) {
    let dir = directory();
    let stream = Stream { seed: 3, members: 7, step_ms: 300_000 };
    let ledger = open(dir.path(), 100);
    let handle = ledger.handle();
    say(&handle, vec![stream.program()]);
    for first in (0..700).step_by(20) {
        let cursors = vec![Cursor { source: "file".into(), next: first + 20 }];
        let events = stream.events(first..first + 20);
        handle.submit_and_wait(Batch { events, cursors }).expect("the batch is committed");
    }
    let cases = handle.cases(true, Position(0), 2).wait().expect("the shard works");
    let (case, _) = cases.first().expect("a rule saw something");
    let body = Body::CaseResolved(event::CaseResolved {
        case: (*case).into(),
        finding: Finding::Legitimate,
        note: "looked at".into(),
    });
    say(&handle, vec![event("desk", "c-1", stream.at(700), "", body)]);
    drop(handle);
    ledger.close().expect("nothing failed");
    let report = ledger::verified(dir.path());
    (dir, report)
}

/// A row that is changed, and words of which a finding must have one.
struct Target {
    what: &'static str,
    family: &'static str,
    row: Row,
    named: Vec<String>,
}

/// One of every kind of row that the log vouches for.
fn targets(raw: &Raw) -> Vec<Target> {
    let number = |key: &[u8]| key.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let spelled = |key: &[u8]| format!("{key:02x?}");
    let largest = |family: &str, prefix: &[u8]| {
        let rows = raw.rows(family).into_iter().filter(|(key, _)| key.starts_with(prefix));
        rows.max_by_key(|(_, value)| value.len()).expect("there is one")
    };
    let target = |what, family, row: Row, named: &dyn Fn(&[u8]) -> String| {
        let named = vec![named(&row.0), spelled(&row.0)];
        Target { what, family, row, named }
    };
    let blocks = raw.rows("log");
    let commits = raw.rows("commits");
    let of_commit = |key: &[u8]| format!("commit {}:", number(&key[2..]));
    let ending = |key: &[u8]| format!("block ending at {}", number(&key[2..]));
    let mut targets = vec![
        target("a block", "log", blocks[blocks.len() / 2].clone(), &ending),
        target("the last block", "log", blocks[blocks.len() - 1].clone(), &ending),
        target("a member", "state", largest("state", b"me"), &|key| format!("member {} ", number(&key[2..]))),
        target("a counter", "state", largest("state", b"co"), &|_| "risk counter".into()),
        target("a case", "state", largest("state", b"ca"), &|key| format!("case {} ", number(&key[2..]))),
        target("a program", "state", largest("state", b"pr"), &|_| "program".into()),
        target("totals", "state", largest("state", b"sh"), &|_| "the row of totals".into()),
        target("a page", "history", largest("history", b""), &|key| {
            format!("page {} of member {} ", number(&key[4..]), number(&key[..4]))
        }),
        target("an id", "ids", largest("ids", b""), &|_| "id".into()),
        target("a hash of the tree", "tree", raw.rows("tree").remove(1), &|_| "tree".into()),
        target("the snapshot", "meta", largest("meta", b"sn"), &|_| "snapshot".into()),
        target("the salts", "meta", largest("meta", b"sa"), &|_| "row salts".into()),
        target("the pepper", "meta", largest("meta", b"pe"), &|_| "row pepper".into()),
        target("a commit", "commits", commits[commits.len() / 2].clone(), &of_commit),
        target("the last commit", "commits", commits[commits.len() - 1].clone(), &of_commit),
        target("the identity", "meta", largest("meta", b"id"), &|_| "identity".into()),
    ];
    if raw.rows("meta").iter().any(|(key, _)| key.starts_with(b"cu")) {
        targets.push(target("a cursor", "meta", largest("meta", b"cu"), &|_| "cursor of file".into()));
    }
    let place = |what| targets.iter().position(|target| target.what == what).expect("it is a target");
    let (a_commit, last_commit, identity) = (place("a commit"), place("the last commit"), place("the identity"));
    // A commit that is changed is seen by the next, and one that is gone by the one before.
    for at in [a_commit, last_commit] {
        let no = number(&targets[at].row.0[2..]);
        targets[at].named.extend([no - 1, no + 1].map(|no| format!("commit {no}:")));
    }
    targets[last_commit].named.push("the log differs from its mark".into());
    targets[identity].named.push("the mark is of ledger".into());
    // A block that is gone is seen by the one behind it, or by the snapshot.
    targets[0].named.push("does not follow the block before".into());
    targets[1].named.push("where the log does not end so".into());
    // So is a member, by the number of the next.
    targets[2].named.push("member number out of turn".into());
    // Damage in the shared row may be seen by where it stands.
    targets[6].named.push("row shared".into());
    targets
}

/// Verifies, and answers with what is wrong.
fn findings(dir: &Path) -> Vec<String> {
    match verify(dir, &mut |_| {}) {
        Ok(report) => report.findings,
        Err(error) => vec![error.to_string()],
    }
}

/// Asserts that this change of a row is found.
fn assert_found(dir: &Path, target: &Target, changed: Option<&[u8]>, how: &str) {
    let raw = Raw::open(dir);
    match changed {
        Some(changed) => raw.put(target.family, &target.row.0, changed),
        None => raw.delete(target.family, &target.row.0),
    }
    drop(raw);
    let findings = findings(dir);
    let what = target.what;
    assert!(!findings.is_empty(), "{what}, {how}: nothing is found");
    // A row whose first byte says less than it did is of an older version, for all that anyone can tell.
    let is_older = changed.is_some_and(|changed| changed.first() < target.row.1.first());
    let older = |finding: &String| is_older && finding.contains("were written by an older version");
    let named = |finding: &String| older(finding) || target.named.iter().any(|name| finding.contains(name));
    assert!(findings.iter().any(named), "{what}, {how}: found, but not named: {findings:#?}");
}

/// Puts a row back as it was.
fn take_back(dir: &Path, target: &Target) {
    Raw::open(dir).put(target.family, &target.row.0, &target.row.1);
}

/// The bits to flip in a value of this length: of each byte one, or all eight.
fn bits(length: usize, random: &mut Random) -> Vec<usize> {
    if std::env::var("LEDGER_DAMAGE").is_ok_and(|how| how == "all") {
        return (0..length * 8).collect();
    }
    let every = length.div_ceil(SAMPLES);
    let somewhere = |from: usize| {
        let byte = (from + random.below(every as u64) as usize).min(length - 1);
        byte * 8 + random.below(8) as usize
    };
    (0..length).step_by(every).map(somewhere).collect()
}

fn flipped(value: &[u8], bit: usize) -> Vec<u8> {
    let mut value = value.to_vec();
    value[bit / 8] ^= 1 << (bit % 8);
    value
}

#[test]
fn every_single_byte_change_is_found() {
    let (mut random, _) = Random::seeded();
    let (dir, report) = written();
    let targets = targets(&Raw::open(dir.path()));
    for target in &targets {
        let value = &target.row.1;
        let bits = bits(value.len(), &mut random);
        for bit in &bits {
            assert_found(dir.path(), target, Some(&flipped(value, *bit)), &format!("bit {bit}"));
        }
        take_back(dir.path(), target);
        println!("{}: {} of {} bits changed and found", target.what, bits.len(), value.len() * 8);
    }
    assert_eq!(ledger::verified(dir.path()).digest, report.digest, "all is as it was");
}

#[test]
fn a_row_cut_short_lengthened_or_gone_is_found() {
    let (dir, _) = written();
    let targets = targets(&Raw::open(dir.path()));
    for target in &targets {
        let value = &target.row.1;
        assert_found(dir.path(), target, Some(&value[..value.len() - 1]), "one byte short");
        assert_found(dir.path(), target, Some(&[value, &b"\0"[..]].concat()), "one byte more");
        assert_found(dir.path(), target, Some(b""), "empty");
        if target.what != "the snapshot" {
            assert_found(dir.path(), target, None, "gone");
        }
        take_back(dir.path(), target);
    }
    // Without its row the snapshot never ended: the log is folded from further back.
    let report = ledger::verified(dir.path());
    Raw::open(dir.path()).delete("meta", b"sn");
    assert_eq!(ledger::verified(dir.path()).digest, report.digest);
}

#[test]
fn a_row_too_many_is_found() {
    let (dir, _) = written();
    let raw = Raw::open(dir.path());
    let like = |family: &str, prefix: &[u8]| {
        raw.rows(family).into_iter().rfind(|(key, _)| key.starts_with(prefix)).expect("there is one")
    };
    let next = |mut key: Vec<u8>| {
        *key.last_mut().expect("not empty") += 1;
        key
    };
    let kinds: [&[u8]; 4] = [b"me", b"co", b"ca", b"pr"];
    let mut rows: Vec<(&str, Vec<u8>, Vec<u8>)> = Vec::new();
    for (family, prefix) in kinds.map(|kind| ("state", kind)).into_iter().chain([("history", &b""[..])]) {
        let (key, value) = like(family, prefix);
        rows.push((family, next(key), value));
    }
    let (_, shared) = like("state", b"sh");
    let (_, id) = like("ids", b"");
    let (block_key, block) = like("log", b"");
    let (commit_key, commit) = like("commits", b"");
    rows.extend([
        ("state", b"sh\0".to_vec(), shared.clone()),
        ("state", b"zz".to_vec(), shared),
        ("state", b"".to_vec(), b"".to_vec()),
        ("history", b"short".to_vec(), b"".to_vec()),
        ("ids", vec![0x55; 16], id.clone()),
        ("ids", b"short".to_vec(), id),
        ("log", next(block_key), block.clone()),
        ("log", b"short".to_vec(), block.clone()),
        ("log", [0xff; 10].to_vec(), block),
        ("meta", b"xx".to_vec(), b"".to_vec()),
        ("meta", b"cufile2".to_vec(), b"seven b".to_vec()),
        ("meta", b"cufile2".to_vec(), [0; 8].to_vec()),
        ("meta", b"li\0\0\0\x02".to_vec(), [0; 8].to_vec()),
        ("commits", next(commit_key), commit.clone()),
        ("commits", [0; 10].to_vec(), commit.clone()),
        ("commits", b"short".to_vec(), commit),
    ]);
    drop(raw);
    for (family, key, value) in rows {
        Raw::open(dir.path()).put(family, &key, &value);
        let findings = findings(dir.path());
        assert!(!findings.is_empty(), "{family} {key:02x?} is not found");
        Raw::open(dir.path()).delete(family, &key);
    }
    ledger::verified(dir.path());
}

/// The same log with these blocks instead.
fn with_log(dir: &Path, blocks: &[Row]) {
    Raw::open(dir).replace("log", blocks);
}

/// A block that claims another place.
fn moved(block: &Row, to: &Row) -> Row {
    sealed((to.0.clone(), block.1.clone()))
}

#[test]
fn blocks_that_are_gone_swapped_repeated_or_of_another_ledger_are_found_and_refused() {
    let (dir, _) = written();
    let blocks = Raw::open(dir.path()).rows("log");
    assert!(blocks.len() > 8, "a log of several blocks");
    let alike = |n: &usize| blocks[*n].1[COUNT] == blocks[n + 1].1[COUNT];
    let n = (1..blocks.len() - 2).find(alike).expect("neighbours with as many records");
    let without = |gone: usize| {
        let mut blocks = blocks.clone();
        blocks.remove(gone);
        blocks
    };
    let with = |changed: &[(usize, Row)]| {
        let mut blocks = blocks.clone();
        changed.iter().for_each(|(at, row)| blocks[*at] = row.clone());
        blocks
    };
    let (one, two) = (&blocks[n], &blocks[n + 1]);
    let other = directory();
    let ledger = open(other.path(), 100);
    let stream = Stream { seed: 4, members: 7, step_ms: 300_000 };
    say(&ledger.handle(), vec![stream.program()]);
    for first in (0..700).step_by(20) {
        say(&ledger.handle(), stream.events(first..first + 20));
    }
    ledger.close().expect("nothing failed");
    let others = Raw::open(other.path()).rows("log");
    let mut otherwise = one.1.clone();
    otherwise[ROOT].copy_from_slice(&two.1[ROOT]);
    // What is done, the log then, and whether even opening must see it.
    let cases = [
        ("the first is gone", without(0), false),
        ("one in the middle is gone", without(n), false),
        ("the last is gone", without(blocks.len() - 1), true),
        ("all are gone", Vec::new(), true),
        (
            "two are swapped",
            with(&[(n, (one.0.clone(), two.1.clone())), (n + 1, (two.0.clone(), one.1.clone()))]),
            false,
        ),
        ("two are swapped and renumbered", with(&[(n, moved(two, one)), (n + 1, moved(one, two))]), false),
        ("one stands twice", with(&[(n + 1, moved(one, two))]), false),
        ("one has another root", with(&[(n, sealed((one.0.clone(), otherwise)))]), false),
        ("all are another ledger's", others, true),
    ];
    for (what, log, refused) in cases {
        with_log(dir.path(), &log);
        let findings = findings(dir.path());
        assert!(!findings.is_empty(), "{what}: nothing is found");
        if refused {
            let opened = Ledger::open(dir.path(), simulated(100), far_future());
            assert!(matches!(opened, Err(OpenError::Damage(_) | OpenError::Mark(_))), "{what}: opened");
        }
        println!("{what}: {}", findings[0]);
    }
    with_log(dir.path(), &blocks);
    ledger::verified(dir.path());
}

/// What is done to two neighbours of a block.
type Edit = fn(&mut Block, usize);

/// A block in which a record is not what it was, sealed again: by whoever has the disk and knows the format.
const EDITS: [(&str, Edit); 9] = [
    ("a verdict is changed", |block, at| *block.verdicts[at].last_mut().expect("bytes") ^= 1),
    ("a cause is changed", |block, at| *block.causes[at].last_mut().expect("bytes") ^= 1),
    ("two verdicts are swapped", |block, at| block.verdicts.swap(at, at + 1)),
    ("two causes are swapped", |block, at| block.causes.swap(at, at + 1)),
    ("two records are swapped", |block, at| {
        block.verdicts.swap(at, at + 1);
        block.causes.swap(at, at + 1);
    }),
    ("a verdict is dropped", |block, at| block.verdicts[at].clear()),
    ("a cause is dropped", |block, at| block.causes[at].clear()),
    ("a cause is held back under a false hash", |block, at| block.causes[at] = vec![0; 1 + 32 + 16]),
    ("a verdict is repeated", |block, at| block.verdicts[at + 1] = block.verdicts[at].clone()),
];

#[test]
fn a_verdict_or_cause_that_is_not_its_own_is_refused_by_name_and_nothing_is_written() {
    let (dir, report) = with_a_tail();
    let blocks = Raw::open(dir.path()).rows("log");
    // One behind the snapshot, which opening reads, with two neighbours who said something.
    let n = blocks.len() - 2;
    let block = take_apart(&blocks[n]);
    let said = |at: &usize| !block.causes[*at].is_empty() && !block.causes[at + 1].is_empty();
    let at = (0..block.causes.len() - 1).find(said).expect("two neighbours who said something");
    let ending = format!("block ending at {}: ", block.first + block.verdicts.len() as u64 - 1);
    for (what, edit) in EDITS {
        let mut edited = block.clone();
        edit(&mut edited, at);
        assert_ne!(edited, block, "{what}");
        let mut log = blocks.clone();
        log[n].1 = put_together(&edited);
        with_log(dir.path(), &log);
        let before = FAMILIES.map(|family| Raw::open(dir.path()).rows(family));
        let opened = Ledger::open(dir.path(), simulated(100), far_future());
        let Err(OpenError::Damage(damage)) = opened else { panic!("{what}: opened") };
        let named = damage.to_string();
        assert!(named.starts_with(&ending) && named.contains("another root"), "{what}: {named}");
        let findings = findings(dir.path());
        assert!(findings.iter().any(|finding| finding.contains(&ending)), "{what}: {findings:#?}");
        assert!(rebuild(dir.path()).is_err(), "{what}: rebuilt");
        assert_eq!(FAMILIES.map(|family| Raw::open(dir.path()).rows(family)), before, "{what}");
    }
    with_log(dir.path(), &blocks);
    assert_eq!(ledger::verified(dir.path()).root, report.root);
}

/// A ledger whose snapshot is some hundreds of records behind its log, and the rows of that snapshot.
fn with_a_tail() -> (TempDir, Report) {
    let stream = Stream { seed: 21, members: 7, step_ms: 300_000 };
    let dir = directory();
    let mut before: Vec<(&str, Vec<Row>)> = Vec::new();
    for part in [0..500, 500..900] {
        let ledger = open(dir.path(), 1_000_000);
        say(&ledger.handle(), vec![stream.program()]);
        for first in part.step_by(50) {
            say(&ledger.handle(), stream.events(first..first + 50));
        }
        ledger.close().expect("nothing failed");
        let raw = Raw::open(dir.path());
        if before.is_empty() {
            before = ["state", "history", "ids", "meta"].map(|family| (family, raw.rows(family))).to_vec();
        } else {
            before.iter().for_each(|(family, rows)| raw.replace(family, rows));
        }
    }
    let report = ledger::verified(dir.path());
    (dir, report)
}

#[test]
fn a_change_before_the_tail_of_the_log_is_found_or_changes_nothing() {
    let (mut random, _) = Random::seeded();
    let (dir, report) = with_a_tail();
    let targets = targets(&Raw::open(dir.path()));
    let (mut found, mut healed) = (0, 0);
    for target in targets {
        for bit in bits(target.row.1.len(), &mut random) {
            Raw::open(dir.path()).put(target.family, &target.row.0, &flipped(&target.row.1, bit));
            match verify(dir.path(), &mut |_| {}) {
                Ok(now) if now.agrees() => {
                    // What the tail writes over anyway; the ledger that opens is the right one.
                    assert_eq!((now.digest, now.root), (report.digest, report.root), "{} bit {bit}", target.what);
                    healed += 1;
                }
                _ => found += 1,
            }
        }
        take_back(dir.path(), &target);
    }
    assert!(found > healed, "{found} found, {healed} without effect");
    println!("{found} found, {healed} written over by the tail");
}

#[test]
fn a_flipped_bit_in_any_file_is_found_or_changes_nothing() {
    let (mut random, _) = Random::seeded();
    let flips = if std::env::var("LEDGER_DAMAGE").is_ok_and(|how| how == "all") { 20_000 } else { 80 };
    let (dir, report) = written();
    // Half of the log in sorted files, half in the write-ahead log.
    let stream = Stream { seed: 3, members: 7, step_ms: 300_000 };
    let ledger = open(dir.path(), 1_000_000);
    for first in (700..900).step_by(50) {
        say(&ledger.handle(), stream.events(first..first + 50));
    }
    ledger.close().expect("nothing failed");
    let image = directory();
    raw::copy(dir.path(), image.path());
    let whole = ledger::verified(dir.path());
    assert!(whole.records > report.records);
    let files: Vec<_> = raw::files(image.path(), "").into_iter().filter(|path| !path.ends_with("LOG")).collect();
    let files: Vec<_> = files.into_iter().filter(|path| fs::metadata(path).is_ok_and(|file| file.len() > 0)).collect();
    let (mut found, mut harmless) = (0, Vec::new());
    for _ in 0..flips {
        let rotten = directory();
        raw::copy(image.path(), rotten.path());
        let name = files[random.below(files.len() as u64) as usize].file_name().expect("a file");
        let path = rotten.path().join(name);
        let bytes = fs::read(&path).expect("readable");
        let bit = random.below(bytes.len() as u64 * 8) as usize;
        fs::write(&path, flipped(&bytes, bit)).expect("writable");
        match verify(rotten.path(), &mut |_| {}) {
            Ok(now) if now.agrees() => {
                assert_eq!(now.records, whole.records, "{name:?} bit {bit}: records are lost in silence");
                assert_eq!((now.digest, now.root), (whole.digest, whole.root), "{name:?} bit {bit}");
                harmless.push(name.to_owned());
            }
            _ => found += 1,
        }
    }
    harmless.sort();
    harmless.dedup();
    println!("{flips} bits flipped: {found} found; without effect in some of {harmless:?}");
    assert!(found > flips / 4);
}
