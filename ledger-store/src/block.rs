//! Blocks: records on their way to disk and back, up to 256 at a time, compressed.
//!
//! ```text
//! version u8 | check 8 bytes | root 32 bytes | count - 1 u8 | cause_check 8 bytes | verdict_len u32, variable
//!     | verdict frame | cause frame, which is sealed under a key
//! frame: 0, then raw; or a zstd frame of raw without its magic number
//! raw: (count - 1) × length u32, then the parts one behind the other
//! ```
//! The verdict parts and the cause parts of the records are in frames of their own: whoever folds unpacks the
//! first alone. What follows from the rest is not said again: where the block stands is in its key, and under its
//! check. A cause can be held back; its hash stands in its place then. The root is that of the tree over the whole
//! log up to this block (RFC 6962), so a block vouches for everything before it.

use crate::causes::{Causes, Entry};
use crate::check::{CHECK, check};
use crate::error::Damage;
use crate::frame::{Frame, Packer, Parts, put_length, take_length};
use crate::sealing::{Own, Seals};
use ledger_core::bytes::decode;
use ledger_core::merkle::{Frontier, Hash, Subtree, record_leaf};
use ledger_core::record::Record;
use ledger_core::salts::SaltWalk;
use ledger_core::units::Position;
use std::ops::Range;
use std::sync::OnceLock;

/// Most records in one block.
pub(crate) const BLOCK_RECORDS: usize = 256;
/// What was said is in clear.
const VERSION: u8 = 3;
/// What was said is sealed.
const SEALED_VERSION: u8 = 4;
/// A block ends once its records are so long, unpacked: 1 MiB, and one record more.
const BLOCK_BYTES: usize = 1 << 20;
/// Where parts of the header begin; what has no fixed length is the last of them.
const ROOT: usize = 1 + CHECK;
const COUNT: usize = ROOT + 32;
const CAUSE_CHECK: usize = COUNT + 1;
const VERDICT_LEN: usize = CAUSE_CHECK + CHECK;

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

    /// Packs everything into blocks, and grows the tree by its leaves, which are noted. `completed` is told the
    /// subtrees whose hashes are kept.
    pub(crate) fn pack(
        &self,
        (tree, leaves): (&mut Frontier, &mut Vec<Hash>),
        (salts, seals): (&mut SaltWalk, &Seals),
        mut completed: impl FnMut(Subtree, &Hash),
    ) -> Result<Vec<(Position, Vec<u8>)>, Damage> {
        let mut packer = Packer::new()?;
        let mut blocks = Vec::with_capacity(self.len().div_ceil(BLOCK_RECORDS));
        let (verdicts, causes, hashes) = Default::default();
        let mut open = Open { first: self.first, seals, verdicts, causes, hashes };
        for (position, record) in (self.first..).map(Position).zip(&self.records) {
            record.encode(&mut open.verdicts.bytes, &mut open.causes.bytes)?;
            let (verdict, cause) = (open.verdicts.end_part(), open.causes.end_part());
            let entry = if cause.is_empty() { Entry::None } else { Entry::Plain(cause) };
            let hash = entry.hash(position, salts)?;
            let leaf = record_leaf(verdict, &hash);
            open.hashes.extend_from_slice(&hash);
            leaves.push(leaf);
            tree.append_and_tell(leaf, &mut completed);
            if open.count() == BLOCK_RECORDS || open.verdicts.end + open.causes.end >= BLOCK_BYTES {
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
struct Open<'s> {
    first: u64,
    seals: &'s Seals,
    verdicts: Parts,
    causes: Parts,
    /// The hash of what was said in each.
    hashes: Vec<u8>,
}

impl Open<'_> {
    fn count(&self) -> usize {
        self.verdicts.count()
    }

    /// The block, and its last position; the next one begins behind it.
    fn close(&mut self, root: &Hash, packer: &mut Packer) -> Result<(Position, Vec<u8>), Damage> {
        let count = self.count();
        let (verdicts, causes) = (self.verdicts.pack(packer)?, self.causes.pack(packer)?);
        let sealed = Causes::seal(self.seals, Position(self.first), &causes, &self.hashes, packer)?;
        self.hashes.clear();
        let (version, causes) = sealed.map_or((VERSION, causes), |sealed| (SEALED_VERSION, sealed));
        let mut block = Vec::with_capacity(VERDICT_LEN + 5 + verdicts.len() + causes.len());
        block.push(version);
        block.extend_from_slice(&[0; CHECK]);
        block.extend_from_slice(root);
        block.push((count - 1) as u8);
        block.extend_from_slice(&check(&[&causes]));
        put_length(&mut block, verdicts.len());
        block.extend_from_slice(&verdicts);
        self.first += count as u64;
        let last = Position(self.first - 1);
        let check = check_at(last, &block);
        block[1..ROOT].copy_from_slice(&check);
        block.extend_from_slice(&causes);
        Ok((last, block))
    }
}

/// The check of a block up to the end of its verdict frame, at its place: zstd ignores some bits of its frames, and
/// they must not change either.
fn check_at(last: Position, block: &[u8]) -> [u8; CHECK] {
    check(&[&last.0.to_le_bytes(), block.get(ROOT..).unwrap_or_default()])
}

/// A block read back: its verdict parts, checked for length and checksum, not yet decoded. The cause parts are
/// unpacked when somebody asks for one.
#[derive(Debug)]
pub(crate) struct Block {
    /// The position of its first record.
    pub(crate) first: Position,
    /// The root of the tree up to and with this block.
    pub(crate) root: Hash,
    count: usize,
    verdicts: Frame,
    stored: Box<[u8]>,
    /// Where the cause parts begin in `stored`.
    causes_from: usize,
    causes: OnceLock<Causes>,
    seals: Seals,
}

/// Where a block's frame of verdicts begins and ends.
fn verdicts_of(stored: &[u8]) -> Result<Range<usize>, &'static str> {
    match stored.first() {
        Some(&(VERSION | SEALED_VERSION)) => {}
        Some(_) => return Err("unknown version"),
        None => return Err("shorter than its header"),
    }
    let (length, frames) = stored.get(VERDICT_LEN..).and_then(take_length).ok_or("shorter than its header")?;
    if length > frames.len() {
        return Err("shorter than its verdicts");
    }
    let from = stored.len() - frames.len();
    Ok(from..from + length)
}

/// How many records a block says it has.
fn count_of(stored: &[u8]) -> Option<usize> {
    stored.get(COUNT).map(|count| usize::from(*count) + 1)
}

impl Block {
    /// Unpacks a stored block whose key says `last`. What was said in it is opened by `seals`, once it is asked for.
    pub(crate) fn unpack(last: Position, stored: Box<[u8]>, seals: &Seals) -> Result<Block, Damage> {
        let damage = |what| Damage::Block { last, what };
        let own = verdicts_of(&stored).map_err(damage)?;
        if stored[1..ROOT] != check_at(last, &stored[..own.end]) {
            return Err(damage("is not what was written"));
        }
        let count = count_of(&stored).unwrap_or_default();
        let before = last.0.checked_sub(count as u64).ok_or_else(|| damage("has more records than stand before it"))?;
        let root: Hash = stored[ROOT..COUNT].try_into().unwrap_or_default();
        let verdicts = Frame::unpack(&stored[own.clone()], count).map_err(damage)?;
        let (first, causes_from) = (Position(before + 1), own.end);
        Ok(Block { first, root, count, verdicts, stored, causes_from, causes: OnceLock::new(), seals: seals.clone() })
    }

    /// Unpacks a block that stands without its causes, behind a position; answers also with what stands behind it.
    pub(crate) fn unpack_verdicts(before: Position, bytes: &[u8]) -> Result<(Block, &[u8]), Damage> {
        let last = Position(before.0.saturating_add(count_of(bytes).unwrap_or_default() as u64));
        let own = verdicts_of(bytes).map_err(|what| Damage::Block { last, what })?;
        let (stored, behind) = bytes.split_at(own.end);
        Ok((Block::unpack(last, stored.into(), &Seals::unread())?, behind))
    }

    /// The block as it is stored, without its causes.
    pub(crate) fn without_causes(&self) -> &[u8] {
        &self.stored[..self.causes_from]
    }

    pub(crate) fn last(&self) -> Position {
        Position(self.first.0 + self.count as u64 - 1)
    }

    /// The bytes of the verdict part at `position`, if it is in this block.
    pub(crate) fn verdict(&self, position: Position) -> Option<&[u8]> {
        self.verdicts.part(self.place(position)?)
    }

    /// All verdict parts, in order.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = (Position, &[u8])> {
        (self.first.0..=self.last().0).map(Position).filter_map(|at| self.verdict(at).map(|bytes| (at, bytes)))
    }

    /// What was said at `position`, which is in this block.
    pub(crate) fn entry(&self, position: Position) -> Result<Entry<'_>, Damage> {
        let damage = |what| Damage::Block { last: self.last(), what };
        let at = self.place(position).ok_or_else(|| damage("has no such record"))?;
        self.causes()?.entry(at).map_err(damage)
    }

    /// The hash of what was said at `position`, which is in this block.
    pub(crate) fn cause_hash(&self, position: Position, salts: &mut SaltWalk) -> Result<Hash, Damage> {
        let hash = self.entry(position)?.hash(position, salts)?;
        let causes = self.causes()?;
        match self.place(position).and_then(|at| causes.hash(at)) {
            Some(told) if *told != hash => {
                Err(Damage::Block { last: self.last(), what: "what was said is not what the hash beside it says" })
            }
            _ => Ok(hash),
        }
    }

    /// The record at `position`, if it is in this block.
    pub(crate) fn record(&self, position: Position) -> Result<Option<Record>, Damage> {
        let Some(verdict) = self.verdict(position) else { return Ok(None) };
        self.entry(position)?.join(decode(verdict)?).map(Some)
    }

    /// The root behind one of its records, of a tree that ends before it.
    pub(crate) fn root_at(&self, position: Position, tree: &Frontier, salts: &SaltWalk) -> Result<Hash, Damage> {
        let mut tree = tree.clone();
        self.grow_to(position, &mut tree, &mut salts.clone(), |_, _| ())?;
        Ok(tree.root())
    }

    /// The hash of the record at `position`, which is in this block.
    pub(crate) fn leaf(&self, position: Position, salts: &mut SaltWalk) -> Result<Hash, Damage> {
        let verdict = self.verdict(position).unwrap_or_default();
        Ok(record_leaf(verdict, &self.cause_hash(position, salts)?))
    }

    fn grow_to(
        &self,
        to: Position,
        tree: &mut Frontier,
        salts: &mut SaltWalk,
        mut completed: impl FnMut(Subtree, &Hash),
    ) -> Result<(), Damage> {
        for position in (self.first.0..=self.last().min(to).0).map(Position) {
            tree.append_and_tell(self.leaf(position, salts)?, &mut completed);
        }
        Ok(())
    }

    /// Grows the tree by the block's records, which must come to the block's root. `completed` is told the subtrees
    /// whose hashes are kept.
    pub(crate) fn grow(
        &self,
        tree: &mut Frontier,
        salts: &mut SaltWalk,
        completed: impl FnMut(Subtree, &Hash),
    ) -> Result<(), Damage> {
        self.grow_to(self.last(), tree, salts, completed)?;
        if tree.root() == self.root && tree.size() == self.last().0 {
            return Ok(());
        }
        Err(Damage::Block { last: self.last(), what: "the tree has another root: a record was changed" })
    }

    fn place(&self, position: Position) -> Option<usize> {
        usize::try_from(position.0.checked_sub(self.first.0)?).ok().filter(|at| *at < self.count)
    }

    /// The cause parts, unpacked and checked once.
    fn causes(&self) -> Result<&Causes, Damage> {
        if let Some(causes) = self.causes.get() {
            return Ok(causes);
        }
        let damage = |what| Damage::Block { last: self.last(), what };
        let packed = self.stored.get(self.causes_from..).unwrap_or_default();
        if self.stored[CAUSE_CHECK..VERDICT_LEN] != check(&[packed]) {
            return Err(damage("its causes are not what was written"));
        }
        let causes = if self.stored[0] == SEALED_VERSION {
            Causes::open(&self.seals, self.first, packed, self.count)?
        } else {
            self.seals.admit_plain(Own::Causes(self.first))?;
            Causes::unpack(packed, self.count).map_err(damage)?
        };
        Ok(self.causes.get_or_init(|| causes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger_core::event::{self, Body, Event, MemberRef, RiskKeys};
    use ledger_core::merkle::NO_CAUSE;
    use ledger_core::record::{Timer, Verdict, VerdictPart, Why};
    use ledger_core::salts::Salts;
    use ledger_core::units::{At, MemberNo};

    #[test]
    fn records_come_back_as_they_went_and_no_damage_passes() {
        [Seals::default(), Seals::under(Some([4; 32]))].iter().for_each(no_damage_passes);
    }

    fn no_damage_passes(seals: &Seals) {
        let mut staged = Staged::new(Position(5), 0);
        for n in 0..600u32 {
            let (at, why) = (At(i64::from(n)), Why::Timer { member: MemberNo(n), due: At(7), timer: Timer::Tier });
            let timed = VerdictPart { at, program: 1, why, verdict: Verdict::default() };
            staged.push(if n % 3 == 0 { Record::said(at, 1, check_in(n), Verdict::default()) } else { timed.into() });
        }
        let salts = || SaltWalk::from(Salts::new([3; 16]));
        let mut tree = Frontier::default();
        (1..5).for_each(|_| tree.append(NO_CAUSE));
        let mut read = tree.clone();
        let blocks = staged.pack((&mut tree, &mut Vec::new()), (&mut salts(), seals), |_, _| ()).expect("packs");
        assert_eq!(blocks.iter().map(|(last, _)| last.0).collect::<Vec<_>>(), [260, 516, 604]);
        for (last, stored) in &blocks {
            let block = Block::unpack(*last, stored.as_slice().into(), seals).expect("unpacks");
            for (position, _) in block.verdicts() {
                assert_eq!(block.record(position).expect("reads").as_ref(), staged.record(position));
            }
            block.grow(&mut read, &mut salts(), |_, _| ()).expect("it has its root");
        }
        assert_eq!(read.root(), tree.root());
        let (last, stored) = &blocks[2];
        for bit in 0..stored.len() * 8 {
            let mut damaged = stored.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let read = Block::unpack(*last, damaged.into(), seals).and_then(|block| block.record(*last));
            assert!(read.is_err(), "bit {bit} changed unnoticed");
        }
        for length in 0..stored.len() {
            let read = Block::unpack(*last, stored[..length].into(), seals).and_then(|block| block.record(*last));
            assert!(read.is_err(), "cut to {length} unnoticed");
        }
    }

    fn check_in(n: u32) -> Event<MemberRef> {
        let (id, member, body) = (n.to_string().into(), MemberRef::Known(MemberNo(n)), Body::CheckIn(event::CheckIn));
        let (occurred_at, keys) = (At(7), RiskKeys::default());
        Event { source: "s".into(), id, occurred_at, member, keys, origin: None, body }
    }

    #[test]
    fn no_block_is_too_large_to_be_read_back() {
        let text = "x".repeat(512 << 10);
        let mut staged = Staged::new(Position(1), 0);
        for n in 0..300u32 {
            let body = Body::ProgramPublished(event::ProgramPublished { text: text.as_str().into() });
            let event = Event { member: MemberRef::Nobody, body, ..check_in(n) };
            staged.push(Record::said(At(i64::from(n)), 0, event, Verdict::default()));
        }
        let (mut read, mut salts) = (0, SaltWalk::from(Salts::new([3; 16])));
        let seals = Seals::under(Some([4; 32]));
        let tree = (&mut Frontier::default(), &mut Vec::new());
        for (last, stored) in staged.pack(tree, (&mut salts, &seals), |_, _| ()).expect("packs") {
            let block = Block::unpack(last, stored.into(), &seals).expect("what was written can be read");
            for (position, _) in block.verdicts() {
                read += 1;
                assert_eq!(position, Position(read), "every record, in order");
                assert_eq!(block.record(position).expect("reads").as_ref(), staged.record(position));
            }
        }
        assert_eq!(read, 300);
    }
}
