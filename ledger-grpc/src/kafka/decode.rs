//! Decode: the bytes of a message to the one event it is, or the reason why it is none.
//!
//! A header `content-type` says how a message is written, and CloudEvents in binary mode say it with
//! `ce_specversion`; a message without either is written as the config says of its topic. Knows
//! neither consumer nor store; what a reason leads to is not decided here.

use super::config::Format;
use super::mapping;
use crate::json::{self, Fault};
use crate::proto;
use crate::wire::{self, EVENT_BYTES_MAX, Hash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ledger_core::event::{Event, Name, PROGRAM_BYTES_MAX};
use parking_lot::Mutex;
use prost::Message as _;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Largest value that is looked into: an event with a program, and room for the names of JSON.
pub(super) const VALUE_BYTES_MAX: usize = 2 * (EVENT_BYTES_MAX + PROGRAM_BYTES_MAX);
/// Before the kind of an event in the `type` of a CloudEvent; may be left out.
const TYPE_PREFIX: &str = "ledger.v1.";
/// Fields of an event that are attributes of every CloudEvent under another name, or the same.
const RENAMED: [(&str, &str); 4] = [("source", "source"), ("id", "id"), ("occurred_at", "time"), ("member", "subject")];
/// Attributes that say nothing about the event: those of CloudEvents itself, and extensions of the CNCF for those on
/// the way.
const ASIDE: [&str; 10] = [
    "specversion",
    "type",
    "datacontenttype",
    "dataschema",
    "partitionkey",
    "sequence",
    "traceparent",
    "tracestate",
    "correlationid",
    "causationid",
];
/// Most names of unknown attributes that are remembered, so that each is logged once.
const UNKNOWN_MAX: usize = 64;

static UNKNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A header of a message.
pub type Header = (Box<str>, Box<[u8]>);

/// Reads the event of a message.
///
/// # Errors
/// Why there is none, in words for whoever sent it.
pub fn event(format: &Format, headers: &[Header], value: Option<&[u8]>, hash: Hash<'_>) -> Result<Event<Name>, String> {
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
        Some("application/cloudevents-batch+json") => {
            Err("is a batch of CloudEvents; send each of them as a message of its own".to_owned())
        }
        Some(media) if is_protobuf(media) => protobuf(value),
        // A shop's own JSON is JSON too: only its topic tells.
        Some(media) if is_json(media) && matches!(format, Format::Mapped(_)) => written_as(format, value),
        Some(media) if is_json(media) => json(value),
        Some(other) => Err(format!("content-type {other:?} is not read here")),
    }
}

fn written_as(format: &Format, value: &[u8]) -> Result<proto::Event, String> {
    match format {
        Format::Protobuf => protobuf(value),
        Format::CloudEvents => structured(value),
        Format::Json => json(value),
        Format::Mapped(rules) => Ok(json::read_value(mapping::event(rules, &parse(value)?)?)?),
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

/// JSON under any name: `application/json`, `application/vnd.shop.order+json`.
fn is_json(media: &str) -> bool {
    matches!(media, "application/json" | "text/json") || (media.contains('/') && media.ends_with("+json"))
}

fn protobuf(value: &[u8]) -> Result<proto::Event, String> {
    proto::Event::decode(value).map_err(|error| format!("is no ledger.v1.Event: {error}"))
}

fn json(value: &[u8]) -> Result<proto::Event, String> {
    Ok(json::read(std::str::from_utf8(value).map_err(|_| "is not UTF-8")?)?)
}

fn parse(value: &[u8]) -> Result<Value, String> {
    json::parse(value).map_err(|fault| format!("is no JSON: {fault}"))
}

/// A CloudEvent whose value is all of it.
fn structured(value: &[u8]) -> Result<proto::Event, String> {
    let mut attributes = match parse(value)? {
        Value::Object(attributes) => attributes,
        Value::Array(_) => return Err("is a list; send each CloudEvent as a message of its own".to_owned()),
        _ => return Err("is no CloudEvent: no object".to_owned()),
    };
    let mut take = |name: &str| attributes.remove(name).filter(|value| !value.is_null());
    let (data, base64) = (take("data"), take("data_base64"));
    let content_type =
        attributes.get("datacontenttype").and_then(Value::as_str).map(|media| media_type(media.as_bytes()));
    let bytes = match (&data, base64) {
        (_, None) => None,
        (None, Some(Value::String(text))) => {
            Some(BASE64.decode(text).map_err(|error| format!("data_base64 is no base64: {error}"))?)
        }
        (None, Some(_)) => return Err("data_base64 must be a text in quotes".to_owned()),
        (Some(_), Some(_)) => return Err("has data and data_base64; send one of them".to_owned()),
    };
    match bytes {
        Some(bytes) => with_bytes(attributes, content_type.as_deref(), &bytes),
        None if content_type.as_deref().is_none_or(is_json) => cloud_event(attributes, data.unwrap_or_else(nothing)),
        None => Err(format!("datacontenttype {:?} is not read here", content_type.unwrap_or_default())),
    }
}

/// A CloudEvent whose attributes are headers and whose value is its data.
fn binary(headers: &[Header], content_type: Option<&str>, value: &[u8]) -> Result<proto::Event, String> {
    let mut attributes = Map::new();
    for (key, value) in headers {
        let name = key.get(..3).filter(|prefix| prefix.eq_ignore_ascii_case("ce_")).and_then(|_| key.get(3..));
        if let Some(name) = name {
            let text = std::str::from_utf8(value).map_err(|_| format!("header {key} is not UTF-8"))?;
            if attributes.insert(name.to_ascii_lowercase(), text.into()).is_some() {
                return Err(format!("header {key} comes twice; send it once"));
            }
        }
    }
    with_bytes(attributes, content_type, value)
}

/// A CloudEvent with data in bytes: JSON that says what happened, or the whole event in protobuf.
fn with_bytes(
    attributes: Map<String, Value>,
    content_type: Option<&str>,
    value: &[u8],
) -> Result<proto::Event, String> {
    match content_type {
        Some(media) if is_protobuf(media) => {
            let event = protobuf(value)?;
            let named = |name: &str| attributes.get(name).and_then(Value::as_str).unwrap_or_default();
            if named("source") != event.source || named("id") != event.id {
                return Err("source and id of the CloudEvent are not those of the event inside".to_owned());
            }
            Ok(event)
        }
        Some(media) if !is_json(media) => Err(format!("content-type {media:?} is not read here")),
        _ => cloud_event(attributes, if value.is_empty() { nothing() } else { parse(value)? }),
    }
}

/// The data of an event that has none: nothing more is said.
fn nothing() -> Value {
    Map::new().into()
}

fn cloud_event(attributes: Map<String, Value>, data: Value) -> Result<proto::Event, String> {
    if attributes.get("specversion").and_then(Value::as_str) != Some("1.0") {
        return Err("is no CloudEvent 1.0: specversion must be \"1.0\"".to_owned());
    }
    let said = attributes.get("type").and_then(Value::as_str).unwrap_or_default();
    let kind = said.strip_prefix(TYPE_PREFIX).unwrap_or(said);
    let kind = json::kinds().iter().find(|known| ***known == *kind).ok_or_else(|| {
        format!("type {said:?} is no event; send {TYPE_PREFIX} and one of {}", json::kinds().join(", "))
    })?;
    let mut event = Map::new();
    for (name, value) in attributes.into_iter().filter(|(_, value)| !value.is_null()) {
        // In JSON an attribute may be a number where it is a text in headers.
        let value = if value.is_number() || value.is_boolean() { value.to_string().into() } else { value };
        if let Some(field) = field(&name) {
            if event.insert(field.to_owned(), value).is_some() {
                return Err(format!("attribute {name} comes twice; send it once"));
            }
        } else if !ASIDE.contains(&name.as_str()) {
            unknown(name);
        }
    }
    if !event.contains_key("occurred_at") {
        return Err("missing field `time`: send when it happened, as \"2026-01-31T09:00:00Z\"".to_owned());
    }
    event.insert(kind.to_string(), data);
    json::read_value(event.into()).map_err(|fault| as_sent(fault, kind).to_string())
}

/// The fields of an event, by the names of their attributes. Those have small letters and digits alone, so `ip_prefix`
/// comes as `ipprefix`.
static ATTRIBUTES: LazyLock<Vec<(String, &str)>> = LazyLock::new(|| {
    let named = |field: &'static str| match RENAMED.iter().find(|(own, _)| *own == field) {
        Some((_, sent)) => ((*sent).to_owned(), field),
        None => (field.replace('_', ""), field),
    };
    json::envelope().iter().map(|field| named(field)).collect()
});

/// The attributes of CloudEvents that are fields of an event.
pub fn attributes() -> Vec<&'static str> {
    ATTRIBUTES.iter().map(|(name, _)| &**name).collect()
}

fn field(attribute: &str) -> Option<&'static str> {
    ATTRIBUTES.iter().find(|(name, _)| name == attribute).map(|(_, field)| *field)
}

/// Logs an attribute that is no field of an event, once: a typing error in it must not stay unseen, and whoever adds
/// one for somebody else must not lose the event.
fn unknown(name: String) {
    let mut known = UNKNOWN.lock();
    if known.len() < UNKNOWN_MAX && !known.contains(&name) {
        tracing::warn!(attribute = name, "kafka: an attribute of CloudEvents that is no field of an event; left aside");
        known.insert(name);
    }
}

/// A fault with the name that the field has in the CloudEvent.
fn as_sent(fault: Fault, kind: &str) -> Fault {
    let rest = |field: &str| {
        let rest = fault.field.strip_prefix(field)?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then(|| rest.to_owned())
    };
    let data = [(kind, "data")];
    let renamed = RENAMED.iter().chain(&data).find_map(|(own, sent)| Some((sent, rest(own)?)));
    match renamed {
        Some((sent, rest)) => Fault { field: format!("{sent}{rest}"), problem: fault.problem },
        None => fault,
    }
}

#[cfg(test)]
mod tests;
