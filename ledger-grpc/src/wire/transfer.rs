//! Transfer: points that go to another member or come from another system, as messages.

use super::{Decode, Encode, Faults, Names, values};
use crate::proto;
use ledger_core::event::{self, MemberRef, Name, OpeningLot};
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

impl Decode for proto::Imported {
    type Event = event::Imported;

    fn decode(self, faults: &mut Faults) -> event::Imported {
        let lots = self.lots.into_iter().enumerate().map(|(n, lot)| decode_lot(n, lot, faults)).collect();
        event::Imported { wallet: self.wallet.into(), lots }
    }
}

impl Encode for event::Imported {
    type Message = proto::Imported;

    fn encode(&self, _: &Names) -> proto::Imported {
        let lot = |lot: &OpeningLot| proto::OpeningLot {
            points: lot.points.0,
            earned_at: values::stamp(lot.earned_at),
            expires_at: lot.expires_at.and_then(values::stamp),
        };
        proto::Imported { lots: self.lots.iter().map(lot).collect(), wallet: self.wallet.to_string() }
    }
}

fn decode_lot(n: usize, lot: proto::OpeningLot, faults: &mut Faults) -> OpeningLot {
    let field = |name: &str| format!("lots[{n}].{name}");
    OpeningLot {
        points: Points(lot.points),
        earned_at: values::instant(&field("earned_at"), lot.earned_at, faults),
        expires_at: lot.expires_at.map(|at| values::instant(&field("expires_at"), Some(at), faults)),
    }
}
