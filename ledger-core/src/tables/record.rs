//! Records: what we did about what was said to us.
//!
//! A record keeps its cause, the program version that judged it, and the outcome: postings (points
//! between accounts), changes (everything else that is now so) and a trace (which rule, and what cut
//! it). It is all that `fold` needs; no rule, clock or program file is asked again.
//!
//! The declaration order of fields and variants is the byte layout: add variants at the end, fields
//! never. Another layout is another version byte (`bytes.rs`).

use crate::features::membership::state::NameBinding;
use crate::kernel::account::Posting;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::Trace;
use crate::kernel::units::{At, MemberNo, Points, TermNo};
use crate::tables::change::{self, Change, LifeChange};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

pub use crate::tables::cause::{Cause, Timer};

/// One entry of the log. Its position is where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Ledger time at which it was judged; never earlier than the record before.
    pub at: At,
    /// The program version that judged it: 1 is the first one published, 0 none.
    pub program: u32,
    /// Why there is a record at all.
    pub cause: Cause,
    /// What came of it.
    pub verdict: Verdict,
}

/// The outcome of a cause. Refused: no postings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The numbered "no", if it was one.
    pub refusal: Option<Refusal>,
    /// Movements of points. Each takes from one account what it gives to another, so every record
    /// sums to zero.
    pub postings: Vec<Posting>,
    /// Everything else that is now so.
    pub changes: Vec<Change>,
    /// Every rule that applied, and what it came to.
    pub trace: Vec<Trace>,
    /// The program's first wallet: the one that is meant where no other is named.
    pub wallet: TermNo,
    /// The member's available points in that wallet after this record: a check figure for the fold.
    pub available: Points,
}

impl Record {
    /// Whether it leaves a proposal open, which it made or for which one more stands now.
    pub fn leaves_open(&self) -> bool {
        let open = |change: &LifeChange| matches!(change, LifeChange::Proposed(..) | LifeChange::Approved(..));
        self.verdict.changes.iter().any(|one| matches!(one, Change::Life(change::Life { change, .. }) if open(change)))
    }

    /// The member the cause concerns.
    pub fn member(&self) -> MemberNo {
        match &self.cause {
            Cause::Event(event) => event.member.no().unwrap_or(MemberNo::NOBODY),
            Cause::Timer { member, .. } => *member,
        }
    }

    /// Every member the record touches, each once, in order of appearance.
    pub fn members(&self) -> Vec<MemberNo> {
        let mut all = Vec::new();
        for no in self.mentions() {
            if !all.contains(&no) {
                all.push(no);
            }
        }
        all
    }

    /// Every mention of a member, in order; nearly always the same one again and again.
    pub fn mentions(&self) -> impl Iterator<Item = MemberNo> {
        let postings = self.verdict.postings.iter().map(|posting| posting.member);
        let changes = self.verdict.changes.iter().flat_map(Change::members).copied();
        core::iter::once(self.member()).chain(postings).chain(changes).filter(|no| *no != MemberNo::NOBODY)
    }

    /// The names that stand for somebody, or for nobody, from this record on.
    pub fn name_bindings(&self) -> impl Iterator<Item = NameBinding<'_>> {
        self.verdict.changes.iter().filter_map(|change| match change {
            Change::Registered(change::Registered { member, name }) => Some(NameBinding::Name(name, *member)),
            Change::Life(change::Life { member, change: LifeChange::AliasLinked(change::AliasLinked { key, .. }) }) => {
                Some(NameBinding::Alias(*key, *member))
            }
            Change::Life(change::Life { change: LifeChange::AliasUnlinked(change::AliasUnlinked { key }), .. }) => {
                Some(NameBinding::Alias(*key, MemberNo::NOBODY))
            }
            _ => None,
        })
    }
}
