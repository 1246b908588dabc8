//! Checkpoints and proofs of a ledger: what is signed, when, and what is refused because of what was signed.

use crate::ledger::{LEDGER, directory, far_future, open, say, simulated, verified};
use crate::raw::{Raw, copy};
use crate::said::Stream;
use ledger_core::inclusion::TreeHead;
use ledger_core::units::Position;
use ledger_store::{Checkpoint, Checkpoints, Handle, Ledger, NoteSigner, Options, Seed, VerifierKey, rebuild, verify};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const STREAM: Stream = Stream { seed: 5, members: 40, step_ms: 60_000 };

fn origin() -> String {
    format!("{LEDGER}/1/0")
}

fn key(seed: u8) -> VerifierKey {
    NoteSigner::new(&origin(), &[seed; 32]).expect("the origin is a name").verifier().clone()
}

/// Options of a ledger that signs with these seeds, and keeps its checkpoint there.
fn signing(seeds: &[u8], file: Option<PathBuf>) -> Options {
    let seeds = seeds.iter().map(|seed| Seed::new([*seed; 32])).collect();
    Options { checkpoints: Checkpoints { seeds, file }, ..simulated(500) }
}

fn opened(dir: &Path, options: Options) -> Result<Ledger, String> {
    Ledger::open(dir, options, far_future()).map_err(|error| error.to_string())
}

/// Says so many events behind those that were said, in batches of many sizes.
fn go_on(handle: &Handle, from: u64, count: u64) {
    if from == 0 {
        say(handle, vec![STREAM.program()]);
    }
    let mut next = from;
    for size in [1, 7, 300, 2, 1, 90, 256].iter().cycle() {
        let up_to = (next + size).min(from + count);
        say(handle, STREAM.events(next..up_to));
        next = up_to;
        if next == from + count {
            return;
        }
    }
}

fn kept(dir: &Path) -> String {
    fs::read_to_string(dir.join("checkpoint")).expect("a checkpoint is kept")
}

#[test]
fn a_closed_ledger_has_signed_for_all_it_holds() {
    let dir = directory();
    let ledger = opened(dir.path(), signing(&[1], None)).expect("the ledger opens");
    go_on(&ledger.handle(), 0, 900);
    let committed = ledger.handle().committed();
    ledger.close().expect("nothing failed");
    let report = verified(dir.path());
    let checkpoint = Checkpoint::open(&kept(dir.path()), &[key(1)]).expect("it is signed");
    let head = TreeHead { size: committed.0, root: report.root };
    assert_eq!(checkpoint, Checkpoint { origin: origin(), head });
    // Without a key nothing is signed, and what was signed is still told.
    let ledger = open(dir.path(), 500);
    assert_eq!(ledger.handle().checkpoint().expect("it is told").head, head);
    assert_eq!(ledger.handle().checkpoint_keys(), []);
    go_on(&ledger.handle(), 900, 10);
    ledger.close().expect("nothing failed");
    assert_eq!(Checkpoint::open(&kept(dir.path()), &[key(1)]).expect("it is signed").head, head);
}

#[test]
fn every_record_and_every_growth_is_proved() {
    let dir = directory();
    let ledger = opened(dir.path(), signing(&[1], None)).expect("the ledger opens");
    let handle = ledger.handle();
    go_on(&handle, 0, 1_500);
    let last = handle.committed().0;
    let sizes = [1, 2, 3, 255, 256, 257, 511, 512, 513, 1_000, 1_024, last - 1, last];
    let heads = sizes.map(|size| handle.tree_head(size).expect("readable").expect("the log has it"));
    for (n, head) in heads.iter().enumerate() {
        for older in &heads[..=n] {
            let proof = handle.prove_consistency(older.size, head).expect("readable").expect("it grew");
            assert!(head.extends(older, &proof), "{} to {}", older.size, head.size);
        }
        for position in (1..=head.size).step_by(37).chain([1, head.size]) {
            let proof = handle.prove_inclusion(Position(position), head, false).expect("readable");
            assert!(proof.is_some(), "{position} of {}", head.size);
        }
    }
    let (head, more) = (heads[3], TreeHead { size: last + 1, ..heads[3] });
    for position in [0, head.size + 1, u64::MAX] {
        assert_eq!(handle.prove_inclusion(Position(position), &head, false).expect("readable"), None);
    }
    assert_eq!(handle.prove_inclusion(Position(1), &more, false).expect("readable"), None, "it is not in the log yet");
    assert_eq!(handle.prove_consistency(1, &more).expect("readable"), None);
    assert_eq!(handle.prove_consistency(head.size + 1, &head).expect("readable"), None);
    assert_eq!(handle.tree_head(last + 1).expect("readable"), None);
    let forged = TreeHead { root: [1; 32], ..head };
    assert!(handle.prove_inclusion(Position(1), &forged, false).is_err(), "nothing is handed out that proves nothing");
    drop(handle);
    ledger.close().expect("nothing failed");
    assert!(verified(dir.path()).records > 1_024);
}

#[test]
fn a_checkpoint_comes_within_seconds_and_not_with_every_commit() {
    let dir = directory();
    let ledger = opened(dir.path(), signing(&[1], None)).expect("the ledger opens");
    let handle = ledger.handle();
    let (begun, mut notes) = (Instant::now(), std::collections::BTreeSet::new());
    let mut next = 0;
    while begun.elapsed() < Duration::from_millis(2_500) {
        go_on(&handle, next, 5);
        next += 5;
        let signed = handle.checkpoint();
        let committed = handle.committed();
        if let Some(signed) = signed {
            assert!(signed.head.size <= committed.0, "nothing is signed that is not durable");
            notes.insert(signed.note.clone());
        }
    }
    let seconds = begun.elapsed().as_secs() as usize;
    assert!((1..=seconds + 2).contains(&notes.len()), "{} signatures in {seconds} seconds", notes.len());
    ledger.close().expect("nothing failed");
}

#[test]
fn while_a_key_changes_both_sign_and_a_sudden_change_is_refused() {
    let dir = directory();
    let grow = |seeds: &[u8], from: u64| {
        let ledger = opened(dir.path(), signing(seeds, None))?;
        if from > 0 || ledger.handle().committed().0 == 0 {
            go_on(&ledger.handle(), from, 3);
        }
        ledger.close().map_err(|error| error.to_string())
    };
    let opens = |seed: u8| Checkpoint::open(&kept(dir.path()), &[key(seed)]).is_ok();
    grow(&[1], 0).expect("the first key signs");
    let note = kept(dir.path());
    let error = grow(&[2], 3).expect_err("nobody knows the new key yet");
    assert!(error.contains("signed by another key"), "{error}");
    assert_eq!(kept(dir.path()), note, "nothing is written");
    // Both sign, also if nothing was said since.
    grow(&[1, 2], 0).expect("both sign");
    assert!(opens(1) && opens(2) && kept(dir.path()) != note);
    grow(&[2], 3).expect("the new key goes on alone");
    assert!(opens(2) && !opens(1));
}

#[test]
fn an_older_copy_is_refused_where_the_checkpoint_is_kept_elsewhere() {
    let (dir, other, away) = (directory(), directory(), directory());
    let file = away.path().join("last");
    let ledger = opened(dir.path(), signing(&[1], Some(file.clone()))).expect("the ledger opens");
    go_on(&ledger.handle(), 0, 400);
    ledger.close().expect("nothing failed");
    copy(dir.path(), other.path());
    let ledger = opened(dir.path(), signing(&[1], Some(file.clone()))).expect("the ledger opens");
    go_on(&ledger.handle(), 400, 300);
    ledger.close().expect("nothing failed");
    let note = fs::read_to_string(&file).expect("it is kept");
    let error = opened(other.path(), signing(&[1], Some(file.clone()))).expect_err("records are gone");
    assert!(error.contains("an older copy"), "{error}");
    // The copy goes on without a key and is as long again: other records have the places of those that are gone.
    let ledger = open(other.path(), 500);
    go_on(&ledger.handle(), 800, 400);
    ledger.close().expect("nothing failed");
    let error = opened(other.path(), signing(&[1], Some(file.clone()))).expect_err("the past is another");
    assert!(error.contains("signed over other records"), "{error}");
    assert_eq!(fs::read_to_string(&file).expect("it is kept"), note, "nothing is written");
    opened(dir.path(), signing(&[1], Some(file))).expect("the right one opens").close().expect("nothing failed");
}

#[test]
fn a_checkpoint_that_is_not_of_this_log_is_refused_at_opening_and_by_verify() {
    let (dir, other) = (directory(), directory());
    for (dir, from) in [(&dir, 0), (&other, 50)] {
        let ledger = opened(dir.path(), signing(&[1], None)).expect("the ledger opens");
        say(&ledger.handle(), vec![STREAM.program()]);
        go_on(&ledger.handle(), from + 1, 300);
        ledger.close().expect("nothing failed");
    }
    let good = kept(dir.path());
    let flipped = |at: usize| {
        let mut note = good.clone().into_bytes();
        note[at] ^= 1;
        String::from_utf8(note).expect("still text")
    };
    let size = verified(dir.path()).records.to_string();
    let cases = [
        (kept(other.path()), "signed over other records"),
        (good.replace(&LEDGER.to_string(), &"ab".repeat(16)), "which is not this ledger"),
        (good.replace("/1/0", "/1/1"), "which is not this ledger"),
        (good.replace("/1/0", "/2/0"), "came after this ledger"),
        (good.replace("/1/0", "/01/0"), "which is not this ledger"),
        (good.replace(&size, &format!("{size}0")), "an older copy"),
        (good.replace(&size, "299"), "signed over other records"),
        (flipped(origin().len() + size.len() + 5), "signed over other records"),
        (good[..good.len() - 1].into(), "does not end with its line"),
        (String::new(), "no signatures"),
        ("x".repeat(2 << 20), "longer than 1 MiB"),
    ];
    for (note, words) in cases {
        fs::write(dir.path().join("checkpoint"), &note).expect("writable");
        for options in [signing(&[1], None), simulated(500)] {
            let signs = !options.checkpoints.seeds.is_empty();
            let error = opened(dir.path(), options).expect_err(words);
            // Whoever has the key sees first that it did not sign this.
            assert!(error.contains(words) || signs && error.contains("the signature of"), "{words}: {error}");
        }
        let findings = verify(dir.path(), &mut |_| {}).expect("readable").findings;
        assert!(findings.iter().any(|finding| finding.contains(words)), "{words}: {findings:?}");
        assert_eq!(kept(dir.path()), note, "nothing is written");
    }
    // With a key, the signature itself must be right as well.
    fs::write(dir.path().join("checkpoint"), flipped(good.len() - 10)).expect("writable");
    let error = opened(dir.path(), signing(&[1], None)).expect_err("the signature is wrong");
    // What is no base64 any more is no signature line.
    assert!(error.contains("the signature of") || error.contains("a signature line"), "{error}");
    fs::write(dir.path().join("checkpoint"), &good).expect("writable");
    verified(dir.path());
}

#[test]
fn hashes_of_the_tree_that_are_not_the_logs_are_found_and_written_anew() {
    let dir = directory();
    let ledger = open(dir.path(), 200);
    go_on(&ledger.handle(), 0, 1_500);
    ledger.close().expect("nothing failed");
    let root = verified(dir.path()).root;
    let raw = Raw::open(dir.path());
    let rows = raw.rows("tree");
    assert!(rows.len() > 5, "one for each 256 records");
    let (first, last) = (&rows[0], &rows[rows.len() - 1]);
    raw.put("tree", &last.0, &[0; 32]);
    drop(raw);
    let error = Ledger::open(dir.path(), simulated(200), far_future()).expect_err("commits would go on from it");
    assert!(error.to_string().contains("does not lead to the root"), "{error}");
    let raw = Raw::open(dir.path());
    raw.put("tree", &last.0, &last.1);
    raw.put("tree", &first.0, &[0; 32]);
    raw.put("tree", b"\x01\0\0\0\0\0\0\xff\xff", &[0; 32]);
    drop(raw);
    let findings = verify(dir.path(), &mut |_| {}).expect("readable").findings;
    assert!(findings.iter().any(|finding| finding.contains("tree 1/0 ")), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.contains("hashes of the tree are stored")), "{findings:?}");
    rebuild(dir.path()).expect("the log is whole");
    open(dir.path(), 200).close().expect("nothing failed");
    assert_eq!(verified(dir.path()).root, root);
    assert_eq!(Raw::open(dir.path()).rows("tree"), rows);
}
