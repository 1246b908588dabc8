//! Members that turn out to be one, and not.

use super::{Act, Verb};
use ledger_core::event::{self, Body};

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "merge",
        syntax: &["merge MEMBER FROM"],
        meaning: "Another member turns out to be this one; what it has is added, and its name names this one.",
        example: "
credit M1 50 welcome -> earned 50, available 50, basic
credit M2 30 welcome -> earned 30, available 30, basic
merge M1 M2          -> earned 0, available 80, basic
check-in M2          -> earned 5, available 85, basic
balance M1           -> available 85, held 0, review 0, debt 0
",
        act: Act::Event(|_, words| Ok(Body::Merged(event::Merged { from: words.next()?.into() }))),
    },
    Verb {
        word: "unmerge",
        syntax: &["unmerge MEMBER FROM"],
        meaning: "They turn out to be two after all; each has again what it had.",
        example: "
credit M1 50 welcome -> earned 50, available 50, basic
credit M2 30 welcome -> earned 30, available 30, basic
merge M1 M2          -> earned 0, available 80, basic
unmerge M1 M2        -> earned 0, available 50, basic
balance M2           -> available 30, held 0, review 0, debt 0
",
        act: Act::Event(|_, words| Ok(Body::Unmerged(event::Unmerged { from: words.next()?.into() }))),
    },
];
