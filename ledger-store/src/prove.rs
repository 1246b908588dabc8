//! Prove: hashes of the tree over the log, from the rows that commits keep and, below those, from records.
//!
//! The rows have the subtrees of 256 leaves, of 256 of those, and so on. What is smaller is hashed again when it is
//! asked for, unless it is in memory: the leaves of one such subtree for the record that is proved, and of another
//! where the tree ends. Nothing is handed out that does not lead to the root.

use crate::block::Block;
use crate::causes::Entry;
use crate::checkpoint::{Shown, ShownCause};
use crate::disk::Disk;
use crate::error::{Damage, ReadError};
use crate::keys;
use crate::notes::VerifierKey;
use crate::shard::Handle;
use crate::signer::Signed;
use crate::tiles::{Tile, Tiles};
use crate::verify::FINDINGS_MAX;
use ledger_core::inclusion::{TreeHead, consistency, inclusion, join, root_of, subtrees};
use ledger_core::merkle::{FANOUT, FANOUT_HEIGHT, Frontier, Hash, Subtree};
use ledger_core::salts::SaltWalk;
use ledger_core::units::Position;
use std::ops::Range;
use std::sync::Arc;

/// The tree over the log, as a reader of the disk sees it.
pub(crate) struct StoredTree<'a> {
    disk: &'a Disk,
    tiles: &'a Tiles,
    /// The block of the record that is proved.
    block: Option<Block>,
    salts: SaltWalk,
}

impl<'a> StoredTree<'a> {
    pub(crate) fn new(disk: &'a Disk, tiles: &'a Tiles) -> Result<StoredTree<'a>, Damage> {
        Ok(StoredTree { disk, tiles, block: None, salts: disk.salt_walk()? })
    }

    /// The tree of the first `size` records. The log must have them.
    pub(crate) fn head(&mut self, size: u64) -> Result<TreeHead, Damage> {
        Ok(TreeHead { size, root: self.span(0..size)? })
    }

    /// Whether the rows are those of the log that ends with this tree: those at its right edge, which commits go on
    /// from. `verify` compares all.
    pub(crate) fn must_end_as(&mut self, tree: &Frontier) -> Result<(), Damage> {
        let kept = |(subtree, _): &(Subtree, &Hash)| subtree.height >= FANOUT_HEIGHT;
        for (subtree, hash) in tree.peaks().filter(kept) {
            if self.subtree(subtree)? != *hash {
                return Err(astray());
            }
        }
        Ok(())
    }

    /// The hash over a span of leaves that a proof names.
    fn span(&mut self, span: Range<u64>) -> Result<Hash, Damage> {
        let hashes: Vec<Hash> = subtrees(span).into_iter().map(|one| self.subtree(one)).collect::<Result<_, _>>()?;
        Ok(join(hashes.into_iter()))
    }

    fn spans(&mut self, spans: Vec<Range<u64>>) -> Result<Vec<Hash>, Damage> {
        spans.into_iter().map(|span| self.span(span)).collect()
    }

    fn subtree(&mut self, Subtree { height, index }: Subtree) -> Result<Hash, Damage> {
        let above = height % FANOUT_HEIGHT;
        let first = index << above;
        let tile = Tile { level: height / FANOUT_HEIGHT, index: first / FANOUT };
        let from = (first % FANOUT) as usize;
        let own = from..from + (1 << above);
        let hashes = self.tile(tile, own.end)?;
        let own = hashes.get(own).ok_or_else(|| missing(tile.level, tile.places().start + hashes.len() as u64))?;
        Ok(root_of(own.iter().copied()))
    }

    /// The hashes of a tile, as many as there are: from memory, if it has so many.
    fn tile(&mut self, tile: Tile, least: usize) -> Result<Arc<[Hash]>, Damage> {
        if let Some(known) = self.tiles.get(tile, least) {
            return Ok(known);
        }
        let hashes = if tile.level == 0 { self.leaves(tile)? } else { self.kept(tile)? };
        let hashes = Arc::from(hashes);
        self.tiles.read(tile, &hashes);
        Ok(hashes)
    }

    /// The hashes of subtrees that commits keep.
    fn kept(&self, tile: Tile) -> Result<Vec<Hash>, Damage> {
        let mut hashes = Vec::with_capacity(FANOUT as usize);
        let rows = self.disk.scan(keys::TREE, &keys::subtree(tile.level, tile.places().start));
        for (place, row) in tile.places().zip(rows) {
            let (key, hash) = row?;
            if *key != keys::subtree(tile.level, place) {
                break;
            }
            hashes.push(hash.as_ref().try_into().map_err(|_| missing(tile.level, place))?);
        }
        Ok(hashes)
    }

    /// The leaves of a tile, hashed from its records.
    fn leaves(&mut self, tile: Tile) -> Result<Vec<Hash>, Damage> {
        let StoredTree { disk, block: own, salts, .. } = self;
        let (first, last) = (Position(tile.places().start + 1), Position(tile.places().end));
        let mut leaves = Vec::with_capacity(FANOUT as usize);
        for stored in disk.stored_blocks(first) {
            let (end, stored) = stored?;
            let unpacked;
            let block = match own.as_ref().filter(|own| own.last() == end) {
                Some(own) => own,
                None => {
                    unpacked = Block::unpack(end, stored, &disk.seals)?;
                    &unpacked
                }
            };
            for at in (block.first.max(first).0..=end.min(last).0).map(Position) {
                leaves.push(block.leaf(at, salts)?);
            }
            if end >= last {
                break;
            }
        }
        Ok(leaves)
    }

    /// What a proof shows of the record at a position, whose block is kept.
    fn shown(&mut self, position: Position, with_cause: bool) -> Result<Option<Shown>, Damage> {
        let Some(block) = self.disk.block(position)? else { return Ok(None) };
        let block = self.block.insert(block);
        let Some(verdict) = block.verdict(position) else { return Ok(None) };
        let cause = match (block.entry(position)?, self.salts.salt(position)) {
            (Entry::Plain(bytes), Some(salt)) if with_cause => ShownCause::Bytes { salt, cause: bytes.to_vec() },
            _ => ShownCause::Hash(block.cause_hash(position, &mut self.salts)?),
        };
        Ok(Some(Shown { verdict: verdict.to_vec(), cause }))
    }

    /// A record, and the hashes that lead from it to the root of a tree. The log must have both.
    pub(crate) fn inclusion(
        &mut self,
        index: u64,
        head: &TreeHead,
        with_cause: bool,
    ) -> Result<Option<(Shown, Vec<Hash>)>, Damage> {
        let Some(spans) = inclusion(index, head.size) else { return Ok(None) };
        let shown = self.shown(Position(index + 1), with_cause)?.ok_or_else(|| missing(0, index))?;
        let hashes = self.spans(spans)?;
        if head.includes(index, &shown.leaf(), &hashes) { Ok(Some((shown, hashes))) } else { Err(astray()) }
    }

    /// The hashes that show that one tree begins with the other.
    pub(crate) fn consistency(&mut self, old: u64, head: &TreeHead) -> Result<Option<Vec<Hash>>, Damage> {
        let Some(spans) = consistency(old, head.size) else { return Ok(None) };
        let hashes = self.spans(spans)?;
        let older = self.head(old)?;
        if head.extends(&older, &hashes) { Ok(Some(hashes)) } else { Err(astray()) }
    }
}

impl Handle {
    /// The checkpoint that was signed last; none if none ever was.
    pub fn checkpoint(&self) -> Option<Arc<Signed>> {
        self.inner.signer.last()
    }

    /// What verifies the checkpoints that are signed now; nothing if none are.
    pub fn checkpoint_keys(&self) -> Vec<VerifierKey> {
        self.inner.signer.keys()
    }

    fn stored_tree(&self) -> Result<StoredTree<'_>, Damage> {
        StoredTree::new(&self.inner.disk, &self.inner.tiles)
    }

    /// The tree over the first `size` records; `None` if the log does not have so many. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`].
    pub fn tree_head(&self, size: u64) -> Result<Option<TreeHead>, ReadError> {
        if size > self.committed().0 {
            return Ok(None);
        }
        Ok(Some(self.stored_tree()?.head(size)?))
    }

    /// What a proof shows of the record at a position, and the hashes that lead from it to the root of a tree of this
    /// log; `None` if the tree or the log does not have it. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`].
    pub fn prove_inclusion(
        &self,
        position: Position,
        head: &TreeHead,
        with_cause: bool,
    ) -> Result<Option<(Shown, Vec<Hash>)>, ReadError> {
        match position.0.checked_sub(1) {
            Some(index) if head.size <= self.committed().0 => {
                Ok(self.stored_tree()?.inclusion(index, head, with_cause)?)
            }
            _ => Ok(None),
        }
    }

    /// The hashes that show that a tree of this log begins with the first `old` records; `None` if there are not so
    /// many in it. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`].
    pub fn prove_consistency(&self, old: u64, head: &TreeHead) -> Result<Option<Vec<Hash>>, ReadError> {
        if head.size > self.committed().0 {
            return Ok(None);
        }
        Ok(self.stored_tree()?.consistency(old, head)?)
    }
}

/// Compares the hashes of subtrees that are stored with those of the log.
pub(crate) struct Subtrees<'a> {
    disk: &'a Disk,
    /// There is no snapshot: what is missing is written when the ledger is opened.
    may_lack: bool,
    compared: u64,
    found: u64,
    astray: Vec<Subtree>,
    damage: Result<(), Damage>,
}

impl<'a> Subtrees<'a> {
    pub(crate) fn new(disk: &'a Disk, may_lack: bool) -> Subtrees<'a> {
        Subtrees { disk, may_lack, compared: 0, found: 0, astray: Vec::new(), damage: Ok(()) }
    }

    pub(crate) fn compare(&mut self, subtree: Subtree, hash: &Hash) {
        self.compared += 1;
        let is_right = match self.disk.get(keys::TREE, &keys::subtree(subtree.height / FANOUT_HEIGHT, subtree.index)) {
            Ok(Some(stored)) => {
                self.found += 1;
                *stored == hash[..]
            }
            Ok(None) => self.may_lack,
            Err(damage) => {
                self.damage = Err(damage);
                true
            }
        };
        if !is_right && self.astray.len() < FINDINGS_MAX {
            self.astray.push(subtree);
        }
    }

    pub(crate) fn compared(&self) -> u64 {
        self.compared
    }

    /// What differs.
    pub(crate) fn findings(self) -> Result<Vec<String>, Damage> {
        self.damage?;
        let told = |Subtree { height, index }: &Subtree| {
            let level = height / FANOUT_HEIGHT;
            format!("tree {level}/{index} is not stored as the log has it; `ledgerd rebuild` writes it")
        };
        let mut findings: Vec<String> = self.astray.iter().map(told).collect();
        let stored = self.disk.scan(keys::TREE, b"").count() as u64;
        if stored != self.found {
            findings.push(format!("{stored} hashes of the tree are stored, and the log has {} of them", self.found));
        }
        Ok(findings)
    }
}

fn missing(level: u32, index: u64) -> Damage {
    Damage::Row { row: format!("tree {level}/{index}"), what: "is missing".into() }
}

fn astray() -> Damage {
    Damage::Row { row: "tree".into(), what: "does not lead to the root of the log".into() }
}
