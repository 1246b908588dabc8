//! Proofs over the tree of the log: that a record is in it, and that a smaller tree is the beginning of a larger one.
//!
//! As in RFC 9162 §2.1.3 and §2.1.4, which are those of RFC 6962. Making a proof is two steps: which spans of leaves
//! it names, and the hash of each. Where hashes are kept is the caller's. Checking takes what anybody may have sent:
//! it neither stops nor takes memory, whatever is in it.

use super::merkle::{Frontier, Hash, Subtree, node};
use alloc::vec::Vec;
use core::ops::Range;

/// Most hashes that a proof can have: one for each bit of a size, and one more for consistency.
pub const PROOF_HASHES_MAX: usize = 65;

/// What a checkpoint says of a tree: how many leaves, and the hash over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// How many leaves.
    pub size: u64,
    /// The root.
    pub root: Hash,
}

impl TreeHead {
    /// Of a tree of which the right edge is known.
    pub fn of(tree: &Frontier) -> TreeHead {
        TreeHead { size: tree.size(), root: tree.root() }
    }

    /// Whether a proof shows that the leaf stands at `index`, which counts from 0.
    pub fn includes(&self, index: u64, leaf: &Hash, proof: &[Hash]) -> bool {
        if index >= self.size || proof.len() > PROOF_HASHES_MAX {
            return false;
        }
        let mut climb = Climb { at: index, last: self.size - 1 };
        let mut hash = *leaf;
        for other in proof {
            match climb.step() {
                Some(Side::Left) => hash = node(other, &hash),
                Some(Side::Right) => hash = node(&hash, other),
                None => return false,
            }
        }
        climb.last == 0 && hash == self.root
    }

    /// Whether a proof shows that this tree begins with the leaves of `older`, in their order.
    pub fn extends(&self, older: &TreeHead, proof: &[Hash]) -> bool {
        if older.size > self.size || proof.len() > PROOF_HASHES_MAX {
            return false;
        }
        if older.size == self.size {
            return proof.is_empty() && older.root == self.root;
        }
        if older.size == 0 {
            return proof.is_empty() && older.root == Frontier::default().root();
        }
        let mut climb = Climb { at: older.size - 1, last: self.size - 1 };
        let mut hashes = proof.iter();
        // The older tree's last subtree is the older root itself if it is all of that tree.
        let whole = older.size.is_power_of_two();
        let first = if whole { Some(&older.root) } else { hashes.next() };
        let Some(first) = first else { return false };
        climb.rise(climb.at.trailing_ones());
        let (mut old, mut new) = (*first, *first);
        for other in hashes {
            match climb.step() {
                Some(Side::Left) => (old, new) = (node(other, &old), node(other, &new)),
                Some(Side::Right) => new = node(&new, other),
                None => return false,
            }
        }
        climb.last == 0 && old == older.root && new == self.root
    }
}

/// On which side of what is known the next hash stands.
enum Side {
    Left,
    Right,
}

/// The way from a leaf to the root: where it is at its height, and the last of that height.
struct Climb {
    at: u64,
    last: u64,
}

impl Climb {
    /// One node up; none if the root is reached.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        if self.at & 1 == 0 && self.at != self.last {
            self.rise(1);
            return Some(Side::Right);
        }
        // At the right edge, heights at which nothing stands beside it are passed over.
        self.rise(self.at.trailing_zeros());
        self.rise(1);
        Some(Side::Left)
    }

    fn rise(&mut self, heights: u32) {
        self.at = self.at.checked_shr(heights).unwrap_or(0);
        self.last = self.last.checked_shr(heights).unwrap_or(0);
    }
}

/// The spans of leaves whose hashes prove that the leaf at `index` is in the tree of `size`: from the leaf's
/// neighbour up to the root's. None if the tree has no such leaf.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    let mut tree = (index < size).then_some(0..size)?;
    let mut spans = Vec::new();
    while let Some(middle) = middle_of(&tree) {
        if index < middle {
            spans.push(middle..tree.end);
            tree.end = middle;
        } else {
            spans.push(tree.start..middle);
            tree.start = middle;
        }
    }
    spans.reverse();
    Some(spans)
}

/// The spans of leaves whose hashes prove that the tree of size `new` begins with that of size `old`. None if
/// it cannot.
pub fn consistency(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    let mut tree = (old <= new).then_some(0..new)?;
    let mut spans = Vec::new();
    if old == 0 {
        return Some(spans);
    }
    while old < tree.end {
        let Some(middle) = middle_of(&tree) else { break };
        if old <= middle {
            spans.push(middle..tree.end);
            tree.end = middle;
        } else {
            spans.push(tree.start..middle);
            tree.start = middle;
        }
    }
    // The whole older tree is known to whoever asks.
    if tree.start > 0 {
        spans.push(tree);
    }
    spans.reverse();
    Some(spans)
}

/// Where a tree parts in two; none if it is a leaf.
fn middle_of(tree: &Range<u64>) -> Option<u64> {
    let below = (tree.end - tree.start).checked_sub(1).filter(|below| *below > 0)?;
    Some(tree.start + (1 << below.ilog2()))
}

/// The complete subtrees that a span of a proof, or the tree `0..size`, consists of, largest first.
pub fn subtrees(span: Range<u64>) -> Vec<Subtree> {
    let mut found = Vec::new();
    let mut start = span.start;
    while start < span.end {
        let height = (span.end - start).ilog2();
        found.push(Subtree { height, index: start >> height });
        start += 1 << height;
    }
    found
}

/// The hash over complete subtrees that stand side by side, largest first; of none, the hash of nothing.
pub fn join(hashes: impl DoubleEndedIterator<Item = Hash>) -> Hash {
    let joined = hashes.rev().reduce(|right, left| node(&left, &right));
    joined.unwrap_or_else(|| Frontier::default().root())
}

/// The root over `hashes` as leaves.
pub fn root_of(hashes: impl IntoIterator<Item = Hash>) -> Hash {
    let mut tree = Frontier::default();
    hashes.into_iter().for_each(|hash| tree.append(hash));
    tree.root()
}
