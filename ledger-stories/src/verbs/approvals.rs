//! Points given and taken by hand, and what several people must stand for.

use super::{Act, Detail, Verb, no_place};
use crate::play::{Answer, Play, list_or_none};
use crate::seen::SeenProposal;
use crate::words::Words;
use ledger_core::event::{self, Body};

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "credit",
        syntax: &["credit MEMBER POINTS REASON"],
        meaning: "Points are given by hand. More than the program lets one person give are only proposed.",
        example: "
credit M1 50 sorry             -> earned 50, available 50, basic
credit M1 1200 sorry by ann    -> earned 0, available 50, basic, proposed
",
        act: Act::Event(|_, words| {
            let points = words.points()?;
            Ok(Body::credit(points, words.next()?))
        }),
    },
    Verb {
        word: "debit",
        syntax: &["debit MEMBER POINTS REASON"],
        meaning: "Points are taken by hand.",
        example: "
credit M1 50 sorry     -> earned 50, available 50, basic
debit M1 20 mistake    -> earned 0, available 30, basic
",
        act: Act::Event(|_, words| {
            let points = words.points()?;
            Ok(Body::debit(points, words.next()?))
        }),
    },
    Verb {
        word: "approve",
        syntax: &["approve MEMBER ID PERSON"],
        meaning: "A person stands for what the event of this id proposed.",
        example: "
credit M1 1200 sorry by ann id c-1 -> earned 0, available 0, basic, proposed
approve M1 c-1 ben                 -> earned 1200, available 1200, basic
",
        act: Act::Event(|play, words| {
            let proposal = play.event_of(words.next()?);
            Ok(Body::Approved(event::Approved { proposal, by: words.next()?.into() }))
        }),
    },
    Verb {
        word: "withdraw",
        syntax: &["withdraw MEMBER ID PERSON REASON"],
        meaning: "A person takes back what the event of this id proposed.",
        example: "
credit M1 1200 sorry by ann id c-1 -> earned 0, available 0, basic, proposed
withdraw M1 c-1 ann typo           -> earned 0, available 0, basic
proposals M1                       -> none
",
        act: Act::Event(|play, words| {
            let proposal = play.event_of(words.next()?);
            let (by, reason) = (words.next()?.into(), words.next()?.into());
            Ok(Body::Withdrawn(event::Withdrawn { proposal, by, reason }))
        }),
    },
    Verb {
        word: "proposals",
        syntax: &["proposals MEMBER [as-of TIME]"],
        meaning: "What was proposed for the member and is open: who stands for it, and when it lapses.",
        example: "
credit M1 1200 sorry by ann -> earned 0, available 0, basic, proposed
proposals M1                -> credit 1200 points by ann until 2026-03-09 10:00
",
        act: Act::Other(proposals),
    },
];

pub(super) const DETAILS: &[Detail] = &[Detail {
    word: "by",
    value: "ann",
    of: &["credit", "debit"],
    meaning: "Who gives or takes.",
    set: |_, saying, name| match saying.body() {
        Body::Credit(event::Credit { by, .. }) | Body::Debit(event::Debit { by, .. }) => {
            *by = name.into();
            Ok(())
        }
        body => Err(no_place(body)),
    },
}];

fn proposals(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let open = play.seen(words)?.proposals;
    let show = |SeenProposal { adjustment, wallet, points, by, lapses_at }| {
        format!("{adjustment} {points} {wallet} by {} until {}", by.join(" and "), play.show(lapses_at))
    };
    Ok(list_or_none(open.into_iter().map(show)))
}
