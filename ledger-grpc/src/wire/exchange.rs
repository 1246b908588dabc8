//! Exchange: points that become a partner's, and back, as messages.

use super::{Decode, Encode, EncodeChange, Faults, Names, Within, values};
use crate::proto::{self, change::Change};
use ledger_core::features::exchange::state::OpenExchange;
use ledger_core::units::{MemberNo, Points};
use ledger_core::{change, event};

impl Decode for proto::ExchangeOut {
    type Event = event::ExchangeOut;

    fn decode(self, _: &mut Faults) -> event::ExchangeOut {
        let (exchange, reference) = (self.exchange.into(), self.reference.into());
        event::ExchangeOut { exchange, reference, points: Points(self.points) }
    }
}

impl Encode for event::ExchangeOut {
    type Message = proto::ExchangeOut;

    fn encode(&self, _: &Names) -> proto::ExchangeOut {
        let (exchange, reference) = (self.exchange.to_string(), self.reference.to_string());
        proto::ExchangeOut { exchange, reference, points: self.points.0 }
    }
}

impl Decode for proto::ExchangeIn {
    type Event = event::ExchangeIn;

    fn decode(self, _: &mut Faults) -> event::ExchangeIn {
        let (exchange, reference) = (self.exchange.into(), self.reference.into());
        event::ExchangeIn { exchange, reference, units: self.units }
    }
}

impl Encode for event::ExchangeIn {
    type Message = proto::ExchangeIn;

    fn encode(&self, _: &Names) -> proto::ExchangeIn {
        let (exchange, reference) = (self.exchange.to_string(), self.reference.to_string());
        proto::ExchangeIn { exchange, reference, units: self.units }
    }
}

impl Decode for proto::ExchangeSettled {
    type Event = event::ExchangeSettled;

    fn decode(self, _: &mut Faults) -> event::ExchangeSettled {
        let (exchange, reference) = (self.exchange.into(), self.reference.into());
        event::ExchangeSettled { exchange, reference, accepted: self.accepted }
    }
}

impl Encode for event::ExchangeSettled {
    type Message = proto::ExchangeSettled;

    fn encode(&self, _: &Names) -> proto::ExchangeSettled {
        let (exchange, reference) = (self.exchange.to_string(), self.reference.to_string());
        proto::ExchangeSettled { exchange, reference, accepted: self.accepted }
    }
}

/// An open exchange.
pub(super) fn open_exchange(open: &OpenExchange, member: MemberNo, names: &Names) -> proto::OpenExchange {
    proto::OpenExchange {
        exchange: names.term(open.exchange),
        reference: names.reference(member, &open.reference),
        inward: open.inward,
        wallet: names.term(open.wallet),
        points: open.points.0,
        units: open.units,
        lapses_at: values::stamp(open.lapses_at),
    }
}

impl EncodeChange for OpenExchange {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        Some(Change::ExchangeOpened(open_exchange(self, within.life_of, within.names)))
    }
}

impl EncodeChange for change::ExchangeClosed {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (exchange, reference) =
            (within.names.term(self.exchange), within.names.reference(within.life_of, &self.reference));
        Some(Change::ExchangeClosed(proto::ExchangeClosed { member: within.member(), exchange, reference }))
    }
}
