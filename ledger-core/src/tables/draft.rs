//! Draft: a verdict in the making, with the running numbers of its member.

use crate::decide::BALANCE_MAX;
use crate::features::approvals::state::ByHand;
use crate::features::counting::happening::Happening;
use crate::features::earning::basket::Basket;
use crate::features::earning::program::Trigger;
use crate::features::membership::change::Sealed;
use crate::features::returns::rules::Sold;
use crate::features::tiers::change::TierWhy;
use crate::kernel::account::Account;
use crate::kernel::account::Posting;
use crate::kernel::lots::LOTS_MAX;
use crate::kernel::lots::Slice;
use crate::kernel::names::Who;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::Cut;
use crate::kernel::trace::Trace;
use crate::kernel::units::At;
use crate::kernel::units::Day;
use crate::kernel::units::LotId;
use crate::kernel::units::MemberNo;
use crate::kernel::units::Points;
use crate::kernel::units::Position;
use crate::kernel::units::TermNo;
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::event;
use crate::tables::event::Body;
use crate::tables::event::Class;
use crate::tables::event::Event;
use crate::tables::member::Balances;
use crate::tables::member::Member;
use crate::tables::member::Parked;
use crate::tables::member::PurchaseRef;
use crate::tables::member::Purse;
use crate::tables::member::RedemptionRef;
use crate::tables::program::Program;
use crate::tables::program::Wallet;
use crate::tables::record::Record;
use crate::tables::record::Verdict;
use crate::tables::state::State;
use alloc::boxed::Box;
use alloc::vec::Vec;
/// What a decision may look at, beside the event.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// The state before the record that is being made.
    pub state: &'a State,
    /// The program in force, if one is published.
    pub program: Option<&'a Program>,
    /// Where the record will stand.
    pub position: Position,
    /// Ledger time.
    pub at: At,
}

/// A member at the desk.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// Its number; of a newcomer, the next free one.
    pub no: MemberNo,
    /// Its row; of a newcomer, an empty one.
    pub member: &'a Member,
    /// The name of a newcomer.
    pub newcomer: Option<&'a str>,
}

/// A purchase that the event speaks of, as it was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Purchase<'a> {
    /// What the member's row says of it.
    pub known: PurchaseRef,
    /// The record.
    pub record: &'a Record,
    /// The program version that judged it.
    pub program: &'a Program,
    /// Who bought, if that is a member merged into the one the event concerns.
    pub owner: Option<Party<'a>>,
}

/// A redemption that the event speaks of, as it was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Redemption<'a> {
    /// Who redeemed: the member, or one merged into it.
    pub owner: MemberNo,
    /// What the member's row says of it.
    pub known: RedemptionRef,
    /// The record.
    pub record: &'a Record,
}

/// Everyone and everything the event speaks of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parties<'a> {
    /// The member the event concerns; `None` if it names nobody we know.
    pub subject: Option<Party<'a>>,
    /// The other one the event names, if that is a member: the referee, or whoever has the alias.
    pub other: Option<Party<'a>>,
    /// The purchase of that order.
    pub purchase: Option<Purchase<'a>>,
    /// The redemption at that position.
    pub redemption: Option<Redemption<'a>>,
    /// What came before the purchase of that order, oldest first, each with whose it is and its record.
    pub parked: &'a [(MemberNo, Parked, Record)],
    /// The record that merged whoever bought, or is to stand for itself again.
    pub merge: Option<&'a Record>,
}

/// A verdict in the making, with the running numbers of its member.
pub(crate) struct Draft<'a> {
    pub(crate) desk: &'a Desk<'a>,
    pub(crate) program: &'a Program,
    pub(crate) no: MemberNo,
    pub(crate) member: &'a Member,
    pub(crate) newcomer: Option<&'a str>,
    /// Local date of what happened: the date limits, expiry and metrics count from.
    pub(crate) day: Day,
    /// Local date of ledger time: the date tiers are looked at.
    pub(crate) today: Day,
    /// The instant at which counters count: ledger time, or when a timer was due.
    pub(crate) counted_at: At,
    pub(crate) verdict: Verdict,
    /// The running numbers of the program's first wallet, and of the others that points move in.
    pub(crate) first: Tab,
    pub(crate) others: Vec<Tab>,
    /// Points wait in review.
    pub(crate) review: bool,
    /// No points at all, and why.
    pub(crate) denied: Option<Cut>,
    /// A tier granted by a streak or ladder, by rank.
    pub(crate) granted: Option<usize>,
    /// What the tier metric gains, and on which date.
    pub(crate) metric: (Day, i64),
    /// Attributes set by this very event.
    pub(crate) attributes: &'a [(Box<str>, i64)],
    /// What a refused item lacks.
    pub(crate) lacking: Option<Trace>,
}

/// The running numbers of one of the member's purses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tab {
    pub(crate) wallet: TermNo,
    pub(crate) available: Points,
    pub(crate) debt: Points,
}

impl Tab {
    pub(crate) fn of(member: &Member, wallet: TermNo) -> Tab {
        let purse = member.purses.of(wallet);
        Tab { wallet, available: purse.lots.total(), debt: purse.debt }
    }
}

impl<'a> Draft<'a> {
    pub(crate) fn new(desk: &'a Desk<'a>, program: &'a Program, party: Party<'a>, happened_at: At) -> Draft<'a> {
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
            verdict: Verdict {
                // What a plain purchase comes to, so that its lists never move.
                postings: Vec::with_capacity(2),
                changes: Vec::with_capacity(6),
                trace: Vec::with_capacity(2),
                ..Verdict::default()
            },
            first: Tab::of(party.member, program.wallet.id),
            others: Vec::new(),
            review: false,
            denied: None,
            granted: None,
            metric: (day, 0),
            attributes: &[],
            lacking: None,
        };
        draft.look_at_cases(None);
        draft
    }

    /// What the member's open cases forbid, but for the one that ends.
    pub(crate) fn look_at_cases(&mut self, ended: Option<Position>) {
        (self.review, self.denied) = (false, crate::features::membership::rules::earns_nothing(self.member));
        let open = self.member.cases.iter().filter(|case| Some(**case) != ended);
        for case in open.filter_map(|case| self.desk.state.cases.get(case)) {
            self.under(case.opened.action);
        }
    }

    pub(crate) fn body(&mut self, event: &'a Event<Who>, parties: &Parties<'a>) -> Result<(), Refusal> {
        let purchase = parties.purchase.filter(|purchase| purchase.known.day >= self.horizon());
        match &event.body {
            Body::Enrolled(event::Enrolled { birthday }) => {
                if self.member.enrolled_at.is_some() {
                    return Err(Refusal::AlreadyEnrolled);
                }
                self.observe(event)?;
                self.change(Change::Enrolled(change::Enrolled { member: self.no, birthday: *birthday }));
                self.earn(Trigger::Enrolled, Basket::of(event))
            }
            Body::AttributesSet(event::AttributesSet { attributes }) => self.set_attributes(event, attributes),
            Body::Purchase(event::Purchase { currency, .. }) => {
                if *currency != self.program.currency {
                    return Err(Refusal::CurrencyMismatch);
                }
                if purchase.is_some() {
                    return Err(Refusal::OrderExists);
                }
                self.observe(event)?;
                self.purchase(event)?;
                if !parties.parked.is_empty() {
                    self.unpark(event, parties.parked);
                }
                Ok(())
            }
            Body::Cancelled(event::Cancelled { order }) => {
                let Some(purchase) = purchase else { return self.park(event, order) };
                let sold = Sold::new(purchase, self.member, parties.merge);
                let rest = sold.rest()?;
                self.observe(event)?;
                self.refund(&sold, &rest)
            }
            Body::Refunded(event::Refunded { order, currency, amount, lines }) => {
                if *currency != self.program.currency {
                    return Err(Refusal::CurrencyMismatch);
                }
                let Some(purchase) = purchase else { return self.park(event, order) };
                let sold = Sold::new(purchase, self.member, parties.merge);
                let part = sold.part(*amount, lines)?;
                self.observe(event)?;
                self.refund(&sold, &part)
            }
            Body::Settled(event::Settled { order }) => {
                let Some(purchase) = purchase else { return self.park(event, order) };
                let sold = Sold::new(purchase, self.member, parties.merge);
                self.observe(event)?;
                self.settle_purchase(&sold);
                Ok(())
            }
            Body::CheckIn(event::CheckIn) => {
                self.observe(event)?;
                self.earn(Trigger::CheckIn, Basket::of(event))
            }
            Body::Referral(..) => {
                let referee = parties.other.ok_or(Refusal::MemberUnknown)?;
                if referee.no == self.no {
                    return Err(Refusal::SelfReferral);
                }
                if referee.member.referrer.is_some() {
                    return Err(Refusal::ReferralExists);
                }
                self.observe(event)?;
                self.welcome(referee);
                self.change(Change::ReferredBy(change::ReferredBy { member: referee.no, referrer: self.no }));
                self.earn(Trigger::Referral, Basket::of(event))
            }
            Body::Redeem(event::Redeem { wallet, points, order, total, item }) => {
                let spending = self.spending(wallet, *points, order, (*total, item.as_deref()))?;
                self.redeem(event, &spending)
            }
            Body::Hold(event::Hold { hold, wallet, points, ttl_ms, order, total, item }) => {
                let spending = self.spending(wallet, *points, order, (*total, item.as_deref()))?;
                self.hold(event, hold, &spending, *ttl_ms)
            }
            Body::HoldExtended(event::HoldExtended { hold, ttl_ms }) => self.extend(event, hold, *ttl_ms),
            Body::Transfer(event::Transfer { wallet, points, .. }) => {
                self.transfer(event, parties.other, wallet, *points)
            }
            Body::Imported(event::Imported { wallet, lots }) => self.import(event, wallet, lots),
            Body::Reinstated(event::Reinstated { wallet, points, expires_at, .. }) => {
                self.reinstate(event, wallet, *points, *expires_at)
            }
            Body::Extended(event::Extended { wallet, points, expires_at, .. }) => {
                self.prolong(event, wallet, *points, *expires_at)
            }
            Body::RedeemRefunded(event::RedeemRefunded { points, .. }) => {
                self.refund_redemption(event, parties.redemption, *points)
            }
            Body::Capture(event::Capture { hold, points, last }) => self.capture(event, hold, *points, *last),
            Body::Void(event::Void { hold }) => self.void(event, hold),
            Body::Credit(event::Credit { wallet, points, by, .. }) => {
                self.by_hand(event, ByHand::Credit, wallet, *points, by)
            }
            Body::Debit(event::Debit { wallet, points, by, .. }) => {
                self.by_hand(event, ByHand::Debit, wallet, *points, by)
            }
            Body::Donate(event::Donate { fund, points }) => self.donate(event, fund, *points),
            Body::Approved(event::Approved { proposal, by }) => self.approve(event, *proposal, by),
            Body::Withdrawn(event::Withdrawn { proposal, .. }) => self.withdraw(event, *proposal),
            Body::Frozen(event::Frozen { scope, .. }) => self.freeze(event, *scope),
            Body::Unfrozen(event::Unfrozen { scope, .. }) => self.unfreeze(event, *scope),
            Body::Closed(..) => self.close(event),
            Body::AliasLinked(event::AliasLinked { kind, alias }) => self.link(event, kind, *alias),
            Body::AliasUnlinked(event::AliasUnlinked { alias, .. }) => self.unlink(event, *alias),
            Body::Merged(..) => self.merge(event, parties.other),
            Body::Unmerged(..) => self.unmerge(event, parties.other, parties.merge),
            Body::HouseholdJoined(..) => self.join(event, parties.other),
            Body::HouseholdLeft(event::HouseholdLeft) => self.leave(event),
            Body::ExchangeOut(event::ExchangeOut { exchange, reference, points }) => {
                self.exchange_out(event, exchange, reference, *points)
            }
            Body::ExchangeIn(event::ExchangeIn { exchange, reference, units }) => {
                self.exchange_in(event, exchange, reference, *units)
            }
            Body::ExchangeSettled(event::ExchangeSettled { exchange, reference, accepted }) => {
                self.settle_exchange(event, exchange, reference, *accepted)
            }
            Body::CaseResolved(..) | Body::ProgramPublished(..) | Body::Tick(..) => Ok(()),
        }
    }

    pub(crate) fn set_attributes(
        &mut self,
        event: &Event<Who>,
        attributes: &'a [(Box<str>, i64)],
    ) -> Result<(), Refusal> {
        let term_of =
            |name: &str| self.program.attributes.iter().copied().find(|term| self.desk.state.term(*term) == name);
        let mut set = Vec::with_capacity(attributes.len());
        for (name, value) in attributes {
            let term = term_of(name).ok_or(Refusal::AttributeUnknown)?;
            set.push(Change::AttributeSet(change::AttributeSet { member: self.no, term, value: *value }));
        }
        self.observe(event)?;
        self.attributes = attributes;
        self.verdict.changes.append(&mut set);
        Ok(())
    }

    /// The first date whose purchases can still be refunded.
    pub(crate) fn horizon(&self) -> Day {
        self.today.plus(self.program.refund_days.saturating_neg())
    }

    /// The member's value of an attribute, this event included.
    pub(crate) fn attribute(&self, term: TermNo) -> Option<i64> {
        let name = self.desk.state.term(term);
        let set = self.attributes.iter().rev().find(|(known, _)| **known == *name).map(|(_, value)| *value);
        set.or_else(|| self.member.attribute(term))
    }

    /// The line from which the event succeeds: counts it, looks at the risk rules, and makes a
    /// newcomer a member.
    ///
    /// # Errors
    /// [`Refusal::RiskDenied`] for a command that a rule denies.
    pub(crate) fn observe(&mut self, event: &Event<Who>) -> Result<(), Refusal> {
        if let Some(name) = self.newcomer {
            self.register(self.no, name);
        }
        self.count_event(event);
        if self.denied == Some(Cut::Denied) && event.body.kind().class() == Class::Command {
            return Err(Refusal::RiskDenied);
        }
        Ok(())
    }

    pub(crate) fn register(&mut self, no: MemberNo, name: &str) {
        self.change(Change::Registered(change::Registered {
            member: no,
            name: Sealed { scheme: 0, bytes: name.into() },
        }));
    }

    /// Makes a second newcomer of this event a member with the lowest tier.
    pub(crate) fn welcome(&mut self, party: Party<'_>) {
        let Some(name) = party.newcomer else { return };
        self.register(party.no, name);
        if let Some(lowest) = self.program.tiers.as_ref().and_then(|tiers| tiers.ranks.first()) {
            self.change(Change::TierSet(change::TierSet {
                member: party.no,
                from: TermNo::NONE,
                to: lowest.id,
                unmet_since: None,
                due: At::NEVER,
                why: TierWhy::Joined,
            }));
        }
    }

    /// What follows from any event that succeeded.
    pub(crate) fn finish(&mut self, event: &Event<Who>) -> Result<(), Refusal> {
        let kind = event.body.kind().into();
        self.count_consequences(kind, &event.keys);
        self.be_active(kind);
        self.contribute();
        self.convert();
        self.live_on(Some(kind), || Basket::of(event).net());
        self.look_ahead();
        self.stand();
        (self.verdict.wallet, self.verdict.available) = (self.first.wallet, self.first.available);
        let new = || self.verdict.postings.iter().filter(|posting| posting.from == Account::Issued);
        let lots_made = new().filter(|posting| posting.makes_lot()).count();
        let lots = self.member.purses.iter().map(Purse::lots_len).fold(lots_made, usize::saturating_add);
        if lots > LOTS_MAX && lots_made > 0 {
            return Err(Refusal::MemberFull);
        }
        let full = |tab: &Tab| {
            let issued = self.desk.state.shared.balance(tab.wallet, Account::Issued).saturating_neg();
            let new = new().filter(|posting| posting.wallet == tab.wallet);
            let issued = new.fold(issued, |sum, posting| sum.saturating_add(posting.points.0));
            tab.available.0.max(tab.debt.0).max(issued) > BALANCE_MAX
        };
        if full(&self.first) || self.others.iter().any(full) { Err(Refusal::MemberFull) } else { Ok(()) }
    }

    /// The verdict of what happens by itself.
    pub(crate) fn closed(mut self) -> Verdict {
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

    pub(crate) fn be_active(&mut self, kind: Happening) {
        let Some(inactivity) = &self.program.inactivity else { return };
        if inactivity.activity.contains(kind) && self.member.closed_at().is_none() {
            let dormant_at = self.program.calendar.start_of(self.day.plus(inactivity.days));
            // What is told late arms no timer that is past: it would fire again for every such event.
            if dormant_at > self.desk.at && self.member.dormant_at.is_none_or(|known| dormant_at > known) {
                self.change(Change::Active(change::Active { member: self.no, dormant_at }));
            }
        }
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.verdict.changes.push(change);
    }

    pub(crate) fn trace(&mut self, rule: TermNo, computed: Points, granted: Points, cut: Cut) {
        self.verdict.trace.push(Trace { rule, computed, granted, cut });
    }

    /// Lends the verdict to the draft of another member: what `write` does there stands in this one's record.
    pub(crate) fn lend<'b, T>(&mut self, other: &mut Draft<'b>, write: impl FnOnce(&mut Draft<'b>) -> T) -> T {
        core::mem::swap(&mut other.verdict, &mut self.verdict);
        let answer = write(other);
        core::mem::swap(&mut other.verdict, &mut self.verdict);
        answer
    }

    /// The running numbers of a wallet.
    pub(crate) fn tab(&mut self, wallet: TermNo) -> &mut Tab {
        if self.first.wallet == wallet {
            return &mut self.first;
        }
        let known = self.others.iter().position(|tab| tab.wallet == wallet);
        let at = known.unwrap_or_else(|| {
            self.others.push(Tab::of(self.member, wallet));
            self.others.len().saturating_sub(1)
        });
        self.others.get_mut(at).unwrap_or(&mut self.first)
    }

    pub(crate) fn post(&mut self, wallet: TermNo, (from, to): (Account, Account), slice: Slice, rule: TermNo) {
        let points = slice.left;
        if points.is_zero() {
            return;
        }
        let tab = self.tab(wallet);
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

    /// The name of the lot that the next posting makes.
    pub(crate) fn new_lot(&self) -> LotId {
        let line = u16::try_from(self.verdict.postings.len()).unwrap_or(u16::MAX);
        LotId { position: self.desk.position, line }
    }

    /// How many points more the wallet lets the member have; `None` if it sets no limit.
    pub(crate) fn room(&self, wallet: &Wallet) -> Option<Points> {
        let most = wallet.max_balance?;
        let Balances { available, review, pending, held, exchanging, .. } = self.member.balances(wallet.id);
        let has = [available, review, pending, held, exchanging]
            .iter()
            .fold(0i64, |sum, points| sum.saturating_add(points.0));
        let own = |posting: &&Posting| (posting.member, posting.wallet) == (self.no, wallet.id);
        let moved = self.verdict.postings.iter().filter(own);
        let has = moved.fold(has, |sum, Posting { from, to, points, .. }| {
            let step = |account: &Account| if account.is_spendable_later() { points.0 } else { 0 };
            sum.saturating_add(step(to)).saturating_sub(step(from))
        });
        Some(Points(most.0.saturating_sub(has).max(0)))
    }

    /// Gives new points: debt is repaid first, what is under review waits, the rest is available.
    pub(crate) fn grant(&mut self, rule: TermNo, wallet: TermNo, points: Points, expires_at: At) {
        let points = self.repay(wallet, Account::Issued, rule, points, None);
        let to = if self.review { Account::Review } else { Account::Available };
        let slice = Slice { expires_at, id: self.new_lot(), left: points };
        self.post(wallet, (Account::Issued, to), slice, rule);
    }

    /// Repays debt from points that come from `from`; answers how many are left.
    pub(crate) fn repay(
        &mut self,
        wallet: TermNo,
        from: Account,
        rule: TermNo,
        points: Points,
        lot: Option<Slice>,
    ) -> Points {
        let repaid = points.min(self.tab(wallet).debt);
        let slice = lot.unwrap_or_else(|| Slice::in_no_lot(repaid));
        self.post(wallet, (from, Account::Debt), Slice { left: repaid, ..slice }, rule);
        Points(points.0.saturating_sub(repaid.0))
    }
}
