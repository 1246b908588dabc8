//! Triggers: what rules wait for, by the table of events.

use crate::tables::event::Kind;

/// What an earn rule waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// An event of a kind that earns.
    Event(Kind),
    /// The member became dormant.
    Inactive,
}

impl Trigger {
    /// A purchase was completed.
    pub const PURCHASE: Trigger = Trigger::Event(Kind::Purchase);
    /// A referral qualified; the referrer earns.
    pub const REFERRAL: Trigger = Trigger::Event(Kind::Referral);
    /// A member enrolled.
    pub const ENROLLED: Trigger = Trigger::Event(Kind::Enrolled);

    /// All of them: the kinds of events that earn, in order of their numbers, and inactivity.
    pub fn all() -> impl Iterator<Item = Trigger> {
        Kind::ALL.iter().copied().filter_map(Trigger::of).chain([Trigger::Inactive])
    }

    /// What an event of this kind sets off, if it earns.
    pub fn of(kind: Kind) -> Option<Trigger> {
        kind.is_earning().then_some(Trigger::Event(kind))
    }

    /// Whether it is part of a visit.
    pub fn is_visit(self) -> bool {
        matches!(self, Trigger::Event(kind) if kind.is_visit())
    }

    /// The word, as in program files.
    pub fn name(self) -> &'static str {
        match self {
            Trigger::Event(kind) => kind.name(),
            Trigger::Inactive => "inactive",
        }
    }
}
