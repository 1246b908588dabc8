//! Sealing: a ledger under a key says the same as one without, and holds names in no bytes of its own.

use crate::ledger::{self, directory, far_future, say, simulated};
use crate::said::{BEGIN, HARBOUR, Stream, event, publish, purchase};
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::record::Cause;
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, Points, Position, StaffNo};
use ledger_store::{Damage, Ledger, OpenError, Options, Report, rebuild};
use std::path::Path;

const KEY: [u8; 32] = [0x5a; 32];

const STREAM: Stream = Stream { seed: 13, members: 7, step_ms: 240_000 };

fn open_under(dir: &Path, key: Option<[u8; 32]>) -> Result<Ledger, OpenError> {
    Ledger::open(dir, Options { sealing_key: key, ..simulated(100) }, far_future())
}

/// A ledger of the stream, with an id used again by a member and by nobody, and what `verify` says of it.
fn written(dir: &Path, key: Option<[u8; 32]>) -> Report {
    let ledger = open_under(dir, key).expect("it opens");
    let handle = ledger.handle();
    say(&handle, vec![STREAM.program()]);
    say(&handle, STREAM.events(0..300));
    say(&handle, conflicts());
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir)
}

/// Events whose ids are used already: of a member, and of a name that is none.
fn conflicts() -> Vec<Event<Name>> {
    let again = |member: &str| event("till", "e-1", STREAM.at(400), member, purchase("again", 1_00));
    vec![again("m1"), again("nobody"), again("m1"), again("nobody")]
}

#[test]
fn a_ledger_under_a_key_does_what_one_without_does() {
    let (plain, sealed) = (directory(), directory());
    let (told, kept) = (written(plain.path(), None), written(sealed.path(), Some(KEY)));
    assert_eq!((told.records, told.members, told.rows), (kept.records, kept.members, kept.rows));
    assert_eq!(told.wallets, kept.wallets);
    assert_ne!(told.digest, kept.digest, "names are sealed");
    // `verify` had no key; neither has whoever drops rows and has them folded again.
    rebuild(sealed.path()).expect("the log is sound");
    let ledger = open_under(sealed.path(), Some(KEY)).expect("it opens with its key");
    let one = open_under(plain.path(), None).expect("it opens");
    let (sealed_handle, handle) = (ledger.handle(), one.handle());
    for member in 0..STREAM.members {
        let name = STREAM.name(member);
        let (seen, expected) = (ledger::member(&sealed_handle, &name), ledger::member(&handle, &name));
        assert_eq!((&*seen.name, seen.no), (&*name, expected.no));
        let mut row = seen.member.clone();
        assert_ne!(std::mem::replace(&mut row.name, expected.member.name.clone()), expected.member.name);
        assert_eq!(row, expected.member, "nothing else differs");
    }
    let outcomes = say(&sealed_handle, conflicts());
    assert!(outcomes.iter().all(|outcome| outcome.duplicate && outcome.refusal == Some(Refusal::IdReused)));
    assert_eq!(outcomes[0].position, outcomes[2].position);
    drop((sealed_handle, handle, one));
    ledger.close().expect("nothing failed");
    assert_eq!(ledger::verified(sealed.path()).digest, kept.digest, "folded anew it is the same");
}

#[test]
fn staff_is_known_by_number_whatever_becomes_of_its_first_event() {
    let dir = directory();
    let ledger = open_under(dir.path(), Some(KEY)).expect("it opens");
    let handle = ledger.handle();
    let served = |id: &str, employee: &str, body: Body<Name>| {
        let origin = event::Origin { employee: employee.into(), ..event::Origin::default() };
        Event { origin: Some(Box::new(origin)), ..event("till", id, At(BEGIN.0 + 1), "m1", body) }
    };
    let credit = |by: &str| {
        Body::Credit(event::Credit { wallet: "".into(), points: Points(1), reason: "storm".into(), by: by.into() })
    };
    let events = vec![
        served("e-0", "Ines", credit("Ines")),
        publish(HARBOUR, BEGIN),
        served("e-1", "Zoë", purchase("o-1", 10_00)),
        served("e-1", "Zoë", purchase("o-1", 10_00)),
        served("e-1", "Ines", purchase("o-1", 10_00)),
        served("e-1", "Ines", purchase("o-1", 10_00)),
        served("e-1", "Ada", purchase("o-1", 10_00)),
        served("e-1", "Ada", purchase("o-1", 10_00)),
        served("e-2", "Ada", credit("Bob")),
    ];
    let outcomes = say(&handle, events.clone());
    let told: Vec<_> = outcomes.iter().map(|one| (one.position.0, one.refusal, one.duplicate)).collect();
    let (none, reused) = (None, Some(Refusal::IdReused));
    let expected = [
        (1, Some(Refusal::NoProgram), false),
        (2, none, false),
        (3, none, false),
        (3, none, true),
        (4, reused, false),
        (4, reused, true),
        (5, reused, false),
        (5, reused, true),
        (6, none, false),
    ];
    assert_eq!(told, expected);
    let staff_of = |position| {
        let record = handle.record(Position(position)).expect("readable").expect("it is there");
        let Cause::Event(event) = record.cause() else { panic!("an event") };
        event.staff().map(|no| no.0).collect::<Vec<_>>()
    };
    assert_eq!([1, 3, 4, 5, 6].map(staff_of), [vec![1, 1], vec![2], vec![1], vec![3], vec![3, 4]]);
    let names = handle.staff_names(&[1, 2, 3, 4, 5].map(StaffNo)).wait().expect("the shard works");
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["Ines", "Zoë", "Ada", "Bob", ""]);
    drop(handle);
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
    for _ in 0..2 {
        let ledger = open_under(dir.path(), Some(KEY)).expect("it opens");
        assert!(say(&ledger.handle(), events.clone()).iter().all(|one| one.duplicate), "all of them came before");
        ledger.close().expect("nothing failed");
        rebuild(dir.path()).expect("the log is sound");
    }
}

#[test]
fn a_ledger_opens_with_its_own_key_alone() {
    let (plain, sealed, empty) = (directory(), directory(), directory());
    written(plain.path(), None);
    written(sealed.path(), Some(KEY));
    let refused = |dir: &Path, key| match open_under(dir, key) {
        Err(OpenError::Damage(Damage::Sealed { what })) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(plain.path(), Some(KEY)), "the name of member 1");
    assert_eq!(refused(sealed.path(), None), "the name of member 1");
    assert_eq!(refused(sealed.path(), Some([0x5b; 32])), "the name of member 1");
    open_under(sealed.path(), Some(KEY)).expect("its own").close().expect("nothing failed");
    // Where nobody has a name yet, any key may come first, and is the one from then on.
    for key in [None, Some(KEY)] {
        open_under(empty.path(), key).expect("nothing is sealed yet").close().expect("nothing failed");
    }
    let ledger = open_under(empty.path(), Some(KEY)).expect("nothing is sealed yet");
    let joins = event("till", "e-1", At(BEGIN.0 + 1), "Zoë", Body::CheckIn(event::CheckIn));
    say(&ledger.handle(), vec![publish(HARBOUR, BEGIN), joins]);
    ledger.close().expect("nothing failed");
    assert_eq!(refused(empty.path(), None), "the name of member 1");
}
