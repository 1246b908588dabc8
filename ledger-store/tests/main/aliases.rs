//! Aliases: a name that moves from member to member is found where it is now, whatever rows the last
//! snapshot left, and what was said under it before is known again.

use crate::ledger::{self, directory, member, open, say};
use crate::said::{BEGIN, HARBOUR, Random, event, publish, purchase};
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, MemberNo};
use ledger_store::{Handle, rebuild};

const MEMBERS: u64 = 4;
const CARDS: u64 = 3;

fn card(n: u64) -> String {
    format!("card:{n}")
}

fn name(n: u64) -> String {
    format!("m{n}")
}

/// One more event that may concern a card: it is linked, unlinked, or used.
fn next(random: &mut Random, id: u64) -> Event<Name> {
    let at = At(BEGIN.0 + 1_000 * id as i64);
    let (who, alias) = (name(random.below(MEMBERS)), card(random.below(CARDS)));
    let kind: Name = "card".into();
    let id = format!("e-{id}");
    match random.below(4) {
        0 | 1 => event("desk", &id, at, &who, Body::AliasLinked(event::AliasLinked { kind, alias: alias.into() })),
        2 => event("desk", &id, at, &who, Body::AliasUnlinked(event::AliasUnlinked { kind, alias: alias.into() })),
        _ => event("till", &id, at, &alias, Body::redeem(ledger_core::units::Points(1))),
    }
}

/// Who has each card.
fn owners(handle: &Handle) -> Vec<Option<MemberNo>> {
    let owner = |n| handle.member(&card(n)).wait().expect("the shard works").map(|view| view.no);
    (0..CARDS).map(owner).collect()
}

#[test]
fn an_alias_is_found_where_it_is_now_after_every_opening() {
    let (mut random, _) = Random::seeded();
    let dir = directory();
    // Small snapshots, so that rows of many positions meet the tail of the log.
    let mut ledger = open(dir.path(), 7);
    say(&ledger.handle(), vec![publish(HARBOUR, BEGIN)]);
    let enrol =
        |n| event("desk", &format!("m-{n}"), BEGIN, &name(n), Body::Enrolled(event::Enrolled { birthday: None }));
    say(&ledger.handle(), (0..MEMBERS).map(enrol).collect());
    let mut said = Vec::new();
    let mut own: Vec<Option<MemberNo>> = vec![None; CARDS as usize];
    for round in 0..40u64 {
        let events: Vec<_> = (0..20).map(|n| next(&mut random, 1 + round * 20 + n)).collect();
        let outcomes = say(&ledger.handle(), events.clone());
        for (event, outcome) in events.iter().zip(&outcomes) {
            let (alias, linked) = match &event.body {
                Body::AliasLinked(event::AliasLinked { alias, .. }) => (alias, true),
                Body::AliasUnlinked(event::AliasUnlinked { alias, .. }) => (alias, false),
                _ => continue,
            };
            let at = (0..CARDS).position(|n| *card(n) == **alias).expect("one of the cards");
            let who = member(&ledger.handle(), &event.member).no;
            let may = if linked { own[at].is_none() } else { own[at] == Some(who) };
            let refusal = if linked { Refusal::AliasTaken } else { Refusal::AliasUnknown };
            assert_eq!(outcome.refusal, (!may).then_some(refusal), "{event:?}");
            if may {
                own[at] = linked.then_some(who);
            }
        }
        assert_eq!(owners(&ledger.handle()), own, "before it closes");
        said.extend(events.into_iter().zip(outcomes));
        match random.below(3) {
            0 => drop(ledger), // As it is: no snapshot at the end.
            _ => ledger.close().expect("nothing failed"),
        }
        if random.one_in(8) {
            rebuild(dir.path()).expect("the log is whole");
        }
        ledger = open(dir.path(), 7);
        assert_eq!(owners(&ledger.handle()), own, "after it opened again");
    }
    // Whatever was said under a card, to whomever it belonged then, is known again.
    for (event, first) in &said {
        let again = say(&ledger.handle(), vec![event.clone()]).remove(0);
        assert!(again.duplicate, "{event:?}");
        assert_eq!((again.position, again.refusal), (first.position, first.refusal), "{event:?}");
    }
    ledger.close().expect("nothing failed");
    ledger::verified(dir.path());
}

#[test]
fn no_alias_is_on_disk_in_clear() {
    let dir = directory();
    let ledger = open(dir.path(), 1_000);
    let secret = "4929-1234-5678";
    let alias: Name = format!("card:{secret}").into();
    say(
        &ledger.handle(),
        vec![
            publish(HARBOUR, BEGIN),
            event("desk", "1", BEGIN, "m1", Body::Enrolled(event::Enrolled { birthday: None })),
            event(
                "desk",
                "2",
                BEGIN,
                "m1",
                Body::AliasLinked(event::AliasLinked { kind: "card".into(), alias: alias.clone() }),
            ),
            event("till", "3", BEGIN, &alias, purchase("o-1", 20_00)),
            event(
                "till",
                "4",
                BEGIN,
                "m1",
                Body::AliasLinked(event::AliasLinked { kind: "card".into(), alias: alias.clone() }),
            ),
            event("till", "5", BEGIN, "m1", Body::AliasUnlinked(event::AliasUnlinked { kind: "card".into(), alias })),
        ],
    );
    let spelled = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    for (_, record) in ledger::log_from(&ledger.handle(), ledger_core::units::Position(1)) {
        let (mut verdict, mut cause) = (Vec::new(), Vec::new());
        record.encode(&mut verdict, &mut cause).expect("everything stored can be encoded");
        assert!(!spelled(&verdict) && !spelled(&cause), "{record:?}");
    }
    ledger.close().expect("nothing failed");
    for family in crate::raw::FAMILIES {
        assert!(crate::raw::Raw::open(dir.path()).rows(family).iter().all(|(_, value)| !spelled(value)), "{family}");
    }
}
