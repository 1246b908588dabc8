//! Reads `[[counter]]` and `[[risk]]`: what is counted, and what is done about it.

use crate::features::counting::program_toml::{HAPPENINGS, happenings};
use crate::features::earning::program::Measure;
use crate::features::risk::change::Action;
use crate::features::risk::program::{CounterRule, KeyKind, RiskRule};
use crate::kernel::counter::SEEN_MAX;
use crate::kernel::names::RiskKind;
use crate::kernel::toml_reader::{Declared, Reading, Section};
use crate::kernel::words::{DURATION, Form, Takes, Word};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Counters, as risk rules name them.
pub(crate) const COUNTER_NAME: Declared = Declared { section: "counter", called: "counter", above: false };

/// Most buckets a counter's window may have.
const BUCKETS_MAX: i64 = 1_000;

/// `[[counter]]`.
pub(crate) static COUNTER: Form = Form {
    about: include_str!("counter.md"),
    example: include_str!("counter.toml"),
    frame: "[[counter]]\nid = \"check_ins\"\non = [\"check_in\"]\nkey = \"ip\"\nmeasure = \"count\"\n",
    words: &[
        Word::id("id = \"check_ins\""),
        Word::new(
            "on",
            HAPPENINGS,
            "Which happenings it counts: events of these kinds that were accepted, what a limit cut, dormancy.",
            "on = [\"check_in\"]",
        ),
        Word::new(
            "key",
            Takes::OneOf(|| core::iter::once("member").chain(RiskKind::ALL.map(RiskKind::name)).collect()),
            "By what it counts: each member by itself, or each key that events bring.",
            "key = \"device\"",
        ),
        Word::new(
            "measure",
            Takes::OneOf(|| vec!["count", "points", "members"]),
            "What it counts: events, points that were earned or asked for, or distinct members.",
            "measure = \"members\"",
        ),
        Word::new(
            "window",
            DURATION,
            "The time it looks back over, in whole buckets, at most 1000. The bucket that is running comes on top.",
            "window = \"24h\"",
        )
        .means("for ever"),
        Word::new("bucket", DURATION, "With `window`: how finely time is counted.", "window = \"1h\"\nbucket = \"5m\"")
            .means("a 24th of the window"),
    ],
};

/// `[[risk]]`.
pub(crate) static RISK: Form = Form {
    about: include_str!("risk.md"),
    example: include_str!("risk.toml"),
    frame: "[[counter]]\nid = \"check_ins\"\non = [\"check_in\"]\nkey = \"ip\"\nmeasure = \"count\"\n\
            [[risk]]\nid = \"busy\"\ncounter = \"check_ins\"\nat_least = 4\naction = \"flag\"\n",
    words: &[
        Word::id("id = \"busy\""),
        Word::new("counter", Takes::Name("counter"), "The counter it looks at.", "counter = \"check_ins\""),
        Word::new(
            "at_least",
            Takes::Integer(1, i64::MAX, "of what is counted"),
            "From which value on, the event itself counted. Distinct members are counted up to 256.",
            "at_least = 4",
        ),
        Word::new(
            "action",
            Takes::OneOf(|| vec!["flag", "review", "deny"]),
            "What it does: only say so, keep what is earned in review until the case is resolved, or refuse \
             commands, while facts earn nothing.",
            "action = \"review\"",
        ),
    ],
};

pub(crate) fn counters(reading: &mut Reading<'_>, root: &mut Section<'_>) -> Vec<CounterRule> {
    let mut counters = Vec::new();
    for mut section in reading.sections(root, "counter") {
        let id = reading.id(&mut section);
        let on = happenings(reading, &mut section, "on");
        let key = reading.choice(&mut section, "key").and_then(|at| at.checked_sub(1));
        let key = key.and_then(|at| RiskKind::ALL.get(at)).map_or(KeyKind::Member, |kind| KeyKind::Risk(*kind));
        let measure = match reading.choice(&mut section, "measure") {
            Some(0) => Measure::Count,
            Some(1) => Measure::Points,
            _ => Measure::Members,
        };
        let (bucket_ms, buckets) = buckets(reading, &mut section);
        reading.end(&section);
        if let Some(id) = id {
            counters.push(CounterRule { id, on, key, measure, bucket_ms, buckets });
        }
    }
    counters
}

/// The width of a bucket and how many there are.
fn buckets(reading: &mut Reading<'_>, section: &mut Section<'_>) -> (i64, i32) {
    let window = reading.duration_ms(section, "window");
    let bucket = reading.duration_ms(section, "bucket");
    let Some((window, at)) = window else {
        if let Some((_, at)) = bucket {
            reading.fault(at, &section.field("bucket"), "has no `window`".into());
        }
        return (1, 0);
    };
    let bucket = bucket.map_or_else(|| default_bucket(window), |(bucket, _)| bucket).max(1);
    let count = window.div_euclid(bucket);
    if window.rem_euclid(bucket) != 0 || count > BUCKETS_MAX {
        let problem = format!("must be 1 to {BUCKETS_MAX} whole buckets; change `bucket`");
        reading.fault(at, &section.field("window"), problem);
    }
    (bucket, i32::try_from(count).unwrap_or(i32::MAX))
}

fn default_bucket(window_ms: i64) -> i64 {
    // 24 buckets make a window at most a twenty-fourth longer than declared.
    let bucket = window_ms.div_euclid(24);
    if bucket > 0 && window_ms.rem_euclid(24) == 0 { bucket } else { window_ms }
}

pub(crate) fn risks(reading: &mut Reading<'_>, root: &mut Section<'_>, counters: &[CounterRule]) -> Vec<RiskRule> {
    let mut risks = Vec::new();
    for mut section in reading.sections(root, "risk") {
        let id = reading.id(&mut section);
        let counter = reading.text_of(&mut section, "counter").and_then(|(name, at)| {
            let term = reading.term(&name);
            let counter = counters.iter().position(|counter| counter.id == term);
            if counter.is_none() {
                reading.unknown(at, &section.field("counter"), COUNTER_NAME, &name);
            }
            counter
        });
        let at_least = reading.int(&mut section, "at_least");
        let action = match reading.choice(&mut section, "action") {
            Some(1) => Action::Review,
            Some(2) => Action::Deny,
            _ => Action::Flag,
        };
        reading.end(&section);
        if let (Some(id), Some(counter), Some((at_least, at))) = (id, counter, at_least) {
            let members = counters.get(counter).is_some_and(|counter| counter.measure == Measure::Members);
            if members && usize::try_from(at_least).unwrap_or(usize::MAX) > SEEN_MAX {
                let problem = format!("distinct members are counted up to {SEEN_MAX}");
                reading.fault(at, &section.field("at_least"), problem);
            }
            risks.push(RiskRule { id, counter, at_least, action });
        }
    }
    risks
}
