//! Proofs out of a log are those of RFC 6962 to the byte, however commits cut the log into blocks, and whether it is
//! growing, has just grown or was opened anew.

use crate::blocks::{leaf, salt, take_apart};
use crate::ledger::{directory, open, say};
use crate::raw::Raw;
use crate::said::Stream;
use ledger_core::units::Position;
use ledger_store::{ConsistencyProof, Handle, InclusionProof, Shown, ShownCause};
use sha2::{Digest, Sha256};
use std::path::Path;

type Hash = [u8; 32];

/// The sizes of trees that are proved: two complete subtrees of 256, and some more.
const SIZE: u64 = 600;

/// A log, read by nothing that makes proofs.
struct Log {
    /// The verdict and cause of each record.
    records: Vec<(Vec<u8>, Vec<u8>)>,
    /// The hashes of complete subtrees: leaves, pairs of them, and so on.
    levels: Vec<Vec<Hash>>,
}

impl Log {
    fn read(dir: &Path) -> Log {
        let (mut records, mut leaves) = (Vec::new(), Vec::new());
        for row in Raw::open(dir).rows("log") {
            let block = take_apart(&row);
            for (verdict, cause) in block.verdicts.into_iter().zip(block.causes) {
                leaves.push(leaf(records.len() as u64 + 1, &verdict, &cause));
                records.push((verdict, cause));
            }
        }
        let mut levels = vec![leaves];
        while levels.last().is_some_and(|level| level.len() > 1) {
            let below = levels.last().expect("there is one");
            let above = below.chunks_exact(2).map(|pair| node(pair[0], pair[1])).collect();
            levels.push(above);
        }
        Log { records, levels }
    }

    /// MTH of RFC 6962 §2.1.
    fn root(&self, from: u64, to: u64) -> Hash {
        let count = to - from;
        if count.is_power_of_two() {
            return self.levels[count.trailing_zeros() as usize][(from / count) as usize];
        }
        let middle = from + split(count);
        node(self.root(from, middle), self.root(middle, to))
    }

    /// PATH of RFC 6962 §2.1.1.
    fn path(&self, at: u64, from: u64, to: u64) -> Vec<Hash> {
        if to - from == 1 {
            return Vec::new();
        }
        let middle = from + split(to - from);
        let (mut path, other) = match at < middle {
            true => (self.path(at, from, middle), self.root(middle, to)),
            false => (self.path(at, middle, to), self.root(from, middle)),
        };
        path.push(other);
        path
    }

    /// SUBPROOF of RFC 6962 §2.1.2.
    fn growth(&self, old: u64, from: u64, to: u64, is_known: bool) -> Vec<Hash> {
        if old == to {
            return if is_known { Vec::new() } else { vec![self.root(from, to)] };
        }
        let middle = from + split(to - from);
        let (mut proof, other) = match old <= middle {
            true => (self.growth(old, from, middle, is_known), self.root(middle, to)),
            false => (self.growth(old, middle, to, false), self.root(from, middle)),
        };
        proof.push(other);
        proof
    }

    fn inclusion(&self, Asked { size, position, with_cause }: Asked) -> String {
        let (verdict, cause) = self.records[position as usize - 1].clone();
        let cause = match (with_cause, cause.is_empty()) {
            (_, true) => ShownCause::Hash([0; 32]),
            (true, false) => ShownCause::Bytes { salt: salt(position), cause },
            (false, false) => {
                let hash = Sha256::new().chain_update(salt(position)).chain_update(cause).finalize();
                ShownCause::Hash(hash.into())
            }
        };
        told_inclusion(position, Shown { verdict, cause }, self.path(position - 1, 0, size))
    }
}

/// The largest power of two below a number.
fn split(count: u64) -> u64 {
    count.next_power_of_two() / 2
}

fn node(left: Hash, right: Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// What is asked of a ledger.
#[derive(Clone, Copy, Debug)]
struct Asked {
    size: u64,
    position: u64,
    with_cause: bool,
}

impl Asked {
    /// Records of a tree of this size: at both ends, and between.
    fn of(size: u64) -> [Asked; 5] {
        let positions = [1, size, size / 2 + 1, size - size / 3, size - size % 256 % size];
        let mut with_cause = size.is_multiple_of(2);
        positions.map(|position| {
            with_cause = !with_cause;
            Asked { size, position, with_cause }
        })
    }
}

fn told_inclusion(position: u64, shown: Shown, hashes: Vec<Hash>) -> String {
    InclusionProof { shown, index: position - 1, hashes, checkpoint: "of nobody\n".into() }.to_string()
}

fn told_growth(old: u64, hashes: Vec<Hash>) -> String {
    ConsistencyProof { old, hashes, checkpoint: "of nobody\n".into() }.to_string()
}

/// What a ledger tells of the tree of this size: proofs of records, and of growth from as many.
fn told(handle: &Handle, size: u64) -> Vec<(Asked, String, String)> {
    let head = handle.tree_head(size).expect("readable").expect("the log has it");
    let tell = |asked: Asked| {
        let proved = handle.prove_inclusion(Position(asked.position), &head, asked.with_cause).expect("readable");
        let (shown, hashes) = proved.expect("the tree has it");
        let grown = handle.prove_consistency(asked.position, &head).expect("readable").expect("it grew");
        (asked, told_inclusion(asked.position, shown, hashes), told_growth(asked.position, grown))
    };
    Asked::of(size).map(tell).into()
}

fn assert_told(log: &Log, told: Vec<(Asked, String, String)>, when: &str) {
    for (asked, inclusion, growth) in told {
        assert_eq!(inclusion, log.inclusion(asked), "{asked:?}, {when}");
        let expected = told_growth(asked.position, log.growth(asked.position, 0, asked.size, true));
        assert_eq!(growth, expected, "{asked:?}, {when}");
    }
}

#[test]
fn proofs_of_every_size_are_those_of_the_specification_whatever_the_blocks() {
    for batch in [1, 3, 256] {
        let stream = Stream { seed: 61, members: 12, step_ms: 60_000 };
        let dir = directory();
        let ledger = open(dir.path(), 1_000_000);
        let handle = ledger.handle();
        say(&handle, vec![stream.program()]);
        let (mut next, mut growing) = (0, Vec::new());
        while handle.committed().0 < SIZE {
            say(&handle, stream.events(next..next + batch));
            next += batch;
            growing.extend(told(&handle, handle.committed().0));
            // What was signed last is a little behind.
            growing.extend(told(&handle, handle.committed().0.saturating_sub(next % 300).max(1)));
        }
        let grown: Vec<_> = (1..=SIZE).flat_map(|size| told(&handle, size)).collect();
        drop(handle);
        ledger.close().expect("nothing failed");
        let log = Log::read(dir.path());
        let blocks = Raw::open(dir.path()).rows("log").len() as u64;
        assert!(blocks >= SIZE / batch * 9 / 10, "{blocks} blocks of {batch}");
        assert_told(&log, growing, &format!("growing by {batch}"));
        assert_told(&log, grown, &format!("grown by {batch}"));
        // Opened anew, with the largest tree first, and again with what is in memory by then.
        let ledger = open(dir.path(), 1_000_000);
        for sizes in [(1..=SIZE).rev().collect::<Vec<_>>(), (1..=SIZE).collect()] {
            let told = sizes.into_iter().flat_map(|size| told(&ledger.handle(), size)).collect();
            assert_told(&log, told, &format!("opened anew, by {batch}"));
        }
        say(&ledger.handle(), stream.events(next..next + 20));
        let more = told(&ledger.handle(), ledger.handle().committed().0);
        ledger.close().expect("nothing failed");
        assert_told(&Log::read(dir.path()), more, "gone on with");
    }
}
