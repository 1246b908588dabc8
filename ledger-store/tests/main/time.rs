//! Time: what moves it, that it never goes back, and that what is due happens with nobody saying so.

use crate::ledger::{self, SECRET, directory, member, say};
use crate::said::{BEGIN, HARBOUR, event, publish, purchase};
use ledger_core::account::Account;
use ledger_core::event::{self, Body, Event, ItemRequest, Name};
use ledger_core::record::{Cause, Timer};
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, DAY_MS, Points, Position};
use ledger_store::{AsOf, Batch, CommitError, Cursor, Handle, Jump, Jumps, Ledger, Options, Steady, Time};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

/// A ledger and the hand of its clock.
fn with_a_clock(dir: &Path, time: Time, snapshot_records: u64) -> (Ledger, Arc<AtomicI64>) {
    let adjustment = Arc::new(AtomicI64::new(BEGIN.0));
    let told = adjustment.clone();
    let options = Options { time, secret: Some(SECRET), snapshot_records, ..Options::default() };
    let clock = move || At(told.load(Ordering::SeqCst));
    (Ledger::open(dir, options, Arc::new(clock)).expect("it opens"), adjustment)
}

/// A ledger on wall time, the hand of its clock, and that of a clock that nobody can set.
fn with_two_clocks(dir: &Path, begin: i64, jumps: Jumps) -> (Ledger, Arc<AtomicI64>, Arc<AtomicU64>) {
    let (adjustment, passed) = (Arc::new(AtomicI64::new(begin)), Arc::new(AtomicU64::new(0)));
    let (told, told_passed) = (adjustment.clone(), passed.clone());
    let steady = Steady(Arc::new(move || Duration::from_millis(told_passed.load(Ordering::SeqCst))));
    let options = Options { secret: Some(SECRET), jumps, steady: Some(steady), ..Options::default() };
    let clock = move || At(told.load(Ordering::SeqCst));
    (Ledger::open(dir, options, Arc::new(clock)).expect("it opens"), adjustment, passed)
}

fn check_in(id: &str, at: At) -> Event<Name> {
    event("till", id, at, "m1", Body::CheckIn(event::CheckIn))
}

/// Waits until the ledger had the time to do what is due by itself.
fn a_while() {
    std::thread::sleep(Duration::from_millis(2_500));
}

/// A ledger with points that die after twenty days.
fn with_points(dir: &Path) {
    let (ledger, ..) = with_two_clocks(dir, BEGIN.0, Jumps::default());
    say(&ledger.handle(), vec![publish(HARBOUR, BEGIN), event("till", "e-1", BEGIN, "m1", purchase("o-1", 10_00))]);
    ledger.close().expect("nothing failed");
}

#[test]
fn a_clock_years_ahead_at_the_start_expires_nothing_until_a_person_says_that_it_is_right() {
    let dir = directory();
    with_points(dir.path());
    let wrong = days(3 * 365);
    let (ledger, adjustment, passed) = with_two_clocks(dir.path(), wrong, Jumps::default());
    let handle = ledger.handle();
    a_while();
    assert_eq!(handle.jump(), Some(Jump { from: BEGIN, to: At(wrong) }));
    assert_eq!((handle.committed(), expired(&handle)), (Position(2), 0), "nothing happened by itself");
    assert_eq!(ledger::balances(&member(&handle, "m1").member).available, Points(20), "nor for whoever reads");
    // What is said of a time that is known is taken, at that time; what is said of the time in question is not.
    passed.store(60_000, Ordering::SeqCst);
    let taken = say(&handle, vec![check_in("e-2", At(BEGIN.0 + 1_000))]);
    assert_eq!((taken[0].at, taken[0].refusal), (At(BEGIN.0 + 60_000), None));
    let batch = Batch { events: vec![check_in("e-3", BEGIN), check_in("e-4", At(wrong))], cursors: Vec::new() };
    let jump = Jump { from: At(BEGIN.0 + 60_000), to: At(wrong) };
    assert_eq!(handle.submit_and_wait(batch), Err(CommitError::Clock { event: 1, jump }));
    assert_eq!((handle.committed(), handle.stats().questioned), (Position(3), 1), "nothing of it happened");
    // Put right, it is believed again.
    adjustment.store(days(1), Ordering::SeqCst);
    assert_eq!(handle.jump(), None);
    assert_eq!(say(&handle, vec![check_in("e-5", At(days(1)))])[0].at, At(days(1)));
    drop((handle, ledger));
    // And if it was right after all, a person says so.
    let jumps = Jumps { believed: At(wrong), ..Jumps::default() };
    let (ledger, ..) = with_two_clocks(dir.path(), wrong, jumps);
    let handle = ledger.handle();
    a_while();
    assert_eq!(handle.jump(), None);
    assert!(expired(&handle) >= 20, "everything that was due has happened");
    assert_eq!(say(&handle, vec![check_in("e-6", At(wrong))])[0].at, At(wrong));
    drop((handle, ledger));
    ledger::verified(dir.path());
}

#[test]
fn a_clock_that_jumps_while_the_ledger_runs_is_not_acted_on_and_time_goes_on_by_the_steady_one() {
    const HOUR: i64 = DAY_MS / 24;
    let dir = directory();
    with_points(dir.path());
    let (ledger, adjustment, passed) = with_two_clocks(dir.path(), days(6), Jumps::default());
    let handle = ledger.handle();
    assert_eq!(handle.jump(), None, "six days off is no jump");
    assert_eq!(say(&handle, vec![check_in("e-2", At(days(6)))])[0].at, At(days(6)));
    adjustment.store(days(6) + HOUR, Ordering::SeqCst);
    assert_eq!(handle.jump(), None, "nor is an hour");
    adjustment.store(days(6) + HOUR + 1_000, Ordering::SeqCst);
    assert_eq!(handle.jump(), Some(Jump { from: At(days(6)), to: At(days(6) + HOUR + 1_000) }));
    adjustment.store(days(30), Ordering::SeqCst);
    passed.store(5_000, Ordering::SeqCst);
    a_while();
    assert_eq!(expired(&handle), 0);
    assert_eq!(say(&handle, vec![check_in("e-3", At(days(6)))])[0].at, At(days(6) + 5_000));
    // Years of steady time are no jump.
    passed.store(u64::try_from(24 * DAY_MS).expect("a span"), Ordering::SeqCst);
    assert_eq!(handle.jump(), None);
    assert_eq!(say(&handle, vec![check_in("e-4", At(days(30)))])[0].at, At(days(30)));
    assert!(expired(&handle) >= 20, "what was due before it happened before it");
    drop((handle, ledger));
    ledger::verified(dir.path());
}

#[test]
fn on_the_events_time_one_wrong_year_moves_nobody_until_a_person_says_so() {
    let dir = directory();
    let jumps = |believed| Jumps { believed, ..Jumps::default() };
    let open = |believed| {
        let options =
            Options { time: Time::Events, secret: Some(SECRET), jumps: jumps(believed), ..Options::default() };
        Ledger::open(dir.path(), options, Arc::new(|| At(days(20_000)))).expect("it opens")
    };
    let ledger = open(At(0));
    let handle = ledger.handle();
    let row = |n: u64, day: i64| check_in(&format!("r-{n}"), At(days(day)));
    let batch =
        |events: Vec<Event<Name>>, next| Batch { events, cursors: vec![Cursor { source: "file".into(), next }] };
    // A program of long ago, and the first row: there is nothing to be harmed before it.
    let first = vec![publish(HARBOUR, At(0)), row(0, 0), row(1, 30), row(2, 61)];
    let answers = handle.submit_and_wait(batch(first, 4)).expect("taken");
    assert_eq!(answers.iter().map(|one| one.at).max(), Some(At(days(61))), "a month of silence is no jump");
    let wrong = batch(vec![row(3, 62), row(4, 2_400), row(5, 63)], 7);
    let jump = Jump { from: At(days(62)), to: At(days(2_400)) };
    assert_eq!(handle.submit_and_wait(wrong), Err(CommitError::Clock { event: 1, jump }));
    assert_eq!((handle.time(), handle.jump()), (At(days(61)), Some(jump)), "nothing of it happened, and it is told");
    // What was queued behind it of the same source would move its cursor past it.
    let behind = batch(vec![row(6, 64)], 8);
    assert!(matches!(handle.submit_and_wait(behind), Err(CommitError::Clock { .. })));
    assert_eq!(handle.cursor("file").expect("readable"), Some(4));
    // Others go on.
    assert_eq!(say(&handle, vec![check_in("o-1", At(days(62)))])[0].at, At(days(62)));
    assert_eq!(handle.jump(), None);
    drop((handle, ledger));
    let ledger = open(At(days(2_400)));
    let answers = ledger.handle().submit_and_wait(batch(vec![row(3, 62), row(4, 2_400), row(5, 2_401)], 7));
    assert_eq!(answers.expect("a person said so").iter().map(|one| one.at).max(), Some(At(days(2_401))));
    drop(ledger);
    ledger::verified(dir.path());
}

fn days(n: i64) -> i64 {
    BEGIN.0 + n * DAY_MS
}

fn expired(handle: &Handle) -> i64 {
    let totals = handle.totals().wait().expect("the shard works");
    totals.shared.wallets.first().map_or(0, |points| points.accounts[Account::Expired.kind()])
}

#[test]
fn on_wall_time_what_is_due_is_read_at_once_and_recorded_with_nobody_saying_so() {
    let dir = directory();
    let (ledger, adjustment) = with_a_clock(dir.path(), Time::Wall, 1_000);
    let handle = ledger.handle();
    say(&handle, vec![publish(HARBOUR, BEGIN), event("till", "e-1", BEGIN, "m1", purchase("o-1", 10_00))]);
    let (tell, told) = channel();
    handle.on_commit(Box::new(move |position| {
        let _ = tell.send(position);
    }));
    assert_eq!(ledger::balances(&member(&handle, "m1").member).available, Points(20));
    adjustment.store(days(21), Ordering::SeqCst);
    // The lot is gone for readers from the instant on; a point for waking up came on the way.
    let view = member(&handle, "m1");
    assert_eq!((view.at, ledger::balances(&view.member).available), (At(days(21)), Points(15)));
    // And soon for the log.
    while expired(&handle) == 0 {
        told.recv().expect("the ledger looks for what is due by itself");
    }
    assert_eq!(expired(&handle), 20);
    let log = ledger::log_from(&handle, Position(3));
    let timers: Vec<(Timer, At, At)> = log
        .iter()
        .map(|(_, record)| match record.cause() {
            Cause::Timer { timer, due, .. } => (timer, due, record.at),
            Cause::Event(_) | Cause::HeldBack => panic!("nobody said anything"),
        })
        .collect();
    assert!(timers.is_sorted_by_key(|(_, due, _)| *due), "{timers:?}");
    assert!(timers.iter().all(|(_, due, at)| due <= at && *at == At(days(21))), "{timers:?}");
    let recorded = member(&handle, "m1").member;
    assert_eq!(ledger::balances(&recorded), ledger::balances(&view.member), "what was read is what came");
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

#[test]
fn a_clock_that_goes_back_does_not_take_time_with_it() {
    let dir = directory();
    let (ledger, adjustment) = with_a_clock(dir.path(), Time::Wall, 1_000);
    let handle = ledger.handle();
    adjustment.store(days(2), Ordering::SeqCst);
    say(&handle, vec![publish(HARBOUR, BEGIN)]);
    for (n, day) in [1, -400, 2, 0].into_iter().enumerate() {
        adjustment.store(days(day), Ordering::SeqCst);
        let outcomes = say(&handle, vec![event("till", &format!("e-{n}"), BEGIN, "m1", Body::CheckIn(event::CheckIn))]);
        assert_eq!(outcomes[0].at, At(days(2)));
        assert_eq!(handle.time(), At(days(2)));
    }
    drop((handle, ledger));
    // Nor does one that is behind at the next start.
    let (ledger, _) = with_a_clock(dir.path(), Time::Wall, 1_000);
    assert_eq!(ledger.handle().time(), At(days(2)));
    assert_eq!(
        say(&ledger.handle(), vec![event("till", "e-9", BEGIN, "m1", Body::CheckIn(event::CheckIn))])[0].at,
        At(days(2))
    );
    drop(ledger);
    ledger::verified(dir.path());
}

#[test]
fn on_the_events_time_no_event_is_ahead_of_the_clock() {
    let dir = directory();
    let (ledger, adjustment) = with_a_clock(dir.path(), Time::Events, 1_000);
    let handle = ledger.handle();
    adjustment.store(days(10), Ordering::SeqCst);
    say(&handle, vec![publish(HARBOUR, BEGIN)]);
    let at = |id: &str, day: i64| {
        say(&handle, vec![event("till", id, At(days(day)), "m1", Body::CheckIn(event::CheckIn))])[0].at
    };
    assert_eq!(at("e-1", 3), At(days(3)));
    assert_eq!(at("e-2", 2), At(days(3)), "never back");
    assert_eq!(at("e-3", 20), At(days(10)), "never ahead of the clock");
    assert_eq!(handle.time(), At(days(10)));
    drop((handle, ledger));
    ledger::verified(dir.path());
}

#[test]
fn what_happens_by_itself_counts_towards_the_next_snapshot() {
    const MEMBERS: u64 = 3_000;
    let dir = directory();
    let (ledger, _) = with_a_clock(dir.path(), Time::Simulated, 1_000);
    let handle = ledger.handle();
    say(&handle, vec![publish(HARBOUR, BEGIN)]);
    let buy = |n: u64| event("till", &format!("e-{n}"), BEGIN, &format!("m{n}"), purchase(&format!("o-{n}"), 10_00));
    say(&handle, (0..MEMBERS).map(buy).collect());
    // Months in which nothing happens but timers, in steps that are small each.
    for day in 1..40 {
        let body = Body::Tick(event::Tick { up_to: At(days(day)) });
        say(&handle, vec![event("office", &format!("t-{day}"), At(days(day)), "", body)]);
    }
    let committed = handle.committed();
    assert!(committed.0 > 3 * MEMBERS, "timers made records: {committed}");
    // The next batch finds the snapshot written, or waits for it.
    for n in 0..4 {
        let body = Body::Tick(event::Tick { up_to: At(days(40)) });
        say(&handle, vec![event("office", &format!("u-{n}"), At(days(40)), "", body)]);
    }
    let snapshot = handle.stats().snapshot;
    assert!(snapshot.0 > MEMBERS + 1, "the last snapshot is at {snapshot}, the log at {committed}");
    let then = handle.member_as_of("m0", AsOf::Instant(At(days(19)))).expect("readable").expect("a member");
    assert!(ledger::balances(&then.member).available >= Points(20));
    drop((handle, ledger));
    ledger::verified(dir.path());
}

#[test]
fn a_hold_that_is_over_lets_its_piece_go_at_once_even_after_a_restart() {
    const PROGRAM: &str = "id = \"shop\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n\
        hold_ttl = \"24h\"\n[[item]]\nid = \"cup\"\npoints = 10\nstock = 1\n";
    let dir = directory();
    let cup = || Some(Box::new(ItemRequest { item: "cup".into(), pieces: 1 }));
    let (wallet, points, order, total) = (|| "".into(), Points(10), || "".into(), None);
    let redeem = || Body::Redeem(event::Redeem { wallet: wallet(), points, order: order(), total, item: cup() });
    {
        let (ledger, _) = with_a_clock(dir.path(), Time::Simulated, 1_000);
        let hold = Body::Hold(event::Hold {
            hold: "h".into(),
            wallet: wallet(),
            points,
            ttl_ms: None,
            order: order(),
            total,
            item: cup(),
        });
        let handle = ledger.handle();
        let said = |id: &str, name: &str, body| event("till", id, BEGIN, name, body);
        let mut events = vec![publish(PROGRAM, BEGIN)];
        for name in ["m1", "m2"] {
            events.push(said(&format!("{name}-1"), name, Body::Enrolled(event::Enrolled { birthday: None })));
            events.push(said(&format!("{name}-2"), name, Body::credit(Points(10), "a gift")));
        }
        events.extend([said("h", "m1", hold), said("r", "m2", redeem())]);
        let refusals: Vec<_> = say(&handle, events).into_iter().map(|outcome| outcome.refusal).collect();
        let (last, others) = refusals.split_last().expect("outcomes");
        assert!(others.iter().all(Option::is_none), "{others:?}");
        assert_eq!(*last, Some(Refusal::ItemSoldOut));
        drop(handle);
        // What is closed has a snapshot: the hold comes back from its row.
        ledger.close().expect("nothing failed");
    }
    let (ledger, _) = with_a_clock(dir.path(), Time::Simulated, 1_000);
    let handle = ledger.handle();
    let at = |day: i64, id: &str| event("till", id, At(days(day)), "m2", redeem());
    assert_eq!(say(&handle, vec![at(0, "r-0")])[0].refusal, Some(Refusal::ItemSoldOut));
    assert_eq!(say(&handle, vec![at(1, "r-1")])[0].refusal, None);
    assert_eq!(handle.totals().wait().expect("readable").tallies[0].figure("taken"), Some(1));
    drop((handle, ledger));
    ledger::verified(dir.path());
}
