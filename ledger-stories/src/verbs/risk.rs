//! What is counted, the cases that come of it, and the keys that events are counted by.

use super::{Act, Detail, Verb};
use crate::play::{Answer, Play, Saying, list, list_or_none};
use crate::words::Words;
use ledger_core::calendar::show_day;
use ledger_core::event::{self, Body, Finding, RecordRef, RiskKind};

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "counter",
        syntax: &["counter MEMBER COUNTER"],
        meaning: "What a counter of the member says in its window, and what it ever counted.",
        example: "
check-in M1        -> earned 5, available 5, basic
check-in M1        -> earned 5, available 10, basic
counter M1 visits  -> 2 now, 2 ever
at 2026-03-05
counter M1 visits  -> 0 now, 2 ever
",
        act: Act::Other(counter),
    },
    Verb {
        word: "cases",
        syntax: &["cases"],
        meaning: "All cases: the rule, how the case stands, what its counter said, and the members concerned.",
        example: "
check-in M1 device d-1 -> earned 5, available 5, basic
check-in M2 device d-1 -> earned 5, available 0, basic
cases                  -> farm open at 2: M1 M2
balance M2             -> available 0, held 0, review 5, debt 0
",
        act: Act::Other(cases),
    },
    Verb {
        word: "resolve",
        syntax: &["resolve CASE legitimate|fraud", "resolve event ID legitimate|fraud"],
        meaning: "Ends a case, which is named by its place among all cases, from 1, or by the id of an event by which \
                  it was opened or joined, which may be still to come.",
        example: "
check-in M1 device d-1 -> earned 5, available 5, basic
check-in M2 device d-1 -> earned 5, available 0, basic
resolve 1 legitimate   -> ok
cases                  -> farm legitimate at 2: M1 M2
balance M2             -> available 5, held 0, review 0, debt 0
",
        act: Act::Other(resolve),
    },
    Verb {
        word: "parked-cases",
        syntax: &["parked-cases"],
        meaning: "The dates on which cases were resolved that are still to be opened.",
        example: "
resolve event s-9 fraud -> ok
parked-cases            -> 2026-03-02
",
        act: Act::Other(|play, _| Ok(list_or_none(play.stage.ledger()?.deferred.into_iter().map(show_day)))),
    },
];

pub(super) const DETAILS: &[Detail] = &[
    Detail {
        word: "device",
        value: "d-1",
        of: &[],
        meaning: "From which device it came.",
        set: |_, saying, value| key(saying, RiskKind::Device, value),
    },
    Detail {
        word: "ip",
        value: "192.0.2.7",
        of: &[],
        meaning: "From which address of the network.",
        set: |_, saying, value| key(saying, RiskKind::Ip, value),
    },
    Detail {
        word: "ip_prefix",
        value: "192.0.2",
        of: &[],
        meaning: "From which part of the network.",
        set: |_, saying, value| key(saying, RiskKind::IpPrefix, value),
    },
    Detail {
        word: "phone",
        value: "p-1",
        of: &[],
        meaning: "With which telephone.",
        set: |_, saying, value| key(saying, RiskKind::Phone, value),
    },
    Detail {
        word: "payment",
        value: "c-1",
        of: &[],
        meaning: "Paid with what.",
        set: |_, saying, value| key(saying, RiskKind::Payment, value),
    },
    Detail {
        word: "address",
        value: "a-1",
        of: &[],
        meaning: "Sent to where.",
        set: |_, saying, value| key(saying, RiskKind::Address, value),
    },
];

fn key(saying: &mut Saying, kind: RiskKind, value: &str) -> Result<(), String> {
    saying.said.keys.push((kind, value.into()));
    Ok(())
}

fn counter(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let (member, name) = (words.next()?, words.next()?);
    if !play.has_counter(name) {
        return Err(format!("no counter {name:?}"));
    }
    let told = play.stage.counters(member, play.at)?.into_iter().find(|counter| counter.name == name);
    let (now, ever) = told.map_or((0, 0), |counter| (counter.window, counter.total));
    Ok(format!("{now} now, {ever} ever"))
}

fn cases(play: &mut Play<'_>, _: &mut Words<'_>) -> Answer {
    let cases = play.stage.ledger()?.cases.into_iter();
    let told = cases.map(|case| format!("{} {} at {}: {}", case.rule, case.state, case.value, case.members.join(" ")));
    Ok(list("; ", told))
}

fn resolve(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let case = words.next()?;
    let case = if case == "event" { play.event_of(words.next()?) } else { nth_case(play, case)? };
    let finding = match words.next()? {
        "legitimate" => Finding::Legitimate,
        "fraud" => Finding::Fraud,
        _ => return Err("a case is resolved as legitimate or fraud".into()),
    };
    play.say(Body::CaseResolved(event::CaseResolved { case, finding, note: "".into() }))
}

fn nth_case(play: &mut Play<'_>, nth: &str) -> Result<RecordRef, String> {
    let n: usize = nth.parse().map_err(|_| "cases are counted from 1")?;
    let cases = play.stage.ledger()?.cases;
    let case = n.checked_sub(1).and_then(|n| cases.get(n)).ok_or("there is no such case")?;
    Ok(RecordRef::Position(case.position))
}
