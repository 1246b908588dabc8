//! Dates that are put off, and points that come back after they died.

use super::{Act, Verb};
use ledger_core::event::{self, Body};

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "prolong",
        syntax: &["prolong MEMBER POINTS|all DATE REASON"],
        meaning: "The points that die first live until a later date.",
        example: "
credit M1 50 welcome                -> earned 50, available 50, basic
prolong M1 20 2028-01-01 goodwill   -> earned 0, available 50, basic
lots M1                             -> 30 until 2027-03-02 00:00, 20 until 2028-01-01 00:00
",
        act: Act::Event(|play, words| {
            let points = words.points_or_all()?;
            let expires_at = play.time(words.next()?)?;
            let (wallet, reason) = ("".into(), words.next()?.into());
            Ok(Body::Extended(event::Extended { wallet, points, expires_at, reason }))
        }),
    },
    Verb {
        word: "reinstate",
        syntax: &["reinstate MEMBER POINTS|all DATE REASON"],
        meaning: "Points that died a short while ago live again, until that date.",
        example: "
credit M1 50 welcome                  -> earned 50, available 50, basic
at 2027-03-10
balance M1                            -> available 0, held 0, review 0, debt 0
reinstate M1 all 2027-06-01 goodwill  -> earned 0, available 50, basic
lots M1                               -> 50 until 2027-06-01 00:00
",
        act: Act::Event(|play, words| {
            let points = words.points_or_all()?;
            let expires_at = play.time(words.next()?)?;
            let (wallet, reason) = ("".into(), words.next()?.into());
            Ok(Body::Reinstated(event::Reinstated { wallet, points, expires_at, reason }))
        }),
    },
];
