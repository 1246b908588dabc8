//! Blocks, taken apart and put together as `FORMAT.md` says and by nothing else.

use crate::ledger::SALTS;
use crate::raw::Row;
use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use sha2::{Digest, Sha256};
use std::ops::Range;

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

/// With these bytes every zstd frame begins; in a block it stands without them.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Where a block says the root of the tree, how many records it has, and how long the frame of its verdicts is.
pub const ROOT: Range<usize> = 9..41;
pub const COUNT: usize = 41;
pub const VERDICT_LEN: usize = 50;

/// What a frame has in it.
pub fn unpacked(frame: &[u8]) -> Vec<u8> {
    match frame {
        [0, raw @ ..] => raw.to_vec(),
        _ => zstd::decode_all(&[&ZSTD_MAGIC, frame].concat()[..]).expect("a zstd frame"),
    }
}

fn parts(frame: &[u8], count: usize) -> Vec<Vec<u8>> {
    let raw = unpacked(frame);
    let (lengths, mut bytes) = raw.split_at(count * 4 - 4);
    let parts = lengths.chunks(4).map(|length| {
        let (part, rest) = bytes.split_at(u32::from_le_bytes(length.try_into().unwrap()) as usize);
        bytes = rest;
        part.to_vec()
    });
    let mut parts: Vec<Vec<u8>> = parts.collect();
    parts.push(bytes.to_vec());
    parts
}

/// The position that the key of a block names.
fn position(key: &[u8]) -> u64 {
    u64::from_be_bytes(key[2..].try_into().expect("a key of a block"))
}

/// Where the frame of a block's verdicts is.
pub fn verdict_frame(block: &[u8]) -> Range<usize> {
    behind_length(block, VERDICT_LEN)
}

/// Where the bytes are whose length stands at `at`.
pub fn behind_length(bytes: &[u8], at: usize) -> Range<usize> {
    let int = |bytes: &[u8]| bytes.iter().rev().fold(0, |int, byte| int << 8 | usize::from(*byte));
    let (from, length) = match bytes[at] {
        0xfb => (at + 3, int(&bytes[at + 1..][..2])),
        0xfc => (at + 5, int(&bytes[at + 1..][..4])),
        length => (at + 1, usize::from(length)),
    };
    from..from + length
}

/// The check that a block has to have at its place.
fn check_at(last: u64, block: &[u8]) -> Vec<u8> {
    check(&[&last.to_le_bytes()[..], &block[ROOT.start..verdict_frame(block).end]].concat())
}

pub fn take_apart(row: &Row) -> Block {
    assert_eq!(row.1[0], 3, "version");
    taken_apart(row, |causes, _| causes.to_vec())
}

/// The same of a block whose causes are sealed, and the hashes that stand beside them.
pub fn take_apart_sealed(row: &Row, key: [u8; 32]) -> (Block, Vec<[u8; 32]>) {
    assert_eq!(row.1[0], 4, "version");
    let mut hashes = Vec::new();
    let block = taken_apart(row, |causes, first| {
        let beside = behind_length(causes, 0);
        let sealed = &causes[beside.end..];
        hashes.extend(unpacked(&causes[beside]).chunks(32).map(|hash| <[u8; 32]>::try_from(hash).expect("whole")));
        assert_eq!(sealed[0], 1, "scheme");
        let nonce = [&[5, 0, 0, 0][..], &first.to_le_bytes()].concat();
        let nonce = Nonce::try_from(nonce.as_slice()).expect("12 bytes");
        let payload = Payload { msg: &sealed[1..], aad: &[0; 4] };
        Aes256GcmSiv::new(&key.into()).decrypt(&nonce, payload).expect("it opens")
    });
    (block, hashes)
}

fn taken_apart((key, block): &Row, causes: impl FnOnce(&[u8], u64) -> Vec<u8>) -> Block {
    let (last, count, verdicts) = (position(key), usize::from(block[COUNT]) + 1, verdict_frame(block));
    assert_eq!(block[1..9], check_at(last, block), "check");
    assert_eq!(block[COUNT + 1..VERDICT_LEN], check(&block[verdicts.end..]), "cause_check");
    Block {
        first: last + 1 - count as u64,
        root: block[ROOT].try_into().unwrap(),
        causes: parts(&causes(&block[verdicts.end..], last + 1 - count as u64), count),
        verdicts: parts(&block[verdicts], count),
    }
}

/// The block with the check it must have at its place, as whoever knows the format makes it.
pub fn sealed((key, mut block): Row) -> Row {
    let check = check_at(position(&key), &block);
    block[1..9].copy_from_slice(&check);
    (key, block)
}

/// The block with the checks it must have.
pub fn put_together(block: &Block) -> Vec<u8> {
    let [verdicts, causes] = [&block.verdicts, &block.causes].map(|parts| {
        let lengths = parts[..parts.len() - 1].iter().flat_map(|part| (part.len() as u32).to_le_bytes());
        let raw: Vec<u8> = lengths.chain(parts.iter().flatten().copied()).collect();
        zstd::bulk::compress(&raw, 1).expect("packs").split_off(ZSTD_MAGIC.len())
    });
    let length = match u16::try_from(verdicts.len()).expect("no longer") {
        length @ ..251 => vec![length as u8],
        length => [&[0xfb], &length.to_le_bytes()[..]].concat(),
    };
    let count = [(block.verdicts.len() - 1) as u8];
    let block_of = [&[3], &[0; 8][..], &block.root, &count, &check(&causes), &length, &verdicts, &causes].concat();
    let last = block.first + block.verdicts.len() as u64 - 1;
    sealed(([&[0, 0], &last.to_be_bytes()[..]].concat(), block_of)).1
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
