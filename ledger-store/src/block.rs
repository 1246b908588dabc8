//! Blocks: records on their way to disk and back, up to 256 at a time, compressed.
//!
//! ```text
//! version u8 | first u64 | count u32 | root 32 bytes | raw_len u32 | zstd frame with checksum
//! raw: count × end u32, then the records' bytes; record i is bytes[end(i-1) .. end(i)]
//! ```
//! The root is that of the tree over the whole log up to this block (RFC 6962), so a block vouches
//! for everything before it.

use crate::error::Damage;
use ledger_core::merkle::{Frontier, Hash, leaf};
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
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Staged {
    pub(crate) fn new(first: Position) -> Staged {
        Staged { first: first.0, ..Staged::default() }
    }

    /// Where the next record's bytes go; call [`Staged::end`] behind them.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Ends the record that was just written. `false` if the batch is past 4 GiB.
    pub(crate) fn end(&mut self) -> bool {
        u32::try_from(self.bytes.len()).map(|end| self.ends.push(end)).is_ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The position behind the last record.
    pub(crate) fn last(&self) -> Position {
        Position(self.first + self.ends.len() as u64 - 1)
    }

    /// The bytes of a record, if it is in here.
    pub(crate) fn record(&self, position: Position) -> Option<&[u8]> {
        let at = usize::try_from(position.0.checked_sub(self.first)?).ok()?;
        let end = *self.ends.get(at)? as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        Some(&self.bytes[start..end])
    }

    /// Packs everything into blocks and grows the tree by it.
    pub(crate) fn pack(&self, tree: &mut Frontier) -> std::io::Result<Vec<(Position, Vec<u8>)>> {
        let mut packer = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
        packer.include_checksum(true)?;
        let mut blocks = Vec::with_capacity(self.len().div_ceil(BLOCK_RECORDS));
        let mut raw = Vec::new();
        for (n, ends) in self.ends.chunks(BLOCK_RECORDS).enumerate() {
            let at = n * BLOCK_RECORDS;
            let start = if at == 0 { 0 } else { self.ends[at - 1] };
            let stop = ends[ends.len() - 1];
            raw.clear();
            let mut from = start;
            for end in ends {
                raw.extend_from_slice(&(end - start).to_le_bytes());
                tree.append(leaf(&self.bytes[from as usize..*end as usize]));
                from = *end;
            }
            raw.extend_from_slice(&self.bytes[start as usize..stop as usize]);
            let first = self.first + at as u64;
            let packed = packer.compress(&raw)?;
            let mut block = Vec::with_capacity(HEADER + packed.len());
            block.push(VERSION);
            block.extend_from_slice(&first.to_le_bytes());
            block.extend_from_slice(&(ends.len() as u32).to_le_bytes());
            block.extend_from_slice(&tree.root());
            block.extend_from_slice(&(raw.len() as u32).to_le_bytes());
            block.extend_from_slice(&packed);
            blocks.push((Position(first + ends.len() as u64 - 1), block));
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
        let header = stored.get(..HEADER).ok_or(damage("shorter than its header"))?;
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

    #[test]
    fn records_come_back_as_they_went_and_no_damage_passes() {
        let mut staged = Staged::new(Position(5));
        for n in 0..600u32 {
            staged.bytes().extend_from_slice(&vec![n as u8; n as usize % 50]);
            assert!(staged.end());
        }
        let mut tree = Frontier::default();
        let blocks = staged.pack(&mut tree).expect("packs");
        assert_eq!(blocks.iter().map(|(last, _)| last.0).collect::<Vec<_>>(), [260, 516, 604]);
        for (last, stored) in &blocks {
            let block = Block::unpack(*last, stored).expect("unpacks");
            for (position, bytes) in block.records() {
                assert_eq!(Some(bytes), staged.record(position));
            }
        }
        let (last, stored) = &blocks[2];
        for at in (0..stored.len()).filter(|at| !(13..45).contains(at)) {
            let mut damaged = stored.clone();
            damaged[at] ^= 1;
            let same = |block: Block| block.records().all(|(at, bytes)| Some(bytes) == staged.record(at));
            assert!(!Block::unpack(*last, &damaged).is_ok_and(same), "byte {at} changed unnoticed");
        }
    }
}
