//! Reads `tiers` of rules and items: names of tiers, which stand further down in the file.

use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::TermNo;
use crate::kernel::words::{RULES_MAX, Takes};
use alloc::vec::Vec;

/// Names of tiers.
pub(crate) const TIERS_NAMED: Takes = Takes::List(&Takes::Name("tier"), 1, RULES_MAX);

/// `tiers = ["gold"]` of a rule or an item.
pub(crate) fn tiers_named(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Vec<TermNo> {
    let field = section.field("tiers");
    let words = reading.texts(section, "tiers");
    words.into_iter().map(|(word, at)| reading.mention("tier", &word, at, field.clone())).collect()
}
