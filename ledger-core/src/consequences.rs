//! Consequences: what follows from every event, and from what happens by itself, in one ordered list.
//!
//! Who asks says which steps are taken; their order is the list's, whoever asks. Whoever an event affects beside its
//! member asks for the same list, right behind what affected it.

use crate::features::conversion::rules as conversion;
use crate::features::counting::happening::Happening;
use crate::features::earning::basket::Basket;
use crate::features::expiry::rules as expiry;
use crate::features::household::rules as household;
use crate::features::membership::rules as membership;
use crate::features::risk::rules as risk;
use crate::features::tiers::rules as tiers;
use crate::kernel::units::Money;
use crate::tables::draft::{Draft, Effect};
use crate::tables::event::{Event, MemberRef, RiskKeys};

/// Who asks what follows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// An event of the member itself.
    Event,
    /// The member was inactive for as long as the program allows.
    Inactivity,
    /// Points came or went by no activity of the member: a gift, a share, a timer, the end of a case.
    Moved,
    /// Points died.
    Died,
    /// What its tier is measured by changed by another's event.
    Measured,
}

/// A step of what follows.
#[derive(Clone, Copy)]
enum Step {
    /// What follows for others whom the event affected so far.
    ForOthers,
    /// Counts what came of it: points earned, limits that were hit.
    CountConsequences,
    /// An activity puts off dormancy.
    BeActive,
    /// The household gets its share.
    Contribute,
    /// Enough of one wallet becomes points of another.
    Convert,
    /// An activity puts off the death of points; points that die with a spell begin one.
    RenewActivityExpiry,
    /// What died can be reinstated for a time.
    NoteLapsed,
    /// When the member is next to be reminded.
    LookAhead,
    /// Which tier the member stands in.
    EvaluateTier,
}

/// What follows, in this order; behind each step who asks for it.
const CONSEQUENCES: [(Step, &[Asker]); 10] = [
    (Step::ForOthers, &[Asker::Event]),
    (Step::CountConsequences, &[Asker::Event, Asker::Inactivity]),
    (Step::BeActive, &[Asker::Event]),
    (Step::Contribute, &[Asker::Event]),
    (Step::ForOthers, &[Asker::Event]),
    (Step::Convert, &[Asker::Event, Asker::Inactivity, Asker::Moved]),
    (Step::RenewActivityExpiry, &[Asker::Event, Asker::Inactivity, Asker::Moved]),
    (Step::NoteLapsed, &[Asker::Event, Asker::Inactivity, Asker::Moved, Asker::Died]),
    (Step::LookAhead, &[Asker::Event, Asker::Inactivity, Asker::Moved]),
    (Step::EvaluateTier, &[Asker::Event, Asker::Inactivity, Asker::Measured]),
];

/// Takes the steps that whoever asks asks for; `event` is the member's own, if there is one.
pub(crate) fn follow(draft: &mut Draft<'_>, asker: Asker, event: Option<&Event<MemberRef>>) {
    let happening = match event {
        Some(event) => Some(event.body.kind().into()),
        None => (asker == Asker::Inactivity).then_some(Happening::Inactive),
    };
    for (step, _) in CONSEQUENCES.iter().filter(|(_, askers)| askers.contains(&asker)) {
        take(*step, draft, happening, event);
    }
}

#[inline]
fn take(step: Step, draft: &mut Draft<'_>, happening: Option<Happening>, event: Option<&Event<MemberRef>>) {
    match (step, happening) {
        (Step::ForOthers, _) => {
            for (mut other, effect) in draft.take_effects() {
                draft.lend(&mut other, |other| follow(other, effect.into(), None));
            }
        }
        (Step::CountConsequences, Some(happening)) => match event {
            Some(event) => risk::count_consequences(draft, happening, &event.keys),
            None => risk::count_consequences(draft, happening, &RiskKeys::default()),
        },
        (Step::BeActive, Some(happening)) => membership::be_active(draft, happening),
        (Step::CountConsequences | Step::BeActive, None) => {}
        (Step::Contribute, _) => household::contribute(draft),
        (Step::Convert, _) => conversion::convert(draft),
        (Step::RenewActivityExpiry, _) => {
            expiry::renew_activity(draft, happening, || event.map_or(Money(0), |event| Basket::of(event).net()));
        }
        (Step::NoteLapsed, _) => expiry::lapse(draft),
        (Step::LookAhead, _) => expiry::look_ahead(draft),
        (Step::EvaluateTier, _) => tiers::evaluate(draft),
    }
}

impl From<Effect> for Asker {
    fn from(effect: Effect) -> Asker {
        match effect {
            Effect::Received => Asker::Moved,
            Effect::Measured => Asker::Measured,
        }
    }
}
