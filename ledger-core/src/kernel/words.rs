//! Words: what a program file may say, described once.
//!
//! A [`Form`] is a table of the file, a [`Word`] one of its fields. Readers take names, ranges and what must be there
//! from here; the reference and the JSON Schema are made of it. So none of them can say what the others do not.

use alloc::vec::Vec;

/// Most entries of one list of tables, or of words, in a program.
pub const RULES_MAX: usize = 500;
/// Largest `give`, `factor` or `fixed` of a rule, and number of a rate.
pub const GIVE_MAX: i64 = 1_000_000;
/// The longest span in days: 100 years.
pub const DAYS_MAX: i32 = 36_500;
/// Most days that a program may let things be told late and come to the same: a streak knows 64 days one by one.
pub const LATENESS_MAX: i32 = 60;
/// A minute, in milliseconds.
pub const MINUTE_MS: i64 = 60_000;
/// The longest duration, in milliseconds.
pub const DURATION_MS_MAX: i64 = 36_500 * crate::kernel::units::DAY_MS;

/// A table of a program file.
#[derive(Debug)]
pub struct Form {
    /// What it is for, in Markdown.
    pub about: &'static str,
    /// A whole program that uses it; empty for a table within a table.
    pub example: &'static str,
    /// What a fragment of it stands behind: ends with the table's header and what the table cannot do without.
    pub frame: &'static str,
    /// Its fields, in the order of the reference.
    pub words: &'static [Word],
}

/// A field of a table.
#[derive(Debug)]
pub struct Word {
    /// Its name.
    pub name: &'static str,
    /// What stands behind it.
    pub takes: Takes,
    /// What holds if it is not there.
    pub absent: Absent,
    /// What it says, as a sentence.
    pub meaning: &'static str,
    /// Lines of its table, of which one is its own.
    pub example: &'static str,
    /// The first version of the ledger that reads it.
    pub since: &'static str,
}

/// What holds if a word is not there.
#[derive(Clone, Copy, Debug)]
pub enum Absent {
    /// The file is refused.
    Refused,
    /// The same as if this stood there.
    Same(&'static str),
    /// This.
    Means(&'static str),
}

/// What stands behind a word.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// A new name.
    Id,
    /// The name of something that the file declares: which kind of thing.
    Name(&'static str),
    /// A text of so many bytes.
    Text(usize, usize),
    /// A text of this shape: a regular expression for editors, and what it is. Its reader may refuse more.
    Shape(&'static str, &'static str),
    /// A whole number in these bounds, and of what.
    Integer(i64, i64, &'static str),
    /// `true` or `false`.
    Flag,
    /// Only `true`.
    True,
    /// One of these words.
    OneOf(fn() -> Vec<&'static str>),
    /// One of these words, of which the reference lists all in one place: under this title, behind the events.
    OneOfThe(&'static str, fn() -> Vec<&'static str>),
    /// A decimal amount in the program's currency, at least so many minor units.
    Money(i64),
    /// A duration in these bounds, in milliseconds.
    Duration(i64, i64),
    /// A number of days in these bounds.
    Days(i32, i32),
    /// Whole percents in these bounds.
    Percent(i64, i64),
    /// A percentage with at most two decimals in these bounds, in hundredths.
    Rate(i64, i64),
    /// A list of this, of so many entries.
    List(&'static Takes, usize, usize),
    /// A table.
    Table(&'static Form),
    /// A list of tables, at most so many.
    Tables(&'static Form, usize),
    /// One of these.
    Either(&'static [Takes]),
}

/// A date and its shape.
pub const DATE: Takes = Takes::Shape("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "a local date such as \"2026-06-16\"");
/// A span of days or months.
pub const SPAN: Takes = Takes::Shape("^[0-9]+[dM]$", "a span: \"90d\" (1 to 36500 days) or \"12M\" (1 to 1200 months)");
/// Any duration.
pub const DURATION: Takes = Takes::Duration(1, DURATION_MS_MAX);
/// Any number of days.
pub const DAYS: Takes = Takes::Days(1, DAYS_MAX);

impl Form {
    /// A table within a table: what it is, and what its fragments stand behind.
    pub const fn within(about: &'static str, frame: &'static str, words: &'static [Word]) -> Form {
        Form { about, example: "", frame, words }
    }

    /// The word of this name.
    pub fn word(&self, name: &str) -> Option<&'static Word> {
        self.words.iter().find(|word| word.name == name)
    }
}

impl Word {
    /// A word that must be there.
    pub const fn new(name: &'static str, takes: Takes, meaning: &'static str, example: &'static str) -> Word {
        Word { name, takes, absent: Absent::Refused, meaning, example, since: "0.1" }
    }

    /// The name of what the table declares.
    pub const fn id(example: &'static str) -> Word {
        Word::new("id", Takes::Id, "The name, by which events, records and other rules speak of it.", example)
    }

    /// The section of this name, if it is one table.
    pub const fn section(name: &'static str, form: &'static Form, meaning: &'static str) -> Word {
        Word::new(name, Takes::Table(form), meaning, "").means("it asks nothing")
    }

    /// The sections of this name, if there may be several.
    pub const fn sections(name: &'static str, form: &'static Form, meaning: &'static str) -> Word {
        Word::new(name, Takes::Tables(form, RULES_MAX), meaning, "").means("there is none")
    }

    /// It may be left out, as if this value stood there: TOML.
    pub const fn same(mut self, value: &'static str) -> Word {
        self.absent = Absent::Same(value);
        self
    }

    /// It may be left out, which means this.
    pub const fn means(mut self, absent: &'static str) -> Word {
        self.absent = Absent::Means(absent);
        self
    }
}
