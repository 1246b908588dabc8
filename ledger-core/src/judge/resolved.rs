//! Resolved: who an event names, as far as the ledger knows them: members, and the staff, of whom whoever is new is
//! registered by the record of the event, whatever comes of it.

use crate::judge::LogAccess;
use crate::kernel::names::{MemberRef, Name};
use crate::kernel::sealed::{Hiding, SealedFor};
use crate::kernel::units::{MemberNo, StaffNo};
use crate::tables::change::{Change, StaffRegistered};
use crate::tables::member::Member;
use crate::tables::state::State;
use alloc::vec::Vec;

/// Where somebody named by an event sits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolved {
    Nobody,
    Member(MemberNo),
    Alias(MemberNo),
    Newcomer(MemberNo),
    Unknown,
}

impl Resolved {
    pub(super) fn find<B: LogAccess>(state: &State, book: &B, name: &str, may_join: bool, free: u32) -> Resolved {
        let into = |no| state.member(no).and_then(Member::merged_into);
        match Resolved::of(book, name) {
            // The names of a member that is merged into another are that one's.
            Resolved::Member(no) => into(no).map_or(Resolved::Member(no), Resolved::Alias),
            Resolved::Alias(no) => Resolved::Alias(into(no).unwrap_or(no)),
            Resolved::Unknown if may_join => Resolved::Newcomer(MemberNo(free)),
            seat => seat,
        }
    }

    /// Whose name it is, or whose alias.
    pub(super) fn of<B: LogAccess>(book: &B, name: &str) -> Resolved {
        if name.is_empty() {
            return Resolved::Nobody;
        }
        match book.member_no(name) {
            Some(no) => Resolved::Member(no),
            None => book.alias(name).map_or(Resolved::Unknown, Resolved::Alias),
        }
    }

    pub(super) fn no(self) -> Option<MemberNo> {
        match self {
            Resolved::Member(no) | Resolved::Alias(no) | Resolved::Newcomer(no) => Some(no),
            Resolved::Nobody | Resolved::Unknown => None,
        }
    }

    pub(super) fn is_new(self) -> bool {
        matches!(self, Resolved::Newcomer(_))
    }

    pub(super) fn who<B: LogAccess>(self, book: &B, name: &str) -> MemberRef {
        match self {
            Resolved::Nobody => MemberRef::Nobody,
            Resolved::Member(no) | Resolved::Newcomer(no) => MemberRef::Known(no),
            Resolved::Alias(no) => MemberRef::Alias(no, book.keyed_hash(name)),
            Resolved::Unknown => MemberRef::Unknown(book.keyed_hash(name)),
        }
    }
}

/// Most of the staff of one ledger.
const STAFF_MAX: u32 = 1 << 31;

/// The staff that one event names.
pub(super) struct Staff {
    /// The first free number.
    free: u32,
    /// Who gets it and those behind it.
    new: Vec<Name>,
    /// There are no numbers left for whoever else is new.
    is_full: bool,
}

impl Staff {
    pub(super) fn of(state: &State) -> Staff {
        Staff { free: state.staff_len().saturating_add(1), new: Vec::new(), is_full: false }
    }

    /// The number of a name; a free one if it has none.
    pub(super) fn number<B: LogAccess>(&mut self, book: &B, name: Name) -> StaffNo {
        if name.is_empty() {
            return StaffNo::NOBODY;
        }
        if let Some(no) = book.staff_no(&name) {
            return no;
        }
        let at = self.new.iter().position(|known| *known == name).unwrap_or(self.new.len());
        let no = self.free.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
        if no > STAFF_MAX {
            self.is_full = true;
            return StaffNo::NOBODY;
        }
        if at == self.new.len() {
            self.new.push(name);
        }
        StaffNo(no)
    }

    /// Whether there were no numbers left for somebody new.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The changes that register whoever is new.
    pub(super) fn registered(&self, hiding: Hiding<'_>) -> Vec<Change> {
        let registered = self.new.iter().zip(self.free..).map(|(name, no)| {
            let staff = StaffNo(no);
            let name = hiding.sealing.seal(SealedFor::staff(staff), name);
            Change::StaffRegistered(StaffRegistered { staff, name })
        });
        registered.collect()
    }
}
