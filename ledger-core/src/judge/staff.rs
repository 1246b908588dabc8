//! Staff: who served and who stands for something, by number; whoever is new is registered by the record of the event,
//! whatever comes of it.

use crate::judge::LogAccess;
use crate::kernel::names::Name;
use crate::kernel::sealed::{Hiding, SealedFor};
use crate::kernel::units::StaffNo;
use crate::tables::change::{Change, StaffRegistered};
use crate::tables::state::State;
use alloc::vec::Vec;

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
