//! A member's life: freeze and unfreeze, close, other names; and what they forbid.
//!
//! Facts of a frozen or closed member are recorded, earn nothing, and say so. What is asked is
//! refused. What was held before a freeze can be voided, so that nothing is stuck.

use crate::features::counting::happening::Happening;
use crate::features::earning::basket::Basket;
use crate::features::earning::rules as earning;
use crate::features::membership::state::{ALIASES_MAX, Birthday, Scope};
use crate::features::risk::rules as risk;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Day, MonthDay, Points};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::change::LifeChange;
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, MemberRef, RiskKeys};
use crate::tables::member::Member;
use crate::tables::program::Trigger;
use alloc::vec::Vec;

/// Days of a common year.
const YEAR: i32 = 365;

/// Why this may not be asked of the member, if it may not.
pub(crate) fn forbids(member: &Member, body: &Body<MemberRef>) -> Option<Refusal> {
    let life = member.membership()?;
    if life.closed_at.is_some() && !body.is_fact() {
        return Some(Refusal::MemberClosed);
    }
    let asks = match body {
        Body::Credit(..) | Body::Opened(..) | Body::Reinstated(..) | Body::Extended(..) | Body::ExchangeIn(..) => {
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

/// Whether anything of the member is frozen.
pub(crate) fn is_frozen(member: &Member) -> bool {
    member.frozen().is_some()
}

/// A fact: the member joined; or, of one that did, its birthday is another, or is known only now.
pub(crate) fn enroll(draft: &mut Draft<'_>, event: &Event<MemberRef>, said: &event::Enrolled) -> Result<(), Refusal> {
    let (member, birthday) = (draft.no(), said.birthday.map(|date| birthday(draft, date)));
    if draft.member().enrolled_at.is_none() {
        risk::observe(draft, event, Points::ZERO)?;
        draft.change(Change::Enrolled(change::Enrolled { member, birthday, joined: true }));
        return earning::earn(draft, Trigger::ENROLLED, Basket::of(event));
    }
    let known = draft.member().birthday.map(|known| known.date);
    if said.birthday.is_none() || said.birthday == known {
        return Err(Refusal::AlreadyEnrolled);
    }
    draft.change(Change::Enrolled(change::Enrolled { member, birthday, joined: false }));
    Ok(())
}

/// A birthday as it is known from now on: celebrated a year after the one before at the earliest.
pub(crate) fn birthday(draft: &Draft<'_>, date: MonthDay) -> Birthday {
    let Some(known) = draft.member().birthday else { return Birthday { date, from: Day(0) } };
    let (calendar, day) = (&draft.program().calendar, draft.day().max(draft.today()));
    let celebrated =
        (0..YEAR).map(|ago| day.plus(ago.saturating_neg())).find(|day| calendar.celebrates(known.date, *day));
    let from = celebrated.map_or(known.from, |last| known.from.max(last.plus(YEAR)));
    Birthday { date, from }
}

/// A fact: outside models say something about the member.
pub(crate) fn set_attributes<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    said: &'a event::AttributesSet,
) -> Result<(), Refusal> {
    let known = &draft.program().attributes;
    let term_of = |name: &str| known.iter().copied().find(|term| draft.term(*term) == name);
    let mut set = Vec::with_capacity(said.attributes.len());
    for (name, value) in &said.attributes {
        let term = term_of(name).ok_or(Refusal::AttributeUnknown)?;
        set.push(Change::AttributeSet(change::AttributeSet { member: draft.no(), term, value: *value }));
    }
    risk::observe(draft, event, Points::ZERO)?;
    draft.set_attributes(&said.attributes);
    set.into_iter().for_each(|change| draft.change(change));
    Ok(())
}

/// An activity puts off the instant at which the member counts as dormant.
pub(crate) fn be_active(draft: &mut Draft<'_>, kind: Happening) {
    let Some(inactivity) = &draft.program().inactivity else { return };
    if inactivity.activity.contains(kind) && draft.member().closed_at().is_none() {
        let dormant_at = draft.program().calendar.start_of(draft.day().plus(inactivity.days));
        // What is told late arms no timer that is past: it would fire again for every such event.
        if dormant_at > draft.at() && draft.member().dormant_at.is_none_or(|known| dormant_at > known) {
            draft.change(Change::Active(change::Active { member: draft.no(), dormant_at }));
        }
    }
}

/// The member was inactive for as long as the program allows: it counts, earns what rules give for it, and is over.
pub(crate) fn fall_dormant(draft: &mut Draft<'_>, due: At) -> Result<(), Refusal> {
    end_dormancy(draft);
    risk::count_kind(draft, Happening::Inactive, &RiskKeys::default(), 0);
    earning::earn(draft, Trigger::Inactive, Basket::empty(due))
}

/// Nothing is due for want of activity until the member is active again.
pub(crate) fn end_dormancy(draft: &mut Draft<'_>) {
    draft.change(Change::Active(change::Active { member: draft.no(), dormant_at: At::NEVER }));
}

/// A control: the member may no longer earn, redeem, or either.
pub(crate) fn freeze(draft: &mut Draft<'_>, event: &Event<MemberRef>, said: &event::Frozen) -> Result<(), Refusal> {
    let scope = said.scope;
    let frozen = draft.member().frozen();
    if frozen.is_some_and(|frozen| frozen.covers(scope)) {
        return Err(Refusal::AlreadyFrozen);
    }
    risk::observe(draft, event, Points::ZERO)?;
    draft.live(LifeChange::Frozen(change::Frozen { scope: Some(frozen.map_or(scope, |frozen| frozen.with(scope))) }));
    Ok(())
}

/// A control: the member may again.
pub(crate) fn unfreeze(draft: &mut Draft<'_>, event: &Event<MemberRef>, said: &event::Unfrozen) -> Result<(), Refusal> {
    let frozen = draft.member().frozen().ok_or(Refusal::NotFrozen)?;
    let still = frozen.without(said.scope);
    if still == Some(frozen) {
        return Err(Refusal::NotFrozen);
    }
    risk::observe(draft, event, Points::ZERO)?;
    draft.live(LifeChange::Frozen(change::Frozen { scope: still }));
    Ok(())
}

/// A control: the membership ends for ever.
pub(crate) fn close(draft: &mut Draft<'_>, event: &Event<MemberRef>) -> Result<(), Refusal> {
    if !draft.member().holds.is_empty() {
        return Err(Refusal::HoldsOpen);
    }
    if !draft.member().exchanges().is_empty() {
        return Err(Refusal::ExchangesOpen);
    }
    risk::observe(draft, event, Points::ZERO)?;
    draft.live(LifeChange::Closed(change::Closed));
    // Nobody can stand for what was proposed any more.
    for open in draft.member().open_proposals(draft.at()) {
        draft.live(LifeChange::ProposalEnded(change::ProposalEnded { proposal: open.position }));
    }
    if draft.member().dormant_at.is_some() {
        end_dormancy(draft);
    }
    Ok(())
}

/// A control: the member is known by another name as well.
pub(crate) fn link(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::AliasLinked<MemberRef>,
) -> Result<(), Refusal> {
    let MemberRef::Unknown(key) = said.alias else { return Err(Refusal::AliasTaken) };
    if draft.member().aliases().len() >= ALIASES_MAX {
        return Err(Refusal::MemberLimitReached);
    }
    risk::observe(draft, event, Points::ZERO)?;
    draft.live(LifeChange::AliasLinked(change::AliasLinked { kind: said.kind.clone(), key }));
    Ok(())
}

/// A control: that name stands for the member no more.
pub(crate) fn unlink(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::AliasUnlinked<MemberRef>,
) -> Result<(), Refusal> {
    let MemberRef::Alias(no, key) = said.alias else { return Err(Refusal::AliasUnknown) };
    // An alias of a member merged into this one is kept by that one.
    let is_own = draft.member().aliases().iter().any(|known| known.key == key);
    if no != draft.no() || !is_own {
        return Err(Refusal::AliasUnknown);
    }
    risk::observe(draft, event, Points::ZERO)?;
    draft.live(LifeChange::AliasUnlinked(change::AliasUnlinked { key }));
    Ok(())
}
