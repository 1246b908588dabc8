//! Merge: two members that are one, as messages.

use super::{Decode, Encode, Faults, Names};
use crate::proto;
use ledger_core::event::{self, MemberRef, Name};
use ledger_core::features::merge::state::Absorbed;

impl Decode for proto::Merged {
    type Event = event::Merged<Name>;

    fn decode(self, _: &mut Faults) -> event::Merged<Name> {
        event::Merged { from: self.other.into() }
    }
}

impl Encode for event::Merged<MemberRef> {
    type Message = proto::Merged;

    fn encode(&self, names: &Names) -> proto::Merged {
        proto::Merged { other: names.who(&self.from) }
    }
}

impl Decode for proto::Unmerged {
    type Event = event::Unmerged<Name>;

    fn decode(self, _: &mut Faults) -> event::Unmerged<Name> {
        event::Unmerged { from: self.other.into() }
    }
}

impl Encode for event::Unmerged<MemberRef> {
    type Message = proto::Unmerged;

    fn encode(&self, names: &Names) -> proto::Unmerged {
        proto::Unmerged { other: names.who(&self.from) }
    }
}

/// A member that is merged into another.
pub(super) fn merged(one: &Absorbed, names: &Names) -> proto::MergedMember {
    proto::MergedMember { name: names.member(one.member), position: one.position.0 }
}
