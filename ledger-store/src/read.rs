//! Read: balances, totals, counters and cases as they stand, and histories as they came about.
//!
//! What stands is read from memory, between events, all from one position; it may rest on records
//! that are not durable yet, so it comes as a [`Pending`] that opens when they are. Histories are
//! read from the durable log, and what a member was at any position or instant is folded from its own
//! records: no second copy of history is kept.

mod log;
mod moment;

pub use self::log::{Explained, History, Replay, Step};
pub use self::moment::Moment;

use crate::error::ReadError;
use crate::identity::Identity;
use crate::sealing::Seals;
use crate::shard::{Handle, Inner};
use ledger_core::event::{Event, Name};
use ledger_core::member::Member;
use ledger_core::program::Program;
use ledger_core::record::Verdict;
use ledger_core::state::{Case, ProgramRow, Shared, State};
use ledger_core::tally::Tally;
use ledger_core::totals::tallies;
use ledger_core::units::{At, MemberNo, Position, RiskKey, StaffNo, TermNo};
use std::sync::Arc;

/// An answer that may rest on records that are not durable yet.
pub struct Pending<T> {
    inner: Arc<Inner>,
    rests_on: Position,
    position: Position,
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

    /// Where the answer is true: at the last record that it rests on, or at what was durable when it was read, if that
    /// is later, as nothing that it speaks of had changed until then.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The same answer, put otherwise, with the position at which it is true. Done at once, without the lock.
    pub fn map<U>(self, put: impl FnOnce(T, Position) -> U) -> Pending<U> {
        let Pending { inner, rests_on, position, value } = self;
        Pending { inner, rests_on, position, value: put(value, position) }
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
    /// Its name.
    pub name: Name,
    /// Its row, brought up to `at`: nothing that is due is left out, unless the program cannot be read. Then it is as
    /// the last record left it.
    pub member: Member,
    /// A durable position at which this is true.
    pub position: Position,
    /// The instant at which this is true.
    pub at: At,
    /// The program that was in force then.
    pub program: Option<Arc<Program>>,
}

/// What all members have and did together.
#[derive(Clone, Debug)]
pub struct Totals {
    /// Which ledger has them.
    pub identity: Identity,
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
    /// How many events came again since the ledger was opened; none are known of a ledger that is only read.
    pub duplicates: u64,
}

impl MemberView {
    /// The same, to be looked at.
    pub fn look(&self) -> MemberLook<'_> {
        let program = self.program.as_deref();
        MemberLook {
            no: self.no,
            name: &self.name,
            member: &self.member,
            position: self.position,
            at: self.at,
            program,
        }
    }
}

/// A member where it is: of its row nothing is copied.
#[derive(Clone, Copy, Debug)]
pub struct MemberLook<'a> {
    /// Its number.
    pub no: MemberNo,
    /// Its name.
    pub name: &'a str,
    /// Its row, brought up to `at`: nothing that is due is left out.
    pub member: &'a Member,
    /// A durable position at which this is true.
    pub position: Position,
    /// The instant at which this is true.
    pub at: At,
    /// The program that was in force then.
    pub program: Option<&'a Program>,
}

impl Totals {
    pub(crate) fn of(identity: Identity, state: &State, program: Option<&Arc<Program>>) -> Totals {
        let shared = state.shared.clone();
        Totals {
            identity,
            position: shared.position,
            at: shared.at,
            shared,
            members: state.members_len(),
            program: program.cloned(),
            tallies: program.map(|program| tallies(state, program)).unwrap_or_default(),
            duplicates: 0,
        }
    }
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

/// A point in a ledger's past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// Behind this record.
    Position(Position),
    /// At this instant, with everything due by then.
    Instant(At),
}

impl Handle {
    /// Asks for several things that are true together: under one lock, of one state. Whatever `ask` does, judging
    /// waits for: it copies what is needed, and makes no use of this handle.
    pub fn ask<T>(&self, ask: impl FnOnce(&mut Moment<'_>) -> T) -> Pending<T> {
        let live = self.inner.live.read();
        let mut moment = Moment::new(&live, self);
        let value = ask(&mut moment);
        let (rests_on, position) = (moment.rests_on(), moment.position());
        drop(live);
        Pending { inner: self.inner.clone(), rests_on, position, value }
    }

    /// A member by its name.
    pub fn member(&self, name: &str) -> Pending<Option<MemberView>> {
        self.ask(|moment| moment.member(name))
    }

    /// A member by its number.
    pub fn member_by_no(&self, no: MemberNo) -> Pending<Option<MemberView>> {
        self.ask(|moment| moment.member_by_no(no))
    }

    /// Several members, all from one position.
    pub fn members(&self, names: &[Name]) -> Pending<Vec<Option<MemberView>>> {
        self.ask(|moment| moment.members(names))
    }

    /// What would come of a command, if it were said and happened now; nothing is recorded.
    pub fn preview(&self, event: Event<Name>) -> Pending<Result<Verdict, ReadError>> {
        self.ask(|moment| moment.preview(event))
    }

    /// The trial balance, members per tier, campaigns, budgets and vocabulary.
    pub fn totals(&self) -> Pending<Totals> {
        self.ask(|moment| moment.totals())
    }

    /// Risk cases opened behind `after`, oldest first.
    pub fn cases(&self, open_only: bool, after: Position, limit: usize) -> Pending<Vec<(Position, Case)>> {
        self.ask(|moment| moment.cases(open_only, after, limit))
    }

    /// The counters of a device, or of another key of risk.
    pub fn risk_counters(&self, key: RiskKey) -> Pending<Vec<CounterView>> {
        self.ask(|moment| moment.risk_counters(key))
    }

    /// The metrics, limits and counters of a member.
    pub fn member_counters(&self, name: &str) -> Pending<Option<Vec<CounterView>>> {
        self.ask(|moment| moment.member_counters(name))
    }

    /// The programs published so far, oldest first.
    pub fn programs(&self) -> Pending<Vec<ProgramRow>> {
        self.ask(|moment| moment.programs())
    }

    /// The names of members; of whoever is no member, nothing.
    pub fn names(&self, members: &[MemberNo]) -> Pending<Vec<Name>> {
        self.ask(|moment| members.iter().map(|no| moment.name(*no)).collect())
    }

    /// The names of some of the staff; of whoever is none, nothing.
    pub fn staff_names(&self, staff: &[StaffNo]) -> Pending<Vec<Name>> {
        self.ask(|moment| staff.iter().map(|no| moment.staff_name(*no)).collect())
    }

    /// The vocabulary: term n is the n-th word.
    pub fn terms(&self) -> Arc<Vec<Box<str>>> {
        Moment::new(&self.inner.live.read(), self).terms()
    }

    /// What opens the names that rows and records have.
    pub fn seals(&self) -> Seals {
        self.inner.live.read().book.seals.clone()
    }

    /// The program in force, if it can be read.
    pub fn current_program(&self) -> Option<Arc<Program>> {
        self.inner.live.read().programs.current().cloned()
    }

    /// Ledger time as reads see it.
    pub fn time(&self) -> At {
        Moment::new(&self.inner.live.read(), self).at()
    }

    /// Where a source stands.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn cursor(&self, source: &str) -> Result<Option<u64>, ReadError> {
        Ok(self.inner.disk.cursor(source)?)
    }
}
