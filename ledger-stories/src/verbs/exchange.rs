//! Points that become another program's, and its units that become points.

use super::{Act, Verb};
use crate::play::{Answer, Play, list, list_or_none};
use crate::seen::SeenExchange;
use crate::words::Words;
use ledger_core::event::{self, Body, Name};

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "exchange",
        syntax: &[
            "exchange MEMBER out POINTS to EXCHANGE REFERENCE",
            "exchange MEMBER in UNITS from EXCHANGE REFERENCE",
            "exchange MEMBER accepted|refused EXCHANGE REFERENCE",
        ],
        meaning: "Points are to become a partner's units, or units are to become points, under a reference of the \
                  partner's; then the partner says whether it agrees.",
        example: "
credit M1 600 welcome                 -> earned 600, available 600, basic
exchange M1 out 300 to skyhigh r-1    -> earned 0, available 300, basic
exchanges M1                          -> skyhigh r-1 300 out for 200 until 2026-03-05 10:00
exchange M1 accepted skyhigh r-1      -> earned 0, available 300, basic
exchange M1 in 100 from skyhigh r-2   -> earned 0, available 300, basic
exchange M1 refused skyhigh r-2       -> earned 0, available 300, basic
balance M1                            -> available 300, held 0, review 0, debt 0
",
        act: Act::Event(exchange),
    },
    Verb {
        word: "exchanges",
        syntax: &["exchanges MEMBER [as-of TIME]", "exchanges"],
        meaning: "The member's exchanges that are open; without a member, what was exchanged with each partner.",
        example: "
credit M1 600 welcome                 -> earned 600, available 600, basic
exchange M1 out 300 to skyhigh r-1    -> earned 0, available 300, basic
exchanges M1                          -> skyhigh r-1 300 out for 200 until 2026-03-05 10:00
exchange M1 accepted skyhigh r-1      -> earned 0, available 300, basic
exchanges                             -> skyhigh: 300 became 200, 0 came of 0
",
        act: Act::Other(exchanges),
    },
];

fn exchange(_: &Play<'_>, words: &mut Words<'_>) -> Result<Body<Name>, String> {
    let way = words.next()?;
    let number = if matches!(way, "out" | "in") { Some(words.points()?) } else { None };
    match way {
        "out" => words.expect("to")?,
        "in" => words.expect("from")?,
        _ => {}
    }
    let (exchange, reference) = (words.next()?.into(), words.next()?.into());
    Ok(match (way, number) {
        ("out", Some(points)) => Body::ExchangeOut(event::ExchangeOut { exchange, reference, points }),
        ("in", Some(units)) => Body::ExchangeIn(event::ExchangeIn { exchange, reference, units: units.0 }),
        ("accepted" | "refused", _) => {
            Body::ExchangeSettled(event::ExchangeSettled { exchange, reference, accepted: way == "accepted" })
        }
        _ => return Err(words.verb().is_written()),
    })
}

fn exchanges(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    if words.peek().is_none() {
        let told = play.tallies("exchange")?.into_iter().map(|one| {
            let figure = |name| one.figure(name);
            let out = format!("{} became {}", figure("points_out"), figure("units_out"));
            format!("{}: {out}, {} came of {}", one.name, figure("points_in"), figure("units_in"))
        });
        return Ok(list("; ", told));
    }
    let open = play.seen(words)?.exchanges;
    let show = |SeenExchange { exchange, reference, inward, points, units, lapses_at }| {
        let way = if inward { format!("{units} in for {points}") } else { format!("{points} out for {units}") };
        format!("{exchange} {reference} {way} until {}", play.show(lapses_at))
    };
    Ok(list_or_none(open.into_iter().map(show)))
}
