//! Watch: the thread that asks the brokers where partitions begin and end, and halts those whose cursor does
//! not fit.

use super::super::Shared;
use super::super::lane::Partition;
use super::{ANSWER, Consume, POLL};
use rdkafka::consumer::Consumer;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the watching thread asks where partitions begin and end.
const WATCH: Duration = Duration::from_secs(5);

/// The consumer of now, for the thread that watches.
pub(in super::super) type Current = parking_lot::Mutex<Weak<Consume>>;

/// Looks after the partitions until everything ends.
pub(in super::super) fn watch(current: &Current, shared: &Shared) {
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

impl Consume {
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
