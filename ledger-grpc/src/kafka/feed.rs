//! Feed: messages to events, and events with their cursors to the shard.
//!
//! One thread decodes some of the partitions, each always the same thread, so that what comes from a
//! partition reaches the shard's queue in its order. A message that is no event goes to the dead-letter
//! topic, and only when that is acknowledged may the cursor pass it.

use super::Shared;
use super::decode::{self, Decoded as Read};
use super::figures::Skipped;
use super::flight::Load;
use super::lane::{Message, Stand};
use super::letters;
use super::produce::{Outgoing, Producer};
use ledger_core::event::{Event, Name};
use ledger_core::outcome::Outcome;
use ledger_store::{Batch, CommitError};
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

/// Most messages of one batch.
const BATCH_MESSAGES_MAX: usize = 10_000;
/// So many events are handed on together: more messages than those of them wait for the next batch.
const BATCH_EVENTS: usize = 10_000;
/// Most threads that decode.
const THREADS_MAX: usize = 4;

/// How many threads decode: a third of the machine, since the shard and librdkafka have threads too.
pub(super) fn threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    (cores / 3).clamp(1, THREADS_MAX)
}

/// A thread that decodes.
pub(super) struct Feed {
    shared: Arc<Shared>,
    producer: Arc<Producer>,
}

/// Messages that were decoded.
#[derive(Default)]
struct Decoded {
    load: Load,
    events: Vec<Event<Name>>,
    dead: Vec<Outgoing>,
    skipped: Skipped,
    /// Of each partition, its last message.
    last: BTreeMap<super::lane::Name, Message>,
}

impl Feed {
    pub(super) fn new(shared: Arc<Shared>, producer: Arc<Producer>) -> Feed {
        Feed { shared, producer }
    }

    /// Feeds the shard until no more messages can come.
    pub(super) fn run(&self, messages: &Receiver<Vec<Message>>) {
        while let Ok(mut batch) = messages.recv() {
            while batch.len() < BATCH_MESSAGES_MAX
                && let Ok(more) = messages.try_recv()
            {
                batch.extend(more);
            }
            let mut messages = batch.into_iter().peekable();
            while messages.peek().is_some() {
                let decoded = self.decode(&mut messages);
                let load = decoded.load;
                if !self.submit(decoded) {
                    self.shared.flight.land(load);
                }
            }
        }
    }

    /// Decodes messages until there are enough events for a batch.
    fn decode(&self, messages: &mut impl Iterator<Item = Message>) -> Decoded {
        let mut decoded = Decoded::default();
        let hash = |kind: &str, text: &str| self.shared.handle.risk_key(kind, text);
        while decoded.events.len() < BATCH_EVENTS
            && let Some(message) = messages.next()
        {
            decoded.load.messages += 1;
            decoded.load.bytes += message.bytes();
            if !message.lane.is_open() {
                continue;
            }
            let topic = &message.lane.topic;
            let (name, partition, offset) = (topic.name.as_str(), message.lane.partition, message.offset);
            let Read { events, fault, skipped } =
                decode::events(topic, &message.headers, message.value.as_deref(), &hash);
            decoded.events.extend(events);
            if let Some(reason) = fault {
                if decoded.dead.is_empty() {
                    // Why may quote what somebody said, which is no business of a log: the dead letter says it.
                    tracing::warn!(topic = name, partition, offset, "kafka: no event, the first of a batch");
                }
                decoded.dead.push(letters::outgoing(&self.shared.config, &message, &reason));
            }
            if let Some(why) = skipped {
                if self.shared.figures.is_first(name, &why) {
                    tracing::info!(topic = name, partition, offset, why, "kafka: skipped, and so are all that follow");
                }
                *decoded.skipped.entry((name.into(), why)).or_default() += 1;
            }
            decoded.last.insert((message.lane.topic.name.as_str().into(), message.lane.partition), message);
        }
        decoded
    }

    /// Hands a batch to the shard; answers whether it will say when the batch is durable.
    fn submit(&self, decoded: Decoded) -> bool {
        let Decoded { load, events, dead, skipped, last } = decoded;
        let shared = &self.shared;
        if last.is_empty() || shared.stop.asked() || !self.producer.deliver(&dead, &shared.stop) {
            return false;
        }
        let mut cursors = Vec::with_capacity(2 * last.len());
        let mut told = Vec::with_capacity(last.len());
        for (name, message) in last {
            let stand = Stand { next: message.offset + 1, fingerprint: message.fingerprint() };
            cursors.extend(message.lane.cursors(stand));
            shared.lanes.stands(&message.lane, stand);
            told.push((name, stand.next));
        }
        shared.figures.handed_on(load.messages, events.len(), dead.len());
        shared.figures.skipped(&skipped);
        let (done_shared, began) = (Arc::clone(shared), Instant::now());
        let done = move |outcomes: Result<Vec<Outcome>, CommitError>| {
            done_shared.flight.land(load);
            match outcomes {
                Ok(outcomes) => {
                    told.into_iter().for_each(|(name, next)| done_shared.lanes.durable(name, next));
                    done_shared.figures.committed(&outcomes, began.elapsed());
                }
                // The ledger goes on, and takes nothing more of these partitions until a person has looked.
                Err(error @ CommitError::Clock { .. }) => {
                    tracing::error!(%error, "kafka: the ledger does not take these events");
                    done_shared.lanes.give_up(error.to_string());
                }
                Err(_) => {}
            }
        };
        match shared.handle.submit_when_room(Batch { events, cursors }, Box::new(done)) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "kafka: the ledger takes no more events");
                shared.lanes.give_up(error.to_string());
                false
            }
        }
    }
}
