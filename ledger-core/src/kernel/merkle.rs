//! The tree over the log: RFC 6962 hashes over the bytes of records as they are stored.
//!
//! Leaf: `SHA-256(0x00 || verdict part || hash of the cause part)`, so that a record can be proved without
//! showing what was said. That hash is `SHA-256(salt || cause part)`, so that a short cause cannot be
//! guessed; 32 zero bytes if nothing was said. Node: `SHA-256(0x01 || left || right)`; the root of n leaves
//! as in RFC 6962 §2.1. Only the right edge of the tree is kept: one hash per complete subtree.
//! What is proved with such a tree stands in `inclusion`.

use crate::kernel::salts::Salt;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// In place of the hash of a cause part, where nothing was said.
pub const NO_CAUSE: Hash = [0; 32];

/// The hash of a leaf's bytes.
pub fn leaf(bytes: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

/// The hash of a record: of the stored bytes of its verdict part, and of the hash of its cause part.
pub fn record_leaf(verdict: &[u8], cause: &Hash) -> Hash {
    Sha256::new().chain_update([0]).chain_update(verdict).chain_update(cause).finalize().into()
}

/// The hash of the stored bytes of a cause part.
pub fn cause_hash(salt: &Salt, cause: &[u8]) -> Hash {
    Sha256::new().chain_update(salt).chain_update(cause).finalize().into()
}

/// The hash of a node over two others.
pub(super) fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Leaves of a subtree whose hash is kept for proofs: 256; on the next level 256 of those, and so on.
pub const FANOUT: u64 = 256;
/// The height of such a subtree, and of each further level.
pub const FANOUT_HEIGHT: u32 = FANOUT.trailing_zeros();

/// A complete subtree: 2^height leaves, and so many of its height stand before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subtree {
    /// How many times it doubles; a leaf has height 0.
    pub height: u32,
    /// Its place among the subtrees of its height; the first is 0.
    pub index: u64,
}

/// The right edge of a tree: enough to append to it and to name its root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    size: u64,
    /// Hashes of the complete subtrees, largest first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The complete subtrees it consists of and their hashes, largest first.
    pub fn peaks(&self) -> impl Iterator<Item = (Subtree, &Hash)> {
        let size = self.size;
        let heights = (0..u64::BITS).rev().filter(move |height| size >> height & 1 == 1);
        heights.map(move |height| Subtree { height, index: (size >> height) - 1 }).zip(&self.peaks)
    }

    /// Appends a leaf.
    pub fn append(&mut self, leaf: Hash) {
        self.append_and_tell(leaf, |_, _| ());
    }

    /// Appends a leaf, and tells every subtree whose hash is kept for proofs as the leaf completes it.
    pub fn append_and_tell(&mut self, leaf: Hash, mut completed: impl FnMut(Subtree, &Hash)) {
        let mut hash = leaf;
        // Every trailing one in the size is a complete subtree that merges with the new leaf.
        for height in 1..=self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(&left, &hash);
            }
            if height % FANOUT_HEIGHT == 0 {
                completed(Subtree { height, index: self.size >> height }, &hash);
            }
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The root; of an empty tree, the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            Some(last) => peaks.fold(*last, |right, left| node(left, &right)),
            None => Sha256::digest([]).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
    use super::*;

    /// RFC 6962 §2.1, as it is written there.
    fn naive(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => Sha256::digest([]).into(),
            1 => leaves[0],
            n => {
                let k = n.next_power_of_two() / 2;
                node(&naive(&leaves[..k]), &naive(&leaves[k..]))
            }
        }
    }

    #[test]
    fn the_frontier_has_the_root_of_rfc_6962() {
        let mut frontier = Frontier::default();
        let mut leaves = Vec::new();
        for n in 0..200u8 {
            assert_eq!(frontier.root(), naive(&leaves), "{n} leaves");
            let hash = leaf(&[n]);
            leaves.push(hash);
            frontier.append(hash);
        }
    }

    #[test]
    fn the_empty_leaf_and_the_empty_tree_are_those_of_certificate_transparency() {
        let hex = |hash: Hash| hash.iter().map(|byte| alloc::format!("{byte:02x}")).collect::<alloc::string::String>();
        let empty = Frontier::default().root();
        assert_eq!(hex(empty), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hex(leaf(&[])), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    }
}
