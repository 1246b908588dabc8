//! Flight: messages that are taken from Kafka and not yet durable, and the limit of them.
//!
//! However long the backlog is, this is what of it is in memory beside librdkafka's own bounded queue.

use parking_lot::{Condvar, Mutex};
use std::time::Duration;

/// Most messages in flight.
pub(super) const MESSAGES_MAX: usize = 100_000;
/// Most bytes of messages in flight.
pub(super) const BYTES_MAX: usize = 64 << 20;

/// How much there is of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// What is in flight.
#[derive(Debug, Default)]
pub(super) struct Flight {
    load: Mutex<Load>,
    landed: Condvar,
}

impl Load {
    fn is_full(self) -> bool {
        self.messages >= MESSAGES_MAX || self.bytes >= BYTES_MAX
    }

    fn is_half_empty(self) -> bool {
        self.messages <= MESSAGES_MAX / 2 && self.bytes <= BYTES_MAX / 2
    }
}

impl Flight {
    pub(super) fn now(&self) -> Load {
        *self.load.lock()
    }

    pub(super) fn add(&self, more: Load) {
        let mut load = self.load.lock();
        load.messages += more.messages;
        load.bytes += more.bytes;
    }

    pub(super) fn land(&self, done: Load) {
        let mut load = self.load.lock();
        load.messages -= done.messages;
        load.bytes -= done.bytes;
        drop(load);
        self.landed.notify_all();
    }

    pub(super) fn is_half_empty(&self) -> bool {
        self.now().is_half_empty()
    }

    /// PendingUntil so long for room; answers whether there is.
    pub(super) fn wait_for_room(&self, most: Duration) -> bool {
        let mut load = self.load.lock();
        if load.is_full() {
            self.landed.wait_for(&mut load, most);
        }
        !load.is_full()
    }

    /// PendingUntil so long until nothing is in flight.
    pub(super) fn wait_for_all(&self, most: Duration) {
        let mut load = self.load.lock();
        self.landed.wait_while_for(&mut load, |load| load.messages > 0, most);
    }
}
