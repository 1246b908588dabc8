//! Benches: the measures that the goals are stated in. Run by `make bench`.

use ledger_core::event::{Body, Currency, Event, Line, Name};
use ledger_core::units::{At, Money};
use ledger_store::{Batch, Ledger, Options, Time};
use std::sync::Arc;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Random(u64);
impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let batch: usize = args.get(1).map_or(10_000, |a| a.parse().expect("n"));
    let total: usize = args.get(2).map_or(2_000_000, |a| a.parse().expect("n"));
    let members: u64 = args.get(3).map_or(1_000_000, |a| a.parse().expect("n"));
    let dir = std::env::temp_dir().join("ledger-bench");
    let _ = std::fs::remove_dir_all(&dir);
    let mut options = Options::default();
    options.time = Time::Events;
    let ledger = Ledger::open(&dir, options, Arc::new(|| At(4_000_000_000_000))).expect("open");
    let handle = ledger.handle();
    let text = std::fs::read_to_string("programs/community.toml").expect("program");
    let publish = Event { source: "bench".into(), id: "p".into(), occurred_at: At(1_767_225_600_000), member: Name::default(), keys: Default::default(), body: Body::ProgramPublished { text: text.into() } };
    handle.submit_and_wait(Batch { events: vec![publish], cursors: vec![] }).expect("publish");
    let mut random = Random(88172645463325252);
    let currency = Currency(*b"CNY");
    let event = |random: &mut Random, n: u64, member: u64| Event {
        source: format!("pos-{}", n % 50).into(),
        id: format!("{:016x}", random.next()).into(),
        occurred_at: At(1_767_225_600_000 + n as i64),
        member: format!("m{member:08}").into(),
        keys: Default::default(),
        body: Body::Purchase { order: format!("o{n}").into(), currency, lines: vec![Line { sku: "".into(), quantity: 1, net: Money((random.next() % 20_000) as i64) }] },
    };
    // Make all members known first.
    let start = Instant::now();
    let mut n = 0u64;
    while n < members {
        let events: Vec<_> = (0..10_000.min(members - n)).map(|k| event(&mut random, n + k, n + k)).collect();
        n += events.len() as u64;
        handle.submit_and_wait(Batch { events, cursors: vec![] }).expect("commit");
    }
    println!("load {members} members: {:.0} ev/s", members as f64 / start.elapsed().as_secs_f64());
    let mut batches: Vec<Vec<Event<Name>>> = Vec::new();
    for _ in 0..total / batch {
        batches.push((0..batch).map(|_| { n += 1; let m = random.next() % members; event(&mut random, n, m) }).collect());
    }
    let start = Instant::now();
    let (tell, told) = std::sync::mpsc::channel();
    let mut in_flight = 0;
    let mut commits = Vec::new();
    for events in batches {
        let tell = tell.clone();
        let sent = Instant::now();
        handle.submit(Batch { events, cursors: vec![] }, Box::new(move |r| { r.expect("commit"); let _ = tell.send(sent.elapsed()); })).expect("submit");
        in_flight += 1;
        if in_flight >= 3 { commits.push(told.recv().expect("told")); in_flight -= 1; }
    }
    while in_flight > 0 { commits.push(told.recv().expect("told")); in_flight -= 1; }
    let live = start.elapsed().as_secs_f64();
    let stats = handle.stats();
    ledger.close().expect("close");
    let settled = start.elapsed().as_secs_f64();
    commits.sort();
    println!("batch {batch}: {:.0} ev/s, settled {:.0} ev/s; p50 {:?} p99 {:?}; {stats:?}", total as f64 / live, total as f64 / settled, commits[commits.len() / 2], commits[commits.len() * 99 / 100]);
}
