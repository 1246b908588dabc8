//! Ids: an event is known for ever by its source and id, and what it was told it is told again.

use crate::ledger::{self, directory, open, say};
use crate::said::{BEGIN, HARBOUR, event, publish, purchase};
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::outcome::Outcome;
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, Points};
use ledger_store::{Batch, Cursor, Handle};
use std::sync::mpsc::channel;

fn later(hours: i64) -> At {
    At(BEGIN.0 + hours * 3_600_000)
}

fn say_one(handle: &Handle, event: &Event<Name>) -> Outcome {
    say(handle, vec![event.clone()]).pop().expect("an outcome")
}

/// The first answer again.
fn again(outcome: &Outcome) -> Outcome {
    Outcome { duplicate: true, ..outcome.clone() }
}

#[test]
fn an_answer_is_given_again_within_a_batch_and_behind_any_restart() {
    let dir = directory();
    let buy = event("till", "e-1", later(1), "m1", purchase("o-1", 10_00));
    let other_body = event("till", "e-1", later(1), "m1", purchase("o-1", 11_00));
    let other_member = Event { member: "m2".into(), ..buy.clone() };
    let other_source = Event { source: "shop".into(), ..buy.clone() };
    let broke = event("till", "e-2", later(1), "m1", Body::redeem(Points(1_000)));
    let ledger = open(dir.path(), 1_000_000);
    let handle = ledger.handle();
    let said =
        vec![publish(HARBOUR, BEGIN), buy.clone(), buy.clone(), other_body.clone(), other_body.clone(), broke.clone()];
    let outcomes = say(&handle, said);
    let [_, first, second, reused, reused_again, refused] = &outcomes[..] else { panic!("six outcomes") };
    assert_eq!((first.refusal, first.duplicate, first.available), (None, false, Points(20)));
    assert_eq!(*second, again(first));
    assert_eq!((reused.refusal, reused.duplicate), (Some(Refusal::IdReused), false));
    assert_eq!(*reused_again, again(reused));
    assert_eq!(refused.refusal, Some(Refusal::NotEnoughPoints));
    // A refusal is final: points that come later do not change it.
    let gift = event("office", "e-1", later(2), "m1", Body::credit(Points(5_000), "a gift"));
    assert_eq!(say_one(&handle, &gift).refusal, None);
    let reused_otherwise = say_one(&handle, &other_member);
    assert_eq!(reused_otherwise.refusal, Some(Refusal::IdReused), "the same words about somebody else");
    assert_eq!(say_one(&handle, &other_source).refusal, Some(Refusal::OrderExists), "ids are the source's own");
    let committed = handle.committed();
    drop(handle);
    ledger.close().expect("nothing failed");
    for _ in 0..3 {
        let ledger = open(dir.path(), 1);
        let handle = ledger.handle();
        assert_eq!(say_one(&handle, &buy), again(first));
        assert_eq!(say_one(&handle, &other_body), again(reused));
        assert_eq!(say_one(&handle, &other_member), again(&reused_otherwise));
        assert_eq!(say_one(&handle, &broke), again(refused));
        assert_eq!(handle.outcome("till", "e-1").expect("readable"), Some(again(first)));
        assert_eq!(handle.outcome("till", "e-3").expect("readable"), None);
        assert_eq!(handle.committed(), committed, "nothing was written");
        drop(handle);
        ledger.close().expect("nothing failed");
    }
    ledger::verified(dir.path());
}

#[test]
fn a_refused_conflict_is_told_again_when_its_name_has_become_a_member() {
    let dir = directory();
    let ledger = open(dir.path(), 1_000_000);
    let handle = ledger.handle();
    let check_in = event("till", "e-1", later(1), "m1", Body::CheckIn(event::CheckIn));
    // Nobody of this name yet, and the id is used: refused, with the name hidden.
    let conflict = event("till", "e-1", later(1), "m2", Body::Referral(event::Referral { referee: "m3".into() }));
    let outcomes = say(&handle, vec![publish(HARBOUR, BEGIN), check_in, conflict.clone()]);
    assert_eq!(outcomes[2].refusal, Some(Refusal::IdReused));
    for (id, name) in [("e-2", "m2"), ("e-3", "m3")] {
        say_one(&handle, &event("till", id, later(2), name, Body::CheckIn(event::CheckIn)));
        assert_eq!(say_one(&handle, &conflict), again(&outcomes[2]), "{name} is a member now");
    }
    drop(handle);
    ledger.close().expect("nothing failed");
    let ledger = open(dir.path(), 1_000_000);
    assert_eq!(say_one(&ledger.handle(), &conflict), again(&outcomes[2]));
    drop(ledger);
    ledger::verified(dir.path());
}

#[test]
fn an_event_that_comes_again_before_it_is_durable_is_applied_once() {
    let dir = directory();
    let ledger = open(dir.path(), 1_000_000);
    let handle = ledger.handle();
    say(&handle, vec![publish(HARBOUR, BEGIN)]);
    let gift = event("office", "gift", later(1), "m1", Body::credit(Points(7), "a gift"));
    say(&handle, vec![event("till", "e-1", later(1), "m1", Body::CheckIn(event::CheckIn))]);
    let (tell, told) = channel();
    for _ in 0..50 {
        let tell = tell.clone();
        let batch = Batch { events: vec![gift.clone(); 3], cursors: Vec::new() };
        let done = move |answer: Result<Vec<Outcome>, _>| tell.send(answer.expect("committed")).expect("heard");
        handle.submit(batch, Box::new(done)).expect("there is room");
    }
    drop(tell);
    let outcomes: Vec<Outcome> = told.iter().flatten().collect();
    assert_eq!(outcomes.len(), 150);
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.duplicate).count(), 1);
    assert!(outcomes.iter().all(|outcome| outcome.position == outcomes[0].position), "all are told of one record");
    assert_eq!(ledger::balances(&ledger::member(&handle, "m1").member).available, Points(7 + 7));
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

#[test]
fn a_source_may_say_where_it_stands_without_an_event() {
    let dir = directory();
    let ledger = open(dir.path(), 1_000_000);
    let stands = |next| vec![Cursor { source: "file".into(), next }];
    let handle = ledger.handle();
    assert_eq!(handle.cursor("file"), Ok(None));
    for next in [7, 9, 8] {
        let outcomes = handle.submit_and_wait(Batch { events: Vec::new(), cursors: stands(next) }).expect("committed");
        assert!(outcomes.is_empty());
        assert_eq!(handle.cursor("file"), Ok(Some(next)), "the last word counts");
    }
    drop((handle, ledger));
    assert_eq!(open(dir.path(), 1).handle().cursor("file"), Ok(Some(8)));
    assert_eq!(ledger::verified(dir.path()).records, 0);
}
