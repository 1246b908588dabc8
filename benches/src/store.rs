//! The ledger without a network: judging in memory, commits by batch size, reads, opening, verifying.

use crate::proofs::proofs;
use crate::workload::{START, Workload, clock};
use crate::{Figures, Plan};
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::memory::Memory;
use ledger_core::units::{At, Points, Position};
use ledger_store::{AsOf, Batch, Handle, Jumps, Ledger, Options, Time};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Batches on their way at once: one judged, one committed, one waiting.
const IN_FLIGHT: usize = 3;

/// A directory that goes away.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("points-ledger-bench-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn open(dir: &Path) -> Ledger {
    open_with(dir, Options::default())
}

pub(crate) fn open_with(dir: &Path, options: Options) -> Ledger {
    // What is measured is history, whatever its gaps.
    let jumps = Jumps { believed: At(i64::MAX), ..Jumps::default() };
    let options = Options { time: Time::Events, jumps, queue_events_max: 1_000_000, ..options };
    Ledger::open(dir, options, clock()).expect("the ledger opens")
}

/// Judging, folding and encoding in memory, one thread, dedupe by a tree.
pub(crate) fn core(plan: &Plan, figures: &mut Figures) {
    let members = plan.members.min(100_000);
    let mut workload = Workload::new(members, 11);
    let mut memory = Memory::new();
    memory.submit(Workload::publish(), START).expect("publishes");
    let warm: Vec<_> = (0..members).map(|member| workload.purchase(member)).collect();
    let events = workload.batch(300_000);
    for event in warm {
        memory.submit(event, START).expect("folds");
    }
    let start = Instant::now();
    let count = events.len() as u64;
    for event in events {
        memory.submit(event, START).expect("folds");
    }
    figures.rate(format!("core: decide + fold + encode, {members} members"), count, start.elapsed());
}

pub(crate) fn store(plan: &Plan, wants: &dyn Fn(&str) -> bool, figures: &mut Figures) {
    let scratch = Scratch::new("store");
    let mut workload = Workload::new(plan.members, 7);
    load(&scratch.0, plan, &mut workload, figures);
    if wants("commit") {
        for (batch, events) in
            [(10_000, plan.events), (1_000, plan.events / 2), (100, plan.events / 20), (1, plan.events / 1_000)]
        {
            commit(&scratch.0, batch, events, &mut workload, figures);
        }
        singles(&scratch.0, plan, &mut workload, figures);
    }
    if wants("reads") {
        reads(&scratch.0, plan, &mut workload, figures);
    }
    if wants("proofs") {
        proofs(&scratch.0, plan, &mut workload, figures);
    }
    if wants("replay") {
        replay(&scratch.0, figures);
    }
}

/// Makes every member known, so that the measures find them all.
fn load(dir: &Path, plan: &Plan, workload: &mut Workload, figures: &mut Figures) {
    let ledger = open(dir);
    let handle = ledger.handle();
    submit(&handle, vec![Workload::publish()]);
    let start = Instant::now();
    let mut next = 0;
    pump(&handle, || {
        let batch: Vec<_> = (next..plan.members.min(next + 10_000)).map(|member| workload.purchase(member)).collect();
        next += batch.len() as u64;
        (!batch.is_empty()).then_some(batch)
    });
    figures.rate("commit: first purchase of every member, batch 10000", plan.members, start.elapsed());
    ledger.close().expect("closes");
}

/// Commits batches of one size; *settled* counts the snapshot at the end, too.
fn commit(dir: &Path, batch: usize, events: u64, workload: &mut Workload, figures: &mut Figures) {
    let opened = Instant::now();
    let ledger = open(dir);
    if batch == 10_000 {
        figures.add("open: all members, no tail", opened.elapsed().as_secs_f64() * 1e3, "ms");
    }
    let handle = ledger.handle();
    let before = handle.stats();
    // Events are made beforehand, as much as fits, so that the clock sees the ledger alone.
    let mut batches: Vec<_> = (0..events / batch as u64).map(|_| workload.batch(batch)).collect();
    let count = (batches.len() * batch) as u64;
    batches.reverse();
    let start = Instant::now();
    let times = pump(&handle, || batches.pop());
    let live = start.elapsed();
    // Settled: the snapshot at the end is written. The handle keeps what lies in memory until then, so
    // that handing a million members back to the allocator is not counted.
    ledger.close().expect("closes");
    let settled = start.elapsed();
    drop(handle);
    figures.rate(format!("commit: batch {batch}"), count, live);
    figures.rate(format!("commit: batch {batch}, settled"), count, settled);
    figures.latency(&format!("commit: batch {batch}, {IN_FLIGHT} in flight"), times);
    if batch == 10_000 {
        let ledger = open(dir);
        let after = ledger.handle().stats();
        ledger.close().expect("closes");
        let grown = after.disk_bytes.saturating_sub(before.disk_bytes) as f64;
        figures.add("disk: bytes per event, all families", grown / count as f64, "B");
    }
}

/// One event a commit by one caller, and by 64 callers whose events share flushes.
fn singles(dir: &Path, plan: &Plan, workload: &mut Workload, figures: &mut Figures) {
    let ledger = open(dir);
    let handle = ledger.handle();
    let mut times = Vec::new();
    let start = Instant::now();
    let count = plan.events / 2_000;
    for event in workload.batch(count as usize) {
        let sent = Instant::now();
        submit(&handle, vec![event]);
        times.push(sent.elapsed());
    }
    figures.rate("commit: single events, 1 caller", count, start.elapsed());
    figures.latency("commit: single events, 1 caller", times);
    let count = plan.events / 20;
    let mut events = workload.batch(count as usize);
    let share = events.len() / 64;
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..64 {
            let (handle, own) = (handle.clone(), events.split_off(events.len() - share));
            scope.spawn(move || own.into_iter().for_each(|event| submit(&handle, vec![event])));
        }
    });
    figures.rate("commit: single events, 64 callers", (share * 64) as u64, start.elapsed());
    ledger.close().expect("closes");
}

fn reads(dir: &Path, plan: &Plan, workload: &mut Workload, figures: &mut Figures) {
    let ledger = open(dir);
    let handle = ledger.handle();
    let names: Vec<String> = (0..200_000).map(|_| Workload::name(workload.random.below(plan.members))).collect();
    let start = Instant::now();
    for name in &names {
        let view = handle.member(name).wait().expect("reads").expect("a member");
        assert!(view.member.purses.first().lots.total() >= Points::ZERO);
    }
    figures.rate("read: a member with its lots, 1 thread", names.len() as u64, start.elapsed());
    // One member with a thousand records, spread over the log as real histories are.
    let rest = workload.batch(99_000);
    let mut rest = rest.chunks(99);
    let mut most: Vec<Event<Name>> = Vec::new();
    for _ in 0..1_000 {
        most.push(workload.purchase(0));
        most.extend_from_slice(rest.next().unwrap_or_default());
    }
    most.chunks(1_000).for_each(|batch| submit(&handle, batch.to_vec()));
    let name = Workload::name(0);
    timed("read: history page of 1000", figures, || {
        let page = handle.history(&name, Position(0), 1_000).expect("reads").expect("a member");
        assert_eq!(page.records.len(), 1_000);
    });
    timed("read: as-of, folding 1000 records", figures, || {
        let then = AsOf::Instant(At(4_000_000_000_000));
        assert!(handle.member_as_of(&name, then).expect("reads").is_some());
    });
    timed("redeem: 10000 lots in one event", figures, {
        let name = many_lots(&handle);
        let mut n = 0;
        move || {
            n += 1;
            let body = Body::redeem(Points(1_000_000));
            submit(&handle, vec![said(format!("all-{n}"), &format!("{name}-{n}"), body)]);
        }
    });
    ledger.close().expect("closes");
}

/// Five members with 10,000 lots of 100 points each.
fn many_lots(handle: &Handle) -> &'static str {
    for member in 1..=5 {
        let name = format!("lots-{member}");
        let credit = |n| {
            let body = Body::credit(Points(100), "bench");
            said(format!("credit-{member}-{n}"), &name, body)
        };
        submit(
            handle,
            vec![said(format!("enrol-{member}"), &name, Body::Enrolled(event::Enrolled { birthday: None }))],
        );
        submit(handle, (0..10_000).map(credit).collect());
    }
    "lots"
}

fn said(id: String, member: &str, body: Body<Name>) -> Event<Name> {
    Event {
        source: "bench-desk".into(),
        id: id.into(),
        occurred_at: START,
        member: member.into(),
        keys: Default::default(),
        origin: None,
        body,
    }
}

/// Opening after a crash, and verifying everything.
fn replay(dir: &Path, figures: &mut Figures) {
    let start = Instant::now();
    let report = ledger_store::verify(dir, &mut |_| {}).expect("verifies");
    assert!(report.agrees(), "{:?}", report.findings);
    figures.rate("replay: verify everything (hash, fold, compare)", report.records, start.elapsed());
    ledger_store::rebuild(dir).expect("rebuilds");
    let start = Instant::now();
    let ledger = open(dir);
    figures.rate("replay: refold from zero", report.records, start.elapsed());
    ledger.close().expect("closes");
}

fn timed(measure: &str, figures: &mut Figures, mut run: impl FnMut()) {
    let times = (0..5).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    figures.add(measure, times[2].as_secs_f64() * 1e3, "ms");
}

pub(crate) fn submit(handle: &Handle, events: Vec<Event<Name>>) {
    let outcomes = handle.submit_and_wait(Batch { events, cursors: Vec::new() }).expect("commits");
    if let Some(refused) = outcomes.iter().find(|outcome| outcome.refusal.is_some()) {
        panic!("refused: {:?}", refused.refusal);
    }
}

/// Keeps a few batches on their way; answers how long each took.
pub(crate) fn pump(handle: &Handle, mut next: impl FnMut() -> Option<Vec<Event<Name>>>) -> Vec<Duration> {
    let (tell, told) = channel();
    let (mut in_flight, mut times) = (0, Vec::new());
    while let Some(events) = next() {
        if in_flight == IN_FLIGHT {
            times.push(told.recv().expect("the ledger answers"));
            in_flight -= 1;
        }
        let (tell, sent) = (tell.clone(), Instant::now());
        let done = Box::new(move |outcomes: Result<Vec<_>, _>| {
            outcomes.expect("commits");
            let _ = tell.send(sent.elapsed());
        });
        handle.submit(Batch { events, cursors: Vec::new() }, done).expect("there is room");
        in_flight += 1;
    }
    times.extend((0..in_flight).map(|_| told.recv().expect("the ledger answers")));
    times
}
