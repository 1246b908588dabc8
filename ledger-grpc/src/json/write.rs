//! Write: any message of the proto as JSON.

use super::POOL;
use crate::proto::Event;
use prost::Name;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions};
use serde_json::Value;

/// How every message is written: the names as in the proto and 64-bit integers as plain numbers, so that programs for
/// the command line add them up; enums by name; fields that are absent are left out, others are written even where
/// they are 0 or empty.
const STYLE: SerializeOptions =
    SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false).skip_default_fields(false);

/// A message as JSON. Events are written as protobuf tools write them, without what is 0 or empty.
///
/// # Panics
/// If the message is not one of the proto, which no caller can send.
pub fn write<M: Name>(message: &M) -> Value {
    let described = POOL.all.get_message_by_name(&M::full_name()).expect("the descriptor has every message");
    let mut dynamic = DynamicMessage::new(described.clone());
    dynamic.transcode_from(message).expect("a message is what its descriptor says");
    let mut value = dynamic.serialize_with_options(serde_json::value::Serializer, &STYLE).expect("names are texts");
    shorten(&described, &mut value, false);
    value
}

/// Takes what is 0 or empty from the events in a message.
fn shorten(message: &MessageDescriptor, value: &mut Value, within: bool) {
    let within = within || message.full_name() == Event::full_name();
    let Value::Object(fields) = value else { return };
    fields.retain(|name, value| {
        let Some(field) = message.get_field_by_name(name) else { return true };
        if let Kind::Message(of) = field.kind() {
            match &mut *value {
                Value::Array(items) => items.iter_mut().for_each(|item| shorten(&of, item, within)),
                value => shorten(&of, value, within),
            }
        }
        !within || field.supports_presence() || !is_nothing(&field, value)
    });
}

fn is_nothing(field: &FieldDescriptor, value: &Value) -> bool {
    match value {
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => match field.kind() {
            Kind::Enum(of) => of.default_value().name() == text,
            _ => text.is_empty(),
        },
        Value::Array(items) => items.is_empty(),
        Value::Null | Value::Object(_) => false,
    }
}
