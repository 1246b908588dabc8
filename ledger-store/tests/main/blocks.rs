//! Blocks, taken apart and put together as `FORMAT.md` says and by nothing else.

use crate::ledger::SALTS;
use sha2::{Digest, Sha256};

/// What a block says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub first: u64,
    pub root: [u8; 32],
    /// The verdict part of each record.
    pub verdicts: Vec<Vec<u8>>,
    /// The cause part of each record.
    pub causes: Vec<Vec<u8>>,
}

fn check(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes)[..8].to_vec()
}

fn parts(frame: &[u8], raw_len: usize, count: usize) -> Vec<Vec<u8>> {
    let raw = zstd::decode_all(frame).expect("a zstd frame");
    assert_eq!(raw.len(), raw_len, "its length");
    let (lengths, mut bytes) = raw.split_at(count * 4);
    let parts = lengths.chunks(4).map(|length| {
        let (part, rest) = bytes.split_at(u32::from_le_bytes(length.try_into().unwrap()) as usize);
        bytes = rest;
        part.to_vec()
    });
    let parts = parts.collect();
    assert!(bytes.is_empty(), "the lengths add up");
    parts
}

pub fn take_apart(block: &[u8]) -> Block {
    assert_eq!(block[0], 2, "version");
    let int = |from: usize| u32::from_le_bytes(block[from..from + 4].try_into().unwrap()) as usize;
    let (count, causes_from) = (int(17), 73 + int(53));
    assert_eq!(block[1..9], check(&block[9..causes_from]), "check");
    assert_eq!(block[65..73], check(&block[causes_from..]), "cause_check");
    Block {
        first: u64::from_le_bytes(block[9..17].try_into().unwrap()),
        root: block[21..53].try_into().unwrap(),
        verdicts: parts(&block[73..causes_from], int(57), count),
        causes: parts(&block[causes_from..], int(61), count),
    }
}

/// The block with the checks it must have, as whoever knows the format makes it.
pub fn put_together(block: &Block) -> Vec<u8> {
    let raw = |parts: &[Vec<u8>]| {
        let lengths = parts.iter().flat_map(|part| (part.len() as u32).to_le_bytes());
        lengths.chain(parts.iter().flatten().copied()).collect::<Vec<u8>>()
    };
    let [verdicts, causes] = [raw(&block.verdicts), raw(&block.causes)];
    let [verdict_frame, cause_frame] = [&verdicts, &causes].map(|raw| zstd::bulk::compress(raw, 1).expect("packs"));
    let int = |length: usize| (length as u32).to_le_bytes();
    let checked = [
        &block.first.to_le_bytes()[..],
        &int(block.verdicts.len()),
        &block.root,
        &int(verdict_frame.len()),
        &int(verdicts.len()),
        &int(causes.len()),
        &check(&cause_frame),
        &verdict_frame,
    ]
    .concat();
    [&[2][..], &check(&checked), &checked, &cause_frame].concat()
}

/// The salt of a position.
pub fn salt(position: u64) -> [u8; 16] {
    let mut node = SALTS;
    for bit in (0..64).rev() {
        let below = Sha256::new().chain_update([2]).chain_update(node).finalize();
        let (left, right) = below.split_at(16);
        node.copy_from_slice(if position >> bit & 1 == 1 { right } else { left });
    }
    node
}

/// The hash of what was said at a position.
pub fn cause_hash(position: u64, cause: &[u8]) -> [u8; 32] {
    if cause.is_empty() {
        return [0; 32];
    }
    Sha256::new().chain_update(salt(position)).chain_update(cause).finalize().into()
}

/// The hash of a record.
pub fn leaf(position: u64, verdict: &[u8], cause: &[u8]) -> [u8; 32] {
    let cause = cause_hash(position, cause);
    Sha256::new().chain_update([0]).chain_update(verdict).chain_update(cause).finalize().into()
}
