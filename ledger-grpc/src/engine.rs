//! Engine: the asynchronous face of the store.
//!
//! Callers wait here: for room in the queue, for the commit of what they said, for the commit of what
//! they read. Every wait ends at the deadline of the call, and every queue has a named limit in
//! [`Limits`]; past it the caller is told to slow down. The clock is read in `clock` alone. It knows no message and no
//! status code.

mod clock;
mod failure;
mod limits;
mod threads;

pub use self::clock::{steady_clock, wall_clock};
pub use self::failure::Failure;
pub use self::limits::Limits;
pub use self::threads::off_thread;

use self::threads::send_all;
use crate::door::Guest;
use crate::wire::{DecodedBatch, Names};
use ledger_core::outcome::Outcome;
use ledger_core::program::{Fault, Program};
use ledger_core::units::{Position, RiskKey};
use ledger_store::{Batch, CommitError, Handle, Health, Identity, Jump, Pending, ReadError};
use parking_lot::Mutex;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::wrappers::ReceiverStream;

/// Answer so much before the deadline of a call, so that the caller learns why and not only that.
const DEADLINE_MARGIN_MAX: Duration = Duration::from_millis(10);
/// Steps of a replay that wait for their reader.
const REPLAY_AHEAD: usize = 16;

/// A call that was admitted: its place among those in progress, and its deadline.
#[derive(Clone, Debug)]
pub struct Call {
    deadline: Instant,
    guest: Option<Guest>,
    _places: Arc<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>)>,
}

/// The places of an open stream: among all, and among those of its connection and address.
pub type StreamPlaces = (OwnedSemaphorePermit, Option<[OwnedSemaphorePermit; 2]>);

impl Call {
    /// PendingUntil for `what`, at most until the deadline.
    async fn until<T>(&self, what: impl Future<Output = T>) -> Result<T, Failure> {
        if self.deadline <= Instant::now() {
            return Err(Failure::Deadline { queued: false });
        }
        timeout_at(self.deadline, what).await.map_err(|_| Failure::Deadline { queued: false })
    }

    /// The deadline, or `most` from now if that is sooner.
    fn at_most(&self, most: Duration) -> Instant {
        self.deadline.min(Instant::now() + most)
    }
}

/// As long as this is there, somebody waits for an answer.
#[derive(Debug, Default)]
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Events that are queued and will be answered.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<Vec<Outcome>, CommitError>>);

impl Ticket {
    /// PendingUntil until the events are durable.
    pub async fn outcomes(self) -> Result<Vec<Outcome>, Failure> {
        Ok(self.0.await.map_err(|_| Failure::Unanswered)??)
    }
}

/// The asynchronous face of a store.
pub struct Engine {
    handle: Handle,
    limits: Limits,
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    room: Arc<Semaphore>,
    /// Until then nobody waits for room: somebody did in vain.
    full_until: Mutex<Option<Instant>>,
    log_reads: Arc<Semaphore>,
    look_ups: Arc<Semaphore>,
    replays: Arc<Semaphore>,
    compiling: Arc<Semaphore>,
    committed: Arc<watch::Sender<Position>>,
    draining: watch::Sender<bool>,
}

impl Engine {
    /// An engine before a store.
    pub fn new(handle: Handle, limits: Limits) -> Arc<Engine> {
        let committed = Arc::new(watch::Sender::new(handle.committed()));
        let commits = Arc::clone(&committed);
        // Wakes whoever waits even if nothing was committed: the shard may have stopped.
        let advance = |known: &mut Position, position: Position| *known = position.max(*known);
        handle.on_commit(Box::new(move |position| commits.send_modify(|known| advance(known, position))));
        committed.send_modify(|known| advance(known, handle.committed()));
        Arc::new(Engine {
            handle,
            limits,
            requests: Arc::new(Semaphore::new(limits.requests_max)),
            streams: Arc::new(Semaphore::new(limits.streams_max)),
            room: Arc::new(Semaphore::new(limits.queue_max)),
            full_until: Mutex::new(None),
            log_reads: Arc::new(Semaphore::new(limits.log_reads_max)),
            look_ups: Arc::new(Semaphore::new(limits.log_reads_max)),
            replays: Arc::new(Semaphore::new(limits.replays_max)),
            compiling: Arc::new(Semaphore::new(1)),
            committed,
            draining: watch::Sender::new(false),
        })
    }

    /// The limits of this engine.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Admits a call whose caller waits for `timeout`, or says that there are too many.
    pub fn admit(&self, timeout: Option<Duration>) -> Result<Call, Failure> {
        self.admit_from(timeout, None)
    }

    /// The same of a caller who came by a connection: of its address, too, there may be too many.
    pub fn admit_from(&self, timeout: Option<Duration>, guest: Option<Guest>) -> Result<Call, Failure> {
        let share = guest.as_ref().map(Guest::request).transpose()?;
        let place = Arc::clone(&self.requests).try_acquire_owned().map_err(|_| Failure::TooManyRequests)?;
        let left = timeout.map_or(self.limits.call_wait, |timeout| timeout.min(self.limits.call_wait));
        let deadline = Instant::now() + left.saturating_sub(DEADLINE_MARGIN_MAX.min(left / 10));
        Ok(Call { deadline, guest, _places: Arc::new((place, share)) })
    }

    /// Whether events would wait in vain: there is no room, and there was none for as long as a call waits.
    pub fn is_full(&self) -> bool {
        self.room.available_permits() == 0 && self.full_until.lock().is_some_and(|until| Instant::now() < until)
    }

    /// Places among the open streams.
    pub fn open_stream(&self, call: &Call) -> Result<StreamPlaces, Failure> {
        let shares = call.guest.as_ref().map(Guest::stream).transpose()?;
        let place = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| Failure::TooManyStreams)?;
        Ok((place, shares))
    }

    /// Whether the store serves; if not, why.
    pub fn health(&self) -> Health {
        self.handle.health()
    }

    /// The jump of time that nobody has said to be right, if there is one.
    pub fn jump(&self) -> Option<Jump> {
        self.handle.jump()
    }

    /// How many batches were not taken because time would jump.
    pub fn questioned(&self) -> u64 {
        self.handle.stats().questioned
    }

    /// From now on streams take no more batches.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// PendingUntil for [`Engine::drain`].
    pub async fn drained(&self) {
        let mut draining = self.draining.subscribe();
        // It cannot be closed: this engine has the sender.
        let _ = draining.wait_for(|draining| *draining).await;
    }

    // ---- saying --------------------------------------------------------------------------------

    /// The keyed hash of a device, address or phone.
    pub fn risk_key(&self, kind: &str, text: &str) -> RiskKey {
        self.handle.risk_key(kind, text)
    }

    /// Says events and waits until they are durable.
    pub async fn submit(&self, call: &Call, decoded: DecodedBatch) -> Result<Vec<Outcome>, Failure> {
        let room = call.until(timeout(self.limits.queue_wait, self.room_for(&decoded))).await?;
        let Ok(room) = room else {
            *self.full_until.lock() = Some(Instant::now() + self.limits.queue_wait);
            return Err(Failure::QueueFull);
        };
        let ticket = call.until(self.queue(decoded, room)).await.map_err(|_| Failure::Deadline { queued: true })??;
        call.until(ticket.outcomes()).await.map_err(|_| Failure::Deadline { queued: true })?
    }

    /// Queues events as soon as there is room, for callers that can wait.
    pub async fn enqueue(&self, decoded: DecodedBatch) -> Result<Ticket, Failure> {
        let room = self.room_for(&decoded).await;
        self.queue(decoded, room).await
    }

    /// A turn to read a program file, which is one thread's work however many ask.
    async fn place_to_compile(&self) -> OwnedSemaphorePermit {
        let place = Arc::clone(&self.compiling).acquire_owned().await;
        place.expect("the places are never closed")
    }

    async fn room_for(&self, decoded: &DecodedBatch) -> OwnedSemaphorePermit {
        let most = u32::try_from(self.limits.queue_max).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(decoded.weight.min(most)).await;
        room.expect("the room is never closed")
    }

    async fn queue(&self, decoded: DecodedBatch, room: OwnedSemaphorePermit) -> Result<Ticket, Failure> {
        let (answer, ticket) = oneshot::channel();
        if decoded.events.is_empty() {
            let _ = answer.send(Ok(Vec::new()));
            return Ok(Ticket(ticket));
        }
        let done = move |outcomes| {
            drop(room);
            // Nobody waits any more: the events are recorded all the same.
            let _ = answer.send(outcomes);
        };
        let batch = Batch { events: decoded.events, cursors: Vec::new() };
        if decoded.has_program {
            let (place, handle) = (self.place_to_compile().await, self.handle.clone());
            off_thread(move || {
                let queued = handle.submit(batch, Box::new(done));
                drop(place);
                queued
            })
            .await??;
        } else {
            self.handle.submit(batch, Box::new(done))?;
        }
        Ok(Ticket(ticket))
    }

    // ---- reading -------------------------------------------------------------------------------

    /// PendingUntil until the log has got to `item_request`.
    pub async fn reach(&self, call: &Call, item_request: Position) -> Result<(), Failure> {
        let mut commits = self.committed.subscribe();
        let reached = commits.wait_for(|committed| *committed >= item_request);
        let waited = timeout_at(call.at_most(self.limits.position_wait), reached).await.is_ok();
        match self.handle.health() {
            _ if waited => Ok(()),
            Health::Serving => Err(Failure::PositionNotReached { item_request, committed: *self.committed.borrow() }),
            Health::Stopped(reason) => Err(Failure::Read(ReadError::Stopped { reason })),
        }
    }

    /// What is durable.
    pub fn committed(&self) -> Position {
        self.handle.committed()
    }

    /// PendingUntil until a checkpoint is signed over all records up to `position`.
    pub async fn reach_checkpoint(&self, call: &Call, position: Position) -> Result<(), Failure> {
        self.reach(call, position).await?;
        let mut commits = self.committed.subscribe();
        let signed = || self.handle.checkpoint().map(|signed| Position(signed.head.size));
        let is_over = |signed: Option<Position>| signed.is_some_and(|signed| signed >= position);
        // Whoever signs wakes those who wait for a commit.
        let waited = async {
            while !is_over(signed()) && !self.handle.checkpoint_keys().is_empty() {
                let _ = commits.changed().await;
            }
        };
        let in_time = timeout_at(call.at_most(self.limits.position_wait), waited).await.is_ok();
        match self.handle.health() {
            _ if is_over(signed()) => Ok(()),
            Health::Stopped(reason) => Err(Failure::Read(ReadError::Stopped { reason })),
            Health::Serving if in_time => Err(Failure::NoCheckpoint),
            Health::Serving => {
                let committed = signed().unwrap_or_default();
                Err(Failure::PositionNotReached { item_request: position, committed })
            }
        }
    }

    /// Reads the folded state and waits until what was read is durable.
    pub async fn read<T>(&self, call: &Call, ask: impl FnOnce(&Handle) -> Pending<T>) -> Result<T, Failure> {
        let mut commits = self.committed.subscribe();
        let mut pending = ask(&self.handle);
        loop {
            pending = match pending.try_take() {
                Ok(value) => return Ok(value?),
                Err(pending) => pending,
            };
            // It cannot be closed: this engine has the sender.
            let _ = call.until(commits.changed()).await?;
        }
    }

    /// Reads what blocks, on a thread of its own.
    pub async fn read_log<T: Send + 'static>(
        &self,
        call: &Call,
        ask: impl FnOnce(&Handle) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Failure> {
        self.read_off_thread(call, &self.log_reads, ask).await
    }

    /// The same for what is found by its id: a short read, which waits for no long one.
    pub async fn look_up<T: Send + 'static>(
        &self,
        call: &Call,
        ask: impl FnOnce(&Handle) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Failure> {
        self.read_off_thread(call, &self.look_ups, ask).await
    }

    async fn read_off_thread<T: Send + 'static>(
        &self,
        call: &Call,
        places: &Arc<Semaphore>,
        ask: impl FnOnce(&Handle) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Failure> {
        let place = call.until(Arc::clone(places).acquire_owned()).await?;
        let waiting = Waiting::default();
        let handle = self.handle.unless(Arc::clone(&waiting.0));
        let answer = off_thread(move || {
            let answer = ask(&handle);
            drop(place);
            answer
        });
        let answer = call.until(answer).await;
        drop(waiting);
        Ok(answer???)
    }

    /// The words of the ledger.
    pub fn terms(&self) -> Names {
        Names::of_terms(self.identity(), self.handle.terms())
    }

    /// Which ledger this is.
    pub fn identity(&self) -> Identity {
        self.handle.identity()
    }

    /// Reads and checks a program file.
    pub async fn check(&self, call: &Call, text: String) -> Result<Result<Program, Vec<Fault>>, Failure> {
        let place = call.until(self.place_to_compile()).await?;
        let terms = self.handle.terms();
        let read = off_thread(move || {
            let read = Program::read(&text, &mut terms.to_vec());
            drop(place);
            read
        });
        call.until(read).await?
    }

    /// Folds a member's records again and sends each step. If the last item is a failure, there should have been more.
    pub fn replay<T: Send + 'static, I: Iterator<Item = Result<T, ReadError>>>(
        &self,
        ask: impl FnOnce(&Handle) -> Result<Option<I>, ReadError> + Send + 'static,
    ) -> Result<ReceiverStream<Result<T, Failure>>, Failure> {
        let place = Arc::clone(&self.replays).try_acquire_owned().map_err(|_| Failure::TooManyStreams)?;
        let (steps, stream) = mpsc::channel(REPLAY_AHEAD);
        // Kept free for bad news, however slow the reader.
        let last = steps.clone().try_reserve_owned().expect("the channel is new");
        let (handle, wait, runtime) = (self.handle.clone(), self.limits.reader_wait, runtime::Handle::current());
        let send = move |step| match runtime.block_on(timeout(wait, steps.send(Ok(step)))) {
            Ok(sent) => Ok(sent.is_ok()),
            Err(_) => Err(Failure::ReaderTooSlow),
        };
        tokio::task::spawn_blocking(move || {
            if let Err(failure) = send_all(ask(&handle), send) {
                last.send(Err(failure));
            }
            drop(place);
        });
        Ok(ReceiverStream::new(stream))
    }
}
