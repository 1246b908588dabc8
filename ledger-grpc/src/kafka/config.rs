//! Config: a TOML file to what the ledger does with Kafka, every fault with its line.
//!
//! Owns the names of the options and what they may be. What an option means is said where it is used;
//! how a shop's own JSON is mapped is [`super::mapping`]'s.

use super::decode::Framing;
use super::mapping::{self, Mapping};
use ledger_core::program::Fault;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// Options of librdkafka that would undo what this ledger promises.
const OURS: [&str; 9] = [
    "bootstrap.servers",
    "group.id",
    "group.instance.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "enable.idempotence",
    "acks",
    "message.timeout.ms",
];

/// What the ledger does with Kafka.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the cluster is: `host:port`, several with commas.
    pub brokers: String,
    /// The consumer group.
    pub group: String,
    /// This node among the members of the group, if its place is kept while it restarts.
    pub instance: Option<String>,
    /// Where messages go that are no events.
    pub dead_letters: String,
    /// Where outcomes go, if anywhere.
    pub outbox: Option<String>,
    /// What is read.
    pub topics: Vec<Topic>,
    /// What librdkafka is told besides, as TLS and SASL.
    pub properties: BTreeMap<String, String>,
}

/// A topic that is read.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How its messages are written, if no header says otherwise.
    pub format: Format,
    /// What stands before each message, if something does.
    pub framing: Option<Framing>,
    /// Whether a message without a value is passed over, instead of being a fault.
    pub skip_tombstones: bool,
}

impl Topic {
    /// A topic whose messages are written so, with nothing more declared.
    pub fn new(name: &str, format: Format) -> Topic {
        Topic { name: name.to_owned(), format, framing: None, skip_tombstones: false }
    }
}

/// How messages are written.
#[derive(Clone, Debug)]
pub enum Format {
    /// `ledger.v1.Event` in protobuf.
    Protobuf,
    /// CloudEvents 1.0 in JSON.
    CloudEvents,
    /// The ledger's own JSON, as `ledgerd import` reads it.
    Json,
    /// A shop's own JSON; the first rule that matches says what it means.
    Mapped(Mapping),
}

impl Config {
    /// Reads a config file. `environment` tells the variables that it names.
    ///
    /// # Errors
    /// Every fault of the file, in order of lines.
    pub fn read(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, Vec<Fault>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut reading = Reading { text, environment, faults: Vec::new() };
        for error in errors {
            reading.fault(error.span().map_or(0, |span| span.start), "file", error.message());
        }
        let config = if reading.faults.is_empty() {
            let mut root = Section { table: root.get_ref(), path: String::new(), at: 0, used: Vec::new() };
            let config = reading.config(&mut root);
            reading.end(&root);
            config
        } else {
            None
        };
        reading.faults.sort_by_key(|fault| fault.line);
        match config {
            Some(config) if reading.faults.is_empty() => Ok(config),
            _ => Err(reading.faults),
        }
    }
}

/// A file that is being read, and what is wrong with it so far.
pub(super) struct Reading<'t> {
    text: &'t str,
    environment: &'t dyn Fn(&str) -> Option<String>,
    faults: Vec<Fault>,
}

/// A table on its way in; at its end it complains about fields nobody asked for.
pub(super) struct Section<'t> {
    pub(super) table: &'t DeTable<'t>,
    pub(super) path: String,
    pub(super) at: usize,
    used: Vec<String>,
}

impl<'t> Section<'t> {
    pub(super) fn new(table: &'t DeTable<'t>, path: String, at: usize) -> Section<'t> {
        Section { table, path, at, used: Vec::new() }
    }

    pub(super) fn field(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A field and where it stands.
    pub(super) fn take(&mut self, key: &str) -> Option<(&'t DeValue<'t>, usize)> {
        self.used.push(key.to_owned());
        self.table.get(key).map(|value| (value.get_ref(), value.span().start))
    }
}

impl Reading<'_> {
    pub(super) fn fault(&mut self, at: usize, field: &str, problem: impl Into<String>) {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        let line = u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1);
        self.faults.push(Fault { line, field: field.to_owned(), problem: problem.into() });
    }

    /// A text that may be absent.
    pub(super) fn maybe_text(&mut self, section: &mut Section<'_>, key: &str) -> Option<String> {
        let (value, at) = section.take(key)?;
        match value {
            DeValue::String(text) if !text.is_empty() => Some(text.to_string()),
            _ => {
                self.fault(at, &section.field(key), "must be a text in quotes, and not empty");
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, section: &mut Section<'_>, key: &str, example: &str) -> Option<String> {
        if section.table.get(key).is_none() {
            self.fault(section.at, &section.field(key), format!("is missing; write {key} = {example}"));
            return None;
        }
        self.maybe_text(section, key)
    }

    /// Tables of one name, as `[[topic]]`.
    pub(super) fn tables<'t>(&mut self, section: &mut Section<'t>, key: &str) -> Vec<Section<'t>> {
        let Some((value, at)) = section.take(key) else { return Vec::new() };
        let path = section.field(key);
        let DeValue::Array(items) = value else {
            self.fault(at, &path, format!("must be tables; write [[{path}]]"));
            return Vec::new();
        };
        let mut found = Vec::new();
        for (n, item) in items.iter().enumerate() {
            match item.get_ref() {
                DeValue::Table(table) => found.push(Section::new(table, format!("{path}[{n}]"), item.span().start)),
                _ => self.fault(item.span().start, &path, format!("must be tables; write [[{path}]]")),
            }
        }
        found
    }

    /// A table that may be absent.
    pub(super) fn table<'t>(&mut self, section: &mut Section<'t>, key: &str) -> Option<Section<'t>> {
        let (value, at) = section.take(key)?;
        let path = section.field(key);
        match value {
            DeValue::Table(table) => Some(Section::new(table, path, at)),
            _ => {
                self.fault(at, &path, format!("must be a table; write [{path}]"));
                None
            }
        }
    }

    /// Complains about every field that nobody asked for.
    pub(super) fn end(&mut self, section: &Section<'_>) {
        for (key, value) in
            section.table.iter().filter(|(key, _)| !section.used.iter().any(|used| used == key.get_ref()))
        {
            let known = section.used.join(", ");
            let field = section.field(key.get_ref());
            self.fault(value.span().start, &field, format!("is not known here; known are {known}"));
        }
    }

    fn config(&mut self, root: &mut Section<'_>) -> Option<Config> {
        let brokers = self.text(root, "brokers", "\"127.0.0.1:9092\"");
        let group = self.text(root, "group", "\"points-ledger\"");
        let instance = self.maybe_text(root, "instance");
        let dead_letters = self.text(root, "dead_letters", "\"ledger.dead-letters\"");
        let outbox = self.table(root, "outbox").and_then(|mut outbox| {
            let topic = self.text(&mut outbox, "topic", "\"ledger.outcomes\"");
            self.end(&outbox);
            topic
        });
        let properties = self.properties(root);
        let mut topics: Vec<Topic> = Vec::new();
        for mut section in self.tables(root, "topic") {
            let Some(topic) = self.topic(&mut section) else { continue };
            let own = [dead_letters.as_ref(), outbox.as_ref()].into_iter().flatten().any(|own| *own == topic.name);
            let again = topics.iter().any(|known| known.name == topic.name);
            if own || again {
                let problem = if own { "is what the ledger writes to; read another" } else { "is read twice" };
                self.fault(section.at, &section.field("name"), format!("{:?} {problem}", topic.name));
            }
            topics.push(topic);
        }
        if topics.is_empty() && self.faults.is_empty() {
            self.fault(0, "topic", "is missing; write [[topic]] with name = \"purchases\"");
        }
        Some(Config {
            brokers: brokers?,
            group: group?,
            instance,
            dead_letters: dead_letters?,
            outbox,
            topics,
            properties,
        })
    }

    fn topic(&mut self, section: &mut Section<'_>) -> Option<Topic> {
        let name = self.text(section, "name", "\"purchases\"");
        let at = section.table.get("format").map_or(section.at, |value| value.span().start);
        let format = match self.text(section, "format", "\"json\"")?.as_str() {
            "protobuf" => Some(Format::Protobuf),
            "cloudevents" => Some(Format::CloudEvents),
            "json" => Some(Format::Json),
            "mapped" => Some(Format::Mapped(mapping::mapping(self, section))),
            other => {
                let problem = format!("{other:?} is no format; write protobuf, cloudevents, json or mapped");
                self.fault(at, &section.field("format"), problem);
                None
            }
        };
        let framing = self.framing(section, matches!(format, Some(Format::Protobuf)));
        let skip_tombstones = self.choice(section, "tombstones", "skip", "dead_letter");
        self.end(section);
        Some(Topic { name: name?, format: format?, framing, skip_tombstones })
    }

    /// What a schema registry's serializer puts before each message.
    fn framing(&mut self, section: &mut Section<'_>, protobuf: bool) -> Option<Framing> {
        let framing = section.take("framing");
        let places = section.take("message_index");
        let Some((framing, at)) = framing else {
            if let Some((_, at)) = places {
                let problem = "stands beside `framing`; write framing = \"confluent\"";
                self.fault(at, &section.field("message_index"), problem);
            }
            return None;
        };
        if !matches!(framing, DeValue::String(word) if word == "confluent") {
            self.fault(
                at,
                &section.field("framing"),
                "must be \"confluent\"; leave it out if nothing is before messages",
            );
        }
        let Some((places, at)) = places else { return Some(Framing { places: vec![0] }) };
        let place = |value: &DeValue<'_>| match value {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let read = match places {
            DeValue::Array(items) if !items.is_empty() => items.iter().map(|item| place(item.get_ref())).collect(),
            _ => None,
        };
        if read.is_none() || !protobuf {
            let problem = "must be where the event is in its schema, as [0], and stands beside format = \"protobuf\"";
            self.fault(at, &section.field("message_index"), problem);
        }
        Some(Framing { places: read.unwrap_or_default() })
    }

    /// One of two words, of which the second holds if there is none; answers whether it is the first.
    pub(super) fn choice(&mut self, section: &mut Section<'_>, key: &str, yes: &str, no: &str) -> bool {
        let Some((value, at)) = section.take(key) else { return false };
        match value {
            DeValue::String(word) if word == yes => true,
            DeValue::String(word) if word == no => false,
            _ => {
                self.fault(at, &section.field(key), format!("must be \"{yes}\" or \"{no}\""));
                false
            }
        }
    }

    /// What is handed to librdkafka: `"sasl.username" = "ledger"`, or `{ env = "NAME" }` for a secret.
    fn properties(&mut self, root: &mut Section<'_>) -> BTreeMap<String, String> {
        let Some(section) = self.table(root, "properties") else { return BTreeMap::new() };
        let mut found = BTreeMap::new();
        for (key, value) in section.table.iter() {
            let (key, at) = (key.get_ref().to_string(), value.span().start);
            let field = section.field(&key);
            if OURS.contains(&key.as_str()) {
                self.fault(at, &field, "is the ledger's own to set");
                continue;
            }
            let text = match value.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                DeValue::Integer(number) => Some(number.as_str().to_owned()),
                DeValue::Boolean(yes) => Some(yes.to_string()),
                DeValue::Table(table) => {
                    let mut from = Section::new(table, field.clone(), at);
                    let name = self.text(&mut from, "env", "\"KAFKA_PASSWORD\"");
                    self.end(&from);
                    let text = name.as_ref().and_then(|name| (self.environment)(name));
                    if let (Some(name), None) = (&name, &text) {
                        self.fault(at, &field, format!("the environment has no {name}"));
                    }
                    text
                }
                _ => {
                    self.fault(at, &field, "must be a text, a number, true, false or { env = \"NAME\" }");
                    None
                }
            };
            found.extend(text.map(|text| (key, text)));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Vec<String>> {
        let environment = |name: &str| (name == "SECRET").then(|| "hush".to_owned());
        Config::read(text, &environment).map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_file_says_what_is_read_and_where_it_goes() {
        let config = read(
            r#"
            brokers = "one:9092,two:9092"
            group = "points"
            dead_letters = "dead"
            outbox = { topic = "outcomes" }
            [properties]
            "security.protocol" = "SASL_SSL"
            "sasl.password" = { env = "SECRET" }
            "socket.timeout.ms" = 5000
            [[topic]]
            name = "till"
            format = "protobuf"
            "#,
        )
        .expect("it has no faults");
        assert_eq!((config.brokers.as_str(), config.group.as_str()), ("one:9092,two:9092", "points"));
        assert_eq!((config.instance, config.outbox.as_deref()), (None, Some("outcomes")));
        let told: Vec<_> = config.properties.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(told, ["sasl.password=hush", "security.protocol=SASL_SSL", "socket.timeout.ms=5000"]);
        assert!(matches!(config.topics.as_slice(), [Topic { name, format: Format::Protobuf, .. }] if name == "till"));
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let faults = read(
            "brokers = 1\n\
             dead_letters = \"dead\"\n\
             colour = \"red\"\n\
             [properties]\n\
             acks = 1\n\
             \"sasl.password\" = { env = \"NOBODY\" }\n\
             [[topic]]\n\
             name = \"dead\"\n\
             format = \"xml\"\n\
             [[topic]]\n\
             format = \"json\"\n",
        )
        .expect_err("it has faults");
        let starts: Vec<String> =
            faults.iter().map(|fault| fault.splitn(3, ": ").take(2).collect::<Vec<_>>().join(" ")).collect();
        let expected = [
            "line 1 brokers",
            "line 1 group",
            "line 3 colour",
            "line 5 properties.acks",
            "line 6 properties.sasl.password",
            "line 9 topic[0].format",
            "line 10 topic[1].name",
        ];
        assert_eq!(starts, expected);
        assert_eq!(read("brokers = ").expect_err("it is no TOML").len(), 1);
    }
}
