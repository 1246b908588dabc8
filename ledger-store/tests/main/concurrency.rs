//! Many at once: spenders, readers and writers on one ledger, and what each of them may count on.

use crate::ledger::{self, directory, far_future, member, open, say, simulated};
use crate::said::{BEGIN, HARBOUR, Random, Stream, event, publish};
use ledger_core::event::{self, Body, Event, ItemRequest, Name};
use ledger_core::member::Member;
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, Points, Position};
use ledger_store::{AsOf, Batch, Handle, Ledger, MemberView, Options, SubmitError};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

fn credit(id: &str, name: &str, points: i64) -> Event<Name> {
    event("office", id, BEGIN, name, Body::credit(Points(points), "a gift"))
}

fn enrol(name: &str) -> Event<Name> {
    event("office", &format!("enrol-{name}"), BEGIN, name, Body::Enrolled(event::Enrolled { birthday: None }))
}

const THREADS: usize = 20;

/// As many threads say something at one time; how each was refused, if it was.
fn at_once(handle: &Handle, says: impl Fn(usize) -> Event<Name> + Sync) -> Vec<Option<Refusal>> {
    let barrier = Barrier::new(THREADS);
    let say_one = |thread: usize| {
        let said = says(thread);
        barrier.wait();
        say(handle, vec![said]).pop().expect("an outcome").refusal
    };
    std::thread::scope(|scope| {
        let say_one = &say_one;
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || say_one(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

#[test]
fn of_twenty_who_redeem_a_hundred_from_a_hundred_one_succeeds() {
    let dir = directory();
    let ledger = open(dir.path(), 1_000);
    let handle = ledger.handle();
    say(&handle, vec![publish(HARBOUR, BEGIN)]);
    for round in 0..20 {
        let name = format!("m{round}");
        say(&handle, vec![enrol(&name), credit(&format!("gift-{round}"), &name, 100)]);
        let refusals = at_once(&handle, |thread| {
            event("till", &format!("r-{round}-{thread}"), BEGIN, &name, Body::redeem(Points(100)))
        });
        assert_eq!(refusals.iter().filter(|refusal| refusal.is_none()).count(), 1, "{refusals:?}");
        let others = refusals.iter().flatten().all(|refusal| *refusal == Refusal::NotEnoughPoints);
        assert!(others, "{refusals:?}");
        assert_eq!(ledger::balances(&member(&handle, &name).member).available, Points(0));
    }
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

#[test]
fn of_twenty_who_want_the_last_piece_one_gets_it() {
    let dir = directory();
    let ledger = open(dir.path(), 1_000);
    let handle = ledger.handle();
    let program = "id = \"shop\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n\
        [[item]]\nid = \"cup\"\npoints = 100\nstock = 1\nrestock = true\n";
    say(&handle, vec![publish(program, BEGIN)]);
    say(&handle, (0..THREADS).map(|thread| enrol(&format!("m{thread}"))).collect());
    let taken = || handle.totals().wait().expect("readable").tallies[0].figure("taken").expect("an item");
    for round in 0..20 {
        let paid = |thread| credit(&format!("gift-{round}-{thread}"), &format!("m{thread}"), 100);
        say(&handle, (0..THREADS).map(paid).collect());
        // Half of them buy it, the others have it put aside.
        let refusals = at_once(&handle, |thread| {
            let item = Some(Box::new(ItemRequest { item: "cup".into(), pieces: 1 }));
            let (wallet, points, order) = ("".into(), Points(100), "".into());
            let body = if thread.is_multiple_of(2) {
                Body::Redeem(event::Redeem { wallet, points, order, total: None, item })
            } else {
                let hold = format!("h-{round}").into();
                Body::Hold(event::Hold { hold, wallet, points, ttl_ms: None, order, total: None, item })
            };
            event("till", &format!("i-{round}-{thread}"), BEGIN, &format!("m{thread}"), body)
        });
        let winners: Vec<usize> = (0..THREADS).filter(|thread| refusals[*thread].is_none()).collect();
        assert_eq!(winners.len(), 1, "{refusals:?}");
        assert!(refusals.iter().flatten().all(|refusal| *refusal == Refusal::ItemSoldOut), "{refusals:?}");
        assert_eq!(taken(), 1);
        // For the next round it comes back: given back whole, or let go.
        let winner = format!("m{}", winners[0]);
        let back = if winners[0].is_multiple_of(2) {
            let redemption = member(&handle, &winner).member.redemptions.last().expect("it bought").position;
            Body::RedeemRefunded(event::RedeemRefunded { redemption: redemption.into(), points: None })
        } else {
            Body::Void(event::Void { hold: format!("h-{round}").into() })
        };
        say(&handle, vec![event("till", &format!("b-{round}"), BEGIN, &winner, back)]);
        assert_eq!(taken(), 0);
    }
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

#[test]
fn of_twenty_gifts_of_a_hundred_from_a_hundred_one_succeeds() {
    let dir = directory();
    let ledger = open(dir.path(), 1_000);
    let handle = ledger.handle();
    let program = format!("{HARBOUR}\n[transfer]\n");
    say(&handle, vec![publish(&program, BEGIN), enrol("giver"), credit("gift", "giver", 100)]);
    say(&handle, (0..THREADS).map(|thread| enrol(&format!("m{thread}"))).collect());
    let refusals = at_once(&handle, |thread| {
        let (to, wallet, note) = (format!("m{thread}").into(), "".into(), "".into());
        let body = Body::Transfer(event::Transfer { to, wallet, points: Points(100), note });
        event("app", &format!("g-{thread}"), BEGIN, "giver", body)
    });
    let given: Vec<usize> = (0..THREADS).filter(|thread| refusals[*thread].is_none()).collect();
    assert_eq!(given.len(), 1, "{refusals:?}");
    assert!(refusals.iter().flatten().all(|refusal| *refusal == Refusal::NotEnoughPoints), "{refusals:?}");
    assert_eq!(ledger::balances(&member(&handle, "giver").member).available, Points(0));
    for thread in 0..THREADS {
        let available = ledger::balances(&member(&handle, &format!("m{thread}")).member).available;
        assert_eq!(available, Points(if given.contains(&thread) { 100 } else { 0 }), "m{thread}");
    }
    let history = |name: &str| handle.history(name, Position(0), 100).expect("readable").expect("a member").records;
    let (gives, gets) = (history("giver"), history(&format!("m{}", given[0])));
    assert_eq!(gives.len(), 2 + THREADS, "enrolled, credited, and every wish");
    let gifts: Vec<_> = gives.iter().filter(|step| gets.contains(step)).collect();
    assert_eq!((gets.len(), gifts.len()), (2, 1), "the record of a gift is in the histories of both");
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

/// What holds for any member at any instant.
fn assert_adds_up(member: &Member) {
    let balances = ledger::balances(member);
    for lots in member.purses.iter().flat_map(|purse| [&purse.lots, purse.review(), purse.pending()]) {
        assert!(lots.iter().all(|lot| lot.left > Points::ZERO));
        assert_eq!(lots.iter().map(|lot| lot.left.0).sum::<i64>(), lots.total().0, "lots add up");
    }
    let held: i64 = member.holds.iter().flat_map(|hold| &hold.slices).map(|slice| slice.left.0).sum();
    assert_eq!(balances.held.0, held, "holds add up");
    assert!(balances.available >= Points::ZERO && balances.debt >= Points::ZERO);
}

#[test]
fn readers_see_what_is_durable_and_adds_up_while_others_write() {
    let (mut random, seed) = Random::seeded();
    let stream = Stream { seed, members: 60, step_ms: 60_000 };
    let dir = directory();
    let ledger = open(dir.path(), 2_000);
    let handle = ledger.handle();
    say(&handle, vec![stream.program()]);
    let done = AtomicBool::new(false);
    let views = Mutex::new(Vec::new());
    let reads = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|reader| {
                let (handle, done, views) = (&handle, &done, &views);
                scope.spawn(move || read_on(handle, &stream, Random::new(seed + reader), done, views))
            })
            .collect();
        let mut next = 0;
        while next < 12_000 {
            let end = next + 1 + random.below(60);
            say(&handle, stream.events(next..end));
            next = end;
        }
        done.store(true, Ordering::SeqCst);
        readers.into_iter().map(|reader| reader.join().expect("no reader failed")).sum::<u64>()
    });
    // What readers saw at a position is what the log says of that position.
    let views = views.into_inner().expect("no reader failed");
    assert!(views.len() > 50, "readers saw something: {}", views.len());
    let mut compared = 0;
    for seen in views.iter().step_by(1 + views.len() / 500) {
        let then = handle.member_as_of(&seen.name, AsOf::Position(seen.position));
        let then = then.expect("readable").expect("it was a member");
        // Where something was due, what was seen is ahead of the record.
        if then.member.next_due.at > seen.at {
            assert_eq!(then.member, seen.member, "at {}", seen.position);
            compared += 1;
        }
    }
    println!("{reads} reads, {compared} compared with the log");
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

fn read_on(
    handle: &Handle,
    stream: &Stream,
    mut random: Random,
    done: &AtomicBool,
    views: &Mutex<Vec<MemberView>>,
) -> u64 {
    let (mut reads, mut last) = (0, Position(0));
    let mut latest: BTreeMap<Name, (Position, u64)> = BTreeMap::new();
    while !done.load(Ordering::SeqCst) {
        reads += 1;
        let names: Vec<Name> = (0..4).map(|_| stream.name(random.below(stream.members)).into()).collect();
        let seen = match random.below(3) {
            0 => handle.members(&names).wait().expect("the shard works"),
            _ => vec![handle.member(&names[0]).wait().expect("the shard works")],
        };
        let committed = handle.committed();
        let seen: Vec<MemberView> = seen.into_iter().flatten().collect();
        for view in &seen {
            assert!(view.position <= committed, "{} is not durable at {committed}", view.position);
            assert!(view.member.position <= view.position, "the row is not newer than its position");
            assert_eq!(view.position, seen[0].position, "all from one position");
            assert_adds_up(&view.member);
            let before = latest.insert(view.name.clone(), (view.member.position, view.member.records));
            let forward = before.is_none_or(|before| before <= (view.member.position, view.member.records));
            assert!(forward, "{} went back", view.name);
        }
        if reads % 16 == 0 {
            views.lock().expect("no reader failed").extend(seen);
        }
        let totals = handle.totals().wait().expect("the shard works");
        assert!(totals.position <= handle.committed() && totals.position >= last, "totals are durable");
        assert_eq!(
            totals.shared.wallets.iter().flat_map(|wallet| wallet.accounts).sum::<i64>(),
            0,
            "debits are credits"
        );
        last = totals.position;
    }
    reads
}

#[test]
fn spending_ten_thousand_lots_takes_milliseconds() {
    const LOTS: u64 = 10_000;
    let dir = directory();
    let ledger = open(dir.path(), 1_000_000);
    let handle = ledger.handle();
    say(&handle, vec![publish(HARBOUR, BEGIN), enrol("m1")]);
    let credits: Vec<_> = (0..LOTS).map(|n| credit(&format!("gift-{n}"), "m1", 3)).collect();
    credits.chunks(1_000).for_each(|part| assert_eq!(say(&handle, part.to_vec()).len(), part.len()));
    assert_eq!(member(&handle, "m1").member.purses.first().lots.len() as u64, LOTS);
    let points = Points(3 * LOTS as i64);
    let steps = [
        (
            "hold",
            Body::Hold(event::Hold {
                hold: "h".into(),
                wallet: "".into(),
                points,
                ttl_ms: None,
                order: "".into(),
                total: None,
                item: None,
            }),
        ),
        ("capture", Body::Capture(event::Capture { hold: "h".into(), points: None, last: true })),
    ];
    for (what, body) in steps {
        let start = Instant::now();
        let outcome = say(&handle, vec![event("till", what, BEGIN, "m1", body)]).pop().expect("an outcome");
        let took = start.elapsed();
        assert_eq!(outcome.refusal, None);
        println!("{what} across {LOTS} lots, durable: {took:?}");
        // A hundred times what it takes here; a quadratic fold takes longer still.
        assert!(took < Duration::from_millis(1_000), "{what} took {took:?}");
    }
    assert_eq!(ledger::balances(&member(&handle, "m1").member).available, Points(0));
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

/// A ledger whose judge stands still between a word on the first channel and one on the second.
fn with_a_gate(dir: &std::path::Path, queue_events_max: usize) -> (Ledger, Receiver<()>, Sender<()>) {
    let (arrived, arrival) = channel();
    let (open, opened) = channel::<()>();
    let gate = Mutex::new((arrived, opened));
    let clock = move || {
        let gate = gate.lock().expect("one judge");
        // Nobody listens any more: the gate stays open.
        if gate.0.send(()).is_ok() {
            let _ = gate.1.recv();
        }
        At(4_000_000_000_000)
    };
    let options = Options { queue_events_max, ..simulated(1_000) };
    (Ledger::open(dir, options, Arc::new(clock)).expect("it opens"), arrival, open)
}

#[test]
fn beyond_the_limit_of_the_queue_submitters_are_told_to_wait_and_nothing_is_lost() {
    let dir = directory();
    let (ledger, arrival, gate) = with_a_gate(dir.path(), 100);
    let handle = ledger.handle();
    let (tell, told) = channel();
    let submit = |events: Vec<Event<Name>>| {
        let tell = tell.clone();
        let count = events.len();
        let batch = Batch { events, cursors: Vec::new() };
        handle.submit(batch, Box::new(move |answer| tell.send((count, answer)).expect("the test listens")))
    };
    let gifts = |from: u64, many: u64| (from..from + many).map(|n| credit(&format!("gift-{n}"), "m1", 1)).collect();
    submit(vec![publish(HARBOUR, BEGIN), enrol("m1")]).expect("an empty queue takes it");
    // The judge has taken that batch and stands still.
    arrival.recv().expect("the judge asks the clock");
    for tenth in 0..10 {
        submit(gifts(tenth * 10, 10)).expect("there is room");
    }
    assert_eq!(handle.stats().waiting, 100);
    for many in [1, 10, 1_000] {
        assert_eq!(submit(gifts(1_000, many)), Err(SubmitError::Busy { waiting: 100 }));
    }
    assert_eq!(handle.stats().waiting, 100, "what was refused does not wait");
    drop(arrival);
    gate.send(()).expect("the judge waits");
    for _ in 0..11 {
        let (count, answer) = told.recv().expect("every batch that was taken is answered");
        let outcomes = answer.expect("committed");
        assert_eq!(outcomes.len(), count);
        assert!(outcomes.iter().all(|outcome| outcome.refusal.is_none() && !outcome.duplicate));
    }
    assert_eq!(
        ledger::balances(&member(&handle, "m1").member).available,
        Points(100),
        "the refused batches never happened"
    );
    // A batch that alone is more than the limit is taken by an empty queue.
    submit(gifts(1_000, 500)).expect("an empty queue takes any batch");
    assert_eq!(told.recv().expect("answered").0, 500);
    assert_eq!(ledger::balances(&member(&handle, "m1").member).available, Points(600));
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

#[test]
fn submitters_that_wait_for_room_get_it() {
    let dir = directory();
    let options = Options { queue_events_max: 40, ..simulated(1_000_000) };
    let ledger = Ledger::open(dir.path(), options, far_future()).expect("it opens");
    let handle = ledger.handle();
    say(&handle, vec![publish(HARBOUR, BEGIN), enrol("m1")]);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let handle = &handle;
            scope.spawn(move || {
                for batch in 0..20 {
                    let gift = |n| credit(&format!("gift-{thread}-{batch}-{n}"), "m1", 1);
                    say(handle, (0..30).map(gift).collect());
                }
            });
        }
    });
    assert_eq!(ledger::balances(&member(&handle, "m1").member).available, Points(8 * 20 * 30));
    drop(handle);
    ledger.close().expect("nothing failed");
}
