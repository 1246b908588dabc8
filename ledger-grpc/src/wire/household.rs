//! Household: who shares with whom, as messages.

use super::{Decode, Encode, Faults, Names};
use crate::proto;
use ledger_core::event::{self, MemberRef, Name};

impl Decode for proto::HouseholdJoined {
    type Event = event::HouseholdJoined<Name>;

    fn decode(self, _: &mut Faults) -> event::HouseholdJoined<Name> {
        event::HouseholdJoined { household: self.household.into() }
    }
}

impl Encode for event::HouseholdJoined<MemberRef> {
    type Message = proto::HouseholdJoined;

    fn encode(&self, names: &Names) -> proto::HouseholdJoined {
        proto::HouseholdJoined { household: names.who(&self.household) }
    }
}

impl Decode for proto::HouseholdLeft {
    type Event = event::HouseholdLeft;

    fn decode(self, _: &mut Faults) -> event::HouseholdLeft {
        event::HouseholdLeft
    }
}

impl Encode for event::HouseholdLeft {
    type Message = proto::HouseholdLeft;

    fn encode(&self, _: &Names) -> proto::HouseholdLeft {
        proto::HouseholdLeft {}
    }
}
