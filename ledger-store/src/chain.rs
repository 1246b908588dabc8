//! Chain: the log as a chain of commits. A commit is one value: what became durable together, in which blocks, and
//! where the sources of it stood behind it. Each holds the hash of the one before, the first that of the ledger's
//! identity; the root of the tree binds its records. Where sources stand is a fold of the commits.

use crate::disk::Disk;
use crate::error::Damage;
use crate::identity::Identity;
use crate::keys;
use ledger_core::bytes::{decode, encode};
use ledger_core::merkle::{Frontier, Hash};
use ledger_core::units::{At, Position};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Before what is hashed of a commit: leaves have 0, nodes 1, salts 2.
const HASH_PREFIX: u8 = 3;

/// What became durable together. Its number is its key; the root behind it is in its last block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Commit {
    /// The hash of the commit before.
    pub(crate) before: Hash,
    /// What the clock said.
    pub(crate) at: At,
    /// How many records the log has with it.
    pub(crate) size: u64,
    /// How many records each of its blocks has, in order.
    pub(crate) blocks: Vec<u32>,
    /// Where sources stand behind it, of those that moved, in order of their names.
    pub(crate) cursors: Vec<(Box<str>, u64)>,
    /// Says that the ledger went on from a copy.
    pub(crate) restored: Option<Restored>,
}

/// A ledger that went on from a copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restored {
    /// The lineage that begins behind this commit.
    pub lineage: u32,
    /// How far the ledger is known to have reached before: what lies behind the copy's end is lost.
    pub reached: u64,
}

/// Where the chain stands behind a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    /// The commit's number; 0 is none.
    pub(crate) number: u64,
    pub(crate) hash: Hash,
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

impl Tip {
    /// Before the first commit of a ledger.
    pub(crate) fn beginning(identity: Identity) -> Tip {
        let hash = Sha256::new().chain_update([HASH_PREFIX]).chain_update(identity.ledger.0);
        let hash = hash.chain_update(identity.shard.to_le_bytes()).finalize().into();
        Tip { number: 0, hash, size: 0, root: Frontier::default().root() }
    }

    /// Where the chain stands with one more commit, as it is stored.
    pub(crate) fn with(&self, size: u64, root: Hash, stored: &[u8]) -> Tip {
        let number = self.number + 1;
        Tip { number, hash: hash(number, &root, stored), size, root }
    }
}

fn hash(number: u64, root: &Hash, stored: &[u8]) -> Hash {
    let hash = Sha256::new().chain_update([HASH_PREFIX]).chain_update(number.to_le_bytes());
    hash.chain_update(root).chain_update(stored).finalize().into()
}

impl Commit {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Damage> {
        let mut bytes = Vec::new();
        encode(self, &mut bytes)?;
        Ok(bytes)
    }
}

fn damage(number: u64, what: &str) -> Damage {
    Damage::Row { row: format!("commit {number}"), what: what.into() }
}

impl Disk {
    /// A commit as it is stored.
    fn commit(&self, number: u64) -> Result<Option<(Commit, Vec<u8>)>, Damage> {
        let stored = self.get(keys::COMMITS, &keys::commit(number))?;
        let read = |stored: Vec<u8>| match decode(&stored) {
            Ok(commit) => Ok((commit, stored)),
            Err(corrupt) => Err(damage(number, &corrupt.to_string())),
        };
        stored.map(read).transpose()
    }

    /// The number of the last commit; 0 if there is none.
    fn last_commit(&self) -> Result<u64, Damage> {
        match self.scan_back(keys::COMMITS).next().transpose()? {
            None => Ok(0),
            Some((key, _)) => keys::commit_number(&key).ok_or_else(|| damage(0, "is no key")),
        }
    }

    /// The root of the tree over the first records, where a block ends.
    fn root_at(&self, size: u64) -> Result<Hash, Damage> {
        if size == 0 {
            return Ok(Frontier::default().root());
        }
        let last = Position(size);
        let block = self.block(last)?.filter(|block| block.last() == last);
        block.map(|block| block.root).ok_or(Damage::Block { last, what: "is not there, and a commit names it" })
    }

    /// Where the chain stands behind a commit, as its own row says: the chain before it is not read.
    pub(crate) fn tip_at(&self, identity: Identity, number: u64) -> Result<Tip, Damage> {
        if number == 0 {
            return Ok(Tip::beginning(identity));
        }
        let (commit, stored) = self.commit(number)?.ok_or_else(|| damage(number, "is missing"))?;
        let root = self.root_at(commit.size)?;
        Ok(Tip { number, hash: hash(number, &root, &stored), size: commit.size, root })
    }

    /// Where the chain ends, which must be where the log ends.
    pub(crate) fn tip(&self, identity: Identity) -> Result<Tip, Damage> {
        let tip = self.tip_at(identity, self.last_commit()?)?;
        let end = self.log_end()?;
        if end.0 == tip.size {
            return Ok(tip);
        }
        Err(damage(tip.number, &format!("ends at {}, and the log at {end}", tip.size)))
    }

    /// The last commit that has no record behind a position.
    fn commit_up_to(&self, position: Position) -> Result<u64, Damage> {
        let (mut low, mut high) = (0, self.last_commit()?);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let (commit, _) = self.commit(middle)?.ok_or_else(|| damage(middle, "is missing"))?;
            if commit.size <= position.0 { low = middle } else { high = middle - 1 }
        }
        Ok(low)
    }
}

/// A commit that is next, with its number and its bytes.
struct Next {
    number: u64,
    commit: Commit,
    stored: Vec<u8>,
}

/// Follows the chain along the blocks of the log.
pub(crate) struct Chain<'a> {
    disk: &'a Disk,
    tip: Tip,
    next: Option<Next>,
    /// How many records each block has behind the tip.
    blocks: Vec<u32>,
    /// The end and the root of the last of them.
    reached: (u64, Hash),
}

impl<'a> Chain<'a> {
    /// Behind a tip; its first block comes next.
    pub(crate) fn new(disk: &'a Disk, tip: Tip) -> Result<Chain<'a>, Damage> {
        let mut chain = Chain { disk, tip, next: None, blocks: Vec::new(), reached: (tip.size, tip.root) };
        chain.read()?;
        Ok(chain)
    }

    /// From the last commit on that has no record behind a position; the blocks behind its own come next.
    pub(crate) fn behind(disk: &'a Disk, identity: Identity, position: Position) -> Result<Chain<'a>, Damage> {
        let number = disk.commit_up_to(position)?;
        Chain::new(disk, disk.tip_at(identity, number)?)
    }

    /// Where it stands.
    pub(crate) fn tip(&self) -> Tip {
        self.tip
    }

    fn read(&mut self) -> Result<(), Damage> {
        let number = self.tip.number + 1;
        self.next = self.disk.commit(number)?.map(|(commit, stored)| Next { number, commit, stored });
        Ok(())
    }

    /// The commits that nothing has to be read for any more; `taken` sees each, and where the chain stands then.
    pub(crate) fn settle(&mut self, taken: &mut dyn FnMut(&Commit, &Tip)) -> Result<(), Damage> {
        while let Some(Next { number, commit, stored }) = self.next.take_if(|next| next.commit.size <= self.reached.0) {
            if commit.before != self.tip.hash {
                return Err(damage(number, "does not follow the commit before"));
            }
            if commit.size != self.reached.0 || commit.blocks != self.blocks {
                return Err(damage(number, "has other blocks than the log"));
            }
            self.tip = self.tip.with(commit.size, self.reached.1, &stored);
            self.blocks.clear();
            taken(&commit, &self.tip);
            self.read()?;
        }
        Ok(())
    }

    /// A block of the log that ends at `last` with this root.
    pub(crate) fn block(&mut self, first: Position, last: Position, root: Hash) {
        self.blocks.push(u32::try_from((last.0 + 1).saturating_sub(first.0)).unwrap_or(u32::MAX));
        self.reached = (last.0, root);
    }

    /// There are no more blocks: there must be no more commits, and none may be missing.
    pub(crate) fn end(self) -> Result<Tip, Damage> {
        let stored = self.disk.last_commit()?;
        if stored != self.tip.number {
            return Err(damage(self.tip.number + 1, "is missing, or names records that are not there"));
        }
        if self.reached.0 != self.tip.size {
            return Err(damage(stored, &format!("ends at {}, and the log at {}", self.tip.size, self.reached.0)));
        }
        Ok(self.tip)
    }
}
