//! Names: the words and names with which numbers are told to callers, and the ledger whose they are.

use ledger_core::event::{MemberRef, Name};
use ledger_core::sealed::{HiddenName, SealedFor, Sealing};
use ledger_core::units::{MemberNo, StaffNo, TermNo};
use ledger_store::{Identity, Seals};
use std::collections::HashMap;
use std::sync::Arc;

/// Somebody whose name an answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Person {
    /// A member.
    Member(MemberNo),
    /// Somebody of the staff.
    Staff(StaffNo),
}

/// The words of the ledger, and the names of the members that an answer speaks of.
#[derive(Clone, Debug, Default)]
pub struct Names {
    identity: Identity,
    /// The vocabulary: term n is the n-th word.
    terms: Arc<Vec<Box<str>>>,
    members: HashMap<MemberNo, Name>,
    staff: HashMap<StaffNo, Name>,
    seals: Seals,
}

impl Names {
    /// The words of a ledger's vocabulary, and nobody's name.
    pub fn of_terms(identity: Identity, terms: Arc<Vec<Box<str>>>) -> Names {
        Names { identity, terms, ..Names::default() }
    }

    /// The same, and the names of these members.
    pub fn and_members(mut self, members: impl IntoIterator<Item = (MemberNo, Name)>) -> Names {
        self.members.extend(members);
        self
    }

    /// The same, and the names of these of the staff.
    pub fn and_staff(mut self, staff: impl IntoIterator<Item = (StaffNo, Name)>) -> Names {
        self.staff.extend(staff);
        self
    }

    /// Which ledger they are of.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The same, and what opens the names that rows and records have themselves.
    pub fn opened_by(self, seals: Seals) -> Names {
        Names { seals, ..self }
    }

    /// A caller's name for a member's hold.
    pub fn hold(&self, member: MemberNo, name: &HiddenName) -> String {
        self.open(SealedFor::hold(member, name), name)
    }

    /// A partner's reference of a member's exchange.
    pub fn reference(&self, member: MemberNo, name: &HiddenName) -> String {
        self.open(SealedFor::reference(member, name), name)
    }

    fn open(&self, of: SealedFor, name: &HiddenName) -> String {
        self.seals.open(of, &name.sealed).map(String::from).unwrap_or_default()
    }

    /// The word of a term; empty if none.
    pub fn term(&self, term: TermNo) -> String {
        let word = usize::from(term.0).checked_sub(1).and_then(|at| self.terms.get(at));
        word.map(|word| word.to_string()).unwrap_or_default()
    }

    /// The name of a member; empty if nobody.
    pub fn member(&self, no: MemberNo) -> String {
        self.members.get(&no).map(|name| name.to_string()).unwrap_or_default()
    }

    /// The name of somebody of the staff; empty if nobody.
    pub fn staff(&self, no: StaffNo) -> String {
        self.staff.get(&no).map(|name| name.to_string()).unwrap_or_default()
    }

    /// Of whom an event speaks: a member's name, or the hash of a name that was no member.
    pub fn who(&self, who: &MemberRef) -> String {
        match who {
            MemberRef::Nobody => String::new(),
            MemberRef::Known(no) | MemberRef::Alias(no, _) => self.member(*no),
            MemberRef::Unknown(hash) => hash.to_string(),
        }
    }
}
