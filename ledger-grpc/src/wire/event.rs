//! Events: one by one and in batches, read from messages, and told as they were recorded.
//!
//! Owns the checks that come before a value exists at all: unknown types, instants, sizes of messages
//! and of batches. The limits of an event's own fields are the event's.

use super::kinds::{decode_body, encode_body};
use super::{BATCH_EVENTS_MAX, EVENT_BYTES_MAX, Faults, Invalid, Names, TAG_BYTES_MAX, values};
use crate::proto;
use ledger_core::event::{Body, Event, MemberRef, Name, Origin, RiskKeys, RiskKind};
use ledger_core::units::{At, RiskKey};
use prost::Message;

/// Turns a device, address or phone into its keyed hash.
pub type Hash<'a> = &'a dyn Fn(&str, &str) -> RiskKey;

/// A batch as it came, sorted into what may be judged and what may not.
#[derive(Debug, Default)]
pub struct DecodedBatch {
    /// The events that may be judged, in order.
    pub events: Vec<Event<Name>>,
    /// The others, by their places in the batch.
    pub invalid: Vec<(usize, Invalid)>,
    /// Room that the events take in the queue: one for each begun KiB.
    pub weight: u32,
    /// Whether a program is among them: reading it takes a while.
    pub has_program: bool,
}

impl DecodedBatch {
    fn add(&mut self, at: usize, message: proto::Event, hash: Hash<'_>) {
        let bytes = message.encoded_len();
        match decode(message, bytes, hash) {
            Ok(event) => {
                self.weight += u32::try_from(bytes >> 10).unwrap_or(u32::MAX >> 16) + 1;
                self.has_program |= matches!(event.body, Body::ProgramPublished(_));
                self.events.push(event);
            }
            Err(invalid) => self.invalid.push((at, invalid)),
        }
    }
}

/// Reads the one event of a request.
pub fn one(message: Option<proto::Event>, hash: Hash<'_>) -> Result<DecodedBatch, Invalid> {
    let message = message.ok_or_else(|| Invalid::one("event", "is missing"))?;
    let mut decoded = DecodedBatch::default();
    decoded.add(0, message, hash);
    match decoded.invalid.pop() {
        Some((_, invalid)) => Err(invalid.under("event")),
        None => Ok(decoded),
    }
}

/// Reads the events of a batch.
pub fn batch(messages: Vec<proto::Event>, hash: Hash<'_>) -> Result<DecodedBatch, Invalid> {
    if messages.is_empty() || messages.len() > BATCH_EVENTS_MAX {
        return Err(Invalid::one("events", format!("has {}; send 1 to {BATCH_EVENTS_MAX}", messages.len())));
    }
    let mut decoded = DecodedBatch { events: Vec::with_capacity(messages.len()), ..DecodedBatch::default() };
    messages.into_iter().enumerate().for_each(|(at, message)| decoded.add(at, message, hash));
    Ok(decoded)
}

/// Reads the tag and the events of a batch in a stream.
pub fn tagged(message: proto::SubmitStreamRequest, hash: Hash<'_>) -> Result<(String, DecodedBatch), Invalid> {
    if message.tag.len() > TAG_BYTES_MAX {
        return Err(Invalid::one("tag", format!("at most {TAG_BYTES_MAX} bytes are allowed")));
    }
    Ok((message.tag, batch(message.events, hash)?))
}

/// Reads a program that is to be published, as the event it is.
pub fn publish(message: proto::PublishProgramRequest, hash: Hash<'_>) -> Result<DecodedBatch, Invalid> {
    let proto::PublishProgramRequest { source, id, occurred_at, text } = message;
    let body = Some(proto::event::Body::ProgramPublished(proto::ProgramPublished { text }));
    let event = proto::Event { source, id, occurred_at, body, ..proto::Event::default() };
    let at_top = |mut invalid: Invalid| {
        for violation in &mut invalid.0 {
            let field = violation.field.trim_start_matches("event.").trim_start_matches("program_published.");
            violation.field = field.to_owned();
        }
        invalid
    };
    one(Some(event), hash).map_err(at_top)
}

/// Reads a redemption that is only asked about, as the event it would be. When it would happen is for whoever foresees
/// it to say.
pub fn quote(message: proto::QuoteRequest, hash: Hash<'_>) -> Result<Event<Name>, Invalid> {
    let redeem = message.redeem.ok_or_else(|| Invalid::one("redeem", "is missing"))?;
    let event = proto::Event {
        source: "quote".into(),
        id: "quote".into(),
        occurred_at: values::stamp(At(0)),
        member: message.member,
        body: Some(proto::event::Body::Redeem(redeem)),
        ..proto::Event::default()
    };
    let bytes = event.encoded_len();
    decode(event, bytes, hash)
}

fn decode(message: proto::Event, bytes: usize, hash: Hash<'_>) -> Result<Event<Name>, Invalid> {
    let apart = match &message.body {
        Some(proto::event::Body::ProgramPublished(program)) => program.text.len(),
        _ => 0,
    };
    if bytes.saturating_sub(apart) > EVENT_BYTES_MAX {
        return Err(Invalid::one("", format!("has {bytes} bytes; at most {EVENT_BYTES_MAX} are allowed")));
    }
    let mut faults = Faults::default();
    let occurred_at = values::instant("occurred_at", message.occurred_at, &mut faults);
    let keys = decode_keys(&message, hash, &mut faults);
    let origin = decode_origin(&message);
    let Some(body) = message.body else {
        faults.add("body", "unknown type; send one of those in event.proto");
        return Err(Invalid(faults.found));
    };
    let mut event = Event {
        source: message.source.into(),
        id: message.id.into(),
        occurred_at,
        member: message.member.into(),
        keys,
        origin,
        body: decode_body(body, &mut faults),
    };
    // A field that could not be read stands here with a value that is valid: it is named once.
    faults.found.extend(event.violations());
    faults.check(event)
}

fn decode_keys(message: &proto::Event, hash: Hash<'_>, faults: &mut Faults) -> RiskKeys {
    let mut keys = RiskKeys::default();
    for kind in RiskKind::ALL {
        let text = match kind {
            RiskKind::Device => &message.device,
            RiskKind::Ip => &message.ip,
            RiskKind::Phone => &message.phone,
            RiskKind::IpPrefix => &message.ip_prefix,
            RiskKind::Payment => &message.payment,
            RiskKind::Address => &message.address,
        };
        if !text.is_empty() {
            let text = values::name(kind.name(), text.as_str(), 0, faults);
            keys.set(kind, hash(kind.name(), &text));
        }
    }
    keys
}

/// Nothing where nothing is said.
fn decode_origin(message: &proto::Event) -> Option<Box<Origin<Name>>> {
    let proto::Event { channel, store, terminal, employee, partner, history, .. } = message;
    if !history && [channel, store, terminal, employee, partner].iter().all(|text| text.is_empty()) {
        return None;
    }
    Some(Box::new(Origin {
        channel: channel.as_str().into(),
        store: store.as_str().into(),
        terminal: terminal.as_str().into(),
        employee: employee.as_str().into(),
        partner: partner.as_str().into(),
        history: *history,
    }))
}

/// An event as it was recorded.
pub(super) fn encode(event: &Event<MemberRef>, names: &Names) -> proto::Event {
    let hash = |kind| event.keys.get(kind).map(|key| key.to_string()).unwrap_or_default();
    let origin = event.origin.as_deref().cloned().unwrap_or_default();
    proto::Event {
        source: event.source.to_string(),
        id: event.id.to_string(),
        occurred_at: values::stamp(event.occurred_at),
        member: names.who(&event.member),
        device: hash(RiskKind::Device),
        ip: hash(RiskKind::Ip),
        phone: hash(RiskKind::Phone),
        ip_prefix: hash(RiskKind::IpPrefix),
        payment: hash(RiskKind::Payment),
        address: hash(RiskKind::Address),
        channel: origin.channel.into(),
        store: origin.store.into(),
        terminal: origin.terminal.into(),
        employee: names.staff(origin.employee),
        partner: origin.partner.into(),
        history: origin.history,
        body: Some(encode_body(&event.body, names)),
    }
}
