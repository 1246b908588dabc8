//! Status: what is durable, and whether the shard works.

use ledger_core::units::Position;
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicU64, Ordering};

/// Is told the last durable position after every commit, and when the shard stops.
pub type Notify = Box<dyn Fn(Position) + Send + Sync>;

/// What is durable, and whether the shard works: known to every thread and every reader.
pub(crate) struct Status {
    committed: AtomicU64,
    stopped: Mutex<Option<String>>,
    changed: Condvar,
    notify: Mutex<Vec<Notify>>,
}

impl Status {
    pub(super) fn new(committed: Position) -> Status {
        Status {
            committed: AtomicU64::new(committed.0),
            stopped: Mutex::new(None),
            changed: Condvar::new(),
            notify: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn notify(&self, notify: Notify) {
        self.notify.lock().push(notify);
    }

    pub(crate) fn committed_now(&self) -> Position {
        Position(self.committed.load(Ordering::Acquire))
    }

    pub(crate) fn stopped(&self) -> Option<String> {
        self.stopped.lock().clone()
    }

    pub(crate) fn committed(&self, position: Position) {
        let guard = self.stopped.lock();
        self.committed.store(position.0, Ordering::Release);
        drop(guard);
        self.tell();
    }

    pub(crate) fn stop(&self, reason: String) {
        self.stopped.lock().get_or_insert(reason);
        self.tell();
    }

    /// Wakes whoever waits for anything.
    pub(crate) fn tell(&self) {
        self.changed.notify_all();
        let position = self.committed_now();
        self.notify.lock().iter().for_each(|notify| notify(position));
    }

    /// Waits until a record is durable; says why if it never will be.
    pub(crate) fn wait(&self, position: Position) -> Result<(), String> {
        let mut stopped = self.stopped.lock();
        loop {
            if self.committed_now() >= position {
                return Ok(());
            }
            if let Some(reason) = &*stopped {
                return Err(reason.clone());
            }
            self.changed.wait(&mut stopped);
        }
    }
}
