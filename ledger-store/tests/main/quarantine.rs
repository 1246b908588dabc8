//! Quarantine: an event that the ledger cannot carry out is set aside by name, and everybody else goes on.
//!
//! Nothing legal does that, so a row is damaged here as a bug would have left it: a hold that says its points are used.

use crate::ledger::{self, SECRET, directory, say};
use crate::raw::Raw;
use crate::said::{BEGIN, HARBOUR, event, publish, purchase};
use ledger_core::bytes::decode_row;
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::member::Member;
use ledger_core::outcome::Outcome;
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, DAY_MS, Points};
use ledger_store::{Health, Ledger, Options, Time, rebuild};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn told(id: &str, member: &str, body: Body<Name>) -> Event<Name> {
    event("test", id, BEGIN, member, body)
}

fn capture(id: &str) -> Event<Name> {
    told(id, "ada", Body::Capture(event::Capture { hold: "h".into(), points: None, last: true }))
}

fn check_in(id: &str, member: &str) -> Event<Name> {
    told(id, member, Body::CheckIn(event::CheckIn))
}

/// A closed ledger in which nothing of ada's hold folds.
fn damaged() -> TempDir {
    let dir = directory();
    let ledger = ledger::open(dir.path(), 1_000_000);
    let first = vec![
        publish(HARBOUR, BEGIN),
        told("a1", "ada", purchase("o1", 10_000)),
        told("b1", "bob", purchase("o2", 10_000)),
        told("a2", "ada", Body::hold("h", Points(10))),
    ];
    assert!(say(&ledger.handle(), first).iter().all(|outcome| outcome.refusal.is_none()));
    ledger.close().expect("nothing failed");
    let raw = Raw::open(dir.path());
    let key = [b"me".as_slice(), &1u32.to_be_bytes()].concat();
    let mut ada: Member = decode_row(&raw.get("state", &key).expect("ada is there")).expect("the row decodes");
    ada.holds[0].used = 1;
    raw.put("state", &key, &ledger::row_bytes(&ada));
    drop(raw);
    dir
}

fn refusals(outcomes: &[Outcome]) -> Vec<Option<Refusal>> {
    outcomes.iter().map(|outcome| outcome.refusal).collect()
}

#[test]
fn an_event_that_does_not_fold_is_set_aside_and_taken_once_that_is_mended() {
    const ASIDE: Option<Refusal> = Some(Refusal::EventQuarantined);
    let dir = damaged();
    let ledger = ledger::open(dir.path(), 1_000_000);
    let handle = ledger.handle();
    let batch = vec![
        check_in("b2", "bob"),
        check_in("c1", "cleo"),
        capture("a3"),
        check_in("a4", "ada"),
        check_in("d1", "dan"),
    ];
    let outcomes = say(&handle, batch);
    assert_eq!(refusals(&outcomes), [None, None, ASIDE, ASIDE, None], "nothing more of ada, everything of others");
    let positions: Vec<u64> = outcomes.iter().map(|outcome| outcome.position.0).collect();
    assert_eq!(positions, [5, 6, 7, 8, 9], "each has its record");
    assert_eq!(handle.health(), Health::Serving);
    assert_eq!(handle.stats().quarantined, 2);
    assert!(handle.quarantined().expect("it says why").contains("hold overdrawn"), "{:?}", handle.quarantined());
    let again = say(&handle, vec![capture("a3"), check_in("b2", "bob")]);
    let again: Vec<_> = again.iter().map(|outcome| (outcome.position.0, outcome.duplicate)).collect();
    assert_eq!(again, [(7, true), (5, true)], "the same is told as long as this version runs");
    let held = ledger::balances(&ledger::member(&handle, "ada").member).held;
    assert_eq!(held, Points(10), "nothing came of it");
    drop(handle);
    ledger.close().expect("the shard did not stop");

    // Mended: the rows are folded from the log, which is right.
    rebuild(dir.path()).expect("the log folds");
    let ledger = ledger::open(dir.path(), 1_000_000);
    let outcomes = say(&ledger.handle(), vec![capture("a3"), check_in("a4", "ada"), capture("a3")]);
    assert_eq!(refusals(&outcomes), [None; 3], "an id that was set aside is not used up");
    let (first, last) = (outcomes[0].position, &outcomes[2]);
    assert_eq!((last.position, last.duplicate), (first, true), "but now it is");
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

#[test]
fn a_timer_that_does_not_fold_holds_up_its_member_alone() {
    let dir = damaged();
    let now = Arc::new(AtomicI64::new(BEGIN.0));
    let clock = Arc::clone(&now);
    let options = Options { time: Time::Wall, secret: Some(SECRET), ..Options::default() };
    let ledger = Ledger::open(dir.path(), options, Arc::new(move || At(clock.load(Ordering::SeqCst))))
        .expect("the ledger opens");
    let handle = ledger.handle();
    say(&handle, vec![told("b2", "bob", Body::hold("h", Points(10)))]);
    // Both holds end after five hours, and bob's points die after twenty days.
    now.fetch_add(25 * DAY_MS, Ordering::SeqCst);
    let deadline = Instant::now() + Duration::from_secs(20);
    let expired = || ledger::balances(&ledger::member(&handle, "bob").member) == Default::default();
    let records = || handle.committed().0;
    while records() < 8 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(handle.health(), Health::Serving);
    assert!(expired(), "what is due of bob has happened: {} records", records());
    let outcomes = say(&handle, vec![check_in("a4", "ada"), check_in("b3", "bob")]);
    assert_eq!(refusals(&outcomes), [Some(Refusal::EventQuarantined), None]);
    ledger.close().expect("the shard did not stop");
}
