//! Sealing: a ledger under a key says the same as one without, and holds names in no bytes of its own.

use crate::blocks::{
    Block, VERDICT_LEN, behind_length, cause_hash, sealed as checked, take_apart, take_apart_sealed, unpacked,
    verdict_frame,
};
use crate::fixtures;
use crate::ledger::{self, directory, far_future, say, simulated};
use crate::raw::{Raw, Row};
use crate::said::{BEGIN, HARBOUR, Stream, event, publish, purchase};
use ledger_core::bytes::decode;
use ledger_core::change::{self, Change, LifeChange};
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::record::{Cause, VerdictPart};
use ledger_core::refusal::Refusal;
use ledger_core::sealed::{Sealed, SealedFor, Sealing};
use ledger_core::units::{At, Points, Position, StaffNo};
use ledger_store::{
    Damage, Ledger, OpenError, Options, Report, Seals, ShownCause, export_verdicts, read_export, rebuild, restore,
    verify, verify_under,
};
use sha2::{Digest, Sha256};
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
    let key = verify_under(sealed.path(), KEY, None, &mut |_| {}).expect("it can be read");
    assert!(key.agrees(), "{:#?}", key.findings);
    assert_eq!((key.sealed, key.root, key.digest, key.rows), (0, kept.root, kept.digest, kept.rows));
    assert!(told.sealed == 0 && kept.sealed > 300 && kept.sealed < kept.records, "timers have no cause");
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

/// A verdict part with its names as they are.
fn opened(verdict: &[u8], seals: &Seals) -> VerdictPart {
    let mut part: VerdictPart = decode(verdict).expect("a verdict part");
    let open = |of: SealedFor, sealed: &mut Sealed| {
        *sealed = Sealed::plain(&seals.open(of, sealed).expect("it opens"));
    };
    for change in &mut part.verdict.changes {
        match change {
            Change::Registered(said) => open(SealedFor::member(said.member), &mut said.name),
            Change::StaffRegistered(said) => open(SealedFor::staff(said.staff), &mut said.name),
            Change::HoldOpened(said) => {
                open(SealedFor::hold(said.member, &said.name.clone()), &mut said.name.sealed);
            }
            Change::Life(change::Life { member, change: LifeChange::ExchangeOpened(said) }) => {
                open(SealedFor::reference(*member, &said.reference.clone()), &mut said.reference.sealed);
            }
            Change::Life(change::Life { member, change: LifeChange::ExchangeClosed(said) }) => {
                open(SealedFor::reference(*member, &said.reference.clone()), &mut said.reference.sealed);
            }
            _ => {}
        }
    }
    part
}

#[test]
fn a_key_costs_a_hash_for_each_record_and_little_for_each_block() {
    let bytes = |key| {
        let dir = directory();
        let ledger = open_under(dir.path(), key).expect("it opens");
        say(&ledger.handle(), vec![STREAM.program()]);
        let mut records = 0;
        for from in (0..2_560).step_by(256) {
            records += say(&ledger.handle(), STREAM.events(from..from + 256)).len();
        }
        ledger.close().expect("nothing failed");
        let blocks = Raw::open(dir.path()).rows("log");
        let causes = blocks.iter().map(|(_, block)| block.len() - verdict_frame(block).end);
        (causes.sum::<usize>(), records, blocks.len())
    };
    let ((plain, ..), (sealed, records, blocks)) = (bytes(None), bytes(Some(KEY)));
    eprintln!("{plain} bytes of causes, {sealed} under a key: {records} events in {blocks} blocks");
    assert!(sealed - plain <= 32 * records + 64 * blocks, "{sealed} and {plain}");
}

/// Takes a block apart, and answers the hashes beside its causes.
type TakeApart = dyn Fn(&Row) -> (Block, Vec<[u8; 32]>);

#[test]
fn a_key_changes_no_verdict_and_no_hash_of_what_was_said() {
    let (plain, sealed) = (directory(), directory());
    fixtures::write(plain.path());
    fixtures::write_under(sealed.path(), Some(KEY));
    let seals = open_under(sealed.path(), Some(KEY)).expect("it opens").handle().seals();
    let parts = |dir: &Path, take: &TakeApart| {
        let (mut records, mut hashes) = (Vec::new(), Vec::new());
        for stored in Raw::open(dir).rows("log") {
            let (block, beside) = take(&stored);
            hashes.extend(beside);
            records.extend(block.verdicts.into_iter().zip(block.causes));
        }
        (records, hashes)
    };
    let (told, _) = parts(plain.path(), &|block| (take_apart(block), Vec::new()));
    let (kept, hashes) = parts(sealed.path(), &|block| take_apart_sealed(block, KEY));
    assert_eq!((told.len(), kept.len()), (kept.len(), hashes.len()));
    for ((position, (told, kept)), hash) in (1..).zip(told.iter().zip(&kept)).zip(hashes) {
        assert_eq!(opened(&told.0, &Seals::default()), opened(&kept.0, &seals), "record {position}");
        assert_eq!(told.1, kept.1, "what was said in record {position}");
        assert_eq!(hash, cause_hash(position, &told.1), "record {position}");
    }
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
    assert_eq!(refused(plain.path(), Some(KEY)), "the secret");
    assert_eq!(refused(sealed.path(), None), "the secret");
    assert_eq!(refused(sealed.path(), Some([0x5b; 32])), "the secret");
    open_under(sealed.path(), Some(KEY)).expect("its own").close().expect("nothing failed");
    // It is the key from the making of the ledger on, be there nothing in it.
    open_under(empty.path(), Some(KEY)).expect("it is made").close().expect("nothing failed");
    assert_eq!(refused(empty.path(), None), "the secret");
    open_under(empty.path(), Some(KEY)).expect("its own").close().expect("nothing failed");
}

#[test]
fn whoever_has_no_key_finds_what_was_changed_all_the_same() {
    let dir = directory();
    let kept = written(dir.path(), Some(KEY));
    let sound = Raw::open(dir.path()).rows("log");
    let found = |change: &dyn Fn(&Raw)| {
        change(&Raw::open(dir.path()));
        let [keyless, keyed] = [
            verify(dir.path(), &mut |_| {}).expect("readable").findings,
            verify_under(dir.path(), KEY, None, &mut |_| {}).expect("readable").findings,
        ];
        Raw::open(dir.path()).replace("log", &sound);
        [keyless, keyed].map(|findings| findings.join("; "))
    };
    // A bit of what is sealed, and the check mended: who has the key is told, and a hash beside it tells everybody.
    let mend = |raw: &Raw, bit: &dyn Fn(&mut Vec<u8>, usize)| {
        let (key, mut block) = raw.rows("log").remove(1);
        let from = verdict_frame(&block).end;
        bit(&mut block, from);
        let check = Sha256::digest(&block[from..]);
        block[VERDICT_LEN - 8..VERDICT_LEN].copy_from_slice(&check[..8]);
        let (key, block) = checked((key, block));
        raw.put("log", &key, &block);
    };
    let [keyless, keyed] = found(&|raw| mend(raw, &|block, _| *block.last_mut().expect("a tag") ^= 1));
    assert_eq!(keyless, "", "nobody without the key can tell, and nothing that is folded is of it");
    assert!(keyed.contains("what was said from record"), "{keyed}");
    let [keyless, keyed] = found(&|raw| {
        mend(raw, &|block, from| {
            let beside = behind_length(block, from);
            let mut hashes = unpacked(&block[beside.clone()]);
            hashes[0] ^= 1;
            let packed = [&[0], &hashes[..]].concat();
            let length = u16::try_from(packed.len()).expect("no longer").to_le_bytes();
            block.splice(from..beside.end, [&[0xfb], &length[..], &packed].concat());
        })
    });
    assert!(keyless.contains("the tree has another root"), "{keyless}");
    assert!(keyed.contains("what was said is not what the hash beside it says"), "{keyed}");
    // An id that is gone, and one that is of no record.
    let ids = Raw::open(dir.path()).rows("ids");
    let raw = Raw::open(dir.path());
    raw.delete("ids", &ids[0].0);
    drop(raw);
    let told = verify(dir.path(), &mut |_| {}).expect("readable").findings;
    let of = u64::from_le_bytes(ids[0].1.as_slice().try_into().expect("a position"));
    assert!(told[0].contains(&format!("the id of record {of} is not found")), "{told:#?}");
    Raw::open(dir.path()).put("ids", &[0xee; 16], &ids[1].1);
    Raw::open(dir.path()).put("ids", &ids[0].0, &ids[0].1);
    let told = verify(dir.path(), &mut |_| {}).expect("readable").findings;
    assert!(told.iter().any(|finding| finding.contains("event ids are stored, and the log has")), "{told:#?}");
    Raw::open(dir.path()).delete("ids", &[0xee; 16]);
    assert_eq!(ledger::verified(dir.path()).digest, kept.digest);
}

#[test]
fn what_needs_no_key_is_done_without_and_a_proof_shows_what_was_said() {
    let dir = directory();
    let kept = written(dir.path(), Some(KEY));
    let file = dir.path().join("verdicts");
    let head = export_verdicts(dir.path(), &file, &mut |_| {}).expect("the log is whole");
    assert_eq!((head.size, head.root), (kept.records, kept.root));
    assert_eq!(read_export(&file, &[], &mut |_| {}).expect("it is whole").head, head);
    restore(dir.path(), None, STREAM.at(500)).expect("it is a copy");
    let ledger = open_under(dir.path(), Some(KEY)).expect("it opens with its key");
    let handle = ledger.handle();
    let head = handle.tree_head(kept.records).expect("readable").expect("it is as long");
    let seen = |position: u64| {
        let proved = handle.prove_inclusion(Position(position), &head, true).expect("readable");
        let (shown, hashes) = proved.expect("it is in it");
        assert!(head.includes(position - 1, &shown.leaf(), &hashes));
        matches!(shown.cause, ShownCause::Bytes { .. })
    };
    let with_cause = (1..=kept.records).filter(|position| seen(*position)).count() as u64;
    assert_eq!(with_cause, kept.sealed, "each that was said, and no timer");
    drop(handle);
    ledger.close().expect("nothing failed");
    assert_eq!(ledger::verified(dir.path()).digest, kept.digest);
}
