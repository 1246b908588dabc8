//! Shard: one totally ordered log with one writer, and the handle everyone else holds.
//!
//! Four threads and nothing shared but what is named here. The *judge* takes whatever waits, reads
//! the clock once, judges and folds it under the write lock. The *committer* packs, hashes and
//! flushes the batch before while the judge is at the next, and then answers. The *snapshotter*
//! writes folded state now and then, and the *signer* a checkpoint. Every queue has a limit; past it callers are
//! told to wait.

mod handle;
mod judge;
mod quarantine;
mod queue;
mod status;
mod time;

pub use self::handle::{Handle, Health, Stats};
pub use self::queue::{Batch, Cursor, Done};
pub use self::status::Notify;
pub use self::time::{Jump, Jumps, Steady};

pub(crate) use self::quarantine::Quarantine;
pub(crate) use self::status::Status;

use self::judge::Judge;
use self::time::Guard;
use crate::commit::{self, Behind};
use crate::disk::Disk;
use crate::error::{CommitError, Damage, OpenError};
use crate::identity::{Identity, LedgerId};
use crate::live::Live;
use crate::mark::{self, Look, Marker};
use crate::owner::{self, Owner};
use crate::pepper::Pepper;
use crate::recover::{Given, Recovered, recover};
use crate::sealing::Seals;
use crate::signer::{Checkpoints, Signer};
use crate::snapshot::{self, Job};
use crate::tiles::Tiles;
use ledger_core::judge::Unreadable;
use ledger_core::merkle::Frontier;
use ledger_core::salts::Salt;
use ledger_core::units::{At, Position};
use parking_lot::{Condvar, Mutex, RwLock};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Batches between judge and committer.
const BATCHES_AHEAD: usize = 2;
/// How often an idle ledger on wall time looks for timers.
const IDLE: Duration = Duration::from_secs(1);
/// Why a ledger that was closed serves no more.
const CLOSED: &str = "the ledger is closed";
/// Why a ledger that was opened to look at it judges nothing.
const LOOKED_AT: &str = "the ledger is open for reading only";

/// How a ledger is kept.
#[derive(Clone)]
pub struct Options {
    /// What moves ledger time.
    pub time: Time,
    /// How far time may go at once before a person is asked.
    pub jumps: Jumps,
    /// A clock that nobody can set, by which jumps of the other are known while the ledger is open. `None`: there is
    /// none.
    pub steady: Option<Steady>,
    /// Whether what is durable can be read on once the shard has stopped: it is folded again then, which takes as long
    /// as opening does.
    pub stay: bool,
    /// Key of the hashes of names and ids. `None`: the ledger's own, drawn once and kept with it.
    pub secret: Option<[u8; 32]>,
    /// Which ledger this is to be, if it is made, and must be, if it is there. `None`: drawn once and kept with it.
    pub ledger: Option<LedgerId>,
    /// Under which key names, what is said, and the keys of hashes are sealed. `None`: under none. A ledger has one for
    /// ever, or none.
    pub sealing_key: Option<[u8; 32]>,
    /// What keys of risk are hashed under. `None`: the ledger's own, drawn once and kept with it.
    pub pepper: Option<[u8; 32]>,
    /// Root of the salts of what is said. `None`: the ledger's own, drawn once and kept with it.
    pub salts: Option<Salt>,
    /// How checkpoints are signed and kept.
    pub checkpoints: Checkpoints,
    /// A snapshot is written after so many records; a crash costs folding at most three times as many.
    pub snapshot_records: u64,
    /// Submitted batches that wait are judged together up to so many events, unless one alone is larger:
    /// enough that little is done for each, few enough that the disk does not wait for them.
    pub batch_events_max: usize,
    /// Most events that may wait to be judged.
    pub queue_events_max: usize,
}

impl std::fmt::Debug for Options {
    /// Says nothing of what hashes and seals hang on.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Options { time, ledger, snapshot_records, batch_events_max, queue_events_max, .. } = self;
        let sizes = (snapshot_records, batch_events_max, queue_events_max);
        f.debug_struct("Options")
            .field("time", time)
            .field("ledger", ledger)
            .field("sizes", &sizes)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            time: Time::Wall,
            jumps: Jumps::default(),
            steady: None,
            stay: false,
            secret: None,
            ledger: None,
            sealing_key: None,
            salts: None,
            pepper: None,
            checkpoints: Checkpoints::default(),
            snapshot_records: 2_000_000,
            batch_events_max: 1_000,
            queue_events_max: 100_000,
        }
    }
}

impl Options {
    /// What a ledger is opened with.
    fn given(&self) -> Given {
        let Options { secret, ledger, salts, pepper, .. } = *self;
        Given { secret, ledger, salts, pepper, seals: Seals::under(self.sealing_key), may_write: true }
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

pub(crate) struct Inner {
    pub(crate) disk: Arc<Disk>,
    pub(crate) live: RwLock<Live>,
    pub(crate) status: Status,
    pub(crate) guard: Guard,
    pub(crate) options: Options,
    secret: [u8; 32],
    pepper: Pepper,
    pub(crate) identity: Identity,
    /// A program that cannot be read: nothing is judged then. What is published here can be.
    pub(crate) unreadable: Option<Unreadable>,
    /// Where each lineage but the first began.
    lineages: Vec<(u32, Position)>,
    tree: Mutex<(Position, Frontier)>,
    pub(crate) tiles: Tiles,
    pub(crate) signer: Signer,
    snapshot: AtomicU64,
    waiting: AtomicUsize,
    room: Condvar,
    room_lock: Mutex<()>,
    /// Gone behind the database; none of a ledger that is looked at.
    _owner: Option<Owner>,
}

/// An open ledger. Closing or dropping it ends its threads.
pub struct Ledger {
    handle: Handle,
    threads: Vec<JoinHandle<()>>,
    /// Ends when the sender goes: behind all others, so that it signs what they wrote last.
    signer: Option<(Sender<()>, JoinHandle<()>)>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("dir", &self.handle.inner.disk.dir).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger in `dir`, making one if there is none: loads the last snapshot and folds the
    /// tail of the log. It asks no program: of a ledger with one that this version of the software cannot
    /// read, everything recorded is served, and nothing is judged ([`Handle::unreadable`]).
    ///
    /// # Errors
    /// [`OpenError`]; a damaged ledger is not opened, nor one whose log is not what its mark says.
    pub fn open(dir: &Path, options: Options, clock: Clock) -> Result<Ledger, OpenError> {
        let owner = owner::make_and_own(dir)?;
        let found = mark::find(dir)?;
        let expected = mark::admit(dir, found.as_ref())?;
        let given = options.given();
        let disk = Arc::new(Disk::open_or_make(dir)?.opened_by(given.seals.clone()));
        owner::keep_private(dir)?;
        let (submit, submitted) = channel();
        let (commit, committing) = sync_channel(BATCHES_AHEAD);
        let (begin, begun) = sync_channel(0);
        let (tell, told) = channel();
        let (start, started) = channel::<Arc<Inner>>();
        // The judge loads the members, too: what a thread allocates it can grow and free most cheaply.
        let judge = spawn("judge", move || {
            let recovered = recover(disk, given);
            let begun = recovered.as_ref().map_or(Position(0), |recovered| recovered.snapshot);
            if tell.send(recovered).is_ok()
                && let Ok(inner) = started.recv()
            {
                let alarm = Alarm(inner);
                Judge::new(&alarm.0, commit, begin, begun).run(&submitted);
            }
        })?;
        let recovered = match told.recv() {
            Ok(recovered) => recovered?,
            Err(_) => {
                return Err(OpenError::System("opening panicked, which is a bug; its message is on stderr".into()));
            }
        };
        let tip = recovered.tip;
        if expected.is_some_and(|expected| expected != tip) {
            let what = "is not the one that was there before the log was opened to write".into();
            return Err(Damage::Row { row: format!("commit {}", tip.number), what }.into());
        }
        let marker = Marker::new(dir, recovered.identity, found.and_then(Result::ok), tip)?;
        let salts = recovered.salts.clone();
        let inner = Arc::new(Inner::new(recovered, options, clock, Some(owner))?);
        let alarm = Alarm(inner.clone());
        let behind = Behind { salts, tip, marker };
        let committer = spawn("committer", move || {
            let inner = &alarm.0;
            commit::run(&inner.disk, (&inner.tree, &inner.tiles), &inner.status, &committing, behind);
        })?;
        let alarm = Alarm(inner.clone());
        let snapshotter = spawn("snapshotter", move || alarm.0.write_snapshots(&begun))?;
        let (close, closing) = channel();
        let alarm = Alarm(inner.clone());
        let signer = spawn("signer", move || alarm.0.signer.run(&alarm.0.tree, &alarm.0.status, &closing))?;
        let threads = vec![judge, committer, snapshotter];
        let _ = start.send(inner.clone());
        let handle = Handle { inner, queue: Arc::new(Mutex::new(Some(submit))), abandoned: None };
        Ok(Ledger { handle, threads, signer: Some((close, signer)) })
    }

    /// Opens the ledger in `dir` to read it, as it is at this moment: nothing is written, also where nothing can be,
    /// and whoever has it open is not disturbed. Of what is said nothing is taken.
    ///
    /// # Errors
    /// [`OpenError`], as [`Ledger::open`].
    pub fn look(dir: &Path, options: Options, clock: Clock) -> Result<Ledger, OpenError> {
        let Look { disk, admitted, .. } = mark::look_at(dir)?;
        admitted?;
        let given = options.given();
        let recovered = recover(Arc::new(disk.opened_by(given.seals.clone())), given)?;
        let inner = Arc::new(Inner::new(recovered, options, clock, None)?);
        inner.status.stop(LOOKED_AT.into());
        let handle = Handle { inner, queue: Arc::new(Mutex::new(None)), abandoned: None };
        Ok(Ledger { handle, threads: Vec::new(), signer: None })
    }

    /// What submits and reads.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes no more events, commits what waits, writes a snapshot, signs the last checkpoint and ends the threads.
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
        if let Some((close, signer)) = self.signer.take() {
            drop(close);
            let _ = signer.join();
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

impl Inner {
    fn new(recovered: Recovered, options: Options, clock: Clock, owner: Option<Owner>) -> Result<Inner, OpenError> {
        let state = &recovered.live.state;
        let committed = state.shared.position;
        // Where nobody has anything, nothing can be harmed.
        let last = (state.members_len() > 0).then_some(state.shared.at);
        let guard = Guard::new(clock, options.steady.clone(), options.time, options.jumps, last);
        let unreadable = recovered.live.programs.unreadable().cloned();
        let signer = Signer::open(&recovered.disk, &recovered.identity, committed, &options.checkpoints)?;
        Ok(Inner {
            unreadable,
            disk: recovered.disk,
            live: RwLock::new(recovered.live),
            status: Status::new(committed),
            guard,
            options,
            secret: recovered.secret,
            pepper: recovered.pepper,
            identity: recovered.identity,
            lineages: recovered.lineages,
            tree: Mutex::new((committed, recovered.tree)),
            tiles: Tiles::default(),
            signer,
            snapshot: AtomicU64::new(recovered.snapshot.0),
            waiting: AtomicUsize::new(0),
            room: Condvar::new(),
            room_lock: Mutex::new(()),
            _owner: owner,
        })
    }

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
