//! Reads `on`: what rules, streaks and ladders wait for.

use crate::features::earning::program::Trigger;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::words::Takes;

/// What rules, streaks and ladders wait for.
pub(crate) const TRIGGERS: Takes = Takes::OneOf(|| Trigger::ALL.map(Trigger::name).to_vec());

/// `on` of a rule, streak or ladder.
pub(crate) fn trigger(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Trigger> {
    Trigger::ALL.get(reading.choice(section, "on")?).copied()
}

/// The trigger that a rule names, if it is one.
pub(crate) fn trigger_of(section: &Section<'_>) -> Option<Trigger> {
    let name = section.text("on")?;
    Trigger::ALL.into_iter().find(|trigger| trigger.name() == name)
}
