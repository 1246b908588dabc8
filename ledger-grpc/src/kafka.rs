//! Kafka: events from its topics into the ledger, and outcomes back onto one.
//!
//! ```text
//! brokers ─► librdkafka ─► consume ──────────► feed ─────────────► the shard's queue
//!            its threads   one thread polls,   decodes; dead        events and cursors,
//!                          never waits for IO  letters are          durable in one write
//!                               ▲              acknowledged first        │
//!                               └── flight: what is not durable yet ◄────┤
//!                                                                        ▼
//!                                              outbox ◄──────────── the log
//! ```
//!
//! Where a partition is read from is what the ledger's own cursor says, durable with the records behind
//! it; what Kafka keeps of a group's offsets is a hint for tools that show lag. So a message that comes
//! again changes nothing, and none is passed over: a cursor that does not fit its partition any more
//! halts that partition and says so, and is never moved by itself.
//!
//! Knows the store by its handle alone, and of the API the event and the messages of the outbox.

mod config;
mod consume;
mod decode;
mod feed;
mod figures;
mod flight;
mod lane;
mod letters;
mod mapping;
mod outbox;
mod produce;

pub use config::{Config, Format, Topic};
pub use decode::{BATCH_EVENTS_MAX, Content, Decoded, Framing, Header, attributes, checked, content, events};
pub use letters::{Letter, Letters};
pub use mapping::Mapping;
pub use outbox::TYPES as OUTBOX_TYPES;

use consume::Consume;
use feed::Feed;
use figures::Figures;
use flight::Flight;
use lane::{Lanes, Stand};
use ledger_store::{Batch, CommitError, Handle};
use parking_lot::{Condvar, Mutex};
use produce::Producer;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a shutdown waits for the brokers to be told.
const GOODBYE: Duration = Duration::from_secs(5);

/// A ledger that is being fed. Stopping or dropping it ends its threads.
pub struct Kafka {
    shared: Arc<Shared>,
    running: Mutex<Running>,
}

struct Running {
    threads: Vec<JoinHandle<()>>,
    /// Disconnected once the consumer is closed.
    closed: Receiver<()>,
}

/// What the threads share.
struct Shared {
    config: Config,
    handle: Handle,
    lanes: Lanes,
    flight: Flight,
    figures: Figures,
    stop: Stop,
}

/// Tells every thread when to end.
#[derive(Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn ask(&self) {
        *self.asked.lock() = true;
        self.changed.notify_all();
    }

    fn asked(&self) -> bool {
        *self.asked.lock()
    }

    /// PendingUntil so long, or until threads are to end; answers whether they are.
    fn wait(&self, most: Duration) -> bool {
        let mut asked = self.asked.lock();
        self.changed.wait_while_for(&mut asked, |asked| !*asked, most);
        *asked
    }

    /// PendingUntil until threads are to end or something is so, which [`Stop::wake`] says may have come about.
    fn wait_until(&self, ready: impl Fn() -> bool) {
        let mut asked = self.asked.lock();
        while !*asked && !ready() {
            self.changed.wait(&mut asked);
        }
    }

    /// Wakes who waits, to look again.
    fn wake(&self) {
        // Behind whoever has looked and is about to wait.
        drop(self.asked.lock());
        self.changed.notify_all();
    }
}

impl std::fmt::Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kafka").field("brokers", &self.shared.config.brokers).finish_non_exhaustive()
    }
}

impl Kafka {
    /// Begins to feed a ledger. The brokers need not be there yet.
    ///
    /// # Errors
    /// If librdkafka does not take the options, or the machine has no thread to spare.
    pub fn start(handle: Handle, config: Config) -> Result<Kafka, StartError> {
        let shared = Arc::new(Shared {
            lanes: Lanes::new(&config.topics),
            config,
            handle,
            flight: Flight::default(),
            figures: Figures::default(),
            stop: Stop::default(),
        });
        let producer = Arc::new(Producer::new(&shared.config)?);
        let (feeders, feeds): (Vec<_>, Vec<_>) = (0..feed::threads()).map(|_| channel()).unzip();
        let (open, closed) = sync_channel(0);
        let consume = Consume::new(Arc::clone(&shared), open.clone())?;
        let current = Arc::new(consume::Current::default());
        let mut threads = vec![
            spawn("kafka-poll", {
                let current = Arc::clone(&current);
                move || consume::run(consume, &open, &feeders, &current)
            })?,
            spawn("kafka-watch", {
                let shared = Arc::clone(&shared);
                move || consume::watch(&current, &shared)
            })?,
        ];
        for messages in feeds {
            let feed = Feed::new(Arc::clone(&shared), Arc::clone(&producer));
            threads.push(spawn("kafka-feed", move || feed.run(&messages))?);
        }
        if let Some(topic) = shared.config.outbox.clone() {
            let shared = Arc::clone(&shared);
            threads.push(spawn("kafka-outbox", move || outbox::run(&shared, &producer, &topic))?);
        }
        Ok(Kafka { shared, running: Mutex::new(Running { threads, closed }) })
    }

    /// Moves the cursor of a partition, before [`Kafka::start`]: only a person can know that what lies
    /// between is lost, or is not what it was.
    ///
    /// # Errors
    /// If the ledger has stopped.
    pub fn move_cursor(handle: &Handle, topic: &str, partition: i32, next: u64) -> Result<(), CommitError> {
        tracing::warn!(topic, partition, next, "kafka: the cursor is moved by hand");
        let cursors = Stand::moved(topic, partition, next);
        handle.submit_and_wait(Batch { events: Vec::new(), cursors }).map(|_| ())
    }

    /// Every partition that was halted, and why; the word `consumer` if all of it is.
    pub fn halted(&self) -> Vec<(String, String)> {
        self.shared.lanes.halted()
    }

    /// Appends the figures in the text format of Prometheus.
    pub fn write_figures(&self, out: &mut String) {
        self.shared.figures.write(&self.shared, out);
    }

    /// Hands no more events on, waits until those handed on are durable, and ends the threads.
    pub fn stop(&self) {
        self.shared.stop.ask();
        let mut running = self.running.lock();
        let threads = std::mem::take(&mut running.threads);
        // The brokers may not answer: then the group finds out by itself that this member is gone.
        if running.closed.recv_timeout(GOODBYE) == Err(RecvTimeoutError::Timeout) {
            return tracing::warn!("kafka: the brokers do not answer: left without a goodbye");
        }
        for thread in threads {
            // A thread that panicked has said so on stderr.
            let _ = thread.join();
        }
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why a ledger cannot be fed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// librdkafka does not take an option.
    #[error("{0}")]
    Options(#[from] KafkaError),
    /// There is no thread to run on.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, std::io::Error> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

/// What every client of the cluster is told.
fn client(config: &Config) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("client.id", "ledgerd").set("log.connection.close", "false");
    for (key, value) in &config.properties {
        client.set(key, value);
    }
    client.set("bootstrap.servers", &config.brokers);
    client
}
