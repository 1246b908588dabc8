//! JSON that protobuf libraries of other languages write, for every kind of event, through import and Kafka's decoding.
//!
//! The kinds and their fields come from the descriptor, so a new one is tested without a line here. Each library
//! reads the bytes of the events and writes them in two styles: as it does by itself, and with original names, enums as
//! numbers and what is 0 or empty.

use super::{go, here, installed, said};
use ledger_core::units::RiskKey;
use ledger_grpc::kafka::{self, Format, Topic};
use ledger_grpc::{json, proto, wire};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// How much of an event is filled in.
#[derive(Clone, Copy, PartialEq)]
enum Filled {
    /// Every field.
    Whole,
    /// What a valid event of the kind may not leave out, as far as types tell: texts, and one item of each list.
    Sparse,
}

fn event_described() -> MessageDescriptor {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    pool.get_message_by_name("ledger.v1.Event").unwrap()
}

fn filled(message: &MessageDescriptor, how: Filled) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    // What is spoken of is said in one of several ways: by its event.
    let chosen = |field: &FieldDescriptor| {
        field.containing_oneof().is_some_and(|one| one.fields().len() > 1) && field.name() != "event"
    };
    for field in message.fields().filter(|field| !chosen(field)) {
        if how == Filled::Sparse && field.supports_presence() && !matches!(field.kind(), Kind::Message(_)) {
            continue;
        }
        let one = value(&field, how);
        made.set_field(&field, if field.is_list() { Value::List(vec![one; 2]) } else { one });
    }
    // A refund of all so far names no lines.
    if message.name() == "Refunded" {
        made.clear_field_by_name("so_far");
    }
    // A line refund names its line, and says how much of it, in one way each.
    if message.name() == "LineRefund" {
        let other = if how == Filled::Whole { ["sku", "quantity"] } else { ["line", "amount"] };
        other.iter().for_each(|name| made.clear_field_by_name(name));
    }
    made
}

fn value(field: &FieldDescriptor, how: Filled) -> Value {
    let whole = how == Filled::Whole;
    match field.kind() {
        Kind::String if field.name() == "currency" => Value::String("EUR".into()),
        Kind::String if field.name() == "kind" => Value::String("card".into()),
        Kind::String => Value::String(format!("the {} \"ä€🎁\"", field.name())),
        // A large number that a floating-point number of 64 bits does not tell from its neighbour would be more than
        // the limits allow: 2^40 + 1 shows at least that no 32 bits are used.
        Kind::Int64 | Kind::Uint64 if field.name() != "points" || whole => {
            let number = if whole { 3 + (1 << 36) } else { 0 };
            if field.kind() == Kind::Int64 { Value::I64(number) } else { Value::U64(number.unsigned_abs()) }
        }
        Kind::Int64 => Value::I64(1),
        Kind::Uint64 => Value::U64(1),
        Kind::Uint32 => Value::U32(if whole { 3 } else { 1 }),
        Kind::Bool => Value::Bool(whole),
        Kind::Enum(of) => Value::EnumNumber(of.values().last().unwrap().number()),
        Kind::Message(of) if of.package_name() == "google.protobuf" => {
            let (seconds, nanos) = match of.name() {
                "Timestamp" => (1_767_225_600, if whole { 7_000_000 } else { 0 }),
                "Duration" => (3_600, if whole { 500_000_000 } else { 0 }),
                other => panic!("{other} is not filled in here"),
            };
            let mut made = DynamicMessage::new(of);
            made.set_field_by_name("seconds", Value::I64(seconds));
            made.set_field_by_name("nanos", Value::I32(nanos));
            Value::Message(made)
        }
        Kind::Message(of) => Value::Message(filled(&of, how)),
        other => panic!("{}: {other:?} is not filled in here", field.full_name()),
    }
}

fn hash(kind: &str, text: &str) -> RiskKey {
    let mut key = [0; 16];
    kind.bytes().chain(text.bytes()).enumerate().for_each(|(n, byte)| key[n % 16] ^= byte);
    RiskKey(key)
}

/// An event of every kind, filled in both ways, all of them valid if whole.
fn events() -> Vec<(Filled, proto::Event)> {
    let described = event_described();
    let mut events = Vec::new();
    for how in [Filled::Whole, Filled::Sparse] {
        for kind in json::kinds() {
            let field = described.get_field_by_name(kind).unwrap();
            let mut event = filled(&described, how);
            event.set_field(&field, value(&field, how));
            let mut event: proto::Event = event.transcode_to().unwrap();
            event.id = format!("{kind} {}", events.len());
            let broken = wire::one(Some(event.clone()), &hash).err().map_or(Vec::new(), |invalid| invalid.0);
            if broken.iter().any(|violation| violation.field == "event.member") {
                event.member.clear();
            }
            if broken.iter().any(|violation| violation.field == "event.history") {
                event.history = false;
            }
            events.push((how, event));
        }
    }
    events
}

/// What a library writes: for each event a line in its own style and one in the other.
fn written(mut library: Command, dir: &TempDir) -> Vec<String> {
    let (descriptors, events) = (dir.path().join("descriptors"), dir.path().join("events"));
    let output = library.arg(descriptors).arg(events).output().unwrap_or_else(|error| panic!("{library:?}: {error}"));
    assert!(output.status.success(), "{library:?}: {}\n{}", output.status, said(&output));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn libraries() -> Vec<(&'static str, Command)> {
    let mut python = Command::new(installed("LEDGER_PYTHON", "venv/bin/python"));
    python.arg(here("tests/clients/events.py"));
    let mut node = Command::new("node");
    node.env("NODE_PATH", installed("LEDGER_NODE_MODULES", "node/node_modules")).arg(here("tests/clients/events.js"));
    let mut java = Command::new("java");
    let jars = installed("LEDGER_JAVA", "java/lib").join("*");
    java.args(["-Xmx256m", "-cp"]).arg(jars).arg(here("tests/clients/Events.java"));
    vec![("Python", python), ("TypeScript", node), ("Java", java), ("Go", go(&["run", "."]))]
}

#[test]
fn what_protobuf_libraries_write_is_read_for_every_kind_of_event() {
    let dir = tempfile::tempdir().unwrap();
    let events = events();
    let bytes = events.iter().map(|(_, event)| base64(&event.encode_to_vec()) + "\n").collect::<String>();
    fs::write(dir.path().join("events"), bytes).unwrap();
    fs::write(dir.path().join("descriptors"), proto::DESCRIPTORS).unwrap();
    let mut whole = String::new();
    for (name, library) in libraries() {
        let lines = written(library, &dir);
        assert_eq!(lines.len(), 2 * events.len(), "{name}");
        for (line, (how, event)) in lines.iter().zip(events.iter().flat_map(|event| [event, event])) {
            assert_eq!(json::read(line).as_ref(), Ok(event), "{name}: {line}");
            if *how == Filled::Whole {
                let direct =
                    wire::one(Some(event.clone()), &hash).unwrap_or_else(|invalid| panic!("{line}: {invalid:?}"));
                let media = [("content-type".into(), b"application/json"[..].into())];
                let topic = Topic::new("t", Format::Protobuf);
                let fed = kafka::events(&topic, &media, Some(line.as_bytes()), &hash);
                assert_eq!((fed.events, fed.fault), (direct.events, None), "{name}: {line}");
                whole += &format!("{line}\n");
            }
        }
    }
    imported(&dir, &whole, json::kinds().len());
}

/// Imports what all libraries wrote: the first line of an event is judged, and each that follows is the same event.
fn imported(dir: &TempDir, lines: &str, kinds: usize) {
    let file = dir.path().join("events.jsonl");
    fs::write(&file, lines).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ledgerd"))
        .arg("import")
        .arg(&file)
        .args(["--program", here("../programs/music.toml").to_str().unwrap(), "--data"])
        .arg(Path::new(dir.path()).join("data"))
        .output()
        .unwrap();
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "rows that repeat others are not a whole file: {told}");
    let again = format!("repeated: {} rows say what a row before them says", lines.lines().count() - kinds);
    assert!(told.contains(&again) && told.contains(" 0 had come before, 0 rejected"), "{again}: {told}");
    assert!(!told.contains("ID_REUSED"), "{told}");
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}
