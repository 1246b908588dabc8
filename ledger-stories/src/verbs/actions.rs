//! Whatever else members do.

use super::{Act, Detail, Verb, no_place};
use ledger_core::event::{self, Body, Name};

pub(super) const VERBS: &[Verb] = &[Verb {
    word: "action",
    syntax: &["action MEMBER KIND"],
    meaning: "The member does something of this kind.",
    example: "
action M1 shared                       -> earned 0, available 0, basic
action M1 posted target note-3 value 3 -> earned 0, available 0, basic
",
    act: Act::Event(|_, words| {
        Ok(Body::Action(event::Action { kind: words.next()?.into(), target: "".into(), value: 0 }))
    }),
}];

pub(super) const DETAILS: &[Detail] = &[
    Detail {
        word: "target",
        value: "video-17",
        of: &["action"],
        meaning: "What it does it to.",
        set: |_, saying, text| {
            acted(saying.body())?.target = text.into();
            Ok(())
        },
    },
    Detail {
        word: "value",
        value: "90",
        of: &["action"],
        meaning: "How much of it.",
        set: |_, saying, text| {
            acted(saying.body())?.value = text.parse().map_err(|_| format!("{text:?} is no number"))?;
            Ok(())
        },
    },
];

/// An action.
fn acted(body: &mut Body<Name>) -> Result<&mut event::Action, String> {
    match body {
        Body::Action(action) => Ok(action),
        body => Err(no_place(body)),
    }
}
