//! Letters: dead letters listed and re-driven, and the file that says how a ledger is fed from Kafka.

use super::rules::fault_line;
use super::{Answer, Usage, say, show};
use anyhow::{Context, Result, anyhow};
use clap::Args;
use ledger_core::program::Fault;
use ledger_core::units::At;
use ledger_grpc::kafka::{self, Config, Letter, Letters};
use ledger_grpc::{instant, json};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// How many bytes of a value are shown in a table.
const SHOWN_BYTES: usize = 60;
/// How many letters are sent again together.
const TOGETHER: usize = 1_000;

/// How a ledger is fed from Kafka, and what it puts there.
pub(super) fn feeding() -> String {
    let attributes = kafka::attributes().join(", ");
    let types: Vec<&str> = kafka::OUTBOX_TYPES.iter().map(|listed| listed.name).collect();
    let envelope = json::envelope().join(", ");
    let most = kafka::BATCH_EVENTS_MAX.to_string();
    let told = CONFIG.replace("ATTRIBUTES", &attributes).replace("ENVELOPE", &envelope);
    told.replace("TYPES", &types.join(", ")).replace("EVENTS_MAX", &most)
}

const CONFIG: &str = concat!(
    "KAFKA\n\n",
    r#"  brokers = "127.0.0.1:9092"
  group = "points-ledger"
  instance = "ledger-1"                 # keeps its place in the group while it restarts; may be left out
  dead_letters = "ledger.dead-letters"  # where messages go that are no events

  [outbox]                              # may be left out: outcomes as CloudEvents, at least once
  topic = "ledger.outcomes"

  [properties]                          # handed to librdkafka as they are
  "security.protocol" = "SASL_SSL"
  "sasl.mechanism" = "SCRAM-SHA-512"
  "sasl.username" = "ledger"
  "sasl.password" = { env = "KAFKA_PASSWORD" }

  [[topic]]
  name = "purchases"
  format = "json"                       # json, cloudevents, protobuf or mapped

"#,
    "Topics must exist. A header `content-type` of a message goes before the format of its topic: \
     application/json or any other JSON, application/cloudevents+json, application/cloudevents-batch+json, \
     application/protobuf; and so do the headers of CloudEvents in binary mode. `json` is one event as a line of \
     `ledgerd import` has it; `protobuf` is ledger.v1.Event. A CloudEvent has the type ledger.v1.purchase and the like \
     and the fields of that as data (or as data_base64); its attributes are ATTRIBUTES. Those that are not of \
     CloudEvents itself are extensions, whose names have small letters and digits alone. Other attributes are left \
     aside and named once in the log. A batch is up to EVENTS_MAX CloudEvents in a list; if one of them is no event, \
     the others are judged and the message becomes a dead letter that names it.\n\n",
    "A message without a value is a dead letter, but a CloudEvent in binary mode without data. Any topic may \
     declare:\n\n",
    r#"  tombstones = "skip"                   # deletions say nothing: pass over messages without a value
  framing = "confluent"                 # a schema registry's serializer wrote them: its id is taken off
  message_index = [0]                   # of protobuf, where the event is in its schema; [0] if left out

"#,
    "With `framing`, a message begins with a zero byte, the id of its schema in four bytes and, in protobuf, the list \
     of message indexes; newer serializers send the id as the header __value_schema_id. The registry is not asked: \
     what is behind the id is read as the topic's format says, of JSON Schema `json`, `cloudevents` or `mapped`.\n\n",
    "A `mapped` topic has a shop's own JSON, which rules turn into events; the first that matches counts:\n\n",
    r#"  [[topic]]
  name = "pos"
  format = "mapped"
  unmatched = "skip"                    # what no rule matches is passed over; a dead letter if left out

  [[topic.event]]
  when = { "/kind" = ["TEST", "VOID"] } # one of these; { present = false }: is not there, or null
  skip = "no sales"                     # passed over and counted, by this name

  [[topic.event]]
  when = { "/kind" = "SALE" }           # may be left out
  says = "purchase"
  source = "pos"                        # always this text
  id = "/receipt/no"                    # JSON Pointer; { literal = "/x" } is a text that looks like one
  occurred_at = { millis = "/at" }      # or seconds since 1970; without a table, RFC 3339
  member = "/customer/card"
  channel = { text = "/till", map = { W = "online", POS = "store" }, otherwise = "other" }

  [topic.event.body]                    # the fields of the event, as in its JSON
  order = { text = "/receipt/no" }      # a number as a text; { number = ... } is the other way round
  currency = "/receipt/currency"
  lines = [                             # one list, or several one behind the other
    { each = "/items", when = { "/free" = false }, sku = "/code", quantity = "/count",
      net = { major = "/price", times = "/count", digits = 2, round = "half_up" } },
    { each = "/coupons", sku = "coupon", net = { major = "/off", negate = true } },
    { sku = "delivery", net = { major = "/delivery" } },
  ]

"#,
    "The fields beside `says`, `when`, `skip` and `body` are ENVELOPE; the first three must be there. What a message \
     does not have is left out, and so is an object of a list of which it has nothing.\n\n",
    "`number` and `major` are decimals as numbers or texts, exact, and may be below 0: so many `digits` behind the \
     point (0, and 2 of `major`) are units, `times` multiplies by another value, `negate` takes off. More digits than \
     those are a fault unless `round` says half_up, half_even, down (towards 0) or up. With `map` a value stands for \
     another; one that is not in it for `otherwise`, or is a fault. { local = \"/created\", timezone = \
     \"Europe/Berlin\" } reads 2026-01-31 09:00:00, with a T or a blank, without seconds, or a date alone, as clocks \
     of that zone show it (one that they show twice is the first); if it says its offset, by that.\n\n",
    "What is passed over is counted by ledger_kafka_skipped_total, by topic and reason, and named once in the log. \
     `ledgerd kafka check` shows what a message becomes.\n\n",
    "The outbox has CloudEvents of these types, each with ledger.v1. before it: TYPES. Their data is described in \
     proto/ledger/v1/outbox.proto.\n\n",
    "Where a partition is read from is what the ledger says, never what Kafka says of the group. One that the \
     ledger has nothing of is read from its beginning. One whose offsets do not fit any more, because messages \
     were deleted unread or the topic was made anew, is halted: the log and the metrics say so, the health \
     service `kafka` is NOT_SERVING, and the other partitions go on.",
);

/// Reads the file that says how the ledger is fed.
pub(super) fn config(path: &Path, brokers: Option<&str>) -> Result<Config> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut config =
        Config::read(&text, &|name| std::env::var(name).ok()).map_err(|found| anyhow!(faults(path, &found)))?;
    if let Some(brokers) = brokers {
        brokers.clone_into(&mut config.brokers);
    }
    Ok(config)
}

/// Every fault of that file, as editors and people find it.
pub(super) fn faults(path: &Path, faults: &[Fault]) -> Usage {
    Usage(faults.iter().map(|fault| fault_line(path, fault)).collect::<Vec<_>>().join("\n"))
}

/// A cursor that is moved by hand.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) next: u64,
}

pub(super) fn moved(text: &str) -> Result<Moved, String> {
    let parts = text.split_once('=').and_then(|(from, next)| Some((from.rsplit_once('/')?, next)));
    let read = parts.and_then(|((topic, partition), next)| {
        Some(Moved { topic: topic.to_owned(), partition: partition.parse().ok()?, next: next.parse().ok()? })
    });
    read.ok_or_else(|| "write a topic, a partition and an offset, such as purchases/0=1234".to_owned())
}

#[derive(Args)]
pub(super) struct DeadLetters {
    /// The file that says how the ledger is fed (see `ledgerd serve --help`)
    #[arg(long, value_name = "FILE", env = "LEDGERD_KAFKA")]
    kafka: PathBuf,
    /// Where Kafka is, instead of where the file says
    #[arg(long, value_name = "HOST:PORT,…", env = "LEDGERD_KAFKA_BROKERS")]
    kafka_brokers: Option<String>,
    /// Send them to their topics again
    #[arg(long)]
    redrive: bool,
    /// Only those from this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Only those whose reason has this text
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only those put there since then
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<At>,
    /// Answer in JSON, one letter on each line
    #[arg(long)]
    json: bool,
}

fn since(text: &str) -> Result<At, String> {
    instant::read(text).ok_or_else(|| "write an instant such as 2026-01-31T09:00:00Z".to_owned())
}

impl DeadLetters {
    pub(super) fn run(self) -> Result<Answer> {
        let letters = Letters::open(config(&self.kafka, self.kafka_brokers.as_deref())?)?;
        let mut table = show::table(&["at", "since", "from", "reason", "value"], &[]);
        let (mut count, mut again, mut failed) = (0u64, Vec::new(), None);
        letters.read(|letter| {
            if !self.is_meant(&letter) {
                return true;
            }
            count += 1;
            let told = match (self.redrive, self.json) {
                (true, _) => {
                    again.push(letter);
                    if again.len() < TOGETHER { Ok(()) } else { send(&letters, &mut again) }
                }
                (false, true) => say(told(&letter)),
                (false, false) => {
                    table.add_row(row(&letter));
                    Ok(())
                }
            };
            failed = told.err();
            failed.is_none()
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        send(&letters, &mut again)?;
        match (self.redrive, self.json) {
            (true, _) => say(format_args!("{count} dead letters were sent to their topics again"))?,
            (false, true) => {}
            (false, false) if count > 0 => say(show::lines(&table))?,
            (false, false) => say("there are no dead letters")?,
        }
        Ok(Answer::Yes)
    }

    fn is_meant(&self, letter: &Letter) -> bool {
        self.topic.as_ref().is_none_or(|topic| *topic == letter.topic)
            && self.reason.as_ref().is_none_or(|reason| letter.reason.contains(reason.as_str()))
            && self.since.is_none_or(|since| letter.since >= since.0)
    }
}

fn send(letters: &Letters, again: &mut Vec<Letter>) -> Result<()> {
    Ok(letters.redrive(std::mem::take(again))?)
}

fn row(letter: &Letter) -> [String; 5] {
    let value = String::from_utf8_lossy(letter.value.as_deref().unwrap_or_default()).into_owned();
    let shown: String = value.chars().take(SHOWN_BYTES).map(|one| if one.is_control() { '·' } else { one }).collect();
    [
        format!("{}/{}", letter.at.0, letter.at.1),
        instant::show(At(letter.since)),
        format!("{}/{}/{}", letter.topic, letter.partition, letter.offset),
        letter.reason.clone(),
        shown,
    ]
}

fn told(letter: &Letter) -> Value {
    let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    serde_json::json!({
        "at": { "partition": letter.at.0, "offset": letter.at.1 },
        "since": instant::show(At(letter.since)),
        "from": { "topic": letter.topic, "partition": letter.partition, "offset": letter.offset },
        "reason": letter.reason,
        "key": text(&letter.key),
        "value": text(&letter.value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_in_the_help_has_no_faults() {
        let help = feeding();
        let pieces: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        // The place of a message in its schema goes with protobuf alone.
        let text = pieces.join("\n").replacen("\"json\"", "\"protobuf\"", 1);
        let config = Config::read(&text, &|_| Some("secret".into())).expect("it has no faults");
        assert_eq!(config.topics.len(), 2, "{text}");
    }
}
