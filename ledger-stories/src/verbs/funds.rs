//! Funds that points are given to.

use super::{Act, Verb};
use crate::play::{Answer, Play, list};
use crate::words::Words;
use ledger_core::event::{self, Body};

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "donate",
        syntax: &["donate MEMBER POINTS FUND"],
        meaning: "The member gives points to a fund of the program.",
        example: "
credit M1 100 welcome -> earned 100, available 100, basic
donate M1 30 trees    -> earned 0, available 70, basic
",
        act: Act::Event(|_, words| {
            let points = words.points()?;
            Ok(Body::Donate(event::Donate { fund: words.next()?.into(), points }))
        }),
    },
    Verb {
        word: "funds",
        syntax: &["funds"],
        meaning: "What each fund was given.",
        example: "
credit M1 100 welcome -> earned 100, available 100, basic
donate M1 30 trees    -> earned 0, available 70, basic
funds                 -> trees has 30 points
",
        act: Act::Other(funds),
    },
];

fn funds(play: &mut Play<'_>, _: &mut Words<'_>) -> Answer {
    let told = play.tallies("fund")?.into_iter();
    Ok(list(", ", told.map(|one| format!("{} has {} {}", one.name, one.figure("given"), one.wallet))))
}
