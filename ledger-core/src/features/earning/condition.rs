//! Conditions: what an earn rule may ask for.

/// What a rule asks for, by the words of a program's `when`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `from`, `until`.
    Dates,
    /// `weekdays`.
    Weekdays,
    /// `channels`.
    Channels,
    /// `stores`.
    Stores,
    /// `partners`.
    Partners,
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
            Condition::Channels => "channels",
            Condition::Stores => "stores",
            Condition::Partners => "partners",
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
