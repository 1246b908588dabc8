//! Keys: which families there are, and every key in them. `FORMAT.md` says the same in prose.
//!
//! Integers in keys are big-endian, so that a scan is in order; in values they are little-endian.

use ledger_core::units::{MemberNo, Position, RiskKey, StaffNo, TermNo};

/// The log: blocks of records. Written by a commit, with the write-ahead log and a flush.
pub(crate) const LOG: &str = "log";
/// Commits: what became durable together. Written with the log.
pub(crate) const COMMITS: &str = "commits";
/// What the ledger is and where sources stand. Written with the log.
pub(crate) const META: &str = "meta";
/// Folded state. Written by snapshots, in bulk.
pub(crate) const STATE: &str = "state";
/// Pages of member histories. Written by snapshots.
pub(crate) const HISTORY: &str = "history";
/// Event ids. Written by snapshots.
pub(crate) const IDS: &str = "ids";
/// Hashes of complete subtrees of the tree over the log. Written with the log.
pub(crate) const TREE: &str = "tree";
/// All families.
pub(crate) const FAMILIES: [&str; 7] = [LOG, COMMITS, META, STATE, HISTORY, IDS, TREE];

/// The one shard there is yet.
pub(crate) const SHARD: u16 = 0;

/// `meta`: the version of everything in this file.
pub(crate) const FORMAT: &[u8] = b"fo";
/// `meta`: the ledger's own secret.
pub(crate) const SECRET: &[u8] = b"se";
/// `meta`: which ledger this is.
pub(crate) const IDENTITY: &[u8] = b"id";
/// `meta`: what keys of risk are hashed under.
pub(crate) const PEPPER: &[u8] = b"pe";
/// `meta`: of what the salts of causes are derived.
pub(crate) const SALTS: &[u8] = b"sa";
/// `meta`: where lineages began.
pub(crate) const LINEAGE: &[u8] = b"li";
/// `meta`: where the last snapshot stands.
pub(crate) const SNAPSHOT: &[u8] = b"sn";
/// `state`: the shared row.
pub(crate) const SHARED: &[u8] = b"sh";

/// `log`: a block, by the position of its last record; seeking a position finds its block.
pub(crate) fn block(last: Position) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&SHARD.to_be_bytes());
    key[2..].copy_from_slice(&last.0.to_be_bytes());
    key
}

/// `commits`: a commit, by its number; the first is 1.
pub(crate) fn commit(number: u64) -> [u8; 10] {
    block(Position(number))
}

/// The number of a commit.
pub(crate) fn commit_number(key: &[u8]) -> Option<u64> {
    let (shard, number) = key.split_first_chunk::<2>()?;
    (u16::from_be_bytes(*shard) == SHARD).then_some(u64::from_be_bytes(number.try_into().ok()?))
}

/// `meta`: where a lineage began.
pub(crate) fn lineage(lineage: u32) -> [u8; 6] {
    let mut key = *b"li\0\0\0\0";
    key[2..].copy_from_slice(&lineage.to_be_bytes());
    key
}

/// `meta`: where a source stands.
pub(crate) fn cursor(source: &str) -> Vec<u8> {
    [b"cu", source.as_bytes()].concat()
}

/// `state`: a member.
pub(crate) fn member(no: MemberNo) -> [u8; 6] {
    let mut key = *b"me\0\0\0\0";
    key[2..].copy_from_slice(&no.0.to_be_bytes());
    key
}

/// `state`: a risk counter.
pub(crate) fn counter((risk, term): (RiskKey, TermNo)) -> [u8; 20] {
    let mut key = [0; 20];
    key[..2].copy_from_slice(b"co");
    key[2..18].copy_from_slice(&risk.0);
    key[18..].copy_from_slice(&term.0.to_be_bytes());
    key
}

/// `state`: a risk case.
pub(crate) fn case(position: Position) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(b"ca");
    key[2..].copy_from_slice(&position.0.to_be_bytes());
    key
}

/// `state`: somebody of the staff.
pub(crate) fn staff(no: StaffNo) -> [u8; 6] {
    let mut key = *b"st\0\0\0\0";
    key[2..].copy_from_slice(&no.0.to_be_bytes());
    key
}

/// `state`: a program, by version.
pub(crate) fn program(version: u32) -> [u8; 6] {
    let mut key = *b"pr\0\0\0\0";
    key[2..].copy_from_slice(&version.to_be_bytes());
    key
}

/// `history`: a page of a member's history.
pub(crate) fn page(no: MemberNo, page: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&no.0.to_be_bytes());
    key[4..].copy_from_slice(&page.to_be_bytes());
    key
}

/// `tree`: a complete subtree of 256^level leaves, by its place among those of its level.
pub(crate) fn subtree(level: u32, index: u64) -> [u8; 9] {
    let mut key = [0; 9];
    key[0] = level.to_be_bytes()[3];
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}
