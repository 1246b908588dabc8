//! Messages come back as they went, and what cannot be read is named.

use super::*;
use crate::proto::{self, event::Body, redeem_refunded::Spent};
use ledger_core::event::{Kind, MemberRef, Name, PROGRAM_BYTES_MAX, RiskKind};
use ledger_core::outcome::Outcome;
use ledger_core::record::{Record, Verdict};
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, MemberNo, Money, Points, Position, RiskKey, StaffNo};
use ledger_store::{Identity, LedgerId};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind as Described, MessageDescriptor, Value};
use prost_types::{Duration, Timestamp};
use std::collections::BTreeSet;

const NOON: Timestamp = Timestamp { seconds: 1_772_366_400, nanos: 7_000_000 };

fn hash(kind: &str, text: &str) -> RiskKey {
    RiskKey([kind.as_bytes()[0], text.as_bytes()[0], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// What fields say where not any word or number may stand; where nothing, they are left out.
fn said(kind: &str, field: &FieldDescriptor) -> Option<Option<Value>> {
    match (kind, field.name()) {
        (_, "currency") => Some(Some(Value::String("EUR".into()))),
        // A line is named by its place or by its goods, and what of it comes back in money or in pieces; what came back
        // so far is told of an amount alone.
        ("refunded", "sku" | "quantity" | "quantity_digits" | "so_far") => Some(None),
        (_, "quantity_digits") => Some(Some(Value::U32(2))),
        // An item has a price of its own.
        ("redeem" | "hold", "item" | "pieces") => Some(None),
        _ => None,
    }
}

/// A message that says something in each of its fields.
fn filled(kind: &str, described: &MessageDescriptor) -> DynamicMessage {
    let mut message = DynamicMessage::new(described.clone());
    if described.full_name() == "google.protobuf.Timestamp" {
        message.transcode_from(&NOON).expect("an instant");
        return message;
    }
    if described.full_name() == "google.protobuf.Duration" {
        message.transcode_from(&Duration { seconds: 3, nanos: 500_000_000 }).expect("a duration");
        return message;
    }
    for field in described.fields() {
        let any = || match field.kind() {
            Described::String => Value::String(field.name().into()),
            Described::Bool => Value::Bool(true),
            Described::Int32 => Value::I32(7),
            Described::Int64 => Value::I64(7),
            Described::Uint32 => Value::U32(7),
            Described::Uint64 => Value::U64(7),
            Described::Enum(_) => Value::EnumNumber(1),
            Described::Message(inner) => Value::Message(filled(kind, &inner)),
            other => panic!("{}: no example of {other:?}", field.full_name()),
        };
        if let Some(one) = said(kind, &field).unwrap_or_else(|| Some(any())) {
            message.set_field(&field, if field.is_list() { Value::List(vec![one]) } else { one });
        }
    }
    message
}

/// Each kind of event with all that it can say, from the descriptor, but for aliases, which have a test of their own;
/// and what excludes some of that.
fn bodies() -> Vec<Body> {
    let described = crate::json::package().find(|message| message.name() == "Event").expect("the proto has an event");
    let is_alias = |field: &FieldDescriptor| field.name().starts_with("alias_");
    let kinds = described.fields().filter(|field| field.containing_oneof().is_some() && !is_alias(field));
    let full = kinds.map(|field| {
        let mut event = DynamicMessage::new(described.clone());
        let Described::Message(inner) = field.kind() else { panic!("{}: kinds are messages", field.name()) };
        event.set_field(&field, Value::Message(filled(field.name(), &inner)));
        event.transcode_to::<proto::Event>().expect("an event").body.expect("a body")
    });
    let ttl = Some(Duration { seconds: 3, nanos: 500_000_000 });
    let line = proto::LineRefund { sku: "cup".into(), quantity: Some(1), ..Default::default() };
    let refund = proto::Refunded { order: "o".into(), currency: "EUR".into(), amount: 1, ..Default::default() };
    let others = [
        Body::Enrolled(proto::Enrolled { birthday: None }),
        Body::Refunded(proto::Refunded { lines: vec![line], ..refund.clone() }),
        Body::Refunded(proto::Refunded { so_far: true, ..refund }),
        Body::Redeem(proto::Redeem { wallet: "w".into(), item: "cup".into(), pieces: 2, ..Default::default() }),
        Body::Hold(proto::Hold { hold: "h".into(), item: "cup".into(), pieces: 1, ttl, ..Default::default() }),
        Body::HoldExtended(proto::HoldExtended { hold: "h".into(), ttl }),
        Body::RedeemRefunded(proto::RedeemRefunded { spent: Some(Spent::Redemption(7)), points: Some(2) }),
        Body::Approved(proto::Approved { proposed: Some(proto::approved::Proposed::Proposal(7)), by: "bob".into() }),
        Body::Withdrawn(proto::Withdrawn {
            proposed: Some(proto::withdrawn::Proposed::Event(event_ref())),
            by: "bob".into(),
            reason: "mistake".into(),
        }),
        Body::RedeemRefunded(proto::RedeemRefunded { spent: Some(Spent::Event(event_ref())), points: None }),
        Body::RedeemRefunded(proto::RedeemRefunded { spent: Some(Spent::Order("o".into())), points: None }),
        Body::RedeemRefunded(proto::RedeemRefunded { spent: Some(Spent::Hold("h".into())), points: None }),
        Body::Approved(proto::Approved {
            proposed: Some(proto::approved::Proposed::Event(event_ref())),
            by: "bob".into(),
        }),
        Body::RefundReversed(proto::RefundReversed {
            refund: Some(proto::refund_reversed::Refund::Event(event_ref())),
            why: proto::ReversalWhy::WonBack.into(),
        }),
        Body::RefundReversed(proto::RefundReversed {
            refund: Some(proto::refund_reversed::Refund::RefundPosition(7)),
            why: proto::ReversalWhy::Failed.into(),
        }),
        Body::CaseResolved(proto::CaseResolved {
            opened: Some(proto::case_resolved::Opened::CasePosition(4)),
            finding: proto::Finding::Fraud.into(),
            note: "n".into(),
        }),
        Body::CaseResolved(proto::CaseResolved {
            opened: Some(proto::case_resolved::Opened::Event(event_ref())),
            finding: proto::Finding::Fraud.into(),
            note: "n".into(),
        }),
    ];
    full.chain(others).collect()
}

fn event_ref() -> proto::EventRef {
    proto::EventRef { source: "till".into(), id: "e-1".into() }
}

fn event(body: Body) -> proto::Event {
    let nobody = matches!(&body, Body::CaseResolved(_) | Body::ProgramPublished(_) | Body::Tick(_));
    proto::Event {
        source: "till".into(),
        id: "1".into(),
        occurred_at: Some(NOON),
        member: if nobody { String::new() } else { "anna".into() },
        device: "d".into(),
        body: Some(body),
        ..proto::Event::default()
    }
}

fn fields(invalid: Invalid) -> Vec<String> {
    invalid.0.into_iter().map(|violation| violation.field).collect()
}

fn broken(event: proto::Event) -> Vec<String> {
    fields(one(Some(event), &hash).expect_err("it is invalid"))
}

#[test]
fn every_kind_of_event_is_told_as_it_was_said() {
    let mut untried: BTreeSet<Kind> = Kind::ALL.iter().copied().collect();
    for body in bodies() {
        let said = event(body);
        let decoded = one(Some(said.clone()), &hash).expect("it is valid");
        untried.remove(&decoded.events[0].body.kind());
        let (mut members, mut staff): (Vec<Name>, Vec<Name>) = (Vec::new(), Vec::new());
        let who = |name: Name| match &*name {
            "" => MemberRef::Nobody,
            _ => {
                members.push(name);
                MemberRef::Known(MemberNo(members.len() as u32))
            }
        };
        let number = |name: Name| match &*name {
            "" => StaffNo::NOBODY,
            _ => {
                staff.push(name);
                StaffNo(staff.len() as u32)
            }
        };
        let judged = Record::said(At(0), 1, decoded.events[0].clone().map(who, number), Verdict::default());
        let names =
            Names::default().and_members((1..).map(MemberNo).zip(members)).and_staff((1..).map(StaffNo).zip(staff));
        let hashed = proto::Event { device: hash("device", "d").to_string(), ..said };
        assert_eq!(record(Position(1), &judged, &names).cause, Some(proto::record::Cause::Event(hashed)));
    }
    assert_eq!(untried, BTreeSet::from([Kind::AliasLinked, Kind::AliasUnlinked]), "aliases are told as hashes");
}

#[test]
fn an_alias_is_told_as_its_hash() {
    let linked = |name: &str| Body::AliasLinked(proto::AliasLinked { kind: "card".into(), name: name.into() });
    let unlinked = |name: &str| Body::AliasUnlinked(proto::AliasUnlinked { kind: "card".into(), name: name.into() });
    for body in [&linked as &dyn Fn(&str) -> Body, &unlinked] {
        let decoded = one(Some(event(body("4711"))), &hash).expect("it is valid");
        let said = decoded.events[0].clone();
        assert_eq!(said.body.other().map(|alias| &**alias), Some("card:4711"));
        let (anna, key) = (MemberNo(1), hash("name", "card:4711"));
        let names = Names::default().and_members([(anna, "anna".into())]);
        let who = |name: Name| if &*name == "anna" { MemberRef::Alias(anna, key) } else { MemberRef::Unknown(key) };
        let judged = Record::said(At(0), 1, said.map(who, |_| StaffNo::NOBODY), Verdict::default());
        let told = record(Position(1), &judged, &names);
        assert_eq!((&*told.member, &*told.alias), ("anna", &*key.to_string()));
        let event = event(body(&key.to_string()));
        let event = proto::Event { device: hash("device", "d").to_string(), ..event };
        assert_eq!(told.cause, Some(proto::record::Cause::Event(event)));
    }
}

#[test]
fn what_cannot_be_read_is_named_once() {
    let unread = |body| broken(event(body));
    assert_eq!(unread(Body::Frozen(proto::Frozen::default())), ["event.frozen.scope"]);
    assert_eq!(unread(Body::AliasLinked(proto::AliasLinked::default())), ["event.alias_linked.kind"]);
    let nameless = proto::AliasLinked { kind: "card".into(), name: String::new() };
    assert_eq!(unread(Body::AliasLinked(nameless)), ["event.alias_linked.name"]);
    let lines = vec![proto::Line::default()];
    let purchase = proto::Purchase { order: "o".into(), currency: "euro".into(), lines, ..Default::default() };
    assert_eq!(unread(Body::Purchase(purchase)), ["event.purchase.currency", "event.purchase.lines[0].quantity"]);
    assert_eq!(
        unread(Body::CaseResolved(proto::CaseResolved::default())),
        ["event.case_resolved.finding", "event.case_resolved.event"]
    );
    assert_eq!(unread(Body::Tick(proto::Tick { up_to: None })), ["event.tick.up_to"]);
    let ttl = Some(Duration { seconds: i64::MAX, nanos: 0 });
    assert_eq!(
        unread(Body::Hold(proto::Hold { hold: "h".into(), points: 1, ttl, ..Default::default() })),
        ["event.hold.ttl"]
    );
    let birthday = Some(proto::MonthDay { month: 300, day: 1 });
    assert_eq!(unread(Body::Enrolled(proto::Enrolled { birthday })), ["event.enrolled.birthday"]);
    let far = Timestamp { seconds: i64::MAX, nanos: 0 };
    for occurred_at in [None, Some(far), Some(Timestamp { nanos: -1, ..NOON })] {
        let event = proto::Event { occurred_at, ..event(Body::CheckIn(proto::CheckIn {})) };
        assert_eq!(broken(event), ["event.occurred_at"]);
    }
}

#[test]
fn the_text_of_a_program_comes_on_top_of_the_limit() {
    let text = "#".repeat(PROGRAM_BYTES_MAX);
    let published = |text| event(Body::ProgramPublished(proto::ProgramPublished { text }));
    assert!(one(Some(published(text.clone())), &hash).is_ok());
    assert_eq!(broken(published(text.clone() + "#")), ["event.program_published.text"]);
    let request = proto::PublishProgramRequest { text: text + "#", ..Default::default() };
    let invalid = publish(request, &hash).expect_err("it is invalid");
    assert_eq!(fields(invalid), ["occurred_at", "source", "id", "text"]);
}

#[test]
fn outcomes_stand_where_their_events_stood() {
    let judged = [7, 8].map(|position| Outcome {
        position: Position(position),
        at: At(0),
        duplicate: false,
        refusal: Some(Refusal::NoProgram),
        trace: Vec::new(),
        waits: Vec::new(),
        earned: Vec::new(),
        expired: Vec::new(),
        available: Points(0),
        deferred: false,
        proposed: false,
        excess: Money(0),
    });
    let invalid = [0, 2, 4].map(|at| (at, Invalid::one("id", "must not be empty")));
    let told = outcomes(&judged, invalid.into(), &Names::default());
    assert_eq!(told.iter().map(|one| one.position).collect::<Vec<_>>(), [0, 7, 0, 8, 0]);
}

#[test]
fn a_page_ends_at_its_limit_or_when_the_message_is_full() {
    let read = |token: &str, size| page(size, token, PAGE_USUAL, PAGE_MAX);
    let filled = |bytes: usize, limit| {
        let (items, token) = fit((1..=10).map(|at| (at, "x".repeat(bytes))), limit);
        (items.len(), token)
    };
    assert_eq!(filled(1, 10), (10, String::new()));
    assert_eq!(filled(1, 4), (4, "p4".to_owned()));
    assert_eq!(filled(LIST_BYTES_MAX / 3, 10), (2, "p2".to_owned()));
    assert_eq!(filled(LIST_BYTES_MAX * 2, 10), (1, "p1".to_owned()));
    assert_eq!(read("p4", 0), Ok(Page { after: 4, limit: PAGE_USUAL }));
    assert_eq!(read("", 5_000), Ok(Page { after: 0, limit: PAGE_MAX }));
    for (token, size) in [("p", 0), ("4", 0), ("p4", -1)] {
        assert!(read(token, size).is_err(), "{token:?} {size}");
    }
}

#[test]
fn counters_can_be_asked_for_by_every_kind_of_key() {
    for kind in RiskKind::ALL {
        let asked = |text: &str| whose(Some(whose_key(kind, text.into())), &|kind, text| hash(kind, text));
        assert_eq!(asked("x"), Ok(Whose::Risk(hash(kind.name(), "x"))));
        assert_eq!(fields(asked("").expect_err("it is empty")), [kind.name()]);
    }
}

#[test]
fn a_token_says_what_its_answer_rested_on_and_nothing_else_does() {
    let here = Identity { ledger: LedgerId([0xab; 16]), lineage: 1, shard: 0 };
    for position in [0, 1, 16, u64::MAX].map(Position) {
        assert_eq!(read_token(&token_of(position, here), here), Ok(position));
    }
    assert_eq!(read_token("", here), Ok(Position(0)));
    let own = token_of(Position(7), here);
    let cut = &own[..own.len() - 1];
    let longer = format!("{own}-7");
    let foreign = ["7", "1-", "1-7", "2-7", cut, &longer, &format!("{cut}+7"), &format!("{cut}g"), &format!(" {own}")];
    for foreign in foreign.into_iter().chain([format!("{cut}10000000000000000").as_str()]) {
        assert_eq!(fields(read_token(foreign, here).expect_err(foreign)), ["token"]);
    }
    let others = [
        (Identity { ledger: LedgerId([0xac; 16]), ..here }, "of the ledger acac"),
        (Identity { lineage: 2, ..here }, "of lineage 2, and the ledger is in lineage 1"),
        (Identity { shard: 1, ..here }, "of shard 1, and this is shard 0"),
    ];
    for (other, why) in others {
        let Invalid(found) = read_token(&token_of(Position(7), other), here).expect_err(why);
        assert!(found[0].field == "token" && found[0].problem.contains(why), "{found:?}");
    }
}
