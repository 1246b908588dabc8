//! Draft: a verdict in the making, with the running numbers of its member.
//!
//! Owns what rules read and write. Its fields are its own: a rule of a feature is a function over a draft, reads it
//! through the readers here and writes through the primitives. It knows no rule. Whoever an event affects beside its
//! member is reached by [`Draft::beside`] and [`Draft::lend`] alone.

use crate::features::risk::change::Action;
use crate::features::tiers::change::TierWhy;
use crate::kernel::account::{Account, Posting};
use crate::kernel::bytes::VALUE_BYTES_MAX;
use crate::kernel::lots::{BALANCE_MAX, LOTS_MAX, Slice};
use crate::kernel::refusal::Refusal;
use crate::kernel::sealed::SealedFor;
use crate::kernel::trace::{Adjustment, Trace};
use crate::kernel::units::{At, Day, LotId, MemberNo, Points, Position, TermNo};
use crate::tables::change::{self, Change, LifeChange};
use crate::tables::desk::{Inputs, Subject};
use crate::tables::member::{Member, Purse};
use crate::tables::program::Program;
use crate::tables::record::Verdict;
use crate::tables::state::State;
use alloc::boxed::Box;
use alloc::vec::Vec;

mod read;

/// Lots of a member beside [`LOTS_MAX`]: one for each date on which points can die that are earned.
const LOTS_BEYOND: usize = 40_000;
/// The most bytes that a posting adds to a row.
const POSTED_BYTES_MAX: usize = 64;
/// The most bytes that a change adds to a row.
const CHANGED_BYTES_MAX: usize = 512;
/// The most that a row may weigh if points come: what remains of [`VALUE_BYTES_MAX`] is for what does not grow, and for
/// what happens by itself.
const ROW_WEIGHT_MAX: usize = VALUE_BYTES_MAX - (24 << 20);
/// So much more if none come.
const ROW_WEIGHT_BEYOND: usize = 8 << 20;

/// How an event affected a member that is not its own: what follows for it is in the list of consequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Points came that another gave.
    Received,
    /// What its tier is measured by changed.
    Measured,
}

/// A verdict in the making, with the running numbers of its member.
pub(crate) struct Draft<'a> {
    desk: &'a Inputs<'a>,
    program: &'a Program,
    no: MemberNo,
    member: &'a Member,
    newcomer: Option<&'a str>,
    /// Local date of what happened: the date limits, expiry and metrics count from.
    day: Day,
    /// Local date of ledger time: the date tiers are looked at.
    today: Day,
    /// The instant at which counters count: ledger time, or when a timer was due.
    counted_at: At,
    /// The instant at which risk counters count: when a fact happened, if it is not told too late for that.
    happened_at: At,
    verdict: Verdict,
    /// The running numbers of the program's first wallet, and of the others that points move in.
    first: Running,
    others: Vec<Running>,
    /// Points wait in review.
    review: bool,
    /// No points at all, and why.
    denied: Option<Adjustment>,
    /// A tier that is not earned by the metric.
    granted: Option<Granted>,
    /// What the tier metric gains, and on which date; and the most it came to in between.
    metric: Gain,
    /// Attributes set by this very event.
    attributes: &'a [(Box<str>, i64)],
    /// What a refused item lacks.
    shortfall: Option<Trace>,
    /// Whom the event affects beside its member, and how: what follows for them is still to come.
    effects: Vec<(Draft<'a>, Effect)>,
}

/// What the tier metric gains by one record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gain {
    /// On which date.
    pub(crate) day: Day,
    /// How much in all.
    pub(crate) amount: i64,
    /// The most it came to before refunds that had waited took from it.
    pub(crate) most: i64,
}

/// A tier that is not earned by the metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granted {
    /// Its rank.
    pub(crate) rank: usize,
    /// Why.
    pub(crate) why: TierWhy,
    /// From when on its standard counts as not met, if it is not.
    pub(crate) unmet_since: Option<Day>,
}

/// The running numbers of one of the member's purses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running {
    wallet: TermNo,
    pub(crate) available: Points,
    pub(crate) debt: Points,
}

impl Running {
    fn of(member: &Member, wallet: TermNo) -> Running {
        let purse = member.purses.of(wallet);
        Running { wallet, available: purse.lots.total(), debt: purse.debt }
    }
}

/// Making a draft, and what becomes of it.
impl<'a> Draft<'a> {
    pub(crate) fn new(desk: &'a Inputs<'a>, program: &'a Program, party: Subject<'a>, happened_at: At) -> Draft<'a> {
        let today = program.calendar.day_of(desk.at);
        let day = if happened_at == desk.at { today } else { program.calendar.day_of(happened_at) };
        let mut draft = Draft {
            desk,
            program,
            no: party.no,
            member: party.member,
            newcomer: party.newcomer,
            day,
            today,
            counted_at: desk.at,
            happened_at: desk.at,
            verdict: Verdict {
                // What a plain purchase comes to, so that its lists never move.
                postings: Vec::with_capacity(2),
                changes: Vec::with_capacity(6),
                trace: Vec::with_capacity(2),
                ..Verdict::default()
            },
            first: Running::of(party.member, program.wallet.id),
            others: Vec::new(),
            review: false,
            denied: None,
            granted: None,
            metric: Gain { day, amount: 0, most: 0 },
            attributes: &[],
            shortfall: None,
            effects: Vec::new(),
        };
        draft.look_at_cases(None);
        draft
    }

    /// What a timer makes of a member: as if it were the instant it was due.
    pub(crate) fn of_timer(desk: &'a Inputs<'a>, program: &'a Program, party: Subject<'a>, due: At) -> Draft<'a> {
        let mut draft = Draft::new(desk, program, party, due);
        (draft.today, draft.counted_at, draft.happened_at) = (draft.day, due, due);
        draft
    }

    /// What the member's open cases forbid, but for the one that ends.
    pub(crate) fn look_at_cases(&mut self, ended: Option<Position>) {
        (self.review, self.denied) = (false, self.barred());
        let open = self.member.cases.iter().filter(|case| Some(**case) != ended);
        for case in open.filter_map(|case| self.desk.state.cases.get(case)) {
            self.under(case.opened.action);
        }
    }

    /// A case of this kind is open on the member.
    #[inline]
    pub(crate) fn under(&mut self, action: Action) {
        match action {
            Action::Flag => {}
            Action::Review => self.review = true,
            Action::Deny => self.denied = Some(Adjustment::Denied),
        }
    }

    /// Says what the member has after it, and whether that is more than can be.
    pub(crate) fn check(&mut self) -> Result<(), Refusal> {
        (self.verdict.wallet, self.verdict.available) = (self.first.wallet, self.first.available);
        let new = || self.verdict.postings.iter().filter(|posting| posting.from == Account::Issued);
        let made = |posting: &&Posting| posting.makes_lot() && posting.lot.position == self.desk.position;
        let lots_made = new().filter(made).count();
        let lots = self.lots_len().saturating_add(lots_made);
        if lots > LOTS_MAX.saturating_add(LOTS_BEYOND) && lots_made > 0 {
            return Err(Refusal::MemberLimitReached);
        }
        let full = |tab: &Running| tab.available.0.max(tab.debt.0) > BALANCE_MAX;
        if full(&self.first) || self.others.iter().any(full) {
            return Err(Refusal::MemberLimitReached);
        }
        fit(self.desk.state, &self.verdict)
    }

    /// How many lots the member has.
    pub(crate) fn lots_len(&self) -> usize {
        self.member.purses.iter().map(Purse::lots_len).fold(0, usize::saturating_add)
    }

    /// The lot into which points go that come to be available: a new one, or, of a member who has as many as it may,
    /// the youngest that dies on the same date.
    pub(crate) fn lot_for(&self, wallet: TermNo, expires_at: At) -> LotId {
        let is_full = self.lots_len() >= LOTS_MAX;
        let purse = is_full.then(|| self.member.purses.of(wallet));
        let youngest = purse.and_then(|purse| purse.youngest_of(expires_at));
        youngest.unwrap_or_else(|| self.new_lot())
    }

    /// How many points of a wallet can still be issued, this verdict included.
    pub(crate) fn issuable(&self, wallet: TermNo) -> i64 {
        BALANCE_MAX.saturating_sub(issued(self.desk.state, &self.verdict, wallet)).max(0)
    }

    /// The verdict, with what the member has after it.
    #[inline]
    pub(crate) fn verdict(mut self) -> Verdict {
        (self.verdict.wallet, self.verdict.available) = (self.first.wallet, self.first.available);
        self.verdict
    }

    /// A denied command leaves what was counted and the case, and nothing else.
    pub(crate) fn denied_verdict(mut self) -> Verdict {
        self.verdict.refusal = Some(Refusal::RiskDenied);
        self.verdict.postings.clear();
        self.verdict.trace.clear();
        self.verdict.wallet = self.program.wallet.id;
        self.verdict.available = self.member.available(self.verdict.wallet);
        self.verdict
    }

    /// What a refused item lacks.
    pub(crate) fn shortfall(&self) -> Option<Trace> {
        self.shortfall
    }

    /// The verdict as it is now.
    pub(crate) fn verdict_so_far(&self) -> &Verdict {
        &self.verdict
    }
}

/// Whether every sum that folding the verdict makes fits: what members have of a wallet is part of what was ever
/// issued of it, and every other sum knows its own limit.
///
/// # Errors
/// [`Refusal::MemberLimitReached`], if one does not.
pub(crate) fn fit(state: &State, verdict: &Verdict) -> Result<(), Refusal> {
    let mut last = TermNo::NONE;
    let too_many = verdict.postings.iter().filter(|posting| posting.from == Account::Issued).any(|posting| {
        core::mem::replace(&mut last, posting.wallet) != posting.wallet
            && issued(state, verdict, posting.wallet) > BALANCE_MAX
    });
    let fits = !too_many && verdict.changes.iter().all(|change| change.fits(state)) && rows_fit(state, verdict);
    if fits { Ok(()) } else { Err(Refusal::MemberLimitReached) }
}

/// Whether the row of every member that the verdict changes can still be stored behind it.
fn rows_fit(state: &State, verdict: &Verdict) -> bool {
    // What only moves from one place of a row to another makes it no larger to speak of, and is what makes room.
    let brought = verdict.postings.iter().filter(|posting| !posting.from.is_spendable_later()).count();
    let more = brought.saturating_mul(POSTED_BYTES_MAX);
    let more = verdict.changes.len().saturating_mul(CHANGED_BYTES_MAX).saturating_add(more);
    let most = if brought == 0 { ROW_WEIGHT_MAX.saturating_add(ROW_WEIGHT_BEYOND) } else { ROW_WEIGHT_MAX };
    let posted = verdict.postings.iter().map(|posting| posting.member);
    let changed = verdict.changes.iter().flat_map(|change| change.members().iter().copied());
    let mut last = MemberNo::NOBODY;
    posted.chain(changed).filter(|no| core::mem::replace(&mut last, *no) != *no).all(|no| {
        let weight = state.member(no).map_or(0, Member::weight);
        weight.saturating_add(more) <= most
    })
}

/// All that was ever issued of a wallet, by this verdict as well.
fn issued(state: &State, verdict: &Verdict, wallet: TermNo) -> i64 {
    let before = state.shared.balance(wallet, Account::Issued).saturating_neg();
    let new = verdict.postings.iter().filter(|posting| (posting.from, posting.wallet) == (Account::Issued, wallet));
    new.fold(before, |sum, posting| sum.saturating_add(posting.points.0))
}

/// The one door to other members.
impl<'a> Draft<'a> {
    /// Another member beside this one, with a verdict of its own in which nothing stands yet.
    #[inline]
    pub(crate) fn beside(&self, party: Subject<'a>) -> Draft<'a> {
        Draft::new(self.desk, self.program, party, self.desk.at)
    }

    /// The same of a member that the event does not name.
    pub(crate) fn beside_no(&self, no: MemberNo) -> Option<Draft<'a>> {
        Some(self.beside(Subject { no, member: self.desk.state.member(no)?, newcomer: None }))
    }

    /// Lends the verdict to the draft of another member: what `write` does there stands in this one's record.
    pub(crate) fn lend<T>(&mut self, other: &mut Draft<'a>, write: impl FnOnce(&mut Draft<'a>) -> T) -> T {
        other.write_into(&mut self.verdict, write)
    }

    /// The same, if the other one may be this one itself.
    pub(crate) fn lend_to_no<T>(&mut self, no: MemberNo, write: impl FnOnce(&mut Draft<'a>) -> T) -> Option<T> {
        if no == self.no {
            return Some(write(self));
        }
        let mut other = self.beside_no(no)?;
        Some(self.lend(&mut other, write))
    }

    /// What `write` does stands in a verdict that is not this draft's own.
    pub(crate) fn write_into<T>(&mut self, verdict: &mut Verdict, write: impl FnOnce(&mut Draft<'a>) -> T) -> T {
        core::mem::swap(&mut self.verdict, verdict);
        let answer = write(self);
        core::mem::swap(&mut self.verdict, verdict);
        answer
    }

    /// Something will follow for the other one.
    pub(crate) fn affects(&mut self, other: Draft<'a>, effect: Effect) {
        self.effects.push((other, effect));
    }

    /// Whom the event affected so far, and how.
    #[inline]
    pub(crate) fn take_effects(&mut self) -> Vec<(Draft<'a>, Effect)> {
        core::mem::take(&mut self.effects)
    }
}

/// What rules write.
impl<'a> Draft<'a> {
    /// Makes a newcomer a member.
    #[inline]
    pub(crate) fn register(&mut self) -> bool {
        let Some(name) = self.newcomer else { return false };
        let name = self.desk.hiding.sealing.seal(SealedFor::member(self.no), name);
        self.change(Change::Registered(change::Registered { member: self.no, name }));
        true
    }

    /// A fact happened then: windows count it there, or say that it was told too late.
    #[inline]
    pub(crate) fn happened(&mut self, at: At) {
        if self.day >= self.late_horizon() {
            self.happened_at = at;
        } else {
            self.told_late();
        }
    }

    /// What windows know of the date of the event may not be all.
    pub(crate) fn told_late(&mut self) {
        let (member, day, since) = (self.no, self.day, self.late_horizon());
        let told = Change::ToldLate(change::ToldLate { member, day, since });
        if !self.verdict.changes.contains(&told) {
            self.change(told);
        }
    }

    /// This event sets these attributes.
    pub(crate) fn set_attributes(&mut self, attributes: &'a [(Box<str>, i64)]) {
        self.attributes = attributes;
    }

    /// What happened is told as history: it counts, and gives nothing.
    pub(crate) fn tell_as_history(&mut self) {
        self.denied = Some(Adjustment::History);
    }

    /// A streak or ladder grants this rank, or another system has; the highest counts.
    pub(crate) fn grant_tier(&mut self, tier: Granted) {
        if self.granted.is_none_or(|granted| granted.rank < tier.rank) {
            self.granted = Some(tier);
        }
    }

    /// The tier metric gains so much; a purchase and the refunds that came before it are of one date.
    #[inline]
    pub(crate) fn measured(&mut self, day: Day, amount: i64) {
        let amount = self.metric.amount.saturating_add(amount);
        self.metric = Gain { day, amount, most: self.metric.most.max(amount) };
    }

    /// Says what a refused item lacks.
    pub(crate) fn lacks(&mut self, refusal: Refusal, trace: Trace) -> Refusal {
        self.shortfall = Some(trace);
        refusal
    }

    /// Something is so from this record on.
    #[inline]
    pub(crate) fn change(&mut self, change: Change) {
        self.verdict.changes.push(change);
    }

    /// The same of the member's life.
    pub(crate) fn live(&mut self, change: LifeChange) {
        self.change(Change::Life(change::Life { member: self.no, change }));
    }

    /// The first change so far that is meant, to be added to.
    pub(crate) fn find_change<T>(&mut self, is_meant: impl FnMut(&mut Change) -> Option<&mut T>) -> Option<&mut T> {
        self.verdict.changes.iter_mut().find_map(is_meant)
    }

    /// A rule came to something.
    #[inline]
    pub(crate) fn trace(&mut self, rule: TermNo, computed: Points, granted: Points, adjustment: Adjustment) {
        self.verdict.trace.push(Trace { rule, computed, granted, adjustment });
    }

    /// Moves points from one account to another.
    pub(crate) fn post(&mut self, wallet: TermNo, (from, to): (Account, Account), slice: Slice, rule: TermNo) {
        let points = slice.left;
        if points.is_zero() {
            return;
        }
        let tab = self.running(wallet);
        for (account, step) in [(from, points.0.saturating_neg()), (to, points.0)] {
            match account {
                Account::Available => tab.available = Points(tab.available.0.saturating_add(step)),
                Account::Debt => tab.debt = Points(tab.debt.0.saturating_sub(step)),
                _ => {}
            }
        }
        self.verdict.postings.push(Posting {
            member: self.no,
            wallet,
            from,
            to,
            points,
            lot: slice.id,
            expires_at: slice.expires_at,
            rule,
        });
    }

    /// Moves slices of lots from one account to another.
    pub(crate) fn post_all(&mut self, wallet: TermNo, way: (Account, Account), slices: &[Slice], rule: TermNo) {
        for slice in slices {
            self.post(wallet, way, *slice, rule);
        }
    }

    /// Gives new points: what is under review waits and repays nothing yet; else debt is repaid first, and the rest
    /// is available.
    pub(crate) fn grant(&mut self, rule: TermNo, wallet: TermNo, points: Points, expires_at: At) {
        let slice = Slice { expires_at, ..Slice::in_no_lot(points) };
        let id = self.bring(wallet, Account::Issued, rule, slice);
        let made =
            self.verdict.postings.last().filter(|posting| posting.lot == id && !self.review).map(|one| one.points);
        // What is told after its date dies as it comes: it was never to be spent.
        if let Some(left) = made.filter(|_| expires_at <= self.counted_at) {
            self.post(wallet, (Account::Available, Account::Expired), Slice { id, left, ..slice }, TermNo::NONE);
        }
    }

    /// Puts points that come from `from` into a new lot with the date of `slice`, as those of a grant; answers which.
    pub(crate) fn bring(&mut self, wallet: TermNo, from: Account, rule: TermNo, slice: Slice) -> LotId {
        let (to, left) = match self.review {
            true => (Account::Review, slice.left),
            false => {
                let lot = (from != Account::Issued).then_some(slice);
                (Account::Available, self.repay(wallet, from, rule, slice.left, lot))
            }
        };
        let id = if self.review { self.new_lot() } else { self.lot_for(wallet, slice.expires_at) };
        let lot = Slice { id, left, ..slice };
        self.post(wallet, (from, to), lot, rule);
        lot.id
    }

    /// Repays debt from points that come from `from`; answers how many are left.
    #[inline]
    pub(crate) fn repay(
        &mut self,
        wallet: TermNo,
        from: Account,
        rule: TermNo,
        points: Points,
        lot: Option<Slice>,
    ) -> Points {
        let repaid = points.min(self.running(wallet).debt);
        let slice = lot.unwrap_or_else(|| Slice::in_no_lot(repaid));
        self.post(wallet, (from, Account::Debt), Slice { left: repaid, ..slice }, rule);
        Points(points.0.saturating_sub(repaid.0))
    }

    /// Does what can be refused; if it is, nothing of it stands.
    pub(crate) fn attempt(&mut self, write: impl FnOnce(&mut Draft<'a>) -> Result<(), Refusal>) -> Option<Refusal> {
        let before = (self.verdict.clone(), self.first, self.others.clone(), self.metric);
        let refusal = write(self).err();
        if refusal.is_some() {
            (self.verdict, self.first, self.others, self.metric) = before;
        }
        refusal
    }
}
