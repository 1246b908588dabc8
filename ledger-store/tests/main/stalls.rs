//! Stalls: whatever one caller asks that is legal, the others are answered meanwhile.

use crate::ledger::{self, SECRET, directory};
use crate::said::{BEGIN, HARBOUR, event, publish, purchase};
use ledger_core::account::Account;
use ledger_core::event::{self, Body, PROGRAM_BYTES_MAX};
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, DAY_MS};
use ledger_store::{AsOf, Batch, Handle, Ledger, Moment, Options, ReadError, Time};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that somebody waited for a read, and for a write, while `busy` ran.
fn waits(handle: &Handle, busy: impl FnOnce() + Send) -> (Duration, Duration) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let longest = |ask: &dyn Fn(u64)| {
            let mut longest = Duration::ZERO;
            let mut n = 0;
            while !done.load(Ordering::Acquire) {
                let began = Instant::now();
                ask(n);
                longest = longest.max(began.elapsed());
                n += 1;
                std::thread::sleep(Duration::from_millis(1));
            }
            longest
        };
        let reads = scope.spawn(move || longest(&|_| drop(handle.member("ada").wait().expect("the shard works"))));
        let writes = scope.spawn(move || {
            longest(&|n| {
                let event = event("other", &format!("{n}"), BEGIN, "ada", Body::CheckIn(event::CheckIn));
                ledger::say(handle, vec![event]);
            })
        });
        busy();
        done.store(true, Ordering::Release);
        (reads.join().expect("reads go on"), writes.join().expect("writes go on"))
    })
}

/// A ledger with a card that everybody buys with who has none: so many purchases, and so many lots.
fn walk_in(purchases: u64) -> (TempDir, Ledger) {
    let dir = directory();
    let ledger = ledger::open(dir.path(), 1_000_000);
    let handle = ledger.handle();
    ledger::say(&handle, vec![publish(HARBOUR, BEGIN)]);
    for first in (0..purchases).step_by(1_000) {
        let buy =
            |n: u64| event("till", &format!("{n}"), At(BEGIN.0 + n as i64), "walk-in", purchase(&format!("{n}"), 100));
        let outcomes = ledger::say(&handle, (first..purchases.min(first + 1_000)).map(buy).collect());
        assert!(outcomes.iter().all(|outcome| outcome.refusal.is_none()), "{:?}", outcomes[0].refusal);
    }
    (dir, ledger)
}

#[test]
fn a_member_with_a_hundred_thousand_purchases_is_read_without_a_stall() {
    let began = Instant::now();
    let (_dir, ledger) = walk_in(99_000);
    let handle = ledger.handle();
    let bought = began.elapsed();
    let lots = |moment: &mut Moment<'_>| moment.look("walk-in", |_, look| look.member.purses.first().lots_len());
    let mut took = Duration::ZERO;
    let (read, written) = waits(&handle, || {
        let began = Instant::now();
        let seen = handle.ask(|moment| (0..1_000).map(|_| lots(moment)).collect::<Vec<_>>()).wait();
        assert_eq!(seen.expect("the shard works"), vec![Some(99_000); 1_000]);
        took = began.elapsed();
    });
    let began = Instant::now();
    let last = handle.committed();
    let then = handle.member_as_of("walk-in", AsOf::Position(last)).expect("readable").expect("it was there");
    let as_of = began.elapsed();
    assert_eq!(then.member.purses.first().lots_len(), 99_000);
    eprintln!("99,000 purchases in {bought:?}; 1,000 looks in {took:?}, as of: {as_of:?}; waits {read:?} {written:?}");
    let most = Duration::from_secs(1);
    assert!(took < most && read < most && written < most, "looks {took:?}, a read {read:?}, a write {written:?}");
    // It was 12 seconds while each step was copied.
    assert!(as_of < Duration::from_secs(5), "{as_of:?}");
    // Whose caller has gone is not read on.
    let abandoned = Arc::new(AtomicBool::new(true));
    let cut = handle.unless(abandoned).member_as_of("walk-in", AsOf::Position(last));
    assert_eq!(cut.map(|_| ()), Err(ReadError::Abandoned));
    drop(handle);
    ledger.close().expect("nothing failed");
}

#[test]
fn points_of_everybody_that_die_at_one_instant_keep_nobody_waiting() {
    const MEMBERS: u64 = 100_000;
    let dir = directory();
    let now = Arc::new(AtomicI64::new(BEGIN.0));
    let clock = Arc::clone(&now);
    let options = Options { time: Time::Wall, secret: Some(SECRET), ..Options::default() };
    let ledger = Ledger::open(dir.path(), options, Arc::new(move || At(clock.load(Ordering::SeqCst))));
    let ledger = ledger.expect("the ledger opens");
    let handle = ledger.handle();
    ledger::say(&handle, vec![publish(HARBOUR, BEGIN)]);
    let buy = |n: u64| event("till", &format!("{n}"), BEGIN, &format!("m{n}"), purchase("o", 100));
    for first in (0..MEMBERS).step_by(1_000) {
        ledger::say(&handle, (first..first + 1_000).map(buy).collect());
    }
    ledger::say(&handle, vec![event("till", "ada", BEGIN, "ada", purchase("o", 100))]);
    let accounts = || handle.totals().wait().expect("the shard works").shared.wallets[0].accounts;
    let left = || accounts()[Account::Available.kind()];
    let mut took = Duration::ZERO;
    let (read, written) = waits(&handle, || {
        let began = Instant::now();
        now.fetch_add(25 * DAY_MS, Ordering::SeqCst);
        while left() > 10_000 && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(20));
        }
        took = began.elapsed();
    });
    eprintln!("the points of {MEMBERS} members died in {took:?}; a read waited {read:?}, a write {written:?}");
    assert!(accounts()[Account::Expired.kind()] >= 2 * MEMBERS as i64, "all of them died");
    let most = Duration::from_millis(500);
    assert!(read < most && written < 2 * most, "a read waited {read:?}, a write {written:?}, of {took:?}");
    drop(handle);
    ledger.close().expect("nothing failed");
}

#[test]
fn programs_of_the_largest_size_keep_nobody_waiting() {
    let dir = directory();
    let ledger = ledger::open(dir.path(), 1_000_000);
    let handle = ledger.handle();
    ledger::say(&handle, vec![publish(HARBOUR, BEGIN)]);
    let bad = "=\n".repeat(PROGRAM_BYTES_MAX / 2);
    let good = format!("{HARBOUR}\n{}", "#\n".repeat((PROGRAM_BYTES_MAX - HARBOUR.len()) / 2 - 1));
    let texts = |text: &str, count: usize| {
        let said = |n| event("owner", &format!("{} {n}", text.len()), BEGIN, "", publish(text, BEGIN).body);
        Batch { events: (0..count).map(said).collect(), cursors: Vec::new() }
    };
    let mut took = Duration::ZERO;
    let (read, written) = waits(&handle, || {
        let began = Instant::now();
        let refused = handle.submit_and_wait(texts(&bad, 14)).expect("the shard works");
        assert!(refused.iter().all(|outcome| outcome.refusal == Some(Refusal::ProgramInvalid)));
        let accepted = handle.submit_and_wait(texts(&good, 14)).expect("the shard works");
        assert!(accepted.iter().all(|outcome| outcome.refusal.is_none()));
        took = began.elapsed();
    });
    eprintln!("28 programs took {took:?}; the longest read waited {read:?}, the longest write {written:?}");
    let most = Duration::from_secs(1);
    assert!(read < most && written < most, "a read waited {read:?}, a write {written:?}, of {took:?}");
    ledger.close().expect("nothing failed");
}
