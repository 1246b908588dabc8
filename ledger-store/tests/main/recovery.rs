//! Recovery: what a crash may leave is brought back whole, and what no crash leaves is refused.

use crate::ledger::{self, LEDGER, PEPPER, SALTS, SECRET, directory, far_future, open, say, simulated};
use crate::raw::{self, FAMILIES, Raw, Row};
use crate::said::{Random, Stream};
use ledger_core::bytes::ROW_VERSION;
use ledger_core::units::At;
use ledger_store::{Identity, Ledger, LedgerId, MarkError, OpenError, Options, rebuild, restore, verify};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const STREAM: Stream = Stream { seed: 11, members: 9, step_ms: 300_000 };

/// Feeds a directory events in batches of forty and closes it.
fn feed(dir: &Path, from: u64, to: u64, snapshot_records: u64) {
    let ledger = open(dir, snapshot_records);
    say(&ledger.handle(), vec![STREAM.program()]);
    for first in (from..to).step_by(40) {
        say(&ledger.handle(), STREAM.events(first..to.min(first + 40)));
    }
    ledger.close().expect("nothing failed");
}

fn fed(to: u64, snapshot_records: u64) -> TempDir {
    let dir = directory();
    feed(dir.path(), 0, to, snapshot_records);
    dir
}

fn all_rows(dir: &Path) -> BTreeMap<&'static str, Vec<raw::Row>> {
    let raw = Raw::open(dir);
    FAMILIES.into_iter().map(|family| (family, raw.rows(family))).collect()
}

fn refused(dir: &Path, options: Options) -> OpenError {
    Ledger::open(dir, options, far_future()).expect_err("it is refused")
}

#[test]
fn a_snapshot_cut_short_behind_any_family_is_harmless() {
    let dir = fed(500, 1_000_000);
    let before = all_rows(dir.path());
    feed(dir.path(), 500, 900, 1_000_000);
    let whole = ledger::verified(dir.path());
    let after = all_rows(dir.path());
    assert!(before.iter().all(|(family, rows)| *rows != after[family]), "the second snapshot changed every family");
    // In the order in which a snapshot writes; its own row goes last.
    for written in 0..=3 {
        let adjustment = directory();
        raw::copy(dir.path(), adjustment.path());
        let raw = Raw::open(adjustment.path());
        for family in &["history", "ids", "state"][written..] {
            raw.replace(family, &before[family]);
        }
        let (_, row) = before["meta"].iter().find(|(key, _)| key == b"sn").expect("there was a snapshot");
        raw.put("meta", b"sn", row);
        drop(raw);
        let report = ledger::verified(adjustment.path());
        assert_eq!((report.digest, report.root), (whole.digest, whole.root), "cut behind {written} families");
        // It goes on from there, and the next snapshot makes everything whole.
        feed(adjustment.path(), 0, 950, 100);
        let report = ledger::verified(adjustment.path());
        let straight = fed(950, 1_000_000);
        assert_eq!(report.digest, ledger::verified(straight.path()).digest);
        assert_eq!(all_rows(adjustment.path())["ids"], all_rows(straight.path())["ids"]);
    }
}

#[test]
fn a_file_that_a_snapshot_left_behind_is_not_written_through() {
    let dir = fed(500, 1_000_000);
    // RocksDB takes a snapshot's file over by a second name; a crash may leave both names of one file.
    for turn in 0..8 {
        let files = raw::files(dir.path(), ".sst");
        for (n, part) in ["state-1", "state-2", "history-1", "ids-1"].into_iter().enumerate() {
            let file = &files[(turn + n) % files.len()];
            let _ = fs::remove_file(dir.path().join(format!("snapshot-{part}.tmp")));
            fs::hard_link(file, dir.path().join(format!("snapshot-{part}.tmp"))).expect("linked");
        }
        let from = 500 + turn as u64 * 40;
        feed(dir.path(), from, from + 40, 1_000_000);
        ledger::verified(dir.path());
    }
}

#[test]
fn a_log_that_ends_before_its_snapshot_is_refused_until_it_is_restored() {
    let (mut random, _) = Random::seeded();
    let dir = directory();
    let ledger = open(dir.path(), 50);
    let handle = ledger.handle();
    say(&handle, vec![STREAM.program()]);
    for first in (0..400).step_by(8) {
        say(&handle, STREAM.events(first..first + 8));
    }
    let image = directory();
    while handle.stats().snapshot.0 < 300 {
        std::thread::yield_now();
    }
    let (snapshot, end) = (handle.stats().snapshot.0, handle.committed().0);
    drop((handle, ledger));
    raw::copy(dir.path(), image.path());
    let logs = raw::files(image.path(), ".log");
    let log = logs.last().expect("a write-ahead log");
    let length = fs::metadata(log).expect("there").len();
    let mut before_the_snapshot = 0;
    for _ in 0..40 {
        let torn = directory();
        raw::copy(image.path(), torn.path());
        let file = torn.path().join(log.file_name().expect("a file"));
        fs::OpenOptions::new().write(true).open(file).unwrap().set_len(random.below(length)).unwrap();
        match Ledger::open(torn.path(), simulated(50), far_future()) {
            // Behind what was answered the close wrote where the snapshot stands.
            Ok(ledger) => {
                assert_eq!(ledger.handle().committed().0, end, "something is gone");
                continue;
            }
            Err(OpenError::Mark(MarkError::Ahead { .. } | MarkError::Alone { .. }) | OpenError::Damage(_)) => {}
            Err(other) => panic!("{other}"),
        }
        // Whoever says that it is a copy gets what is left, whatever the snapshot had.
        let Ok(outset) = restore(torn.path(), None, At(0)) else { continue };
        assert!(outset.end < outset.reached && outset.reached.0 == end, "{outset:?}");
        before_the_snapshot += u32::from(outset.end.0 < snapshot);
        assert_eq!(ledger::verified(torn.path()).records, outset.end.0);
        open(torn.path(), 50).close().expect("it opens");
    }
    assert!(before_the_snapshot > 5, "{before_the_snapshot}");
}

#[test]
fn what_rebuild_drops_comes_back_byte_by_byte() {
    let dir = fed(700, 100);
    let (report, rows) = (ledger::verified(dir.path()), all_rows(dir.path()));
    rebuild(dir.path()).expect("rebuilt");
    let again = ledger::verified(dir.path());
    assert_eq!((again.digest, again.root, again.wallets), (report.digest, report.root, report.wallets));
    open(dir.path(), 100).close().expect("nothing failed");
    assert_eq!(all_rows(dir.path()), rows, "the same rows, the snapshot's own included");
    ledger::verified(dir.path());
}

/// As an older version would have left them: the same log, rows in another layout.
#[test]
fn rows_of_an_older_version_are_folded_again_from_the_log() {
    let dir = fed(700, 100);
    let (report, rows) = (ledger::verified(dir.path()), all_rows(dir.path()));
    let raw = Raw::open(dir.path());
    for family in ["state", "history"] {
        let older = |(key, row): Row| (key, [&[ROW_VERSION - 1], &row[1..7]].concat());
        let older: Vec<Row> = raw.rows(family).into_iter().map(older).collect();
        assert!(older.len() > 5, "{family} holds rows");
        raw.replace(family, &older);
    }
    let snapshot = raw.get("meta", b"sn").expect("a snapshot was written");
    raw.put("meta", b"sn", &[&[ROW_VERSION - 1], &snapshot[1..]].concat());
    drop(raw);
    open(dir.path(), 100).close().expect("nothing failed");
    assert_eq!(all_rows(dir.path()), rows, "the same rows, the snapshot's own included");
    assert_eq!(ledger::verified(dir.path()).digest, report.digest);
}

/// A newer version's rows are not this one's to drop.
#[test]
fn rows_of_a_newer_version_are_refused_and_left() {
    let dir = fed(700, 100);
    let raw = Raw::open(dir.path());
    let snapshot = raw.get("meta", b"sn").expect("a snapshot was written");
    raw.put("meta", b"sn", &[&[ROW_VERSION + 1], &snapshot[1..]].concat());
    drop(raw);
    let before = all_rows(dir.path());
    assert!(matches!(refused(dir.path(), simulated(100)), OpenError::Damage(_)));
    assert_eq!(all_rows(dir.path()), before, "nothing was dropped");
}

#[test]
fn rebuild_drops_nothing_where_the_log_is_damaged() {
    let dir = fed(700, 100);
    let raw = Raw::open(dir.path());
    let blocks = raw.rows("log");
    let (key, block) = &blocks[blocks.len() / 2];
    let mut damaged = block.clone();
    *damaged.last_mut().expect("bytes") ^= 1;
    raw.put("log", key, &damaged);
    drop(raw);
    let before = all_rows(dir.path());
    assert!(matches!(rebuild(dir.path()), Err(OpenError::Damage(_))), "the log cannot be folded");
    assert_eq!(all_rows(dir.path()), before, "the only good copy is still there");
}

#[test]
fn a_directory_that_is_open_is_not_opened_again() {
    let dir = fed(10, 100);
    let ledger = open(dir.path(), 100);
    assert!(matches!(refused(dir.path(), simulated(100)), OpenError::InUse { .. }));
    // To look is no harm.
    ledger::verified(dir.path());
    assert!(matches!(rebuild(dir.path()), Err(OpenError::InUse { .. })));
    assert!(matches!(restore(dir.path(), None, At(0)), Err(OpenError::InUse { .. })));
    say(&ledger.handle(), STREAM.events(10..20));
    ledger.close().expect("it never noticed");
}

#[test]
fn another_secret_is_refused_and_none_is_the_ledgers_own() {
    let dir = fed(10, 100);
    assert!(matches!(refused(dir.path(), Options { secret: Some([8; 32]), ..simulated(100) }), OpenError::Secret));
    assert!(matches!(refused(dir.path(), Options { pepper: Some([8; 32]), ..simulated(100) }), OpenError::Pepper));
    let own = Options { secret: None, ..simulated(100) };
    let ledger = Ledger::open(dir.path(), own, far_future()).expect("its own secret");
    assert!(say(&ledger.handle(), STREAM.events(0..10)).iter().all(|outcome| outcome.duplicate));
    drop(ledger);
    assert_eq!(Raw::open(dir.path()).get("meta", b"se").as_deref(), Some(&SECRET[..]));
}

#[test]
fn another_ledger_than_the_one_asked_for_is_refused_and_one_that_is_not_told_draws_its_own() {
    let dir = fed(10, 100);
    let other = Options { ledger: Some(LedgerId([9; 16])), ..simulated(100) };
    let error = refused(dir.path(), other);
    assert!(matches!(error, OpenError::OtherLedger { found: LEDGER, .. }), "{error}");
    let own = Options { ledger: None, ..simulated(100) };
    let ledger = Ledger::open(dir.path(), own.clone(), far_future()).expect("whichever it is");
    let here = Identity { ledger: LEDGER, lineage: 1, shard: 0 };
    assert_eq!(ledger.handle().identity(), here);
    drop(ledger);
    assert_eq!(ledger::verified(dir.path()).identity, here);
    let drawn = [directory(), directory()].map(|dir| {
        let open = || Ledger::open(dir.path(), own.clone(), far_future()).expect("it is made");
        let drawn = open().handle().identity();
        assert_eq!(open().handle().identity(), drawn, "drawn once");
        drawn.ledger
    });
    assert_ne!(drawn[0], drawn[1]);
    for wrong in [&b""[..], &[1; 21], &[1; 23], &[&[9; 16][..], &[0; 6]].concat(), &[&[9; 16][..], &[1; 6]].concat()] {
        Raw::open(dir.path()).put("meta", b"id", wrong);
        assert!(matches!(refused(dir.path(), own.clone()), OpenError::Damage(_)), "{wrong:02x?}");
    }
}

#[test]
fn an_unknown_format_is_refused_and_left_alone() {
    let dir = fed(10, 100);
    for unknown in [&3u32.to_le_bytes()[..], &0u32.to_le_bytes(), b"", b"one"] {
        Raw::open(dir.path()).put("meta", b"fo", unknown);
        let before = all_rows(dir.path());
        assert!(matches!(refused(dir.path(), simulated(100)), OpenError::Format { known: 2, .. }));
        assert!(matches!(verify(dir.path(), &mut |_| {}), Err(OpenError::Format { .. })));
        assert!(matches!(rebuild(dir.path()), Err(OpenError::Format { .. })));
        assert_eq!(all_rows(dir.path()), before);
    }
}

#[test]
fn a_ledger_from_before_the_first_release_is_refused_by_a_sentence_and_left_alone() {
    let dir = fed(10, 100);
    Raw::open(dir.path()).put("meta", b"fo", &1u32.to_le_bytes());
    let before = all_rows(dir.path());
    let error = refused(dir.path(), simulated(100));
    let told = "the ledger has format 1, made by a version before the first release; import it anew";
    assert_eq!(error.to_string(), told);
    assert!(matches!(verify(dir.path(), &mut |_| {}), Err(OpenError::BeforeRelease { found: 1 })));
    assert!(matches!(rebuild(dir.path()), Err(OpenError::BeforeRelease { found: 1 })));
    assert_eq!(all_rows(dir.path()), before);
}

#[test]
fn a_ledger_without_its_secret_identity_salts_pepper_or_format_is_refused_and_not_given_new_ones() {
    let dir = fed(10, 100);
    for key in [b"se", b"id", b"sa", b"pe", b"fo"] {
        let raw = Raw::open(dir.path());
        let row = raw.get("meta", key).expect("every ledger has it");
        raw.delete("meta", key);
        drop(raw);
        let secret = Some(if key == b"se" { [9; 32] } else { SECRET });
        let salts = Some(if key == b"sa" { [8; 16] } else { SALTS });
        let pepper = Some(if key == b"pe" { [8; 32] } else { PEPPER });
        for (secret, salts, pepper) in [(None, None, None), (secret, salts, pepper)] {
            let error = refused(dir.path(), Options { secret, salts, pepper, ..simulated(100) });
            assert!(matches!(error, OpenError::Damage(_)), "{error}");
        }
        let raw = Raw::open(dir.path());
        assert_eq!(raw.get("meta", key), None, "nothing took its place");
        raw.put("meta", key, &row);
    }
    ledger::verified(dir.path());
}

#[test]
fn a_directory_that_lost_its_current_file_is_refused_and_not_begun_anew() {
    let dir = fed(500, 100);
    let current = dir.path().join("CURRENT");
    let text = fs::read(&current).expect("RocksDB keeps it");
    fs::remove_file(&current).expect("lost");
    let files = raw::files(dir.path(), ".sst");
    let error = refused(dir.path(), simulated(100));
    assert!(matches!(error, OpenError::Mark(MarkError::Alone { .. })), "{error}");
    assert!(verify(dir.path(), &mut |_| {}).is_err());
    assert_eq!(raw::files(dir.path(), ".sst"), files, "nothing was swept away");
    fs::write(&current, text).expect("found again");
    assert!(ledger::verified(dir.path()).records > 500);
}

#[test]
fn verify_and_rebuild_make_no_ledger_where_there_is_none() {
    let dir = directory();
    for there in [dir.path().to_path_buf(), dir.path().join("nowhere")] {
        assert!(verify(&there, &mut |_| {}).is_err(), "there is nothing to verify");
        assert!(rebuild(&there).is_err(), "there is nothing to rebuild");
    }
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0, "nothing was made");
}

#[test]
fn the_time_of_a_closed_ledger_goes_on_where_it_stood() {
    let dir = fed(100, 30);
    let ledger = open(dir.path(), 30);
    let time = ledger.handle().time();
    assert_eq!(time, STREAM.at(99));
    // An event from before is judged at the ledger's time.
    let outcome = say(
        &ledger.handle(),
        vec![crate::said::event("till", "late", At(0), "m1", crate::said::purchase("late", 5_00))],
    );
    assert_eq!(outcome[0].at, time);
}
