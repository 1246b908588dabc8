//! Tiles: hashes of the tree that are in memory, 256 side by side: leaves, or subtrees of a level whose hashes are
//! kept.
//!
//! The leaves where the tree ends are noted as commits append them: blocks of a single record need not be unpacked one
//! by one for a proof. Of others, those that were asked for last are kept, a bounded number of them. What is in here
//! is only ever a copy: a proof that it does not lead to the root is not handed out.

use ledger_core::merkle::{FANOUT, Hash};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Most tiles that are kept, of 8 KiB each.
const TILES_MAX: usize = 256;

/// Which hashes a tile has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    /// Of leaves, 0; of the subtrees that are told, how many times 256 of a kind are one of the next.
    pub(crate) level: u32,
    /// Its place among the tiles of its level.
    pub(crate) index: u64,
}

impl Tile {
    /// The places of its hashes among those of its level.
    pub(crate) fn places(self) -> Range<u64> {
        let first = self.index * FANOUT;
        first..first + FANOUT
    }
}

/// The tiles that are in memory.
#[derive(Debug, Default)]
pub(crate) struct Tiles {
    edge: Mutex<Edge>,
    /// What was asked for last is behind.
    known: Mutex<VecDeque<(Tile, Arc<[Hash]>)>>,
}

/// The leaves of the last tile that has some.
#[derive(Debug, Default)]
struct Edge {
    index: u64,
    leaves: Vec<Hash>,
}

impl Edge {
    /// Takes a leaf of this index, if all before it in its tile are known. Answers the leaves of the tile that it is
    /// the last of.
    fn append(&mut self, at: u64, leaf: Hash) -> Option<(Tile, &[Hash])> {
        let (index, place) = (at / FANOUT, at % FANOUT);
        if place == 0 {
            self.index = index;
            self.leaves.clear();
        }
        if self.index != index || self.leaves.len() as u64 != place {
            return None;
        }
        self.leaves.push(leaf);
        (place == FANOUT - 1).then_some((Tile { level: 0, index }, &self.leaves))
    }
}

impl Tiles {
    /// Notes the leaves of a commit, the first of which has this index. A tile that is completed by less than its like
    /// was made of many blocks: it is kept.
    pub(crate) fn append(&self, first: u64, leaves: &[Hash]) {
        let mut edge = self.edge.lock();
        let many = leaves.len() as u64 >= FANOUT;
        // Of many, those of the last tile are enough.
        let end = first + leaves.len() as u64;
        let from = if many { end - end % FANOUT } else { first };
        let own = leaves.get((from - first) as usize..).unwrap_or_default();
        for (at, leaf) in (from..).zip(own) {
            if let Some((tile, leaves)) = edge.append(at, *leaf) {
                self.put(tile, leaves.into());
            }
        }
    }

    /// A tile with at least so many hashes, if it is known.
    pub(crate) fn get(&self, tile: Tile, least: usize) -> Option<Arc<[Hash]>> {
        if tile.level == 0 {
            let edge = self.edge.lock();
            if edge.index == tile.index && edge.leaves.len() >= least {
                return Some(edge.leaves.as_slice().into());
            }
        }
        let mut known = self.known.lock();
        let at = known.iter().position(|(other, hashes)| *other == tile && hashes.len() >= least)?;
        let found = known.remove(at)?;
        let hashes = found.1.clone();
        known.push_back(found);
        Some(hashes)
    }

    /// Keeps a tile that was read. One that is not complete is where its level ends.
    pub(crate) fn read(&self, tile: Tile, hashes: &Arc<[Hash]>) {
        if tile.level > 0 || hashes.len() as u64 == FANOUT {
            return self.put(tile, hashes.clone());
        }
        let mut edge = self.edge.lock();
        if edge.index < tile.index || edge.index == tile.index && edge.leaves.len() < hashes.len() {
            *edge = Edge { index: tile.index, leaves: hashes.to_vec() };
        }
    }

    fn put(&self, tile: Tile, hashes: Arc<[Hash]>) {
        let mut known = self.known.lock();
        known.retain(|(other, _)| *other != tile);
        if known.len() == TILES_MAX {
            known.pop_front();
        }
        known.push_back((tile, hashes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(at: u64) -> Hash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&at.to_le_bytes());
        hash
    }

    fn leaves(range: Range<u64>) -> Vec<Hash> {
        range.map(leaf).collect()
    }

    fn known(tiles: &Tiles, index: u64, least: usize) -> Option<Vec<Hash>> {
        tiles.get(Tile { level: 0, index }, least).map(|hashes| hashes.to_vec())
    }

    #[test]
    fn the_leaves_at_the_end_are_known_however_commits_cut_them() {
        for size in [1, 3, 100, 255, 256, 257, 1_000] {
            let tiles = Tiles::default();
            for first in (0..3_000).step_by(size as usize) {
                tiles.append(first, &leaves(first..first + size));
                let end = first + size;
                let index = end / FANOUT;
                let own = (end % FANOUT) as usize;
                assert_eq!(
                    known(&tiles, index, own).unwrap_or_default(),
                    leaves(index * FANOUT..end),
                    "{end} by {size}"
                );
                assert_eq!(known(&tiles, index, own + 1), None, "{end} by {size}");
                if size < FANOUT && index > 0 {
                    let before = (index - 1) * FANOUT..index * FANOUT;
                    assert_eq!(known(&tiles, index - 1, 256), Some(leaves(before)), "{end} by {size}");
                }
            }
        }
    }

    #[test]
    fn what_was_not_known_from_its_beginning_is_not_known_until_it_is_read() {
        let tiles = Tiles::default();
        tiles.append(300, &leaves(300..310));
        assert_eq!(known(&tiles, 1, 1), None, "the ledger was opened at 300");
        tiles.read(Tile { level: 0, index: 1 }, &leaves(256..305).into());
        tiles.append(310, &leaves(310..311));
        assert_eq!(known(&tiles, 1, 49), Some(leaves(256..305)));
        assert_eq!(known(&tiles, 1, 50), None, "others came while it was read");
        tiles.read(Tile { level: 0, index: 1 }, &leaves(256..311).into());
        tiles.read(Tile { level: 0, index: 1 }, &leaves(256..300).into());
        tiles.append(311, &leaves(311..512));
        assert_eq!(known(&tiles, 1, 256), Some(leaves(256..512)));
        tiles.append(512, &leaves(512..513));
        assert_eq!(known(&tiles, 1, 256), Some(leaves(256..512)), "small commits completed it");
        tiles.read(Tile { level: 0, index: 1 }, &leaves(256..300).into());
        assert_eq!(known(&tiles, 2, 1), Some(leaves(512..513)), "an older end changes nothing");
    }

    #[test]
    fn no_more_are_kept_than_there_may_be_and_those_asked_for_last_are() {
        let tiles = Tiles::default();
        let most = TILES_MAX as u64;
        for index in 0..3 * most {
            tiles.read(Tile { level: 1, index }, &leaves(index..index + 1).into());
            assert!(tiles.get(Tile { level: 1, index: 0 }, 1).is_some(), "it was asked for a moment ago");
        }
        assert_eq!(tiles.known.lock().len(), TILES_MAX);
        let is_known = |index: &u64| tiles.get(Tile { level: 1, index: *index }, 1).is_some();
        assert_eq!((0..3 * most).filter(is_known).count(), TILES_MAX);
        assert!(is_known(&(3 * most - 1)) && !is_known(&most));
        assert!(tiles.get(Tile { level: 2, index: 0 }, 1).is_none(), "each level has its own");
    }
}
