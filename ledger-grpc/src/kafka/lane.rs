//! Lane: one partition while it is assigned to this node, and where it stands.
//!
//! Owns the names of the cursors and the *witness*: a hash of the message before the cursor, durable
//! with it. When a partition is assigned, that message is read again first; if it is another one, the
//! topic is not the one that was read. A lane that is closed hands nothing on any more, so what
//! librdkafka still delivers of a partition that was taken away is dropped.
//! Invariant: `next` is behind everything that was handed on, and never behind what was not.

use super::config::Topic;
use super::decode::Header;
use ledger_core::merkle::leaf;
use ledger_store::{Cursor, Handle, ReadError};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// Where a cursor was moved by a person, no message is known.
const NO_WITNESS: u64 = 0;

/// A message on its way into the ledger.
pub(super) struct Message {
    pub(super) lane: Arc<Partition>,
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    pub(super) key: Option<Box<[u8]>>,
    pub(super) value: Option<Box<[u8]>>,
    pub(super) headers: Vec<Header>,
}

impl Message {
    /// Bytes that it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(key, value)| key.len() + value.len()).sum();
        let part = |part: &Option<Box<[u8]>>| part.as_ref().map_or(0, |bytes| bytes.len());
        size_of::<Message>() + part(&self.key) + part(&self.value) + headers
    }

    /// The witness of this message.
    pub(super) fn fingerprint(&self) -> u64 {
        fingerprint(self.timestamp, self.key.as_deref(), self.value.as_deref())
    }
}

/// A hash of what a message is, by which it is known again.
pub(super) fn fingerprint(timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> u64 {
    let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
    let mut bytes = Vec::with_capacity(16 + key.len() + value.len());
    bytes.extend(timestamp.to_le_bytes());
    bytes.extend((key.len() as u64).to_le_bytes());
    bytes.extend(key);
    bytes.extend(value);
    let hash = leaf(&bytes);
    hash.first_chunk().map_or(1, |first: &[u8; 8]| u64::from_le_bytes(*first).max(1))
}

/// Where a partition stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    /// The first offset that is not in the ledger.
    pub(super) next: i64,
    /// The witness of the last message that is.
    pub(super) fingerprint: u64,
}

/// What a partition is known by.
pub(super) type Name = (Box<str>, i32);

fn cursor_of(topic: &str, partition: i32) -> Box<str> {
    format!("kafka:{topic}/{partition}").into()
}

fn witness_of(topic: &str, partition: i32) -> Box<str> {
    format!("kafka-witness:{topic}/{partition}").into()
}

impl Stand {
    /// Cursors for a partition that is to be read from an offset, without a witness.
    pub(super) fn moved(topic: &str, partition: i32, next: u64) -> Vec<Cursor> {
        let cursor = |source, next| Cursor { source, next };
        vec![cursor(cursor_of(topic, partition), next), cursor(witness_of(topic, partition), NO_WITNESS)]
    }

    /// What the ledger says; `None` if it has nothing of the partition.
    fn read(handle: &Handle, topic: &str, partition: i32) -> Result<Option<Stand>, ReadError> {
        let Some(next) = handle.cursor(&cursor_of(topic, partition))? else { return Ok(None) };
        let fingerprint = handle.cursor(&witness_of(topic, partition))?.unwrap_or(NO_WITNESS);
        Ok(Some(Stand { next: i64::try_from(next).unwrap_or(i64::MAX), fingerprint }))
    }
}

/// A partition that is assigned to this node.
pub(super) struct Partition {
    pub(super) topic: Arc<Topic>,
    pub(super) partition: i32,
    /// Which of the threads that decode it belongs to.
    pub(super) feed: usize,
    cursor: Box<str>,
    fingerprint: Box<str>,
    open: AtomicBool,
    /// The first offset that was not handed on; negative: the beginning, wherever that is.
    next: AtomicI64,
    /// The witness of the message before `next`, until that message was read again.
    proof: Mutex<Option<u64>>,
}

impl Partition {
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    pub(super) fn next(&self) -> Option<i64> {
        Some(self.next.load(Ordering::Acquire)).filter(|next| *next >= 0)
    }

    /// The offset to read from: `None` for the beginning. One before `next` while there is a proof to ask for.
    pub(super) fn start(&self) -> Option<i64> {
        let next = self.next()?;
        Some(if self.proof.lock().is_some() { next - 1 } else { next })
    }

    /// The message before the cursor is gone with its segment, as it may: there is nothing to prove it by.
    pub(super) fn waive_proof(&self) {
        self.proof.lock().take();
    }

    /// Whether a message is the next to be handed on. An error: it is not what it must be.
    pub(super) fn accepts(&self, offset: i64, fingerprint: impl FnOnce() -> u64) -> Result<bool, String> {
        let next = self.next();
        if let (Some(proof), Some(next)) = (self.proof.lock().take(), next) {
            return match offset {
                _ if offset == next - 1 && fingerprint() == proof => Ok(false),
                _ if offset == next - 1 => Err(format!(
                    "the message at offset {offset} is not the one that was read there: the topic was made anew"
                )),
                _ => Err(format!("the message at offset {} is gone: the topic was made anew or compacted", next - 1)),
            };
        }
        let fresh = next.is_none_or(|next| offset >= next);
        if fresh {
            self.next.store(offset + 1, Ordering::Release);
        }
        Ok(fresh)
    }

    /// The cursors behind a message of this partition.
    pub(super) fn cursors(&self, stand: Stand) -> [Cursor; 2] {
        let next = u64::try_from(stand.next).unwrap_or_default();
        [
            Cursor { source: self.cursor.clone(), next },
            Cursor { source: self.fingerprint.clone(), next: stand.fingerprint },
        ]
    }
}

/// The partitions of this node.
pub(super) struct Lanes {
    topics: HashMap<Box<str>, Arc<Topic>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lanes: BTreeMap<Name, Arc<Partition>>,
    /// Why partitions do not go on.
    halted: BTreeMap<Name, String>,
    /// Why none does, if so.
    given_up: Option<String>,
    /// How far each partition is handed to the store; newer than what is durable.
    stands: BTreeMap<Name, Stand>,
    /// The same, once it is durable, until Kafka was told.
    durable: BTreeMap<Name, i64>,
}

impl Lanes {
    pub(super) fn new(topics: &[Topic]) -> Lanes {
        let topics = topics.iter().map(|topic| (topic.name.as_str().into(), Arc::new(topic.clone()))).collect();
        Lanes { topics, state: Mutex::default() }
    }

    /// A partition is assigned: a new lane from where the ledger stands.
    pub(super) fn open(
        &self,
        handle: &Handle,
        topic: &str,
        partition: i32,
    ) -> Result<Option<Arc<Partition>>, ReadError> {
        let Some(topic) = self.topics.get(topic) else { return Ok(None) };
        let name = (topic.name.as_str().into(), partition);
        let mut state = self.state.lock();
        let known = state.stands.get(&name).copied();
        let stand = known.map_or_else(|| Stand::read(handle, &topic.name, partition), |stand| Ok(Some(stand)))?;
        let lane = Arc::new(Partition {
            topic: Arc::clone(topic),
            partition,
            feed: usize::try_from(partition).unwrap_or_default(),
            cursor: cursor_of(&topic.name, partition),
            fingerprint: witness_of(&topic.name, partition),
            open: AtomicBool::new(true),
            next: AtomicI64::new(stand.map_or(-1, |stand| stand.next)),
            proof: Mutex::new(stand.map(|stand| stand.fingerprint).filter(|fingerprint| *fingerprint != NO_WITNESS)),
        });
        state.halted.remove(&name);
        if let Some(before) = state.lanes.insert(name, Arc::clone(&lane)) {
            before.open.store(false, Ordering::Release);
        }
        Ok(Some(lane))
    }

    /// A partition is taken away.
    pub(super) fn close(&self, topic: &str, partition: i32) {
        let name = (topic.into(), partition);
        let mut state = self.state.lock();
        state.halted.remove(&name);
        if let Some(lane) = state.lanes.remove(&name) {
            lane.open.store(false, Ordering::Release);
        }
    }

    /// A partition does not go on, because it must not. Answers whether it did until now.
    pub(super) fn halt(&self, lane: &Partition, why: String) -> bool {
        let mut state = self.state.lock();
        let went_on = lane.open.swap(false, Ordering::AcqRel);
        if went_on {
            state.halted.insert((lane.topic.name.as_str().into(), lane.partition), why);
        }
        went_on
    }

    pub(super) fn find(&self, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        self.state.lock().lanes.get(&(Box::from(topic), partition)).cloned()
    }

    /// Every partition that goes on.
    pub(super) fn all_open(&self) -> Vec<Arc<Partition>> {
        self.state.lock().lanes.values().filter(|lane| lane.is_open()).cloned().collect()
    }

    /// No partition goes on.
    pub(super) fn give_up(&self, why: String) {
        let mut state = self.state.lock();
        state.lanes.values().for_each(|lane| lane.open.store(false, Ordering::Release));
        state.given_up = Some(why);
    }

    /// Partitions can be opened again.
    pub(super) fn go_on(&self) {
        self.state.lock().given_up = None;
    }

    /// What does not go on, and why: partitions, or `consumer` if all of it.
    pub(super) fn halted(&self) -> Vec<(String, String)> {
        let state = self.state.lock();
        let partitions = state.halted.iter().map(|((topic, partition), why)| (format!("{topic}/{partition}"), why));
        let all = state.given_up.iter().map(|why| ("consumer".to_owned(), why));
        all.chain(partitions).map(|(what, why)| (what, why.clone())).collect()
    }

    /// Messages up to here are handed to the store.
    pub(super) fn stands(&self, lane: &Partition, stand: Stand) {
        self.state.lock().stands.insert((lane.topic.name.as_str().into(), lane.partition), stand);
    }

    /// Messages up to here are durable.
    pub(super) fn durable(&self, name: Name, next: i64) {
        self.state.lock().durable.insert(name, next);
    }

    /// What became durable since this was asked last, of partitions that are assigned.
    pub(super) fn take_durable(&self) -> Vec<(Name, i64)> {
        let mut state = self.state.lock();
        let durable = std::mem::take(&mut state.durable);
        durable.into_iter().filter(|(name, _)| state.lanes.contains_key(name)).collect()
    }
}
