//! Changes: everything that is so from a record on, other than where points are.
//!
//! Owns the table of changes. What a change of a kind says stands with its feature. Variants are numbered by their
//! order in the record's bytes: add at the end only.

use crate::features::exchange::state::OpenExchange;
use crate::kernel::counter::Key;
use crate::kernel::units::MemberNo;
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

pub use crate::features::approvals::change::*;
pub use crate::features::counting::change::*;
pub use crate::features::earning::change::*;
pub use crate::features::exchange::change::*;
pub use crate::features::expiry::change::*;
pub use crate::features::household::change::*;
pub use crate::features::membership::change::*;
pub use crate::features::merge::change::*;
pub use crate::features::pending::change::*;
pub use crate::features::publishing::change::*;
pub use crate::features::returns::change::*;
pub use crate::features::risk::change::*;
pub use crate::features::spending::change::*;
pub use crate::features::tiers::change::*;
pub use crate::features::transfer::change::*;
pub use crate::features::visits::change::*;

/// Something that is now so, other than points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A name became a member, with the next free number.
    Registered(Registered),
    /// The member enrolled.
    Enrolled(Enrolled),
    /// An attribute has a new value.
    AttributeSet(AttributeSet),
    /// The member has a purchase, made by this record.
    Purchased(Purchased),
    /// Part of a purchase was refunded.
    Refunded(Refunded),
    /// The member was brought by another.
    ReferredBy(ReferredBy),
    /// Something was counted: a tier metric, a limit or a risk counter.
    Counted(Counted),
    /// The member's tier, or its footing, changed.
    TierSet(TierSet),
    /// A streak stands at a new count.
    Streak(Streak),
    /// The member was active; dormancy begins at this instant, or never until active again.
    Active(Active),
    /// A hold is open; this record's postings to its account fill it.
    HoldOpened(HoldOpened),
    /// A hold is closed; nothing is held by it any more.
    HoldClosed(HoldClosed),
    /// A risk rule saw something. The case is named by this record's position.
    CaseOpened(CaseOpened),
    /// More members belong to an open case.
    CaseJoined(CaseJoined),
    /// A case was resolved.
    CaseClosed(CaseClosed),
    /// The vocabulary grew; terms are numbered in order, for ever.
    TermsAdded(TermsAdded),
    /// The program in this record's event is in force from the next record on.
    ProgramSet(ProgramSet),
    /// The member's life changed.
    Life(Life),
    /// The member spent points, by this record.
    Redeemed(Redeemed),
    /// Points of a redemption were given back.
    RedeemRefunded(RedeemRefunded),
    /// A hold ends at another instant.
    HoldExtended(HoldExtended),
    /// The points of the purchase in this record depend on the tier; its refunds look at the same one.
    TierCounted(TierCounted),
    /// Lots of a purse that die with its spell of activity die at another instant.
    Spell(Spell),
    /// Points die soon.
    Expiring(Expiring),
    /// The next reminder of a purse comes at another instant.
    ReminderSet(ReminderSet),
    /// Points died that can be reinstated for a time.
    Lapsed(Lapsed),
    /// Points that had died live again, those first that died first: once, the lot they are now in is marked.
    Reinstated(Reinstated),
    /// Part of a line of a purchase went back; its money is in the [`Change::Refunded`] before it.
    LineReturned(LineReturned),
    /// The refund or settlement in this record waits for its purchase.
    Parked(Parked),
    /// It waits no more: its purchase is in this record, and so is what comes of it.
    Unparked(Unparked),
    /// Points of this record, or of one that waits in review, are not to be spent before an instant.
    Waits(Waits),
    /// A visit begins or carries on, or limits count something else in it.
    Visited(Visited),
}

/// A change of a member's life. Variants are numbered by their order in the record's bytes: add at
/// the end only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifeChange {
    /// This is frozen now; nothing if absent.
    Frozen(Frozen),
    /// The member is closed.
    Closed(Closed),
    /// The member has another name.
    AliasLinked(AliasLinked),
    /// The member has it no more.
    AliasUnlinked(AliasUnlinked),
    /// The member gave points to another.
    Gave(Gave),
    /// The member got points from another.
    Received(Received),
    /// The member is merged into another.
    MergedInto(MergedInto),
    /// Another is merged into the member.
    Absorbed(Absorbed),
    /// The member stands for itself again.
    Unmerged(Unmerged),
    /// Another stands for itself again.
    Released(Released),
    /// Points are to be given or taken by hand once enough people stand for it; named by this record.
    Proposed(Proposed),
    /// One more stands for a proposal, which is still open.
    Approved(Approved),
    /// A proposal is open no more: it is carried out by this record, or withdrawn.
    ProposalEnded(ProposalEnded),
    /// The member shares with a household.
    HouseholdJoined(HouseholdJoined),
    /// The member shares with none.
    HouseholdLeft(HouseholdLeft),
    /// Another shares with the member.
    MemberJoined(MemberJoined),
    /// Another does so no more.
    MemberLeft(MemberLeft),
    /// Points are exchanged once the partner settles.
    ExchangeOpened(Box<OpenExchange>),
    /// The partner settled it, or it lapsed.
    ExchangeClosed(ExchangeClosed),
}

impl Change {
    /// The members whose rows it changes.
    pub(crate) fn members(&self) -> &[MemberNo] {
        match self {
            Change::Registered(Registered { member, .. })
            | Change::Enrolled(Enrolled { member, .. })
            | Change::AttributeSet(AttributeSet { member, .. })
            | Change::Purchased(Purchased { member, .. })
            | Change::Refunded(Refunded { member, .. })
            | Change::ReferredBy(ReferredBy { member, .. })
            | Change::TierSet(TierSet { member, .. })
            | Change::Streak(Streak { member, .. })
            | Change::Active(Active { member, .. })
            | Change::HoldOpened(HoldOpened { member, .. })
            | Change::HoldClosed(HoldClosed { member, .. })
            | Change::Life(Life { member, .. })
            | Change::Redeemed(Redeemed { member, .. })
            | Change::RedeemRefunded(RedeemRefunded { member, .. })
            | Change::HoldExtended(HoldExtended { member, .. })
            | Change::TierCounted(TierCounted { member, .. })
            | Change::Spell(Spell { member, .. })
            | Change::Expiring(Expiring { member, .. })
            | Change::ReminderSet(ReminderSet { member, .. })
            | Change::Lapsed(Lapsed { member, .. })
            | Change::Reinstated(Reinstated { member, .. })
            | Change::LineReturned(LineReturned { member, .. })
            | Change::Parked(Parked { member, .. })
            | Change::Unparked(Unparked { member, .. })
            | Change::Waits(Waits { member, .. })
            | Change::Visited(Visited { member, .. })
            | Change::Counted(Counted { key: Key::Member(member), .. }) => core::slice::from_ref(member),
            Change::CaseOpened(CaseOpened { members, .. })
            | Change::CaseJoined(CaseJoined { members, .. })
            | Change::CaseClosed(CaseClosed { members, .. }) => members,
            Change::Counted(Counted { key: Key::Risk(_), .. })
            | Change::TermsAdded(..)
            | Change::ProgramSet(ProgramSet) => &[],
        }
    }
}
