//! Handle: what everyone but the owner of a ledger holds. How events are submitted stands in `queue`, how
//! members are read in `read`.

use super::queue::Submission;
use super::{Inner, Jump, Notify};
use crate::identity::{FIRST_LINEAGE, Identity};
use crate::live::risk_key;
use ledger_core::judge::Unreadable;
use ledger_core::units::{Position, RiskKey};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

/// Whether the shard works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Serving,
    /// It stopped, and must be opened anew.
    Stopped(String),
}

/// Figures about a running ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The last durable record.
    pub committed: Position,
    /// The last record folded into a finished snapshot.
    pub snapshot: Position,
    /// How many members there are.
    pub members: u32,
    /// How many events came again since the ledger was opened.
    pub duplicates: u64,
    /// How many events were set aside since the ledger was opened, because judging them failed.
    pub quarantined: u64,
    /// How many batches were not taken since the ledger was opened, because time would jump.
    pub questioned: u64,
    /// How many events wait.
    pub waiting: usize,
    /// Bytes in RocksDB's sorted files.
    pub disk_bytes: u64,
}

/// What everyone but the owner holds: submits events and reads.
#[derive(Clone)]
pub struct Handle {
    pub(crate) inner: Arc<Inner>,
    /// Gone once the ledger is closed.
    pub(super) queue: Arc<Mutex<Option<Sender<Submission>>>>,
    /// Set once nobody waits any more for what this handle reads of the log.
    pub(crate) abandoned: Option<Arc<AtomicBool>>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("dir", &self.inner.disk.dir).finish_non_exhaustive()
    }
}

impl Handle {
    /// The keyed hash under which a device, address or phone is known (`kind`: `device`, `ip`, `phone`).
    pub fn risk_key(&self, kind: &str, text: &str) -> RiskKey {
        risk_key(&self.inner.pepper.key, kind, text)
    }

    /// Which ledger this is: what makes a position mean something outside of it.
    pub fn identity(&self) -> Identity {
        self.inner.identity
    }

    /// The program that this version of the software cannot read, if there is one: nothing is judged then.
    pub fn unreadable(&self) -> Option<&Unreadable> {
        self.inner.unreadable.as_ref()
    }

    /// The same, with the lineage that a record is of: those before a copy was restored keep theirs.
    pub fn identity_at(&self, position: Position) -> Identity {
        let begun = self.inner.lineages.iter().rev().find(|(_, begin)| *begin <= position);
        let lineage = begun.map_or(FIRST_LINEAGE, |(lineage, _)| *lineage);
        Identity { lineage, ..self.inner.identity }
    }

    /// The same handle, for one caller: once the mark is set, what it folds of the log comes to an end.
    pub fn unless(&self, abandoned: Arc<AtomicBool>) -> Handle {
        Handle { abandoned: Some(abandoned), ..self.clone() }
    }

    /// The last durable record.
    pub fn committed(&self) -> Position {
        self.inner.status.committed_now()
    }

    /// Calls `notify` after every commit, and when the shard stops.
    pub fn on_commit(&self, notify: Notify) {
        self.inner.status.notify(notify);
    }

    /// Whether the shard works.
    pub fn health(&self) -> Health {
        self.inner.status.stopped().map_or(Health::Serving, Health::Stopped)
    }

    /// The jump of time that nobody has said to be right, if there is one: nothing is done by it until then.
    pub fn jump(&self) -> Option<Jump> {
        self.inner.guard.jump()
    }

    /// Why an event was last set aside; `None` if none was since the ledger was opened.
    pub fn quarantined(&self) -> Option<String> {
        let live = self.inner.live.read();
        let quarantine = &live.book.quarantine;
        (!quarantine.ids.is_empty()).then(|| quarantine.why.clone())
    }

    /// Figures about this ledger.
    pub fn stats(&self) -> Stats {
        let live = self.inner.live.read();
        Stats {
            committed: self.committed(),
            snapshot: Position(self.inner.snapshot.load(Ordering::Acquire)),
            members: live.state.members_len(),
            duplicates: live.duplicates,
            quarantined: live.book.quarantine.ids.len() as u64,
            questioned: self.inner.guard.questioned(),
            waiting: self.inner.waiting.load(Ordering::Acquire),
            disk_bytes: self.inner.disk.bytes(),
        }
    }
}
