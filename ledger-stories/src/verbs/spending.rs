//! Redemptions and holds.

use super::{Act, Detail, Verb, no_place};
use crate::play::{Answer, Play};
use crate::words::{Words, read_hours};
use ledger_core::event::{self, Body, Name, RecordRef, SpentRef};
use ledger_core::units::Points;

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "redeem",
        syntax: &["redeem MEMBER POINTS", "redeem MEMBER item ITEM"],
        meaning: "Points are spent. What an item costs may be left out.",
        example: "
credit M1 500 welcome -> earned 500, available 500, basic
redeem M1 40          -> earned 0, available 460, basic
redeem M1 item cup    -> earned 0, available 160, basic
redeem M1 300         -> refused NOT_ENOUGH_POINTS
",
        act: Act::Event(|_, words| Ok(Body::redeem(price(words)?))),
    },
    Verb {
        word: "quote",
        syntax: &["quote MEMBER POINTS", "quote MEMBER item ITEM"],
        meaning: "What a redemption would take, each part with its expiry, or why it would be refused. Nothing is \
                  recorded.",
        example: "
credit M1 50 welcome -> earned 50, available 50, basic
quote M1 40          -> 40 until 2027-03-02 00:00
quote M1 60          -> refused NOT_ENOUGH_POINTS
balance M1           -> available 50, held 0, review 0, debt 0
",
        act: Act::Other(quote),
    },
    Verb {
        word: "hold",
        syntax: &["hold MEMBER HOLD POINTS", "hold MEMBER HOLD item ITEM"],
        meaning: "Points are reserved under a name, until they are captured, voided, or the hold expires.",
        example: "
credit M1 50 welcome    -> earned 50, available 50, basic
hold M1 h-1 30 for 48h  -> earned 0, available 20, basic
balance M1              -> available 20, held 30, review 0, debt 0
at 2026-03-05
balance M1              -> available 50, held 0, review 0, debt 0
",
        act: Act::Event(|_, words| {
            let hold = words.next()?;
            Ok(Body::hold(hold, price(words)?))
        }),
    },
    Verb {
        word: "capture",
        syntax: &["capture MEMBER HOLD [POINTS] [last]"],
        meaning: "Points of a hold are spent, all that are left if no number is said. With `last` the rest is free \
                  again.",
        example: "
credit M1 50 welcome    -> earned 50, available 50, basic
hold M1 h-1 30          -> earned 0, available 20, basic
capture M1 h-1 10       -> earned 0, available 20, basic
capture M1 h-1 5 last   -> earned 0, available 35, basic
balance M1              -> available 35, held 0, review 0, debt 0
",
        act: Act::Event(capture),
    },
    Verb {
        word: "void",
        syntax: &["void MEMBER HOLD"],
        meaning: "A hold is given up; its points are free again.",
        example: "
credit M1 50 welcome -> earned 50, available 50, basic
hold M1 h-1 30       -> earned 0, available 20, basic
void M1 h-1          -> earned 0, available 50, basic
",
        act: Act::Event(|_, words| Ok(Body::Void(event::Void { hold: words.next()?.into() }))),
    },
    Verb {
        word: "extend",
        syntax: &["extend MEMBER HOLD for HOURS"],
        meaning: "A hold lasts so many hours from now.",
        example: "
credit M1 50 welcome    -> earned 50, available 50, basic
hold M1 h-1 30 for 6h   -> earned 0, available 20, basic
extend M1 h-1 for 72h   -> earned 0, available 20, basic
at 2026-03-04
balance M1              -> available 20, held 30, review 0, debt 0
",
        act: Act::Event(|_, words| {
            let hold = words.next()?;
            words.expect("for")?;
            Ok(Body::HoldExtended(event::HoldExtended { hold: hold.into(), ttl_ms: read_hours(words.next()?)? }))
        }),
    },
    Verb {
        word: "give-back",
        syntax: &["give-back MEMBER ORDER|HOLD [POINTS]", "give-back MEMBER of order|hold|event NAME [POINTS]"],
        meaning: "What was spent for an order, or captured from a hold, comes back with its old expiry: so many \
                  points, or all that are left of it. It names the record that spent them, or, with `of`, the order, \
                  the hold or the id of the event, which may be still to come.",
        example: "
credit M1 50 welcome      -> earned 50, available 50, basic
redeem M1 40 order o-1    -> earned 0, available 10, basic
give-back M1 o-1 10       -> earned 0, available 20, basic
give-back M1 o-1          -> earned 0, available 50, basic
give-back M1 of order o-2 -> earned 0, available 50, basic, parked
redeem M1 40 order o-2    -> earned 0, available 50, basic
",
        act: Act::Event(|play, words| {
            let redemption = spent(play, words)?;
            Ok(Body::RedeemRefunded(event::RedeemRefunded { redemption, points: words.some_points() }))
        }),
    },
];

pub(super) const DETAILS: &[Detail] = &[
    Detail {
        word: "order",
        value: "o-1",
        of: &["redeem", "quote", "hold"],
        meaning: "For which order points are spent.",
        set: |_, saying, name| match saying.body() {
            Body::Redeem(event::Redeem { order, .. }) | Body::Hold(event::Hold { order, .. }) => {
                *order = name.into();
                Ok(())
            }
            body => Err(no_place(body)),
        },
    },
    Detail {
        word: "total",
        value: "80.00",
        of: &["redeem", "quote", "hold"],
        meaning: "What the order comes to, where the program lets points pay for a share of it only.",
        set: |play, saying, text| match saying.body() {
            Body::Redeem(event::Redeem { total, .. }) | Body::Hold(event::Hold { total, .. }) => {
                *total = Some(play.money(text)?);
                Ok(())
            }
            body => Err(no_place(body)),
        },
    },
    Detail {
        word: "for",
        value: "48h",
        of: &["hold"],
        meaning: "How long a hold lasts; otherwise as the program says.",
        set: |_, saying, text| match saying.body() {
            Body::Hold(event::Hold { ttl_ms, .. }) => {
                *ttl_ms = read_hours(text)?;
                Ok(())
            }
            body => Err(no_place(body)),
        },
    },
];

/// How many points; none where an item is named instead, which is a detail and stays.
fn price(words: &mut Words<'_>) -> Result<Points, String> {
    if words.peek() == Some("item") { Ok(Points::ZERO) } else { words.points() }
}

fn spent(play: &Play<'_>, words: &mut Words<'_>) -> Result<SpentRef, String> {
    if !words.take("of") {
        return Ok(SpentRef::Record(RecordRef::Position(play.spent_for(words.next()?))));
    }
    let (what, name) = (words.next()?, words.next()?);
    match what {
        "order" => Ok(SpentRef::Order(name.into())),
        "hold" => Ok(SpentRef::Hold(name.into())),
        "event" => Ok(SpentRef::Record(play.event_of(name))),
        _ => Err("points are given back of an order, a hold or an event".into()),
    }
}

fn quote(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let member = words.next()?;
    let mut saying = play.asking(Body::redeem(price(words)?), member);
    play.read_details(&mut saying, words)?;
    match play.stage.quote(member, &saying.said.event.body, play.at)? {
        Ok(lots) => Ok(play.show_lots(&lots)),
        Err(refusal) => Ok(format!("refused {}", refusal.reason())),
    }
}

fn capture(_: &Play<'_>, words: &mut Words<'_>) -> Result<Body<Name>, String> {
    let hold = words.next()?.into();
    let points = words.some_points();
    Ok(Body::Capture(event::Capture { hold, points, last: words.take("last") }))
}
