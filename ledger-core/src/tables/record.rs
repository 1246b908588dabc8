//! Records: what we did about what was said to us.
//!
//! A record has two parts. The *verdict part* says what it did: the program version that judged it, and
//! the outcome, which is postings (points between accounts), changes (everything else that is now so)
//! and a trace (which rule, and what cut it). It is all that `fold` needs; no rule, clock or program
//! file is asked again. The *cause part* is the event as it was said: it can be held back, and then the
//! record still folds to the same.
//!
//! The declaration order of fields and variants is the byte layout: add variants at the end, fields
//! never. Another layout is another version byte (`bytes.rs`).

use crate::features::membership::state::NameBinding;
use crate::kernel::account::Posting;
use crate::kernel::bytes::{decode, encode};
use crate::kernel::corrupt::Corrupt;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::Trace;
use crate::kernel::units::{At, MemberNo, Points, TermNo};
use crate::tables::change::{self, Change, LifeChange};
use crate::tables::event::{Event, MemberRef};
use alloc::vec::Vec;
use core::ops::Deref;
use serde::{Deserialize, Serialize};

pub use crate::tables::cause::{Cause, CausePart, Timer, Why};

/// One entry of the log. Its position is where it stands. It reads as its verdict part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it did.
    pub verdict_part: VerdictPart,
    /// What was said.
    pub cause_part: CausePart,
}

/// What a record did: everything that is folded, and nothing in anybody's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictPart {
    /// Ledger time at which it was judged; never earlier than the record before.
    pub at: At,
    /// The program version that judged it: 1 is the first one published, 0 none.
    pub program: u32,
    /// Why there is a record at all.
    pub why: Why,
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

impl Deref for Record {
    type Target = VerdictPart;

    fn deref(&self) -> &VerdictPart {
        &self.verdict_part
    }
}

impl Record {
    /// The record of an event.
    pub fn said(at: At, program: u32, event: Event<MemberRef>, verdict: Verdict) -> Record {
        let why = Why::of(&event);
        Record { verdict_part: VerdictPart { at, program, why, verdict }, cause_part: CausePart::Event(event) }
    }

    /// Why there is a record, with what was said.
    pub fn cause(&self) -> Cause<'_> {
        match (&self.cause_part, self.why) {
            (CausePart::Event(event), _) => Cause::Event(event),
            (_, Why::Timer { member, due, timer }) => Cause::Timer { member, due, timer },
            (CausePart::None | CausePart::HeldBack, Why::Said { .. }) => Cause::HeldBack,
        }
    }

    /// Appends each part to its bytes: the verdict part is a value, and so is the event of the cause part, if
    /// there is one.
    ///
    /// # Errors
    /// As [`encode`]; and if the cause is held back.
    pub fn encode(&self, verdict: &mut Vec<u8>, cause: &mut Vec<u8>) -> Result<(), Corrupt> {
        encode(&self.verdict_part, verdict)?;
        match &self.cause_part {
            CausePart::Event(event) => encode(event, cause).map(drop),
            CausePart::None => Ok(()),
            CausePart::HeldBack => Err(Corrupt::Bytes { what: "a cause that is held back cannot be written" }),
        }
    }

    /// Reads what [`Record::encode`] wrote.
    ///
    /// # Errors
    /// As [`decode`]; and if the two are not parts of one record.
    pub fn decode(verdict: &[u8], cause: &[u8]) -> Result<Record, Corrupt> {
        decode::<VerdictPart>(verdict)?.with_cause(cause)
    }
}

impl From<VerdictPart> for Record {
    /// A record whose cause is held back, if it has one.
    fn from(verdict_part: VerdictPart) -> Record {
        let cause_part = match verdict_part.why {
            Why::Said { .. } => CausePart::HeldBack,
            Why::Timer { .. } => CausePart::None,
        };
        Record { verdict_part, cause_part }
    }
}

impl VerdictPart {
    /// The record of this verdict part and the bytes of its cause part.
    ///
    /// # Errors
    /// As [`Record::decode`].
    pub fn with_cause(self, cause: &[u8]) -> Result<Record, Corrupt> {
        let cause_part = if cause.is_empty() { CausePart::None } else { CausePart::Event(decode(cause)?) };
        let belongs = match (&cause_part, self.why) {
            (CausePart::Event(event), why) => Why::of(event) == why,
            (_, why) => matches!(why, Why::Timer { .. }),
        };
        if belongs {
            Ok(Record { verdict_part: self, cause_part })
        } else {
            Err(Corrupt::Bytes { what: "verdict and cause are of two records" })
        }
    }

    /// Whether it leaves a proposal open, which it made or for which one more stands now.
    pub fn leaves_open(&self) -> bool {
        let lives = |is: fn(&LifeChange) -> bool| {
            self.verdict
                .changes
                .iter()
                .any(|one| matches!(one, Change::Life(change::Life { change, .. }) if is(change)))
        };
        lives(|one| matches!(one, LifeChange::Proposed(..) | LifeChange::Approved(..)))
            && !lives(|one| matches!(one, LifeChange::ProposalEnded(..)))
    }

    /// The member the cause concerns.
    pub fn member(&self) -> MemberNo {
        match self.why {
            Why::Said { member } | Why::Timer { member, .. } => member,
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
            Change::StaffRegistered(change::StaffRegistered { staff, name }) => Some(NameBinding::Staff(name, *staff)),
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
