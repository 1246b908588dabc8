//! Counted: what a request comes to once it is decoded, known from its bytes before any memory is taken for it.
//!
//! An empty event has two bytes on the wire and some hundreds in memory. So what repeats is counted first, by the
//! descriptor of the API; what is malformed is left to the decoder, which says so.

use super::{BATCH_EVENTS_MAX, Invalid};
use crate::json::package;
use prost_reflect::{Cardinality, Kind, MessageDescriptor};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Most entries of one list within an event: twice as many as any list may have, so that the limits of fields, which
/// name the field, come first.
const ENTRIES_MAX: usize = 20_000;
/// What a request may come to in memory: 128 MiB, thirty times its largest size on the wire.
const DECODED_BYTES_MAX: usize = 128 << 20;
/// What a message within another comes to, about.
const MESSAGE_BYTES: usize = 192;
/// What an event comes to, about.
const EVENT_BYTES: usize = 512;
/// What a text comes to beside its bytes.
const TEXT_BYTES: usize = 24;
/// Fields with larger numbers than this are not looked into; the API has none.
const NUMBERS: usize = 128;

/// What is known of the messages of the API.
static SHAPES: LazyLock<Shapes> = LazyLock::new(Shapes::of_api);

struct Shapes {
    requests: HashMap<String, usize>,
    messages: Vec<Vec<Option<Part>>>,
}

/// A field that has a length on the wire.
#[derive(Clone)]
struct Part {
    name: Box<str>,
    /// The message it is, by its place.
    message: Option<usize>,
    /// The most entries, if it is a list.
    most: usize,
    /// What an entry comes to.
    bytes: usize,
}

impl Shapes {
    fn of_api() -> Shapes {
        let (mut shapes, mut places) = (Shapes { requests: HashMap::new(), messages: Vec::new() }, HashMap::new());
        for message in package() {
            let place = shapes.add(&message, &mut places, BATCH_EVENTS_MAX);
            if message.name().ends_with("Request") {
                shapes.requests.insert(message.name().to_owned(), place);
            }
        }
        shapes
    }

    fn add(&mut self, of: &MessageDescriptor, places: &mut HashMap<String, usize>, most: usize) -> usize {
        let key = format!("{} {most}", of.full_name());
        if let Some(place) = places.get(&key) {
            return *place;
        }
        let place = self.messages.len();
        places.insert(key, place);
        self.messages.push(Vec::new());
        let mut parts = vec![None; NUMBERS];
        for field in of.fields() {
            let (message, bytes) = match field.kind() {
                Kind::Message(within) => {
                    let is_event = within.name() == "Event";
                    let bytes = if is_event { EVENT_BYTES } else { MESSAGE_BYTES };
                    (Some(self.add(&within, places, ENTRIES_MAX)), bytes)
                }
                _ => (None, TEXT_BYTES),
            };
            let most = if field.cardinality() == Cardinality::Repeated { most } else { usize::MAX };
            if let Some(slot) = parts.get_mut(field.number() as usize) {
                *slot = Some(Part { name: field.name().into(), message, most, bytes });
            }
        }
        self.messages[place] = parts;
        place
    }
}

/// Whether a request of this name comes to no more than is taken in.
pub fn count(name: &str, bytes: &[u8]) -> Result<(), Invalid> {
    let Some(place) = SHAPES.requests.get(name) else { return Ok(()) };
    let mut left = DECODED_BYTES_MAX;
    look_into(*place, bytes, &mut left)
}

fn look_into(place: usize, mut bytes: &[u8], left: &mut usize) -> Result<(), Invalid> {
    let parts = &SHAPES.messages[place];
    let mut entries = [0usize; NUMBERS];
    while let Some(key) = varint(&mut bytes) {
        let number = usize::try_from(key >> 3).unwrap_or(usize::MAX);
        let size = match key & 7 {
            0 => match varint(&mut bytes) {
                Some(_) => 0,
                None => return Ok(()),
            },
            1 => 8,
            2 => varint(&mut bytes).and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX),
            5 => 4,
            _ => return Ok(()),
        };
        let Some((value, rest)) = bytes.split_at_checked(size) else { return Ok(()) };
        bytes = rest;
        let Some(Some(part)) = parts.get(number).filter(|_| key & 7 == 2) else { continue };
        entries[number] += 1;
        if entries[number] > part.most {
            return Err(Invalid::one(&part.name, format!("has more than {}; send fewer", part.most)));
        }
        let own = value.len() * usize::from(part.message.is_none());
        *left = left.checked_sub(part.bytes + own).ok_or_else(|| {
            Invalid::one(
                &part.name,
                format!("come to more than {DECODED_BYTES_MAX} bytes of memory; send fewer at once"),
            )
        })?;
        if let Some(message) = part.message {
            look_into(message, value, left).map_err(|invalid| invalid.under(&part.name))?;
        }
    }
    Ok(())
}

/// Takes a number off the front; nothing if there is none.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << (7 * at as u32).min(63);
        if byte & 0x80 == 0 {
            *bytes = &bytes[at + 1..];
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto;
    use prost::Message;

    /// A message again and again as the first field of another.
    fn repeated(one: &[u8], count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..count {
            bytes.push(0x0a);
            prost::encoding::encode_varint(one.len() as u64, &mut bytes);
            bytes.extend_from_slice(one);
        }
        bytes
    }

    #[test]
    fn what_repeats_is_counted_before_it_is_decoded() {
        let bomb = repeated(b"", 2_097_152);
        let invalid = count("SubmitBatchRequest", &bomb).expect_err("it is too much");
        assert_eq!(invalid.0[0].field, "events");
        assert_eq!(count("SubmitBatchRequest", &repeated(b"", BATCH_EVENTS_MAX)), Ok(()));
        assert!(count("SubmitBatchRequest", &repeated(b"", BATCH_EVENTS_MAX + 1)).is_err());
        let purchase = |lines| proto::Purchase { lines: vec![proto::Line::default(); lines], ..Default::default() };
        let event =
            |lines| proto::Event { body: Some(proto::event::Body::Purchase(purchase(lines))), ..Default::default() };
        let request = |lines| proto::SubmitRequest { event: Some(event(lines)) }.encode_to_vec();
        assert_eq!(count("SubmitRequest", &request(ENTRIES_MAX)), Ok(()));
        let invalid = count("SubmitRequest", &request(ENTRIES_MAX + 1)).expect_err("it is too much");
        assert_eq!(invalid.0[0].field, "event.purchase.lines");
        let many = repeated(&event(15_000).encode_to_vec(), 100);
        assert!(many.len() < 4 << 20, "it fits into a message");
        assert!(count("SubmitBatchRequest", &many).is_err(), "a million lines in a thousand events");
    }

    #[test]
    fn what_is_malformed_is_left_to_the_decoder_and_answers_are_not_counted() {
        for bytes in [&b"\x0a"[..], b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\xff", b"\x0b", b"\x0a\x05ab"] {
            assert_eq!(count("SubmitBatchRequest", bytes), Ok(()), "{bytes:?}");
        }
        assert_eq!(count("SubmitBatchResponse", &repeated(b"", 100_000)), Ok(()));
    }
}
