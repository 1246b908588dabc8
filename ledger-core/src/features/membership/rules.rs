//! A member's life: freeze and unfreeze, close, other names; and what they forbid.
//!
//! Facts of a frozen or closed member are recorded, earn nothing, and say so. What is asked is
//! refused. What was held before a freeze can be voided, so that nothing is stuck.

use crate::features::membership::state::{ALIASES_MAX, Scope};
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::Cut;
use crate::kernel::units::{At, MemberNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::change::LifeChange;
use crate::tables::draft::Draft;
use crate::tables::event::{Body, Event, Who};
use crate::tables::member::Member;
use alloc::boxed::Box;

/// Why this may not be asked of the member, if it may not.
pub(crate) fn forbids(member: &Member, body: &Body<Who>) -> Option<Refusal> {
    let life = member.membership()?;
    if life.closed_at.is_some() && !body.is_fact() {
        return Some(Refusal::MemberClosed);
    }
    let asks = match body {
        Body::Credit(..) | Body::Imported(..) | Body::Reinstated(..) | Body::Extended(..) | Body::ExchangeIn(..) => {
            Scope::Earn
        }
        Body::Redeem(..)
        | Body::Hold(..)
        | Body::HoldExtended(..)
        | Body::Capture(..)
        | Body::Transfer(..)
        | Body::Donate(..)
        | Body::ExchangeOut(..) => Scope::Redeem,
        _ => return None,
    };
    life.freezes(asks).then_some(Refusal::MemberFrozen)
}

/// Why the member's facts give no points, if they do not.
pub(crate) fn earns_nothing(member: &Member) -> Option<Cut> {
    let life = member.membership()?;
    if life.closed_at.is_some() { Some(Cut::Closed) } else { life.freezes(Scope::Earn).then_some(Cut::Frozen) }
}

/// Whether anything of the member is frozen.
pub(crate) fn is_frozen(member: &Member) -> bool {
    member.frozen().is_some()
}

impl Draft<'_> {
    pub(crate) fn freeze(&mut self, event: &Event<Who>, scope: Scope) -> Result<(), Refusal> {
        let frozen = self.member.frozen();
        if frozen.is_some_and(|frozen| frozen.covers(scope)) {
            return Err(Refusal::AlreadyFrozen);
        }
        self.observe(event)?;
        self.live(LifeChange::Frozen(change::Frozen {
            scope: Some(frozen.map_or(scope, |frozen| frozen.with(scope))),
        }));
        Ok(())
    }

    pub(crate) fn unfreeze(&mut self, event: &Event<Who>, scope: Scope) -> Result<(), Refusal> {
        let frozen = self.member.frozen().ok_or(Refusal::NotFrozen)?;
        let still = frozen.without(scope);
        if still == Some(frozen) {
            return Err(Refusal::NotFrozen);
        }
        self.observe(event)?;
        self.live(LifeChange::Frozen(change::Frozen { scope: still }));
        Ok(())
    }

    pub(crate) fn close(&mut self, event: &Event<Who>) -> Result<(), Refusal> {
        if !self.member.holds.is_empty() {
            return Err(Refusal::HoldsOpen);
        }
        if !self.member.exchanges().is_empty() {
            return Err(Refusal::ExchangesOpen);
        }
        self.observe(event)?;
        self.live(LifeChange::Closed(change::Closed));
        if self.member.dormant_at.is_some() {
            self.change(Change::Active(change::Active { member: self.no, dormant_at: At::NEVER }));
        }
        Ok(())
    }

    pub(crate) fn link(&mut self, event: &Event<Who>, kind: &str, alias: Who) -> Result<(), Refusal> {
        let Who::Unknown(key) = alias else { return Err(Refusal::AliasTaken) };
        if self.member.aliases().len() >= ALIASES_MAX {
            return Err(Refusal::MemberFull);
        }
        self.observe(event)?;
        self.live(LifeChange::AliasLinked(change::AliasLinked { kind: Box::from(kind), key }));
        Ok(())
    }

    pub(crate) fn unlink(&mut self, event: &Event<Who>, alias: Who) -> Result<(), Refusal> {
        let Who::Alias(no, key) = alias else { return Err(Refusal::AliasUnknown) };
        // An alias of a member merged into this one is kept by that one.
        let is_own = self.member.aliases().iter().any(|known| known.key == key);
        if no != self.no || !is_own {
            return Err(Refusal::AliasUnknown);
        }
        self.observe(event)?;
        self.live(LifeChange::AliasUnlinked(change::AliasUnlinked { key }));
        Ok(())
    }

    pub(crate) fn live(&mut self, change: LifeChange) {
        self.live_of(self.no, change);
    }

    pub(crate) fn live_of(&mut self, member: MemberNo, change: LifeChange) {
        self.change(Change::Life(change::Life { member, change }));
    }
}
