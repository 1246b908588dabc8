//! Read: balances, totals, counters and cases as they stand, and histories as they came about.
//!
//! What stands is read from memory, between events, all from one position; it may rest on records
//! that are not durable yet, so it comes as a [`Pending`] that opens when they are. Histories are
//! read from the durable log, and what a member was at any position or instant is folded from its own
//! records: no second copy of history is kept.

use crate::block::Block;
use crate::error::{Damage, ReadError};
use crate::keys;
use crate::live::Live;
use crate::shard::{Handle, Inner, Time};
use ledger_core::bytes::{decode, decode_row};
use ledger_core::counter::Counter;
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::explain::{Explanation, explain};
use ledger_core::features::risk::in_window;
use ledger_core::fold::fold_member;
use ledger_core::judge::{brought_up_to, find, foresee};
use ledger_core::member::Member;
use ledger_core::outcome::Outcome;
use ledger_core::program::Program;
use ledger_core::record::{Record, Verdict};
use ledger_core::state::{Case, HistoryPage, ProgramRow, Shared, State};
use ledger_core::tally::Tally;
use ledger_core::totals::tallies;
use ledger_core::units::{At, MemberNo, Position, RiskKey, TermNo};
use std::sync::Arc;

/// An answer that may rest on records that are not durable yet.
pub struct Pending<T> {
    inner: Arc<Inner>,
    rests_on: Position,
    value: T,
}

impl<T> std::fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("rests_on", &self.rests_on).finish_non_exhaustive()
    }
}

impl<T> Pending<T> {
    /// Waits until the answer is durable.
    ///
    /// # Errors
    /// If the shard stops before.
    pub fn wait(self) -> Result<T, ReadError> {
        match self.inner.status.wait(self.rests_on) {
            Ok(()) => Ok(self.value),
            Err(reason) => Err(ReadError::Stopped { reason }),
        }
    }

    /// The last record that the answer rests on: it is true there, and at least up to the position
    /// that was durable when it was read.
    pub fn position(&self) -> Position {
        self.rests_on
    }

    /// The answer, if it is durable; else itself again: try after the next commit.
    ///
    /// # Errors
    /// The pending answer.
    pub fn try_take(self) -> Result<Result<T, ReadError>, Pending<T>> {
        if self.inner.status.committed_now() >= self.rests_on {
            return Ok(Ok(self.value));
        }
        match self.inner.status.stopped() {
            Some(reason) => Ok(Err(ReadError::Stopped { reason })),
            None => Err(self),
        }
    }
}

/// A member as it stands.
#[derive(Clone, Debug)]
pub struct MemberView {
    /// Its number.
    pub no: MemberNo,
    /// Its row, brought up to `at`: nothing that is due is left out.
    pub member: Member,
    /// A durable position at which this is true.
    pub position: Position,
    /// The instant at which this is true.
    pub at: At,
}

/// What all members have and did together.
#[derive(Clone, Debug)]
pub struct Totals {
    /// The position at which this is true.
    pub position: Position,
    /// The ledger time of that record.
    pub at: At,
    /// Balances by kind of account, tiers, vocabulary.
    pub shared: Shared,
    /// How many members there are.
    pub members: u32,
    /// The program in force.
    pub program: Option<Arc<Program>>,
    /// What its campaigns, budgets, funds, items and exchanges did, on the local day of that record.
    pub tallies: Vec<Tally>,
}

impl Totals {
    pub(crate) fn of(state: &State, program: Option<&Arc<Program>>) -> Totals {
        let shared = state.shared.clone();
        Totals {
            position: shared.position,
            at: shared.at,
            shared,
            members: state.members_len(),
            program: program.cloned(),
            tallies: program.map(|program| tallies(state, program)).unwrap_or_default(),
        }
    }
}

/// A record, explained.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Where it stands.
    pub position: Position,
    /// The record.
    pub record: Record,
    /// Its own member before it; an empty row if it was none.
    pub before: Member,
    /// Every rule that might have applied, and what a refusal rests on.
    pub why: Explanation,
}

/// A counter as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterView {
    /// Which metric, limit or counter.
    pub term: TermNo,
    /// What it says in its window now; `None` if the program in force has no such counter.
    pub window: Option<i64>,
    /// Everything ever counted.
    pub total: i64,
    /// The distinct members in its window, where it counts members.
    pub members: Vec<MemberNo>,
}

/// One step of a replay.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where the record stands.
    pub position: Position,
    /// The record.
    pub record: Record,
    /// The member after it.
    pub after: Member,
}

/// A point in a ledger's past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// Behind this record.
    Position(Position),
    /// At this instant, with everything due by then.
    Instant(At),
}

impl Handle {
    /// A member by its name.
    pub fn member(&self, name: &str) -> Pending<Option<MemberView>> {
        let live = self.inner.live.read();
        let no = live.number(name);
        self.view(&live, no)
    }

    /// A member by its number.
    pub fn member_by_no(&self, no: MemberNo) -> Pending<Option<MemberView>> {
        let live = self.inner.live.read();
        self.view(&live, Some(no))
    }

    /// Several members, all from one position.
    pub fn members(&self, names: &[Name]) -> Pending<Vec<Option<MemberView>>> {
        let live = self.inner.live.read();
        let pending = names.iter().map(|name| self.view(&live, live.number(name)));
        let mut rests_on = Position(0);
        let mut views = Vec::with_capacity(names.len());
        for Pending { rests_on: position, value, .. } in pending {
            rests_on = rests_on.max(position);
            views.push(value);
        }
        let position = rests_on.max(self.committed().min(live.state.shared.position));
        views.iter_mut().flatten().for_each(|view| view.position = position);
        self.pending(rests_on, views)
    }

    /// What would come of a command now, if it were said; nothing is recorded.
    pub fn foresee(&self, event: Event<Name>) -> Pending<Result<Verdict, ReadError>> {
        let live = self.inner.live.read();
        let verdict = foresee(&live.state, &live.programs, &live.book, event, self.now(&live));
        self.pending(live.state.shared.position, verdict.map_err(ReadError::from))
    }

    /// The trial balance, members per tier, campaigns, budgets and vocabulary.
    pub fn totals(&self) -> Pending<Totals> {
        let live = self.inner.live.read();
        let totals = Totals::of(&live.state, live.programs.current());
        self.pending(totals.position, totals)
    }

    /// Risk cases opened behind `after`, oldest first.
    pub fn cases(&self, open_only: bool, after: Position, limit: usize) -> Pending<Vec<(Position, Case)>> {
        let live = self.inner.live.read();
        let cases = live.state.cases.range(after.next()..);
        let cases = cases.filter(|(_, case)| !open_only || case.finding.is_none());
        let cases: Vec<_> = cases.take(limit).map(|(position, case)| (*position, case.clone())).collect();
        let rests_on = cases.iter().map(|(_, case)| case.position).max().unwrap_or_default();
        self.pending(rests_on, cases)
    }

    /// The counters of a device, address or phone.
    pub fn risk_counters(&self, key: RiskKey) -> Pending<Vec<CounterView>> {
        let live = self.inner.live.read();
        let rows = live.state.counters.range((key, TermNo(0))..=(key, TermNo(u16::MAX)));
        let at = self.now(&live);
        let mut rests_on = Position(0);
        let mut views = Vec::new();
        for (_, row) in rows {
            rests_on = rests_on.max(row.position);
            views.push(counter_view(&live, &row.counter, at));
        }
        self.pending(rests_on, views)
    }

    /// The metrics, limits and counters of a member.
    pub fn member_counters(&self, name: &str) -> Pending<Option<Vec<CounterView>>> {
        let live = self.inner.live.read();
        let at = self.now(&live);
        let member = live.number(name).and_then(|no| live.state.member(no));
        let rests_on = member.map_or(Position(0), |member| member.position);
        let views =
            member.map(|member| member.counters.iter().map(|counter| counter_view(&live, counter, at)).collect());
        self.pending(rests_on, views)
    }

    /// The programs published so far, oldest first.
    pub fn programs(&self) -> Pending<Vec<ProgramRow>> {
        let live = self.inner.live.read();
        let programs = live.state.programs.clone();
        let rests_on = programs.last().map_or(Position(0), |last| last.position);
        self.pending(rests_on, programs)
    }

    /// The vocabulary: term n is the n-th word.
    pub fn terms(&self) -> Arc<Vec<Box<str>>> {
        let live = self.inner.live.read();
        if live.terms.len() == live.state.shared.terms.len() {
            return live.terms.clone();
        }
        Arc::new(live.state.shared.terms.clone())
    }

    /// The names of members; of whoever is no member, nothing.
    pub fn names(&self, members: &[MemberNo]) -> Pending<Vec<Name>> {
        let live = self.inner.live.read();
        let rows: Vec<Option<&Member>> = members.iter().map(|no| live.state.member(*no)).collect();
        let rests_on = rows.iter().flatten().map(|row| row.position).max().unwrap_or_default();
        let names = rows.iter().map(|row| row.map_or_else(Name::default, |row| row.name.clone())).collect();
        self.pending(rests_on, names)
    }

    /// The program that was in force then.
    pub fn program_then(&self, then: AsOf) -> Option<Arc<Program>> {
        let live = self.inner.live.read();
        let known = |row: &ProgramRow| match then {
            AsOf::Position(position) => row.position <= position,
            AsOf::Instant(at) => row.at <= at,
        };
        let version = live.state.programs.iter().take_while(|row| known(row)).count();
        live.programs.version(u32::try_from(version).unwrap_or(u32::MAX)).cloned()
    }

    /// The program in force.
    pub fn current_program(&self) -> Option<Arc<Program>> {
        self.inner.live.read().programs.current().cloned()
    }

    /// Ledger time as reads see it.
    pub fn time(&self) -> At {
        self.now(&self.inner.live.read())
    }

    /// Where a source stands.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn cursor(&self, source: &str) -> Result<Option<u64>, ReadError> {
        Ok(self.inner.disk.cursor(source)?)
    }

    /// A record of the log, if the log reaches so far. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`].
    pub fn record(&self, position: Position) -> Result<Option<Record>, ReadError> {
        if position > self.committed() {
            return Ok(None);
        }
        Ok(self.inner.disk.record(position)?)
    }

    /// Durable records behind `after`, oldest first, at most `limit`. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`].
    pub fn records(&self, after: Position, limit: u64) -> Result<Vec<(Position, Record)>, ReadError> {
        let last = self.committed().0.min(after.0.saturating_add(limit));
        let mut log = LogReader { inner: &self.inner, block: None };
        (after.0 + 1..=last).map(|position| Ok((Position(position), log.record(Position(position))?))).collect()
    }

    /// The outcome of an event by its source and id, if it was judged. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn outcome(&self, source: &str, id: &str) -> Result<Option<Outcome>, ReadError> {
        let event = Event {
            source: source.into(),
            id: id.into(),
            occurred_at: At(0),
            member: Name::default(),
            keys: Default::default(),
            origin: None,
            body: Body::CheckIn(event::CheckIn),
        };
        let outcome = self.inner.live.read().outcome(&event)?;
        let rests_on = outcome.as_ref().map_or(Position(0), |outcome| outcome.position);
        self.pending(rests_on, outcome).wait()
    }

    /// A member's records behind `after`, oldest first; `None` if there is no such member. Reads the
    /// disk.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn history(
        &self,
        name: &str,
        after: Position,
        limit: usize,
    ) -> Result<Option<Vec<(Position, Record)>>, ReadError> {
        let Some((_, positions)) = self.positions(name, after, limit)? else { return Ok(None) };
        let mut log = LogReader { inner: &self.inner, block: None };
        positions.into_iter().map(|position| Ok((position, log.record(position)?))).collect::<Result<_, _>>().map(Some)
    }

    /// A member's records from the first, each with the member after it; `None` if there is no such
    /// member. Reads the disk as it goes.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn replay(&self, name: &str) -> Result<Option<Replay>, ReadError> {
        let found = self.positions(name, Position(0), usize::MAX)?;
        Ok(found.map(|(no, positions)| Replay {
            inner: self.inner.clone(),
            no,
            positions: positions.into_iter(),
            member: Member::default(),
            block: None,
        }))
    }

    /// A member as it was; `None` if it was no member then. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn member_as_of(&self, name: &str, as_of: AsOf) -> Result<Option<MemberView>, ReadError> {
        let Some(replay) = self.replay(name)? else { return Ok(None) };
        let no = replay.no;
        let mut then: Option<Step> = None;
        for step in replay {
            let step = step?;
            let past = match as_of {
                AsOf::Position(position) => step.position > position,
                AsOf::Instant(at) => step.record.at > at,
            };
            if past {
                break;
            }
            then = Some(step);
        }
        let into = then.as_ref().and_then(|step| step.after.merged_into());
        if let Some(into) = into {
            let name = self.inner.live.read().state.member(into).map(|row| row.name.clone());
            return name.map_or(Ok(None), |name| self.member_as_of(&name, as_of));
        }
        Ok(then.map(|step| {
            let live = self.inner.live.read();
            let (at, member) = match as_of {
                AsOf::Position(_) => (step.record.at, step.after),
                AsOf::Instant(at) => {
                    let version = live.state.programs.iter().filter(|row| row.at <= at).count();
                    let program = live.programs.version(u32::try_from(version).unwrap_or(u32::MAX));
                    (at, brought_up_to(&live.state, program.map(|program| &**program), no, &step.after, at))
                }
            };
            MemberView { no, member, position: step.position, at }
        }))
    }

    /// The record at a position, and why it came to what it did; `None` if there is none yet. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn explain(&self, position: Position) -> Result<Option<Explained>, ReadError> {
        if position == Position(0) || position > self.committed() {
            return Ok(None);
        }
        let record = LogReader { inner: &self.inner, block: None }.record(position)?;
        let no = record.member();
        let name = self.inner.live.read().state.member(no).map(|row| row.name.clone()).unwrap_or_default();
        let before = self.member_as_of(&name, AsOf::Position(Position(position.0 - 1)))?;
        let before = before.map(|view| view.member).unwrap_or_default();
        let live = self.inner.live.read();
        let program = live.programs.version(record.program);
        let why = program.map(|program| explain(&live.state, program, no, &before, &record)).unwrap_or_default();
        Ok(Some(Explained { position, record, before, why }))
    }

    fn pending<T>(&self, rests_on: Position, value: T) -> Pending<T> {
        Pending { inner: self.inner.clone(), rests_on, value }
    }

    fn view(&self, live: &Live, no: Option<MemberNo>) -> Pending<Option<MemberView>> {
        let found = no.and_then(|no| live.state.member(no).map(|row| (no, row)));
        let into = found.and_then(|(_, row)| row.merged_into()).and_then(|no| Some((no, live.state.member(no)?)));
        let Some((no, row)) = into.or(found) else {
            return self.pending(Position(0), None);
        };
        let at = self.now(live);
        let program = live.programs.current().map(|program| &**program);
        let member = brought_up_to(&live.state, program, no, row, at);
        // Nothing touched the row since, so it is also true at anything durable behind it.
        let position = row.position.max(self.committed().min(live.state.shared.position));
        self.pending(row.position, Some(MemberView { no, member, position, at }))
    }

    fn now(&self, live: &Live) -> At {
        match self.inner.options.time {
            Time::Wall => (self.inner.clock)().max(live.state.shared.at),
            Time::Events | Time::Simulated => live.state.shared.at,
        }
    }

    /// The durable positions of a member's records behind `after`.
    fn positions(
        &self,
        name: &str,
        after: Position,
        limit: usize,
    ) -> Result<Option<(MemberNo, Vec<Position>)>, ReadError> {
        let live = self.inner.live.read();
        let Some((no, row)) = live.number(name).and_then(|no| live.state.member(no).map(|row| (no, row))) else {
            return Ok(None);
        };
        let committed = self.committed();
        let page_len = ledger_core::member::HISTORY_PAGE as u64;
        let recent = row.history.recent.clone();
        let pages = row.history.paged / page_len;
        // Pages are immutable: the few in memory are taken now, the rest is read without the lock.
        let in_memory = live.book.pages.range((no, 0)..=(no, u64::MAX));
        let mut in_memory: Vec<(u64, Vec<Position>)> = in_memory.map(|((_, page), at)| (*page, at.clone())).collect();
        let filling = live.state.dirty().pages.iter().filter(|page| page.member == no);
        in_memory.extend(filling.map(|page| (page.page, page.positions.clone())));
        drop(live);
        let mut positions = Vec::new();
        let first = self.first_page(no, pages, after, &in_memory)?;
        for page in first..pages {
            if positions.len() >= limit {
                break;
            }
            let page = self.page(no, page, &in_memory)?;
            positions.extend(page.into_iter().filter(|position| *position > after));
        }
        positions.extend(recent.into_iter().filter(|position| *position > after));
        positions.truncate(limit);
        positions.retain(|position| *position <= committed);
        Ok(Some((no, positions)))
    }

    /// The first page that reaches behind `after`, by halving.
    fn first_page(
        &self,
        no: MemberNo,
        pages: u64,
        after: Position,
        in_memory: &[(u64, Vec<Position>)],
    ) -> Result<u64, ReadError> {
        let (mut low, mut high) = (0, pages);
        while low < high && after > Position(0) {
            let middle = low + (high - low) / 2;
            if self.page(no, middle, in_memory)?.last().is_some_and(|last| *last > after) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    fn page(&self, no: MemberNo, page: u64, in_memory: &[(u64, Vec<Position>)]) -> Result<Vec<Position>, ReadError> {
        if let Some((_, positions)) = in_memory.iter().find(|(known, _)| *known == page) {
            return Ok(positions.clone());
        }
        let row = self.inner.disk.get(keys::HISTORY, &keys::page(no, page))?;
        let missing = || Damage::Row { row: format!("history {no}/{page}"), what: "is missing".into() };
        let row: HistoryPage = decode_row(&row.ok_or_else(missing)?).map_err(Damage::from)?;
        Ok(row.positions)
    }
}

impl Live {
    fn number(&self, name: &str) -> Option<MemberNo> {
        find(&self.book, name)
    }
}

fn counter_view(live: &Live, counter: &Counter, at: At) -> CounterView {
    let program = live.programs.current();
    let rule = program.and_then(|program| program.counters.iter().find(|rule| rule.id == counter.term));
    let (window, members) = match rule {
        Some(rule) => {
            let (window, members) = in_window(rule, counter, at);
            (Some(window), members)
        }
        None => (None, Vec::new()),
    };
    CounterView { term: counter.term, window, total: counter.total, members }
}

/// A member's history, folded as it is read.
pub struct Replay {
    inner: Arc<Inner>,
    no: MemberNo,
    positions: std::vec::IntoIter<Position>,
    member: Member,
    block: Option<Block>,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("member", &self.no).finish_non_exhaustive()
    }
}

impl Iterator for Replay {
    type Item = Result<Step, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let position = self.positions.next()?;
        let mut log = LogReader { inner: &self.inner, block: self.block.take() };
        let record = log.record(position);
        self.block = log.block;
        Some(record.and_then(|record| {
            fold_member(&mut self.member, self.no, position, &record).map_err(Damage::from)?;
            Ok(Step { position, record, after: self.member.clone() })
        }))
    }
}

/// Reads records, most often several of one block.
struct LogReader<'a> {
    inner: &'a Inner,
    block: Option<Block>,
}

impl LogReader<'_> {
    fn record(&mut self, position: Position) -> Result<Record, ReadError> {
        if self.block.as_ref().is_none_or(|block| block.record(position).is_none()) {
            self.block = self.inner.disk.block(position)?;
        }
        let missing = || Damage::Row { row: format!("record {position}"), what: "is missing".into() };
        let bytes = self.block.as_ref().and_then(|block| block.record(position)).ok_or_else(missing)?;
        Ok(decode(bytes).map_err(Damage::from)?)
    }
}
