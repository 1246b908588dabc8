//! Blocks: records on their way to disk and back, up to 256 at a time, compressed.
//!
//! ```text
//! version u8 | check 8 bytes | first u64 | count u32 | root 32 bytes | raw_len u32 | zstd frame
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
use sha2::{Digest, Sha256};

/// Most records in one block.
pub(crate) const BLOCK_RECORDS: usize = 256;
/// Largest block, unpacked: 128 MiB.
const RAW_BYTES_MAX: usize = 128 << 20;
const VERSION: u8 = 1;
/// A block ends once it is so long, unpacked: 1 MiB, and one record more.
const BLOCK_BYTES: usize = 1 << 20;
const HEADER: usize = 1 + CHECK + 8 + 4 + 32 + 4;
const CHECK: usize = 8;
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
        let mut packer = zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(io)?;
        let mut blocks = Vec::with_capacity(self.len().div_ceil(BLOCK_RECORDS));
        let mut open = Open { first: self.first, ends: Vec::with_capacity(BLOCK_RECORDS * 4), bytes: Vec::new() };
        for record in &self.records {
            let start = open.bytes.len();
            encode(record, &mut open.bytes)?;
            tree.append(leaf(&open.bytes[start..]));
            open.ends.extend_from_slice(&(open.bytes.len() as u32).to_le_bytes());
            if open.count() == BLOCK_RECORDS as u32 || open.bytes.len() >= BLOCK_BYTES {
                blocks.push(open.close(&tree.root(), &mut packer)?);
            }
        }
        if open.count() > 0 {
            blocks.push(open.close(&tree.root(), &mut packer)?);
        }
        Ok(blocks)
    }
}

/// A block in the making.
struct Open {
    first: u64,
    ends: Vec<u8>,
    bytes: Vec<u8>,
}

impl Open {
    fn count(&self) -> u32 {
        self.ends.len() as u32 / 4
    }

    /// The block, and its last position; the next one begins behind it.
    fn close(&mut self, root: &Hash, packer: &mut zstd::bulk::Compressor<'_>) -> Result<(Position, Vec<u8>), Damage> {
        let count = self.count();
        self.ends.append(&mut self.bytes);
        let raw = &self.ends;
        if raw.len() > RAW_BYTES_MAX {
            return Err(Corrupt::Bytes { what: "a block of more than 128 MiB" }.into());
        }
        let packed = packer.compress(raw).map_err(io)?;
        let mut block = Vec::with_capacity(HEADER + packed.len());
        block.push(VERSION);
        block.extend_from_slice(&[0; CHECK]);
        block.extend_from_slice(&self.first.to_le_bytes());
        block.extend_from_slice(&count.to_le_bytes());
        block.extend_from_slice(root);
        block.extend_from_slice(&(raw.len() as u32).to_le_bytes());
        block.extend_from_slice(&packed);
        let check = check(&block);
        block[1..1 + CHECK].copy_from_slice(&check);
        self.ends.clear();
        self.first += u64::from(count);
        Ok((Position(self.first - 1), block))
    }
}

/// What a block's check must be: zstd ignores some bits of its frames, and they must not change either.
fn check(block: &[u8]) -> [u8; CHECK] {
    let hash = Sha256::digest(&block[1 + CHECK..]);
    let mut check = [0; CHECK];
    check.copy_from_slice(&hash[..CHECK]);
    check
}

fn io(error: std::io::Error) -> Damage {
    Damage::Database(error.to_string())
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
        if header[1..1 + CHECK] != check(stored) {
            return Err(damage("is not what was written"));
        }
        let first = Position(u64::from_le_bytes(header[9..17].try_into().unwrap_or_default()));
        let count = int(17);
        let root: Hash = header[21..53].try_into().unwrap_or_default();
        let raw_len = int(53);
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
    use ledger_core::bytes::decode;
    use ledger_core::event::{self, Body, Event, MemberRef, RiskKeys};
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
        for bit in 0..stored.len() * 8 {
            let mut damaged = stored.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Block::unpack(*last, &damaged).is_err(), "bit {bit} changed unnoticed");
        }
    }
    #[test]
    fn no_block_is_too_large_to_be_read_back() {
        let text = "x".repeat(512 << 10);
        let mut staged = Staged::new(Position(1), 0);
        for n in 0..300i64 {
            let body = Body::ProgramPublished(event::ProgramPublished { text: text.as_str().into() });
            let keys = RiskKeys::default();
            let event = Event {
                source: "s".into(),
                id: "i".into(),
                occurred_at: At(n),
                member: MemberRef::Nobody,
                keys,
                origin: None,
                body,
            };
            staged.push(Record { at: At(n), program: 0, cause: Cause::Event(event), verdict: Verdict::default() });
        }
        let mut read = 0;
        for (last, stored) in staged.pack(&mut Frontier::default()).expect("packs") {
            let block = Block::unpack(last, &stored).expect("what was written can be read");
            for (position, bytes) in block.records() {
                read += 1;
                assert_eq!(position, Position(read), "every record, in order");
                assert_eq!(&decode::<Record>(bytes).expect("decodes"), staged.record(position).expect("staged"));
            }
        }
        assert_eq!(read, 300);
    }
}
