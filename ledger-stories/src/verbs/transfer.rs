//! Points that members give each other, and points of another system.

use super::{Act, Detail, Verb, no_place};
use crate::play::Play;
use crate::words::Words;
use ledger_core::event::{self, Body, Name, OpeningLot};
use ledger_core::units::Points;

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "transfer",
        syntax: &["transfer MEMBER TO POINTS"],
        meaning: "The member gives points to another.",
        example: "
credit M1 100 welcome -> earned 100, available 100, basic
transfer M1 M2 40     -> earned 0, available 60, basic
balance M2            -> available 40, held 0, review 0, debt 0
",
        act: Act::Event(transfer),
    },
    Verb {
        word: "import",
        syntax: &["import MEMBER LOT"],
        meaning: "Opening balances of another system, each lot written POINTS/EARNED/EXPIRES. Without an expiry it \
                  lives as if it was earned here.",
        example: "
import M1 500/2025-11-05 and 250/2025-01-10/2026-12-31 -> earned 750, available 750, basic
lots M1                                                -> 500 until 2026-11-05 00:00, 250 until 2026-12-31 00:00
",
        act: Act::Event(|play, words| {
            let lots = vec![lot_of(play, words.next()?)?];
            Ok(Body::Imported(event::Imported { wallet: "".into(), lots }))
        }),
    },
];

pub(super) const DETAILS: &[Detail] = &[Detail {
    word: "and",
    value: "10/2025-12-01",
    of: &["import"],
    meaning: "One more lot.",
    set: |play, saying, text| match saying.body() {
        Body::Imported(event::Imported { lots, .. }) => {
            lots.push(lot_of(play, text)?);
            Ok(())
        }
        body => Err(no_place(body)),
    },
}];

fn transfer(_: &Play<'_>, words: &mut Words<'_>) -> Result<Body<Name>, String> {
    let to = words.next()?.into();
    Ok(Body::Transfer(event::Transfer { to, wallet: "".into(), points: words.points()?, note: "".into() }))
}

fn lot_of(play: &Play<'_>, text: &str) -> Result<OpeningLot, String> {
    let mut fields = text.split('/');
    let mut field = || fields.next().filter(|field| !field.is_empty());
    let points = field().and_then(|points| points.parse().ok()).ok_or_else(|| format!("{text:?} has no points"))?;
    let earned_at = field().ok_or_else(|| format!("{text:?} does not say when it was earned"))?;
    let expires_at = field().map(|at| play.time(at)).transpose()?;
    Ok(OpeningLot { points: Points(points), earned_at: play.time(earned_at)?, expires_at })
}
