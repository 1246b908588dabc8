//! Turn: what the polling thread keeps between two polls.

use super::super::Shared;
use super::super::flight::{Flight, Load};
use super::super::lane::{Message, Partition};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

/// Messages on their way to the threads that decode, and whether there is room for more.
pub(super) struct PollState<'a> {
    feeds: &'a [Sender<Vec<Message>>],
    pub(super) waiting: Vec<Vec<Message>>,
    /// What waits to be handed on.
    pub(super) load: Load,
    /// Where the last message came from: most often the next one does, too.
    last: Option<Arc<Partition>>,
    pub(super) full_since: Option<Instant>,
    pub(super) paused: bool,
}

impl<'a> PollState<'a> {
    pub(super) fn new(feeds: &'a [Sender<Vec<Message>>]) -> PollState<'a> {
        let waiting = feeds.iter().map(|_| Vec::new()).collect();
        PollState { feeds, waiting, load: Load::default(), last: None, full_since: None, paused: false }
    }

    /// The lane of a partition, if it goes on.
    pub(super) fn lane(&mut self, shared: &Shared, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        let same = |lane: &&Arc<Partition>| lane.partition == partition && lane.topic.name == topic && lane.is_open();
        if self.last.as_ref().filter(same).is_none() {
            self.last = shared.lanes.find(topic, partition).filter(|lane| lane.is_open());
        }
        self.last.clone()
    }

    pub(super) fn hand_on(&mut self, flight: &Flight) {
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
