//! Shard: one totally ordered log with one writer, and the handle everyone else holds.
//!
//! Three threads and nothing shared but what is named here. The *judge* takes whatever waits, reads
//! the clock once, judges and folds it under the write lock. The *committer* packs, hashes and
//! flushes the batch before while the judge is at the next, and then answers. The *snapshotter*
//! writes folded state now and then. Every queue has a limit; past it callers are told to wait.

use crate::commit::{self, Judged};
use crate::disk::Disk;
use crate::error::{CommitError, Damage, OpenError, SubmitError};
use crate::ids::Hash;
use crate::live::{EVENTS_PER_TURN, Hashes, Live, risk_key};
use crate::recover::recover;
use crate::snapshot::{self, Job};
use ledger_core::event::{self, Body, Event, Name};
use ledger_core::merkle::Frontier;
use ledger_core::outcome::Outcome;
use ledger_core::units::{At, Position, RiskKey};
use parking_lot::{Condvar, Mutex, RwLock, RwLockWriteGuard};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Batches between judge and committer.
const BATCHES_AHEAD: usize = 2;
/// How often an idle ledger on wall time looks for timers.
const IDLE: Duration = Duration::from_secs(1);
/// Why a ledger that was closed serves no more.
const CLOSED: &str = "the ledger is closed";
/// So many snapshot intervals may pass during one snapshot before the judge waits for it.
const SNAPSHOTS_BEHIND: usize = 2;

/// How a ledger is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// What moves ledger time.
    pub time: Time,
    /// Key of the hashes of risk keys and ids. `None`: the ledger's own, drawn once and kept with it.
    pub secret: Option<[u8; 32]>,
    /// A snapshot is written after so many records; a crash costs folding at most three times as many.
    pub snapshot_records: u64,
    /// Submitted batches that wait are judged together up to so many events, unless one alone is larger:
    /// enough that little is done for each, few enough that the disk does not wait for them.
    pub batch_events_max: usize,
    /// Most events that may wait to be judged.
    pub queue_events_max: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            time: Time::Wall,
            secret: None,
            snapshot_records: 2_000_000,
            batch_events_max: 1_000,
            queue_events_max: 100_000,
        }
    }
}

/// What moves ledger time. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// The clock.
    Wall,
    /// The events' own times, never past the clock: for backfills and imports of history.
    Events,
    /// The events' own times and ticks alone: for scenarios and simulations.
    Simulated,
}

/// Tells the time, in milliseconds since 1970; the store never asks the machine itself.
pub type Clock = Arc<dyn Fn() -> At + Send + Sync>;

/// Gets the outcomes of a batch, once, on the committer's thread.
pub type Done = Box<dyn FnOnce(Result<Vec<Outcome>, CommitError>) + Send>;

/// Is told the last durable position after every commit, and when the shard stops.
pub type Notify = Box<dyn Fn(Position) + Send + Sync>;

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
    /// How many events wait.
    pub waiting: usize,
    /// Bytes in RocksDB's sorted files.
    pub disk_bytes: u64,
}

/// What is durable, and whether the shard works: known to every thread and every reader.
pub(crate) struct Status {
    committed: AtomicU64,
    stopped: Mutex<Option<String>>,
    changed: Condvar,
    notify: Mutex<Vec<Notify>>,
}

impl Status {
    fn new(committed: Position) -> Status {
        Status {
            committed: AtomicU64::new(committed.0),
            stopped: Mutex::new(None),
            changed: Condvar::new(),
            notify: Mutex::new(Vec::new()),
        }
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

    fn tell(&self) {
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

struct Submission {
    batch: Batch,
    /// Of each event of the batch.
    hashes: Vec<Hashes>,
    done: Done,
}

pub(crate) struct Inner {
    pub(crate) disk: Arc<Disk>,
    pub(crate) live: RwLock<Live>,
    pub(crate) status: Status,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    secret: [u8; 32],
    tree: Mutex<(Position, Frontier)>,
    snapshot: AtomicU64,
    waiting: AtomicUsize,
    room: Condvar,
    room_lock: Mutex<()>,
}

/// An open ledger. Closing or dropping it ends its threads.
pub struct Ledger {
    handle: Handle,
    threads: Vec<JoinHandle<()>>,
}

/// What everyone but the owner holds: submits events and reads.
#[derive(Clone)]
pub struct Handle {
    pub(crate) inner: Arc<Inner>,
    queue: Arc<Mutex<Option<Sender<Submission>>>>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("dir", &self.handle.inner.disk.dir).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("dir", &self.inner.disk.dir).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger in `dir`, making one if there is none: loads the last snapshot and folds the
    /// tail of the log.
    ///
    /// # Errors
    /// [`OpenError`]; a damaged ledger is not opened.
    pub fn open(dir: &Path, options: Options, clock: Clock) -> Result<Ledger, OpenError> {
        let disk = Arc::new(Disk::open_or_make(dir)?);
        let secret = options.secret;
        let (submit, submitted) = channel();
        let (commit, committing) = sync_channel(BATCHES_AHEAD);
        let (begin, begun) = sync_channel(0);
        let (tell, told) = channel();
        let (start, started) = channel::<Arc<Inner>>();
        // The judge loads the members, too: what a thread allocates it can grow and free most cheaply.
        let judge = spawn("judge", move || {
            let recovered = recover(disk, secret);
            let begun = recovered.as_ref().map_or(Position(0), |recovered| recovered.snapshot);
            if tell.send(recovered).is_ok()
                && let Ok(inner) = started.recv()
            {
                let alarm = Alarm(inner);
                Judge { inner: &alarm.0, commit, begin, begun, reported: None }.run(&submitted);
            }
        })?;
        let recovered = match told.recv() {
            Ok(recovered) => recovered?,
            Err(_) => {
                return Err(OpenError::System("opening panicked, which is a bug; its message is on stderr".into()));
            }
        };
        let committed = recovered.live.state.shared.position;
        let inner = Arc::new(Inner {
            disk: recovered.disk,
            live: RwLock::new(recovered.live),
            status: Status::new(committed),
            clock,
            options,
            secret: recovered.secret,
            tree: Mutex::new((committed, recovered.tree)),
            snapshot: AtomicU64::new(recovered.snapshot.0),
            waiting: AtomicUsize::new(0),
            room: Condvar::new(),
            room_lock: Mutex::new(()),
        });
        let alarm = Alarm(inner.clone());
        let committer = spawn("committer", move || {
            let inner = &alarm.0;
            commit::run(&inner.disk, &inner.tree, &inner.status, &committing);
        })?;
        let alarm = Alarm(inner.clone());
        let snapshotter = spawn("snapshotter", move || alarm.0.write_snapshots(&begun))?;
        let threads = vec![judge, committer, snapshotter];
        let _ = start.send(inner.clone());
        let handle = Handle { inner, queue: Arc::new(Mutex::new(Some(submit))) };
        Ok(Ledger { handle, threads })
    }

    /// What submits and reads.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes no more events, commits what waits, writes a snapshot and ends the threads.
    ///
    /// # Errors
    /// If the shard stopped before.
    pub fn close(mut self) -> Result<(), CommitError> {
        self.end().map_or(Ok(()), |reason| Err(CommitError::Stopped { reason }))
    }

    /// Ends the threads; answers why the shard had stopped by itself, if it had.
    fn end(&mut self) -> Option<String> {
        self.handle.queue.lock().take();
        for thread in self.threads.drain(..) {
            // A thread that panicked has stopped the shard; see `Alarm`.
            let _ = thread.join();
        }
        let stopped = self.handle.inner.status.stopped();
        self.handle.inner.status.stop(CLOSED.into());
        stopped
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let thread = std::thread::Builder::new().name(name.into());
    thread.spawn(run).map_err(|error| OpenError::System(error.to_string()))
}

/// Stops the shard if the thread that holds it panics: a bug must be loud, and nobody may wait for it.
struct Alarm(Arc<Inner>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = std::thread::current().name().unwrap_or("a thread").to_string();
            self.0.status.stop(format!("the {name} panicked, which is a bug; its message is on stderr"));
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.end();
    }
}

impl Handle {
    /// Queues a batch and answers `done` once its records are durable. Never waits.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing of the batch happened then, and `done` is dropped.
    pub fn submit(&self, batch: Batch, done: Done) -> Result<(), SubmitError> {
        self.reserve(batch.events.len())?;
        if self.queue(batch, done) { Ok(()) } else { Err(SubmitError::Stopped { reason: CLOSED.into() }) }
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
    fn queue(&self, batch: Batch, done: Done) -> bool {
        let events = batch.events.len();
        let hash = Hash::new(&self.inner.secret);
        let hashes = batch.events.iter().map(|event| Hashes::of(event, hash)).collect();
        let queue = self.queue.lock();
        let sent = queue.as_ref().is_some_and(|queue| queue.send(Submission { batch, hashes, done }).is_ok());
        if !sent {
            self.inner.waiting.fetch_sub(events, Ordering::AcqRel);
        }
        sent
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
                Err(SubmitError::Stopped { reason }) => return Err(CommitError::Stopped { reason }),
            };
        }
        drop(room);
        if self.queue(batch, done) { Ok(()) } else { Err(CommitError::Stopped { reason: CLOSED.into() }) }
    }

    /// The keyed hash under which a device, address or phone is known (`kind`: `device`, `ip`, `phone`).
    pub fn risk_key(&self, kind: &str, text: &str) -> RiskKey {
        risk_key(&self.inner.secret, kind, text)
    }

    /// The last durable record.
    pub fn committed(&self) -> Position {
        self.inner.status.committed_now()
    }

    /// Calls `notify` after every commit, and when the shard stops.
    pub fn on_commit(&self, notify: Notify) {
        self.inner.status.notify.lock().push(notify);
    }

    /// Whether the shard works.
    pub fn health(&self) -> Health {
        self.inner.status.stopped().map_or(Health::Serving, Health::Stopped)
    }

    /// Figures about this ledger.
    pub fn stats(&self) -> Stats {
        let live = self.inner.live.read();
        Stats {
            committed: self.committed(),
            snapshot: Position(self.inner.snapshot.load(Ordering::Acquire)),
            members: live.state.members_len(),
            duplicates: live.duplicates,
            waiting: self.inner.waiting.load(Ordering::Acquire),
            disk_bytes: self.inner.disk.bytes(),
        }
    }
}

struct Judge<'a> {
    inner: &'a Inner,
    commit: SyncSender<Judged>,
    begin: SyncSender<(Job, Sender<()>)>,
    /// How far the last snapshot reaches, written or being written.
    begun: Position,
    /// Where the snapshot that is being written reports its end.
    reported: Option<Receiver<()>>,
}

impl Judge<'_> {
    fn run(mut self, submitted: &Receiver<Submission>) {
        let mut open = true;
        while open {
            let mut batch = Vec::new();
            match submitted.recv_timeout(IDLE) {
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
            staged: None,
            cursors: Vec::new(),
            waiting: Vec::with_capacity(batch.len()),
            on_disk: live.book.take_committed(inner.status.committed_now()),
        };
        if inner.options.time == Time::Wall && live.state.may_be_due(clock) {
            live.tick(clock)?;
        }
        for Submission { batch, hashes, done } in batch {
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
                    answers.push(live.submit(*hashes, event, at)?);
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

impl Inner {
    fn write_snapshots(&self, begun: &Receiver<(Job, Sender<()>)>) {
        while let Ok((job, report)) = begun.recv() {
            let folded = job.folded;
            match snapshot::write(&self.disk, &self.live, &self.tree, &self.status, job) {
                Ok(()) => self.snapshot.store(folded.0, Ordering::Release),
                // Rows that were to be written are no longer noted as changed: go on and a later
                // snapshot would claim what was never written. Opening anew folds the log instead.
                Err(damage) => self.status.stop(format!("snapshot failed: {damage}")),
            }
            let _ = report.send(());
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
