//! Judge: the thread that takes what waits, reads the clock once for all of it, judges and folds it under the
//! write lock, hands it to the committer and says when a snapshot begins.

use super::queue::{Batch, Submission};
use super::time::{Jump, ledger_time};
use super::{IDLE, Inner, Time};
use crate::commit::Judged;
use crate::error::{CommitError, Damage};
use crate::live::{EVENTS_PER_TURN, Live};
use crate::recover::{Given, recover};
use crate::snapshot::{self, Job};
use ledger_core::fold::Corrupt;
use ledger_core::units::{At, MemberNo, Position};
use parking_lot::RwLockWriteGuard;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel};
use std::time::Duration;

/// So many snapshot intervals may pass during one snapshot before the judge waits for it.
const SNAPSHOTS_BEHIND: usize = 2;

pub(super) struct Judge<'a> {
    pub(super) inner: &'a Inner,
    pub(super) commit: SyncSender<Judged>,
    begin: SyncSender<(Job, Sender<()>)>,
    /// How far the last snapshot reaches, written or being written.
    begun: Position,
    /// Whether more timers are due than were fired.
    more_due: bool,
    /// Where the snapshot that is being written reports its end.
    reported: Option<Receiver<()>>,
    /// Sources of which a batch was not judged, and why.
    held: HashMap<Box<str>, Jump>,
    /// What was durable when the shard stopped is folded again, so that it can be read.
    reads_on: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        inner: &'a Inner,
        commit: SyncSender<Judged>,
        begin: SyncSender<(Job, Sender<()>)>,
        begun: Position,
    ) -> Judge<'a> {
        let (held, more_due, reads_on) = (HashMap::new(), false, false);
        Judge { inner, commit, begin, begun, more_due, reported: None, held, reads_on }
    }

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
                self.read_on();
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
        let clock = inner.guard.now();
        let mut live = inner.live.write();
        let mut judged = Judged {
            at: clock,
            staged: None,
            cursors: Vec::new(),
            waiting: Vec::with_capacity(batch.len()),
            not_judged: Vec::new(),
            on_disk: live.book.take_committed(inner.status.committed_now()),
        };
        self.more_due = false;
        if inner.options.time == Time::Wall && inner.unreadable.is_none() && live.state.may_be_due(clock) {
            self.more_due = self.tick(&mut live, &mut judged, clock)?;
            RwLockWriteGuard::bump(&mut live);
        }
        for Submission { batch, hashes, prepared, done } in batch {
            if let Some(error) = self.questions(&live, &batch) {
                judged.not_judged.push((done, error));
                continue;
            }
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
        if judged.staged.is_some() || !judged.waiting.is_empty() || !judged.not_judged.is_empty() {
            // The committer outlives this thread, so a failure here means that it panicked.
            self.commit.send(judged).map_err(|_| Damage::Database("the committer is gone".into()))?;
        }
        if tail >= inner.options.snapshot_records {
            self.snapshot(tail >= inner.options.snapshot_records.saturating_mul(SNAPSHOTS_BEHIND as u64));
        }
        Ok(())
    }

    /// Why nothing of a batch is judged: time would jump. Behind it no cursor of its sources moves, or what it said
    /// would be passed over.
    fn questions(&mut self, live: &Live, batch: &Batch) -> Option<CommitError> {
        let state = &live.state;
        let found = self.inner.guard.questions(&batch.events, state.shared.at, state.members_len() > 0);
        if let Some((event, jump)) = found {
            let held = batch.cursors.iter().map(|cursor| (cursor.source.clone(), jump));
            self.held.extend(held);
            return Some(CommitError::Clock { event, jump });
        }
        let held = batch.cursors.iter().find_map(|cursor| self.held.get(&cursor.source));
        held.map(|jump| CommitError::Clock { event: 0, jump: *jump })
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

    /// Behind a write that failed, memory has more than the disk: what is durable is folded again, and read on.
    fn read_on(&mut self) {
        if std::mem::replace(&mut self.reads_on, true) || !self.inner.options.stay {
            return;
        }
        let Inner { live, status, options, disk, .. } = self.inner;
        if live.read().state.shared.position <= status.committed_now() {
            return;
        }
        // Where the disk cannot be read either, reads go on to say why the shard stopped.
        if let Ok(recovered) = recover(disk.clone(), Given { may_write: false, ..options.given() }) {
            let mut live = live.write();
            live.replace(recovered.live);
            status.committed(live.state.shared.position);
        }
    }

    fn give_up(&self, batch: Vec<Submission>) {
        let reason = self.inner.status.stopped().unwrap_or_default();
        for Submission { done, .. } in batch {
            done(Err(CommitError::Stopped { reason: reason.clone() }));
        }
    }
}
