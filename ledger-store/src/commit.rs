//! Commit: the one function that writes the log, and the thread that calls it.
//!
//! A commit makes durable, together and with one flush: blocks of records, the root of the tree over
//! them, and where their sources stand. Only then is anyone answered. After a failed write the shard
//! is poisoned: it stops, says why, and never tries again; opening it anew finds the truth on disk.

use crate::block::Staged;
use crate::disk::Disk;
use crate::error::{CommitError, Damage};
use crate::keys;
use crate::shard::{Cursor, Done, Status};
use ledger_core::merkle::Frontier;
use ledger_core::outcome::Outcome;
use ledger_core::units::Position;
use parking_lot::Mutex;
use rocksdb::WriteBatch;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// A judged batch on its way to disk.
pub(crate) struct Judged {
    /// Its records; `None` if every event had come before.
    pub(crate) staged: Option<Arc<Staged>>,
    pub(crate) cursors: Vec<Cursor>,
    /// Who waits for which outcomes.
    pub(crate) waiting: Vec<(Done, Vec<Outcome>)>,
    /// Earlier batches that nobody asks for any more, to be freed here.
    pub(crate) on_disk: Vec<Arc<Staged>>,
}

/// Writes a batch. The only place that writes the log.
fn write(disk: &Disk, tree: &mut Frontier, staged: Option<&Staged>, cursors: &[Cursor]) -> Result<(), Damage> {
    let mut batch = WriteBatch::default();
    if let Some(staged) = staged {
        for (last, block) in staged.pack(tree)? {
            batch.put_cf(disk.family(keys::LOG), keys::block(last), block);
        }
    }
    for cursor in cursors {
        batch.put_cf(disk.family(keys::META), keys::cursor(&cursor.source), cursor.next.to_le_bytes());
    }
    if batch.is_empty() { Ok(()) } else { Ok(disk.write_synced(batch)?) }
}

/// Commits batches in the order they were judged, until there are no more or one fails.
pub(crate) fn run(disk: &Disk, tree: &Mutex<(Position, Frontier)>, status: &Status, judged: &Receiver<Judged>) {
    let (mut committed, mut frontier) = tree.lock().clone();
    while let Ok(Judged { staged, cursors, waiting, on_disk }) = judged.recv() {
        if status.stopped().is_none() {
            match write(disk, &mut frontier, staged.as_deref(), &cursors) {
                Ok(()) => {
                    committed = staged.map_or(committed, |staged| staged.last());
                    *tree.lock() = (committed, frontier.clone());
                    status.committed(committed);
                }
                Err(error) => status.stop(format!("commit failed: {error}")),
            }
        }
        for (done, outcomes) in waiting {
            done(match status.stopped() {
                None => Ok(outcomes),
                Some(reason) => Err(CommitError::Stopped { reason }),
            });
        }
        drop(on_disk);
    }
}
