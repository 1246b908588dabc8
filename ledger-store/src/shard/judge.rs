//! Judge: the thread that takes what waits, reads the clock once for all of it, judges and folds it under the
//! write lock, hands it to the committer and says when a snapshot begins.

use super::queue::Submission;
use super::{IDLE, Inner, Time};
use crate::commit::Judged;
use crate::error::{CommitError, Damage};
use crate::live::{EVENTS_PER_TURN, Live};
use crate::snapshot::{self, Job};
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::fold::Corrupt;
use ledger_core::units::{At, MemberNo, Position};
use parking_lot::RwLockWriteGuard;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel};
use std::time::Duration;

/// So many snapshot intervals may pass during one snapshot before the judge waits for it.
const SNAPSHOTS_BEHIND: usize = 2;

pub(super) struct Judge<'a> {
    pub(super) inner: &'a Inner,
    pub(super) commit: SyncSender<Judged>,
    pub(super) begin: SyncSender<(Job, Sender<()>)>,
    /// How far the last snapshot reaches, written or being written.
    pub(super) begun: Position,
    /// Whether more timers are due than were fired.
    pub(super) more_due: bool,
    /// Where the snapshot that is being written reports its end.
    pub(super) reported: Option<Receiver<()>>,
}

impl Judge<'_> {
    pub(super) fn run(mut self, submitted: &Receiver<Submission>) {
        let mut open = true;
        while open {
            let mut batch = Vec::new();
            // What is due is fired in turns with what is said.
            match submitted.recv_timeout(if self.more_due { Duration::ZERO } else { IDLE }) {
                Ok(submission) => open = self.gather(submission, submitted, &mut batch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => open = false,
            }
            if self.inner.status.stopped().is_some() {
                self.give_up(batch);
                continue;
            }
            if let Err(damage) = self.judge(batch) {
                self.inner.status.stop(format!("judging failed: {damage}"));
            }
        }
        if self.inner.status.stopped().is_none() {
            self.snapshot(true);
        }
    }

    /// Everything that waits, up to the limit of a batch. Answers whether more can come.
    fn gather(&self, first: Submission, submitted: &Receiver<Submission>, batch: &mut Vec<Submission>) -> bool {
        let mut events = first.batch.events.len();
        batch.push(first);
        let mut open = true;
        while events < self.inner.options.batch_events_max {
            match submitted.try_recv() {
                Ok(next) => {
                    events += next.batch.events.len();
                    batch.push(next);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    open = false;
                    break;
                }
            }
        }
        self.inner.waiting.fetch_sub(events, Ordering::AcqRel);
        // Behind whoever has seen no room and is about to wait for it.
        drop(self.inner.room_lock.lock());
        self.inner.room.notify_all();
        open
    }

    fn judge(&mut self, batch: Vec<Submission>) -> Result<(), Damage> {
        let inner = self.inner;
        let clock = (inner.clock)();
        let mut live = inner.live.write();
        let mut judged = Judged {
            at: clock,
            staged: None,
            cursors: Vec::new(),
            waiting: Vec::with_capacity(batch.len()),
            on_disk: live.book.take_committed(inner.status.committed_now()),
        };
        self.more_due = false;
        if inner.options.time == Time::Wall && inner.unreadable.is_none() && live.state.may_be_due(clock) {
            self.more_due = self.tick(&mut live, &mut judged, clock)?;
            RwLockWriteGuard::bump(&mut live);
        }
        for Submission { batch, hashes, prepared, done } in batch {
            live.book.prepared = prepared;
            let mut answers = Vec::with_capacity(batch.events.len());
            let mut hashes = &*hashes;
            let mut events = batch.events.into_iter();
            while !events.as_slice().is_empty() {
                let turn = events.as_slice().len().min(EVENTS_PER_TURN);
                let (now, later) = hashes.split_at(turn);
                hashes = later;
                live.prefetch(now);
                for (event, hashes) in events.by_ref().take(turn).zip(now) {
                    let at = ledger_time(inner.options.time, clock, &event);
                    let answer = match live.submit(*hashes, event, at) {
                        Ok(answer) => answer,
                        Err(damage) => {
                            let Some(failed) = live.book.quarantine.failed.take() else { return Err(damage) };
                            self.start_over(&mut live, &mut judged, &mut answers, damage)?;
                            live.set_aside(*hashes, failed, at)?
                        }
                    };
                    answers.push(answer);
                }
                RwLockWriteGuard::bump(&mut live);
            }
            judged.cursors.extend(batch.cursors);
            judged.waiting.push((done, answers));
        }
        live.end_batch();
        judged.staged = live.book.take_staged();
        let tail = live.state.shared.position.0.saturating_sub(self.begun.0);
        drop(live);
        if judged.staged.is_some() || !judged.waiting.is_empty() {
            // The committer outlives this thread, so a failure here means that it panicked.
            self.commit.send(judged).map_err(|_| Damage::Database("the committer is gone".into()))?;
        }
        if tail >= inner.options.snapshot_records {
            self.snapshot(tail >= inner.options.snapshot_records.saturating_mul(SNAPSHOTS_BEHIND as u64));
        }
        Ok(())
    }

    /// Fires some of what is due; of whom it does not fold, nothing more is judged. Answers whether there is more.
    fn tick(&self, live: &mut Live, judged: &mut Judged, clock: At) -> Result<bool, Damage> {
        loop {
            match live.tick(clock) {
                Ok(more) => return Ok(more),
                Err(damage @ Damage::Corrupt(Corrupt::Fold { member: MemberNo::NOBODY, .. })) => return Err(damage),
                Err(damage) => self.start_over(live, judged, &mut [], damage)?,
            }
        }
    }

    /// Begins a snapshot if none is being written; `wait`: waits for that one first, and for this.
    fn snapshot(&mut self, wait: bool) {
        if let Some(reported) = &self.reported {
            match reported.try_recv() {
                Err(TryRecvError::Empty) if !wait => return,
                Err(TryRecvError::Empty) => {
                    let _ = reported.recv();
                }
                Ok(()) | Err(TryRecvError::Disconnected) => {}
            }
        }
        let job = snapshot::begin(&mut self.inner.live.write());
        self.begun = job.folded;
        let (report, reported) = channel();
        if self.begin.send((job, report)).is_err() {
            return self.inner.status.stop("the snapshotter is gone".into());
        }
        self.reported = Some(reported);
    }

    fn give_up(&self, batch: Vec<Submission>) {
        let reason = self.inner.status.stopped().unwrap_or_default();
        for Submission { done, .. } in batch {
            done(Err(CommitError::Stopped { reason: reason.clone() }));
        }
    }
}

fn ledger_time(time: Time, clock: At, event: &Event<Name>) -> At {
    let own = match &event.body {
        Body::Tick(event::Tick { up_to }) => *up_to,
        _ => event.occurred_at,
    };
    match time {
        Time::Wall => clock,
        Time::Events => own.min(clock),
        Time::Simulated => own,
    }
}
