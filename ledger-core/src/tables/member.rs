//! A member: everything the ledger knows of one, folded from its records.
//!
//! Owns the row, whose parts are its features', and what follows from several of them: balances, the history of
//! positions. Knows no rule and no program; every date in here was decided once and read from a record.

use crate::features::approvals::state::Proposal;
use crate::features::exchange::state::OpenExchange;
use crate::features::membership::state::{Alias, Birthday, Membership, Scope};
use crate::features::merge::state::Absorbed;
use crate::features::transfer::state::Gifts;
use crate::features::visits::state::Visits;
use crate::kernel::calendar::Calendar;
use crate::kernel::counter::{self, Counter};
use crate::kernel::sealed::Sealed;
use crate::kernel::units::{At, Day, MemberNo, Points, Position, TermNo};
use crate::tables::life::Life;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

pub use crate::features::expiry::state::{ActivityExpiry, ExpiredRecently, REINSTATED_MAX};
pub use crate::features::returns::state::{
    DEFERRED_MAX, Deferred, LineReturned, OVERTAKEN_MAX, PURCHASES_MAX, PurchaseRef, Purchases, Returns, ReversedRefund,
};
pub use crate::features::spending::state::{CLOSED_HOLDS_MAX, HOLDS_MAX, Hold, RedemptionRef};
pub use crate::features::tiers::state::{Streak, TierState};
pub use crate::features::wallets::state::{Purse, Purses};
pub use crate::tables::cause::Next;

/// The most bytes of a lot, or of a slice of one, as stored.
const LOT_BYTES: usize = 32;
/// The same of what it waits for.
const WAIT_BYTES: usize = 24;
/// The same of a hold, but for its slices.
const HOLD_BYTES: usize = 256;
/// The same of a purchase, or of a line that came back.
const PURCHASE_BYTES: usize = 32;
/// The same of a redemption.
const REDEMPTION_BYTES: usize = 48;

/// Positions in one page of a member's history.
pub const HISTORY_PAGE: usize = 32;

/// One member, folded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The last record folded into this row. Records up to here are not folded again.
    pub position: Position,
    /// How many records were folded: the member's own version.
    pub records: u64,
    /// The name outside the ledger, as it is stored.
    pub name: Sealed,
    /// When the member enrolled, if it did; facts make a member known before that.
    pub enrolled_at: Option<At>,
    /// Its birthday.
    pub birthday: Option<Birthday>,
    /// What the member has, by wallet.
    pub purses: Purses,
    /// Open holds, oldest first.
    pub holds: Vec<Hold>,
    /// Short names of the last closed holds, oldest first.
    pub closed_holds: Vec<u64>,
    /// How many holds were ever opened; the last one's number.
    pub holds_made: u32,
    /// Tier and footing.
    pub tier: TierState,
    /// Metrics, limits and the member's own counters, in order of their terms.
    pub counters: Vec<Counter>,
    /// Streaks, in order of the first time.
    pub streaks: Vec<Streak>,
    /// When inactivity is due.
    pub dormant_at: Option<At>,
    /// Purchases within the refund horizon, oldest first.
    pub purchases: Purchases,
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
    /// What came back by line, or came before its purchase, if anything did.
    pub returns: Option<Box<Returns>>,
    /// Whether the member came from another system.
    pub opened: bool,
    /// When the next timer is due; kept by the fold, not stored.
    #[serde(skip)]
    pub next_due: Next,
}

/// Positions of the records that touch a member. Full pages leave the row and are stored beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// How many positions have left for pages.
    pub paged: u64,
    /// The latest positions, fewer than [`HISTORY_PAGE`].
    pub recent: Vec<Position>,
}

/// A full page of a member's history, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// Whose.
    pub member: MemberNo,
    /// Which page; the first is 0.
    pub page: u64,
    /// [`HISTORY_PAGE`] positions, ascending.
    pub positions: Vec<Position>,
}

/// What a member has of one wallet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// Free to spend.
    pub available: Points,
    /// Waiting for a risk case.
    pub review: Points,
    /// Waiting until they can be spent.
    pub pending: Points,
    /// Reserved by holds.
    pub held: Points,
    /// On their way to partners who have not settled yet.
    pub exchanging: Points,
    /// Owed to the program.
    pub debt: Points,
}

impl History {
    /// Adds a record. Returns the page of the member's history that this fills, if it does.
    #[inline]
    pub(crate) fn remember(&mut self, member: MemberNo, position: Position) -> Option<HistoryPage> {
        self.recent.push(position);
        if self.recent.len() < HISTORY_PAGE {
            return None;
        }
        let positions = core::mem::take(&mut self.recent);
        let page = self.paged.checked_div(u64::try_from(HISTORY_PAGE).ok()?)?;
        self.paged = self.paged.saturating_add(u64::try_from(positions.len()).ok()?);
        Some(HistoryPage { member, page, positions })
    }
}

impl Member {
    /// What the member can spend of a wallet.
    #[inline]
    pub fn available(&self, wallet: TermNo) -> Points {
        self.purses.of(wallet).lots.total()
    }

    /// The balances of one wallet.
    pub fn balances(&self, wallet: TermNo) -> Balances {
        let purse = self.purses.of(wallet);
        let holds = self.holds.iter().filter(|hold| hold.wallet == wallet);
        let held = holds.fold(0i64, |sum, hold| sum.saturating_add(hold.points().0));
        let (review, pending) = (purse.review().total(), purse.pending().total());
        let out = self.exchanges().iter().filter(|open| open.wallet == wallet && !open.inward);
        let exchanging = Points(out.fold(0i64, |sum, open| sum.saturating_add(open.points.0)));
        Balances { available: purse.lots.total(), review, pending, held: Points(held), exchanging, debt: purse.debt }
    }

    /// The counter of a metric, limit or risk counter, if anything was counted.
    pub fn counter(&self, term: TermNo) -> Option<&Counter> {
        counter::find(&self.counters, term)
    }

    /// The value of an attribute, if it was ever set.
    pub fn attribute(&self, term: TermNo) -> Option<i64> {
        self.attributes.iter().find(|(name, _)| *name == term).map(|(_, value)| *value)
    }

    /// What it may not do any more, and its other names, if anything is out of the ordinary.
    #[inline]
    pub fn membership(&self) -> Option<&Membership> {
        self.life.as_ref().map(|life| &life.membership)
    }

    /// When the member closed, if it did.
    pub fn closed_at(&self) -> Option<At> {
        self.membership().and_then(|known| known.closed_at)
    }

    /// What is frozen, if anything.
    pub fn frozen(&self) -> Option<Scope> {
        self.membership().and_then(|known| known.frozen)
    }

    /// Whether this is frozen.
    pub fn freezes(&self, scope: Scope) -> bool {
        self.membership().is_some_and(|known| known.freezes(scope))
    }

    /// Its other names, oldest first.
    pub fn aliases(&self) -> &[Alias] {
        self.membership().map(|known| known.aliases.as_slice()).unwrap_or_default()
    }

    /// What was given and got of a wallet, if any was.
    pub fn gifts_of(&self, wallet: TermNo) -> Option<&Gifts> {
        self.life.as_ref().and_then(|life| life.gifts.iter().find(|gifts| gifts.wallet == wallet))
    }

    /// The member it is merged into, if it is.
    #[inline]
    pub fn merged_into(&self) -> Option<MemberNo> {
        self.life.as_ref().and_then(|life| life.merges.into)
    }

    /// The members merged into it, oldest first.
    pub fn absorbed(&self) -> &[Absorbed] {
        self.life.as_ref().map(|life| life.merges.absorbed.as_slice()).unwrap_or_default()
    }

    /// The household it shares with, if it does.
    #[inline]
    pub fn household(&self) -> Option<MemberNo> {
        self.life.as_ref().and_then(|life| life.sharing.household)
    }

    /// Who shares with it, in the order of joining.
    pub fn household_members(&self) -> &[MemberNo] {
        self.life.as_ref().map(|life| life.sharing.members.as_slice()).unwrap_or_default()
    }

    /// Its last visits, if any are known.
    #[inline]
    pub fn visits(&self) -> Option<&Visits> {
        self.life.as_ref().and_then(|life| life.visits.as_deref())
    }

    /// Exchanges that no partner has settled yet, oldest first.
    #[inline]
    pub fn exchanges(&self) -> &[OpenExchange] {
        self.life.as_ref().map(|life| life.exchanges.open.as_slice()).unwrap_or_default()
    }

    /// The last that are settled or lapsed, by exchange and short name of the reference, oldest first.
    pub fn closed_exchanges(&self) -> &[(TermNo, u64)] {
        self.life.as_ref().map(|life| life.exchanges.closed.as_slice()).unwrap_or_default()
    }

    /// What was proposed and is open at `at`, oldest first.
    pub fn open_proposals(&self, at: At) -> impl Iterator<Item = &Proposal> {
        self.life.iter().flat_map(|life| &life.proposals).filter(move |open| open.lapses_at > at)
    }

    /// The open hold of this short name.
    pub fn hold(&self, name: u64) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.name.short == name)
    }

    /// What came back of the lines of a purchase.
    pub fn returned(&self, purchase: Position) -> impl Iterator<Item = LineReturned> {
        self.returns.iter().flat_map(move |returns| returns.lines.of(purchase))
    }

    /// What waits at `at` for what it speaks of: first for purchases, then for something else, each oldest first.
    pub fn waiting(&self, at: At) -> impl Iterator<Item = &Deferred> {
        self.returns.iter().flat_map(|returns| returns.waiting()).filter(move |waiting| waiting.until > at)
    }

    /// Whether a refund was reversed.
    pub fn is_reversed(&self, refund: Position) -> bool {
        self.returns.iter().any(|returns| returns.reversed.iter().any(|reversed| reversed.refund == refund))
    }

    /// Whether its birthday is celebrated on a day.
    pub(crate) fn celebrates(&self, calendar: &Calendar, day: Day) -> bool {
        self.birthday.is_some_and(|born| day >= born.from && calendar.celebrates(born.date, day))
    }

    /// Keeps nothing of what came back if nothing is left.
    pub(crate) fn forget_returns(&mut self) {
        Returns::forget(&mut self.returns, &self.purchases, false);
    }

    /// Forgets purchases of days before `from`, and what came back of them.
    pub(crate) fn forget_purchases(&mut self, from: Day) {
        let forgot = self.purchases.forget(from);
        Returns::forget(&mut self.returns, &self.purchases, forgot);
    }

    /// The most bytes that the row can take when it is stored, but for the little that does not grow with the member.
    pub(crate) fn weight(&self) -> usize {
        let times = |len: usize, bytes: usize| len.saturating_mul(bytes);
        let lots = self.purses.iter().map(|purse| times(purse.lots_len(), LOT_BYTES.saturating_add(WAIT_BYTES)));
        let held = self.holds.iter().map(|hold| times(hold.slices.len(), LOT_BYTES).saturating_add(HOLD_BYTES));
        let exchanging = self.exchanges().iter().map(|open| times(open.slices.len(), LOT_BYTES));
        let counted = self.counters.iter().map(Counter::weight);
        let back =
            self.returns.as_ref().map_or(0, |returns| returns.lines.len().saturating_add(returns.reversed.len()));
        let back = times(back, PURCHASE_BYTES);
        let spent = times(self.redemptions.len(), REDEMPTION_BYTES);
        let bought = times(self.purchases.len(), PURCHASE_BYTES);
        let all = lots.chain(held).chain(exchanging).chain(counted).chain([back, spent, bought]);
        all.fold(0, usize::saturating_add)
    }

    /// Reads the ends of the lists that a purchase reads; see `State::warm`.
    #[inline]
    pub(crate) fn prefetch_row(&self) -> u64 {
        let purchase = self.purchases.last().map_or(0, |last| last.order);
        let lot = self.purses.first().lots.iter().next_back().map_or(0, |last| last.id.position.0);
        let counters = self.counters.iter().fold(0, |sum, counter| sum ^ u64::from(counter.term.0));
        let history = self.history.recent.last().map_or(0, |last| last.0);
        purchase ^ lot ^ counters ^ history ^ self.cases.len().try_into().unwrap_or(0)
    }

    /// Reads what [`Member::touch`] found the way to.
    #[inline]
    pub(crate) fn prefetch_lists(&self) -> u64 {
        let tally = |counter: &Counter| counter.tallies().last().map_or(0, |tally| tally.amount.unsigned_abs());
        self.counters.iter().fold(0, |sum, counter| sum ^ tally(counter))
    }
}
