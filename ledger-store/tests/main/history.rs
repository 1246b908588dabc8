//! Histories: what a member was at any position, and the pages that remember where its records are.

use crate::ledger::{self, directory, log_from, open, say};
use crate::said::{Random, Stream};
use ledger_core::member::HISTORY_PAGE;
use ledger_core::record::Record;
use ledger_core::units::Position;
use ledger_store::{AsOf, Handle, Ledger};
use tempfile::TempDir;

/// A ledger of a few members with several pages each: some written by snapshots, some still in memory.
fn written() -> (TempDir, Ledger, Stream, Random) {
    let (mut random, seed) = Random::seeded();
    let stream = Stream { seed, members: 6, step_ms: 600_000 };
    let dir = directory();
    let ledger = open(dir.path(), 200);
    say(&ledger.handle(), vec![stream.program()]);
    let mut next = 0;
    while next < 1_500 {
        let end = next + 1 + random.below(90);
        say(&ledger.handle(), stream.events(next..end));
        next = end;
    }
    (dir, ledger, stream, random)
}

/// A member's records, found by looking at every record there is.
fn own(handle: &Handle, log: &[(Position, Record)], name: &str) -> Vec<(Position, Record)> {
    let no = ledger::member(handle, name).no;
    log.iter().filter(|(_, record)| record.members().contains(&no)).cloned().collect()
}

#[test]
fn a_member_as_of_any_position_is_the_replay_up_to_it() {
    let (_dir, ledger, stream, _) = written();
    let handle = ledger.handle();
    let log = log_from(&handle, Position(1));
    for name in (0..stream.members).map(|member| stream.name(member)) {
        let steps: Vec<_> = handle.replay(&name).expect("readable").expect("a member").collect();
        let steps: Vec<_> = steps.into_iter().map(|step| step.expect("readable")).collect();
        let own = own(&handle, &log, &name);
        assert!(own.len() > 2 * HISTORY_PAGE, "{name} has pages");
        assert!(
            steps.iter().map(|step| (step.position, &step.record)).eq(own.iter().map(|(at, record)| (*at, record)))
        );
        let mut replayed = steps.iter().peekable();
        let mut before = None;
        // Every position of its own and some between: each look folds from the beginning.
        for at in (0..=handle.committed().0).filter(|at| at % 20 == 0 || own.iter().any(|(own, _)| own.0 == *at)) {
            while let Some(step) = replayed.next_if(|step| step.position.0 <= at) {
                before = Some(step);
            }
            let then = handle.member_as_of(&name, AsOf::Position(Position(at))).expect("readable");
            assert_eq!(
                then.as_ref().map(|view| (view.position, view.at)),
                before.map(|step| (step.position, step.record.at))
            );
            assert_eq!(then.map(|view| view.member), before.map(|step| step.after.clone()), "{name} as of {at}");
        }
        let now = ledger::member(&handle, &name);
        let last = steps.last().expect("steps");
        assert_eq!((last.after.position, last.after.records), (now.member.position, now.member.records));
        assert_eq!(last.after.records, steps.len() as u64, "a member's version counts its records");
    }
}

#[test]
fn a_history_is_read_from_anywhere_in_pages_of_any_size() {
    let (dir, ledger, stream, mut random) = written();
    let handle = ledger.handle();
    let log = log_from(&handle, Position(1));
    let names: Vec<String> = (0..stream.members).map(|member| stream.name(member)).collect();
    let all: Vec<_> = names.iter().map(|name| own(&handle, &log, name)).collect();
    let mut look = |handle: &Handle| {
        for (name, own) in names.iter().zip(&all) {
            for _ in 0..40 {
                let after = Position(random.below(handle.committed().0 + 2));
                let limit = random.below(100) as usize;
                let expected: Vec<_> = own.iter().filter(|(at, _)| *at > after).take(limit).cloned().collect();
                let read = handle.history(name, after, limit).expect("readable").expect("a member");
                assert_eq!(read.records, expected, "{name} behind {after}, at most {limit}");
            }
        }
        assert!(handle.history("nobody", Position(0), 10).expect("readable").is_none());
    };
    look(&handle);
    drop(handle);
    ledger.close().expect("nothing failed");
    // Now all pages come from disk.
    let ledger = open(dir.path(), 200);
    look(&ledger.handle());
}
