//! References: what events speak of, by its event, as messages.

use super::Faults;
use crate::proto;
use ledger_core::event::{EventName, RecordRef};
use ledger_core::units::Position;

/// A record that is spoken of, as it is said.
pub(super) enum Said {
    /// By where it stands.
    Position(u64),
    /// By the event that it answered.
    Event(proto::EventRef),
}

/// Reads which record is meant; a fault if none is said.
pub(super) fn decode_record(said: Option<Said>, field: &str, faults: &mut Faults) -> RecordRef {
    match said {
        Some(Said::Position(position)) => Position(position).into(),
        Some(Said::Event(event)) => RecordRef::event(&event.source, &event.id),
        None => {
            faults.add(field, "is required: say what is meant, by `event` or by position");
            Position(0).into()
        }
    }
}

/// Tells which record is meant.
pub(super) fn encode_record(record: &RecordRef) -> Said {
    match record {
        RecordRef::Position(position) => Said::Position(position.0),
        RecordRef::Event(event) => Said::Event(encode_event(event)),
    }
}

fn encode_event(event: &EventName) -> proto::EventRef {
    proto::EventRef { source: event.source.to_string(), id: event.id.to_string() }
}
