//! Check: the first bytes of a SHA-256, which find what was damaged where nothing hashed vouches for it.

use sha2::{Digest, Sha256};

/// How many bytes a check has.
pub(crate) const CHECK: usize = 8;

/// The check of bytes that stand one part behind the other.
pub(crate) fn check(parts: &[&[u8]]) -> [u8; CHECK] {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
    let mut check = [0; CHECK];
    check.copy_from_slice(&hash[..CHECK]);
    check
}

/// A value behind its check.
pub(crate) fn with_check(value: &[u8]) -> Vec<u8> {
    [&check(&[value])[..], value].concat()
}

/// The value of a row that [`with_check`] made, or what is wrong with the row.
pub(crate) fn checked(row: &[u8]) -> Result<&[u8], &'static str> {
    let (stored, value) = row.split_first_chunk::<CHECK>().ok_or("is too short")?;
    if *stored == check(&[value]) { Ok(value) } else { Err("is not what was written") }
}
