//! Where a story is played: what is said to a ledger, and what it tells.

use crate::seen::{Seen, SeenCounter, SeenLedger, SeenWhy};
use ledger_core::account::Account;
use ledger_core::event::{Body, Event, Name, RiskKeys, RiskKind};
use ledger_core::outcome::Outcome;
use ledger_core::record::Verdict;
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, Money, Position, TermNo};

/// A ledger that a story is played on.
pub trait Stage {
    /// Says an event; ledger time moves to [`Said::at`].
    ///
    /// # Errors
    /// What the ledger says of an event it cannot take at all.
    fn submit(&mut self, said: &Said) -> Result<Told, String>;

    /// What would come of a redemption, if it were said at `at`.
    ///
    /// # Errors
    /// If the stage fails.
    fn quote(&mut self, member: &str, redeem: &Body<Name>, at: At) -> Result<Quote, String>;

    /// A member at `at`, as the ledger knows it now or as it knew it then.
    ///
    /// # Errors
    /// If there is no such member.
    fn member(&mut self, name: &str, at: At, as_of: bool) -> Result<Seen, String>;

    /// The counters of a member in which anything was counted, at `at`.
    ///
    /// # Errors
    /// If there is no such member.
    fn counters(&mut self, member: &str, at: At) -> Result<Vec<SeenCounter>, String>;

    /// The ledger as a whole: sums, what is left, cases.
    ///
    /// # Errors
    /// If the stage fails.
    fn ledger(&mut self) -> Result<SeenLedger, String>;

    /// Why a record came to what it did.
    ///
    /// # Errors
    /// If the stage fails.
    fn why(&mut self, position: Position) -> Result<Vec<SeenWhy>, String>;
}

/// An event with its risk keys in clear, as a source says it.
#[derive(Clone, Debug)]
pub struct Said {
    /// Ledger time at which it is said: that of the last `at`.
    pub at: At,
    /// The event; its own risk keys are empty.
    pub event: Event<Name>,
    /// Of which kind each is, and its value.
    pub keys: Vec<(RiskKind, Box<str>)>,
}

/// What the ledger answers to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The record that holds it.
    pub position: Position,
    /// The event had come before; this is the first answer again.
    pub duplicate: bool,
    /// Why it was not carried out, if so.
    pub refusal: Option<Refusal>,
    /// New points of the program's first wallet.
    pub earned: i64,
    /// New points of other wallets.
    pub also: Vec<(String, i64)>,
    /// Of all these, what waits until it can be spent, and until when; never, if for a settlement.
    pub waits: Vec<(String, i64, At)>,
    /// Of the new points, what died at once.
    pub expired: Vec<(String, i64)>,
    /// Available points of the first wallet after it.
    pub available: i64,
    /// It waits for its purchase.
    pub deferred: bool,
    /// It waits for more people.
    pub proposed: bool,
    /// How much was told to have gone back beyond what was there to.
    pub excess: Money,
}

impl Told {
    /// What an outcome tells; `word` knows the names of wallets.
    pub fn of(outcome: &Outcome, word: impl Fn(TermNo) -> String) -> Told {
        let waits = outcome.waits.iter();
        Told {
            position: outcome.position,
            duplicate: outcome.duplicate,
            refusal: outcome.refusal,
            earned: outcome.earned_first().0,
            also: outcome.earned_others().map(|(wallet, points)| (word(*wallet), points.0)).collect(),
            waits: waits.map(|(wallet, points, until)| (word(*wallet), points.0, *until)).collect(),
            expired: outcome.expired.iter().map(|(wallet, points)| (word(*wallet), points.0)).collect(),
            available: outcome.available.0,
            deferred: outcome.deferred,
            proposed: outcome.proposed,
            excess: outcome.excess,
        }
    }
}

/// The slices that a redemption would take (points and expiry of each), or why it would be refused.
pub type Quote = Result<Vec<(i64, At)>, Refusal>;

/// The quote that a verdict is.
pub fn quote_of(verdict: &Verdict) -> Quote {
    let spent = verdict.postings.iter().filter(|posting| posting.to == Account::Redeemed);
    verdict.refusal.map_or_else(|| Ok(spent.map(|posting| (posting.points.0, posting.expires_at)).collect()), Err)
}

/// A command that is only asked about.
pub fn asked(member: &str, body: &Body<Name>, at: At) -> Event<Name> {
    Event {
        source: "quote".into(),
        id: "quote".into(),
        occurred_at: at,
        member: member.into(),
        keys: RiskKeys::default(),
        origin: None,
        body: body.clone(),
    }
}
