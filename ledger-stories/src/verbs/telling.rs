//! What belongs to no feature: programs, time, events that come again, and what is said of every event.

use super::{Act, Detail, Verb};
use crate::play::{Answer, Play, Saying, list};
use crate::words::Words;
use ledger_core::event::{self, Body, Name};

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "publish",
        syntax: &["publish PROGRAM"],
        meaning: "Puts a program in force: the file PROGRAM.toml beside the story. Times and money are read as it \
                  writes them.",
        example: "
publish example -> ok
",
        act: Act::Other(publish),
    },
    Verb {
        word: "at",
        syntax: &["at DATE", "at DATE TIME"],
        meaning: "Sets the ledger's time, in the program's time zone. What follows is said at that time. An earlier \
                  one says what is told late: the ledger's time does not go back.",
        example: "
check-in M1 -> earned 5, available 5, basic
at 2026-03-03
check-in M1 -> earned 5, available 10, basic
at 2026-03-03 18:30:05
lots M1     -> 5 until 2027-03-02 00:00, 5 until 2027-03-03 00:00
",
        act: Act::Other(go_to),
    },
    Verb {
        word: "again",
        syntax: &["again"],
        meaning: "Says the last event once more. Nothing changes, and the first answer comes again.",
        example: "
check-in M1 -> earned 5, available 5, basic
again       -> again earned 5, available 5, basic
balance M1  -> available 5, held 0, review 0, debt 0
",
        act: Act::Other(again),
    },
    Verb {
        word: "tick",
        syntax: &["tick"],
        meaning: "Brings time to everybody: whatever is due is recorded.",
        example: "
check-in M1   -> earned 5, available 5, basic
at 2027-04-01
tick          -> ok
totals        -> issued 5 = expired 5 + outstanding 0, liability 0.00
",
        act: Act::Other(tick),
    },
    Verb {
        word: "why",
        syntax: &["why"],
        meaning: "Why the last event came to what it did: what each rule gave or asks for, or the numbers that a \
                  refusal rests on.",
        example: "
purchase M1 o-1 20.00 -> earned 20, available 20, basic
why                   -> base gave 20, trip asks for channels
redeem M1 50          -> refused NOT_ENOUGH_POINTS
why                   -> asked 50, available 20, held 0, in_review 0, pending 0, exchanging 0, debt 0
",
        act: Act::Other(why),
    },
    Verb {
        word: "duplicates",
        syntax: &["duplicates"],
        meaning: "How many events came again.",
        example: "
check-in M1
again
duplicates  -> 1
",
        act: Act::Other(duplicates),
    },
];

pub(super) const DETAILS: &[Detail] = &[
    Detail {
        word: "id",
        value: "till-7-0001",
        of: &[],
        meaning: "The id of the event; otherwise one that no other has.",
        set: |_, saying, id| {
            saying.said.event.id = id.into();
            Ok(())
        },
    },
    Detail {
        word: "occurred",
        value: "2026-03-01",
        of: &[],
        meaning: "The date on which it happened; otherwise it happens as it is said.",
        set: |play, saying, date| {
            saying.said.event.occurred_at = play.time(date)?;
            Ok(())
        },
    },
    Detail {
        word: "channel",
        value: "web",
        of: &[],
        meaning: "By which channel it came.",
        set: |_, saying, name| origin(saying, |origin| &mut origin.channel, name),
    },
    Detail {
        word: "store",
        value: "s-12",
        of: &[],
        meaning: "In which store it happened.",
        set: |_, saying, name| origin(saying, |origin| &mut origin.store, name),
    },
    Detail {
        word: "terminal",
        value: "t-3",
        of: &[],
        meaning: "At which terminal.",
        set: |_, saying, name| origin(saying, |origin| &mut origin.terminal, name),
    },
    Detail {
        word: "employee",
        value: "ann",
        of: &[],
        meaning: "Who served.",
        set: |_, saying, name| origin(saying, |origin| &mut origin.employee, name),
    },
    Detail {
        word: "partner",
        value: "baker",
        of: &[],
        meaning: "Of which partner it is.",
        set: |_, saying, name| origin(saying, |origin| &mut origin.partner, name),
    },
    Detail {
        word: "history",
        value: "yes",
        of: &["enrol", "purchase", "check-in", "refer", "action"],
        meaning: "Another system has rewarded it: it counts, and gives nothing.",
        set: |_, saying, text| {
            saying.said.event.origin.get_or_insert_default().history = text == "yes";
            Ok(())
        },
    },
];

fn publish(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let text = play.read_program(words.next()?)?;
    play.say(Body::ProgramPublished(event::ProgramPublished { text: text.into() }))
}

fn go_to(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    play.at = play.time(&words.all())?;
    Ok(String::new())
}

fn again(play: &mut Play<'_>, _: &mut Words<'_>) -> Answer {
    play.say_again()
}

fn tick(play: &mut Play<'_>, _: &mut Words<'_>) -> Answer {
    play.say(Body::Tick(event::Tick { up_to: play.at })).map(|_| "ok".to_string())
}

fn why(play: &mut Play<'_>, _: &mut Words<'_>) -> Answer {
    let why = play.stage.why(play.recorded)?;
    Ok(list(", ", why.iter().map(ToString::to_string)))
}

fn duplicates(play: &mut Play<'_>, _: &mut Words<'_>) -> Answer {
    Ok(play.stage.ledger()?.duplicates.to_string())
}

/// Sets a field of the event's origin.
fn origin(saying: &mut Saying, field: fn(&mut event::Origin<Name>) -> &mut Name, name: &str) -> Result<(), String> {
    let origin = saying.said.event.origin.get_or_insert_default();
    *field(origin) = name.into();
    Ok(())
}
