//! Reads lists of what happens: what counters count, and what keeps a member active.

use crate::features::counting::happening::{Happening, Happenings};
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::words::{RULES_MAX, Takes};

/// A list of what happens.
pub(crate) const HAPPENINGS: Takes = Takes::List(
    &Takes::OneOfThe("What counters count", || Happening::all().map(Happening::name).collect()),
    1,
    RULES_MAX,
);

pub(crate) fn happenings(reading: &mut Reading<'_>, section: &mut Section<'_>, key: &'static str) -> Happenings {
    let mut found = Happenings::default();
    for place in reading.choices(section, key) {
        if let Some(happening) = Happening::all().nth(place) {
            found.insert(happening);
        }
    }
    found
}
