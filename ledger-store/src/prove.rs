//! Prove: hashes of the tree over the log, from the rows that commits keep and, below those, from records.
//!
//! The rows have the subtrees of 256 leaves, of 256 of those, and so on. What is smaller is hashed again when it is
//! asked for: the leaves of one such subtree for the record that is proved, and of another where the tree ends.
//! Nothing is handed out that does not lead to the root.

use crate::block::Entry;
use crate::checkpoint::{Shown, ShownCause};
use crate::disk::Disk;
use crate::error::{Damage, ReadError};
use crate::keys;
use crate::notes::VerifierKey;
use crate::shard::Handle;
use crate::signer::Signed;
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
    /// Leaves that were hashed, by the subtree that they are of: a proof asks for two at most.
    hashed: Vec<(u64, Vec<Hash>)>,
    salts: SaltWalk,
}

impl<'a> StoredTree<'a> {
    pub(crate) fn new(disk: &'a Disk) -> Result<StoredTree<'a>, Damage> {
        Ok(StoredTree { disk, hashed: Vec::new(), salts: disk.salt_walk()? })
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
        let level = height / FANOUT_HEIGHT;
        let above = height % FANOUT_HEIGHT;
        let first = index << above;
        if level == 0 {
            let leaves = self.leaves(first / FANOUT)?;
            let from = (first % FANOUT) as usize;
            let own = leaves.get(from..from + (1 << above));
            return own.map(|own| root_of(own.iter().copied())).ok_or_else(|| missing(0, first));
        }
        let mut rows = self.disk.scan(keys::TREE, &keys::subtree(level, first));
        let mut row = |index: u64| -> Result<Hash, Damage> {
            let (key, hash) = rows.next().ok_or_else(|| missing(level, index))??;
            let hash = hash.as_ref().try_into().ok().filter(|_| *key == keys::subtree(level, index));
            hash.ok_or_else(|| missing(level, index))
        };
        let hashes: Vec<Hash> = (first..first + (1 << above)).map(&mut row).collect::<Result<_, _>>()?;
        Ok(root_of(hashes))
    }

    /// The leaves of a subtree of 256, as many as the log has.
    fn leaves(&mut self, subtree: u64) -> Result<&[Hash], Damage> {
        let known = self.hashed.iter().position(|(known, _)| *known == subtree);
        let at = match known {
            Some(at) => at,
            None => {
                let first = Position(subtree * FANOUT + 1);
                let last = Position(first.0 + FANOUT - 1);
                let mut leaves = Vec::with_capacity(FANOUT as usize);
                for block in self.disk.blocks(first) {
                    let block = block?;
                    for at in (block.first.max(first).0..=block.last().min(last).0).map(Position) {
                        leaves.push(block.leaf(at, &mut self.salts)?);
                    }
                    if block.last() >= last {
                        break;
                    }
                }
                self.hashed.push((subtree, leaves));
                self.hashed.len() - 1
            }
        };
        Ok(&self.hashed[at].1)
    }

    /// What a proof shows of the record at a position.
    fn shown(&mut self, position: Position, with_cause: bool) -> Result<Option<Shown>, Damage> {
        let Some(block) = self.disk.block(position)? else { return Ok(None) };
        let Some(verdict) = block.verdict(position) else { return Ok(None) };
        let entry = block.entry(position)?;
        let cause = match (entry, self.salts.salt(position)) {
            (Entry::Plain(bytes), Some(salt)) if with_cause => ShownCause::Bytes { salt, cause: bytes.to_vec() },
            _ => ShownCause::Hash(entry.hash(position, &mut self.salts)?),
        };
        Ok(Some(Shown { verdict: verdict.to_vec(), cause }))
    }

    /// The hashes that lead from a record to the root of a tree. The log must have both.
    pub(crate) fn inclusion(&mut self, index: u64, head: &TreeHead) -> Result<Option<Vec<Hash>>, Damage> {
        let Some(spans) = inclusion(index, head.size) else { return Ok(None) };
        let hashes = self.spans(spans)?;
        let leaf = self.subtree(Subtree { height: 0, index })?;
        if head.includes(index, &leaf, &hashes) { Ok(Some(hashes)) } else { Err(astray()) }
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

    /// The tree over the first `size` records; `None` if the log does not have so many. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`].
    pub fn tree_head(&self, size: u64) -> Result<Option<TreeHead>, ReadError> {
        if size > self.committed().0 {
            return Ok(None);
        }
        Ok(Some(StoredTree::new(&self.inner.disk)?.head(size)?))
    }

    /// What a proof shows of the record at a position; `None` if the log does not go so far. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`].
    pub fn shown(&self, position: Position, with_cause: bool) -> Result<Option<Shown>, ReadError> {
        if position > self.committed() {
            return Ok(None);
        }
        Ok(StoredTree::new(&self.inner.disk)?.shown(position, with_cause)?)
    }

    /// The hashes that lead from the record at a position to the root of a tree of this log; `None` if the tree or
    /// the log does not have it. Reads the disk.
    ///
    /// # Errors
    /// [`ReadError::Damage`].
    pub fn prove_inclusion(&self, position: Position, head: &TreeHead) -> Result<Option<Vec<Hash>>, ReadError> {
        match position.0.checked_sub(1) {
            Some(index) if head.size <= self.committed().0 => {
                Ok(StoredTree::new(&self.inner.disk)?.inclusion(index, head)?)
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
        Ok(StoredTree::new(&self.inner.disk)?.consistency(old, head)?)
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
