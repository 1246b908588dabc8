//! Blocks: records on their way to disk and back, up to 256 at a time, compressed.
//!
//! ```text
//! version u8 | first u64 | count u32 | root 32 bytes | raw_len u32 | zstd frame with checksum
//! raw: count × end u32, then the records' bytes; record i is bytes[end(i-1) .. end(i)]
//! ```
//! The root is that of the tree over the whole log up to this block (RFC 6962), so a block vouches
//! for everything before it.

use crate::error::Damage;
use ledger_core::bytes::encode;
use ledger_core::fold::Corrupt;
use ledger_core::merkle::{Frontier, Hash, leaf};
use ledger_core::record::Record;
use ledger_core::units::Position;

/// Most records in one block.
pub(crate) const BLOCK_RECORDS: usize = 256;
/// Largest block, unpacked: 128 MiB.
const RAW_BYTES_MAX: usize = 128 << 20;
const VERSION: u8 = 1;
const HEADER: usize = 1 + 8 + 4 + 32 + 4;
const ZSTD_LEVEL: i32 = 1;

/// Records that are judged and folded, and not yet on disk.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    first: u64,
    records: Vec<Record>,
}

impl Staged {
    /// An empty batch whose first record will stand at `first`.
    pub(crate) fn new(first: Position, room: usize) -> Staged {
        Staged { first: first.0, records: Vec::with_capacity(room) }
    }

    pub(crate) fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// The position of the last record.
    pub(crate) fn last(&self) -> Position {
        Position(self.first + self.records.len() as u64 - 1)
    }

    /// A record, if it is in here.
    pub(crate) fn record(&self, position: Position) -> Option<&Record> {
        let at = usize::try_from(position.0.checked_sub(self.first)?).ok()?;
        self.records.get(at)
    }

    /// Packs everything into blocks and grows the tree by it.
    pub(crate) fn pack(&self, tree: &mut Frontier) -> Result<Vec<(Position, Vec<u8>)>, Damage> {
        let io = |error: std::io::Error| Damage::Database(error.to_string());
        let mut packer = zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(io)?;
        packer.include_checksum(true).map_err(io)?;
        let mut blocks = Vec::with_capacity(self.len().div_ceil(BLOCK_RECORDS));
        let (mut bytes, mut raw) = (Vec::new(), Vec::new());
        let mut first = self.first;
        for records in self.records.chunks(BLOCK_RECORDS) {
            bytes.clear();
            raw.clear();
            for record in records {
                let start = bytes.len();
                encode(record, &mut bytes)?;
                tree.append(leaf(&bytes[start..]));
                raw.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            }
            raw.extend_from_slice(&bytes);
            if raw.len() > RAW_BYTES_MAX {
                return Err(Corrupt::Bytes { what: "a block of more than 128 MiB" }.into());
            }
            let packed = packer.compress(&raw).map_err(io)?;
            let mut block = Vec::with_capacity(HEADER + packed.len());
            block.push(VERSION);
            block.extend_from_slice(&first.to_le_bytes());
            block.extend_from_slice(&(records.len() as u32).to_le_bytes());
            block.extend_from_slice(&tree.root());
            block.extend_from_slice(&(raw.len() as u32).to_le_bytes());
            block.extend_from_slice(&packed);
            first += records.len() as u64;
            blocks.push((Position(first - 1), block));
        }
        Ok(blocks)
    }
}

/// A block read back: its records' bytes, checked for length and checksum, not yet decoded.
#[derive(Debug)]
pub(crate) struct Block {
    /// The position of its first record.
    pub(crate) first: Position,
    /// The root of the tree up to and with this block.
    pub(crate) root: Hash,
    count: usize,
    raw: Vec<u8>,
}

impl Block {
    /// Unpacks a stored block whose key says `last`.
    pub(crate) fn unpack(last: Position, stored: &[u8]) -> Result<Block, Damage> {
        let damage = |what| Damage::Block { last, what };
        let header = stored.get(..HEADER).ok_or_else(|| damage("shorter than its header"))?;
        if header[0] != VERSION {
            return Err(damage("unknown version"));
        }
        let int = |from: usize| u32::from_le_bytes(header[from..from + 4].try_into().unwrap_or_default()) as usize;
        let first = Position(u64::from_le_bytes(header[1..9].try_into().unwrap_or_default()));
        let count = int(9);
        let root: Hash = header[13..45].try_into().unwrap_or_default();
        let raw_len = int(45);
        if count == 0 || first.0.checked_add(count as u64 - 1) != Some(last.0) {
            return Err(damage("key and header disagree"));
        }
        if raw_len > RAW_BYTES_MAX || raw_len / 4 < count {
            return Err(damage("impossible length"));
        }
        let raw = zstd::bulk::decompress(&stored[HEADER..], raw_len).map_err(|_| damage("does not unpack"))?;
        let block = Block { first, root, count, raw };
        let bytes = raw_len.saturating_sub(count * 4);
        let ordered = (0..count).all(|at| block.start(at) <= block.end(at));
        if block.raw.len() != raw_len || !ordered || block.end(count - 1) != bytes {
            return Err(damage("lengths do not add up"));
        }
        Ok(block)
    }

    pub(crate) fn last(&self) -> Position {
        Position(self.first.0 + self.count as u64 - 1)
    }

    /// The bytes of the record at `position`, if it is in this block.
    pub(crate) fn record(&self, position: Position) -> Option<&[u8]> {
        let at = usize::try_from(position.0.checked_sub(self.first.0)?).ok().filter(|at| *at < self.count)?;
        let bytes = self.count * 4;
        self.raw.get(bytes + self.start(at)..bytes + self.end(at))
    }

    /// All records, in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = (Position, &[u8])> {
        (0..self.count as u64).filter_map(|at| {
            let position = Position(self.first.0 + at);
            self.record(position).map(|bytes| (position, bytes))
        })
    }

    fn end(&self, at: usize) -> usize {
        self.raw.get(at * 4..at * 4 + 4).map_or(0, |end| u32::from_le_bytes([end[0], end[1], end[2], end[3]]) as usize)
    }

    fn start(&self, at: usize) -> usize {
        if at == 0 { 0 } else { self.end(at - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger_core::record::{Cause, Timer, Verdict};
    use ledger_core::units::{At, MemberNo};

    #[test]
    fn records_come_back_as_they_went_and_no_damage_passes() {
        let mut staged = Staged::new(Position(5), 0);
        for n in 0..600u32 {
            let cause = Cause::Timer { member: MemberNo(n), due: At(7), timer: Timer::Tier };
            staged.push(Record { at: At(i64::from(n)), program: 1, cause, verdict: Verdict::default() });
        }
        let mut tree = Frontier::default();
        let blocks = staged.pack(&mut tree).expect("packs");
        assert_eq!(blocks.iter().map(|(last, _)| last.0).collect::<Vec<_>>(), [260, 516, 604]);
        let bytes_of = |position: Position| {
            let mut bytes = Vec::new();
            encode(staged.record(position).expect("staged"), &mut bytes).expect("encodes");
            bytes
        };
        for (last, stored) in &blocks {
            let block = Block::unpack(*last, stored).expect("unpacks");
            assert!(block.records().all(|(position, bytes)| bytes == bytes_of(position)));
        }
        let (last, stored) = &blocks[2];
        for at in (0..stored.len()).filter(|at| !(13..45).contains(at)) {
            let mut damaged = stored.clone();
            damaged[at] ^= 1;
            let same = |block: Block| block.records().all(|(at, bytes)| bytes == bytes_of(at));
            assert!(!Block::unpack(*last, &damaged).is_ok_and(same), "byte {at} changed unnoticed");
        }
    }
}
