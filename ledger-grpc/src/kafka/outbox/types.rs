//! Types: the one list of what the outbox tells, each with the message of the proto that is its data.

use crate::json;
use crate::proto::{self, OutboxCause};
use ledger_core::units::{MemberNo, Points};
use prost::Name;
use serde_json::Value;
use std::marker::PhantomData;

/// A type of outcomes, whose data is an `M`.
#[derive(Debug)]
pub(super) struct Type<M> {
    pub(super) name: &'static str,
    data: PhantomData<M>,
}

impl<M> Clone for Type<M> {
    fn clone(&self) -> Type<M> {
        *self
    }
}

impl<M> Copy for Type<M> {}

impl<M> PartialEq for Type<M> {
    fn eq(&self, other: &Type<M>) -> bool {
        self.name == other.name
    }
}

/// A type of outcomes, as it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As it stands behind `ledger.v1.` in the `type` of its CloudEvent.
    pub name: &'static str,
    /// The message of `ledger.v1` that its data is.
    pub data: &'static str,
    /// What it tells.
    pub about: &'static str,
}

macro_rules! types {
    ($($message:ident { $($(#[doc = $about:literal])+ $constant:ident = $name:literal,)* })*) => {
        $($(
            $(#[doc = $about])+
            pub(super) const $constant: Type<proto::$message> = Type { name: $name, data: PhantomData };
        )*)*

        /// Every type of outcomes.
        pub const TYPES: &[Listed] = &[
            $($(Listed { name: $name, data: stringify!($message), about: concat!($($about),+) },)*)*
        ];

        $(impl Data for proto::$message {
            fn set(&mut self, common: Common) {
                self.position = common.position;
                self.cause = Some(common.cause);
                self.program = common.program;
                self.available = common.available.map(|points| points.0);
            }
        })*
    };
}

types! {
    OutboxPlain {
        /// The member joined.
        MEMBER_ENROLLED = "member.enrolled",
        /// Nothing of the member is frozen any more.
        MEMBER_UNFROZEN = "member.unfrozen",
        /// The membership ended for ever.
        MEMBER_CLOSED = "member.closed",
        /// A card, phone or other name stands for the member no more.
        MEMBER_ALIAS_UNLINKED = "member.alias_unlinked",
        /// The member is one of its own again.
        MEMBER_UNMERGED = "member.unmerged",
        /// The member shares with its household no more.
        MEMBER_HOUSEHOLD_LEFT = "member.household_left",
        /// A new version of the program is in force. It is of no member.
        PROGRAM_PUBLISHED = "program.published",
    }
    OutboxEventRejected {
        /// The business said no to an event.
        EVENT_REJECTED = "event.rejected",
    }
    OutboxLimitHit {
        /// A limit of a rule, of a campaign or of a budget cut what the rule came to.
        LIMIT_HIT = "limit.hit",
    }
    OutboxRefundExcess {
        /// More money was told to have gone back than was there to go back.
        REFUND_EXCESS = "refund.excess",
    }
    OutboxPointsMoved {
        /// Points are new, and can be spent.
        POINTS_EARNED = "points.earned",
        /// Points are new, or were available, and wait for a date, a settlement or a risk case.
        POINTS_PENDED = "points.pended",
        /// Points that waited can be spent.
        POINTS_ACTIVATED = "points.activated",
        /// Points were redeemed at once.
        POINTS_SPENT = "points.spent",
        /// Redeemed points came back, or those on the way to a partner.
        POINTS_RESTORED = "points.restored",
        /// Points die soon: a reminder that the program asked for.
        POINTS_EXPIRING = "points.expiring",
        /// Points live longer than they would have.
        POINTS_EXTENDED = "points.extended",
        /// Points died of age.
        POINTS_EXPIRED = "points.expired",
        /// Dead points live again.
        POINTS_REINSTATED = "points.reinstated",
        /// Points went with a refund.
        POINTS_CLAWED_BACK = "points.clawed_back",
        /// Points were voided as fraud.
        POINTS_VOIDED = "points.voided",
        /// Points were taken by hand.
        POINTS_DEBITED = "points.debited",
        /// Points were taken as the fee of a movement.
        POINTS_CHARGED = "points.charged",
        /// Points went to another member, by a gift, a household or a merge.
        POINTS_GIVEN = "points.given",
        /// Points came from another member.
        POINTS_RECEIVED = "points.received",
        /// Points went to a fund.
        POINTS_DONATED = "points.donated",
        /// Points are set aside until a partner settles.
        POINTS_EXCHANGING = "points.exchanging",
        /// Points became a partner's.
        POINTS_EXCHANGED = "points.exchanged",
        /// What was to be taken back was spent: the member owes points.
        DEBT_OPENED = "debt.opened",
        /// Points repaid what the member owed.
        DEBT_REPAID = "debt.repaid",
        /// Points are reserved.
        HOLD_CREATED = "hold.created",
        /// Reserved points are spent.
        HOLD_CAPTURED = "hold.captured",
        /// Reserved points are available again.
        HOLD_RELEASED = "hold.released",
        /// The same, because the time of the hold was over.
        HOLD_EXPIRED = "hold.expired",
    }
    OutboxHoldExtended {
        /// A hold ends at another instant.
        HOLD_EXTENDED = "hold.extended",
    }
    OutboxTierMoved {
        /// The member reached a tier, or was given it.
        TIER_UPGRADED = "tier.upgraded",
        /// The member did not keep its tier.
        TIER_DOWNGRADED = "tier.downgraded",
    }
    OutboxStreakAdvanced {
        /// A streak of the member has one more day.
        STREAK_ADVANCED = "streak.advanced",
    }
    OutboxEventLate {
        /// The event happened longer ago than the program lets things be told late.
        EVENT_LATE = "event.late",
    }
    OutboxFraudFlagged {
        /// A risk rule opened a case.
        FRAUD_FLAGGED = "fraud.flagged",
    }
    OutboxFraudEnded {
        /// A case was closed: all in order.
        FRAUD_CLEARED = "fraud.cleared",
        /// A case was closed: fraud.
        FRAUD_CONFIRMED = "fraud.confirmed",
    }
    OutboxMemberFrozen {
        /// The member may not earn, not redeem, or neither.
        MEMBER_FROZEN = "member.frozen",
    }
    OutboxAliasLinked {
        /// The member is known by another name as well.
        MEMBER_ALIAS_LINKED = "member.alias_linked",
    }
    OutboxMemberMerged {
        /// The member is another one.
        MEMBER_MERGED = "member.merged",
    }
    OutboxHouseholdJoined {
        /// The member shares what it earns with a household.
        MEMBER_HOUSEHOLD_JOINED = "member.household_joined",
    }
    OutboxExchangeOpened {
        /// An exchange with a partner waits for the partner.
        EXCHANGE_OPENED = "exchange.opened",
    }
    OutboxExchangeClosed {
        /// The partner did its part of an exchange, or it was undone.
        EXCHANGE_CLOSED = "exchange.closed",
    }
    OutboxProposalOpened {
        /// Points are to be given or taken by hand once enough people stand for it.
        PROPOSAL_OPENED = "proposal.opened",
    }
    OutboxProposalMoved {
        /// One more stands for a proposal.
        PROPOSAL_APPROVED = "proposal.approved",
        /// Enough people stood for a proposal, and its points moved.
        PROPOSAL_CARRIED_OUT = "proposal.carried_out",
        /// A proposal is open no more, and nothing of it was done.
        PROPOSAL_WITHDRAWN = "proposal.withdrawn",
    }
    OutboxDeferredEnded {
        /// An event that came before what it speaks of is carried out with it.
        DEFERRED_APPLIED = "deferred.applied",
        /// What an event speaks of came after it, and nothing comes of it.
        DEFERRED_REFUSED = "deferred.refused",
        /// What an event speaks of did not come in time.
        DEFERRED_LAPSED = "deferred.lapsed",
    }
    OutboxRefundReversed {
        /// A refund did not happen after all.
        REFUND_REVERSED = "refund.reversed",
    }
    OutboxItemRedeemed {
        /// Pieces of an item were redeemed, at once or by a capture.
        ITEM_REDEEMED = "item.redeemed",
    }
}

/// What the data of every outcome has.
pub(super) struct Common {
    pub(super) position: u64,
    pub(super) cause: OutboxCause,
    pub(super) program: u32,
    pub(super) available: Option<Points>,
}

/// A message that is the data of outcomes.
pub(super) trait Data: Name {
    /// Sets what the data of every outcome has.
    fn set(&mut self, common: Common);
}

/// One thing that came of a record.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) kind: &'static str,
    pub(super) member: MemberNo,
    pub(super) data: Value,
}

impl Outcome {
    /// An outcome of a type, with the data that this type has.
    pub(super) fn of<M: Data>(kind: Type<M>, member: MemberNo, common: Common, mut data: M) -> Outcome {
        data.set(common);
        Outcome { kind: kind.name, member, data: json::write(&data) }
    }
}
