//! A member: everything the ledger knows of one, folded from its records.
//!
//! Owns what follows from a member's own numbers: balances, what is due next, the history of
//! positions. Knows no rule and no program; every date in here was decided once and read from a
//! record.

use crate::counter::{self, Counter};
use crate::life::Life;
use crate::lots::{Lots, Slice};
use crate::record::Timer;
use crate::units::{At, Day, LotId, MemberNo, Money, MonthDay, Points, Position, TermNo};
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most open holds of one member.
pub const HOLDS_MAX: usize = 1_000;
/// Most closed holds remembered, so that a late capture is told "closed" and not "unknown".
pub const CLOSED_HOLDS_MAX: usize = 64;
/// Positions in one page of a member's history.
pub const HISTORY_PAGE: usize = 32;

/// One member, folded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The last record folded into this row. Records up to here are not folded again.
    pub position: Position,
    /// How many records were folded: the member's own version.
    pub records: u64,
    /// The name outside the ledger.
    pub name: Box<str>,
    /// When the member enrolled, if it did; facts make a member known before that.
    pub enrolled_at: Option<At>,
    /// Birthday without the year.
    pub birthday: Option<MonthDay>,
    /// Lots that can be spent.
    pub lots: Lots,
    /// Lots that wait for a risk case.
    pub review: Lots,
    /// Points owed, 0 or more.
    pub debt: Points,
    /// Open holds, oldest first.
    pub holds: Vec<Hold>,
    /// Names of the last closed holds, oldest first.
    pub closed_holds: Vec<Box<str>>,
    /// How many holds were ever opened; the last one's number.
    pub holds_made: u32,
    /// Tier and footing.
    pub tier: Standing,
    /// Metrics, limits and the member's own counters, in order of their terms.
    pub counters: Vec<Counter>,
    /// Streaks, in order of their terms.
    pub streaks: Vec<Streak>,
    /// When inactivity is due.
    pub dormant_at: Option<At>,
    /// Purchases within the refund horizon, oldest first.
    pub purchases: Vec<PurchaseRef>,
    /// Who brought the member.
    pub referrer: Option<MemberNo>,
    /// Open cases that concern the member.
    pub cases: Vec<Position>,
    /// Attributes from outside, in order of their terms.
    pub attributes: Vec<(TermNo, i64)>,
    /// The records that touch the member.
    pub history: History,
    /// Redemptions that can still be given back or still count, oldest first.
    pub redemptions: Vec<RedemptionRef>,
    /// Freeze, closing and aliases, if there is any of them.
    pub life: Option<Box<Life>>,
    /// When the next timer is due; kept by the fold, not stored.
    #[serde(skip)]
    pub next_due: Next,
}

/// When a member's next timer is due (derived; never stored).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Next {
    /// When.
    pub at: At,
    /// Which; at one instant, in the order timers fire.
    pub timer: Timer,
}

impl Default for Next {
    fn default() -> Next {
        Next { at: At::NEVER, timer: Timer::Inactivity }
    }
}

/// Points reserved for one caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Number, counted per member from 1.
    pub no: u32,
    /// The caller's name for it.
    pub name: Box<str>,
    /// When it releases itself.
    pub expires_at: At,
    /// What it holds, in the order it was taken.
    pub slices: Vec<Slice>,
    /// How many slices, from the front, are used up.
    pub used: u32,
    /// FNV-1a 64 of the order it is for; 0 if it names none.
    pub order: u64,
    /// Local date from which it counts.
    pub day: Day,
}

impl Hold {
    /// How many points are still held.
    pub fn points(&self) -> Points {
        Points(self.slices.iter().fold(0, |sum, slice| sum.saturating_add(slice.left.0)))
    }
}

/// Tier and footing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The tier.
    pub tier: TermNo,
    /// Since when the member falls short of it.
    pub unmet_since: Option<Day>,
    /// When it must be looked at again: when the metric falls short, or when the patience ends.
    pub due: Option<At>,
}

/// Days in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// Which streak.
    pub term: TermNo,
    /// How many days.
    pub count: u32,
    /// The last of them.
    pub last: Day,
}

/// A purchase that can still be refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseRef {
    /// FNV-1a 64 of the order number.
    pub order: u64,
    /// The record of the purchase.
    pub position: Position,
    /// Its local date.
    pub day: Day,
    /// What was refunded so far, in minor units.
    pub refunded: Money,
}

/// A redemption that can still be given back, or still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedemptionRef {
    /// FNV-1a 64 of the order it was for; 0 if it names none.
    pub order: u64,
    /// The record of the redemption.
    pub position: Position,
    /// Local date from which it counts.
    pub day: Day,
    /// How many points it took.
    pub points: Points,
    /// How many of them were given back.
    pub refunded: Points,
}

/// Positions of the records that touch a member. Full pages leave the row and are stored beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// How many positions have left for pages.
    pub paged: u64,
    /// The latest positions, fewer than [`HISTORY_PAGE`].
    pub recent: Vec<Position>,
}

/// What a member has, in points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// Free to spend.
    pub available: Points,
    /// Waiting for a risk case.
    pub review: Points,
    /// Reserved by holds.
    pub held: Points,
    /// Owed to the program.
    pub debt: Points,
}

impl Member {
    /// The balances of this row.
    pub fn balances(&self) -> Balances {
        let held = self.holds.iter().fold(0i64, |sum, hold| sum.saturating_add(hold.points().0));
        Balances { available: self.lots.total(), review: self.review.total(), held: Points(held), debt: self.debt }
    }

    /// The counter of a metric, limit or risk counter, if anything was counted.
    pub fn counter(&self, term: TermNo) -> Option<&Counter> {
        counter::find(&self.counters, term)
    }

    /// The value of an attribute, if it was ever set.
    pub fn attribute(&self, term: TermNo) -> Option<i64> {
        self.attributes.iter().find(|(name, _)| *name == term).map(|(_, value)| *value)
    }

    /// When the member closed, if it did.
    pub fn closed_at(&self) -> Option<At> {
        self.life.as_ref().and_then(|life| life.closed_at)
    }

    /// The open hold of this name.
    pub fn hold(&self, name: &str) -> Option<&Hold> {
        self.holds.iter().find(|hold| &*hold.name == name)
    }

    /// A lot in which `id` is still there, and in which of the two kinds.
    pub fn lot(&self, id: LotId) -> Option<&crate::lots::Lot> {
        self.lots.find(id).or_else(|| self.review.find(id))
    }

    /// Reads the ends of the lists that a purchase reads; see `State::warm`.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        let purchase = self.purchases.last().map_or(0, |last| last.order);
        let lot = self.lots.iter().next_back().map_or(0, |last| last.id.position.0);
        let counters = self.counters.iter().fold(0, |sum, counter| sum ^ u64::from(counter.term.0));
        let history = self.history.recent.last().map_or(0, |last| last.0);
        purchase ^ lot ^ counters ^ history ^ self.cases.len().try_into().unwrap_or(0)
    }

    /// Reads what [`Member::touch`] found the way to.
    #[inline]
    pub(crate) fn touch_deep(&self) -> u64 {
        let tally = |counter: &Counter| counter.tallies().last().map_or(0, |tally| tally.amount.unsigned_abs());
        let purchases = self.purchases.iter().fold(0, |sum, purchase| sum ^ purchase.order);
        self.counters.iter().fold(purchases, |sum, counter| sum ^ tally(counter))
    }

    /// What is due next, from the numbers of this row alone.
    pub(crate) fn due(&self) -> Next {
        let mut expiry = self.lots.first_expiry().min(self.review.first_expiry());
        if let Some(closed_at) = self.closed_at()
            && !(self.lots.is_empty() && self.review.is_empty())
        {
            expiry = expiry.min(closed_at);
        }
        let hold = self.holds.iter().map(|hold| hold.expires_at).min().unwrap_or(At::NEVER);
        let tier = self.tier.due.unwrap_or(At::NEVER);
        let dormant = self.dormant_at.unwrap_or(At::NEVER);
        let mut next = Next { at: expiry, timer: Timer::Expiry };
        for other in [
            Next { at: hold, timer: Timer::HoldExpiry },
            Next { at: tier, timer: Timer::Tier },
            Next { at: dormant, timer: Timer::Inactivity },
        ] {
            next = next.min(other);
        }
        next
    }
}
