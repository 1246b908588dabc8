//! Commit: the one function that writes the log, and the thread that calls it.
//!
//! A commit makes durable, together and with one flush: blocks of records, the root of the tree over
//! them, the hashes of subtrees that they complete, and where their sources stand; it is one value of a
//! chain. Behind it the mark says so, and only then is anyone answered. After a failed write the shard is
//! poisoned: it stops, says why, and never tries again; opening it anew finds the truth on disk.

use crate::block::Staged;
use crate::chain::{Commit, Tip};
use crate::disk::Disk;
use crate::error::{CommitError, Damage};
use crate::keys;
use crate::live::Answer;
use crate::mark::Marker;
use crate::shard::{Cursor, Done, Status};
use crate::tiles::Tiles;
use ledger_core::merkle::{FANOUT_HEIGHT, Frontier, Hash, Subtree};
use ledger_core::outcome::Outcome;
use ledger_core::salts::SaltWalk;
use ledger_core::units::{At, Position};
use parking_lot::Mutex;
use rocksdb::WriteBatch;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Most batches that share a flush.
const BATCHES_AT_ONCE: usize = 16;
/// If no commit comes for so long, the mark is flushed by itself.
const MARK_ALONE: Duration = Duration::from_millis(20);

/// A judged batch on its way to disk.
#[derive(Default)]
pub(crate) struct Judged {
    /// What the clock said when it was judged.
    pub(crate) at: At,
    /// Its records; `None` if every event had come before.
    pub(crate) staged: Option<Arc<Staged>>,
    pub(crate) cursors: Vec<Cursor>,
    /// Who waits for which answers.
    pub(crate) waiting: Vec<(Done, Vec<Answer>)>,
    /// Who waits for a batch of which nothing was judged, and why.
    pub(crate) not_judged: Vec<(Done, CommitError)>,
    /// Earlier batches that nobody asks for any more, to be freed here.
    pub(crate) on_disk: Vec<Arc<Staged>>,
}

/// Where the log stands when commits begin: what follows from every record so far, and who marks it.
pub(crate) struct Behind {
    pub(crate) salts: SaltWalk,
    pub(crate) tip: Tip,
    pub(crate) marker: Marker,
}

/// What grows with every commit.
struct Grown {
    tree: Frontier,
    /// The leaves that a commit adds.
    leaves: Vec<Hash>,
    salts: SaltWalk,
    tip: Tip,
}

/// Makes a commit durable, with the rows that go with it. The only place that writes the log.
pub(crate) fn make_durable(disk: &Disk, tip: &Tip, commit: &Commit, mut rows: WriteBatch) -> Result<Vec<u8>, Damage> {
    let stored = commit.to_bytes()?;
    rows.put_cf(disk.family(keys::COMMITS), keys::commit(tip.number + 1), &stored);
    for (source, next) in &commit.cursors {
        rows.put_cf(disk.family(keys::META), keys::cursor(source), next.to_le_bytes());
    }
    disk.write_synced(rows)?;
    Ok(stored)
}

/// Writes batches together; answers whether there was anything to write.
fn write(disk: &Disk, grown: &mut Grown, batches: &[Judged]) -> Result<bool, Damage> {
    let Grown { tree, leaves, salts, tip } = grown;
    let mut rows = WriteBatch::default();
    leaves.clear();
    let (mut blocks, mut end) = (Vec::new(), tip.size);
    for staged in batches.iter().filter_map(|batch| batch.staged.as_deref()) {
        let completed = |Subtree { height, index }, hash: &Hash| {
            rows.put_cf(disk.family(keys::TREE), keys::subtree(height / FANOUT_HEIGHT, index), hash);
        };
        for (last, block) in staged.pack((tree, leaves), (salts, &disk.seals), completed)? {
            rows.put_cf(disk.family(keys::LOG), keys::block(last), block);
            blocks.push(u32::try_from(last.0.saturating_sub(end)).unwrap_or(u32::MAX));
            end = last.0;
        }
    }
    let cursors = batches.iter().flat_map(|batch| &batch.cursors);
    let cursors: BTreeMap<&str, u64> = cursors.map(|cursor| (&*cursor.source, cursor.next)).collect();
    if blocks.is_empty() && cursors.is_empty() {
        return Ok(false);
    }
    let at = batches.last().map_or(At(0), |batch| batch.at);
    let cursors = cursors.into_iter().map(|(source, next)| (source.into(), next)).collect();
    let commit = Commit { before: tip.hash, at, size: tree.size(), blocks, cursors, restored: None };
    let stored = make_durable(disk, tip, &commit, rows)?;
    *tip = tip.with(commit.size, tree.root(), &stored);
    Ok(true)
}

/// Commits batches in the order they were judged, all that wait with one flush, until there are no more or
/// one fails.
pub(crate) fn run(
    disk: &Disk,
    (tree, tiles): (&Mutex<(Position, Frontier)>, &Tiles),
    status: &Status,
    judged: &Receiver<Judged>,
    Behind { salts, tip, mut marker }: Behind,
) {
    let (mut committed, frontier) = tree.lock().clone();
    let mut grown = Grown { tree: frontier, leaves: Vec::new(), salts, tip };
    while let Some(first) = next(judged, &mut marker) {
        let batches: Vec<Judged> = std::iter::once(first).chain(judged.try_iter().take(BATCHES_AT_ONCE - 1)).collect();
        if status.stopped().is_none() {
            match write_and_mark(disk, &mut grown, &mut marker, &batches) {
                Ok(()) => {
                    let staged = batches.iter().rev().find_map(|batch| batch.staged.as_deref());
                    committed = staged.map_or(committed, Staged::last);
                    tiles.append(grown.tree.size() - grown.leaves.len() as u64, &grown.leaves);
                    *tree.lock() = (committed, grown.tree.clone());
                    status.committed(committed);
                }
                Err(error) => status.stop(format!("commit failed: {error}")),
            }
        }
        for batch in batches {
            answer(batch, status.stopped());
        }
    }
    marker.begin_flush();
    if let Err(error) = marker.end_flush() {
        status.stop(format!("the mark cannot be flushed: {error}"));
    }
}

/// The batch that comes next; if none comes for a while the mark is flushed meanwhile.
fn next(judged: &Receiver<Judged>, marker: &mut Marker) -> Option<Judged> {
    if marker.is_unflushed() {
        match judged.recv_timeout(MARK_ALONE) {
            Ok(batch) => return Some(batch),
            Err(RecvTimeoutError::Timeout) => marker.begin_flush(),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    judged.recv().ok()
}

/// The flush of the write-ahead log and that of the mark behind the commit before go on side by side.
fn write_and_mark(disk: &Disk, grown: &mut Grown, marker: &mut Marker, batches: &[Judged]) -> Result<(), Damage> {
    let failed = |error: std::io::Error| Damage::Database(format!("the mark: {error}"));
    marker.begin_flush();
    let written = write(disk, grown, batches);
    marker.end_flush().map_err(failed)?;
    if written? {
        marker.put(grown.tip).map_err(failed)?;
    }
    Ok(())
}

/// Tells whoever waits for a batch what came of it; `stopped`: why nothing did.
fn answer(Judged { staged, waiting, not_judged, on_disk, .. }: Judged, stopped: Option<String>) {
    for (done, error) in not_judged {
        done(Err(error));
    }
    for (done, answers) in waiting {
        done(match &stopped {
            None => Ok(answers.into_iter().map(|answer| outcome(answer, staged.as_deref())).collect()),
            Some(reason) => Err(CommitError::Stopped { reason: reason.clone() }),
        });
    }
    drop(on_disk);
}

fn outcome(answer: Answer, staged: Option<&Staged>) -> Outcome {
    match answer {
        Answer::New(position) => {
            let record = staged.and_then(|staged| staged.record(position));
            Outcome::of(position, record.expect("a new record is in the batch it was judged with"), false)
        }
        Answer::Again(outcome) => outcome,
    }
}
