//! Consume: the one thread that polls Kafka, and the one that watches over its partitions.
//!
//! The polling thread hands messages on and waits for nothing else: if there is no room it waits a
//! moment, and then pauses its partitions and polls on, so that the group knows it is alive. It reads
//! one row of the ledger for each partition it is assigned, and nothing else. Whatever needs an answer
//! of the brokers (where a partition begins and ends) is asked by the watching thread.
//!
//! Partitions are assigned cooperatively, always from the ledger's cursor. One whose cursor does not
//! fit is halted: it hands nothing on until a person has seen to it and the ledger is started again.

use super::config::Config;
use super::decode::Header;
use super::flight::{Flight, Load};
use super::lane::{Message, Partition, fingerprint};
use super::{Shared, client};
use ledger_core::merkle::leaf;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long a poll waits for a message.
const POLL: Duration = Duration::from_millis(50);
/// Most messages that are handed on together.
const CHUNK: usize = 512;
/// How long to wait for room before partitions are paused. A pause throws away what librdkafka has
/// fetched ahead, so a short wait is not worth one.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often Kafka is told how far the ledger is.
const HINTS: Duration = Duration::from_secs(5);
/// How often the watching thread asks where partitions begin and end.
const WATCH: Duration = Duration::from_secs(5);
/// How long it waits for an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a node waits, at first, that lost its place in the group to its own name; twice as long each
/// further time.
const FENCED: Duration = Duration::from_secs(1);
/// So often in a row it comes back. Then another ledger must have the same name, and one of the two gives way.
const FENCED_MAX: u32 = 6;
/// Whoever kept its place so long was not fenced again.
const SETTLED: Duration = Duration::from_secs(60);

/// The consumer and those who are fed by it.
pub(super) struct Consume {
    consumer: BaseConsumer<Listener>,
    /// The group knows somebody else by this node's name.
    fenced: AtomicBool,
    /// Some partition stopped being fetched: the watching thread finds out which.
    unsettled: AtomicBool,
    /// Fetch every partition again from where it stands.
    again: AtomicBool,
    /// Gone once the consumer is closed: dropped after it.
    _open: SyncSender<()>,
}

/// What librdkafka tells.
pub(super) struct Listener {
    shared: Arc<Shared>,
    /// Partitions were assigned while all are paused.
    repause: AtomicBool,
}

impl ClientContext for Listener {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "kafka");
    }
}

/// librdkafka's own words, at a level below ours: it calls an error what it mends by itself.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        // That an option is for consumers alone: a file says it once for all clients.
        _ if facility == "CONFWARN" => tracing::debug!(facility, message, "librdkafka"),
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::warn!(facility, message, "librdkafka");
        }
        RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => tracing::info!(facility, message, "librdkafka"),
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => tracing::debug!(facility, message, "librdkafka"),
    }
}

impl ConsumerContext for Listener {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        self.shared.figures.rebalanced();
        let cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let told = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.assigned(partitions);
                if cooperative { consumer.incremental_assign(partitions) } else { consumer.assign(partitions) }
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                self.revoked(partitions, consumer.assignment_lost());
                if cooperative { consumer.incremental_unassign(partitions) } else { consumer.unassign() }
            }
            other => {
                tracing::warn!(error = ?RDKafkaErrorCode::from(other), "kafka: the group could not be joined");
                consumer.unassign()
            }
        };
        if let Err(error) = told {
            tracing::warn!(%error, "kafka: the assignment was not taken");
        }
    }

    fn commit_callback(&self, told: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = told {
            tracing::debug!(%error, "kafka: the hint of how far the ledger is was not taken");
        }
    }
}

impl Listener {
    fn assigned(&self, partitions: &mut TopicPartitionList) {
        for mut assigned in partitions.elements() {
            let (topic, partition) = (assigned.topic().to_owned(), assigned.partition());
            let offset = match self.shared.lanes.open(&self.shared.handle, &topic, partition) {
                Ok(Some(lane)) => lane.start().map_or(Offset::Beginning, Offset::Offset),
                Ok(None) => Offset::Beginning,
                Err(error) => {
                    tracing::error!(%error, topic, partition, "kafka: where the partition stands cannot be read");
                    Offset::Invalid
                }
            };
            tracing::info!(topic, partition, ?offset, "kafka: assigned");
            if let Err(error) = assigned.set_offset(offset) {
                tracing::error!(%error, topic, partition, "kafka: the offset was not taken");
            }
        }
        self.repause.store(true, Ordering::Release);
    }

    fn revoked(&self, partitions: &TopicPartitionList, lost: bool) {
        for revoked in partitions.elements() {
            tracing::info!(topic = revoked.topic(), partition = revoked.partition(), lost, "kafka: revoked");
            self.shared.lanes.close(revoked.topic(), revoked.partition());
        }
    }
}

impl Consume {
    pub(super) fn new(shared: Arc<Shared>, open: SyncSender<()>) -> KafkaResult<Arc<Consume>> {
        let config = &shared.config;
        let mut settings = rdkafka::ClientConfig::new();
        // What may be set otherwise.
        settings
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "10000")
            .set("heartbeat.interval.ms", "1000")
            .set("max.poll.interval.ms", "60000")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.queue.backoff.ms", "20")
            .set("fetch.max.bytes", "8388608")
            .set("max.partition.fetch.bytes", "1048576")
            .set("queued.max.messages.kbytes", "16384")
            .set("queued.min.messages", "10000")
            .set("check.crcs", "true")
            .set("isolation.level", "read_committed")
            .set("topic.metadata.refresh.interval.ms", "30000")
            .set("reconnect.backoff.max.ms", "2000")
            .set("allow.auto.create.topics", "false");
        for (key, value) in client(config).config_map() {
            settings.set(key.to_owned(), value.to_owned());
        }
        settings
            .set("group.id", &config.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error");
        if let Some(instance) = &config.instance {
            settings.set("group.instance.id", member(instance, config));
        }
        let listener = Listener { shared, repause: AtomicBool::new(false) };
        Ok(Arc::new(Consume {
            consumer: settings.create_with_context(listener)?,
            fenced: AtomicBool::new(false),
            unsettled: AtomicBool::new(false),
            again: AtomicBool::new(false),
            _open: open,
        }))
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.consumer.context().shared
    }

    /// Polls until it is asked to stop; then waits for what is in flight. Ends earlier, and answers so, if it
    /// was fenced.
    fn run(&self, feeds: &[Sender<Vec<Message>>]) -> bool {
        let topics: Vec<&str> = self.shared().config.topics.iter().map(|topic| topic.name.as_str()).collect();
        if let Err(error) = self.consumer.subscribe(&topics) {
            self.give_up(&error.to_string());
        }
        let mut turn = PollState::new(feeds);
        let mut hinted = Instant::now();
        while !self.shared().stop.asked() {
            self.poll(&mut turn);
            if self.fenced.load(Ordering::Acquire) {
                return true;
            }
            self.mind_room(&mut turn);
            if self.again.swap(false, Ordering::AcqRel) {
                self.fetch_again();
            }
            if hinted.elapsed() >= HINTS {
                hinted = Instant::now();
                self.hint();
            }
        }
        drop(turn);
        self.shared().flight.wait_for_all(ANSWER);
        self.hint();
        false
    }

    /// Hands on what is there, up to a chunk.
    fn poll(&self, turn: &mut PollState<'_>) {
        let mut wait = POLL;
        for _ in 0..CHUNK {
            match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => self.take(&message, turn),
                Some(Err(error)) => self.trouble(&error),
            }
            wait = Duration::ZERO;
        }
        turn.hand_on(&self.shared().flight);
    }

    fn take(&self, message: &BorrowedMessage<'_>, turn: &mut PollState<'_>) {
        let shared = self.shared();
        let Some(lane) = turn.lane(shared, message.topic(), message.partition()) else { return };
        let timestamp = message.timestamp().to_millis().unwrap_or_default();
        match lane.accepts(message.offset(), || fingerprint(timestamp, message.key(), message.payload())) {
            Ok(true) => {}
            Ok(false) => return,
            Err(why) => return self.halt(&lane, why),
        }
        let headers = message.headers().map(|headers| headers.iter().map(header).collect());
        let message = Message {
            offset: message.offset(),
            timestamp,
            key: message.key().map(Into::into),
            value: message.payload().map(Into::into),
            headers: headers.unwrap_or_default(),
            lane,
        };
        turn.load.messages += 1;
        turn.load.bytes += message.bytes();
        let feed = message.lane.feed % turn.waiting.len();
        turn.waiting[feed].push(message);
    }

    fn trouble(&self, error: &KafkaError) {
        match error {
            KafkaError::MessageConsumptionFatal(RDKafkaErrorCode::FencedInstanceId) => {
                self.fenced.store(true, Ordering::Release);
            }
            KafkaError::MessageConsumptionFatal(code) => self.give_up(&format!("{error} ({code:?})")),
            KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                self.unsettled.store(true, Ordering::Release);
            }
            error => tracing::warn!(%error, "kafka"),
        }
    }

    /// The node must not go on: the options are wrong, or what they ask for is not allowed.
    fn give_up(&self, why: &str) {
        give_up(self.shared(), why);
    }

    /// A partition must not go on.
    fn halt(&self, lane: &Partition, why: String) {
        let topic = lane.topic.name.as_str();
        if self.shared().lanes.halt(lane, why.clone()) {
            tracing::error!(topic, partition = lane.partition, why, "kafka: the partition is halted");
            self.paused(&[lane], true);
        }
    }

    /// PendingUntil a moment if too much is in flight, and pauses everything if that does not help.
    fn mind_room(&self, turn: &mut PollState<'_>) {
        let flight = &self.shared().flight;
        if turn.paused {
            if flight.is_half_empty() {
                self.pause_all(false);
                turn.paused = false;
            } else if self.consumer.context().repause.swap(false, Ordering::AcqRel) {
                self.pause_all(true);
            }
            return;
        }
        if flight.wait_for_room(POLL) {
            turn.full_since = None;
        } else if turn.full_since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
            self.pause_all(true);
            (turn.paused, turn.full_since) = (true, None);
        }
    }

    fn pause_all(&self, pause: bool) {
        tracing::debug!(pause, "kafka: back-pressure");
        let lanes = self.shared().lanes.all_open();
        self.paused(&lanes.iter().map(|lane| &**lane).collect::<Vec<_>>(), pause);
        self.shared().figures.paused(pause);
    }

    fn paused(&self, lanes: &[&Partition], pause: bool) {
        let mut partitions = TopicPartitionList::new();
        for lane in lanes {
            partitions.add_partition(&lane.topic.name, lane.partition);
        }
        let told = if pause { self.consumer.pause(&partitions) } else { self.consumer.resume(&partitions) };
        if let Err(error) = told {
            tracing::warn!(%error, pause, "kafka: partitions could not be paused or resumed");
        }
    }

    /// Fetches every partition that goes on from where it stands; what comes twice is dropped. Assigned
    /// anew, because a partition that librdkafka has given up cannot be sought in.
    fn fetch_again(&self) {
        let mut partitions = TopicPartitionList::new();
        for lane in self.shared().lanes.all_open() {
            let offset = lane.start().map_or(Offset::Beginning, Offset::Offset);
            // It can only fail for offsets that mean something else.
            let _ = partitions.add_partition_offset(&lane.topic.name, lane.partition, offset);
        }
        let told = match self.consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self
                .consumer
                .incremental_unassign(&partitions)
                .and_then(|()| self.consumer.incremental_assign(&partitions)),
            RebalanceProtocol::Eager | RebalanceProtocol::None => self.consumer.assign(&partitions),
        };
        self.consumer.context().repause.store(true, Ordering::Release);
        if let Err(error) = told {
            tracing::warn!(%error, "kafka: partitions cannot be fetched again yet");
            self.again.store(true, Ordering::Release);
        }
    }

    /// Tells Kafka how far the ledger is, for tools that show lag. Nobody relies on it.
    fn hint(&self) {
        let durable = self.shared().lanes.take_durable();
        let mut offsets = TopicPartitionList::with_capacity(durable.len());
        for ((topic, partition), next) in durable {
            // It can only fail for offsets that mean something else, as the beginning.
            let _ = offsets.add_partition_offset(&topic, partition, Offset::Offset(next));
        }
        if offsets.count() > 0
            && let Err(error) = self.consumer.commit(&offsets, CommitMode::Async)
        {
            tracing::debug!(%error, "kafka: the hint of how far the ledger is was not taken");
        }
    }

    /// Asks where partitions begin and end, and halts those whose cursor lies outside.
    fn look(&self) {
        let unsettled = self.unsettled.swap(false, Ordering::AcqRel);
        let mut asked_all = true;
        for lane in self.shared().lanes.all_open() {
            if self.shared().stop.asked() {
                return;
            }
            match self.consumer.fetch_watermarks(&lane.topic.name, lane.partition, ANSWER) {
                Ok((low, high)) => self.compare(&lane, low, high, unsettled),
                Err(error) => {
                    asked_all = false;
                    tracing::debug!(%error, topic = lane.topic.name, partition = lane.partition, "kafka: no offsets");
                }
            }
        }
        if unsettled {
            // What was not halted is fetched again; what could not be asked about is asked about again.
            self.unsettled.fetch_or(!asked_all, Ordering::AcqRel);
            self.again.store(true, Ordering::Release);
        }
    }

    fn compare(&self, lane: &Partition, low: i64, high: i64, unsettled: bool) {
        self.shared().figures.watermarks(lane, low, high);
        let Some(next) = lane.next() else { return };
        if next > high {
            let why = format!("it ends at offset {high}, the ledger has read up to {next}: the topic was made anew");
            self.halt(lane, why);
        } else if next < low && unsettled {
            // Only if fetching failed: until then what was fetched ahead may reach over the gap.
            let gone = low - next;
            self.halt(lane, format!("offsets {next} to {low} are deleted, and {gone} of its messages were never read"));
        } else if next == low && unsettled {
            lane.waive_proof();
        }
    }
}

fn give_up(shared: &Shared, why: &str) {
    tracing::error!(why, "kafka: the consumer has stopped; start the ledger again when this is mended");
    shared.lanes.give_up(why.to_owned());
    shared.stop.wait(Duration::MAX);
}

/// The consumer of now, for the thread that watches.
pub(super) type Current = parking_lot::Mutex<Weak<Consume>>;

/// Polls until everything ends. A broker that answers too late can take a node that comes back for two,
/// and fence it off by its own name: then it comes back once more, as another consumer.
pub(super) fn run(mut consume: Arc<Consume>, open: &SyncSender<()>, feeds: &[Sender<Vec<Message>>], current: &Current) {
    let shared = Arc::clone(consume.shared());
    let mut fenced = 0;
    loop {
        let began = Instant::now();
        *current.lock() = Arc::downgrade(&consume);
        if !consume.run(feeds) {
            return;
        }
        fenced = if began.elapsed() > SETTLED { 1 } else { fenced + 1 };
        // The old one closes its partitions when it ends, so it must end before there is another.
        *current.lock() = Weak::new();
        while Arc::strong_count(&consume) > 1 {
            shared.stop.wait(POLL);
        }
        drop(consume);
        if fenced > FENCED_MAX {
            return give_up(&shared, "another consumer of the group has the same `instance`: give each ledger its own");
        }
        let wait = FENCED * 2u32.pow(fenced - 1);
        let why = format!("the group knows another consumer by this node's `instance`; back in {} s", wait.as_secs());
        tracing::warn!(why, "kafka: fenced");
        shared.lanes.give_up(why);
        if shared.stop.wait(wait) {
            return;
        }
        shared.lanes.go_on();
        consume = match Consume::new(Arc::clone(&shared), open.clone()) {
            Ok(consume) => consume,
            Err(error) => return give_up(&shared, &error.to_string()),
        };
    }
}

/// The name of this node in the group. It changes with what is read: a member that comes back under its
/// name is given its partitions of before, and would wait in vain for those of a topic that is new.
fn member(instance: &str, config: &Config) -> String {
    let mut topics: Vec<&str> = config.topics.iter().map(|topic| topic.name.as_str()).collect();
    topics.sort_unstable();
    let hash: String = leaf(topics.join(",").as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{instance}-{hash}")
}

/// What the polling thread keeps between two polls.
struct PollState<'a> {
    feeds: &'a [Sender<Vec<Message>>],
    waiting: Vec<Vec<Message>>,
    /// What waits to be handed on.
    load: Load,
    /// Where the last message came from: most often the next one does, too.
    last: Option<Arc<Partition>>,
    full_since: Option<Instant>,
    paused: bool,
}

impl<'a> PollState<'a> {
    fn new(feeds: &'a [Sender<Vec<Message>>]) -> PollState<'a> {
        let waiting = feeds.iter().map(|_| Vec::new()).collect();
        PollState { feeds, waiting, load: Load::default(), last: None, full_since: None, paused: false }
    }

    /// The lane of a partition, if it goes on.
    fn lane(&mut self, shared: &Shared, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        let same = |lane: &&Arc<Partition>| lane.partition == partition && lane.topic.name == topic && lane.is_open();
        if self.last.as_ref().filter(same).is_none() {
            self.last = shared.lanes.find(topic, partition).filter(|lane| lane.is_open());
        }
        self.last.clone()
    }

    fn hand_on(&mut self, flight: &Flight) {
        // Before anyone can say that it has landed.
        flight.add(std::mem::take(&mut self.load));
        for (feed, waiting) in self.feeds.iter().zip(&mut self.waiting) {
            if !waiting.is_empty() {
                // It only ends when everything does.
                let _ = feed.send(std::mem::take(waiting));
            }
        }
    }
}

pub(super) fn header(header: rdkafka::message::Header<'_, &[u8]>) -> Header {
    (header.key.into(), header.value.unwrap_or_default().into())
}

/// Looks after the partitions until everything ends.
pub(super) fn watch(current: &Current, shared: &Shared) {
    let mut waited = Duration::ZERO;
    while !shared.stop.wait(POLL) {
        waited += POLL;
        let Some(consume) = current.lock().upgrade() else { continue };
        if waited >= WATCH || consume.unsettled.load(Ordering::Acquire) {
            waited = Duration::ZERO;
            consume.look();
        }
    }
}
