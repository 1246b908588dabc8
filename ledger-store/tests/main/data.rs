//! Real purchases: the same history by another road ends in the same bytes.

use crate::child;
use crate::ledger::{self, directory, root};
use crate::said::{Random, publish};
use ledger_core::calendar::Calendar;
use ledger_core::event::{Body, Currency, Event, Line, Name, RiskKeys};
use ledger_core::units::{At, Money};
use ledger_store::{Batch, Cursor, Handle, Ledger, Options, Time};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The file of purchases is a source, and this is its name.
const SOURCE: &str = "cdnow";

/// The purchases in `LEDGER_DATA`, or the sample of the workspace, behind the publication of the
/// program they run under.
fn history() -> Vec<Event<Name>> {
    let text = match std::env::var("LEDGER_DATA").map(PathBuf::from) {
        Ok(path) if path.exists() => std::fs::read_to_string(path).expect("LEDGER_DATA is readable"),
        _ => {
            let packed = root().join("data/cdnow_sample.csv.gz");
            let unpacked = Command::new("gzip").arg("-dc").arg(packed).output().expect("gzip runs");
            String::from_utf8(unpacked.stdout).expect("the sample is text")
        }
    };
    let program = std::fs::read_to_string(root().join("programs/music.toml")).expect("the program is there");
    let calendar = Calendar::new("UTC").expect("UTC is a zone");
    let mut events = vec![publish(&program, At(0))];
    events.extend(text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let [member, at, net, order] = fields[..] else { panic!("{line:?} is no purchase") };
        let lines = vec![Line::plain("", 1, Money(net.parse().expect("an amount")))];
        Event {
            source: SOURCE.into(),
            id: order.into(),
            occurred_at: calendar.read(at.trim_end_matches('Z')).expect("a time"),
            member: format!("c-{member}").into(),
            keys: RiskKeys::default(),
            origin: None,
            body: Body::purchase(order, Currency(*b"USD"), lines),
        }
    }));
    assert!(events.len() > 1_000, "the purchases are there");
    events
}

fn open(dir: &Path) -> Ledger {
    let options = Options { time: Time::Events, jumps: ledger::any_time(), ..ledger::simulated(1_000) };
    Ledger::open(dir, options, ledger::far_future()).expect("the ledger opens")
}

/// Feeds everything in batches of random size; answers how many events had come before.
fn feed_all(handle: &Handle, events: &[Event<Name>], random: &mut Random, mut fed: impl FnMut(u64)) -> usize {
    let (mut next, mut duplicates) = (0, 0);
    while next < events.len() {
        let end = events.len().min(next + 1 + random.below(700) as usize);
        let cursors = vec![Cursor { source: SOURCE.into(), next: end as u64 }];
        let batch = Batch { events: events[next..end].to_vec(), cursors };
        let outcomes = handle.submit_and_wait(batch).expect("the batch is committed");
        duplicates += outcomes.iter().filter(|outcome| outcome.duplicate).count();
        next = end;
        fed(next as u64);
    }
    duplicates
}

/// A child that feeds and tells how far it is.
pub fn feed() {
    let ledger = open(Path::new(&child::var("LEDGER_DIR")));
    let mut random = Random::new(child::var("LEDGER_CUT").parse().expect("a number"));
    feed_all(&ledger.handle(), &history(), &mut random, |next| child::tell([next.to_string()]));
}

#[test]
fn fed_twice_in_another_cut_with_a_kill_in_the_middle_it_ends_in_the_same_bytes() {
    let (mut random, _) = Random::seeded();
    let events = history();
    let (straight, crooked) = (directory(), directory());
    let ledger = open(straight.path());
    assert_eq!(feed_all(&ledger.handle(), &events, &mut random, |_| {}), 0, "nothing comes twice");
    ledger.close().expect("nothing failed");

    let vars = [("LEDGER_DIR", crooked.path().display().to_string()), ("LEDGER_CUT", random.next().to_string())];
    let mut feeding = child::start("feed", "", &vars);
    let (mut told, enough) = (0, random.below(events.len() as u64));
    while told <= enough {
        told = feeding.hear().expect("it feeds until it is killed").parse().expect("a number");
    }
    feeding.kill();
    while let Some(line) = feeding.hear() {
        told = line.parse().expect("a number");
    }
    let ledger = open(crooked.path());
    let stands = ledger.handle().cursor(SOURCE).expect("readable").expect("a cursor is kept");
    assert!(stands >= told, "the source was told {told}, and the ledger knows {stands}");
    let duplicates = feed_all(&ledger.handle(), &events, &mut random, |_| {});
    assert_eq!(duplicates as u64, stands, "the cursor is durable with its events: not one more, not one less");
    assert_eq!(feed_all(&ledger.handle(), &events, &mut random, |_| {}), events.len(), "all of it came before");
    let totals = ledger.handle().totals().wait().expect("the shard works");
    ledger.close().expect("nothing failed");

    let (one, other) = (ledger::verified(straight.path()), ledger::verified(crooked.path()));
    assert_eq!((one.records, one.members, one.at), (other.records, other.members, other.at));
    assert_eq!(ledger::hex(&one.digest), ledger::hex(&other.digest), "the state digest");
    assert_eq!(ledger::hex(&one.root), ledger::hex(&other.root), "the root of the tree");
    assert_eq!(one.wallets, other.wallets, "the trial balance");
    assert_eq!(
        totals.shared.wallets,
        other.wallets.iter().map(|(_, totals)| totals.clone()).collect::<Vec<_>>(),
        "the trial balance that readers saw"
    );
    println!("killed after {stands} of {} events; {} records", events.len(), one.records);
}
