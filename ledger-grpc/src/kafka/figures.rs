//! Figures: what the feeding of the ledger looks like from outside, in the text format of Prometheus.
//!
//! Counted by batch, never by message.

use super::Shared;
use super::flight::{BYTES_MAX, MESSAGES_MAX};
use super::lane::{Name, Partition};
use ledger_core::outcome::Outcome;
use ledger_core::units::Position;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// Bounds of the histogram of batch sizes, in messages.
const SIZES: [u64; 8] = [1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000];
/// Bounds of the histogram of commit times, in microseconds.
const TIMES_US: [u64; 9] = [500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 2_000_000];

/// Messages that were passed over, by topic and why.
pub(super) type Skipped = BTreeMap<(Box<str>, String), u64>;

/// What was counted since the start.
#[derive(Debug, Default)]
pub(super) struct Figures(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    messages: u64,
    events: u64,
    dead_letters: u64,
    skipped: Skipped,
    rebalances: u64,
    paused: bool,
    accepted: u64,
    duplicates: u64,
    refused: BTreeMap<&'static str, u64>,
    sizes: Histogram<{ SIZES.len() }>,
    times: Histogram<{ TIMES_US.len() }>,
    watermarks: BTreeMap<Name, (i64, i64)>,
    outcomes: u64,
    outbox: Option<Position>,
}

#[derive(Debug)]
struct Histogram<const N: usize> {
    below: [u64; N],
    count: u64,
    sum: u64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Histogram<N> {
        Histogram { below: [0; N], count: 0, sum: 0 }
    }
}

impl<const N: usize> Histogram<N> {
    fn add(&mut self, bounds: &[u64; N], value: u64) {
        self.count += 1;
        self.sum += value;
        for (below, bound) in self.below.iter_mut().zip(bounds) {
            *below += u64::from(value <= *bound);
        }
    }
}

impl Figures {
    pub(super) fn rebalanced(&self) {
        self.0.lock().rebalances += 1;
    }

    pub(super) fn paused(&self, paused: bool) {
        self.0.lock().paused = paused;
    }

    pub(super) fn handed_on(&self, messages: usize, events: usize, dead: usize) {
        let mut counted = self.0.lock();
        counted.messages += messages as u64;
        counted.events += events as u64;
        counted.dead_letters += dead as u64;
        counted.sizes.add(&SIZES, messages as u64);
    }

    /// Whether no message of a topic was passed over for this until now.
    pub(super) fn is_first(&self, topic: &str, why: &str) -> bool {
        let skipped = &mut self.0.lock().skipped;
        let first = !skipped.contains_key(&(topic.into(), why.to_owned()));
        if first {
            skipped.insert((topic.into(), why.to_owned()), 0);
        }
        first
    }

    /// Messages that the config says to pass over.
    pub(super) fn skipped(&self, skipped: &Skipped) {
        if skipped.is_empty() {
            return;
        }
        let mut counted = self.0.lock();
        for (why, messages) in skipped {
            *counted.skipped.entry(why.clone()).or_default() += messages;
        }
    }

    pub(super) fn committed(&self, outcomes: &[Outcome], took: Duration) {
        let mut counted = self.0.lock();
        counted.times.add(&TIMES_US, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        for outcome in outcomes {
            match outcome.refusal {
                _ if outcome.duplicate => counted.duplicates += 1,
                None => counted.accepted += 1,
                Some(refusal) => *counted.refused.entry(refusal.reason()).or_default() += 1,
            }
        }
    }

    pub(super) fn watermarks(&self, lane: &Partition, low: i64, high: i64) {
        self.0.lock().watermarks.insert((lane.topic.name.as_str().into(), lane.partition), (low, high));
    }

    pub(super) fn sent(&self, outcomes: usize, up_to: Position) {
        let mut counted = self.0.lock();
        counted.outcomes += outcomes as u64;
        counted.outbox = Some(up_to);
    }

    pub(super) fn write(&self, shared: &Shared, out: &mut String) {
        let counted = self.0.lock();
        let flight = shared.flight.now();
        let mut families = vec![
            one("messages_total", "counter", "Messages handed on.", counted.messages),
            one("events_total", "counter", "Events in them.", counted.events),
            one("dead_letters_total", "counter", "Messages of which not all was events.", counted.dead_letters),
            one("accepted_total", "counter", "Events that were accepted.", counted.accepted),
            one("duplicates_total", "counter", "Events that had come before.", counted.duplicates),
            one("rebalances_total", "counter", "Times partitions were assigned or revoked.", counted.rebalances),
            one("paused", "gauge", "1 while partitions are paused for want of room.", counted.paused.into()),
            one("in_flight_messages", "gauge", "Messages taken and not yet durable.", flight.messages as u64),
            one("in_flight_messages_max", "gauge", "The limit of them.", MESSAGES_MAX as u64),
            one("in_flight_bytes", "gauge", "Their bytes.", flight.bytes as u64),
            one("in_flight_bytes_max", "gauge", "The limit of them.", BYTES_MAX as u64),
        ];
        let skipped = counted.skipped.iter().map(|((topic, why), messages)| {
            (format!("{{topic=\"{}\",reason=\"{}\"}}", escaped(topic), escaped(why)), *messages)
        });
        families.push(Family {
            lines: skipped.collect(),
            ..one("skipped_total", "counter", "Messages that say nothing, as the config declares.", 0)
        });
        let refused = counted.refused.iter().map(|(reason, count)| (format!("{{reason=\"{reason}\"}}"), *count));
        families.push(Family {
            lines: refused.collect(),
            ..one("refused_total", "counter", "Events that were refused.", 0)
        });
        families.extend(shared.partitions(&counted.watermarks));
        if let Some(position) = counted.outbox {
            families.push(one(
                "outcomes_total",
                "counter",
                "Outcomes acknowledged by the outbox topic.",
                counted.outcomes,
            ));
            families.push(one("outbox_position", "gauge", "Records up to here are in the outbox.", position.0));
        }
        families.iter().for_each(|family| family.write(out));
        histogram(
            out,
            "batch_messages",
            "Messages of one batch.",
            &SIZES.map(|bound| bound as f64),
            &counted.sizes,
            1.0,
        );
        let bounds = TIMES_US.map(|bound| bound as f64 / 1e6);
        histogram(out, "commit_seconds", "From the queue of the shard until durable.", &bounds, &counted.times, 1e-6);
    }
}

impl Shared {
    /// Figures of each partition.
    fn partitions(&self, watermarks: &BTreeMap<Name, (i64, i64)>) -> Vec<Family> {
        let label = |topic: &str, partition: i32| format!("{{topic=\"{}\",partition=\"{partition}\"}}", escaped(topic));
        let (mut positions, mut lags) = (Vec::new(), Vec::new());
        for lane in self.lanes.all_open() {
            let (topic, partition) = (lane.topic.name.as_str(), lane.partition);
            let next = lane.next().and_then(|next| u64::try_from(next).ok());
            positions.extend(next.map(|next| (label(topic, partition), next)));
            let known = watermarks.get(&(Box::from(topic), partition)).copied();
            let lag = known.map(|(low, high)| high.saturating_sub(lane.next().unwrap_or(low)).max(0));
            lags.extend(lag.and_then(|lag| Some((label(topic, partition), u64::try_from(lag).ok()?))));
        }
        let halted =
            self.lanes.halted().into_iter().map(|(what, _)| (format!("{{partition=\"{}\"}}", escaped(&what)), 1));
        vec![
            Family { name: "position", kind: "gauge", help: "The next offset to hand on.", lines: positions },
            Family { name: "lag", kind: "gauge", help: "Messages behind it, as of a few seconds ago.", lines: lags },
            Family {
                name: "halted",
                kind: "gauge",
                help: "1 for what does not go on by itself.",
                lines: halted.collect(),
            },
        ]
    }
}

/// One figure with its labels.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    lines: Vec<(String, u64)>,
}

fn one(name: &'static str, kind: &'static str, help: &'static str, value: u64) -> Family {
    Family { name, kind, help, lines: vec![(String::new(), value)] }
}

impl Family {
    fn write(&self, out: &mut String) {
        let Family { name, kind, help, lines } = self;
        let _ = writeln!(out, "# HELP ledger_kafka_{name} {help}\n# TYPE ledger_kafka_{name} {kind}");
        for (labels, value) in lines {
            let _ = writeln!(out, "ledger_kafka_{name}{labels} {value}");
        }
    }
}

fn histogram<const N: usize>(
    out: &mut String,
    name: &str,
    help: &str,
    bounds: &[f64; N],
    of: &Histogram<N>,
    unit: f64,
) {
    let _ = writeln!(out, "# HELP ledger_kafka_{name} {help}\n# TYPE ledger_kafka_{name} histogram");
    for (bound, below) in bounds.iter().zip(of.below) {
        let _ = writeln!(out, "ledger_kafka_{name}_bucket{{le=\"{bound}\"}} {below}");
    }
    let (count, sum) = (of.count, of.sum as f64 * unit);
    let _ = writeln!(out, "ledger_kafka_{name}_bucket{{le=\"+Inf\"}} {count}");
    let _ = writeln!(out, "ledger_kafka_{name}_sum {sum}\nledger_kafka_{name}_count {count}");
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
