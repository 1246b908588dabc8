//! What rules read of a draft: its member, the program, the dates, and the verdict so far.

use crate::features::membership::state::Scope;
use crate::kernel::account::{Account, Posting};
use crate::kernel::counter::{Counter, Key};
use crate::kernel::names::Found;
use crate::kernel::sealed::Hiding;
use crate::kernel::trace::{Adjustment, Trace};
use crate::kernel::units::{At, Day, LotId, MemberNo, Points, Position, TermNo};
use crate::tables::change::{Change, LifeChange};
use crate::tables::draft::{Draft, Gain, Granted, Running};
use crate::tables::fold::move_points;
use crate::tables::member::{Balances, Hold, Member};
use crate::tables::program::{Program, Wallet};
use crate::tables::state::Case;
use alloc::borrow::Cow;

impl<'a> Draft<'a> {
    /// The program that judges.
    #[inline]
    pub(crate) fn program(&self) -> &'a Program {
        self.program
    }

    /// The member's number.
    #[inline]
    pub(crate) fn no(&self) -> MemberNo {
        self.no
    }

    /// The member's row before this record.
    #[inline]
    pub(crate) fn member(&self) -> &'a Member {
        self.member
    }

    /// The member's row, with what this verdict has moved so far.
    pub(crate) fn row(&self) -> Cow<'a, Member> {
        if self.verdict.postings.is_empty() {
            return Cow::Borrowed(self.member);
        }
        let mut row = self.member.clone();
        // A hold that this record opens is there before its points are.
        for change in &self.verdict.changes {
            if let Change::HoldOpened(opened) = change {
                opened.open(self.no, &mut row);
            }
        }
        // What does not add up here does not fold either, which says where.
        let _ = move_points(&mut row, self.no, &self.verdict.postings);
        Cow::Owned(row)
    }

    /// Where the record will stand.
    #[inline]
    pub(crate) fn position(&self) -> Position {
        self.desk.position
    }

    /// Ledger time.
    #[inline]
    pub(crate) fn at(&self) -> At {
        self.desk.at
    }

    /// The instant at which counters count: ledger time, or when a timer was due.
    #[inline]
    pub(crate) fn counted_at(&self) -> At {
        self.counted_at
    }

    /// How names are hidden.
    #[inline]
    pub(crate) fn hiding(&self) -> Hiding<'a> {
        self.desk.hiding
    }

    /// The short name of something; 0 for none.
    #[inline]
    pub(crate) fn short(&self, what: Found, name: &str) -> u64 {
        self.desk.hiding.key.short(what, name)
    }

    /// The instant at which risk counters count: when a fact happened, if it is not told too late for that.
    #[inline]
    pub(crate) fn happened_at(&self) -> At {
        self.happened_at
    }

    /// Local date of what happened: the date limits, expiry and metrics count from.
    #[inline]
    pub(crate) fn day(&self) -> Day {
        self.day
    }

    /// Local date of ledger time: the date tiers are looked at.
    #[inline]
    pub(crate) fn today(&self) -> Day {
        self.today
    }

    /// The first date whose purchases can still be refunded.
    #[inline]
    pub(crate) fn horizon(&self) -> Day {
        self.today.plus(self.program.refund_days.saturating_neg())
    }

    /// The first date of which may still be told what happened, in any order.
    #[inline]
    pub(crate) fn late_horizon(&self) -> Day {
        self.today.plus(self.program.late_days.saturating_neg())
    }

    /// The word of a term.
    #[inline]
    pub(crate) fn term(&self, term: TermNo) -> &'a str {
        self.desk.state.term(term)
    }

    /// A counter as it was before this record: the member's, or one of a key.
    #[inline]
    pub(crate) fn counter(&self, key: Key, term: TermNo) -> Option<&'a Counter> {
        match key {
            Key::Member(_) => self.member.counter(term),
            Key::Risk(risk) => self.desk.state.counters.get(&(risk, term)).map(|row| &row.counter),
        }
    }

    /// A counter of the member with what this record counts in it on several dates, if it does.
    pub(crate) fn brought(&self, term: TermNo) -> Option<Counter> {
        let mut brought = None;
        for change in &self.verdict.changes {
            let Change::Counted(one) = change else { continue };
            if (one.key, one.term) == (Key::Member(self.no), term) {
                let known = || self.member.counter(term).cloned().unwrap_or_else(|| Counter::new(term));
                brought.get_or_insert_with(known).add(one.bucket, one.keep_from, one.amount)?;
            }
        }
        brought
    }

    /// A risk case.
    pub(crate) fn case(&self, case: Position) -> Option<&'a Case> {
        self.desk.state.cases.get(&case)
    }

    /// The open case of a rule and key.
    pub(crate) fn open_case(&self, rule: TermNo, key: Key) -> Option<(Position, &'a Case)> {
        self.desk.state.open_case(rule, key)
    }

    /// Holds of pieces of an item that are over, if they have not ended otherwise.
    pub(crate) fn pieces_over(&self, item: TermNo) -> impl Iterator<Item = &'a Hold> {
        self.desk.state.pieces_over(item, self.desk.at)
    }

    /// The member's value of an attribute, this event included.
    pub(crate) fn attribute(&self, term: TermNo) -> Option<i64> {
        let name = self.desk.state.term(term);
        let set = self.attributes.iter().rev().find(|(known, _)| **known == *name).map(|(_, value)| *value);
        set.or_else(|| self.member.attribute(term))
    }

    /// Why the member's life gives it no points, if so.
    #[inline]
    pub(crate) fn barred(&self) -> Option<Adjustment> {
        let life = self.member.membership()?;
        if life.closed_at.is_some() {
            Some(Adjustment::Closed)
        } else {
            life.freezes(Scope::Earn).then_some(Adjustment::Frozen)
        }
    }

    /// Whether new points wait in review.
    #[inline]
    pub(crate) fn in_review(&self) -> bool {
        self.review
    }

    /// Why there are no points at all, if so.
    #[inline]
    pub(crate) fn denied(&self) -> Option<Adjustment> {
        self.denied
    }

    /// Whether the member's life ends in this record.
    #[inline]
    pub(crate) fn closes(&self) -> bool {
        let ends =
            |change: &Change| matches!(change, Change::Life(life) if matches!(life.change, LifeChange::Closed(_)));
        self.verdict.changes.iter().any(ends)
    }

    /// Whether what happened is told as history.
    #[inline]
    pub(crate) fn is_history(&self) -> bool {
        self.denied == Some(Adjustment::History)
    }

    /// The tier that a streak or ladder grants, or another system did.
    #[inline]
    pub(crate) fn granted(&self) -> Option<Granted> {
        self.granted
    }

    /// What the tier metric gains, and on which date.
    #[inline]
    pub(crate) fn metric(&self) -> Gain {
        self.metric
    }

    /// The postings so far.
    #[inline]
    pub(crate) fn postings(&self) -> &[Posting] {
        &self.verdict.postings
    }

    /// The changes so far.
    #[inline]
    pub(crate) fn changes(&self) -> &[Change] {
        &self.verdict.changes
    }

    /// What rules came to so far.
    #[inline]
    pub(crate) fn traced(&self) -> &[Trace] {
        &self.verdict.trace
    }

    /// The running numbers of a wallet.
    #[inline]
    pub(crate) fn running(&mut self, wallet: TermNo) -> &mut Running {
        if self.first.wallet == wallet {
            return &mut self.first;
        }
        let known = self.others.iter().position(|tab| tab.wallet == wallet);
        let at = known.unwrap_or_else(|| {
            self.others.push(Running::of(self.member, wallet));
            self.others.len().saturating_sub(1)
        });
        self.others.get_mut(at).unwrap_or(&mut self.first)
    }

    /// What the member owes of a wallet by now.
    #[inline]
    pub(crate) fn debt(&self, wallet: TermNo) -> Points {
        let known = core::iter::once(&self.first).chain(&self.others).find(|tab| tab.wallet == wallet);
        known.map_or_else(|| self.member.purses.of(wallet).debt, |tab| tab.debt)
    }

    /// How many points more the wallet lets the member have; `None` if it sets no limit.
    #[inline]
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

    /// The name of the lot that the next posting makes.
    #[inline]
    pub(crate) fn new_lot(&self) -> LotId {
        let line = u16::try_from(self.verdict.postings.len()).unwrap_or(u16::MAX);
        LotId { position: self.desk.position, line }
    }
}
