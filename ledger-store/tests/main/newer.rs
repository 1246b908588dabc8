//! A log with a program whose words are newer than this version of the software: it opens, folds, agrees and
//! serves what is recorded, and says by name what it cannot do.

use crate::blocks::{leaf, put_together, take_apart};
use crate::ledger::{self, directory, far_future, open, say, simulated};
use crate::raw::Raw;
use crate::said::{BEGIN, event, publish, purchase};
use ledger_core::event::{Body, Event, Name};
use ledger_core::judge::Unreadable;
use ledger_core::merkle::Frontier;
use ledger_core::record::Record;
use ledger_core::units::{At, MemberNo, Points, Position};
use ledger_store::{AsOf, Batch, CommitError, Cursor, Handle, Ledger, Options, ReadError, SubmitError, Time, rebuild};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The section of a newer version, which this one would take for a remark.
const REMARK: &str = "#[[wormhole]]\n#id = \"far\"\n";
const SECTION: &str = " [[wormhole]]\n id = \"far\"\n";
const PLAIN: &str = "id = \"t\"
timezone = \"UTC\"
currency = \"EUR\"
[[wallet]]
id = \"points\"
expiry = { after = \"12M\" }
[[earn]]
id = \"base\"
on = \"purchase\"
per = \"1.00\"
give = 1
";

/// A ledger of a newer version: a program with a word that only that one knows, a purchase, and what else was said.
fn newer(more: Vec<Event<Name>>) -> TempDir {
    let dir = directory();
    let ledger = open(dir.path(), 1_000);
    let buy = event("till", "e-1", At(BEGIN.0 + 1), "m1", purchase("o-1", 12_50));
    let events = [publish(&format!("{PLAIN}{REMARK}"), BEGIN), buy].into_iter().chain(more);
    let refused: Vec<_> = say(&ledger.handle(), events.collect()).iter().filter_map(|said| said.refusal).collect();
    assert_eq!(refused, []);
    ledger.close().expect("nothing failed");
    let raw = Raw::open(dir.path());
    let rows = raw.rows("log");
    let [row] = &rows[..] else { panic!("{} blocks", rows.len()) };
    let mut block = take_apart(row);
    for part in [&mut block.verdicts[0], &mut block.causes[0]] {
        let at = part.windows(REMARK.len()).position(|bytes| bytes == REMARK.as_bytes()).expect("the remark");
        part[at..at + SECTION.len()].copy_from_slice(SECTION.as_bytes());
    }
    let mut tree = Frontier::default();
    for ((verdict, cause), position) in block.verdicts.iter().zip(&block.causes).zip(1..) {
        tree.append(leaf(position, verdict, cause));
    }
    block.root = tree.root();
    raw.put("log", &row.0, &put_together(&block));
    let commits = raw.rows("commits");
    let [(_, commit)] = &commits[..] else { panic!("{} commits", commits.len()) };
    mark(dir.path(), &block.root, commit);
    drop(raw);
    rebuild(dir.path()).expect("folding asks no program");
    dir
}

/// The mark says this root behind the first commit.
fn mark(dir: &Path, root: &[u8; 32], commit: &[u8]) {
    let path = dir.join("mark");
    let mut mark = fs::read(&path).expect("beside the database");
    let hash = Sha256::new().chain_update([3]).chain_update(1u64.to_le_bytes()).chain_update(root);
    let hash = hash.chain_update(commit).finalize();
    for slot in mark.chunks_mut(4096).filter(|slot| slot[71..79] == 1u64.to_le_bytes()) {
        slot[39..71].copy_from_slice(root);
        slot[79..111].copy_from_slice(&hash);
        let check = Sha256::digest(&slot[..111]);
        slot[111..119].copy_from_slice(&check[..8]);
    }
    fs::write(path, mark).expect("written");
}

fn open_at(dir: &Path, time: Time) -> Ledger {
    let options = Options { time, ..simulated(1_000) };
    Ledger::open(dir, options, far_future()).expect("opening asks no program")
}

fn check_in(id: &str) -> Event<Name> {
    event("till", id, At(BEGIN.0 + 5), "m1", Body::CheckIn(ledger_core::event::CheckIn))
}

fn assert_nothing_is_judged(handle: &Handle, unreadable: &Unreadable) {
    let batch = |cursors| Batch { events: vec![check_in("e-9")], cursors };
    let refused = handle.submit(batch(Vec::new()), Box::new(|_| panic!("nothing is judged")));
    assert_eq!(refused, Err(SubmitError::Program(unreadable.clone())));
    let cursor = |next| vec![Cursor { source: "file".into(), next }];
    let refused = handle.submit_and_wait(batch(cursor(9)));
    assert_eq!(refused, Err(CommitError::Program(unreadable.clone())));
    // Where a source stands takes no program; it also lets the judge come by, who would fire what is due.
    let noted = handle.submit_and_wait(Batch { events: Vec::new(), cursors: cursor(7) });
    assert_eq!((noted, handle.cursor("file").expect("readable")), (Ok(Vec::new()), Some(7)));
    let quoted = handle.preview(check_in("e-9")).wait().expect("the shard works");
    assert_eq!(quoted, Err(ReadError::Program(unreadable.clone())));
}

#[test]
fn a_program_with_newer_words_is_served_and_not_judged_by() {
    let dir = newer(Vec::new());
    let report = ledger::verified(dir.path());
    for time in [Time::Simulated, Time::Events, Time::Wall] {
        let ledger = open_at(dir.path(), time);
        let handle = ledger.handle();
        let unreadable = handle.unreadable().expect("it is known which").clone();
        let told = unreadable.to_string();
        assert!(unreadable.version == 1 && told.contains("version 1") && told.contains("wormhole"), "{told}");
        assert!(handle.current_program().is_none());

        // What is recorded is there.
        let text = handle.programs().wait().expect("the shard works")[0].text.clone();
        assert_eq!(&*text, format!("{PLAIN}{SECTION}"));
        let bought: Record = handle.record(Position(2)).expect("readable").expect("the purchase");
        assert_eq!(bought.verdict.available, Points(12));
        let history = handle.history("m1", Position(0), 9).expect("readable").expect("a member");
        assert_eq!(history.records, [(Position(2), bought)]);
        let outcome = handle.outcome("till", "e-1").expect("readable").expect("it is known");
        assert_eq!((outcome.position, outcome.available), (Position(2), Points(12)));
        let member = handle.member("m1").wait().expect("the shard works").expect("a member");
        assert_eq!((member.at, ledger::balances(&member.member).available), (At(BEGIN.0 + 1), Points(12)));
        let then = handle.member_as_of("m1", AsOf::Position(Position(2))).expect("readable").expect("a member");
        assert_eq!((then.no, ledger::balances(&then.member).available), (MemberNo(1), Points(12)));
        assert_eq!(handle.totals().wait().expect("the shard works").members, 1);

        // What takes the program says so.
        assert_nothing_is_judged(&handle, &unreadable);
        let explained = handle.explain(Position(2)).expect_err("nobody can");
        assert_eq!(explained, ReadError::Program(unreadable.clone()));
        let then = handle.member_as_of("m1", AsOf::Instant(At(BEGIN.0 + 9))).expect_err("nobody knows what was due");
        assert_eq!(then, ReadError::Program(unreadable));
        assert_eq!(handle.committed(), Position(2));
        drop(handle);
        ledger.close().expect("nothing failed");
        let again = ledger::verified(dir.path());
        assert_eq!((again.root, again.digest), (report.root, report.digest), "nothing was recorded");
    }
}

#[test]
fn one_behind_it_that_can_be_read_explains_its_own_records() {
    let again = Event { id: "program-2".into(), ..publish(PLAIN, At(BEGIN.0 + 2)) };
    let buy = event("till", "e-2", At(BEGIN.0 + 3), "m1", purchase("o-2", 5_00));
    let dir = newer(vec![again, buy]);
    let ledger = open_at(dir.path(), Time::Wall);
    let handle = ledger.handle();
    let unreadable = handle.unreadable().expect("it is known which").clone();
    assert_eq!((unreadable.version, handle.current_program().is_some()), (1, true));
    // A refund of the first purchase would take the first program, and nobody knows what comes next.
    assert_nothing_is_judged(&handle, &unreadable);
    let explained = handle.explain(Position(4)).expect("readable").expect("the second purchase");
    assert!(!explained.why.rules.is_empty());
    let explained = handle.explain(Position(2)).expect_err("nobody can");
    assert_eq!(explained, ReadError::Program(unreadable));
    drop(handle);
    ledger.close().expect("nothing failed");
}
