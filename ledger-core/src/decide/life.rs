//! A member's life: freeze and unfreeze, close, other names; and what they forbid.
//!
//! Facts of a frozen or closed member are recorded, earn nothing, and say so. What is asked is
//! refused. What was held before a freeze can be voided, so that nothing is stuck.

use super::Draft;
use crate::event::{Body, Event, Who};
use crate::life::{ALIASES_MAX, LifeChange, Scope};
use crate::member::Member;
use crate::record::{Change, Cut};
use crate::refusal::Refusal;
use crate::units::{At, MemberNo};
use alloc::boxed::Box;

/// Why this may not be asked of the member, if it may not.
pub(super) fn forbids(member: &Member, body: &Body<Who>) -> Option<Refusal> {
    let life = member.life.as_ref()?;
    if life.closed_at.is_some() && !body.is_fact() {
        return Some(Refusal::MemberClosed);
    }
    let asks = match body {
        Body::Credit { .. }
        | Body::Imported { .. }
        | Body::Reinstated { .. }
        | Body::Extended { .. }
        | Body::ExchangeIn { .. } => Scope::Earn,
        Body::Redeem { .. }
        | Body::Hold { .. }
        | Body::HoldExtended { .. }
        | Body::Capture { .. }
        | Body::Transfer { .. }
        | Body::Donate { .. }
        | Body::ExchangeOut { .. } => Scope::Redeem,
        _ => return None,
    };
    life.freezes(asks).then_some(Refusal::MemberFrozen)
}

/// Why the member's facts give no points, if they do not.
pub(super) fn earns_nothing(member: &Member) -> Option<Cut> {
    let life = member.life.as_ref()?;
    if life.closed_at.is_some() { Some(Cut::Closed) } else { life.freezes(Scope::Earn).then_some(Cut::Frozen) }
}

/// Whether anything of the member is frozen.
pub(super) fn is_frozen(member: &Member) -> bool {
    member.life.as_ref().is_some_and(|life| life.frozen.is_some())
}

impl Draft<'_> {
    pub(super) fn freeze(&mut self, event: &Event<Who>, scope: Scope) -> Result<(), Refusal> {
        let frozen = self.member.life.as_ref().and_then(|life| life.frozen);
        if frozen.is_some_and(|frozen| frozen.covers(scope)) {
            return Err(Refusal::AlreadyFrozen);
        }
        self.observe(event)?;
        self.live(LifeChange::Frozen { scope: Some(frozen.map_or(scope, |frozen| frozen.with(scope))) });
        Ok(())
    }

    pub(super) fn unfreeze(&mut self, event: &Event<Who>, scope: Scope) -> Result<(), Refusal> {
        let frozen = self.member.life.as_ref().and_then(|life| life.frozen).ok_or(Refusal::NotFrozen)?;
        let still = frozen.without(scope);
        if still == Some(frozen) {
            return Err(Refusal::NotFrozen);
        }
        self.observe(event)?;
        self.live(LifeChange::Frozen { scope: still });
        Ok(())
    }

    pub(super) fn close(&mut self, event: &Event<Who>) -> Result<(), Refusal> {
        if !self.member.holds.is_empty() {
            return Err(Refusal::HoldsOpen);
        }
        if !self.member.exchanges().is_empty() {
            return Err(Refusal::ExchangesOpen);
        }
        self.observe(event)?;
        self.live(LifeChange::Closed);
        if self.member.dormant_at.is_some() {
            self.change(Change::Active { member: self.no, dormant_at: At::NEVER });
        }
        Ok(())
    }

    pub(super) fn link(&mut self, event: &Event<Who>, kind: &str, alias: Who) -> Result<(), Refusal> {
        let Who::Unknown(key) = alias else { return Err(Refusal::AliasTaken) };
        if self.member.life.as_ref().is_some_and(|life| life.aliases.len() >= ALIASES_MAX) {
            return Err(Refusal::MemberFull);
        }
        self.observe(event)?;
        self.live(LifeChange::AliasLinked { kind: Box::from(kind), key });
        Ok(())
    }

    pub(super) fn unlink(&mut self, event: &Event<Who>, alias: Who) -> Result<(), Refusal> {
        let Who::Alias(no, key) = alias else { return Err(Refusal::AliasUnknown) };
        // An alias of a member merged into this one is kept by that one.
        let is_own = self.member.life.iter().flat_map(|life| &life.aliases).any(|known| known.key == key);
        if no != self.no || !is_own {
            return Err(Refusal::AliasUnknown);
        }
        self.observe(event)?;
        self.live(LifeChange::AliasUnlinked { key });
        Ok(())
    }

    pub(super) fn live(&mut self, change: LifeChange) {
        self.live_of(self.no, change);
    }

    pub(super) fn live_of(&mut self, member: MemberNo, change: LifeChange) {
        self.change(Change::Life { member, change });
    }
}
