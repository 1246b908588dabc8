//! Reads `on`: what rules, streaks and ladders wait for.

use crate::features::earning::program::Trigger;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::words::Takes;

/// What rules, streaks and ladders wait for.
pub(crate) const TRIGGERS: Takes =
    Takes::OneOfThe("What rules wait for", || Trigger::all().map(Trigger::name).collect());

/// `on` of a rule, streak or ladder.
pub(crate) fn trigger(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Trigger> {
    Trigger::all().nth(reading.choice(section, "on")?)
}

/// The trigger that a rule names, if it is one.
pub(crate) fn trigger_of(section: &Section<'_>) -> Option<Trigger> {
    let name = section.text("on")?;
    Trigger::all().find(|trigger| trigger.name() == name)
}
