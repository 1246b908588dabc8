//! Outbox: what came of every event, read from the log in order and put on a topic as CloudEvents.
//!
//! A record tells any number of outcomes; each has an id that follows from the ledger, its lineage,
//! the record's position and the outcome's place in it, so a consumer knows one that comes again. How far the outbox
//! is stands in the ledger itself, written after the brokers acknowledged: at least once, never skipped.
//! Messages carry the member's name as key, so a member's outcomes keep the order of the log.
//! The data of each is a message of `outbox.proto`, and [`TYPES`] has them all.
//! Invariant: outcomes of a record are a function of the record; no clock and no program is asked.

mod outcomes;
mod types;

pub use types::TYPES;

use super::Shared;
use super::produce::{Outgoing, Producer};
use crate::instant;
use crate::wire::{self, Person};
use ledger_core::record::Record;
use ledger_core::sealed::{HiddenName, SealedFor, Sealing};
use ledger_core::units::{MemberNo, Position, StaffNo, TermNo};
use ledger_store::{Batch, Cursor, Handle, Identity, Moment, ReadError, Seals};
use outcomes::outcomes;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use types::Outcome;

/// Records that are read and acknowledged together.
const RECORDS_MAX: u64 = 2_000;
/// How long to wait after the log could not be read.
const RETRY: Duration = Duration::from_secs(5);
/// Before the kind of every outcome in the `type` of its CloudEvent.
const TYPE_PREFIX: &str = "ledger.v1.";

/// Sends outcomes until everything ends.
pub(super) fn run(shared: &Arc<Shared>, producer: &Producer, topic: &str) {
    let waker = Arc::downgrade(shared);
    shared.handle.on_commit(Box::new(move |_| {
        if let Some(shared) = waker.upgrade() {
            shared.stop.wake();
        }
    }));
    let outbox = Outbox { shared, producer, topic, cursor: format!("outbox:{topic}").into() };
    let mut sent = None;
    while !shared.stop.asked() {
        match outbox.turn(&mut sent) {
            Ok(true) => {}
            Ok(false) => shared.stop.wait_until(|| sent.is_none_or(|sent| shared.handle.committed() > sent)),
            Err(error) => {
                tracing::error!(%error, "kafka: the outbox cannot read the log");
                shared.stop.wait(RETRY);
            }
        }
    }
}

struct Outbox<'a> {
    shared: &'a Shared,
    producer: &'a Producer,
    topic: &'a str,
    cursor: Box<str>,
}

impl Outbox<'_> {
    /// Sends what is new, up to a limit; answers whether there was something.
    fn turn(&self, sent: &mut Option<Position>) -> Result<bool, ReadError> {
        let handle = &self.shared.handle;
        let after = match *sent {
            Some(sent) => sent,
            None => Position(handle.cursor(&self.cursor)?.unwrap_or_default()),
        };
        *sent = Some(after);
        let records = handle.records(after, RECORDS_MAX)?;
        let Some((last, _)) = records.last() else { return Ok(false) };
        let last = *last;
        let told = Told::of(&records, (handle.terms(), handle.seals()), |people| names(handle, people))?;
        let messages: Vec<Outgoing> =
            records.iter().flat_map(|(position, record)| self.messages(*position, record, &told)).collect();
        if !self.producer.deliver(&messages, &self.shared.stop) {
            return Ok(false);
        }
        let cursors = vec![Cursor { source: self.cursor.clone(), next: last.0 }];
        // If it is not taken the ledger has stopped, and these outcomes are sent again some day.
        let _ = handle.submit_when_room(Batch { events: Vec::new(), cursors }, Box::new(|_| {}));
        self.shared.figures.sent(messages.len(), last);
        *sent = Some(last);
        Ok(true)
    }

    fn messages(&self, position: Position, record: &Record, told: &Told) -> Vec<Outgoing> {
        let all = outcomes(position, record, told);
        let Identity { ledger, lineage, .. } = self.shared.handle.identity_at(position);
        let message = |(n, outcome): (usize, Outcome)| {
            let member = told.name(outcome.member);
            let cloud = json!({
                "specversion": "1.0",
                "id": format!("{ledger}-{lineage}-{position}-{n}"),
                "source": format!("/ledger/{ledger}"),
                "type": format!("{TYPE_PREFIX}{}", outcome.kind),
                "time": instant::show(record.at),
                "subject": member,
                "datacontenttype": "application/json",
                "data": outcome.data,
            });
            Outgoing {
                topic: self.topic.into(),
                key: (!member.is_empty()).then(|| member.as_bytes().into()),
                value: Some(cloud.to_string().into_bytes().into()),
                headers: vec![("content-type".into(), b"application/cloudevents+json; charset=UTF-8"[..].into())],
            }
        };
        all.into_iter().enumerate().map(message).collect()
    }
}

fn names(handle: &Handle, people: &[Person]) -> Result<Vec<Box<str>>, ReadError> {
    let name = |moment: &mut Moment<'_>, person: &Person| match *person {
        Person::Member(no) => moment.name(no),
        Person::Staff(no) => moment.staff_name(no),
    };
    handle.ask(|moment| people.iter().map(|person| name(moment, person)).collect()).wait()
}

/// The words and names with which numbers are told.
struct Told {
    terms: Arc<Vec<Box<str>>>,
    names: HashMap<Person, Box<str>>,
    seals: Seals,
}

impl Told {
    fn of(
        records: &[(Position, Record)],
        (terms, seals): (Arc<Vec<Box<str>>>, Seals),
        names: impl FnOnce(&[Person]) -> Result<Vec<Box<str>>, ReadError>,
    ) -> Result<Told, ReadError> {
        let mut people: Vec<Person> = records.iter().flat_map(|(_, record)| wire::people_of_record(record)).collect();
        people.sort_unstable();
        people.dedup();
        let names = names(&people)?;
        Ok(Told { terms, names: people.into_iter().zip(names).collect(), seals })
    }

    fn term(&self, term: TermNo) -> Option<String> {
        let word = usize::from(term.0).checked_sub(1).and_then(|at| self.terms.get(at));
        word.map(|word| word.to_string())
    }

    fn name(&self, member: MemberNo) -> &str {
        self.names.get(&Person::Member(member)).map_or("", |name| name)
    }

    fn staff(&self, no: StaffNo) -> String {
        self.names.get(&Person::Staff(no)).map_or_else(String::new, |name| name.to_string())
    }

    /// A partner's reference of a member's exchange.
    fn reference(&self, member: MemberNo, name: &HiddenName) -> String {
        self.seals.open(SealedFor::reference(member, name), &name.sealed).map(String::from).unwrap_or_default()
    }

    fn members(&self, members: &[MemberNo]) -> Vec<String> {
        members.iter().map(|no| self.name(*no).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests;
