//! Letters: messages that were no events, kept on a topic of their own until somebody has seen to them.
//!
//! A dead letter is the message as it came, key, value and headers, with four headers more: why, and
//! where it came from. To re-drive one is to send it to its topic again, without those: the event in it
//! keeps its source and id, so doing so twice changes nothing.

use super::config::Config;
use super::decode::Header;
use super::lane::Message;
use super::produce::{Outgoing, Producer};
use super::{StartError, Stop, client};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Duration;

const REASON: &str = "ledger-reason";
const TOPIC: &str = "ledger-topic";
const PARTITION: &str = "ledger-partition";
const OFFSET: &str = "ledger-offset";
/// What begins with this was added by the ledger.
const OURS: &str = "ledger-";
/// How long to wait for an answer of the brokers.
const ANSWER: Duration = Duration::from_secs(15);

/// The dead letter of a message.
pub(super) fn outgoing(config: &Config, message: &Message, reason: &str) -> Outgoing {
    let lane = &message.lane;
    let said = [
        (REASON, reason.to_owned()),
        (TOPIC, lane.topic.name.clone()),
        (PARTITION, lane.partition.to_string()),
        (OFFSET, message.offset.to_string()),
    ];
    let ours = said.into_iter().map(|(key, value)| (key.into(), value.into_bytes().into()));
    // A letter that was re-driven in vain comes with the headers of a first time no more.
    let theirs = message.headers.iter().filter(|(key, _)| !key.starts_with(OURS)).cloned();
    Outgoing {
        topic: config.dead_letters.as_str().into(),
        key: message.key.clone(),
        value: message.value.clone(),
        headers: theirs.chain(ours).collect(),
    }
}

/// A dead letter as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Where it is on the dead-letter topic.
    pub at: (i32, i64),
    /// When it was put there, in milliseconds since 1970.
    pub since: i64,
    /// Why it is there.
    pub reason: String,
    /// The topic it came from.
    pub topic: String,
    /// The partition it came from.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    headers: Vec<Header>,
}

/// The dead-letter topic, to be read and re-driven.
pub struct Letters {
    config: Config,
    consumer: BaseConsumer,
}

impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letters").field("topic", &self.config.dead_letters).finish_non_exhaustive()
    }
}

impl Letters {
    /// Connects to the brokers.
    ///
    /// # Errors
    /// If librdkafka does not take the options.
    pub fn open(config: Config) -> Result<Letters, KafkaError> {
        let mut settings = client(&config);
        settings.set("group.id", &config.group).set("enable.auto.commit", "false").set("auto.offset.reset", "error");
        let consumer = settings.create()?;
        Ok(Letters { config, consumer })
    }

    /// Reads every letter that is there now, partition by partition, until `read` answers `false`.
    ///
    /// # Errors
    /// If the brokers do not answer, or the topic does not exist.
    pub fn read(&self, mut read: impl FnMut(Letter) -> bool) -> Result<(), KafkaError> {
        let topic = self.config.dead_letters.as_str();
        let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER)?;
        let partitions: Vec<i32> =
            metadata.topics().iter().flat_map(|topic| topic.partitions()).map(|partition| partition.id()).collect();
        if partitions.is_empty() {
            return Err(KafkaError::MetadataFetch(rdkafka::types::RDKafkaErrorCode::UnknownTopicOrPartition));
        }
        for partition in partitions {
            let (low, high) = self.consumer.fetch_watermarks(topic, partition, ANSWER)?;
            let mut assignment = TopicPartitionList::new();
            assignment.add_partition_offset(topic, partition, Offset::Offset(low))?;
            self.consumer.assign(&assignment)?;
            let mut next = low;
            while next < high {
                let Some(message) = self.consumer.poll(ANSWER) else {
                    return Err(KafkaError::NoMessageReceived);
                };
                let message = message?;
                next = message.offset() + 1;
                if !read(letter(&message)) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Sends letters to the topics they came from, and waits until they are there.
    ///
    /// # Errors
    /// If librdkafka does not take the options.
    pub fn redrive(&self, letters: Vec<Letter>) -> Result<(), StartError> {
        let messages = letters.into_iter().map(|letter| Outgoing {
            topic: letter.topic.into(),
            key: letter.key.map(Into::into),
            value: letter.value.map(Into::into),
            headers: letter.headers,
        });
        Producer::new(&self.config)?.deliver(&messages.collect::<Vec<_>>(), &Stop::default());
        Ok(())
    }
}

fn letter(message: &BorrowedMessage<'_>) -> Letter {
    let all = message.headers().map(|headers| headers.iter().map(super::consume::header).collect()).unwrap_or_default();
    let (ours, headers): (Vec<Header>, Vec<Header>) = Vec::into_iter(all).partition(|(key, _)| key.starts_with(OURS));
    let ours: BTreeMap<Box<str>, String> =
        ours.into_iter().map(|(key, value)| (key, String::from_utf8_lossy(&value).into_owned())).collect();
    let said = |name: &str| ours.get(name).cloned().unwrap_or_default();
    Letter {
        at: (message.partition(), message.offset()),
        since: message.timestamp().to_millis().unwrap_or_default(),
        reason: said(REASON),
        topic: said(TOPIC),
        partition: said(PARTITION).parse().unwrap_or(-1),
        offset: said(OFFSET).parse().unwrap_or(-1),
        key: message.key().map(Into::into),
        value: message.payload().map(Into::into),
        headers,
    }
}
