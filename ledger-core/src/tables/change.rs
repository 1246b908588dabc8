//! Changes: everything that is so from a record on, other than where points are.
//!
//! Owns the tables of changes, from which their numbers, their names and the way to their folds come. What a change
//! says, and how it is folded, stand with its feature.

use crate::features::exchange::state::OpenExchange;
use crate::kernel::units::MemberNo;
use crate::tables::here::{Folds, FoldsLife, Here, Rows};
use crate::tables::life::Life as Row;
use crate::tables::member::Member;
use crate::tables::state::State;
use crate::tables::totals::Shared;
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
pub use crate::features::opening::change::*;
pub use crate::features::pending::change::*;
pub use crate::features::publishing::change::*;
pub use crate::features::returns::change::*;
pub use crate::features::risk::change::*;
pub use crate::features::spending::change::*;
pub use crate::features::tiers::change::*;
pub use crate::features::transfer::change::*;
pub use crate::features::visits::change::*;
pub use crate::features::waiting::change::*;

/// Declares the changes of a table. Each line: its number in the record's bytes, for ever; its name, which is that of
/// its payload unless it says another; and of `Change` what of it names those whose rows it changes: its `member`, its
/// `members`, its `key`, or `nobody`.
macro_rules! changes {
    ($(#[$what:meta])* $table:ident {
        $($(#[$doc:meta])* $no:literal $kind:ident $(($said:ty))? $(of $whose:ident)?;)*
    }) => {
        $(#[$what])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $table {
            $($(#[$doc])* $kind(changes!(@said $kind $($said)?)),)*
        }

        impl $table {
            /// The names of all changes of this table, in order of their numbers.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($kind)),*];

            /// Its name.
            pub const fn name(&self) -> &'static str {
                match self { $($table::$kind(..) => stringify!($kind),)* }
            }

            /// Its number, for ever.
            pub const fn number(&self) -> usize {
                match self { $($table::$kind(..) => $no,)* }
            }
        }

        const _: () = assert!(are_in_order(&[$($no),*], 0), "a number in a table of changes is out of turn");

        changes!(@folds $table $($kind $($whose)?;)*);
    };
    (@said $kind:ident) => { $kind };
    (@said $kind:ident $said:ty) => { $said };
    (@folds Change $($kind:ident $whose:ident;)*) => {
        impl Change {
            /// The members whose rows it changes.
            pub fn members(&self) -> &[MemberNo] {
                match self { $(Change::$kind(said) => changes!(@whose said $whose),)* }
            }

            /// Whether every sum that folding it makes fits, given the rows before its record.
            #[inline]
            pub(crate) fn fits(&self, state: &State) -> bool {
                match self { $(Change::$kind(said) => said.fits(state),)* }
            }

            /// Folds it into the row of a member, if it is one that it changes.
            #[inline]
            pub(crate) fn apply(&self, no: MemberNo, member: &mut Member, here: &Here) -> Result<(), &'static str> {
                match self {
                    $(Change::$kind(said) if changes!(@whose said $whose).contains(&no) => said.apply(member, here),)*
                    $(Change::$kind(..) => Ok(()),)*
                }
            }

            /// Folds into the row of a member what waits until the postings of its record are in.
            #[inline]
            pub(crate) fn close(&self, no: MemberNo, member: &mut Member) -> Result<(), &'static str> {
                match self {
                    $(Change::$kind(said) if changes!(@whose said $whose).contains(&no) => said.close(member),)*
                    $(Change::$kind(..) => Ok(()),)*
                }
            }

            /// Folds it into rows that are no member's.
            #[inline]
            pub(crate) fn apply_shared(&self, rows: &mut Rows<'_>, here: &Here) -> Result<(), &'static str> {
                match self { $(Change::$kind(said) => said.apply_shared(rows, here),)* }
            }

            /// Folds it into the row of totals and vocabulary.
            #[inline]
            pub(crate) fn add_up(&self, shared: &mut Shared, here: &Here) -> Result<(), &'static str> {
                match self { $(Change::$kind(said) => said.add_up(shared, here),)* }
            }
        }
    };
    (@folds LifeChange $($kind:ident;)*) => {
        impl FoldsLife for LifeChange {
            #[inline]
            fn fits(&self, member: &Member) -> bool {
                match self { $(LifeChange::$kind(said) => said.fits(member),)* }
            }

            #[inline]
            fn apply(&self, life: &mut Row, here: &Here) -> Result<(), &'static str> {
                match self { $(LifeChange::$kind(said) => said.apply(life, here),)* }
            }
        }
    };
    (@whose $said:ident nobody) => {{
        let _ = $said;
        <&[MemberNo]>::default()
    }};
    (@whose $said:ident member) => { core::slice::from_ref(&$said.member) };
    (@whose $said:ident members) => { $said.members.as_slice() };
    (@whose $said:ident key) => { $said.key.members() };
}

const fn are_in_order(numbers: &[usize], first: usize) -> bool {
    match numbers {
        [] => true,
        [number, behind @ ..] => *number == first && are_in_order(behind, first + 1),
    }
}

changes! {
    /// Something that is now so, other than points. Add at the end only.
    Change {
        /// A name became a member, with the next free number.
        0 Registered of member;
        /// The member enrolled.
        1 Enrolled of member;
        /// An attribute has a new value.
        2 AttributeSet of member;
        /// The member has a purchase, made by this record.
        3 Purchased of member;
        /// Part of a purchase was refunded.
        4 Refunded of member;
        /// The member was brought by another.
        5 ReferredBy of member;
        /// Something was counted: a tier metric, a limit or a risk counter.
        6 Counted of key;
        /// The member's tier, or its footing, changed.
        7 TierSet of member;
        /// One more day of a streak counted.
        8 Streak of member;
        /// The member was active; dormancy begins at this instant, or never until active again.
        9 Active of member;
        /// A hold is open; this record's postings to its account fill it.
        10 HoldOpened of member;
        /// A hold is closed; nothing is held by it any more.
        11 HoldClosed of member;
        /// A risk rule saw something. The case is named by this record's position.
        12 CaseOpened of members;
        /// More members belong to an open case.
        13 CaseJoined of members;
        /// A case was resolved.
        14 CaseClosed of members;
        /// The vocabulary grew; terms are numbered in order, for ever.
        15 TermsAdded of nobody;
        /// A program is in force from the next record on.
        16 ProgramSet of nobody;
        /// The member's life changed.
        17 Life of member;
        /// The member spent points, by this record.
        18 Redeemed of member;
        /// Points of a redemption were given back.
        19 RedeemRefunded of member;
        /// A hold ends at another instant.
        20 HoldExtended of member;
        /// The points of the purchase in this record depend on the tier; its refunds look at the same one.
        21 TierCounted of member;
        /// Lots of a purse that die with its spell of activity die at another instant.
        22 ActivityExpirySet of member;
        /// Points die soon.
        23 Expiring of member;
        /// The next reminder of a purse comes at another instant.
        24 ReminderSet of member;
        /// Points died that can be reinstated for a time.
        25 ExpiredRecently of member;
        /// Points that had died live again, those first that died first: once, the lot they are now in is marked.
        26 Reinstated of member;
        /// Part of a line of a purchase went back; its money is in the [`Change::Refunded`] before it.
        27 LineReturned of member;
        /// The refund or settlement in this record waits for its purchase.
        28 Deferred of member;
        /// It waits no more: what it speaks of is in this record, and so is what comes of it, or it never came.
        29 DeferredApplied of member;
        /// Points of this record, or of one that waits in review, are not to be spent before an instant.
        30 PendingUntil of member;
        /// A visit begins or carries on, or limits count something else in it.
        31 Visited of member;
        /// A lot of points that died once changes hands: what dies again cannot be reinstated again.
        32 DiedOnce of member;
        /// The command in this record waits for what it speaks of.
        33 Overtook of member;
        /// The event happened longer ago than the program lets things be told late.
        34 ToldLate of member;
        /// A name became one of the staff, with the next free number.
        35 StaffRegistered of nobody;
        /// The member came from another system.
        36 Opened of member;
        /// A refund did not happen after all.
        37 RefundReversed of member;
        /// Part of a line of a purchase is kept after all; its money is in the [`Change::RefundReversed`] before it.
        38 LineKept of member;
    }
}

changes! {
    /// A change of a member's life. Add at the end only.
    LifeChange {
        /// This is frozen now; nothing if absent.
        0 Frozen;
        /// The member is closed.
        1 Closed;
        /// The member has another name.
        2 AliasLinked;
        /// The member has it no more.
        3 AliasUnlinked;
        /// The member gave points to another.
        4 Gave;
        /// The member got points from another.
        5 Received;
        /// The member is merged into another.
        6 MergedInto;
        /// Another is merged into the member.
        7 Absorbed;
        /// The member stands for itself again.
        8 Unmerged;
        /// Another stands for itself again.
        9 Released;
        /// Points are to be given or taken by hand once enough people stand for it; named by this record.
        10 Proposed;
        /// One more stands for a proposal, which is still open.
        11 Approved;
        /// A proposal is open no more: it is carried out by this record, or withdrawn.
        12 ProposalEnded;
        /// The member shares with a household.
        13 HouseholdJoined;
        /// The member shares with none.
        14 HouseholdLeft;
        /// Another shares with the member.
        15 MemberJoined;
        /// Another does so no more.
        16 MemberLeft;
        /// Points are exchanged once the partner settles.
        17 ExchangeOpened(Box<OpenExchange>);
        /// The partner settled it, or it lapsed.
        18 ExchangeClosed;
    }
}

/// The member's life changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Whose.
    pub member: MemberNo,
    /// How.
    pub change: LifeChange,
}

impl Folds for Life {
    #[inline]
    fn fits(&self, state: &State) -> bool {
        state.member(self.member).is_none_or(|member| self.change.fits(member))
    }

    #[inline]
    fn apply(&self, member: &mut Member, here: &Here) -> Result<(), &'static str> {
        let mut life = member.life.take().unwrap_or_default();
        self.change.apply(&mut life, here)?;
        member.life = (!life.is_ordinary()).then_some(life);
        Ok(())
    }
}
