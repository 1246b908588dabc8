//! Messages of every look from a real broker: CloudEvents of an official library, batches, frames of a schema registry,
//! deletions, and what rules pass over. What is no event is a dead letter, and costs nothing beside it.

use crate::broker::{Broker, until};
use crate::server::{Run, Server, config, verify};
use crate::shop::{Sent, cached, send};
use ledger_grpc::engine::wall_clock;
use ledger_grpc::{instant, json};
use prost::Message as _;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const TOPICS: &str = r#"
[[topic]]
name = "cloud"
format = "cloudevents"

[[topic]]
name = "framed"
format = "protobuf"
framing = "confluent"
tombstones = "skip"

[[topic]]
name = "shop"
format = "mapped"
unmatched = "skip"

[[topic.event]]
when = { "/customer" = { present = false } }
skip = "guests"

[[topic.event]]
when = { "/kind" = "order" }
says = "purchase"
source = "shop"
id = "/id"
occurred_at = { local = "/at", timezone = "UTC" }
member = "/customer"

[topic.event.body]
order = { text = "/id" }
currency = { literal = "CNY" }
lines = [
  { each = "/items", quantity = "/qty", net = { major = "/price", times = "/qty", round = "half_up" } },
  { net = { major = "/coupon", negate = true } },
]
"#;

fn now() -> String {
    instant::show(wall_clock()())
}

fn cloud(id: &str, kind: &str, member: &str) -> Value {
    json!({
        "specversion": "1.0", "type": format!("ledger.v1.{kind}"), "source": "cloud", "id": id, "time": now(),
        "subject": member,
    })
}

/// Sends described events by Kafka's own producer, with the serializer of the library of CloudEvents.
fn send_with_library(broker: &Broker, dir: &Path, events: &[Value], mode: &str) {
    let file = dir.join("described");
    std::fs::write(&file, events.iter().map(|event| format!("{event}\n")).collect::<String>()).unwrap();
    let jars = [cached("LEDGER_JAVA", "java/lib"), cached("LEDGER_KAFKA", "kafka").join("lib")];
    let jars = jars.map(|lib| lib.join("*").display().to_string()).join(":");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/Cloud.java");
    let sent = Command::new("java")
        .args(["-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", &jars])
        .arg(script)
        .arg(file)
        .args([&broker.address(), "cloud", mode])
        .output()
        .expect("java runs");
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
}

fn described(member: &str, n: u32, kind: &str, data: Option<Value>) -> Value {
    let mut event = cloud(&format!("{member}-{n}"), kind, member);
    event["extensions"] = json!({ "channel": "app", "partitionkey": member });
    if let Some(data) = data {
        event["datacontenttype"] = "application/json".into();
        event["data"] = data;
    }
    event
}

fn delete(broker: &Broker, topic: &str) {
    let producer: BaseProducer = broker.settings().create().unwrap();
    producer.send(BaseRecord::<str, [u8]>::to(topic).key("anna")).map_err(|(error, _)| error).unwrap();
    producer.flush(crate::broker::PATIENCE).unwrap();
}

#[test]
fn messages_of_every_look_are_events_or_letters_or_passed_over() {
    let _alone = crate::alone();
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start();
    for topic in ["cloud", "framed", "shop", "dead", "outcomes"] {
        broker.create(topic, 1);
    }
    let server = Server::start(&Run { dir: dir.path(), kafka: Some(&config(&broker, "points", TOPICS)), more: &[] });

    // Three by the library in each mode; one of them has no data, and in binary mode no value.
    let order = |order: &str| Some(json!({ "order": order, "currency": "CNY", "lines": [{ "net": 1_000 }] }));
    for mode in ["BINARY", "STRUCTURED"] {
        let events = [
            described(mode, 1, "enrolled", None),
            described(mode, 2, "purchase", order(&format!("{mode}-2"))),
            described(mode, 3, "purchase", order(&format!("{mode}-3"))),
        ];
        send_with_library(&broker, dir.path(), &events, mode);
    }
    // A batch: two are events, and one is none.
    let batch =
        json!([cloud("b-1", "check_in", "bert"), cloud("b-2", "chekin", "bert"), cloud("b-3", "enrolled", "bert"),]);
    let header = ("content-type", "application/cloudevents-batch+json".to_owned());
    send(&broker, "cloud", &[Sent { headers: vec![header], ..Sent::plain("bert".into(), batch.to_string()) }]);
    delete(&broker, "cloud");

    let event = json!({ "source": "framed", "id": "f-1", "occurred_at": now(), "member": "cid", "check_in": {} });
    let event = json::read_value(event).unwrap().encode_to_vec();
    let framed = [&[0, 0, 0, 1, 200, 0][..], &event].concat();
    send(&broker, "framed", &[Sent::plain("cid".into(), framed), Sent::plain("cid".into(), event)]);
    delete(&broker, "framed");

    let shop = [
        json!({ "kind": "order", "id": 12_345, "at": now(), "customer": "dora", "coupon": "0.50",
            "items": [{ "qty": 2, "price": "9.99" }, { "qty": 1.0, "price": 0.125 }] }),
        json!({ "kind": "order", "id": 12_346, "at": now(), "customer": null }),
        json!({ "kind": "order", "id": 12_347, "at": now() }),
        json!({ "kind": "stocktaking", "customer": "dora" }),
        json!({ "kind": "order", "id": 12_348, "at": now(), "customer": "dora",
            "items": [{ "qty": 1, "price": "1,00" }] }),
    ];
    send(&broker, "shop", &shop.map(|message| Sent::plain("dora".into(), message.to_string())));

    // The program, six by the library, two of the batch, one framed, one order.
    server.reaches(11);
    until("all is handed on", || (server.figure("ledger_kafka_messages_total") == 16.0).then_some(()));
    let figures = server.figures();
    let skipped = |topic: &str, reason: &str| {
        figures[&format!("ledger_kafka_skipped_total{{topic=\"{topic}\",reason=\"{reason}\"}}")]
    };
    assert_eq!(
        [skipped("framed", "tombstone"), skipped("shop", "guests"), skipped("shop", "unmatched")],
        [1.0, 2.0, 1.0]
    );
    assert_eq!(figures["ledger_kafka_events_total"], 10.0);
    assert_eq!(figures["ledger_kafka_accepted_total"], 10.0, "{figures:?}");
    for told in ["why=\"guests\"", "why=\"unmatched\"", "why=\"tombstone\""] {
        assert_eq!(server.log().matches(told).count(), 1, "{told} is told once: {}", server.log());
    }
    let letters = broker.read_all("dead");
    let reason = |letter: &rdkafka::message::OwnedMessage| {
        let header = letter.headers().unwrap().iter().find(|header| header.key == "ledger-reason").unwrap();
        String::from_utf8(header.value.unwrap().to_vec()).unwrap()
    };
    let mut reasons: Vec<String> = letters.iter().map(reason).collect();
    reasons.sort();
    let begins = [
        "1 of 3 events: [1] (id \"b-2\"): type \"ledger.v1.chekin\" is no event",
        "by event[1]: purchase.lines[0].net: in /items/0, /price is \"1,00\", no number",
        "does not begin with a zero byte",
        "has no value",
    ];
    assert_eq!(reasons.len(), begins.len(), "{reasons:?}");
    for (reason, begin) in reasons.iter().zip(begins) {
        assert!(reason.starts_with(begin), "{reason}");
    }
    assert!(server.stop());
    assert_eq!(verify(dir.path())["records"], 11);
    // 19.98 and 0.13, less 0.50: told by the ledger itself.
    let member = Command::new(env!("CARGO_BIN_EXE_ledgerd"))
        .args(["replay", "dora", "--json", "--data"])
        .arg(dir.path().join("ledger"))
        .output()
        .unwrap();
    let told = String::from_utf8(member.stdout).unwrap();
    let lines = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let nets: Vec<Value> = lines
        .flat_map(|record| {
            let lines = record.pointer("/record/event/purchase/lines");
            lines.and_then(Value::as_array).cloned().unwrap_or_default()
        })
        .map(|line| line["net"].clone())
        .collect();
    assert_eq!(nets, [1_998, 13, -50], "{told}");
}
