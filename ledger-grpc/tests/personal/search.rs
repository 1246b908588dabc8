//! Search: where in a directory the planted values are.
//!
//! A planted value is `planted_`, the number of its field, and `_`. Every block of the log is unpacked, both of its
//! frames; a value that is found is told with the place of the page on which personal data is described.

use crate::files::{Piece, Seen, each_piece};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The places of each field that was found, by the field's number.
pub type Places = BTreeMap<usize, BTreeSet<String>>;

const MARK: &[u8] = b"planted_";

/// The value that is planted in a field.
pub fn planted(number: usize) -> String {
    format!("planted_{number}_")
}

/// Searches a directory.
pub fn search(dir: &Path) -> (Places, Seen) {
    let (mut places, mut seen) = (Places::new(), Seen::default());
    each_piece(dir, &mut seen, &mut |piece| match piece {
        Piece::Raw { of, bytes } => look(&bytes, of, &mut places),
        Piece::Row { family: "log", key, value } if !value.is_empty() => {
            look(&key, "the key of a block", &mut places);
            block(&value, &mut places);
        }
        Piece::Row { family, key, value } => {
            let place = place_of(family, &key);
            look(&key, &place, &mut places);
            look(&value, &place, &mut places);
        }
    });
    (places, seen)
}

/// The word of the page for where a row is.
fn place_of(family: &str, key: &[u8]) -> String {
    match (family, key.get(..2)) {
        ("state", Some(kind)) => String::from_utf8_lossy(kind).into_owned(),
        ("meta", Some(b"cu")) => "cursor".into(),
        ("meta", Some(kind)) => format!("meta {}", String::from_utf8_lossy(kind)),
        (family, _) => family.into(),
    }
}

/// Looks into a block of the log, as `FORMAT.md` says.
fn block(block: &[u8], places: &mut Places) {
    let (header, frames) = block.split_at(50);
    let (verdicts, causes) = split(frames);
    look(header, "the header of a block", places);
    look(&unpacked(verdicts), "verdict", places);
    match block[0] {
        3 => look(&unpacked(causes), "cause", places),
        4 => {
            let (hashes, sealed) = split(causes);
            let hashes = unpacked(hashes);
            assert_eq!((hashes.len(), sealed[0]), (32 * (1 + usize::from(block[41])), 1), "hashes, and the scheme");
            look(&hashes, "hashes", places);
            look(sealed, "sealed", places);
        }
        other => panic!("a block of version {other}"),
    }
}

/// What stands behind a length of the variable kind, as long as that, and the rest.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let int = |bytes: &[u8]| bytes.iter().rev().fold(0, |int, byte| int << 8 | usize::from(*byte));
    match bytes {
        [0xfb, rest @ ..] => rest[2..].split_at(int(&rest[..2])),
        [0xfc, rest @ ..] => rest[4..].split_at(int(&rest[..4])),
        [length, rest @ ..] => rest.split_at(usize::from(*length)),
        [] => panic!("a length"),
    }
}

/// What a frame has in it.
fn unpacked(frame: &[u8]) -> Vec<u8> {
    match frame {
        [0, raw @ ..] => raw.to_vec(),
        _ => zstd::decode_all(&[&[0x28, 0xb5, 0x2f, 0xfd], frame].concat()[..]).expect("a frame of zstd"),
    }
}

/// Notes every planted value in these bytes.
fn look(bytes: &[u8], place: &str, places: &mut Places) {
    for at in 0..bytes.len().saturating_sub(MARK.len()) {
        if let Some(rest) = bytes[at..].strip_prefix(MARK) {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = std::str::from_utf8(&rest[..digits]).ok().and_then(|digits| digits.parse().ok());
            if let Some(number) = number.filter(|_| rest.get(digits) == Some(&b'_')) {
                places.entry(number).or_default().insert(place.to_owned());
            }
        }
    }
}

#[test]
fn a_planted_value_is_found_by_its_number_alone() {
    let mut places = Places::new();
    look(b"\x0aplanted_12_planted_3_x planted_4 planted__ planted_5", "here", &mut places);
    assert_eq!(places.keys().copied().collect::<Vec<_>>(), [3, 12]);
}
