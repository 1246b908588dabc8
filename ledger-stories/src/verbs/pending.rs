//! Points that wait until they can be spent.

use super::wallets::purse_now;
use super::{Act, Verb};
use crate::play::{Answer, Play, list};
use crate::words::Words;
use ledger_core::event::{self, Body};

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "settle",
        syntax: &["settle MEMBER ORDER"],
        meaning: "A purchase is final; what waits for that can be spent.",
        example: "
purchase M1 trip 50.00 channel travel -> earned 50 + 100 miles, available 50, pending 100 miles until settled, basic
waits M1 in miles                     -> 100 until settled
settle M1 trip                        -> earned 0, available 50, basic
balance M1 in miles                   -> available 100, held 0, review 0, debt 0
",
        act: Act::Event(|_, words| Ok(Body::Settled(event::Settled { order: words.next()?.into() }))),
    },
    Verb {
        word: "waits",
        syntax: &["waits MEMBER [in WALLET]"],
        meaning: "The member's points that wait, and until when.",
        example: "
purchase M1 trip 50.00 channel travel -> earned 50 + 100 miles, available 50, pending 100 miles until settled, basic
waits M1 in miles                     -> 100 until settled
",
        act: Act::Other(waits),
    },
];

fn waits(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let purse = purse_now(play, words)?;
    Ok(list(", ", purse.waits.iter().map(|(points, at)| format!("{points} until {}", play.show_wait(*at)))))
}
