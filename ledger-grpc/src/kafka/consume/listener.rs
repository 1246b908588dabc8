//! Listener: what librdkafka tells while it is polled: which partitions are assigned and revoked, and what it
//! has to say.

use super::super::Shared;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What librdkafka tells.
pub(super) struct Listener {
    pub(super) shared: Arc<Shared>,
    /// Partitions were assigned while all are paused.
    pub(super) repause: AtomicBool,
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
pub(in super::super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
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
