//! Conditions: what an earn rule may ask for.

use crate::tables::event::{Body, Event, Kind, MemberRef};

/// What a rule asks for, by the words of a program's `when`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `from`, `until`.
    Dates,
    /// `weekdays`.
    Weekdays,
    /// A word of the event.
    Said(Said),
    /// `tiers`.
    Tiers,
    /// `attributes`.
    Attributes,
    /// `first`.
    First,
    /// `birthday`.
    Birthday,
    /// `hours`.
    Hours,
    /// `skus`, `categories`, `tags`, `except`.
    Lines,
    /// `at_least`.
    AtLeast,
}

impl Condition {
    /// Its word, as in a program.
    pub fn name(self) -> &'static str {
        match self {
            Condition::Dates => "from, until",
            Condition::Weekdays => "weekdays",
            Condition::Said(said) => said.name(),
            Condition::Tiers => "tiers",
            Condition::Attributes => "attributes",
            Condition::First => "first",
            Condition::Birthday => "birthday",
            Condition::Hours => "hours",
            Condition::Lines => "skus, categories, tags, except",
            Condition::AtLeast => "at_least",
        }
    }
}

/// Declares the words of an event that a rule may ask for, in the order it asks. Each line: its name; the kind of event
/// that says it, if not all do; how it is read.
macro_rules! said {
    ($($(#[$doc:meta])* $said:ident $name:literal $(of $kind:ident)?: $read:expr;)*) => {
        /// A word of an event that a rule may ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Said {
            $($(#[$doc])* $said,)*
        }

        impl Said {
            /// All of them, in the order they are asked for.
            pub const ALL: &'static [Said] = &[$(Said::$said),*];

            /// Its name, as in a program.
            pub const fn name(self) -> &'static str {
                match self { $(Said::$said => $name,)* }
            }

            /// The kind of event that says it; `None`: any may.
            pub const fn of(self) -> Option<Kind> {
                match self { $(Said::$said => said!(@of $($kind)?),)* }
            }

            /// What an event says of it.
            pub(crate) fn read(self, event: &Event<MemberRef>) -> Option<&str> {
                let read: fn(&Event<MemberRef>) -> Option<&str> = match self { $(Said::$said => $read,)* };
                read(event)
            }
        }
    };
    (@of) => { None };
    (@of $kind:ident) => { Some(Kind::$kind) };
}

said! {
    /// The channel it came through.
    Channels "channels": |event| event.origin.as_ref().map(|origin| &*origin.channel);
    /// The store it happened in.
    Stores "stores": |event| event.origin.as_ref().map(|origin| &*origin.store);
    /// The partner that says it.
    Partners "partners": |event| event.origin.as_ref().map(|origin| &*origin.partner);
    /// The kind of an action.
    Kinds "kinds" of Action: |event| if let Body::Action(said) = &event.body { Some(&said.kind) } else { None };
}
