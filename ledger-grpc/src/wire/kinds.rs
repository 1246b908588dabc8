//! Kinds: a line for each kind of change; those of events come from the table of the ledger. How one reads and is told
//! stands with its feature.

use super::{Faults, Names};
use crate::proto;
use ledger_core::change::{Change, Life, LifeChange};
use ledger_core::event::{Body, Kind, MemberRef, Name};
use ledger_core::units::{MemberNo, Position};

/// A message that says an event of one kind.
pub(super) trait Decode {
    /// The event.
    type Event;

    /// Reads it. A field that cannot be read is noted, and stands for a value that is valid.
    fn decode(self, faults: &mut Faults) -> Self::Event;
}

/// An event of one kind, as it is recorded.
pub(super) trait Encode {
    /// Its message.
    type Message;

    /// Tells it.
    fn encode(&self, names: &Names) -> Self::Message;
}

/// A change of one kind.
pub(super) trait EncodeChange {
    /// Tells it; nothing if the event or the postings tell it.
    fn encode_change(&self, within: &Within<'_>) -> Option<proto::change::Change>;
}

/// Where a change stands.
pub(super) struct Within<'a> {
    /// Its record.
    pub(super) position: Position,
    /// Whose life it changes; nobody where the change says of itself whom it is of.
    pub(super) life_of: MemberNo,
    /// The words and names it is told with.
    pub(super) names: &'a Names,
}

impl Within<'_> {
    /// The name of whoever's life it changes.
    pub(super) fn member(&self) -> String {
        self.names.member(self.life_of)
    }
}

/// Reads and tells the kinds of events: a kind has the same name as a message, an event and a `Kind`.
macro_rules! events {
    ($($kind:ident)*) => {
        /// Reads what happened, or what is asked.
        pub(super) fn decode_body(body: proto::event::Body, faults: &mut Faults) -> Body<Name> {
            match body {
                $(proto::event::Body::$kind(message) => {
                    faults.of = Kind::$kind.name();
                    Body::$kind(message.decode(faults))
                })*
            }
        }

        /// Tells what happened, or what was asked.
        pub(super) fn encode_body(body: &Body<MemberRef>, names: &Names) -> proto::event::Body {
            match body {
                $(Body::$kind(event) => proto::event::Body::$kind(event.encode(names)),)*
            }
        }
    };
}

ledger_core::each_kind!(events);

/// Tells the kinds of changes, and passes over those that the event or the postings tell.
macro_rules! changes {
    ($(#[$doc:meta])* $name:ident($sum:ident): $($kind:ident)*; untold: $($untold:ident)*) => {
        $(#[$doc])*
        fn $name(change: &$sum, within: &Within<'_>) -> Option<proto::change::Change> {
            match change {
                $($sum::$kind(change) => change.encode_change(within),)*
                $($sum::$untold(..) => None,)*
            }
        }
    };
}

changes! {
    /// Tells what is so from a record on.
    encode_any(Change):
    Registered
    Enrolled
    AttributeSet
    ReferredBy
    Counted
    TierSet
    Streak
    HoldOpened
    HoldClosed
    CaseOpened
    CaseJoined
    CaseClosed
    Life
    Redeemed
    HoldExtended
    ActivityExpirySet
    Expiring
    Deferred
    DeferredApplied
    Overtook
    RefundReversed
    PendingUntil
    Visited
    ToldLate;
    untold: Purchased Refunded Active TermsAdded ProgramSet RedeemRefunded TierCounted ReminderSet ExpiredRecently
        Reinstated LineReturned LineKept DiedOnce StaffRegistered Opened
}

changes! {
    /// Tells what changed in a member's life.
    encode_life(LifeChange):
    Proposed
    Approved
    ProposalEnded
    ExchangeOpened
    ExchangeClosed;
    untold: Frozen Closed AliasLinked AliasUnlinked Gave Received MergedInto Absorbed Unmerged Released HouseholdJoined
        HouseholdLeft MemberJoined MemberLeft
}

impl EncodeChange for Life {
    fn encode_change(&self, within: &Within<'_>) -> Option<proto::change::Change> {
        encode_life(&self.change, &Within { life_of: self.member, ..*within })
    }
}

/// Tells a change of a record; nothing if the event or the postings tell it.
pub(super) fn encode_change(position: Position, change: &Change, names: &Names) -> Option<proto::Change> {
    let within = Within { position, life_of: MemberNo::NOBODY, names };
    encode_any(change, &within).map(|change| proto::Change { change: Some(change) })
}
