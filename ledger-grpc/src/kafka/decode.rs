//! Decode: the bytes of a message to the one event it is, or the reason why it is none.
//!
//! A header `content-type` says how a message is written, and CloudEvents in binary mode say it with
//! `ce_specversion`; a message without either is written as the config says of its topic. Knows
//! neither consumer nor store; what a reason leads to is not decided here.

use super::config::Format;
use super::mapping;
use crate::event_json::{KINDS, Line};
use crate::wire::{self, EVENT_BYTES_MAX, Hash};
use crate::{event_json, proto};
use ledger_core::event::{Event, Name, PROGRAM_BYTES_MAX};
use prost::Message as _;
use serde_json::{Map, Value};

/// Largest value that is looked into: an event with a program, and room for the names of JSON.
pub(super) const VALUE_BYTES_MAX: usize = 2 * (EVENT_BYTES_MAX + PROGRAM_BYTES_MAX);
/// Before the kind of an event in the `type` of a CloudEvent; may be left out.
const TYPE_PREFIX: &str = "ledger.v1.";
/// Extension attributes of CloudEvents that are fields of an event.
const EXTENSIONS: [&str; 3] = ["device", "ip", "phone"];

/// A header of a message.
pub(super) type Header = (Box<str>, Box<[u8]>);

/// Reads the event of a message.
///
/// # Errors
/// Why there is none, in words for whoever sent it.
pub(super) fn event(
    format: &Format,
    headers: &[Header],
    value: Option<&[u8]>,
    hash: Hash<'_>,
) -> Result<Event<Name>, String> {
    let value = value.ok_or("has no value")?;
    if value.len() > VALUE_BYTES_MAX {
        return Err(format!("has {} bytes; at most {VALUE_BYTES_MAX} are looked into", value.len()));
    }
    let message = message(format, headers, value)?;
    let sorted = wire::one(Some(message), hash).map_err(|invalid| {
        let problem = |one: &ledger_core::event::Violation| format!("{} {}", one.field, one.problem);
        invalid.0.iter().map(problem).collect::<Vec<_>>().join("; ")
    })?;
    sorted.events.into_iter().next().ok_or_else(|| "is no event".to_owned())
}

fn message(format: &Format, headers: &[Header], value: &[u8]) -> Result<proto::Event, String> {
    let content_type = header(headers, "content-type").map(media_type);
    if header(headers, "ce_specversion").is_some() {
        return binary(headers, content_type.as_deref(), value);
    }
    match content_type.as_deref() {
        None | Some("" | "application/octet-stream" | "text/plain") => written_as(format, value),
        Some("application/cloudevents+json") => structured(value),
        Some(media) if is_protobuf(media) => protobuf(value),
        // A shop's own JSON is JSON too: only its topic tells.
        Some("application/json") if matches!(format, Format::Mapped(_)) => written_as(format, value),
        Some("application/json") => json(value),
        Some(other) => Err(format!("content-type {other:?} is not read here")),
    }
}

fn written_as(format: &Format, value: &[u8]) -> Result<proto::Event, String> {
    match format {
        Format::Protobuf => protobuf(value),
        Format::CloudEvents => structured(value),
        Format::Json => json(value),
        Format::Mapped(rules) => line(mapping::event(rules, &parse(value)?)?),
    }
}

fn header<'h>(headers: &'h [Header], name: &str) -> Option<&'h [u8]> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
}

/// A content type in small letters, without its parameters.
fn media_type(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_protobuf(media: &str) -> bool {
    matches!(media, "application/protobuf" | "application/x-protobuf" | "application/vnd.google.protobuf")
}

fn protobuf(value: &[u8]) -> Result<proto::Event, String> {
    proto::Event::decode(value).map_err(|error| format!("is no ledger.v1.Event: {error}"))
}

fn json(value: &[u8]) -> Result<proto::Event, String> {
    event_json::read(std::str::from_utf8(value).map_err(|_| "is not UTF-8")?)
}

fn parse(value: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(value).map_err(|error| format!("is no JSON: {error}"))
}

fn line(event: Value) -> Result<proto::Event, String> {
    serde_json::from_value::<Line>(event).map_err(|error| error.to_string())?.try_into()
}

/// A CloudEvent whose value is all of it.
fn structured(value: &[u8]) -> Result<proto::Event, String> {
    let Value::Object(mut attributes) = parse(value)? else { return Err("is no CloudEvent: no object".to_owned()) };
    let data = attributes.remove("data").unwrap_or_else(|| Map::new().into());
    cloud_event(attributes, data)
}

/// A CloudEvent whose attributes are headers and whose value is its data.
fn binary(headers: &[Header], content_type: Option<&str>, value: &[u8]) -> Result<proto::Event, String> {
    let mut attributes = Map::new();
    for (key, value) in headers {
        let name = key.get(..3).filter(|prefix| prefix.eq_ignore_ascii_case("ce_")).and_then(|_| key.get(3..));
        if let Some(name) = name {
            let text = std::str::from_utf8(value).map_err(|_| format!("header {key} is not UTF-8"))?;
            attributes.insert(name.to_ascii_lowercase(), text.into());
        }
    }
    match content_type {
        Some(media) if is_protobuf(media) => {
            let event = protobuf(value)?;
            let named = |name: &str| attributes.get(name).and_then(Value::as_str).unwrap_or_default();
            if named("source") != event.source || named("id") != event.id {
                return Err("ce_source and ce_id are not those of the event inside".to_owned());
            }
            Ok(event)
        }
        None | Some("application/json") => {
            let data = if value.is_empty() { Map::new().into() } else { parse(value)? };
            cloud_event(attributes, data)
        }
        Some(other) => Err(format!("content-type {other:?} is not read here")),
    }
}

fn cloud_event(mut attributes: Map<String, Value>, data: Value) -> Result<proto::Event, String> {
    if attributes.get("specversion").and_then(Value::as_str) != Some("1.0") {
        return Err("is no CloudEvent 1.0: specversion must be \"1.0\"".to_owned());
    }
    let said = attributes.get("type").and_then(Value::as_str).unwrap_or_default();
    let kind = said.strip_prefix(TYPE_PREFIX).unwrap_or(said);
    let kind = *KINDS
        .iter()
        .find(|known| **known == kind)
        .ok_or_else(|| format!("type {said:?} is no event; send {TYPE_PREFIX} and one of {}", KINDS.join(", ")))?;
    let mut event = Map::new();
    let mut move_to = |from: &str, to: &str| {
        event.extend(attributes.remove(from).filter(|value| !value.is_null()).map(|value| (to.to_owned(), value)));
    };
    move_to("source", "source");
    move_to("id", "id");
    move_to("time", "occurred_at");
    move_to("subject", "member");
    EXTENSIONS.iter().for_each(|name| move_to(name, name));
    event.insert(kind.to_owned(), data);
    line(event.into()).map_err(|problem| problem.replace("`occurred_at`", "`time`").replace("`member`", "`subject`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger_core::event::{self, Body};
    use ledger_core::units::RiskKey;
    use prost_types::Timestamp;

    fn hash(_: &str, text: &str) -> RiskKey {
        RiskKey([text.as_bytes()[0]; 16])
    }

    fn headers(pairs: &[(&str, &str)]) -> Vec<Header> {
        pairs.iter().map(|(key, value)| ((*key).into(), value.as_bytes().into())).collect()
    }

    fn read(format: &Format, pairs: &[(&str, &str)], value: &[u8]) -> Result<Event<Name>, String> {
        event(format, &headers(pairs), Some(value), &hash)
    }

    fn check_in() -> proto::Event {
        proto::Event {
            source: "till".into(),
            id: "1".into(),
            occurred_at: Some(Timestamp { seconds: 1_767_225_600, nanos: 0 }),
            member: "anna".into(),
            device: "d".into(),
            body: Some(proto::event::Body::CheckIn(proto::CheckIn {})),
            ..proto::Event::default()
        }
    }

    const JSON: &str = r#"{"source":"till","id":"1","occurred_at":"2026-01-01T00:00:00Z","member":"anna","device":"d",
        "check_in":{}}"#;
    const CLOUD: &str = r#"{"specversion":"1.0","type":"ledger.v1.check_in","source":"till","id":"1",
        "time":"2026-01-01T00:00:00Z","subject":"anna","device":"d","datacontenttype":"application/json","data":{}}"#;
    const BINARY: [(&str, &str); 7] = [
        ("ce_specversion", "1.0"),
        ("ce_type", "check_in"),
        ("ce_source", "till"),
        ("ce_id", "1"),
        ("ce_time", "2026-01-01T00:00:00Z"),
        ("ce_subject", "anna"),
        ("ce_device", "d"),
    ];

    #[test]
    fn one_event_is_the_same_in_every_format() {
        let bytes = check_in().encode_to_vec();
        let expected = wire::one(Some(check_in()), &hash).expect("it is valid").events.remove(0);
        let by_topic = [
            (Format::Protobuf, bytes.as_slice()),
            (Format::Json, JSON.as_bytes()),
            (Format::CloudEvents, CLOUD.as_bytes()),
        ];
        for (format, value) in &by_topic {
            assert_eq!(read(format, &[], value), Ok(expected.clone()), "{format:?}");
        }
        let protobuf = Format::Protobuf;
        let json = [("Content-Type", "application/json; charset=utf-8")];
        assert_eq!(read(&protobuf, &json, JSON.as_bytes()), Ok(expected.clone()));
        let cloud = [("content-type", "application/CloudEvents+JSON")];
        assert_eq!(read(&protobuf, &cloud, CLOUD.as_bytes()), Ok(expected.clone()));
        assert_eq!(read(&Format::Json, &[("content-type", "application/x-protobuf")], &bytes), Ok(expected.clone()));
        assert_eq!(read(&protobuf, &BINARY, b""), Ok(expected.clone()));
        let mut inside = BINARY.to_vec();
        inside.push(("content-type", "application/protobuf"));
        assert_eq!(read(&Format::Json, &inside, &bytes), Ok(expected));
    }

    #[test]
    fn the_data_of_a_cloud_event_is_what_the_event_says() {
        let cloud = CLOUD
            .replace("check_in", "purchase")
            .replace("\"data\":{}", r#""data":{"order":"o","currency":"EUR","lines":[{"net":250}]}"#);
        let event = read(&Format::CloudEvents, &[], cloud.as_bytes()).expect("it is an event");
        assert!(matches!(event.body, Body::Purchase(event::Purchase { lines, .. }) if lines[0].net.0 == 250));
    }

    #[test]
    fn what_is_no_event_says_why() {
        let problem = |format: &Format, pairs: &[(&str, &str)], value: &[u8]| {
            read(format, pairs, value).expect_err("it is no event")
        };
        let cloud = |from: &str, to: &str| problem(&Format::CloudEvents, &[], CLOUD.replace(from, to).as_bytes());
        assert_eq!(event(&Format::Json, &[], None, &hash), Err("has no value".to_owned()));
        assert!(problem(&Format::Protobuf, &[], b"\xff\xff").starts_with("is no ledger.v1.Event"));
        assert!(problem(&Format::Json, &[], b"\xff").contains("UTF-8"));
        assert!(problem(&Format::Json, &[], b"{").contains("EOF"));
        assert!(problem(&Format::Json, &[], &vec![b' '; VALUE_BYTES_MAX + 1]).contains("bytes"));
        assert!(problem(&Format::Json, &[("content-type", "text/xml")], b"<a/>").contains("text/xml"));
        assert!(cloud("\"1.0\"", "\"0.3\"").contains("specversion"));
        assert!(cloud("ledger.v1.check_in", "checkin").contains("\"checkin\" is no event"));
        assert!(cloud("\"time\"", "\"when\"").contains("missing field `time`"));
        assert!(cloud("\"data\":{}", "\"data\":{\"place\":1}").contains("unknown field `place`"));
        assert_eq!(cloud("\"anna\"", "\"\""), "event.member must not be empty");
        let mut inside = BINARY.to_vec();
        inside.push(("content-type", "application/protobuf"));
        inside[3].1 = "2";
        assert!(problem(&Format::Json, &inside, &check_in().encode_to_vec()).contains("ce_id"));
    }
}
