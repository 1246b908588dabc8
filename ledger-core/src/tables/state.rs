//! State: everything folded from the log, in rows that each know the position they have applied.
//!
//! Members, risk counters, cases, programs and the shared row (totals and vocabulary) are all there
//! is; what a row says stands with its feature. Beside them, and never stored: which rows changed since
//! they were last written, and a wheel of who is due when. The store writes rows and reads them back;
//! this file never does.

use crate::kernel::counter::Key;
use crate::kernel::units::{At, MemberNo, Position, RiskKey, StaffNo, TermNo};
use crate::tables::member::{Hold, Member, Next};
use alloc::collections::{BTreeMap, BTreeSet, BinaryHeap};
use alloc::vec::Vec;
use core::cmp::Reverse;

pub use crate::features::counting::state::CounterRow;
pub use crate::features::membership::state::StaffRow;
pub use crate::features::publishing::state::ProgramRow;
pub use crate::features::risk::state::Case;
pub use crate::tables::member::HistoryPage;
pub use crate::tables::totals::{Shared, WalletTotals};

/// Width of a slot of the timer wheel: one hour.
const WHEEL_MS: i64 = 3_600_000;

/// The folded ledger.
#[derive(Clone, Debug, Default)]
pub struct State {
    members: Vec<Member>,
    /// Risk counters by key and term.
    pub counters: BTreeMap<(RiskKey, TermNo), CounterRow>,
    /// Risk cases by the position that opened them.
    pub cases: BTreeMap<Position, Case>,
    /// Programs, oldest first; version n is the n-th.
    pub programs: Vec<ProgramRow>,
    /// Totals, vocabulary and clock.
    pub shared: Shared,
    staff: Vec<StaffRow>,
    /// Rows that changed since [`State::take_dirty`].
    dirty: Dirty,
    dirty_epoch: u32,
    marks: Vec<Mark>,
    wheel: BTreeMap<i64, Vec<MemberNo>>,
    /// Whose timers are being fired, the first first; who was brought up to date meanwhile is due at another instant.
    pub(crate) firing: BinaryHeap<Reverse<(Next, MemberNo)>>,
    /// Holds of pieces of items, by when they end: item, end, member, number. Some may have ended, or end later.
    piece_holds: BTreeSet<(TermNo, At, MemberNo, u32)>,
    /// Cases that are open, by rule and key.
    open_cases: BTreeSet<(TermNo, Key, Position)>,
}

/// Rows that changed.
#[derive(Clone, Debug, Default)]
pub struct Dirty {
    /// Members, each once, in order of their first change.
    pub members: Vec<MemberNo>,
    /// Risk counters.
    pub counters: BTreeSet<(RiskKey, TermNo)>,
    /// Cases.
    pub cases: BTreeSet<Position>,
    /// The first program that is new.
    pub programs_from: usize,
    /// The first of the staff who is new.
    pub staff_from: usize,
    /// Pages that have left their member's row.
    pub pages: Vec<HistoryPage>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    dirty_epoch: u32,
    wheel_slot: i64,
}

impl State {
    /// An empty ledger.
    pub fn new() -> State {
        State { dirty_epoch: 1, ..State::default() }
    }

    /// How many members there are; their numbers are 1 to this.
    pub fn members_len(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// A member by number.
    #[inline]
    pub fn member(&self, no: MemberNo) -> Option<&Member> {
        self.members.get(slot(no)?)
    }

    /// Reads a little of everything that folding a record into these members, or writing them, will read,
    /// one step of indirection after the other, so that memory answers for all of them at once where it
    /// would be waited for again and again. Changes nothing; a few dozen members are a good number.
    #[inline]
    pub fn prefetch(&self, members: &[MemberNo]) {
        let mut touched = 0;
        for at in members.iter().filter_map(|no| slot(*no)) {
            let (Some(member), Some(mark)) = (self.members.get(at), self.marks.get(at)) else { continue };
            touched ^= u64::from(mark.dirty_epoch) ^ member.position.0 ^ member.records ^ u64::from(member.holds_made);
        }
        for member in members.iter().filter_map(|no| self.member(*no)) {
            touched ^= member.prefetch_row();
        }
        for member in members.iter().filter_map(|no| self.member(*no)) {
            touched ^= member.prefetch_lists();
        }
        core::hint::black_box(touched);
    }

    /// What was ever counted for everybody under a term: by a budget, a campaign, a fund or an item.
    pub fn counted(&self, term: TermNo) -> i64 {
        let Key::Risk(everyone) = Key::EVERYONE else { return 0 };
        self.counters.get(&(everyone, term)).map_or(0, |row| row.counter.total)
    }

    /// The word of a term.
    pub fn term(&self, term: TermNo) -> &str {
        let at = usize::from(term.0).checked_sub(1);
        at.and_then(|at| self.shared.terms.get(at)).map_or("-", |word| word)
    }

    /// The open case of a rule and key, if there is one.
    pub fn open_case(&self, rule: TermNo, key: Key) -> Option<(Position, &Case)> {
        let all = (rule, key, Position(0))..=(rule, key, Position(u64::MAX));
        let (.., position) = self.open_cases.range(all).next_back()?;
        Some((*position, self.cases.get(position)?))
    }

    /// Notes whether a case is open.
    pub(crate) fn note_case(&mut self, position: Position) {
        let Some(case) = self.cases.get(&position) else { return };
        let entry = (case.opened.rule, case.opened.key, position);
        match case.finding {
            None => self.open_cases.insert(entry),
            Some(_) => self.open_cases.remove(&entry),
        };
    }

    /// Puts back a row read from a snapshot. Members come in order of their numbers.
    /// Returns whether the row fits: the next number is the next row.
    pub fn load_member(&mut self, no: MemberNo, mut member: Member) -> bool {
        if slot(no) != Some(self.members.len()) {
            return false;
        }
        member.next_due = member.due();
        self.members.push(member);
        self.marks.push(Mark { dirty_epoch: 0, wheel_slot: i64::MAX });
        self.schedule(no);
        self.watch_pieces(no, |_| true);
        true
    }

    /// All rows are read from a snapshot: its programs and staff are not new any more, and its cases are known.
    pub fn loaded(&mut self) {
        (self.dirty.programs_from, self.dirty.staff_from) = (self.programs.len(), self.staff.len());
        let open = self.cases.iter().filter(|(_, case)| case.finding.is_none());
        self.open_cases = open.map(|(position, case)| (case.opened.rule, case.opened.key, *position)).collect();
    }

    /// How many of the staff there are; their numbers are 1 to this.
    pub fn staff_len(&self) -> u32 {
        u32::try_from(self.staff.len()).unwrap_or(u32::MAX)
    }

    /// Somebody of the staff, by number.
    pub fn staff(&self, no: StaffNo) -> Option<&StaffRow> {
        self.staff.get(usize::try_from(no.0).ok()?.checked_sub(1)?)
    }

    /// Adds somebody of the staff. Returns whether the row fits: its number is the next one.
    pub fn add_staff(&mut self, no: StaffNo, row: StaffRow) -> bool {
        let fits = self.staff_len().checked_add(1) == Some(no.0);
        if fits {
            self.staff.push(row);
        }
        fits
    }

    /// Hands over what changed since the last call, and starts anew.
    pub fn take_dirty(&mut self) -> Dirty {
        self.dirty_epoch = self.dirty_epoch.wrapping_add(1).max(1);
        let next = Dirty { programs_from: self.programs.len(), staff_from: self.staff.len(), ..Dirty::default() };
        core::mem::replace(&mut self.dirty, next)
    }

    /// What changed since the last [`State::take_dirty`].
    pub fn dirty(&self) -> &Dirty {
        &self.dirty
    }

    /// Pages of history that filled since the last call.
    pub fn take_pages(&mut self) -> Vec<HistoryPage> {
        core::mem::take(&mut self.dirty.pages)
    }

    /// Everyone with something due at or before `at`, each once; order does not matter. Members
    /// found must be brought up to date or handed to [`State::schedule`] again.
    pub(crate) fn take_due(&mut self, at: At) -> Vec<MemberNo> {
        let mut due = Vec::new();
        let last = wheel_slot(at);
        while let Some(entry) = self.wheel.first_entry() {
            if *entry.key() > last {
                break;
            }
            let now = *entry.key();
            for no in entry.remove() {
                if let Some(mark) = slot(no).and_then(|at| self.marks.get_mut(at)) {
                    // A mark at another slot: the member was moved to an earlier one, and is there.
                    if mark.wheel_slot == now {
                        mark.wheel_slot = i64::MAX;
                        due.push(no);
                    }
                }
            }
        }
        due
    }

    /// Whether anything may be due at or before `at`; false positives up to an hour early.
    pub fn may_be_due(&self, at: At) -> bool {
        let is_over = |until: At| until <= at;
        !self.firing.is_empty()
            || self.shared.waiting.iter().any(|waiting| is_over(waiting.until))
            || self.wheel.first_key_value().is_some_and(|(slot, _)| *slot <= wheel_slot(at))
    }

    /// Notes in the wheel when the member is next due, if that is sooner than noted.
    pub(crate) fn schedule(&mut self, no: MemberNo) {
        let Some(at) = slot(no) else { return };
        let (Some(member), Some(mark)) = (self.members.get(at), self.marks.get_mut(at)) else { return };
        if member.next_due.at == At::NEVER {
            return;
        }
        let due = wheel_slot(member.next_due.at);
        if due < mark.wheel_slot {
            mark.wheel_slot = due;
            self.wheel.entry(due).or_default().push(no);
        }
    }

    /// Notes when holds of pieces of items end, of the member's holds that are meant.
    pub(crate) fn watch_pieces(&mut self, no: MemberNo, is_meant: impl Fn(&Hold) -> bool) {
        let holds = slot(no).and_then(|at| self.members.get(at)).map(|member| member.holds.as_slice());
        for hold in holds.unwrap_or_default().iter().filter(|hold| is_meant(hold)) {
            if let Some(piece) = hold.item {
                self.piece_holds.insert((piece.item, hold.expires_at, no, hold.no));
            }
        }
    }

    /// Holds of pieces of an item that are over at `at`, if they have not ended otherwise.
    pub(crate) fn pieces_over(&self, item: TermNo, at: At) -> impl Iterator<Item = &Hold> {
        let until = (item, at, MemberNo(u32::MAX), u32::MAX);
        self.piece_holds.range((item, At(i64::MIN), MemberNo::NOBODY, 0)..=until).filter_map(|(_, end, no, hold)| {
            let holds = self.member(*no).map(|member| member.holds.as_slice()).unwrap_or_default();
            holds.iter().find(|open| (open.no, open.expires_at) == (*hold, *end))
        })
    }

    /// Whoever had such a hold; nothing is noted of them any more.
    pub(crate) fn take_pieces_over(&mut self, item: TermNo, at: At) -> BTreeSet<MemberNo> {
        let mut whose = BTreeSet::new();
        let from = (item, At(i64::MIN), MemberNo::NOBODY, 0);
        while let Some(first) = self.piece_holds.range(from..).next().copied() {
            let (of, end, no, _) = first;
            if of != item || end > at {
                break;
            }
            self.piece_holds.remove(&first);
            whose.insert(no);
        }
        whose
    }

    /// The member's row for a record at `position`, marked dirty; a new row for the next number.
    /// `None` if the number is neither.
    pub(crate) fn member_for_fold(&mut self, no: MemberNo) -> Option<&mut Member> {
        let at = slot(no)?;
        if at == self.members.len() {
            self.members.push(Member::default());
            self.marks.push(Mark { dirty_epoch: 0, wheel_slot: i64::MAX });
        }
        let mark = self.marks.get_mut(at)?;
        if mark.dirty_epoch != self.dirty_epoch {
            mark.dirty_epoch = self.dirty_epoch;
            self.dirty.members.push(no);
        }
        self.members.get_mut(at)
    }

    pub(crate) fn mark_counter(&mut self, key: (RiskKey, TermNo)) {
        self.dirty.counters.insert(key);
    }

    pub(crate) fn mark_case(&mut self, case: Position) {
        self.dirty.cases.insert(case);
    }

    pub(crate) fn page(&mut self, page: HistoryPage) {
        self.dirty.pages.push(page);
    }
}

fn slot(no: MemberNo) -> Option<usize> {
    usize::try_from(no.0).ok()?.checked_sub(1)
}

fn wheel_slot(at: At) -> i64 {
    at.0.div_euclid(WHEEL_MS)
}
