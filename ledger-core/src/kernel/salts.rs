//! Salts: a secret of 16 bytes for each position, all of one root, any of which can be taken away.
//!
//! A tree over all positions (Goldreich, Goldwasser and Micali, "How to Construct Random Functions",
//! 1986): its root is drawn, the two nodes below a node are the halves of `SHA-256(0x02 || node)`, and the
//! way down to a position is its 64 bits, highest first. What stands at the end is its salt. Nobody who has
//! some salts can tell another.
//!
//! A position is *punctured* by keeping, in place of the node above it, the nodes beside the way down to
//! it: its salt can then be derived no more, and all others as before.

use crate::kernel::units::Position;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A node of the tree; at its end, the salt of a position.
pub type Salt = [u8; 16];

/// How many steps it is from the root to a salt.
const DEPTH: u8 = 64;

/// The salts of all positions that were not punctured.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salts {
    /// No two over the same position.
    nodes: Vec<SaltNode>,
}

/// A node that is kept.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct SaltNode {
    /// How many steps it is below the root.
    depth: u8,
    /// The way down to it: so many bits, highest first, and zeros behind.
    way: u64,
    /// The node.
    node: Salt,
}

impl core::fmt::Debug for Salts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Salts").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}

/// The two nodes below a node.
fn halves(node: &Salt) -> [Salt; 2] {
    let hash: [u8; 32] = Sha256::new().chain_update([2]).chain_update(node).finalize().into();
    let (left, right) = hash.split_at(16);
    [left.try_into().unwrap_or_default(), right.try_into().unwrap_or_default()]
}

/// The half that the way to a position takes below a node at this depth, and the half that it leaves.
fn choose(halves: &[Salt; 2], position: u64, depth: u8) -> (Salt, Salt) {
    let [left, right] = *halves;
    if bit(position, depth) { (right, left) } else { (left, right) }
}

/// The step that the way to a position takes below a node at this depth.
fn bit(position: u64, depth: u8) -> bool {
    position << depth.min(63) >> 63 == 1
}

/// How many steps two ways have in common.
fn common(one: u64, other: u64) -> u8 {
    u8::try_from((one ^ other).leading_zeros()).unwrap_or(DEPTH)
}

impl Salts {
    /// All salts under a root.
    pub fn new(root: Salt) -> Salts {
        Salts { nodes: Vec::from([SaltNode { depth: 0, way: 0, node: root }]) }
    }

    /// None: as if every position had been punctured.
    pub fn none() -> Salts {
        Salts { nodes: Vec::new() }
    }

    /// Whether these are the salts under this root; not so once one was punctured.
    pub fn is_under(&self, root: &Salt) -> bool {
        *self == Salts::new(*root)
    }

    /// The salt of a position, unless it was punctured.
    pub fn salt(&self, position: Position) -> Option<Salt> {
        let above = self.above(position)?;
        Some((above.depth..DEPTH).fold(above.node, |node, depth| choose(&halves(&node), position.0, depth).0))
    }

    /// Takes the salt of a position away, for ever.
    pub fn puncture(&mut self, position: Position) {
        let Some(above) = self.above(position).copied() else { return };
        self.nodes.retain(|node| *node != above);
        let mut node = above.node;
        for depth in above.depth..DEPTH {
            let (on, beside) = choose(&halves(&node), position.0, depth);
            // The way to the position up to here, then one step to the other side.
            let step = 1 << (63 - u32::from(depth).min(63));
            let way = (position.0 ^ step) & !(step - 1);
            self.nodes.push(SaltNode { depth: depth + 1, way, node: beside });
            node = on;
        }
    }

    /// The node that is kept over a position.
    fn above(&self, position: Position) -> Option<&SaltNode> {
        self.nodes.iter().find(|node| common(node.way, position.0) >= node.depth)
    }
}

/// Derives the salts of positions one behind the other: what the ways to two have in common is derived once,
/// which is one hash for each in the long run.
#[derive(Clone)]
pub struct SaltWalk {
    salts: Salts,
    /// The position derived last, and the node that is kept over it.
    last: Option<(u64, SaltNode)>,
    /// The halves below each node on the way down to it.
    way: Vec<[Salt; 2]>,
}

impl core::fmt::Debug for SaltWalk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SaltWalk")
    }
}

impl core::fmt::Debug for SaltNode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SaltNode").field("depth", &self.depth).field("way", &self.way).finish_non_exhaustive()
    }
}

impl From<Salts> for SaltWalk {
    fn from(salts: Salts) -> SaltWalk {
        SaltWalk { salts, last: None, way: Vec::new() }
    }
}

impl SaltWalk {
    /// The salt of a position, unless it was punctured.
    pub fn salt(&mut self, position: Position) -> Option<Salt> {
        let above = match self.last {
            Some((last, above)) if common(above.way, position.0) >= above.depth => {
                // The halves below a node are those of every way through it.
                let known = common(last, position.0).saturating_sub(above.depth).saturating_add(1);
                self.way.truncate(usize::from(known));
                above
            }
            _ => {
                self.way.clear();
                *self.salts.above(position)?
            }
        };
        self.last = Some((position.0, above));
        let mut depth = above.depth.saturating_add(u8::try_from(self.way.len()).unwrap_or(DEPTH));
        let mut node = match self.way.last() {
            Some(below) => choose(below, position.0, depth.saturating_sub(1)).0,
            None => above.node,
        };
        while depth < DEPTH {
            let below = halves(&node);
            node = choose(&below, position.0, depth).0;
            self.way.push(below);
            depth = depth.saturating_add(1);
        }
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]
    use super::*;

    const ROOT: Salt = *b"sixteen bytes ..";

    /// As the head of this file says it.
    fn naive(position: u64) -> Salt {
        let mut node = ROOT;
        for place in (0..64).rev() {
            let hash = Sha256::new().chain_update([2]).chain_update(node).finalize();
            let half = if position >> place & 1 == 1 { hash.split_at(16).1 } else { hash.split_at(16).0 };
            node.copy_from_slice(half);
        }
        node
    }

    /// Positions far and near, in no order.
    const SOME: [u64; 14] = [1, 2, 3, 4, 255, 256, 257, 1 << 40, (1 << 40) - 1, 7, 7, u64::MAX, u64::MAX - 1, 0];

    #[test]
    fn a_salt_is_what_stands_at_the_end_of_the_way() {
        let salts = Salts::new(ROOT);
        let mut walk = SaltWalk::from(salts.clone());
        for position in SOME.into_iter().chain(500..600) {
            let expected = Some(naive(position));
            assert_eq!(salts.salt(Position(position)), expected, "{position}");
            assert_eq!(walk.salt(Position(position)), expected, "{position}, on a walk");
        }
    }

    #[test]
    fn the_salts_of_a_punctured_position_is_gone_and_all_others_stay() {
        let mut salts = Salts::new(ROOT);
        let gone = [5, 4, 1 << 40, u64::MAX, 5];
        for punctured in gone {
            salts.puncture(Position(punctured));
        }
        let mut walk = SaltWalk::from(salts.clone());
        for position in SOME.into_iter().chain(gone).chain(0..300) {
            let expected = (!gone.contains(&position)).then(|| naive(position));
            assert_eq!(salts.salt(Position(position)), expected, "{position}");
            assert_eq!(walk.salt(Position(position)), expected, "{position}, on a walk");
        }
        assert!(!salts.is_under(&ROOT) && Salts::new(ROOT).is_under(&ROOT));
        // No node that is kept is on the way to a position that is gone.
        let on_the_way = |position: u64| {
            let mut node = ROOT;
            let mut way = Vec::from([node]);
            for depth in 0..DEPTH {
                node = choose(&halves(&node), position, depth).0;
                way.push(node);
            }
            way
        };
        let kept = |node: &Salt| salts.nodes.iter().any(|kept| kept.node == *node);
        assert!(!gone.into_iter().flat_map(on_the_way).any(|node| kept(&node)));
        assert!(salts.nodes.len() < 64 * gone.len());
    }

    #[test]
    fn a_walk_derives_about_one_node_for_each_position() {
        // The way is derived anew from where two positions part: the zeros behind the second.
        let derived: u32 = (1..=4096u64).map(|position| position.trailing_zeros()).sum();
        assert!(derived <= 4096, "{derived}");
        let mut walk = SaltWalk::from(Salts::new(ROOT));
        walk.salt(Position(7));
        let before = walk.way.clone();
        walk.salt(Position(8));
        let same = before.iter().zip(&walk.way).take_while(|(one, other)| one == other).count();
        assert_eq!(same, 61, "three nodes are new");
    }
}
