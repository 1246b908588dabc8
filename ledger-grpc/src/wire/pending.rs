//! Pending: points that wait until they can be spent, as messages.

use super::{Decode, Encode, EncodeChange, Faults, Names, Within, values};
use crate::proto::{self, change::Change};
use ledger_core::{change, event};

impl Decode for proto::Settled {
    type Event = event::Settled;

    fn decode(self, _: &mut Faults) -> event::Settled {
        event::Settled { order: self.order.into() }
    }
}

impl Encode for event::Settled {
    type Message = proto::Settled;

    fn encode(&self, _: &Names) -> proto::Settled {
        proto::Settled { order: self.order.to_string() }
    }
}

impl EncodeChange for change::PendingUntil {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, wallet) = (within.names.member(self.member), within.names.term(self.wallet));
        let (lot, until) = (values::lot_id(self.lot), values::stamp(self.until));
        Some(Change::PendingUntil(proto::PendingUntil { member, wallet, lot, until }))
    }
}
