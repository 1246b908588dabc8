//! Queue: what waits to be judged, and how much of it may.
//!
//! Room is taken before a batch is queued and given back when the judge takes it. Past the limit whoever
//! does not wait is told to come again; whoever waits is let in while the queue is at most half full.

use super::{CLOSED, Handle, IDLE};
use crate::error::{CommitError, SubmitError};
use crate::ids::Hash;
use crate::live::Hashes;
use ledger_core::event::{Body, Event, Name};
use ledger_core::judge::Unreadable;
use ledger_core::outcome::Outcome;
use ledger_core::program::PreparedProgram;
use ledger_core::units::Position;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

/// Gets the outcomes of a batch, once, on the committer's thread.
pub type Done = Box<dyn FnOnce(Result<Vec<Outcome>, CommitError>) + Send>;

/// Events to be judged together, in order.
#[derive(Debug, Default)]
pub struct Batch {
    /// The events; each must be free of violations.
    pub events: Vec<Event<Name>>,
    /// Where their sources stand behind them; durable with their records.
    pub cursors: Vec<Cursor>,
}

/// Where a source stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which source: a file, a topic's partition.
    pub source: Box<str>,
    /// The first of its events that is not in the ledger.
    pub next: u64,
}

/// A batch that waits.
pub(super) struct Submission {
    pub(super) batch: Batch,
    /// Of each event of the batch.
    pub(super) hashes: Vec<Hashes>,
    /// Its program files, read already.
    pub(super) prepared: Vec<PreparedProgram>,
    pub(super) done: Done,
}

impl Handle {
    /// Queues a batch and answers `done` once its records are durable. Never waits.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing of the batch happened then, and `done` is dropped.
    pub fn submit(&self, batch: Batch, done: Done) -> Result<(), SubmitError> {
        self.must_judge(&batch).map_err(SubmitError::Program)?;
        self.reserve(batch.events.len())?;
        if self.queue(batch, done) { Ok(()) } else { Err(SubmitError::Stopped { reason: CLOSED.into() }) }
    }

    /// A batch of cursors alone takes no program.
    fn must_judge(&self, batch: &Batch) -> Result<(), Unreadable> {
        self.inner.unreadable.clone().filter(|_| !batch.events.is_empty()).map_or(Ok(()), Err)
    }

    /// Takes room in the queue for so many events.
    fn reserve(&self, events: usize) -> Result<(), SubmitError> {
        let inner = &self.inner;
        if let Some(reason) = inner.status.stopped() {
            return Err(SubmitError::Stopped { reason });
        }
        let waiting = inner.waiting.fetch_add(events, Ordering::AcqRel);
        if waiting > 0 && waiting + events > inner.options.queue_events_max {
            inner.waiting.fetch_sub(events, Ordering::AcqRel);
            return Err(SubmitError::Busy { waiting });
        }
        Ok(())
    }

    /// Queues a batch for which room is reserved, if the ledger is not closed.
    fn queue(&self, mut batch: Batch, done: Done) -> bool {
        batch.events.iter_mut().for_each(|event| event.keys.set_epoch(self.inner.pepper.epoch));
        let events = batch.events.len();
        let hash = Hash::new(&self.inner.secret);
        let hashes = batch.events.iter().map(|event| Hashes::of(event, hash)).collect();
        let prepared = self.prepare(&batch.events);
        let queue = self.queue.lock();
        let submission = Submission { batch, hashes, prepared, done };
        let sent = queue.as_ref().is_some_and(|queue| queue.send(submission).is_ok());
        if !sent {
            self.inner.waiting.fetch_sub(events, Ordering::AcqRel);
        }
        sent
    }

    /// Reads the program files of a batch: that takes a while, and nobody waits for it but whoever submits them.
    fn prepare(&self, events: &[Event<Name>]) -> Vec<PreparedProgram> {
        let texts = events.iter().filter_map(|event| match &event.body {
            Body::ProgramPublished(said) => Some(&*said.text),
            _ => None,
        });
        let mut texts = texts.peekable();
        if texts.peek().is_none() {
            return Vec::new();
        }
        let terms = self.inner.live.read().terms.clone();
        texts.map(|text| PreparedProgram::new(text, &terms)).collect()
    }

    /// Submits a batch, waiting for room in the queue, and waits until its records are durable.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn submit_and_wait(&self, batch: Batch) -> Result<Vec<Outcome>, CommitError> {
        let (tell, told) = channel();
        let done = Box::new(move |outcomes| {
            let _ = tell.send(outcomes);
        });
        self.submit_when_room(batch, done)?;
        told.recv().unwrap_or_else(|_| {
            // Let go of without a word: the shard is stopping, and says why when it has.
            let reason = self.inner.status.wait(Position(u64::MAX)).err().unwrap_or_else(|| CLOSED.into());
            Err(CommitError::Stopped { reason })
        })
    }

    /// Waits for room in the queue, queues a batch, and answers `done` once its records are durable.
    ///
    /// # Errors
    /// [`CommitError`]; nothing of the batch happened then, and `done` is dropped.
    pub fn submit_when_room(&self, batch: Batch, done: Done) -> Result<(), CommitError> {
        self.must_judge(&batch).map_err(CommitError::Program)?;
        let inner = &self.inner;
        // Half of the queue is left to those who do not wait.
        let half_full = || inner.waiting.load(Ordering::Acquire) > inner.options.queue_events_max / 2;
        let mut room = inner.room_lock.lock();
        loop {
            if half_full() && inner.status.stopped().is_none() {
                inner.room.wait_for(&mut room, IDLE);
                continue;
            }
            match self.reserve(batch.events.len()) {
                Ok(()) => break,
                Err(SubmitError::Busy { .. }) => inner.room.wait_for(&mut room, IDLE),
                Err(SubmitError::Program(unreadable)) => return Err(CommitError::Program(unreadable)),
                Err(SubmitError::Stopped { reason }) => return Err(CommitError::Stopped { reason }),
            };
        }
        drop(room);
        if self.queue(batch, done) { Ok(()) } else { Err(CommitError::Stopped { reason: CLOSED.into() }) }
    }
}
