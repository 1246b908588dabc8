//! Produce: messages to Kafka, and the certainty that they are there.
//!
//! For dead letters and outcomes alike: a call returns when every message of it is acknowledged by all
//! replicas in sync, however long that takes, or when everything ends. Messages of one call keep their
//! order within a partition.

use super::config::Config;
use super::consume::log;
use super::decode::Header;
use super::{Stop, client};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseRecord, DeliveryResult, ProducerContext, ThreadedProducer};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How long to wait before what could not be sent is sent again.
const RETRY: Duration = Duration::from_secs(1);
/// How often to look whether everything ends.
const LOOK: Duration = Duration::from_millis(50);
/// What is left of a value that the brokers do not take.
const ADJUSTMENT_BYTES: usize = 64 << 10;
/// Header of a value that was cut: how many bytes it had.
const CUT: &str = "ledger-value-bytes";

/// A message that is to be sent.
pub(super) struct Outgoing {
    pub(super) topic: Box<str>,
    pub(super) key: Option<Box<[u8]>>,
    pub(super) value: Option<Box<[u8]>>,
    pub(super) headers: Vec<Header>,
}

/// A connection to the brokers for sending.
pub(super) struct Producer(ThreadedProducer<Listener>);

struct Listener;

/// Which message of a call was or was not acknowledged.
type Told = (usize, Option<RDKafkaErrorCode>);

impl ClientContext for Listener {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "kafka: producer");
    }
}

impl ProducerContext for Listener {
    type DeliveryOpaque = Box<(usize, Sender<Told>)>;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: Self::DeliveryOpaque) {
        let (at, tell) = *opaque;
        let failed =
            result.as_ref().err().map(|(error, _)| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail));
        // Nobody waits any more if everything ends.
        let _ = tell.send((at, failed));
    }
}

impl Producer {
    pub(super) fn new(config: &Config) -> KafkaResult<Producer> {
        let mut settings = client(config);
        settings
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // For ever: the order would be lost if a message timed out and its successor did not.
            .set("message.timeout.ms", "0")
            .set("message.max.bytes", "10485760")
            .set("compression.type", "zstd")
            .set("linger.ms", "5");
        Ok(Producer(settings.create_with_context(Listener)?))
    }

    /// Sends messages and waits until all are acknowledged; `false` if everything ends before.
    pub(super) fn deliver(&self, messages: &[Outgoing], stop: &Stop) -> bool {
        let mut open: Vec<(usize, bool)> = (0..messages.len()).map(|at| (at, false)).collect();
        while !open.is_empty() {
            let Some(failed) = self.attempt(messages, &open, stop) else { return false };
            open = failed.iter().map(|(at, error)| (*at, *error == RDKafkaErrorCode::MessageSizeTooLarge)).collect();
            open.sort_unstable();
            let Some((_, error)) = failed.iter().find(|(_, error)| *error != RDKafkaErrorCode::MessageSizeTooLarge)
            else {
                continue;
            };
            let topic = open.first().map(|(at, _)| &*messages[*at].topic);
            tracing::warn!(%error, topic, messages = open.len(), "kafka: not acknowledged; sending again");
            if stop.wait(RETRY) {
                return false;
            }
        }
        true
    }

    /// Sends some of the messages; answers which failed, or `None` if everything ends.
    fn attempt(&self, all: &[Outgoing], open: &[(usize, bool)], stop: &Stop) -> Option<Vec<(usize, RDKafkaErrorCode)>> {
        let (tell, told) = channel();
        let (mut under_way, mut failed) = (0usize, Vec::new());
        for (at, adjustment) in open {
            loop {
                match self.send(&all[*at], *adjustment, Box::new((*at, tell.clone()))) {
                    Ok(()) => break under_way += 1,
                    Err(RDKafkaErrorCode::QueueFull) if under_way > 0 => {
                        under_way -= 1;
                        failed.extend(hear(&told, stop)?);
                    }
                    Err(error) => break failed.push((*at, error)),
                }
            }
        }
        for _ in 0..under_way {
            failed.extend(hear(&told, stop)?);
        }
        Some(failed)
    }

    fn send(
        &self,
        message: &Outgoing,
        adjustment: bool,
        opaque: Box<(usize, Sender<Told>)>,
    ) -> Result<(), RDKafkaErrorCode> {
        let Outgoing { topic, key, value, headers } = message;
        let mut sent = OwnedHeaders::new_with_capacity(headers.len() + 1);
        for (key, value) in headers {
            sent = sent.insert(rdkafka::message::Header { key, value: Some(&**value) });
        }
        let whole = value.as_deref().map(<[u8]>::len).unwrap_or_default();
        if adjustment {
            sent = sent.insert(rdkafka::message::Header { key: CUT, value: Some(&whole.to_string()) });
        }
        let mut record = BaseRecord::<[u8], [u8], _>::with_opaque_to(topic, opaque).headers(sent);
        record.key = key.as_deref();
        record.payload =
            value.as_deref().map(|value| if adjustment { &value[..whole.min(ADJUSTMENT_BYTES)] } else { value });
        self.0.send(record).map_err(|(error, _)| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail))
    }
}

/// The next word about a message: what failed, if it did; `None` if everything ends.
fn hear(told: &Receiver<Told>, stop: &Stop) -> Option<Option<(usize, RDKafkaErrorCode)>> {
    loop {
        match told.recv_timeout(LOOK) {
            Ok((at, failed)) => return Some(failed.map(|error| (at, error))),
            Err(RecvTimeoutError::Timeout) if !stop.asked() => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        }
    }
}
