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

macro_rules! types {
    ($($message:ident { $($constant:ident = $name:literal,)* })*) => {
        $($(pub(super) const $constant: Type<proto::$message> = Type { name: $name, data: PhantomData };)*)*

        /// Every type of outcomes, as it stands behind `ledger.v1.` in the `type` of its CloudEvent, and the message of
        /// `ledger.v1` that its data is.
        pub const TYPES: &[(&str, &str)] = &[$($(($name, stringify!($message)),)*)*];

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
        MEMBER_ENROLLED = "member.enrolled",
        MEMBER_UNFROZEN = "member.unfrozen",
        MEMBER_CLOSED = "member.closed",
        MEMBER_ALIAS_UNLINKED = "member.alias_unlinked",
        MEMBER_UNMERGED = "member.unmerged",
        MEMBER_HOUSEHOLD_LEFT = "member.household_left",
        PROGRAM_PUBLISHED = "program.published",
    }
    OutboxEventRejected {
        EVENT_REJECTED = "event.rejected",
    }
    OutboxLimitHit {
        LIMIT_HIT = "limit.hit",
    }
    OutboxPointsMoved {
        POINTS_EARNED = "points.earned",
        POINTS_PENDED = "points.pended",
        POINTS_ACTIVATED = "points.activated",
        POINTS_SPENT = "points.spent",
        POINTS_RESTORED = "points.restored",
        POINTS_EXPIRING = "points.expiring",
        POINTS_EXTENDED = "points.extended",
        POINTS_EXPIRED = "points.expired",
        POINTS_REINSTATED = "points.reinstated",
        POINTS_CLAWED_BACK = "points.clawed_back",
        POINTS_VOIDED = "points.voided",
        POINTS_DEBITED = "points.debited",
        POINTS_CHARGED = "points.charged",
        POINTS_GIVEN = "points.given",
        POINTS_RECEIVED = "points.received",
        POINTS_DONATED = "points.donated",
        POINTS_EXCHANGING = "points.exchanging",
        POINTS_EXCHANGED = "points.exchanged",
        DEBT_OPENED = "debt.opened",
        DEBT_REPAID = "debt.repaid",
        HOLD_CREATED = "hold.created",
        HOLD_CAPTURED = "hold.captured",
        HOLD_RELEASED = "hold.released",
        HOLD_EXPIRED = "hold.expired",
    }
    OutboxHoldExtended {
        HOLD_EXTENDED = "hold.extended",
    }
    OutboxTierMoved {
        TIER_UPGRADED = "tier.upgraded",
        TIER_DOWNGRADED = "tier.downgraded",
    }
    OutboxStreakAdvanced {
        STREAK_ADVANCED = "streak.advanced",
    }
    OutboxFraudFlagged {
        FRAUD_FLAGGED = "fraud.flagged",
    }
    OutboxFraudEnded {
        FRAUD_CLEARED = "fraud.cleared",
        FRAUD_CONFIRMED = "fraud.confirmed",
    }
    OutboxMemberFrozen {
        MEMBER_FROZEN = "member.frozen",
    }
    OutboxAliasLinked {
        MEMBER_ALIAS_LINKED = "member.alias_linked",
    }
    OutboxMemberMerged {
        MEMBER_MERGED = "member.merged",
    }
    OutboxHouseholdJoined {
        MEMBER_HOUSEHOLD_JOINED = "member.household_joined",
    }
    OutboxExchangeOpened {
        EXCHANGE_OPENED = "exchange.opened",
    }
    OutboxExchangeClosed {
        EXCHANGE_CLOSED = "exchange.closed",
    }
    OutboxProposalOpened {
        PROPOSAL_OPENED = "proposal.opened",
    }
    OutboxProposalMoved {
        PROPOSAL_APPROVED = "proposal.approved",
        PROPOSAL_CARRIED_OUT = "proposal.carried_out",
        PROPOSAL_WITHDRAWN = "proposal.withdrawn",
    }
    OutboxItemRedeemed {
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
