//! Messages as the official libraries of CloudEvents write them, and the serializers of a schema registry, through
//! Kafka's decoding.
//!
//! Each library makes them anew, in every mode and from every kind of data that it has.

use super::{go, here, installed, said};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ledger_core::event::{Event, Name};
use ledger_core::units::RiskKey;
use ledger_grpc::kafka::{self, Config, Format, Header, Topic};
use ledger_grpc::{json, proto, wire};
use prost::Message as _;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

fn hash(_: &str, text: &str) -> RiskKey {
    let mut key = [0; 16];
    key.iter_mut().zip(text.bytes()).for_each(|(byte, of)| *byte = of);
    RiskKey(key)
}

/// An event for a library: with every attribute, with none but those that must be, with a media type of its own.
fn described() -> Vec<Value> {
    let extensions: Vec<(String, Value)> = kafka::attributes()
        .into_iter()
        // What is history is no text.
        .filter(|name| !["source", "id", "time", "subject", "history"].contains(name))
        .map(|name| (name.to_owned(), format!("the {name}").into()))
        .chain(
            [("partitionkey", "anna"), ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
                .map(|(name, value)| (name.to_owned(), value.into())),
        )
        .collect();
    let lines = json!([{ "sku": "tea ä€🎁", "net": 1_000 }, { "net": -50 }]);
    let purchase = |order: &str| json!({ "order": order, "currency": "EUR", "lines": lines });
    let event = |id: &str, kind: &str, time: &str| {
        let kind = format!("ledger.v1.{kind}");
        json!({ "type": kind, "source": "shop", "id": id, "time": time, "subject": "anna", "extensions": {} })
    };
    let mut whole = event("1", "purchase", "2026-01-05T10:00:00+01:00");
    whole["extensions"] = extensions.into_iter().collect();
    whole["datacontenttype"] = "application/json".into();
    whole["data"] = purchase("o-1");
    let bare = event("2", "check_in", "2026-01-05T10:00:00Z");
    let mut vendor = event("3", "purchase", "2026-01-05T10:00:00.250Z");
    vendor["datacontenttype"] = "application/vnd.shop.order+json".into();
    vendor["data"] = purchase("o-3");
    let mut charset = event("4", "refunded", "2026-01-05T10:00:00Z");
    charset["datacontenttype"] = "application/json; charset=utf-8".into();
    charset["data"] = json!({ "order": "o-1", "currency": "EUR", "amount": "100" });
    vec![whole, bare, vendor, charset]
}

/// What each is, written here by hand as the JSON of an event.
fn expected(described: &Value) -> Event<Name> {
    let mut event = json!({
        "source": described["source"], "id": described["id"], "occurred_at": described["time"],
        "member": described["subject"],
    });
    for (name, value) in described["extensions"].as_object().unwrap() {
        match name.as_str() {
            "partitionkey" | "traceparent" => {}
            "ipprefix" => event["ip_prefix"] = value.clone(),
            name => event[name] = value.clone(),
        }
    }
    let kind = described["type"].as_str().unwrap().strip_prefix("ledger.v1.").unwrap();
    event[kind] = described.get("data").cloned().unwrap_or_else(|| json!({}));
    let event = json::read_value(event).unwrap();
    wire::one(Some(event), &hash).unwrap().events.remove(0)
}

fn libraries() -> Vec<(&'static str, Command)> {
    let mut python = Command::new(installed("LEDGER_PYTHON", "venv/bin/python"));
    python.args(["-W", "ignore"]).arg(here("tests/clients/cloud.py"));
    let mut node = Command::new("node");
    node.env("NODE_PATH", installed("LEDGER_NODE_MODULES", "node/node_modules")).arg(here("tests/clients/cloud.js"));
    let jars = [installed("LEDGER_JAVA", "java/lib"), installed("LEDGER_KAFKA", "kafka").join("lib")];
    let jars = jars.map(|lib| lib.join("*").display().to_string()).join(":");
    let mut java = Command::new("java");
    java.args(["-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", &jars]);
    java.arg(here("tests/clients/Cloud.java"));
    vec![("Python", python), ("JavaScript", node), ("Java", java), ("Go", go(&["run", "./cloud"]))]
}

/// What a program writes, a message of JSON on each line.
fn written(mut program: Command) -> Vec<Value> {
    let output = program.output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    assert!(output.status.success(), "{program:?}: {}\n{}", output.status, said(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bytes(base64: &Value) -> Option<Vec<u8>> {
    base64.as_str().map(|text| BASE64.decode(text).unwrap())
}

#[test]
fn what_the_libraries_of_cloud_events_write_is_read_in_every_mode() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("events");
    let events = described();
    fs::write(&file, events.iter().map(|event| format!("{event}\n")).collect::<String>()).unwrap();
    let expected: Vec<Event<Name>> = events.iter().map(expected).collect();
    for (name, mut library) in libraries() {
        library.arg(&file);
        let messages = written(library);
        let modes: BTreeSet<&str> = messages.iter().map(|message| message["what"].as_str().unwrap()).collect();
        assert!(modes.contains("structured") && modes.contains("binary"), "{name}: {modes:?}");
        for message in &messages {
            let headers = message["headers"].as_object().unwrap().iter();
            let headers: Vec<Header> =
                headers.map(|(key, value)| (key.as_str().into(), value.as_str().unwrap().as_bytes().into())).collect();
            let value = bytes(&message["value"]);
            let meant: Vec<Event<Name>> = message["ids"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| expected.iter().find(|event| *id == *event.id).unwrap().clone())
                .collect();
            // Whatever the topic is for; that of CloudEvents needs no header but in binary mode.
            for format in [Format::CloudEvents, Format::Protobuf] {
                let untold = !headers.iter().any(|(name, _)| name.starts_with("ce_") || &**name == "content-type");
                if untold && matches!(format, Format::Protobuf) {
                    continue;
                }
                let read = kafka::events(&Topic::new("t", format.clone()), &headers, value.as_deref(), &hash);
                assert_eq!((&read.events, &read.fault), (&meant, &None), "{name}, {format:?}: {message}");
            }
        }
    }
}

#[test]
fn what_serializers_of_a_schema_registry_write_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (descriptors, file) = (dir.path().join("descriptors"), dir.path().join("events"));
    fs::write(&descriptors, proto::DESCRIPTORS).unwrap();
    let event = json::read(
        r#"{"source":"shop","id":"1","occurred_at":"2026-01-05T10:00:00Z","member":"anna","channel":"app",
            "purchase":{"order":"o-1","currency":"EUR","lines":[{"sku":"tea","net":1000}]}}"#,
    )
    .unwrap();
    fs::write(&file, BASE64.encode(event.encode_to_vec()) + "\n").unwrap();
    let expected = wire::one(Some(event), &hash).unwrap().events;
    let mut python = Command::new(installed("LEDGER_PYTHON", "venv/bin/python"));
    python.args(["-W", "ignore"]).arg(here("tests/clients/confluent.py")).arg(descriptors).arg(file);
    let messages = written(python);
    assert_eq!(messages.len(), 3);
    for message in messages {
        let format = if message["what"] == "json" { "json" } else { "protobuf" };
        let config = format!(
            "brokers = \"b\"\ngroup = \"g\"\ndead_letters = \"d\"\n[[topic]]\nname = \"t\"\nformat = \"{format}\"\n\
             framing = \"confluent\"\n"
        );
        let topic = Config::read(&config, &|_| None).unwrap().topics.remove(0);
        let headers = message["headers"].as_object().unwrap().iter();
        let headers: Vec<Header> =
            headers.map(|(key, value)| (key.as_str().into(), bytes(value).unwrap().into())).collect();
        let read = kafka::events(&topic, &headers, bytes(&message["value"]).as_deref(), &hash);
        assert_eq!((&read.events, &read.fault), (&expected, &None), "{message}");
    }
}
