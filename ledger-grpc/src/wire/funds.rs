//! Funds: points given to good causes, as messages.

use super::{Decode, Encode, Faults, Names};
use crate::proto;
use ledger_core::event;
use ledger_core::units::Points;

impl Decode for proto::Donate {
    type Event = event::Donate;

    fn decode(self, _: &mut Faults) -> event::Donate {
        event::Donate { fund: self.fund.into(), points: Points(self.points) }
    }
}

impl Encode for event::Donate {
    type Message = proto::Donate;

    fn encode(&self, _: &Names) -> proto::Donate {
        proto::Donate { fund: self.fund.to_string(), points: self.points.0 }
    }
}
