//! Framing: what the serializers of schema registries put before a message, and where it ends.
//!
//! A zero byte and the id of a schema in four; before protobuf also which message of the schema it is, as a list of
//! places, each a varint of a zigzag number, and how many there are. The list `[0]` is one zero byte. Newer
//! serializers put the id into a header, and for protobuf the list behind it, and nothing before the message.

use super::{Header, header};

/// Says that what follows is the id of a schema: as a number of four bytes, before a message.
const NUMBER: u8 = 0;
/// The same, as sixteen bytes, in a header.
const UUID: u8 = 1;
/// The header of newer serializers.
const HEADER: &str = "__value_schema_id";
/// Most places of a list: so deep nobody nests messages.
const PLACES_MAX: usize = 16;

/// How messages are framed, as the config declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Of protobuf, the place of the event in its schema.
    pub(crate) places: Vec<u32>,
}

impl Framing {
    /// Takes the frame from a message. `listed`: whether it also has a list of places.
    pub(super) fn open<'v>(&self, headers: &[Header], value: &'v [u8], listed: bool) -> Result<&'v [u8], String> {
        if let Some(header) = header(headers, HEADER) {
            let rest = id(header).ok_or_else(|| format!("header {HEADER} is no id of a schema"))?;
            if listed {
                self.is_ours(&places(&mut &*rest)?)?;
            }
            return Ok(value);
        }
        if value.first() != Some(&NUMBER) {
            return Err(
                "does not begin with a zero byte and the id of a schema, as framing = \"confluent\" says of its \
                 topic"
                    .to_owned(),
            );
        }
        let mut rest = id(value).ok_or("ends within the id of its schema")?;
        if listed {
            self.is_ours(&places(&mut rest)?)?;
        }
        Ok(rest)
    }

    fn is_ours(&self, places: &[u32]) -> Result<(), String> {
        if places == self.places {
            return Ok(());
        }
        Err(format!(
            "is message {places:?} of its schema, and the event is {:?}; if it is an event all the same, declare \
             message_index = {places:?}",
            self.places
        ))
    }
}

/// What is behind the id of a schema.
fn id(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.split_first()? {
        (&NUMBER, rest) => rest.get(4..),
        (&UUID, rest) => rest.get(16..),
        _ => None,
    }
}

/// The list of places, and the bytes behind it.
fn places(bytes: &mut &[u8]) -> Result<Vec<u32>, String> {
    let wrong = || "has no list of message indexes behind the id of its schema".to_owned();
    let count = zigzag(bytes).and_then(|count| usize::try_from(count).ok()).ok_or_else(wrong)?;
    match count {
        0 => Ok(vec![0]),
        1..=PLACES_MAX => {
            let place = |_| zigzag(bytes).and_then(|place| u32::try_from(place).ok()).ok_or_else(wrong);
            (0..count).map(place).collect()
        }
        _ => Err(wrong()),
    }
}

/// Reads a varint of a zigzag number.
fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        // Of the tenth byte only one bit is left.
        if part.leading_zeros() < shift {
            return None;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(places: &[u32], value: &[u8], listed: bool) -> Result<Vec<u8>, String> {
        Framing { places: places.to_vec() }.open(&[], value, listed).map(<[u8]>::to_vec)
    }

    #[test]
    fn a_frame_ends_where_the_message_begins() {
        assert_eq!(open(&[0], b"\x00\x00\x00\x01\x02{}", false), Ok(b"{}".to_vec()));
        assert_eq!(open(&[0], b"\x00\xff\xff\xff\xff\x00m", true), Ok(b"m".to_vec()));
        // As the list of one place, and of two: 5 and 300.
        assert_eq!(open(&[0], b"\x00\x00\x00\x00\x01\x02\x00m", true), Ok(b"m".to_vec()));
        assert_eq!(open(&[5, 300], b"\x00\x00\x00\x00\x01\x04\x0a\xd8\x04m", true), Ok(b"m".to_vec()));
        assert_eq!(open(&[0], b"\x00\x00\x00\x00\x01\x00", true), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_framed_says_so() {
        let problem = |value: &[u8], listed| open(&[0], value, listed).expect_err("it is not framed");
        assert!(problem(b"{}", false).contains("framing = \"confluent\""));
        assert!(problem(b"", false).contains("framing = \"confluent\""));
        assert!(problem(b"\x00\x00\x00\x01", false).contains("ends within"));
        assert!(problem(b"\x00\x00\x00\x00\x01\x02\x04m", true).contains("message_index = [2]"));
        for list in
            [&b""[..], b"\x80", b"\x01", b"\x02", b"\x02\x01", b"\x22\x00", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"]
        {
            assert!(problem(&[b"\x00\x00\x00\x00\x01", list].concat(), true).contains("no list"), "{list:?}");
        }
    }

    #[test]
    fn newer_serializers_put_the_id_into_a_header() {
        let framing = Framing { places: vec![1] };
        let header = |bytes: &[u8]| vec![(Box::from(HEADER), Box::from(bytes))];
        let uuid = [&[1][..], &[7; 16], b"\x02\x02"].concat();
        assert_eq!(framing.open(&header(&uuid), b"m", true), Ok(&b"m"[..]));
        assert_eq!(framing.open(&header(&uuid[..17]), b"\x00m", false), Ok(&b"\x00m"[..]));
        assert!(framing.open(&header(&uuid[..16]), b"m", false).is_err());
        assert!(framing.open(&header(b"\x02"), b"m", false).is_err());
    }
}
