//! Reads `[visit]`: how much time may lie between two events of one visit.

use crate::features::earning::program::{EarnRule, Window};
use crate::features::visits::state::GAP_MAX_MS;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::words::{Form, MINUTE_MS, Takes, Word};

/// `[visit]`.
pub(crate) static VISIT: Form = Form {
    about: include_str!("visit.md"),
    example: include_str!("visit.toml"),
    frame: "[visit]\n",
    words: &[Word::new(
        "gap",
        Takes::Duration(MINUTE_MS, GAP_MAX_MS),
        "Purchases and check-ins of a member at one store are one visit as long as each comes no more than this \
         behind the one before.",
        "gap = \"10m\"",
    )],
};

/// How much time may lie between two events of one visit, in milliseconds.
pub(crate) fn visit(reading: &mut Reading<'_>, root: &mut Section<'_>) -> Option<i64> {
    let mut section = reading.table(root, "visit")?;
    let gap = reading.duration_ms(&mut section, "gap");
    reading.end(&section);
    gap.map(|(gap, _)| gap)
}

/// Warns of visits that nothing counts by.
pub(crate) fn check_visits(reading: &mut Reading<'_>, root: &Section<'_>, rules: &[EarnRule]) {
    let counts = |rule: &EarnRule| rule.limits.iter().any(|limit| limit.window == Window::Visit);
    if root.is_table("visit") && !rules.iter().any(counts) {
        reading.warn(root.place("visit"), "visit", "no limit of a rule counts by the visit".into());
    }
}
