//! Proofs over the tree of the log: against the tree as RFC 6962 writes it down, against another implementation,
//! and against anything that is not the proof.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use ledger_core::inclusion::{PROOF_HASHES_MAX, TreeHead, consistency, inclusion, join, root_of, subtrees};
use ledger_core::merkle::{FANOUT, Frontier, Hash, Subtree, leaf};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// RFC 6962 §2.1, as it is written there.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => Sha256::digest([]).into(),
        1 => leaves[0],
        n => {
            let (left, right) = leaves.split_at(n.next_power_of_two() / 2);
            node(&naive_root(left), &naive_root(right))
        }
    }
}

/// `PATH(m, D[n])` of RFC 6962 §2.1.1.
fn naive_path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(k);
    let (mut path, last) =
        if m < k { (naive_path(m, left), naive_root(right)) } else { (naive_path(m - k, right), naive_root(left)) };
    path.push(last);
    path
}

/// `SUBPROOF(m, D[n], b)` of RFC 6962 §2.1.2.
fn naive_subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(k);
    let (mut proof, last) = if m <= k {
        (naive_subproof(m, left, whole), naive_root(right))
    } else {
        (naive_subproof(m - k, right, false), naive_root(left))
    };
    proof.push(last);
    proof
}

fn record(n: u64) -> [u8; 8] {
    n.to_be_bytes()
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf(&record(n))).collect()
}

/// The hash of every complete subtree.
struct Nodes {
    heights: Vec<Vec<Hash>>,
}

impl Nodes {
    fn new(count: u64) -> Nodes {
        let mut heights = vec![leaves(count)];
        while let Some(last) = heights.last().filter(|last| last.len() > 1) {
            let next = last.chunks_exact(2).map(|pair| node(&pair[0], &pair[1])).collect();
            heights.push(next);
        }
        Nodes { heights }
    }

    fn hash(&self, span: Range<u64>) -> Hash {
        let found: Vec<Hash> = subtrees(span).into_iter().map(|one| self.one(one)).collect();
        join(found.into_iter())
    }

    fn one(&self, Subtree { height, index }: Subtree) -> Hash {
        self.heights[height as usize][index as usize]
    }

    fn hashes(&self, spans: Vec<Range<u64>>) -> Vec<Hash> {
        spans.into_iter().map(|span| self.hash(span)).collect()
    }

    fn head(&self, size: u64) -> TreeHead {
        TreeHead { size, root: self.hash(0..size) }
    }
}

fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut other = *hash;
    other[bit / 8 % 32] ^= 1 << (bit % 8);
    other
}

#[test]
fn proofs_are_those_of_rfc_6962() {
    let nodes = Nodes::new(70);
    let leaves = leaves(70);
    for size in 0..=leaves.len() {
        let tree = &leaves[..size];
        let head = TreeHead { size: size as u64, root: naive_root(tree) };
        assert_eq!(nodes.head(size as u64), head, "{size}");
        assert_eq!(root_of(tree.iter().copied()), head.root, "{size}");
        for (index, leaf) in tree.iter().enumerate() {
            let proof = nodes.hashes(inclusion(index as u64, head.size).unwrap());
            assert_eq!(proof, naive_path(index, tree), "{index} of {size}");
            assert!(head.includes(index as u64, leaf, &proof), "{index} of {size}");
        }
        for old in 0..=size {
            let proof = nodes.hashes(consistency(old as u64, head.size).unwrap());
            let naive = if old == 0 { Vec::new() } else { naive_subproof(old, tree, true) };
            assert_eq!(proof, naive, "{old} to {size}");
            assert!(head.extends(&nodes.head(old as u64), &proof), "{old} to {size}");
        }
        assert_eq!(inclusion(head.size, head.size), None);
        assert_eq!(consistency(head.size + 1, head.size), None);
    }
}

#[test]
fn subtrees_are_told_as_they_are_completed() {
    let count = 2 * FANOUT * FANOUT + 3 * FANOUT + 7;
    let (nodes, mut tree, mut told) = (Nodes::new(count), Frontier::default(), BTreeMap::new());
    for n in 0..count {
        tree.append_and_tell(leaf(&record(n)), |subtree, hash| {
            assert_eq!((subtree.index + 1) << subtree.height, n + 1, "told by the leaf that completes it");
            assert_eq!(*hash, nodes.one(subtree));
            assert_eq!(told.insert(subtree, *hash), None, "told once");
        });
    }
    assert_eq!(tree.root(), nodes.head(count).root);
    let peaks: Vec<Subtree> = tree.peaks().map(|(subtree, _)| subtree).collect();
    assert_eq!(peaks, subtrees(0..count));
    assert!(tree.peaks().all(|(subtree, hash)| *hash == nodes.one(subtree)));
    let of = |height: u32| told.keys().filter(|one| one.height == height).count();
    assert_eq!((of(8), of(16), told.len()), (2 * 256 + 3, 2, 2 * 256 + 5));
}

#[test]
fn another_implementation_takes_ten_thousand_proofs_and_none_with_a_bit_changed() {
    let nodes = Nodes::new(70_000);
    let mut refused = 0;
    for n in 0..5_000u64 {
        let size = if n < 200 { n + 1 } else { 1 + (n * 2_654_435_761) % 70_000 };
        let (index, old) = ((n * 40_503) % size, 1 + (n * 69_069) % size);
        let (head, older) = (nodes.head(size), nodes.head(old));
        let theirs = |head: &TreeHead| RootHash::<Sha256>::new(head.root.into(), head.size);
        let bit = (n * 31) as usize;

        let mut path = nodes.hashes(inclusion(index, size).unwrap());
        let takes = |head: &TreeHead, index: u64, path: &[Hash]| {
            let theirs_takes = InclusionProof::try_from_bytes(path.concat())
                .is_ok_and(|proof| theirs(head).verify_inclusion(&record(index), index, &proof).is_ok());
            assert_eq!(head.includes(index, &leaf(&record(index)), path), theirs_takes, "{index} of {size}");
            theirs_takes
        };
        assert!(takes(&head, index, &path), "{index} of {size}");
        assert!(!takes(&TreeHead { root: flipped(&head.root, bit), ..head }, index, &path));
        if let Some(other) = index.checked_sub(1).or_else(|| (index + 1 < size).then_some(index + 1)) {
            assert!(!takes(&head, other, &path));
        }
        if !path.is_empty() {
            let at = bit % path.len();
            path[at] = flipped(&path[at], bit);
            assert!(!takes(&head, index, &path), "{index} of {size}");
            refused += 1;
        }

        let mut proof = nodes.hashes(consistency(old, size).unwrap());
        let takes = |head: &TreeHead, older: &TreeHead, proof: &[Hash]| {
            let theirs_takes = ConsistencyProof::try_from_bytes(proof.concat())
                .is_ok_and(|proof| theirs(head).verify_consistency(&theirs(older), &proof).is_ok());
            assert_eq!(head.extends(older, proof), theirs_takes, "{old} to {size}");
            theirs_takes
        };
        if old < size {
            assert!(takes(&head, &older, &proof), "{old} to {size}");
            assert!(!takes(&TreeHead { root: flipped(&head.root, bit), ..head }, &older, &proof));
            assert!(!takes(&head, &TreeHead { root: flipped(&older.root, bit), ..older }, &proof));
            let at = bit % proof.len();
            proof[at] = flipped(&proof[at], bit);
            assert!(!takes(&head, &older, &proof), "{old} to {size}");
            refused += 1;
        }
    }
    assert!(refused > 9_900, "{refused}");
}

fn any_hashes() -> impl Strategy<Value = Vec<Hash>> {
    prop::collection::vec(any::<Hash>(), 0..PROOF_HASHES_MAX + 3)
}

proptest! {
    #[test]
    fn whatever_is_sent_as_a_proof_is_answered(
        size in any::<u64>(), old in any::<u64>(), index in any::<u64>(),
        root: Hash, other: Hash, proof in any_hashes(),
    ) {
        let (head, older) = (TreeHead { size, root }, TreeHead { size: old, root: other });
        prop_assert!(!head.includes(index, &other, &proof) || size == 1 && root == other);
        prop_assert!(!head.extends(&older, &proof));
        if let Some(spans) = inclusion(index, size) {
            prop_assert!(spans.len() < PROOF_HASHES_MAX);
            prop_assert!(spans.iter().all(|span| !subtrees(span.clone()).is_empty()));
        }
        prop_assert!(consistency(old, size).is_none_or(|spans| spans.len() <= PROOF_HASHES_MAX));
    }

    #[test]
    fn a_proof_that_is_longer_or_shorter_or_in_another_order_is_none(
        (size, old, index) in (2..3_000u64).prop_flat_map(|size| (Just(size), 1..size, 0..size)),
        extra: Hash, at in any::<prop::sample::Index>(),
    ) {
        let nodes = Nodes::new(size);
        let (head, older) = (nodes.head(size), nodes.head(old));
        let path = nodes.hashes(inclusion(index, size).unwrap());
        let proof = nodes.hashes(consistency(old, size).unwrap());
        let leaf = leaf(&record(index));
        prop_assert!(head.includes(index, &leaf, &path) && head.extends(&older, &proof));
        for (proof, is_path) in [(path, true), (proof, false)] {
            let takes = |proof: &[Hash]| {
                if is_path { head.includes(index, &leaf, proof) } else { head.extends(&older, proof) }
            };
            let mut longer = proof.clone();
            longer.insert(at.index(proof.len() + 1), extra);
            prop_assert!(!takes(&longer));
            let mut shorter = proof.clone();
            shorter.remove(at.index(proof.len()));
            prop_assert!(!takes(&shorter));
            let mut turned = proof.clone();
            turned.rotate_left(1);
            prop_assert!(turned == proof || !takes(&turned));
        }
        let longer = TreeHead { size: older.size + 1, ..older };
        prop_assert!(!head.extends(&longer, &[]));
    }
}
