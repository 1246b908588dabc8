//! Causes that are held back: everything still folds, and who needs to know what was said is told that it is not there.

use crate::blocks::{Block, cause_hash, put_together, take_apart};
use crate::format::PROGRAM;
use crate::ledger::{self, SALTS, directory, open, say};
use crate::raw::Raw;
use crate::said::{BEGIN, event, publish, purchase};
use ledger_core::event::{self, Body};
use ledger_core::refusal::Refusal;
use ledger_core::salts::Salts;
use ledger_core::units::{At, Position};
use ledger_store::{AsOf, Handle, Ledger, OpenError, ReadError, rebuild, verify};
use sha2::{Digest, Sha256};
use std::path::Path;
use tempfile::TempDir;

/// Where the purchase stands whose cause is held back.
const BOUGHT: Position = Position(2);

fn at(n: i64) -> At {
    At(BEGIN.0 + n)
}

/// A ledger of a program, a purchase and a check-in, closed, with a snapshot of all or of nothing; and the id of the
/// purchase.
fn written(with_snapshot: bool) -> (TempDir, Vec<u8>) {
    let dir = directory();
    let ledger = open(dir.path(), 1_000);
    let check_in = event("till", "e-2", at(2), "m1", Body::CheckIn(event::CheckIn));
    say(
        &ledger.handle(),
        vec![publish(PROGRAM, BEGIN), event("till", "e-1", at(1), "m1", purchase("o-1", 12_50)), check_in],
    );
    ledger.close().expect("nothing failed");
    let raw = Raw::open(dir.path());
    let ids = raw.rows("ids");
    let (id, _) = ids.iter().find(|(_, value)| value[0] == 2).expect("the purchase has an id");
    if !with_snapshot {
        ["state", "history", "ids"].iter().for_each(|family| raw.replace(family, &[]));
        raw.delete("meta", b"sn");
    }
    (dir, id.clone())
}

fn change_block(dir: &Path, change: impl FnOnce(&mut Block)) {
    let raw = Raw::open(dir);
    let row = raw.rows("log").remove(0);
    let mut block = take_apart(&row);
    change(&mut block);
    raw.put("log", &row.0, &put_together(&block));
}

/// Holds back what was said at [`BOUGHT`], as it is to be done.
fn hold_back(dir: &Path, id: &[u8]) {
    change_block(dir, |block| {
        let cause = &mut block.causes[(BOUGHT.0 - block.first) as usize];
        *cause = [&[0][..], &cause_hash(BOUGHT.0, cause), id].concat();
    });
}

/// The salts without those of some positions.
fn puncture(dir: &Path, positions: &[Position]) {
    let mut salts = Salts::new(SALTS);
    positions.iter().for_each(|position| salts.puncture(*position));
    let value = ledger::bytes(&salts);
    Raw::open(dir).put("meta", b"sa", &[&Sha256::digest(&value)[..8], &value].concat());
}

fn held_back<T: std::fmt::Debug>(read: Result<T, ReadError>) {
    let Err(ReadError::CauseHeldBack { position }) = read else { panic!("{read:?}") };
    assert_eq!(position, BOUGHT);
}

/// Asserts that the ledger answers as it did, but for what was said.
fn check_answers(handle: &Handle) {
    let records = handle.history("m1", Position(2), 10).expect("the others are there").expect("a member").records;
    assert_eq!(records.len(), 1);
    held_back(handle.record(BOUGHT));
    held_back(handle.records(Position(0), 10));
    held_back(handle.history("m1", Position(0), 10));
    held_back(handle.explain(BOUGHT));
    held_back(handle.replay("m1").expect("readable").expect("a member").collect::<Result<Vec<_>, _>>());
    // Folding needs no cause.
    let then = handle.member_as_of("m1", AsOf::Position(BOUGHT)).expect("readable").expect("a member");
    assert_eq!((then.position, ledger::balances(&then.member).available.0), (BOUGHT, 12));
    // What came of it is known for ever, and nothing can be compared with what was said.
    let outcome = handle.outcome("till", "e-1").expect("readable").expect("it was judged");
    assert_eq!((outcome.position, outcome.available.0), (BOUGHT, 12));
    let again = say(handle, vec![event("till", "e-1", at(9), "m2", purchase("o-9", 1))]);
    assert!(again[0].duplicate && again[0].position == BOUGHT, "{again:?}");
    // Another purchase of the same order is refused, and what speaks of the order waits.
    let more = vec![
        event("till", "e-3", at(10), "m1", purchase("o-1", 5_00)),
        event("till", "e-4", at(11), "m1", Body::Cancelled(event::Cancelled { order: "o-1".into() })),
    ];
    let more = say(handle, more);
    assert_eq!(more[0].refusal, Some(Refusal::OrderExists));
    assert!(more[1].deferred && more[1].refusal.is_none(), "{more:?}");
}

#[test]
fn a_ledger_folds_and_answers_without_what_was_said() {
    for with_snapshot in [true, false] {
        let (dir, id) = written(with_snapshot);
        let before = ledger::verified(dir.path());
        hold_back(dir.path(), &id);
        puncture(dir.path(), &[BOUGHT]);
        let after = ledger::verified(dir.path());
        assert_eq!((after.root, after.digest, after.records), (before.root, before.digest, before.records));
        rebuild(dir.path()).expect("the log is sound");
        assert_eq!(ledger::verified(dir.path()).digest, before.digest);
        let options = ledger_store::Options { salts: None, ..ledger::simulated(1_000) };
        let ledger = Ledger::open(dir.path(), options, ledger::far_future()).expect("it opens");
        check_answers(&ledger.handle());
        ledger.close().expect("nothing failed");
        ledger::verified(dir.path());
    }
}

#[test]
fn a_false_hash_or_id_of_what_is_held_back_is_found() {
    let (dir, id) = written(false);
    hold_back(dir.path(), &id);
    let sound = Raw::open(dir.path()).rows("log");
    for (byte, named) in [(1, "the tree has another root"), (1 + 32, "")] {
        change_block(dir.path(), |block| block.causes[1][byte] ^= 1);
        let found = verify(dir.path(), &mut |_| {}).expect("readable").findings;
        // A false id is no damage of the log: the row of `ids` that is folded from it names the same record.
        assert_eq!(found.iter().any(|finding| finding.contains(named)), !named.is_empty(), "{byte}: {found:#?}");
        Raw::open(dir.path()).replace("log", &sound);
    }
    for entry in [vec![0], vec![0; 48], vec![0; 50]] {
        change_block(dir.path(), |block| block.causes[1] = entry);
        let found = verify(dir.path(), &mut |_| {}).expect("readable").findings;
        assert!(found.iter().any(|finding| finding.contains("neither there nor held back")), "{found:#?}");
        Raw::open(dir.path()).replace("log", &sound);
    }
    ledger::verified(dir.path());
}

#[test]
fn a_cause_whose_salt_is_gone_is_named_and_changed_salts_are_refused() {
    let (dir, _) = written(false);
    puncture(dir.path(), &[Position(3)]);
    let found = verify(dir.path(), &mut |_| {}).expect("readable").findings;
    assert!(found.iter().all(|finding| finding.contains("row salts: that of record 3 is gone")), "{found:#?}");
    puncture(dir.path(), &[]);
    ledger::verified(dir.path());
    let others = ledger_store::Options { salts: Some([8; 16]), ..ledger::simulated(100) };
    let opened = Ledger::open(dir.path(), others, ledger::far_future());
    assert!(matches!(opened, Err(OpenError::Salts)), "{opened:?}");
    let row = Raw::open(dir.path()).get("meta", b"sa").expect("every ledger has it");
    for bit in 0..row.len() * 8 {
        let mut changed = row.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        Raw::open(dir.path()).put("meta", b"sa", &changed);
        let opened = Ledger::open(dir.path(), ledger::simulated(100), ledger::far_future());
        let Err(OpenError::Damage(damage)) = opened else { panic!("bit {bit}: {opened:?}") };
        assert!(damage.to_string().contains("salts"), "{damage}");
    }
}
