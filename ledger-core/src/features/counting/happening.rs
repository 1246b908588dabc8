//! Happenings: what counters may count and what may keep a member active.

use crate::tables::event::Kind;

/// Something that happens to a member: an event of a kind, or what comes of events and of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// An event of this kind was accepted.
    Event(Kind),
    /// An event earned less than its rules gave, because a limit was reached.
    LimitHit,
    /// The member was inactive for as long as the program allows.
    Inactive,
}

impl Happening {
    /// All that a program may name: the kinds of events that can be counted, in order of their numbers, and the rest.
    pub fn all() -> impl Iterator<Item = Happening> {
        let events = Kind::ALL.iter().copied().filter(|kind| kind.is_countable()).map(Happening::Event);
        events.chain([Happening::LimitHit, Happening::Inactive])
    }

    /// The trade's word, as in program files.
    pub const fn name(self) -> &'static str {
        match self {
            Happening::Event(kind) => kind.name(),
            Happening::LimitHit => "limit_hit",
            Happening::Inactive => "inactive",
        }
    }

    const fn bit(self) -> u128 {
        match self {
            Happening::Event(kind) => 1 << kind.number(),
            Happening::LimitHit => 1 << 126,
            Happening::Inactive => 1 << 127,
        }
    }
}

impl From<Kind> for Happening {
    fn from(kind: Kind) -> Happening {
        Happening::Event(kind)
    }
}

/// A set of happenings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happenings(u128);

impl Happenings {
    /// Whether this is among them.
    #[inline]
    pub const fn contains(self, happening: Happening) -> bool {
        self.0 & happening.bit() != 0
    }

    /// Adds one.
    pub const fn insert(&mut self, happening: Happening) {
        self.0 |= happening.bit();
    }

    /// Those it has, in the order of [`Happening::all`].
    pub fn iter(self) -> impl Iterator<Item = Happening> {
        Happening::all().filter(move |happening| self.contains(*happening))
    }
}
