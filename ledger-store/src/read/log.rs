//! Log: histories, read from the durable log, and what members were, folded from their own records.

use super::{AsOf, MemberView};
use crate::block::Block;
use crate::error::{Damage, ReadError};
use crate::keys;
use crate::shard::{Handle, Inner};
use ledger_core::bytes::{decode, decode_row};
use ledger_core::explain::{Explanation, explain};
use ledger_core::fold::fold_member;
use ledger_core::judge::{LogAccess, Unreadable, find, named, projected_to};
use ledger_core::member::Member;
use ledger_core::outcome::Outcome;
use ledger_core::record::{Cause, Record, VerdictPart};
use ledger_core::state::{HistoryPage, ProgramRow};
use ledger_core::units::{MemberNo, Position};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Records of a member, and up to where there are no others.
#[derive(Clone, Debug)]
pub struct History {
    /// The records, oldest first.
    pub records: Vec<(Position, Record)>,
    /// What was durable when they were listed.
    pub position: Position,
}

/// Where a member's records stand.
struct Positions {
    no: MemberNo,
    positions: Vec<Position>,
    /// What was durable when they were listed.
    committed: Position,
}

impl Handle {
    /// A record of the log, if the log reaches so far. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`].
    pub fn record(&self, position: Position) -> Result<Option<Record>, ReadError> {
        if position > self.committed() {
            return Ok(None);
        }
        self.inner.disk.record(position)?.map(|record| with_cause(position, record)).transpose()
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
        self.ask(|moment| moment.outcome(source, id)).wait()?
    }

    /// A member's records behind `after`, oldest first; `None` if there is no such member. Reads the
    /// disk.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn history(&self, name: &str, after: Position, limit: usize) -> Result<Option<History>, ReadError> {
        let Some(no) = self.find(name) else { return Ok(None) };
        let Some(found) = self.positions(no, after, limit)? else { return Ok(None) };
        let mut log = LogReader { inner: &self.inner, block: None };
        let read = |position| Ok((position, log.record(position)?));
        let records = found.positions.into_iter().map(read).collect::<Result<_, ReadError>>()?;
        Ok(Some(History { records, position: found.committed }))
    }

    /// A member's records from the first, each with the member after it; `None` if there is no such
    /// member. Reads the disk as it goes.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn replay(&self, name: &str) -> Result<Option<Replay>, ReadError> {
        Ok(self.find(name).map(|no| self.replay_no(no)).transpose()?.flatten())
    }

    /// The same of a member by its number.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn replay_no(&self, no: MemberNo) -> Result<Option<Replay>, ReadError> {
        let found = self.positions(no, Position(0), usize::MAX)?;
        Ok(found.map(|Positions { no, positions, .. }| Replay {
            inner: self.inner.clone(),
            no,
            positions: positions.into_iter(),
            member: Member::default(),
            block: None,
            abandoned: self.abandoned.clone(),
        }))
    }

    /// A member as it was; `None` if it was no member then. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn member_as_of(&self, name: &str, as_of: AsOf) -> Result<Option<MemberView>, ReadError> {
        self.find(name).map_or(Ok(None), |no| self.member_no_as_of(no, as_of))
    }

    /// # Errors
    /// [`ReadError::Abandoned`], if nobody waits any more.
    fn go_on(&self) -> Result<(), ReadError> {
        let is_abandoned = self.abandoned.as_ref().is_some_and(|abandoned| abandoned.load(Ordering::Relaxed));
        if is_abandoned { Err(ReadError::Abandoned) } else { Ok(()) }
    }

    /// The same of a member by its number.
    fn member_no_as_of(&self, no: MemberNo, as_of: AsOf) -> Result<Option<MemberView>, ReadError> {
        let Some(Positions { positions, .. }) = self.positions(no, Position(0), usize::MAX)? else { return Ok(None) };
        let mut log = LogReader { inner: &self.inner, block: None };
        let (mut member, mut then) = (Member::default(), None);
        for position in positions {
            self.go_on()?;
            let record = log.verdict(position)?;
            let past = match as_of {
                AsOf::Position(as_of) => position > as_of,
                AsOf::Instant(at) => record.at > at,
            };
            if past {
                break;
            }
            fold_member(&mut member, no, position, &record).map_err(Damage::from)?;
            then = Some((position, record.at));
        }
        let into = then.and_then(|_| member.merged_into());
        if let Some(into) = into {
            return self.member_no_as_of(into, as_of);
        }
        then.map(|(position, recorded)| {
            let live = self.inner.live.read();
            let known = |row: &ProgramRow| match as_of {
                AsOf::Position(position) => row.position <= position,
                AsOf::Instant(at) => row.at <= at,
            };
            let version = live.state.programs.iter().take_while(|row| known(row)).count();
            let program = live.programs.readable(u32::try_from(version).unwrap_or(u32::MAX));
            let (at, member) = match as_of {
                AsOf::Position(_) => (recorded, member),
                AsOf::Instant(at) => {
                    let program = program.map_err(Unreadable::clone)?.map(|program| &**program);
                    (at, projected_to(&live.state, program, no, &member, at))
                }
            };
            let (name, program) = (live.book.name_of(no, &member), program.ok().flatten().cloned());
            Ok(MemberView { no, name, member, position, at, program })
        })
        .transpose()
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
        let before = self.member_no_as_of(no, AsOf::Position(Position(position.0 - 1)))?;
        let before = before.map(|view| view.member).unwrap_or_default();
        let live = self.inner.live.read();
        let program = live.programs.readable(record.program).map_err(Unreadable::clone)?;
        let hiding = (&live.state, live.book.hiding());
        let named = named(&live.book, &record)?;
        let why = program.map(|program| explain(hiding, program, no, &before, (&record, named))).unwrap_or_default();
        Ok(Some(Explained { position, record, before, why }))
    }

    /// The member of a name.
    fn find(&self, name: &str) -> Option<MemberNo> {
        find(&self.inner.live.read().book, name)
    }

    /// The durable positions of a member's records behind `after`.
    fn positions(&self, no: MemberNo, after: Position, limit: usize) -> Result<Option<Positions>, ReadError> {
        let live = self.inner.live.read();
        let Some(row) = live.state.member(no) else { return Ok(None) };
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
        Ok(Some(Positions { no, positions, committed }))
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

/// A member's history, folded as it is read.
pub struct Replay {
    inner: Arc<Inner>,
    no: MemberNo,
    positions: std::vec::IntoIter<Position>,
    member: Member,
    block: Option<Block>,
    abandoned: Option<Arc<AtomicBool>>,
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
        if self.abandoned.as_ref().is_some_and(|abandoned| abandoned.load(Ordering::Relaxed)) {
            return Some(Err(ReadError::Abandoned));
        }
        let mut log = LogReader { inner: &self.inner, block: self.block.take() };
        let record = log.record(position);
        self.block = log.block;
        Some(record.and_then(|record| {
            fold_member(&mut self.member, self.no, position, &record).map_err(Damage::from)?;
            Ok(Step { position, record, after: self.member.clone() })
        }))
    }
}

fn missing(position: Position) -> Damage {
    Damage::Row { row: format!("record {position}"), what: "is missing".into() }
}

/// The record, unless what was said is held back.
fn with_cause(position: Position, record: Record) -> Result<Record, ReadError> {
    match record.cause() {
        Cause::HeldBack => Err(ReadError::CauseHeldBack { position }),
        Cause::Event(_) | Cause::Timer { .. } => Ok(record),
    }
}

/// Reads records, most often several of one block.
struct LogReader<'a> {
    inner: &'a Inner,
    block: Option<Block>,
}

impl LogReader<'_> {
    /// What a record did; what was said is not looked at.
    fn verdict(&mut self, position: Position) -> Result<VerdictPart, ReadError> {
        let bytes = self.block(position)?.verdict(position).ok_or_else(|| missing(position))?;
        Ok(decode(bytes).map_err(Damage::from)?)
    }

    /// A record with what was said.
    fn record(&mut self, position: Position) -> Result<Record, ReadError> {
        with_cause(position, self.block(position)?.record(position)?.ok_or_else(|| missing(position))?)
    }

    fn block(&mut self, position: Position) -> Result<&Block, ReadError> {
        if self.block.as_ref().is_none_or(|block| block.verdict(position).is_none()) {
            self.block = self.inner.disk.block(position)?;
        }
        Ok(self.block.as_ref().ok_or_else(|| missing(position))?)
    }
}
