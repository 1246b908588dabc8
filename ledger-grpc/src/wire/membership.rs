//! Membership: who a member is, and what it may do, as messages.

use super::{Decode, Encode, EncodeChange, Faults, Names, Within, values};
use crate::proto::{self, change::Change};
use ledger_core::event::{MemberRef, Name};
use ledger_core::features::membership::state::{Alias, Scope};
use ledger_core::units::TermNo;
use ledger_core::{change, event};

impl Decode for proto::Enrolled {
    type Event = event::Enrolled;

    fn decode(self, _: &mut Faults) -> event::Enrolled {
        event::Enrolled { birthday: self.birthday.map(values::decode_month_day) }
    }
}

impl Encode for event::Enrolled {
    type Message = proto::Enrolled;

    fn encode(&self, _: &Names) -> proto::Enrolled {
        proto::Enrolled { birthday: self.birthday.map(values::month_day) }
    }
}

impl Decode for proto::AttributesSet {
    type Event = event::AttributesSet;

    fn decode(self, _: &mut Faults) -> event::AttributesSet {
        let attributes = self.attributes.into_iter().map(|one| (one.name.into(), one.value));
        event::AttributesSet { attributes: attributes.collect() }
    }
}

impl Encode for event::AttributesSet {
    type Message = proto::AttributesSet;

    fn encode(&self, _: &Names) -> proto::AttributesSet {
        let one = |(name, value): &(Box<str>, i64)| proto::Attribute { name: name.to_string(), value: *value };
        proto::AttributesSet { attributes: self.attributes.iter().map(one).collect() }
    }
}

impl Decode for proto::Frozen {
    type Event = event::Frozen;

    fn decode(self, faults: &mut Faults) -> event::Frozen {
        event::Frozen { scope: decode_scope(self.scope, faults), reason: self.reason.into() }
    }
}

impl Encode for event::Frozen {
    type Message = proto::Frozen;

    fn encode(&self, _: &Names) -> proto::Frozen {
        proto::Frozen { scope: scope(Some(self.scope)).into(), reason: self.reason.to_string() }
    }
}

impl Decode for proto::Unfrozen {
    type Event = event::Unfrozen;

    fn decode(self, faults: &mut Faults) -> event::Unfrozen {
        event::Unfrozen { scope: decode_scope(self.scope, faults), reason: self.reason.into() }
    }
}

impl Encode for event::Unfrozen {
    type Message = proto::Unfrozen;

    fn encode(&self, _: &Names) -> proto::Unfrozen {
        proto::Unfrozen { scope: scope(Some(self.scope)).into(), reason: self.reason.to_string() }
    }
}

impl Decode for proto::Closed {
    type Event = event::Closed;

    fn decode(self, _: &mut Faults) -> event::Closed {
        event::Closed { reason: self.reason.into() }
    }
}

impl Encode for event::Closed {
    type Message = proto::Closed;

    fn encode(&self, _: &Names) -> proto::Closed {
        proto::Closed { reason: self.reason.to_string() }
    }
}

impl Decode for proto::AliasLinked {
    type Event = event::AliasLinked<Name>;

    fn decode(self, _: &mut Faults) -> event::AliasLinked<Name> {
        event::AliasLinked { alias: decode_alias(&self.kind, &self.name), kind: self.kind.into() }
    }
}

impl Encode for event::AliasLinked<MemberRef> {
    type Message = proto::AliasLinked;

    fn encode(&self, names: &Names) -> proto::AliasLinked {
        proto::AliasLinked { kind: self.kind.to_string(), name: encode_alias(&self.alias, names) }
    }
}

impl Decode for proto::AliasUnlinked {
    type Event = event::AliasUnlinked<Name>;

    fn decode(self, _: &mut Faults) -> event::AliasUnlinked<Name> {
        event::AliasUnlinked { alias: decode_alias(&self.kind, &self.name), kind: self.kind.into() }
    }
}

impl Encode for event::AliasUnlinked<MemberRef> {
    type Message = proto::AliasUnlinked;

    fn encode(&self, names: &Names) -> proto::AliasUnlinked {
        proto::AliasUnlinked { kind: self.kind.to_string(), name: encode_alias(&self.alias, names) }
    }
}

/// An alias as events name it.
fn decode_alias(kind: &str, name: &str) -> Name {
    format!("{kind}:{name}").into()
}

/// Of an alias the ledger knows no more than its hash; where it was a member's own name, that.
fn encode_alias(who: &MemberRef, names: &Names) -> String {
    match who {
        MemberRef::Nobody => String::new(),
        MemberRef::Known(no) => names.member(*no),
        MemberRef::Unknown(hash) | MemberRef::Alias(_, hash) => hash.to_string(),
    }
}

fn decode_scope(scope: i32, faults: &mut Faults) -> Scope {
    match proto::FreezeScope::try_from(scope) {
        Ok(proto::FreezeScope::Earn) => Scope::Earn,
        Ok(proto::FreezeScope::Redeem) => Scope::Redeem,
        Ok(proto::FreezeScope::All) => Scope::All,
        Ok(proto::FreezeScope::Unspecified) | Err(_) => {
            faults.add("scope", "must be FREEZE_SCOPE_EARN, FREEZE_SCOPE_REDEEM or FREEZE_SCOPE_ALL");
            Scope::All
        }
    }
}

/// What is frozen.
pub(super) fn scope(scope: Option<Scope>) -> proto::FreezeScope {
    match scope {
        None => proto::FreezeScope::Unspecified,
        Some(Scope::Earn) => proto::FreezeScope::Earn,
        Some(Scope::Redeem) => proto::FreezeScope::Redeem,
        Some(Scope::All) => proto::FreezeScope::All,
    }
}

/// Another name of a member.
pub(super) fn alias(alias: &Alias) -> proto::Alias {
    let linked_at = values::stamp(alias.linked_at);
    proto::Alias { kind: alias.kind.to_string(), key: alias.key.to_string(), linked_at }
}

/// An attribute of a member.
pub(super) fn attribute(term: TermNo, value: i64, names: &Names) -> proto::Attribute {
    proto::Attribute { name: names.term(term), value }
}

impl EncodeChange for change::Registered {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        Some(Change::Registered(proto::Registered { member: within.names.member(self.member) }))
    }
}

impl EncodeChange for change::Enrolled {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, birthday_corrected) = (within.names.member(self.member), !self.joined);
        Some(Change::Enrolled(proto::MemberEnrolled { member, birthday_corrected }))
    }
}

impl EncodeChange for change::AttributeSet {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, attribute) = (within.names.member(self.member), attribute(self.term, self.value, within.names));
        Some(Change::AttributeSet(proto::AttributeSet { member, attribute: Some(attribute) }))
    }
}
