//! Desk: what a decision may look at, and everyone and everything its event speaks of.

use crate::kernel::sealed::Hiding;
use crate::kernel::units::{At, MemberNo, Position};
use crate::tables::member::{Deferred, Member, PurchaseRef, RedemptionRef};
use crate::tables::program::{PreparedProgram, Program};
use crate::tables::record::Record;
use crate::tables::state::State;

/// What a decision may look at, beside the event.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The state before the record that is being made.
    pub state: &'a State,
    /// The program in force, if one is published.
    pub program: Option<&'a Program>,
    /// Where the record will stand.
    pub position: Position,
    /// Ledger time.
    pub at: At,
    /// How names are hidden.
    pub hiding: Hiding<'a>,
    /// The program that the event publishes, if it was read before.
    pub prepared: Option<&'a PreparedProgram>,
}

/// A member at the desk.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its number; of a newcomer, the next free one.
    pub no: MemberNo,
    /// Its row; of a newcomer, an empty one.
    pub(super) member: &'a Member,
    /// The name of a newcomer.
    pub(super) newcomer: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// A member with its row; of a newcomer the next free number, an empty row and its name.
    pub fn new(no: MemberNo, member: &'a Member, newcomer: Option<&'a str>) -> Subject<'a> {
        Subject { no, member, newcomer }
    }

    /// Its row, if it is a member already.
    pub(crate) fn known(&self) -> Option<&'a Member> {
        if self.newcomer.is_some() { None } else { Some(self.member) }
    }
}

/// A purchase that the event speaks of, as it was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Purchase<'a> {
    /// What the member's row says of it.
    pub known: PurchaseRef,
    /// The record.
    pub record: &'a Record,
    /// The program version that judged it.
    pub program: &'a Program,
    /// Who bought, if that is a member merged into the one the event concerns.
    pub owner: Option<Subject<'a>>,
}

/// A redemption that the event speaks of, as it was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Redemption<'a> {
    /// Who redeemed: the member, or one merged into it.
    pub owner: MemberNo,
    /// What the member's row says of it.
    pub known: RedemptionRef,
    /// The record.
    pub record: &'a Record,
}

/// A refund or cancellation that the event speaks of, as it was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Refund<'a> {
    /// Where.
    pub position: Position,
    /// The record.
    pub record: &'a Record,
    /// Whose row it waits in for its purchase, if it does.
    pub waiting: Option<(MemberNo, Deferred)>,
}

/// Everyone and everything the event speaks of.
#[derive(Clone, Copy, Debug, Default)]
pub struct References<'a> {
    /// The member the event concerns; `None` if it names nobody we know.
    pub subject: Option<Subject<'a>>,
    /// The other one the event names, if that is a member: the referee, or whoever has the alias.
    pub other: Option<Subject<'a>>,
    /// The purchase of that order.
    pub purchase: Option<Purchase<'a>>,
    /// The record it names, by position or by its event, if there is one.
    pub record: Option<Position>,
    /// Whether that waits for what it speaks of itself.
    pub is_waiting: bool,
    /// The redemptions it names, the last first.
    pub redemptions: &'a [Redemption<'a>],
    /// The refund it names.
    pub refund: Option<Refund<'a>>,
    /// What came before the event and waits for it, oldest first, each with whose it is and its record.
    pub deferred: &'a [(MemberNo, Deferred, Record)],
    /// The record that merged whoever bought, or is to stand for itself again.
    pub merge: Option<&'a Record>,
}
