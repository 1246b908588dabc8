//! Actions, as messages.

use super::{Decode, Encode, Faults, Names};
use crate::proto;
use ledger_core::event;

impl Decode for proto::Action {
    type Event = event::Action;

    fn decode(self, _: &mut Faults) -> event::Action {
        event::Action { kind: self.kind.into(), target: self.target.into(), value: self.value }
    }
}

impl Encode for event::Action {
    type Message = proto::Action;

    fn encode(&self, _: &Names) -> proto::Action {
        proto::Action { kind: self.kind.to_string(), target: self.target.to_string(), value: self.value }
    }
}
