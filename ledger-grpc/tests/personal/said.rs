//! What is said: every text that the API takes with an event, by its path in the descriptor, and a ledger in which each
//! of them was said, with a value of its own.

use crate::search::planted;
use ledger_core::outcome::Outcome;
use ledger_core::refusal::Refusal;
use ledger_core::units::At;
use ledger_grpc::{json, proto, wire};
use ledger_store::{Batch, Cursor, Handle, Ledger, LedgerId, Options, Time};
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use std::path::Path;
use std::sync::Arc;

/// Texts of three letters: no value that is planted can stand there.
pub const CODES: [&str; 2] = ["purchase.currency", "refunded.currency"];
/// The cursor's source is no part of an event.
pub const CURSOR: &str = "the source of a cursor";

const PROGRAM: &str = r#"
id = "harbour"
timezone = "UTC"
currency = "EUR"
[[wallet]]
id = "shells"
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
[approvals]
credit = { over = 100, people = 2 }
[[exchange]]
id = "gulls"
out = { points = 3, units = 2 }
in = { units = 3, points = 4 }
per_day = 9
within = "1d"
"#;

fn described() -> MessageDescriptor {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("the descriptors are whole");
    pool.get_message_by_name("ledger.v1.Event").expect("there are events")
}

/// The path of every text of an event, and one more.
pub fn fields() -> Vec<String> {
    fn texts(message: &MessageDescriptor, before: &str, found: &mut Vec<String>) {
        for field in message.fields() {
            let path = format!("{before}{}", field.name());
            match field.kind() {
                Kind::String => found.push(path),
                Kind::Message(of) if of.package_name() == "ledger.v1" => texts(&of, &format!("{path}."), found),
                Kind::Bytes => panic!("{path}: say how bytes are planted"),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    texts(&described(), "", &mut found);
    found.push(CURSOR.into());
    found
}

/// Makes events whose texts are all planted.
pub struct Planting {
    fields: Vec<String>,
    next: i64,
    /// In which of several ways that exclude each other something is said.
    way: usize,
}

/// The most ways in which one thing can be said: what is given back, by a record, an event, an order or a hold.
const WAYS: usize = 4;

impl Planting {
    pub fn new() -> Planting {
        Planting { fields: fields(), next: 0, way: 0 }
    }

    /// The value planted in a field.
    pub fn value(&self, path: &str) -> String {
        planted(self.fields.iter().position(|field| field == path).unwrap_or_else(|| panic!("no field {path}")))
    }

    fn filled(&self, message: &MessageDescriptor, before: &str) -> DynamicMessage {
        let mut made = DynamicMessage::new(message.clone());
        let chosen = |field: &FieldDescriptor| {
            let Some(ways) = field.containing_oneof().filter(|one| one.fields().len() > 1) else { return false };
            assert!(message.name() == "Event" || ways.fields().len() <= WAYS, "{}", ways.full_name());
            let way = self.way.checked_rem(ways.fields().len()).and_then(|way| ways.fields().nth(way));
            message.name() == "Event" || way.as_ref() != Some(field)
        };
        for field in message.fields().filter(|field| !chosen(field)) {
            let value = self.of(&field, &format!("{before}{}", field.name()));
            made.set_field(&field, if field.is_list() { Value::List(vec![value]) } else { value });
        }
        // A refund of all so far names no lines; a line of one is named in one way, and how much of it said in one.
        let cleared: &[&str] = match message.name() {
            "Refunded" => &["so_far"],
            "LineRefund" => &["line", "amount"],
            _ => &[],
        };
        cleared.iter().for_each(|name| made.clear_field_by_name(name));
        made
    }

    fn of(&self, field: &FieldDescriptor, path: &str) -> Value {
        match field.kind() {
            Kind::String if CODES.contains(&path) => Value::String("EUR".into()),
            Kind::String => Value::String(self.value(path)),
            Kind::Int64 if field.name() == "net" => Value::I64(100_000),
            Kind::Int64 => Value::I64(3),
            Kind::Uint64 => Value::U64(3),
            Kind::Uint32 => Value::U32(3),
            Kind::Bool => Value::Bool(true),
            Kind::Enum(of) => Value::EnumNumber(of.values().last().expect("it has values").number()),
            Kind::Message(of) if of.package_name() == "google.protobuf" => {
                let seconds = if of.name() == "Duration" { 3_600 } else { 1_767_225_600 };
                let mut made = DynamicMessage::new(of);
                made.set_field_by_name("seconds", Value::I64(seconds));
                Value::Message(made)
            }
            Kind::Message(of) => Value::Message(self.filled(&of, &format!("{path}."))),
            other => panic!("{path}: {other:?} is not filled in here"),
        }
    }

    /// An event of a kind, every text of which is planted.
    fn event(&mut self, kind: &str) -> proto::Event {
        let described = described();
        let field = described.get_field_by_name(kind).expect("a kind is a field");
        let mut event = self.filled(&described, "");
        event.set_field(&field, self.of(&field, kind));
        let mut event: proto::Event = event.transcode_to().expect("it is an event");
        self.next += 1;
        event.id = format!("{}{}", event.id, self.next);
        // Only some kinds may be what another system has rewarded.
        event.history = false;
        event.occurred_at = wire::stamp(At(1_767_225_600_000 + 1_000 * self.next));
        event
    }
}

/// Opens a ledger that writes snapshots often.
pub fn open(dir: &Path, sealing_key: Option<[u8; 32]>) -> Ledger {
    let (secret, ledger) = (Some([7; 32]), Some(LedgerId([b'L'; 16])));
    let (salts, pepper) = (Some([9; 16]), Some([5; 32]));
    let (time, snapshot_records) = (Time::Simulated, 10);
    let options = Options { time, secret, ledger, salts, pepper, sealing_key, snapshot_records, ..Options::default() };
    Ledger::open(dir, options, Arc::new(|| At(4_000_000_000_000))).expect("it opens")
}

/// Says one event as a caller of the API does.
fn say(handle: &Handle, mut event: proto::Event) -> Outcome {
    let hash = |kind: &str, text: &str| handle.risk_key(kind, text);
    let decoded = wire::one(Some(event.clone()), &hash).or_else(|invalid| {
        // Some kinds are of nobody.
        assert!(invalid.0.iter().all(|one| one.field == "event.member"), "{invalid:?}");
        event.member.clear();
        wire::one(Some(event), &hash)
    });
    let events = decoded.expect("it keeps the limits").events;
    let outcomes = handle.submit_and_wait(Batch { events, cursors: Vec::new() }).expect("it is durable");
    outcomes.into_iter().next().expect("an outcome for an event")
}

/// The kinds that end or stop a membership.
const LAST: [&str; 2] = ["frozen", "closed"];

/// Says every kind of event twice: so that it is accepted as far as it can be, and as it is filled in.
pub fn say_everything(handle: &Handle) {
    let planting = &mut Planting::new();
    let program = format!("# {}\n{PROGRAM}", planting.value("program_published.text"));
    let mut publish = planting.event("program_published");
    publish.body = Some(proto::event::Body::ProgramPublished(proto::ProgramPublished { text: program }));
    assert_eq!(say(handle, publish).refusal, None);
    let cursor = Cursor { source: planting.value(CURSOR).into(), next: 3 };
    handle.submit_and_wait(Batch { events: Vec::new(), cursors: vec![cursor] }).expect("it is durable");
    for kind in json::kinds().iter().filter(|kind| !LAST.contains(&&***kind)) {
        let mut event = planting.event(kind);
        let must_be_accepted = made_acceptable(&mut event);
        let outcome = say(handle, event);
        assert!(!must_be_accepted || outcome.refusal.is_none(), "{kind}: {outcome:?}");
    }
    // What was held and exchanged is closed for some, and open for others.
    let (hold, reference) = (planting.value("hold.hold"), planting.value("exchange_in.reference"));
    let exchange = || "gulls".to_owned();
    let again = proto::ExchangeIn { exchange: exchange(), reference: format!("{reference} again"), units: 3 };
    let settled = proto::ExchangeSettled { exchange: exchange(), reference, accepted: true };
    for body in [
        proto::event::Body::Void(proto::Void { hold: hold.clone() }),
        proto::event::Body::Hold(proto::Hold { hold: format!("{hold} again"), points: 3, ..proto::Hold::default() }),
        proto::event::Body::ExchangeSettled(settled),
        proto::event::Body::ExchangeIn(again),
    ] {
        let event = proto::Event { body: Some(body), ..planting.event("void") };
        let outcome = say(handle, event);
        assert_eq!(outcome.refusal, None, "{outcome:?}");
    }
    for kind in json::kinds().iter().filter(|kind| !LAST.contains(&&***kind)).chain(&LAST.map(Box::from)) {
        for way in 0..WAYS {
            planting.way = way;
            let event = planting.event(kind);
            say(handle, event);
        }
    }
    let again = proto::Event { id: planting.value("id") + "1", ..planting.event("check_in") };
    assert_eq!(say(handle, again).refusal, Some(Refusal::IdReused));
}

/// Gives an event the words of the program; answers whether it must be accepted then.
fn made_acceptable(event: &mut proto::Event) -> bool {
    use proto::event::Body;
    let Some(body) = &mut event.body else { return false };
    match body {
        Body::Redeem(said) => (said.wallet, said.item, said.pieces) = Default::default(),
        Body::Hold(said) => (said.wallet, said.item, said.pieces) = Default::default(),
        Body::Credit(said) => (said.wallet, said.points) = (String::new(), 500),
        Body::Debit(said) => said.wallet.clear(),
        Body::ExchangeOut(said) => said.exchange = "gulls".into(),
        Body::ExchangeIn(said) => said.exchange = "gulls".into(),
        Body::Enrolled(_) | Body::Purchase(_) | Body::AliasLinked(_) | Body::Action(_) | Body::CheckIn(_) => {}
        _ => return false,
    }
    true
}
