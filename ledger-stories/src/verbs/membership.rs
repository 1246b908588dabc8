//! Who is a member, and how its life goes.

use super::{Act, Verb};
use crate::play::{Answer, Play, list_or_none};
use crate::words::Words;
use ledger_core::event::{self, Body, Name};
use ledger_core::units::MonthDay;

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "enrol",
        syntax: &["enrol MEMBER [birthday MM-DD]"],
        meaning: "The member joins the program. Who earns before that is a member too, and may enrol later.",
        example: "
enrol M3 birthday 05-17 -> earned 0, available 0, basic
enrol M3                -> refused ALREADY_ENROLLED
",
        act: Act::Event(enrol),
    },
    Verb {
        word: "attribute",
        syntax: &["attribute MEMBER NAME NUMBER"],
        meaning: "Sets an attribute of the member that rules may ask for.",
        example: "
attribute M1 stage 3 -> earned 0, available 0, basic
check-in M1          -> earned 7, available 7, basic
",
        act: Act::Event(attribute),
    },
    Verb {
        word: "freeze",
        syntax: &["freeze MEMBER earn|redeem|all"],
        meaning: "Stops the member from earning, from redeeming, or from both.",
        example: "
freeze M1 redeem -> earned 0, available 0, basic
redeem M1 1      -> refused MEMBER_FROZEN
life M1          -> frozen redeem
",
        act: Act::Event(|_, words| Ok(Body::Frozen(event::Frozen { scope: words.scope()?, reason: "".into() }))),
    },
    Verb {
        word: "unfreeze",
        syntax: &["unfreeze MEMBER earn|redeem|all"],
        meaning: "Ends a freeze, or that part of it.",
        example: "
freeze M1 all    -> earned 0, available 0, basic
unfreeze M1 earn -> earned 0, available 0, basic
life M1          -> frozen redeem
",
        act: Act::Event(|_, words| Ok(Body::Unfrozen(event::Unfrozen { scope: words.scope()?, reason: "".into() }))),
    },
    Verb {
        word: "close",
        syntax: &["close MEMBER"],
        meaning: "Closes the member for good. Its points are void at once, which a record of its own says.",
        example: "
check-in M1 -> earned 5, available 5, basic
close M1    -> earned 0, available 5, basic
balance M1  -> available 0, held 0, review 0, debt 0
check-in M1 -> earned 0, available 0, basic
life M1     -> closed
",
        act: Act::Event(|_, _| Ok(Body::Closed(event::Closed { reason: "".into() }))),
    },
    Verb {
        word: "link",
        syntax: &["link MEMBER KIND NAME"],
        meaning: "Gives the member another name, as a card's; written KIND:NAME it names the member from then on.",
        example: "
link M1 card 4711   -> earned 0, available 0, basic
check-in card:4711  -> earned 5, available 5, basic
life M1             -> card
",
        act: Act::Event(|_, words| {
            let (kind, alias) = alias(words)?;
            Ok(Body::AliasLinked(event::AliasLinked { kind, alias }))
        }),
    },
    Verb {
        word: "unlink",
        syntax: &["unlink MEMBER KIND NAME"],
        meaning: "Takes that name away.",
        example: "
link M1 card 4711   -> earned 0, available 0, basic
unlink M1 card 4711 -> earned 0, available 0, basic
life M1             -> ordinary
",
        act: Act::Event(|_, words| {
            let (kind, alias) = alias(words)?;
            Ok(Body::AliasUnlinked(event::AliasUnlinked { kind, alias }))
        }),
    },
    Verb {
        word: "life",
        syntax: &["life MEMBER [as-of TIME]"],
        meaning: "Whether the member is frozen or closed, and what kinds of other names it has; otherwise `ordinary`.",
        example: "
life M1                 -> ordinary
at 2026-03-04
freeze M1 earn          -> earned 0, available 0, basic
life M1                 -> frozen earn
life M1 as-of 2026-03-03 -> ordinary
",
        act: Act::Other(life),
    },
];

fn enrol(_: &Play<'_>, words: &mut Words<'_>) -> Result<Body<Name>, String> {
    let Some(date) = words.behind("birthday")? else {
        return Ok(Body::Enrolled(event::Enrolled { birthday: None }));
    };
    let (month, day) = date.split_once('-').ok_or("a birthday is MM-DD")?;
    let number = |text: &str| text.parse::<u8>().map_err(|_| "a birthday is MM-DD".to_string());
    let birthday = Some(MonthDay { month: number(month)?, day: number(day)? });
    Ok(Body::Enrolled(event::Enrolled { birthday }))
}

fn attribute(_: &Play<'_>, words: &mut Words<'_>) -> Result<Body<Name>, String> {
    let (name, value) = (words.next()?, words.next()?);
    let value = value.parse().map_err(|_| format!("{value:?} is no number"))?;
    Ok(Body::AttributesSet(event::AttributesSet { attributes: vec![(name.into(), value)] }))
}

/// A name's kind, and the whole name.
fn alias(words: &mut Words<'_>) -> Result<(Box<str>, Box<str>), String> {
    let (kind, name) = (words.next()?, words.next()?);
    Ok((kind.into(), format!("{kind}:{name}").into()))
}

fn life(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let seen = play.seen(words)?;
    let frozen = seen.frozen.map(|scope| format!("frozen {}", scope.name()));
    let closed = seen.closed.then(|| "closed".to_string());
    let told = list_or_none(frozen.into_iter().chain(closed).chain(seen.aliases));
    Ok(if told == "none" { "ordinary".to_string() } else { told })
}
