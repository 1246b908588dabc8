//! The words of stories: one table of verbs and one of details, each entry beside the code that reads it.

mod actions;
mod approvals;
mod earning;
mod exchange;
mod expiry;
mod funds;
mod household;
mod items;
mod membership;
mod merge;
mod opening;
mod pending;
mod returns;
mod risk;
mod spending;
mod telling;
mod tiers;
mod transfer;
mod wallets;

use crate::play::{Answer, Play, Saying};
use crate::words::Words;
use ledger_core::event::{Body, Name};

/// A word that a line begins with.
pub struct Verb {
    /// The word.
    pub word: &'static str,
    /// How its lines are written: one or more ways.
    pub syntax: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
    /// Lines that use it, with their answers, as they come behind [`EXAMPLE_START`](crate::EXAMPLE_START).
    pub example: &'static str,
    pub(crate) act: Act,
}

/// What a line does.
pub(crate) enum Act {
    /// Says an event of the member whose name comes first: its body is read here, and details follow.
    Event(fn(&Play<'_>, &mut Words<'_>) -> Result<Body<Name>, String>),
    /// Anything else: it looks at something, or says what is no member's.
    Other(fn(&mut Play<'_>, &mut Words<'_>) -> Answer),
}

/// A word that may follow an event, with a value behind it.
pub struct Detail {
    /// The word.
    pub word: &'static str,
    /// A value, for example.
    pub value: &'static str,
    /// The verbs it may follow; every event of a member, if there are none.
    pub of: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
    pub(crate) set: fn(&Play<'_>, &mut Saying, &str) -> Result<(), String>,
}

/// The verbs and details of one feature.
struct Feature {
    title: &'static str,
    verbs: &'static [Verb],
    details: &'static [Detail],
}

const FEATURES: [Feature; 19] = [
    Feature { title: "Telling", verbs: telling::VERBS, details: telling::DETAILS },
    Feature { title: "Members", verbs: membership::VERBS, details: &[] },
    Feature { title: "Wallets", verbs: wallets::VERBS, details: wallets::DETAILS },
    Feature { title: "Earning", verbs: earning::VERBS, details: earning::DETAILS },
    Feature { title: "Actions", verbs: actions::VERBS, details: actions::DETAILS },
    Feature { title: "Points that wait", verbs: pending::VERBS, details: &[] },
    Feature { title: "Returns", verbs: returns::VERBS, details: returns::DETAILS },
    Feature { title: "Spending", verbs: spending::VERBS, details: spending::DETAILS },
    Feature { title: "Items", verbs: items::VERBS, details: items::DETAILS },
    Feature { title: "Expiry", verbs: expiry::VERBS, details: &[] },
    Feature { title: "Gifts", verbs: transfer::VERBS, details: &[] },
    Feature { title: "Members of another system", verbs: opening::VERBS, details: opening::DETAILS },
    Feature { title: "Funds", verbs: funds::VERBS, details: &[] },
    Feature { title: "Exchanges", verbs: exchange::VERBS, details: &[] },
    Feature { title: "Corrections and approvals", verbs: approvals::VERBS, details: approvals::DETAILS },
    Feature { title: "Households", verbs: household::VERBS, details: &[] },
    Feature { title: "Merges", verbs: merge::VERBS, details: &[] },
    Feature { title: "Tiers", verbs: tiers::VERBS, details: &[] },
    Feature { title: "Fraud", verbs: risk::VERBS, details: risk::DETAILS },
];

/// Every verb, with the title of its feature.
pub fn verbs() -> impl Iterator<Item = (&'static str, &'static Verb)> {
    FEATURES.iter().flat_map(|feature| feature.verbs.iter().map(|verb| (feature.title, verb)))
}

/// Every detail, with the title of its feature.
pub fn details() -> impl Iterator<Item = (&'static str, &'static Detail)> {
    FEATURES.iter().flat_map(|feature| feature.details.iter().map(|detail| (feature.title, detail)))
}

/// The verb that is this word.
pub(crate) fn verb(word: &str) -> Option<&'static Verb> {
    verbs().map(|(_, verb)| verb).find(|verb| verb.word == word)
}

/// The detail that is this word.
pub(crate) fn detail(word: &str) -> Option<&'static Detail> {
    details().map(|(_, detail)| detail).find(|detail| detail.word == word)
}

impl Verb {
    /// How its lines are written, as a sentence.
    pub(crate) fn is_written(&self) -> String {
        let ways: Vec<String> = self.syntax.iter().map(|way| format!("`{way}`")).collect();
        format!("{} is written {}", self.word, ways.join(" or "))
    }

    /// Whether it says an event of a member.
    pub fn is_event(&self) -> bool {
        matches!(self.act, Act::Event(_))
    }
}

impl Detail {
    /// Whether it may follow this verb.
    pub fn is_of(&self, verb: &Verb) -> bool {
        if self.of.is_empty() { verb.is_event() } else { self.of.contains(&verb.word) }
    }
}

/// What a setter of a detail says of a body that has no place for it, which the table of details says it has.
fn no_place(body: &Body<Name>) -> String {
    format!("{} has no place for it", body.kind())
}
