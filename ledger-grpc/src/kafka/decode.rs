//! Decode: the bytes of a message to the events it is, or the reason why it is none.
//!
//! A header `content-type` says how a message is written, and CloudEvents in binary mode say it with
//! `ce_specversion`; a message without either is written as the config says of its topic. Most messages are one
//! event. Knows neither consumer nor store; what a reason leads to is not decided here.

mod cloud;
mod framing;

pub use cloud::{BATCH_EVENTS_MAX, attributes};
pub use framing::Framing;

use super::config::{Format, Topic};
use super::mapping::Said;
use crate::json;
use crate::proto;
use crate::wire::{self, EVENT_BYTES_MAX, Hash};
use ledger_core::event::{Event, Name, PROGRAM_BYTES_MAX};
use prost::Message as _;
use serde_json::Value;

/// Largest value that is looked into: an event with a program, and room for the names of JSON.
pub(super) const VALUE_BYTES_MAX: usize = 2 * (EVENT_BYTES_MAX + PROGRAM_BYTES_MAX);
/// Longest reason, in characters: it goes into a header of a dead letter, and may quote what was sent.
const REASON_CHARS_MAX: usize = 2_000;
/// Why a message without a value is skipped, where that is declared.
const TOMBSTONE: &str = "tombstone";
/// Why a batch of no events is.
const EMPTY: &str = "empty batch";

/// A header of a message.
pub type Header = (Box<str>, Box<[u8]>);

/// What a message says.
#[derive(Debug, Default)]
pub struct Content {
    /// Its events; a reason stands for a part that is none, and names it if there are others.
    pub parts: Vec<Result<proto::Event, String>>,
    /// The rule that reads it, of a mapped topic.
    pub rule: Option<String>,
    /// Why it says nothing, if that is as it should be.
    pub skipped: Option<String>,
}

/// What becomes of a message.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Its events.
    pub events: Vec<Event<Name>>,
    /// Why it, or a part of it, is none, in words for whoever sent it.
    pub fault: Option<String>,
    /// Why it is passed over, if that is declared: neither event nor fault.
    pub skipped: Option<String>,
}

/// Reads the events of a message. What is good in it is an event, whatever else is in it.
pub fn events(topic: &Topic, headers: &[Header], value: Option<&[u8]>, hash: Hash<'_>) -> Decoded {
    let content = match content(topic, headers, value) {
        Ok(content) => content,
        Err(reason) => return Decoded { fault: Some(cut(reason)), ..Decoded::default() },
    };
    let mut decoded = Decoded { skipped: content.skipped, ..Decoded::default() };
    let (all, mut reasons) = (content.parts.len(), Vec::new());
    for (at, part) in content.parts.into_iter().enumerate() {
        let alone = all == 1;
        let checked = part.and_then(|event| {
            checked(event, hash).map_err(|reason| if alone { reason } else { format!("[{at}]: {reason}") })
        });
        match checked {
            Ok(event) => decoded.events.push(event),
            Err(reason) => reasons.push(match &content.rule {
                Some(rule) => format!("by {rule}: {reason}"),
                None => reason,
            }),
        }
    }
    decoded.fault = (!reasons.is_empty()).then(|| {
        let told = if all > 1 { format!("{} of {all} events: ", reasons.len()) } else { String::new() };
        cut(told + &reasons.join("; "))
    });
    decoded
}

fn cut(reason: String) -> String {
    match reason.char_indices().nth(REASON_CHARS_MAX) {
        Some((at, _)) => format!("{} …", &reason[..at]),
        None => reason,
    }
}

/// The event that a message of the API is, within the limits of every field.
///
/// # Errors
/// Every limit that it breaks.
pub fn checked(message: proto::Event, hash: Hash<'_>) -> Result<Event<Name>, String> {
    let sorted = wire::one(Some(message), hash).map_err(|invalid| {
        let problem = |one: &ledger_core::event::Violation| format!("{} {}", one.field, one.problem);
        invalid.0.iter().map(problem).collect::<Vec<_>>().join("; ")
    })?;
    sorted.events.into_iter().next().ok_or_else(|| "is no event".to_owned())
}

/// Reads what a message says, before the limits of its fields are looked at.
///
/// # Errors
/// Why nothing of it is an event.
pub fn content(topic: &Topic, headers: &[Header], value: Option<&[u8]>) -> Result<Content, String> {
    let binary = header(headers, "ce_specversion").is_some();
    if binary && value.is_none_or(<[u8]>::is_empty) {
        // A CloudEvent without data: some libraries send no value then, which is no deletion.
        let content_type = header(headers, "content-type").map(media_type);
        return one(cloud::binary(headers, content_type.as_deref(), &[]));
    }
    let Some(value) = value else {
        if topic.skip_tombstones {
            return Ok(Content { skipped: Some(TOMBSTONE.to_owned()), ..Content::default() });
        }
        return Err("has no value; if deletions on its topic say nothing, declare tombstones = \"skip\"".to_owned());
    };
    if value.len() > VALUE_BYTES_MAX {
        return Err(format!("has {} bytes; at most {VALUE_BYTES_MAX} are looked into", value.len()));
    }
    let content_type = header(headers, "content-type").map(media_type);
    let content_type = content_type.as_deref();
    let value = match &topic.framing {
        Some(framing) => framing.open(headers, value, is_in_protobuf(&topic.format, content_type))?,
        None => value,
    };
    let read = read(&topic.format, headers, content_type, value);
    // Neither JSON nor protobuf begins with a zero byte.
    let framed = topic.framing.is_none() && value.first() == Some(&0);
    read.map_err(|reason| if framed { format!("{reason}; {LOOKS_FRAMED}") } else { reason })
}

const LOOKS_FRAMED: &str = "it begins with a zero byte, as the serializers of schema registries write it: then declare \
    framing = \"confluent\" of its topic";

fn is_in_protobuf(format: &Format, content_type: Option<&str>) -> bool {
    match content_type {
        None | Some("" | "application/octet-stream" | "text/plain") => matches!(format, Format::Protobuf),
        Some(media) => is_protobuf(media),
    }
}

fn read(format: &Format, headers: &[Header], content_type: Option<&str>, value: &[u8]) -> Result<Content, String> {
    if header(headers, "ce_specversion").is_some() {
        return one(cloud::binary(headers, content_type, value));
    }
    match content_type {
        None | Some("" | "application/octet-stream" | "text/plain") => written_as(format, value),
        Some("application/cloudevents+json" | "application/cloudevents-batch+json") => {
            several(cloud::structured(value)?)
        }
        Some(media) if is_protobuf(media) => one(protobuf(value)),
        // A shop's own JSON is JSON too: only its topic tells.
        Some(media) if is_json(media) && matches!(format, Format::Mapped(_)) => written_as(format, value),
        Some(media) if is_json(media) => one(json_or_cloud(value)),
        Some(other) => Err(format!("content-type {other:?} is not read here")),
    }
}

fn written_as(format: &Format, value: &[u8]) -> Result<Content, String> {
    match format {
        Format::Protobuf => one(protobuf(value)),
        _ if value.is_empty() => Err("is empty".to_owned()),
        Format::CloudEvents => several(cloud::structured(value)?),
        Format::Json => one(json(value)),
        Format::Mapped(mapping) => match mapping.event(value)? {
            Said::Event { rule, event } => {
                let read = event.and_then(json::read_value).map_err(String::from);
                Ok(Content { parts: vec![read], rule: Some(rule), skipped: None })
            }
            Said::Nothing(why) => Ok(Content { skipped: Some(why), ..Content::default() }),
        },
    }
}

fn one(read: Result<proto::Event, String>) -> Result<Content, String> {
    Ok(Content { parts: vec![Ok(read?)], ..Content::default() })
}

fn several(parts: Vec<Result<proto::Event, String>>) -> Result<Content, String> {
    let skipped = parts.is_empty().then(|| EMPTY.to_owned());
    Ok(Content { parts, rule: None, skipped })
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

/// JSON by its media type: the event itself, or a CloudEvent that is called so.
fn json_or_cloud(value: &[u8]) -> Result<proto::Event, String> {
    json(value).or_else(|reason| match parse(value) {
        Ok(value) if cloud::is_structured(&value) => cloud::event(value),
        _ => Err(reason),
    })
}

fn parse(value: &[u8]) -> Result<Value, String> {
    json::parse(value).map_err(|fault| format!("is no JSON: {fault}"))
}

#[cfg(test)]
mod tests;
