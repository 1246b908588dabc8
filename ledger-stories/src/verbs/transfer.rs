//! Points that members give each other.

use super::{Act, Verb};
use crate::play::Play;
use crate::words::Words;
use ledger_core::event::{self, Body, Name};

pub(super) const VERBS: &[Verb] = &[Verb {
    word: "transfer",
    syntax: &["transfer MEMBER TO POINTS"],
    meaning: "The member gives points to another.",
    example: "
credit M1 100 welcome -> earned 100, available 100, basic
transfer M1 M2 40     -> earned 0, available 60, basic
balance M2            -> available 40, held 0, review 0, debt 0
",
    act: Act::Event(transfer),
}];

fn transfer(_: &Play<'_>, words: &mut Words<'_>) -> Result<Body<Name>, String> {
    let to = words.next()?.into();
    Ok(Body::Transfer(event::Transfer { to, wallet: "".into(), points: words.points()?, note: "".into() }))
}
