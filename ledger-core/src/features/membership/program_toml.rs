//! Reads `attributes`: what outside models may say of members; and where rules ask for them.

use crate::kernel::fields::NAME_BYTES_MAX;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::TermNo;
use crate::kernel::words::{RULES_MAX, Takes};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Names of attributes.
pub(crate) const ATTRIBUTES: Takes = Takes::List(&Takes::Text(1, NAME_BYTES_MAX), 0, RULES_MAX);

/// The attributes that the file declares, and where.
pub(crate) fn attributes(reading: &mut Reading<'_>, root: &mut Section<'_>) -> Vec<(TermNo, usize)> {
    let words = reading.texts(root, "attributes");
    words.into_iter().map(|(word, at)| (reading.term(&word), at)).collect()
}

/// The attribute that a section names by `name`, which must be declared.
pub(crate) fn declared(
    reading: &mut Reading<'_>,
    section: &Section<'_>,
    (name, at): (String, usize),
    attributes: &[(TermNo, usize)],
) -> TermNo {
    let term = reading.mention("attribute", &name, at, section.field("name"));
    if !attributes.iter().any(|(known, _)| *known == term) {
        let problem = format!("{name:?} is not declared; add it to `attributes`");
        reading.fault(at, &section.field("name"), problem);
    }
    term
}

/// Warns of attributes that no rule uses.
pub(crate) fn check_attributes(reading: &mut Reading<'_>, attributes: &[(TermNo, usize)]) {
    for (term, at) in attributes {
        if !reading.is_mentioned("attribute", *term) {
            let word = reading.word_of(*term).unwrap_or_default();
            let problem = format!("{word:?} is declared, but no rule uses it");
            reading.warn(*at, "attributes", problem);
        }
    }
}
