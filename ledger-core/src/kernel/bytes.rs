//! The one door to bincode: a version byte, then the value.
//!
//! Layout of a value: bincode 2 "standard" configuration (little-endian, variable-length integers),
//! fields in order of declaration, enum variants by number. `ledger-store/FORMAT.md` says it byte by
//! byte; byte tests freeze it. Decoding never panics, never reads past the end, and allocates no more
//! than [`VALUE_BYTES_MAX`].

use crate::kernel::corrupt::Corrupt;
use alloc::vec::Vec;
use bincode::config;
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the layout of records. A record keeps the version it was written in for ever.
pub const VERSION: u8 = 1;
/// Version of the layout of folded rows. It goes up whenever a row changes: rows of an older version are
/// folded again from the log.
pub const ROW_VERSION: u8 = 12;
/// Largest encoded value: 64 MiB, written or read.
pub const VALUE_BYTES_MAX: usize = 64 << 20;
/// What so many bytes can come to at most: no byte becomes more than eight.
const DECODED_BYTES_MAX: usize = 8 * VALUE_BYTES_MAX;

struct Append<'a>(&'a mut Vec<u8>);

impl Writer for Append<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        match bytes {
            // Most numbers are small and take one byte.
            [one] => self.0.push(*one),
            many => self.0.extend_from_slice(many),
        }
        Ok(())
    }
}

/// Appends a record, or what else is for ever, to `out` and returns how many bytes it took.
///
/// # Errors
/// If the value has more than [`VALUE_BYTES_MAX`] bytes, or a type cannot be represented at all, which is a bug that
/// the byte tests show. Nothing is appended then.
pub fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<usize, Corrupt> {
    write(VERSION, value, out)
}

/// Appends a folded row to `out` and returns how many bytes it took.
///
/// # Errors
/// As [`encode`].
pub fn encode_row<T: Serialize>(row: &T, out: &mut Vec<u8>) -> Result<usize, Corrupt> {
    write(ROW_VERSION, row, out)
}

/// Reads what [`encode`] wrote and what fills `bytes` exactly.
///
/// # Errors
/// [`Corrupt::Bytes`] on an unknown version, on bytes that are no such value, and on bytes left over.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Corrupt> {
    read(VERSION, bytes)
}

/// Reads what [`encode_row`] wrote and what fills `bytes` exactly.
///
/// # Errors
/// As [`decode`].
pub fn decode_row<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Corrupt> {
    read(ROW_VERSION, bytes)
}

fn write<T: Serialize>(version: u8, value: &T, out: &mut Vec<u8>) -> Result<usize, Corrupt> {
    let before = out.len();
    out.push(version);
    let written = bincode::serde::encode_into_writer(value, Append(out), config::standard());
    let bytes = out.len().saturating_sub(before);
    if written.is_err() || bytes > VALUE_BYTES_MAX {
        out.truncate(before);
        let what = if written.is_err() { "value cannot be encoded" } else { "value of more than 64 MiB" };
        return Err(Corrupt::Bytes { what });
    }
    Ok(bytes)
}

fn read<T: DeserializeOwned>(version: u8, bytes: &[u8]) -> Result<T, Corrupt> {
    let body = match bytes.split_first() {
        Some((first, body)) if *first == version => body,
        _ => return Err(Corrupt::Bytes { what: "unknown version byte" }),
    };
    if bytes.len() > VALUE_BYTES_MAX {
        return Err(Corrupt::Bytes { what: "value of more than 64 MiB" });
    }
    let limited = config::standard().with_limit::<DECODED_BYTES_MAX>();
    let (value, read) =
        bincode::serde::decode_from_slice(body, limited).map_err(|_| Corrupt::Bytes { what: "malformed value" })?;
    if read != body.len() {
        return Err(Corrupt::Bytes { what: "bytes left over after the value" });
    }
    Ok(value)
}
