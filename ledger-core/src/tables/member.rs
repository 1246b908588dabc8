//! A member: everything the ledger knows of one, folded from its records.
//!
//! Owns what follows from a member's own numbers: balances, what is due next, the history of
//! positions. Knows no rule and no program; every date in here was decided once and read from a
//! record.

use crate::features::approvals::state::Proposal;
use crate::features::exchange::state::OpenExchange;
use crate::features::items::state::Piece;
use crate::features::merge::state::Absorbed;
use crate::features::visits::state::Visits;
use crate::kernel::counter::{self, Counter};
use crate::kernel::lots::{Lot, Lots, Slice, slices_of};
use crate::kernel::units::{At, Day, LotId, MemberNo, Money, MonthDay, Points, Position, TermNo};
use crate::tables::cause::Timer;
use crate::tables::event::AT_MIN;
use crate::tables::life::Life;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

pub use crate::tables::cause::Next;

/// Most open holds of one member.
pub const HOLDS_MAX: usize = 1_000;
/// Most closed holds remembered, so that a late capture is told "closed" and not "unknown".
pub const CLOSED_HOLDS_MAX: usize = 64;
/// Most lots of reinstated points that one purse remembers as such.
pub const REINSTATED_MAX: usize = 64;
/// Most refunds and settlements of one member that wait for their purchases.
pub const PARKED_MAX: usize = 64;
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
    /// What the member has, by wallet.
    pub purses: Purses,
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
    /// What came back by line, or came before its purchase, if anything did.
    pub returns: Option<Box<Returns>>,
    /// When the next timer is due; kept by the fold, not stored.
    #[serde(skip)]
    pub next_due: Next,
}

/// A member's purses: one for each wallet it ever had points in, in order of the first. Nearly all
/// members have one, which is kept in the row itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purses {
    first: Purse,
    more: Vec<Purse>,
}

/// What a member has of one wallet. What it has reserved is in its holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purse {
    /// The wallet; [`TermNo::NONE`] in a purse nobody has.
    pub wallet: TermNo,
    /// Lots that can be spent.
    pub lots: Lots,
    /// Points owed, 0 or more.
    pub debt: Points,
    /// What most purses do not have, if this one ever had any of it.
    pub(crate) aside: Option<Box<Aside>>,
}

/// What most purses do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Aside {
    /// Lots that wait for a risk case.
    pub(crate) review: Lots,
    /// The last spell of activity.
    pub(crate) spell: Option<Spell>,
    /// When the member is next reminded of points that die.
    pub(crate) remind_at: Option<At>,
    /// What died and can be reinstated, by date.
    pub(crate) lapsed: Vec<Lapsed>,
    /// Lots of points that died once, oldest first.
    pub(crate) reinstated: Vec<LotId>,
    /// Lots that wait until they can be spent.
    pub(crate) pending: Lots,
    /// Until when each lot waits that is pending or in review, soonest first.
    pub(crate) waits: Vec<Wait>,
}

/// Until when a lot waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Wait {
    /// [`At::NEVER`] for as long as its purchase is not settled.
    pub(crate) until: At,
    pub(crate) lot: LotId,
}

/// Points that died on one date and can be reinstated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapsed {
    /// The local date.
    pub day: Day,
    /// How many are left of them.
    pub points: Points,
}

impl Aside {
    /// Takes points from what died, the first first, and marks the lot they are in now. `None` if fewer died.
    pub(crate) fn reinstate(&mut self, points: Points, lot: LotId, forget_before: Day) -> Option<()> {
        let mut missing = points;
        self.lapsed.retain(|lapsed| lapsed.day >= forget_before);
        for lapsed in &mut self.lapsed {
            let taken = lapsed.points.min(missing);
            (lapsed.points, missing) = (lapsed.points.less(taken)?, missing.less(taken)?);
        }
        self.lapsed.retain(|lapsed| !lapsed.points.is_zero());
        self.reinstated.push(lot);
        if self.reinstated.len() > REINSTATED_MAX {
            self.reinstated.remove(0);
        }
        missing.is_zero().then_some(())
    }

    /// A lot waits until then, whatever it did before.
    pub(crate) fn wait(&mut self, lot: LotId, until: At) {
        self.waits.retain(|wait| wait.lot != lot);
        let wait = Wait { until, lot };
        let place = self.waits.partition_point(|other| *other < wait);
        self.waits.insert(place, wait);
    }

    /// Drops lots that were emptied, and forgets what they waited for.
    fn sweep(&mut self) {
        let swept = [self.review.sweep(), self.pending.sweep()];
        if !self.waits.is_empty() && swept.contains(&true) {
            let mut known: Vec<LotId> = self.review.iter().chain(self.pending.iter()).map(|lot| lot.id).collect();
            known.sort_unstable();
            self.waits.retain(|wait| known.binary_search(&wait.lot).is_ok());
        }
    }
}

/// A time in which the member was active often enough: lots that were earned in it die together at its end, which
/// every activity puts off. One date for all of them, however many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spell {
    /// The record that began it: older lots were of another spell.
    pub since: Position,
    /// When it ends, unless it is put off.
    pub until: At,
}

static NO_PURSE: Purse = Purse { wallet: TermNo::NONE, lots: Lots::NONE, debt: Points::ZERO, aside: None };
static NO_LOTS: Lots = Lots::NONE;

impl Purses {
    /// The purse of a wallet; an empty one if the member never had any of it.
    #[inline]
    pub fn of(&self, wallet: TermNo) -> &Purse {
        if self.first.wallet == wallet {
            return &self.first;
        }
        self.more.iter().find(|purse| purse.wallet == wallet).unwrap_or(&NO_PURSE)
    }

    /// The first purse there was anything in; an empty one if there never was.
    pub fn first(&self) -> &Purse {
        &self.first
    }

    /// The purses, in order of the first time there was anything in them.
    pub fn iter(&self) -> impl Iterator<Item = &Purse> {
        let first = (self.first.wallet != TermNo::NONE).then_some(&self.first);
        first.into_iter().chain(&self.more)
    }

    /// The purse of a wallet, made if it is not there yet.
    pub(crate) fn of_mut(&mut self, wallet: TermNo) -> &mut Purse {
        if self.first.wallet == TermNo::NONE {
            self.first.wallet = wallet;
        }
        if self.first.wallet == wallet {
            return &mut self.first;
        }
        let known = self.more.iter().position(|purse| purse.wallet == wallet);
        let at = known.unwrap_or_else(|| {
            self.more.push(Purse { wallet, ..Purse::default() });
            self.more.len().saturating_sub(1)
        });
        self.more.get_mut(at).unwrap_or(&mut self.first)
    }

    /// All of them, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Purse> {
        core::iter::once(&mut self.first).chain(&mut self.more)
    }
}

impl Purse {
    /// Lots that wait for a risk case.
    #[inline]
    pub fn review(&self) -> &Lots {
        self.aside.as_ref().map_or(&NO_LOTS, |aside| &aside.review)
    }

    pub(crate) fn review_mut(&mut self) -> &mut Lots {
        &mut self.aside_mut().review
    }

    /// Lots that wait until they can be spent.
    #[inline]
    pub fn pending(&self) -> &Lots {
        self.aside.as_ref().map_or(&NO_LOTS, |aside| &aside.pending)
    }

    pub(crate) fn pending_mut(&mut self) -> &mut Lots {
        &mut self.aside_mut().pending
    }

    fn waits(&self) -> &[Wait] {
        self.aside.as_ref().map(|aside| aside.waits.as_slice()).unwrap_or_default()
    }

    /// Until when a lot waits, be it in review as well: [`At::NEVER`] for as long as its purchase is not settled.
    pub fn waits_until(&self, lot: LotId) -> Option<At> {
        self.waits().iter().find(|wait| wait.lot == lot).map(|wait| wait.until)
    }

    /// The lots that have waited long enough at `at`, in the order in which they will be spent.
    pub(crate) fn waited(&self, at: At) -> impl Iterator<Item = Lot> {
        let waited = self.waits().iter().take_while(|wait| wait.until <= at);
        let mut waited: Vec<LotId> = waited.map(|wait| wait.lot).collect();
        waited.sort_unstable();
        self.pending().in_order(self.spell_until()).filter(move |lot| waited.binary_search(&lot.id).is_ok()).copied()
    }

    /// When the first lot has waited long enough, but for those in review.
    fn next_activation(&self) -> At {
        let is_pending = |wait: &&Wait| self.review().is_empty() || self.review().find(wait.lot).is_none();
        self.waits().iter().find(is_pending).map_or(At::NEVER, |wait| wait.until)
    }

    pub(crate) fn aside_mut(&mut self) -> &mut Aside {
        self.aside.get_or_insert_default()
    }

    /// The last spell of activity, over or not.
    pub fn spell(&self) -> Option<Spell> {
        self.aside.as_ref().and_then(|aside| aside.spell)
    }

    /// When a lot is gone, as things stand; long ago if it is of a spell before the last.
    pub fn dies_at(&self, lot: &Lot) -> At {
        match self.spell() {
            _ if lot.expires_at != At::WITH_SPELL => lot.expires_at,
            Some(spell) if lot.id.position >= spell.since => spell.until,
            _ => AT_MIN,
        }
    }

    pub(crate) fn spell_until(&self) -> At {
        self.spell().map_or(At::NEVER, |spell| spell.until)
    }

    /// The lots in the order in which they are spent, each with the date on which it dies.
    pub fn dated<'a>(&'a self, lots: &'a Lots) -> impl Iterator<Item = Lot> + 'a {
        lots.in_order(self.spell_until()).map(|lot| Lot { expires_at: self.dies_at(lot), ..*lot })
    }

    /// The lots of these that are gone at `at`, in the order in which they die.
    pub(crate) fn dead<'a>(&'a self, lots: &'a Lots, at: At) -> impl Iterator<Item = &'a Lot> {
        lots.in_order(self.spell_until()).take_while(move |lot| self.dies_at(lot) <= at)
    }

    /// The first date at or behind `from` on which lots that can be spent die; those of a spell die at `until`.
    pub(crate) fn next_death(&self, from: At, until: At) -> Option<At> {
        let dated = self.lots.first_from(from).map(|lot| lot.expires_at).filter(|at| *at < At::WITH_SPELL);
        let spell = self.lots.first_from(At::WITH_SPELL).filter(|lot| lot.expires_at == At::WITH_SPELL);
        let spell = spell.map(|_| until).filter(|until| *until >= from);
        dated.into_iter().chain(spell).min()
    }

    /// When the member is next reminded of points that die.
    pub fn remind_at(&self) -> At {
        self.aside.as_ref().and_then(|aside| aside.remind_at).unwrap_or(At::NEVER)
    }

    /// What died and can be reinstated, by date.
    pub fn lapsed(&self) -> &[Lapsed] {
        self.aside.as_ref().map(|aside| aside.lapsed.as_slice()).unwrap_or_default()
    }

    /// Whether the points of a lot died before.
    pub(crate) fn is_reinstated(&self, lot: LotId) -> bool {
        self.aside.as_ref().is_some_and(|aside| aside.reinstated.contains(&lot))
    }

    /// The slices that spending `points` would take, soonest expiry first, or how many points there are if too
    /// few. `skip` leaves lots out.
    pub fn quote(&self, points: Points, skip: impl Fn(&Lot) -> bool) -> Result<Vec<Slice>, Points> {
        slices_of(self.lots.in_order(self.spell_until()).filter(|lot| !skip(lot)), points)
    }

    /// How many lots there are, whatever they wait for.
    pub fn lots_len(&self) -> usize {
        self.lots.len().saturating_add(self.review().len()).saturating_add(self.pending().len())
    }

    /// When the first lot of any kind expires.
    pub fn first_expiry(&self) -> At {
        if self.aside.is_none() {
            return self.lots.first_expiry();
        }
        let first = |lots: &Lots| lots.in_order(self.spell_until()).next().map_or(At::NEVER, |lot| self.dies_at(lot));
        first(&self.lots).min(first(self.review())).min(first(self.pending()))
    }

    /// Drops lots that were emptied: once per record, not once per slice.
    pub(crate) fn sweep(&mut self) {
        self.lots.sweep();
        if let Some(aside) = &mut self.aside {
            aside.sweep();
        }
    }
}

/// Points reserved for one caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Number, counted per member from 1.
    pub no: u32,
    /// The wallet it takes from.
    pub wallet: TermNo,
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
    /// What it holds pieces of, if of an item.
    pub item: Option<Piece>,
}

impl Hold {
    /// How many points are still held.
    pub fn points(&self) -> Points {
        Points(self.slices.iter().fold(0, |sum, slice| sum.saturating_add(slice.left.0)))
    }

    /// How many pieces of its item are still held; 0 if it is of none.
    pub fn pieces(&self) -> i64 {
        self.item.map_or(0, |piece| piece.in_points(self.points()))
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

/// What came back, other than a share of the money of a purchase that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returns {
    /// Parts of lines of purchases that can still be refunded, each line once, in order of the first time.
    pub lines: Vec<LineReturned>,
    /// Refunds and settlements that wait for their purchase, oldest first.
    pub parked: Vec<Parked>,
}

/// A refund, cancellation or settlement that came before its purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// FNV-1a 64 of the order number.
    pub order: u64,
    /// The record of it.
    pub position: Position,
    /// The local date on which it came.
    pub day: Day,
}

/// What came back of a line of a purchase, by refunds that named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineReturned {
    /// The record of the purchase.
    pub purchase: Position,
    /// Place of the line in it; the first is 0.
    pub line: u16,
    /// How many items.
    pub items: u32,
    /// How much money beside the price of these items, in minor units.
    pub amount: Money,
}

/// A redemption that can still be given back, or still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedemptionRef {
    /// The wallet it took from.
    pub wallet: TermNo,
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

    /// When the member closed, if it did.
    pub fn closed_at(&self) -> Option<At> {
        self.life.as_ref().and_then(|life| life.closed_at)
    }

    /// The member it is merged into, if it is.
    #[inline]
    pub fn merged_into(&self) -> Option<MemberNo> {
        self.life.as_ref().and_then(|life| life.merged_into)
    }

    /// The household it shares with, if it does.
    #[inline]
    pub fn household(&self) -> Option<MemberNo> {
        self.life.as_ref().and_then(|life| life.household)
    }

    /// Who shares with it, in the order of joining.
    pub fn household_members(&self) -> &[MemberNo] {
        self.life.as_ref().map(|life| life.household_members.as_slice()).unwrap_or_default()
    }

    /// The members merged into it, oldest first.
    pub fn absorbed(&self) -> &[Absorbed] {
        self.life.as_ref().map(|life| life.absorbed.as_slice()).unwrap_or_default()
    }

    /// Its last visits, if any are known.
    #[inline]
    pub fn visits(&self) -> Option<&Visits> {
        self.life.as_ref().and_then(|life| life.visits.as_deref())
    }

    /// Exchanges that no partner has settled yet, oldest first.
    #[inline]
    pub fn exchanges(&self) -> &[OpenExchange] {
        self.life.as_ref().map(|life| life.exchanges.as_slice()).unwrap_or_default()
    }

    /// What was proposed and is open at `at`, oldest first.
    pub fn open_proposals(&self, at: At) -> impl Iterator<Item = &Proposal> {
        self.life.iter().flat_map(move |life| life.open_proposals(at))
    }

    /// The open hold of this name.
    pub fn hold(&self, name: &str) -> Option<&Hold> {
        self.holds.iter().find(|hold| &*hold.name == name)
    }

    /// What came back of the lines of a purchase.
    pub fn returned(&self, purchase: Position) -> impl Iterator<Item = &LineReturned> {
        let lines = self.returns.as_ref().map(|returns| returns.lines.as_slice()).unwrap_or_default();
        lines.iter().filter(move |back| back.purchase == purchase)
    }

    /// Adds what came back of a line. `None` on overflow.
    pub(crate) fn take_back(&mut self, back: LineReturned) -> Option<()> {
        let lines = &mut self.returns.get_or_insert_default().lines;
        match lines.iter_mut().find(|known| (known.purchase, known.line) == (back.purchase, back.line)) {
            Some(known) => {
                known.items = known.items.checked_add(back.items)?;
                known.amount.0 = known.amount.0.checked_add(back.amount.0)?;
            }
            None => lines.push(back),
        }
        Some(())
    }

    /// What came on `from` or later and waits for its purchase.
    pub fn parked_from(&self, from: Day) -> impl Iterator<Item = &Parked> {
        let parked = self.returns.as_ref().map(|returns| returns.parked.as_slice()).unwrap_or_default();
        parked.iter().filter(move |parked| parked.day >= from)
    }

    /// Something waits for its purchase.
    pub(crate) fn park(&mut self, event: Parked) {
        self.returns.get_or_insert_default().parked.push(event);
    }

    /// It waits no more. `None` if it did not.
    pub(crate) fn unpark(&mut self, event: Position) -> Option<()> {
        let parked = &mut self.returns.as_mut()?.parked;
        let at = parked.iter().position(|parked| parked.position == event)?;
        parked.remove(at);
        self.forget_returns(Day(i32::MIN));
        Some(())
    }

    /// Forgets what came back of purchases that are no longer known, and what waited since before `from`.
    pub(crate) fn forget_returns(&mut self, from: Day) {
        let Some(returns) = &mut self.returns else { return };
        let is_known = |back: &LineReturned| self.purchases.iter().any(|known| known.position == back.purchase);
        returns.lines.retain(is_known);
        returns.parked.retain(|parked| parked.day >= from);
        if **returns == Returns::default() {
            self.returns = None;
        }
    }

    /// Reads the ends of the lists that a purchase reads; see `State::warm`.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        let purchase = self.purchases.last().map_or(0, |last| last.order);
        let lot = self.purses.first.lots.iter().next_back().map_or(0, |last| last.id.position.0);
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
        if self.merged_into().is_some() {
            return Next::default();
        }
        let mut expiry = self.purses.iter().map(Purse::first_expiry).min().unwrap_or(At::NEVER);
        if let Some(closed_at) = self.closed_at()
            && self.purses.iter().any(|purse| purse.lots_len() > 0)
        {
            expiry = expiry.min(closed_at);
        }
        let hold = self.holds.iter().map(|hold| hold.expires_at).min().unwrap_or(At::NEVER);
        let tier = self.tier.due.unwrap_or(At::NEVER);
        let dormant = self.dormant_at.unwrap_or(At::NEVER);
        // What died with its member is nothing to be reminded of.
        let reminders = self.purses.iter().filter(|_| self.closed_at().is_none()).map(Purse::remind_at);
        let reminder = reminders.min().unwrap_or(At::NEVER);
        let activation = self.purses.iter().map(Purse::next_activation).min().unwrap_or(At::NEVER);
        let lapse = self.exchanges().iter().map(|open| open.lapses_at).min().unwrap_or(At::NEVER);
        let mut next = Next { at: expiry, timer: Timer::Expiry };
        for other in [
            Next { at: activation, timer: Timer::Activation },
            Next { at: lapse, timer: Timer::ExchangeLapse },
            Next { at: hold, timer: Timer::HoldExpiry },
            Next { at: tier, timer: Timer::Tier },
            Next { at: dormant, timer: Timer::Inactivity },
            Next { at: reminder, timer: Timer::Reminder },
        ] {
            next = next.min(other);
        }
        next
    }
}
