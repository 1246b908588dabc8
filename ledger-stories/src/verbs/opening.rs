//! Members that come from another system.

use super::{Act, Detail, Verb, no_place};
use crate::play::{Play, Saying};
use ledger_core::event::{self, Body, Name, OpeningCount, OpeningDebt, OpeningLot, OpeningStreak, OpeningTier};
use ledger_core::units::{At, Points};

pub(super) const VERBS: &[Verb] = &[Verb {
    word: "open",
    syntax: &["open MEMBER"],
    meaning: "The member comes from another system as that left it, once.",
    example: "
open M1 lot 500/2025-11-05 lot 250/2025-01-10/2026-12-31 debt 50 -> earned 750, available 700, basic
lots M1                                   -> 500 until 2026-11-05 00:00, 200 until 2026-12-31 00:00
open M1                                   -> refused OPENED_ALREADY
",
    act: Act::Event(|_, _| Ok(Body::Opened(event::Opened::default()))),
}];

pub(super) const DETAILS: &[Detail] = &[
    Detail {
        word: "joined",
        value: "2019-04-01",
        of: &["open"],
        meaning: "When it joined there.",
        set: |play, saying, text| {
            opened(saying)?.enrolled_at = Some(play.time(text)?);
            Ok(())
        },
    },
    Detail {
        word: "lot",
        value: "500/2025-12-01/2026-12-31/points",
        of: &["open"],
        meaning: "Points, when they were earned, until when they live (without it as if earned here), and of which \
                  wallet (without it the first).",
        set: |play, saying, text| {
            let mut parts = Parts::of(text);
            let (points, earned_at, expires_at) = (parts.number("points")?, parts.time(play)?, parts.time(play)?);
            let earned_at = earned_at.ok_or_else(|| format!("{text:?} does not say when it was earned"))?;
            let wallet = parts.word();
            opened(saying)?.lots.push(OpeningLot { wallet, points: Points(points), earned_at, expires_at });
            Ok(())
        },
    },
    Detail {
        word: "debt",
        value: "50/points",
        of: &["open"],
        meaning: "What it owes, and of which wallet.",
        set: |_, saying, text| {
            let mut parts = Parts::of(text);
            let points = Points(parts.number("points")?);
            opened(saying)?.debts.push(OpeningDebt { wallet: parts.word(), points });
            Ok(())
        },
    },
    Detail {
        word: "tier",
        value: "gold/2027-03-01",
        of: &["open"],
        meaning: "Where it stands, and until when whatever it spends.",
        set: |play, saying, text| {
            let mut parts = Parts::of(text);
            let (tier, until) = (parts.word(), parts.time(play)?);
            opened(saying)?.tier = Some(Box::new(OpeningTier { tier, until, reason: "moved".into() }));
            Ok(())
        },
    },
    Detail {
        word: "counted",
        value: "spend/5000/2025-12-01",
        of: &["open"],
        meaning: "What was counted of it: by what, how much, and when.",
        set: |play, saying, text| {
            let mut parts = Parts::of(text);
            let (counter, amount) = (parts.word(), parts.number("amount")?);
            let at = parts.time(play)?.ok_or_else(|| format!("{text:?} does not say when it happened"))?;
            opened(saying)?.counts.push(OpeningCount { counter, at, amount });
            Ok(())
        },
    },
    Detail {
        word: "streak",
        value: "week/5/2025-12-01",
        of: &["open"],
        meaning: "Days in a row: of which streak, how many, and when the last was.",
        set: |play, saying, text| {
            let mut parts = Parts::of(text);
            let (streak, days) = (parts.word(), parts.number("days")?);
            let days = u32::try_from(days).map_err(|_| format!("{text:?} has too many days"))?;
            let last_at = parts.time(play)?.ok_or_else(|| format!("{text:?} does not say when the last was"))?;
            opened(saying)?.streaks.push(OpeningStreak { streak, days, last_at });
            Ok(())
        },
    },
];

/// A value in several parts.
struct Parts<'t> {
    text: &'t str,
    rest: std::str::Split<'t, char>,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Parts<'t> {
        Parts { text, rest: text.split('/') }
    }

    fn word(&mut self) -> Name {
        self.rest.next().unwrap_or_default().into()
    }

    fn number(&mut self, what: &str) -> Result<i64, String> {
        self.word().parse().map_err(|_| format!("{:?} has no {what}", self.text))
    }

    fn time(&mut self, play: &Play<'_>) -> Result<Option<At>, String> {
        let text = self.rest.next().filter(|text| !text.is_empty());
        text.map(|text| play.time(text)).transpose()
    }
}

fn opened(saying: &mut Saying) -> Result<&mut event::Opened, String> {
    match saying.body() {
        Body::Opened(opened) => Ok(opened),
        body => Err(no_place(body)),
    }
}
