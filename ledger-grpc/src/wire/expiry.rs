//! Expiry: when points die, and what lets them live on, as messages.

use super::{Decode, Encode, EncodeChange, Faults, Names, Within, values};
use crate::proto::{self, change::Change};
use ledger_core::units::Points;
use ledger_core::{change, event};

impl Decode for proto::Extended {
    type Event = event::Extended;

    fn decode(self, faults: &mut Faults) -> event::Extended {
        let expires_at = values::instant("expires_at", self.expires_at, faults);
        let (wallet, reason) = (self.wallet.into(), self.reason.into());
        event::Extended { wallet, points: self.points.map(Points), expires_at, reason }
    }
}

impl Encode for event::Extended {
    type Message = proto::Extended;

    fn encode(&self, _: &Names) -> proto::Extended {
        let (wallet, reason) = (self.wallet.to_string(), self.reason.to_string());
        let expires_at = values::stamp(self.expires_at);
        proto::Extended { points: self.points.map(|points| points.0), expires_at, reason, wallet }
    }
}

impl Decode for proto::Reinstated {
    type Event = event::Reinstated;

    fn decode(self, faults: &mut Faults) -> event::Reinstated {
        let expires_at = values::instant("expires_at", self.expires_at, faults);
        let (wallet, reason) = (self.wallet.into(), self.reason.into());
        event::Reinstated { wallet, points: self.points.map(Points), expires_at, reason }
    }
}

impl Encode for event::Reinstated {
    type Message = proto::Reinstated;

    fn encode(&self, _: &Names) -> proto::Reinstated {
        let (wallet, reason) = (self.wallet.to_string(), self.reason.to_string());
        let expires_at = values::stamp(self.expires_at);
        proto::Reinstated { points: self.points.map(|points| points.0), expires_at, reason, wallet }
    }
}

impl EncodeChange for change::ActivityExpirySet {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, wallet) = (within.names.member(self.member), within.names.term(self.wallet));
        Some(Change::ActivityExpirySet(proto::ActivityExpirySet { member, wallet, until: values::stamp(self.until) }))
    }
}

impl EncodeChange for change::Expiring {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, wallet) = (within.names.member(self.member), within.names.term(self.wallet));
        let expires_at = values::stamp(self.expires_at);
        Some(Change::Expiring(proto::Expiring { member, wallet, expires_at, points: self.points.0 }))
    }
}
