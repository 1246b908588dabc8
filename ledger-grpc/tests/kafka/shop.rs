//! What members of a shop do, and the clients that send it: Java's console producer and librdkafka.

use crate::broker::Broker;
use ledger_grpc::engine::wall_clock;
use ledger_grpc::instant;
use ledger_grpc::proto::{self, Event, event::Body};
use prost::Message;
use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Numbers that look random and can be had again.
pub(crate) struct Random(u64);

impl Random {
    /// From `LEDGER_SEED`, or another each time; the seed is printed.
    pub(crate) fn new(what: &str) -> Random {
        let given = std::env::var("LEDGER_SEED").ok().map(|text| text.parse().expect("a number"));
        let seed = given.unwrap_or_else(|| u64::from(std::process::id())) | 1;
        println!("{what}: LEDGER_SEED={seed}");
        Random(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

pub(crate) fn member(n: u64) -> String {
    format!("member-{n}")
}

/// What each of some members does, in order.
pub(crate) fn stories(random: &mut Random, members: u64, events: u64) -> Vec<Vec<Event>> {
    let now = instant::stamp(wall_clock()());
    let mut story = |n: u64| {
        let event = |id: u64, body: Body| Event {
            source: "shop".into(),
            id: format!("{n}-{id}"),
            occurred_at: Some(now),
            member: member(n),
            // Two members of a device: one more would be a case, and then the order of strangers counts.
            device: format!("device-{}", n / 2),
            body: Some(body),
            ..Event::default()
        };
        let mut all = vec![event(0, Body::Enrolled(proto::Enrolled { birthday: None }))];
        let mut orders = Vec::new();
        for id in 1..events {
            all.push(event(id, act(random, n, id, &mut orders)));
        }
        all
    };
    (0..members).map(&mut story).collect()
}

fn act(random: &mut Random, n: u64, id: u64, orders: &mut Vec<String>) -> Body {
    let points = 1 + random.below(80) as i64;
    match random.below(20) {
        0..=9 => {
            let order = format!("{n}-{id}");
            orders.push(order.clone());
            let line = |net| proto::Line { sku: "tea".into(), quantity: 1, net, ..Default::default() };
            let lines = (0..=random.below(2)).map(|_| line(random.below(30_000) as i64)).collect();
            Body::Purchase(proto::Purchase { order, currency: "CNY".into(), lines, ..Default::default() })
        }
        10..=11 => Body::CheckIn(proto::CheckIn {}),
        12 => Body::Referral(proto::Referral { referee: format!("friend-{n}-{}", random.below(3)) }),
        // Refused if there are not enough points, or there is no such order or hold: also an outcome.
        13..=14 => Body::Redeem(proto::Redeem { points, ..proto::Redeem::default() }),
        15 => Body::Hold(proto::Hold { hold: format!("h-{}", id / 4), points, ..proto::Hold::default() }),
        16 => Body::Capture(proto::Capture { hold: format!("h-{}", random.below(id)), points: None, last: true }),
        17 => Body::Void(proto::Void { hold: format!("h-{}", random.below(id)) }),
        _ => {
            let order = orders.last().cloned().unwrap_or_else(|| "none".into());
            let amount = 1 + random.below(5_000) as i64;
            Body::Refunded(proto::Refunded { order, currency: "CNY".into(), amount, ..Default::default() })
        }
    }
}

/// An event as JSON, written by hand here so that the reader is not its own judge: with the names of the proto and
/// plain numbers, or, every second event, as protobuf libraries write it.
pub(crate) fn as_json(event: &Event) -> Value {
    let mut json = head(event);
    let (kind, data) = said(event);
    json[kind] = data;
    let second = event.id.bytes().next_back().is_some_and(|byte| byte % 2 == 0);
    if second { as_libraries_write(json) } else { json }
}

/// Names in lowerCamelCase and 64-bit integers in quotes; those of 32 bits may be so too.
fn as_libraries_write(json: Value) -> Value {
    let camel = |name: String| {
        let mut parts = name.split('_');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |name, part| format!("{name}{}{}", part[..1].to_uppercase(), &part[1..]))
    };
    match json {
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (camel(name), as_libraries_write(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(as_libraries_write).collect(),
        Value::Number(number) => number.to_string().into(),
        other => other,
    }
}

fn head(event: &Event) -> Value {
    let at = instant::show(instant::at(event.occurred_at.as_ref().unwrap()));
    let Event { source, id, member, device, .. } = event;
    json!({ "source": source, "id": id, "occurred_at": at, "member": member, "device": device })
}

fn said(event: &Event) -> (&'static str, Value) {
    match event.body.as_ref().unwrap() {
        Body::Enrolled(_) => ("enrolled", json!({})),
        Body::Purchase(said) => {
            let line = |line: &proto::Line| json!({ "sku": line.sku, "quantity": line.quantity, "net": line.net });
            let lines: Vec<Value> = said.lines.iter().map(line).collect();
            ("purchase", json!({ "order": said.order, "currency": said.currency, "lines": lines }))
        }
        Body::CheckIn(_) => ("check_in", json!({})),
        Body::Referral(said) => ("referral", json!({ "referee": said.referee })),
        Body::Redeem(said) => ("redeem", json!({ "points": said.points, "order": said.order })),
        Body::Hold(said) => ("hold", json!({ "hold": said.hold, "points": said.points })),
        Body::Capture(said) => ("capture", json!({ "hold": said.hold, "last": said.last })),
        Body::Void(said) => ("void", json!({ "hold": said.hold })),
        Body::Refunded(said) => {
            ("refunded", json!({ "order": said.order, "currency": said.currency, "amount": said.amount }))
        }
        other => panic!("{other:?} is not part of the story"),
    }
}

/// An event in a shop's own JSON, where it has one: a sale with nested, other names and money in major units.
pub(crate) fn as_pos(event: &Event) -> Option<Value> {
    let Some(Body::Purchase(said)) = &event.body else { return None };
    let major = |net: i64| format!("{}.{:02}", net / 100, net % 100);
    let item = |line: &proto::Line| json!({ "code": line.sku, "count": line.quantity, "total": major(line.net) });
    Some(json!({
        "kind": "SALE", "till": event.source, "terminal": event.device, "customer": { "card": event.member },
        "receipt": { "no": event.id, "at": instant::at(event.occurred_at.as_ref().unwrap()).0,
            "currency": said.currency, "items": said.lines.iter().map(item).collect::<Vec<_>>() },
    }))
}

/// Reads `as_pos`.
pub(crate) const POS: &str = r#"
[[topic]]
name = "pos"
format = "mapped"
[[topic.event]]
when = { "/kind" = "SALE" }
says = "purchase"
source = "/till"
id = "/receipt/no"
occurred_at = { millis = "/receipt/at" }
member = "/customer/card"
device = "/terminal"
[topic.event.body]
order = "/receipt/no"
currency = "/receipt/currency"
lines = { each = "/receipt/items", sku = "/code", quantity = "/count", net = { major = "/total" } }
"#;

/// A message as a client is given it.
pub(crate) struct Sent {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Sent {
    pub(crate) fn plain(key: String, value: impl Into<Vec<u8>>) -> Sent {
        Sent { key, value: value.into(), headers: Vec::new() }
    }

    /// In one of the formats that a header tells.
    pub(crate) fn told(event: &Event, format: u64) -> Sent {
        let (kind, data) = said(event);
        let at = instant::show(instant::at(event.occurred_at.as_ref().unwrap()));
        let kind = format!("ledger.v1.{kind}");
        let (headers, value) = match format {
            0 => (vec![("content-type", "application/protobuf".to_owned())], event.encode_to_vec()),
            1 => {
                let cloud = json!({
                    "specversion": "1.0", "type": kind, "source": event.source, "id": event.id, "time": at,
                    "subject": event.member, "device": event.device, "data": data,
                });
                (
                    vec![("content-type", "application/cloudevents+json; charset=UTF-8".to_owned())],
                    cloud.to_string().into(),
                )
            }
            _ => {
                let headers = vec![
                    ("ce_specversion", "1.0".to_owned()),
                    ("ce_type", kind),
                    ("ce_source", event.source.clone()),
                    ("ce_id", event.id.clone()),
                    ("ce_time", at),
                    ("ce_subject", event.member.clone()),
                    ("ce_device", event.device.clone()),
                    ("content-type", "application/json".to_owned()),
                ];
                (headers, data.to_string().into())
            }
        };
        Sent { key: event.member.clone(), value, headers }
    }
}

/// Sends with librdkafka, whose usual partitioner hashes keys with CRC-32, and waits until all is there.
pub(crate) fn send(broker: &Broker, topic: &str, messages: &[Sent]) {
    send_with(broker.settings(), topic, messages);
}

/// The same, to a broker that may break in the meantime.
pub(crate) fn send_with(mut settings: ClientConfig, topic: &str, messages: &[Sent]) {
    settings.set("enable.idempotence", "true").set("linger.ms", "1").set("message.timeout.ms", "0");
    let producer: BaseProducer = settings.create().unwrap();
    for message in messages {
        let mut headers = OwnedHeaders::new();
        for (key, value) in &message.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let mut record = BaseRecord::to(topic).key(&message.key).payload(&message.value).headers(headers);
        while let Err((_, back)) = producer.send(record) {
            producer.poll(Duration::from_millis(10));
            record = back;
        }
    }
    producer.flush(crate::broker::PATIENCE).expect("all is there");
}

/// Where `make` puts what it installs, unless the variable says otherwise.
pub(crate) fn cached(variable: &str, usual: &str) -> PathBuf {
    let cache = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/points-ledger").join(usual);
    std::env::var_os(variable).map_or_else(cache, PathBuf::from)
}

/// Sends lines with the console producer of Apache Kafka, whose partitioner hashes keys with murmur2.
pub(crate) fn send_with_java(broker: &Broker, topic: &str, messages: &[Sent]) {
    let lib = cached("LEDGER_KAFKA", "kafka").join("lib/*");
    let mut java = Command::new("java")
        .args(["-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp"])
        .arg(lib)
        .args(["org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", &broker.address(), "--topic", topic])
        .args(["--reader-property", "parse.key=true", "--reader-property", "key.separator=|"])
        .args(["--command-property", "enable.idempotence=true", "--command-property", "linger.ms=1"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("java runs");
    let mut lines = java.stdin.take().unwrap();
    for message in messages {
        lines.write_all(message.key.as_bytes()).unwrap();
        lines.write_all(b"|").unwrap();
        lines.write_all(&message.value).unwrap();
        lines.write_all(b"\n").unwrap();
    }
    drop(lines);
    assert!(java.wait().unwrap().success(), "the console producer");
}
