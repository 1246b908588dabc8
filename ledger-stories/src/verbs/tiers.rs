//! Where members stand.

use super::{Act, Verb};
use crate::play::{Answer, Play};
use crate::words::Words;
use ledger_core::calendar::show_day;

pub(super) const VERBS: &[Verb] = &[Verb {
    word: "tier",
    syntax: &["tier MEMBER [as-of TIME]"],
    meaning: "The member's tier, and since when it does not earn it any more.",
    example: "
purchase M1 o-1 600.00      -> earned 600, available 600, gold
tier M1                     -> gold
at 2027-03-10
tier M1                     -> gold, short since 2027-03-02
tier M1 as-of 2026-03-03    -> gold
at 2027-05-01
tier M1                     -> basic
",
    act: Act::Other(tier),
}];

fn tier(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let seen = play.seen(words)?;
    let short = seen.unmet_since.map_or_else(String::new, |day| format!(", short since {}", show_day(day)));
    Ok(format!("{}{short}", seen.tier))
}
