//! Cloud: CloudEvents 1.0 in JSON as the events they are, in each mode in which they come.
//!
//! In structured mode the value is all of it, in binary mode its attributes are headers and the value is its data,
//! in batch mode the value is a list of events in structured mode. Which attribute is which field of an event comes
//! from the descriptor.

use super::{Header, is_json, is_protobuf, media_type, parse, protobuf};
use crate::json::{self, Fault};
use crate::proto;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Most events of one message.
pub const BATCH_EVENTS_MAX: usize = 1_000;
/// Before the kind of an event in the `type` of a CloudEvent; may be left out.
const TYPE_PREFIX: &str = "ledger.v1.";
/// Fields of an event that are attributes of every CloudEvent under another name, or the same.
const RENAMED: [(&str, &str); 4] = [("source", "source"), ("id", "id"), ("occurred_at", "time"), ("member", "subject")];
/// Fields of an event that are true or false.
const FLAGS: [&str; 1] = ["history"];
/// Attributes that say nothing about the event: those of CloudEvents itself, and extensions of the CNCF for those on
/// the way.
const ASIDE: [&str; 12] = [
    "specversion",
    "type",
    "datacontenttype",
    "dataschema",
    "partitionkey",
    "sequence",
    "sequencetype",
    "sampledrate",
    "traceparent",
    "tracestate",
    "correlationid",
    "causationid",
];
/// Most names of unknown attributes that are remembered, so that each is logged once.
const UNKNOWN_MAX: usize = 64;

static UNKNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A CloudEvent whose value is all of it, or a list of them.
pub(super) fn structured(value: &[u8]) -> Result<Vec<Result<proto::Event, String>>, String> {
    match parse(value)? {
        Value::Array(items) => batch(items),
        one => Ok(vec![event(one)]),
    }
}

fn batch(items: Vec<Value>) -> Result<Vec<Result<proto::Event, String>>, String> {
    if items.len() > BATCH_EVENTS_MAX {
        return Err(format!("is a batch of {} CloudEvents; send at most {BATCH_EVENTS_MAX} together", items.len()));
    }
    let read = |(at, item): (usize, Value)| {
        let named = item.get("id").and_then(Value::as_str).map(|id| format!(" (id {id:?})")).unwrap_or_default();
        event(item).map_err(|reason| format!("[{at}]{named}: {reason}"))
    };
    Ok(items.into_iter().enumerate().map(read).collect())
}

/// Whether JSON that somebody calls by another name is a CloudEvent in structured mode. Python's library, in its first
/// version, writes the media type of the data before the whole.
pub(super) fn is_structured(value: &Value) -> bool {
    value.get("specversion").is_some()
}

/// A CloudEvent in structured mode.
pub(super) fn event(value: Value) -> Result<proto::Event, String> {
    let Value::Object(mut attributes) = value else {
        return Err("is no CloudEvent: no object".to_owned());
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
        None if content_type.as_deref().is_none_or(is_json) => {
            let data = match data {
                // No event is a text. Go's library writes JSON so, if it has a media type of its own.
                Some(Value::String(text)) => parse(text.as_bytes()).map_err(|reason| format!("data {reason}"))?,
                data => data.unwrap_or_else(nothing),
            };
            cloud_event(attributes, data)
        }
        None => Err(format!("datacontenttype {:?} is not read here", content_type.unwrap_or_default())),
    }
}

/// A CloudEvent whose attributes are headers and whose value is its data.
pub(super) fn binary(headers: &[Header], content_type: Option<&str>, value: &[u8]) -> Result<proto::Event, String> {
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
            if event.insert(field.to_owned(), said_of(field, value)).is_some() {
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

/// What an attribute says of its field: `true` is a text in headers, and no text of a field that is true or false.
fn said_of(field: &str, value: Value) -> Value {
    match value.as_str().filter(|_| FLAGS.contains(&field)).map(str::parse) {
        Some(Ok(flag)) => Value::Bool(flag),
        _ => value,
    }
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
