//! Commit: the one function that writes the log, and the thread that calls it.
//!
//! A commit makes durable, together and with one flush: blocks of records, the root of the tree over
//! them, and where their sources stand. Only then is anyone answered. After a failed write the shard
//! is poisoned: it stops, says why, and never tries again; opening it anew finds the truth on disk.

use crate::block::Staged;
use crate::disk::Disk;
use crate::error::{CommitError, Damage};
use crate::keys;
use crate::live::Answer;
use crate::shard::{Cursor, Done, Status};
use ledger_core::merkle::Frontier;
use ledger_core::outcome::Outcome;
use ledger_core::salts::SaltWalk;
use ledger_core::units::Position;
use parking_lot::Mutex;
use rocksdb::WriteBatch;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Most batches that share a flush.
const BATCHES_AT_ONCE: usize = 16;

/// A judged batch on its way to disk.
pub(crate) struct Judged {
    /// Its records; `None` if every event had come before.
    pub(crate) staged: Option<Arc<Staged>>,
    pub(crate) cursors: Vec<Cursor>,
    /// Who waits for which answers.
    pub(crate) waiting: Vec<(Done, Vec<Answer>)>,
    /// Earlier batches that nobody asks for any more, to be freed here.
    pub(crate) on_disk: Vec<Arc<Staged>>,
}

/// Writes batches together. The only place that writes the log.
fn write(disk: &Disk, tree: &mut Frontier, salts: &mut SaltWalk, batches: &[Judged]) -> Result<(), Damage> {
    let mut rows = WriteBatch::default();
    for staged in batches.iter().filter_map(|batch| batch.staged.as_deref()) {
        for (last, block) in staged.pack(tree, salts)? {
            rows.put_cf(disk.family(keys::LOG), keys::block(last), block);
        }
    }
    for cursor in batches.iter().flat_map(|batch| &batch.cursors) {
        rows.put_cf(disk.family(keys::META), keys::cursor(&cursor.source), cursor.next.to_le_bytes());
    }
    if rows.is_empty() { Ok(()) } else { Ok(disk.write_synced(rows)?) }
}

/// Commits batches in the order they were judged, all that wait with one flush, until there are no more or
/// one fails.
pub(crate) fn run(
    disk: &Disk,
    tree: &Mutex<(Position, Frontier)>,
    mut salts: SaltWalk,
    status: &Status,
    judged: &Receiver<Judged>,
) {
    let (mut committed, mut frontier) = tree.lock().clone();
    while let Ok(first) = judged.recv() {
        let batches: Vec<Judged> = std::iter::once(first).chain(judged.try_iter().take(BATCHES_AT_ONCE - 1)).collect();
        if status.stopped().is_none() {
            match write(disk, &mut frontier, &mut salts, &batches) {
                Ok(()) => {
                    let staged = batches.iter().rev().find_map(|batch| batch.staged.as_deref());
                    committed = staged.map_or(committed, Staged::last);
                    *tree.lock() = (committed, frontier.clone());
                    status.committed(committed);
                }
                Err(error) => status.stop(format!("commit failed: {error}")),
            }
        }
        for batch in batches {
            answer(batch, status.stopped());
        }
    }
}

/// Tells whoever waits for a batch what came of it; `stopped`: why nothing did.
fn answer(Judged { staged, waiting, on_disk, .. }: Judged, stopped: Option<String>) {
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
