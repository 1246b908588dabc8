//! Transfer: points that go to another member, as messages.

use super::{Decode, Encode, Faults, Names};
use crate::proto;
use ledger_core::event::{self, MemberRef, Name};
use ledger_core::units::Points;

impl Decode for proto::Transfer {
    type Event = event::Transfer<Name>;

    fn decode(self, _: &mut Faults) -> event::Transfer<Name> {
        let (to, wallet, note) = (self.to.into(), self.wallet.into(), self.note.into());
        event::Transfer { to, wallet, points: Points(self.points), note }
    }
}

impl Encode for event::Transfer<MemberRef> {
    type Message = proto::Transfer;

    fn encode(&self, names: &Names) -> proto::Transfer {
        let (wallet, note) = (self.wallet.to_string(), self.note.to_string());
        proto::Transfer { to: names.who(&self.to), points: self.points.0, note, wallet }
    }
}
