//! Moment: the ledger between two events. Whatever is asked of one moment is true together.

use super::{CounterView, MemberLook, MemberView, Totals};
use crate::error::ReadError;
use crate::identity::Identity;
use crate::live::Live;
use crate::sealing::Seals;
use crate::shard::{Handle, Time};
use ledger_core::counter::Counter;
use ledger_core::event::{self, Body, Event, MemberRef, Name};
use ledger_core::features::risk::in_window;
use ledger_core::judge::{LogAccess, find, preview, projected_to};
use ledger_core::member::{Deferred, Member};
use ledger_core::outcome::Outcome;
use ledger_core::program::Program;
use ledger_core::record::{Cause, Verdict};
use ledger_core::state::{Case, ProgramRow};
use ledger_core::units::{At, MemberNo, Position, RiskKey, StaffNo, TermNo};
use std::sync::Arc;

/// The ledger between two events, for as long as it is asked: see [`Handle::ask`].
pub struct Moment<'a> {
    live: &'a Live,
    identity: Identity,
    at: At,
    /// What was durable by then.
    committed: Position,
    /// The last record that anything rests on that was asked for.
    rests_on: Position,
}

impl std::fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moment").field("rests_on", &self.rests_on).finish_non_exhaustive()
    }
}

impl<'a> Moment<'a> {
    pub(super) fn new(live: &'a Live, handle: &Handle) -> Moment<'a> {
        let recorded = live.state.shared.at;
        let at = match handle.inner.options.time {
            // Without the program nobody knows what became of anything since.
            _ if handle.inner.unreadable.is_some() => recorded,
            Time::Wall => handle.inner.guard.now().max(recorded),
            Time::Events | Time::Simulated => recorded,
        };
        let committed = handle.committed().min(live.state.shared.position);
        Moment { live, identity: handle.inner.identity, at, committed, rests_on: Position(0) }
    }

    pub(super) fn rests_on(&self) -> Position {
        self.rests_on
    }

    /// Where everything is true that was asked for so far.
    pub fn position(&self) -> Position {
        self.rests_on.max(self.committed)
    }

    /// Ledger time as reads see it.
    pub fn at(&self) -> At {
        self.at
    }

    /// Which ledger this is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The vocabulary: term n is the n-th word.
    pub fn terms(&self) -> Arc<Vec<Box<str>>> {
        if self.live.terms.len() == self.live.state.shared.terms.len() {
            return self.live.terms.clone();
        }
        Arc::new(self.live.state.shared.terms.clone())
    }

    /// What opens the names that rows and records have.
    pub fn seals(&self) -> Seals {
        self.live.book.seals.clone()
    }

    /// The program in force, if it can be read.
    pub fn program(&self) -> Option<&'a Arc<Program>> {
        self.live.programs.current()
    }

    /// The programs published so far, oldest first.
    pub fn programs(&mut self) -> Vec<ProgramRow> {
        let programs = self.live.state.programs.clone();
        self.rest_on(programs.last().map_or(Position(0), |last| last.position));
        programs
    }

    /// The name of a member; empty if there is none of this number.
    pub fn name(&mut self, no: MemberNo) -> Name {
        let Some(row) = self.live.state.member(no) else { return Name::default() };
        self.rest_on(row.position);
        self.live.book.name_of(no, row)
    }

    /// The name of somebody of the staff; empty if there is nobody of this number.
    pub fn staff_name(&mut self, no: StaffNo) -> Name {
        let Some(row) = self.live.state.staff(no) else { return Name::default() };
        self.rest_on(row.position);
        self.live.book.staff_name(no, row)
    }

    /// A member by its name.
    pub fn member(&mut self, name: &str) -> Option<MemberView> {
        self.member_by_no(find(&self.live.book, name)?)
    }

    /// A member by its name, looked at where it is. Only of a member of whom something is due is the row copied.
    pub fn look<T>(&mut self, name: &str, tell: impl FnOnce(&mut Moment<'a>, &MemberLook<'_>) -> T) -> Option<T> {
        let (no, row) = self.row(find(&self.live.book, name)?)?;
        let program = self.program().map(|program| &**program);
        let is_due = row.next_due.at <= self.at;
        let copy = is_due.then(|| projected_to(&self.live.state, program, no, row, self.at));
        self.rest_on(row.position);
        let (member, position) = (copy.as_ref().unwrap_or(row), row.position.max(self.committed));
        let name = self.live.book.name_of(no, member);
        let look = MemberLook { no, name: &name, member, position, at: self.at, program };
        Some(tell(self, &look))
    }

    /// The row that stands for a number: of a member that is merged into another, that one's.
    fn row(&self, no: MemberNo) -> Option<(MemberNo, &'a Member)> {
        let state = &self.live.state;
        let row = state.member(no)?;
        let into = row.merged_into().and_then(|into| Some((into, state.member(into)?)));
        Some(into.unwrap_or((no, row)))
    }

    /// A member by its number.
    pub fn member_by_no(&mut self, no: MemberNo) -> Option<MemberView> {
        let state = &self.live.state;
        let (no, row) = self.row(no)?;
        let program = self.program();
        let member = projected_to(state, program.map(|program| &**program), no, row, self.at);
        self.rest_on(row.position);
        // Nothing touched the row since, so it is also true at anything durable behind it.
        let position = row.position.max(self.committed);
        let name = self.live.book.name_of(no, row);
        Some(MemberView { no, name, member, position, at: self.at, program: program.cloned() })
    }

    /// Several members, all from one position.
    pub fn members(&mut self, names: &[Name]) -> Vec<Option<MemberView>> {
        let mut views: Vec<_> = names.iter().map(|name| self.member(name)).collect();
        let position = self.position();
        views.iter_mut().flatten().for_each(|view| view.position = position);
        views
    }

    /// What would come of a command, if it were said and happened now.
    ///
    /// # Errors
    /// [`ReadError::Damage`], or [`ReadError::Program`] if one cannot be read.
    pub fn preview(&mut self, event: Event<Name>) -> Result<Verdict, ReadError> {
        let Live { state, programs, book, .. } = self.live;
        programs.unreadable().cloned().map_or(Ok(()), Err)?;
        self.rest_on(state.shared.position);
        let event = Event { occurred_at: self.at, ..event };
        Ok(preview(state, programs, book, event, self.at)?)
    }

    /// The outcome of an event by its source and id, if it was judged. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`].
    pub fn outcome(&mut self, source: &str, id: &str) -> Result<Option<Outcome>, ReadError> {
        let event = Event {
            source: source.into(),
            id: id.into(),
            occurred_at: At(0),
            member: Name::default(),
            keys: Default::default(),
            origin: None,
            body: Body::CheckIn(event::CheckIn),
        };
        let outcome = self.live.outcome(&event)?;
        self.rest_on(outcome.as_ref().map_or(Position(0), |outcome| outcome.position));
        Ok(outcome)
    }

    /// Whether a record is of this member: of its event, if it was said of this name. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`]; [`ReadError::CauseHeldBack`] if only the cause could tell.
    pub fn is_of(&mut self, position: Position, name: &str) -> Result<bool, ReadError> {
        let book = &self.live.book;
        let known = |no: MemberNo| find(book, name) == Some(no);
        let record = book.record(position)?;
        let is_of = match (record.member(), record.cause()) {
            (MemberNo::NOBODY, Cause::Event(event)) => match event.member {
                MemberRef::Unknown(hash) => book.keyed_hash(name) == hash,
                MemberRef::Nobody | MemberRef::Known(_) | MemberRef::Alias(..) => false,
            },
            (MemberNo::NOBODY, Cause::HeldBack) => return Err(ReadError::CauseHeldBack { position }),
            (no, _) => known(no),
        };
        self.rest_on(position);
        Ok(is_of)
    }

    /// The trial balance, members per tier, campaigns, budgets and vocabulary.
    pub fn totals(&mut self) -> Totals {
        self.rest_on(self.live.state.shared.position);
        let totals = Totals::of(self.identity, &self.live.state, self.program());
        Totals { duplicates: self.live.duplicates, ..totals }
    }

    /// Risk cases opened behind `after`, oldest first.
    pub fn cases(&mut self, open_only: bool, after: Position, limit: usize) -> Vec<(Position, Case)> {
        let cases = self.live.state.cases.range(after.next()..);
        let cases = cases.filter(|(_, case)| !open_only || case.finding.is_none());
        let cases: Vec<_> = cases.take(limit).map(|(position, case)| (*position, case.clone())).collect();
        cases.iter().for_each(|(_, case)| self.rest_on(case.position));
        cases
    }

    /// What is of no member and waits for what it speaks of, oldest first.
    pub fn waiting_of_nobody(&mut self) -> Vec<Deferred> {
        let shared = &self.live.state.shared;
        let (waiting, position) = (shared.waiting.clone(), shared.position);
        self.rest_on(position);
        waiting
    }

    /// The counters of a device, or of another key of risk.
    pub fn risk_counters(&mut self, key: RiskKey) -> Vec<CounterView> {
        let rows = self.live.state.counters.range((key, TermNo(0))..=(key, TermNo(u16::MAX)));
        let mut views = Vec::new();
        for (_, row) in rows {
            self.rest_on(row.position);
            views.push(self.counter(&row.counter));
        }
        views
    }

    /// The metrics, limits and counters of a member.
    pub fn member_counters(&mut self, name: &str) -> Option<Vec<CounterView>> {
        let member = self.live.state.member(find(&self.live.book, name)?)?;
        self.rest_on(member.position);
        Some(member.counters.iter().map(|counter| self.counter(counter)).collect())
    }

    fn counter(&self, counter: &Counter) -> CounterView {
        let rule = self.program().and_then(|program| program.counters.iter().find(|rule| rule.id == counter.term));
        let (window, members) = match rule {
            Some(rule) => {
                let (window, members) = in_window(rule, counter, self.at);
                (Some(window), members)
            }
            None => (None, Vec::new()),
        };
        CounterView { term: counter.term, window, total: counter.total, members }
    }

    fn rest_on(&mut self, position: Position) {
        self.rests_on = self.rests_on.max(position);
    }
}
