//! The store against the simplest true ledger there is: the core's own, in memory, told one event after
//! the other. Batches of any cut, events that come again, ids that are used again, cases that are
//! resolved, and a ledger that is closed or dropped at any point: same answers, same rows.

use crate::ledger::{self, directory, log_from, open, say};
use crate::said::{Random, Stream, event};
use ledger_core::event::{self, Body, Event, Finding, MemberRef, Name};
use ledger_core::judge::projected_to;
use ledger_core::memory::Memory;
use ledger_core::record::{CausePart, Record};
use ledger_core::units::{MemberNo, Position, RiskKey};
use ledger_store::{Handle, Ledger};
use std::path::Path;

/// One of many ways of saying what comes next.
fn next_events(stream: &Stream, random: &mut Random, next: &mut u64, memory: &Memory) -> Vec<Event<Name>> {
    let mut events = Vec::new();
    for _ in 0..1 + random.below(120) {
        let fresh = stream.event(*next);
        *next += 1;
        match random.below(12) {
            // It comes twice, at once or much later.
            0 => events.push(fresh.clone()),
            1 => events.push(stream.event(random.below(*next))),
            // The id of another event, with this body; sometimes that comes twice as well.
            2 => {
                let id = format!("e-{}", random.below(*next)).into();
                let reused = Event { id, ..fresh.clone() };
                events.extend(std::iter::repeat_n(reused, 1 + random.below(2) as usize));
            }
            3 => {
                let open = memory.state.cases.iter().filter(|(_, case)| case.finding.is_none());
                let open: Vec<Position> = open.map(|(position, _)| *position).collect();
                if let Some(case) = open.get(random.below(1 + open.len() as u64) as usize) {
                    let finding = if random.one_in(2) { Finding::Fraud } else { Finding::Legitimate };
                    let body = Body::CaseResolved(event::CaseResolved {
                        case: (*case).into(),
                        finding,
                        note: "looked at".into(),
                    });
                    events.push(event("desk", &format!("c-{next}"), fresh.occurred_at, "", body));
                }
            }
            _ => {}
        }
        events.push(fresh);
    }
    events
}

/// A record with hidden names made alike: the two ledgers have other secrets.
fn alike(mut record: Record) -> Record {
    if let CausePart::Event(event) = record.cause_part {
        let who = |who| match who {
            MemberRef::Unknown(_) => MemberRef::Unknown(RiskKey::default()),
            other => other,
        };
        record.cause_part = CausePart::Event(event.map(who, |staff| staff));
    }
    record
}

fn assert_same_rows(handle: &Handle, memory: &Memory) {
    let program = memory.programs.current().map(|program| &**program);
    let totals = handle.totals().wait().expect("the shard works");
    assert_eq!(totals.shared, memory.state.shared);
    for no in (1..=memory.state.members_len()).map(MemberNo) {
        let row = memory.state.member(no).expect("numbers have no gaps");
        let view = handle.member_by_no(no).wait().expect("the shard works").expect("a member");
        assert_eq!(view.member, projected_to(&memory.state, program, no, row, view.at), "member {no}");
    }
    let cases = handle.cases(false, Position(0), usize::MAX).wait().expect("the shard works");
    assert!(cases.iter().map(|(position, case)| (position, case)).eq(&memory.state.cases));
}

fn reopen(ledger: Ledger, dir: &Path, random: &mut Random) -> Ledger {
    // With and without a look at what closing says; both write a snapshot.
    if random.one_in(2) {
        ledger.close().expect("nothing failed");
    } else {
        drop(ledger);
    }
    open(dir, 1 + random.below(2_000))
}

#[test]
fn it_answers_and_keeps_what_a_ledger_in_memory_does() {
    let (mut random, seed) = Random::seeded();
    let stream = Stream { seed, members: 50, step_ms: 400_000 };
    let dir = directory();
    let mut memory = Memory::under(ledger::name_key());
    let mut ledger = open(dir.path(), 500);
    let first = vec![stream.program()];
    ledger::assert_same_outcomes(&mut memory, &first, &say(&ledger.handle(), first.clone()));
    let (mut next, mut reopened) = (0, 0);
    while next < 8_000 {
        let events = next_events(&stream, &mut random, &mut next, &memory);
        let outcomes = say(&ledger.handle(), events.clone());
        ledger::assert_same_outcomes(&mut memory, &events, &outcomes);
        if random.one_in(12) {
            ledger = reopen(ledger, dir.path(), &mut random);
            assert_same_rows(&ledger.handle(), &memory);
            reopened += 1;
        }
    }
    let handle = ledger.handle();
    for (position, record) in log_from(&handle, Position(1)) {
        let expected = memory.record(position).expect("the model has it");
        assert_eq!(alike(record), alike(expected), "record {position}");
    }
    assert_eq!(memory.log().len() as u64, handle.committed().0);
    drop(handle);
    ledger.close().expect("nothing failed");
    let report = ledger::verified(dir.path());
    assert_eq!(ledger::hex(&report.digest), ledger::hex(&ledger::digest(&memory.state)), "the state digest");
    println!("{next} events, {} records, opened {reopened} times more", report.records);
}
