//! Members that save together.

use super::{Act, Verb};
use crate::play::{Answer, Play};
use crate::words::Words;
use ledger_core::event::{self, Body};

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "join",
        syntax: &["join MEMBER HOUSEHOLD"],
        meaning: "The member shares what it earns with a household, which is a member too.",
        example: "
enrol home            -> earned 0, available 0, basic
join M1 home          -> earned 0, available 0, basic
purchase M1 o-1 20.00 -> earned 20, available 10, basic
balance home          -> available 10, held 0, review 0, debt 0
",
        act: Act::Event(|_, words| {
            Ok(Body::HouseholdJoined(event::HouseholdJoined { household: words.next()?.into() }))
        }),
    },
    Verb {
        word: "leave",
        syntax: &["leave MEMBER"],
        meaning: "The member shares no more.",
        example: "
enrol home   -> earned 0, available 0, basic
join M1 home -> earned 0, available 0, basic
leave M1     -> earned 0, available 0, basic
household M1 -> none
",
        act: Act::Event(|_, _| Ok(Body::HouseholdLeft(event::HouseholdLeft))),
    },
    Verb {
        word: "household",
        syntax: &["household MEMBER [as-of TIME]"],
        meaning: "Whether the member is in a household, or how many share with it.",
        example: "
enrol home     -> earned 0, available 0, basic
household M1   -> none
join M1 home   -> earned 0, available 0, basic
household M1   -> in one
household home -> of 1
",
        act: Act::Other(household),
    },
];

fn household(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let seen = play.seen(words)?;
    Ok(match (seen.in_household, seen.household_members) {
        (true, _) => "in one".to_string(),
        (false, 0) => "none".to_string(),
        (false, members) => format!("of {members}"),
    })
}
