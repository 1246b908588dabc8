//! What callers send by mistake, in a hurry or on purpose, and what a real server makes of it.
//!
//! Each test ends in the same way: the books balance, good events are still taken, and the ledger that
//! is left behind passes verification.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use ledger_core::units::{At, Position};
use ledger_grpc::engine::{Limits, wall_clock};
use ledger_grpc::proto::audit_service_client::AuditServiceClient;
use ledger_grpc::proto::event_service_client::EventServiceClient;
use ledger_grpc::proto::member_service_client::MemberServiceClient;
use ledger_grpc::proto::outcome::Result as RuleOutcome;
use ledger_grpc::proto::program_service_client::ProgramServiceClient;
use ledger_grpc::proto::{self, event::Body};
use ledger_grpc::server::{ServeError, serve};
use ledger_store::{Ledger, Options, Time};
use prost::Message;
use prost::bytes::{Buf, BufMut};
use prost_types::Timestamp;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Barrier, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

/// A point for every euro, and holds of an hour.
const PROGRAM: &str = r#"
id = "plain"
timezone = "UTC"
currency = "EUR"

[[wallet]]
id = "points"
hold_ttl = "1h"

[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
"#;

/// 1 March 2026, noon.
const NOON: i64 = 1_772_366_400;
const SECRET: [u8; 32] = [9; 32];
/// More than any amount may be.
const TOO_MUCH: i64 = 1_000_000_000_001;

/// A served ledger.
struct World {
    dir: TempDir,
    ledger: Ledger,
    address: SocketAddr,
    channel: Channel,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
    /// When events happen that say nothing else, in seconds.
    now: i64,
    said: AtomicU64,
}

impl World {
    /// On simulated time, at noon.
    async fn new() -> World {
        World::with(Limits::default(), Time::Simulated, NOON).await
    }

    async fn with(limits: Limits, time: Time, now: i64) -> World {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path(), time);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(serve(listener, ledger.handle(), limits, shutdown));
        let channel = connect(address).await;
        let world = World { dir, ledger, address, channel, stop, serving, now, said: AtomicU64::new(0) };
        let published = world.publish(PROGRAM).await.unwrap();
        assert_eq!(published.version, 1);
        world
    }

    fn events(&self) -> EventServiceClient<Channel> {
        EventServiceClient::new(self.channel.clone())
    }

    fn members(&self) -> MemberServiceClient<Channel> {
        MemberServiceClient::new(self.channel.clone())
    }

    fn programs(&self) -> ProgramServiceClient<Channel> {
        ProgramServiceClient::new(self.channel.clone())
    }

    async fn publish(&self, text: &str) -> Result<proto::PublishProgramResponse, Status> {
        let (source, id) = ("office".to_owned(), self.id());
        let request = proto::PublishProgramRequest { source, id, occurred_at: stamp(self.now), text: text.into() };
        Ok(self.programs().publish_program(request).await?.into_inner())
    }

    /// The token of an answer that is true at this position.
    fn token(&self, position: u64) -> String {
        ledger_grpc::wire::token_of(Position(position), self.ledger.handle().identity())
    }

    /// An id that was not used before.
    fn id(&self) -> String {
        format!("e-{}", self.said.fetch_add(1, Ordering::Relaxed))
    }

    /// An event under a new id.
    fn event(&self, member: &str, body: Body) -> proto::Event {
        event(&self.id(), member, self.now, body)
    }

    async fn submit(&self, event: proto::Event) -> Result<proto::Outcome, Status> {
        let answer = self.events().submit(proto::SubmitRequest { event: Some(event) }).await?;
        Ok(answer.into_inner().outcome.unwrap())
    }

    /// Says an event that is accepted; answers what the member then has.
    async fn take(&self, member: &str, body: Body) -> i64 {
        accepted(&self.submit(self.event(member, body)).await.unwrap()).available
    }

    /// Says an event that is refused; answers why.
    async fn refuse(&self, member: &str, body: Body) -> String {
        refused(&self.submit(self.event(member, body)).await.unwrap()).reason.clone()
    }

    /// Says an event that is invalid; answers the fields that are named.
    async fn reject(&self, member: &str, body: Body) -> Vec<String> {
        let before = self.ledger.handle().committed();
        let status = self.submit(self.event(member, body)).await.unwrap_err();
        assert_eq!(self.ledger.handle().committed(), before, "what is invalid is not recorded");
        fields(&status)
    }

    async fn member(&self, name: &str) -> proto::Member {
        let request = proto::GetMemberRequest { member: name.into(), ..Default::default() };
        self.members().get_member(request).await.unwrap().into_inner()
    }

    async fn available(&self, name: &str) -> i64 {
        self.member(name).await.purses[0].available
    }

    /// The trial balance of the points, as every wallet balances; nothing before a point ever moved.
    async fn totals(&self) -> HashMap<proto::Account, i64> {
        let mut audit = AuditServiceClient::new(self.channel.clone());
        let totals = audit.get_totals(proto::GetTotalsRequest::default()).await.unwrap().into_inner();
        for points in &totals.wallets {
            assert_eq!((points.sum, points.accounts.iter().map(|one| one.balance).sum::<i64>()), (0, 0));
        }
        let points = totals.wallets.iter().filter(|wallet| wallet.wallet == "points");
        let accounts = points.flat_map(|points| &points.accounts);
        accounts.map(|one| (one.account(), one.balance)).collect()
    }

    async fn issued(&self) -> i64 {
        self.totals().await.get(&proto::Account::Issued).copied().unwrap_or(0)
    }

    /// The books balance and good events are taken, by old connections and new ones.
    async fn is_well(&self) {
        let before = self.issued().await;
        let member = self.id();
        assert_eq!(self.take(&member, purchase("o-1", 7_00)).await, 7);
        let mut fresh = EventServiceClient::new(connect(self.address).await);
        let wish = proto::SubmitRequest { event: Some(self.event(&member, redeem(2))) };
        assert_eq!(accepted(fresh.submit(wish).await.unwrap().into_inner().outcome.as_ref().unwrap()).available, 5);
        assert_eq!(self.issued().await, before - 7);
        assert_eq!(self.available(&member).await, 5);
    }

    /// All is well; then the server stops, and the ledger passes verification.
    async fn end(self) {
        self.is_well().await;
        let World { dir, ledger, channel, stop, serving, .. } = self;
        stop.send(()).unwrap();
        drop(channel);
        serving.await.unwrap().unwrap();
        ledger.close().unwrap();
        verify(dir.path());
    }
}

fn open(dir: &Path, time: Time) -> Ledger {
    Ledger::open(dir, Options { time, secret: Some(SECRET), ..Options::default() }, wall_clock()).unwrap()
}

fn verify(dir: &Path) {
    let report = ledger_store::verify(dir, &mut |_| {}).unwrap();
    assert!(report.agrees(), "{:?}", report.findings);
}

async fn connect(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

fn stamp(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn event(id: &str, member: &str, seconds: i64, body: Body) -> proto::Event {
    proto::Event {
        source: "till".into(),
        id: id.into(),
        occurred_at: stamp(seconds),
        member: member.into(),
        body: Some(body),
        ..Default::default()
    }
}

fn check_in() -> Body {
    Body::CheckIn(proto::CheckIn::default())
}

fn enrolled() -> Body {
    Body::Enrolled(proto::Enrolled { birthday: None })
}

fn purchase_of(order: &str, currency: &str, lines: &[(u32, i64)]) -> Body {
    let line = |(quantity, net): &(u32, i64)| proto::Line {
        sku: "cup".into(),
        quantity: *quantity,
        net: *net,
        ..proto::Line::default()
    };
    let lines = lines.iter().map(line).collect();
    Body::Purchase(proto::Purchase { order: order.into(), currency: currency.into(), lines, ..Default::default() })
}

fn purchase(order: &str, net: i64) -> Body {
    purchase_of(order, "EUR", &[(1, net)])
}

fn refund(order: &str, amount: i64) -> Body {
    Body::Refunded(proto::Refunded { order: order.into(), currency: "EUR".into(), amount, ..Default::default() })
}

fn cancel(order: &str) -> Body {
    Body::Cancelled(proto::Cancelled { order: order.into() })
}

fn give(to: &str, points: i64, wallet: &str) -> Body {
    Body::Transfer(proto::Transfer { to: to.into(), points, wallet: wallet.into(), note: String::new() })
}

fn opened(lots: Vec<proto::OpeningLot>) -> Body {
    Body::Opened(proto::Opened { lots, ..proto::Opened::default() })
}

fn opening(points: i64) -> proto::OpeningLot {
    proto::OpeningLot { points, earned_at: stamp(NOON), ..proto::OpeningLot::default() }
}

fn redeem(points: i64) -> Body {
    Body::Redeem(proto::Redeem { points, ..proto::Redeem::default() })
}

fn credit(points: i64) -> Body {
    Body::Credit(proto::Credit { points, reason: "a gift".into(), ..Default::default() })
}

fn debit(points: i64) -> Body {
    Body::Debit(proto::Debit { points, reason: "a mistake".into(), ..Default::default() })
}

fn hold(name: &str, points: i64) -> Body {
    Body::Hold(proto::Hold { hold: name.into(), points, ..proto::Hold::default() })
}

fn capture(name: &str, points: i64) -> Body {
    Body::Capture(proto::Capture { hold: name.into(), points: Some(points), last: false })
}

fn void(name: &str) -> Body {
    Body::Void(proto::Void { hold: name.into() })
}

fn accepted(outcome: &proto::Outcome) -> &proto::Accepted {
    match outcome.result.as_ref().unwrap() {
        RuleOutcome::Accepted(accepted) => accepted,
        other => panic!("not accepted: {other:?}"),
    }
}

fn refused(outcome: &proto::Outcome) -> &proto::Refused {
    match outcome.result.as_ref().unwrap() {
        RuleOutcome::Refused(refused) => refused,
        other => panic!("not refused: {other:?}"),
    }
}

/// In one word: `accepted`, the reason of a refusal, or the first field that is invalid.
fn word(outcome: &proto::Outcome) -> &str {
    match outcome.result.as_ref().unwrap() {
        RuleOutcome::Accepted(_) => "accepted",
        RuleOutcome::Refused(refused) => &refused.reason,
        RuleOutcome::Invalid(invalid) => &invalid.violations[0].field,
    }
}

/// Code, reason and `applied` of a status that the ledger made.
fn told(status: &Status) -> (Code, String, String) {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "ledger.v1");
    (status.code(), info.reason, info.metadata["applied"].clone())
}

fn not_applied(code: Code, reason: &str) -> (Code, String, String) {
    (code, reason.to_owned(), "NOT_APPLIED".to_owned())
}

/// The fields of an invalid request.
fn fields(status: &Status) -> Vec<String> {
    assert_eq!(told(status), not_applied(Code::InvalidArgument, "INVALID"));
    let request = status.get_details_bad_request().unwrap();
    assert!(request.field_violations.iter().all(|one| !one.description.is_empty()));
    request.field_violations.into_iter().map(|one| one.field).collect()
}

/// Says what to send as it is, whatever it may be.
#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, bytes: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&bytes);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}

async fn raw(channel: &Channel, path: &'static str, bytes: Vec<u8>, gzip: bool) -> Result<Vec<u8>, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    if gzip {
        client = client.send_compressed(Gzip);
    }
    client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let path = path.parse().unwrap();
    Ok(client.unary(Request::new(bytes), path, Raw).await?.into_inner())
}

const SUBMIT: &str = "/ledger.v1.EventService/Submit";

/// A field of protobuf: its number, and bytes.
fn bytes_field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    prost::encoding::encode_varint(u64::from(number << 3 | 2), &mut field);
    prost::encoding::encode_varint(bytes.len() as u64, &mut field);
    field.extend(bytes);
    field
}

// ---- what is not said, or not understood -----------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_body_or_with_one_of_an_unknown_kind_is_invalid() {
    let world = World::new().await;
    let bodiless = || proto::Event { body: None, ..world.event("anna", redeem(1)) };
    assert_eq!(fields(&world.submit(bodiless()).await.unwrap_err()), ["event.body"]);

    // A caller of a later version, whose body this server does not know.
    let mut later = bodiless().encode_to_vec();
    later.extend(bytes_field(59, b"\x08\x01"));
    let status = raw(&world.channel, SUBMIT, bytes_field(1, &later), false).await.unwrap_err();
    assert_eq!(fields(&status), ["event.body"]);

    let status = raw(&world.channel, SUBMIT, Vec::new(), false).await.unwrap_err();
    assert_eq!(fields(&status), ["event"]);
    let status = world.events().submit_batch(proto::SubmitBatchRequest::default()).await.unwrap_err();
    assert_eq!(fields(&status), ["events"]);
    let status = raw(&world.channel, "/ledger.v1.EventService/Unsay", Vec::new(), false).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_with_an_event_is_named_at_once() {
    let world = World::new().await;
    let lines = vec![proto::Line { sku: "x".repeat(129), quantity: 0, net: -TOO_MUCH, ..proto::Line::default() }; 2];
    let body =
        Body::Purchase(proto::Purchase { order: String::new(), currency: "euro".into(), lines, ..Default::default() });
    let event = proto::Event {
        source: "t\nill".into(),
        id: "x".repeat(129),
        occurred_at: None,
        member: String::new(),
        device: "\u{7f}".into(),
        ip: "x".repeat(129),
        phone: "\0".into(),
        body: Some(body),
        ..proto::Event::default()
    };
    let expected = [
        "event.occurred_at",
        "event.device",
        "event.ip",
        "event.phone",
        "event.purchase.currency",
        "event.source",
        "event.id",
        "event.member",
        "event.purchase.order",
        "event.purchase.lines[0].sku",
        "event.purchase.lines[0].quantity",
        "event.purchase.lines[0].net",
        "event.purchase.lines[1].sku",
        "event.purchase.lines[1].quantity",
        "event.purchase.lines[1].net",
    ];
    assert_eq!(fields(&world.submit(event).await.unwrap_err()), expected);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_not_utf_8_is_told_apart_and_harms_nobody() {
    const MARK: &str = "MARK";
    let world = World::new().await;
    let name = || MARK.to_owned();
    let line = proto::Line { sku: name(), quantity: 1, net: 1, ..proto::Line::default() };
    let bodies = [
        Body::Purchase(proto::Purchase {
            order: "o".into(),
            currency: "EUR".into(),
            lines: vec![line],
            ..Default::default()
        }),
        Body::Purchase(proto::Purchase {
            order: "o".into(),
            currency: name(),
            lines: Vec::new(),
            ..Default::default()
        }),
        Body::Referral(proto::Referral { referee: name() }),
        Body::Credit(proto::Credit { points: 1, reason: name(), ..Default::default() }),
        hold(MARK, 1),
    ];
    let mut events: Vec<_> = bodies.into_iter().map(|body| world.event("anna", body)).collect();
    let good = world.event("anna", enrolled());
    events.push(proto::Event { source: name(), ..good.clone() });
    events.push(proto::Event { id: name(), ..good.clone() });
    events.push(proto::Event { member: name(), ..good.clone() });
    events.push(proto::Event { device: name(), ..good.clone() });

    let before = world.ledger.handle().committed();
    for event in events {
        let mut bytes = proto::SubmitRequest { event: Some(event.clone()) }.encode_to_vec();
        let at = bytes.windows(MARK.len()).position(|some| some == MARK.as_bytes()).unwrap();
        // The first half of a character of four bytes, and two that no text has.
        bytes[at..at + MARK.len()].copy_from_slice(b"\xf0\x9f\xff\xfe");
        let status = raw(&world.channel, SUBMIT, bytes, false).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{event:?}");
        assert!(status.message().contains("UTF-8"), "{status:?}");
    }
    assert_eq!(world.ledger.handle().committed(), before);
    // Text in other scripts is text.
    assert_eq!(world.take("安娜 🐈", purchase("заказ-1", 3_00)).await, 3);
    assert_eq!(world.available("安娜 🐈").await, 3);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_are_told_apart_and_harm_nobody() {
    let world = World::new().await;
    let whole = proto::SubmitRequest { event: Some(world.event("anna", enrolled())) }.encode_to_vec();
    // The last opens a million groups, one in the other.
    let broken = [whole[..whole.len() - 1].to_vec(), vec![0xff; 64], vec![0x0f], vec![0x7b; 1_000_000]];
    let before = world.ledger.handle().committed();
    for bytes in broken {
        let status = raw(&world.channel, SUBMIT, bytes, false).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{status:?}");
    }
    assert_eq!(world.ledger.handle().committed(), before);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_on_the_port_harms_nobody() {
    let world = World::new().await;
    let address = world.address;
    let message = proto::SubmitRequest { event: Some(world.event("anna", enrolled())) }.encode_to_vec();
    let noises = tokio::task::spawn_blocking(move || {
        let web = |promised: usize, body: &[u8]| {
            let mut request = format!(
                "POST {SUBMIT} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nx-grpc-web: 1\r\n\
                 content-type: application/grpc-web+proto\r\ncontent-length: {}\r\n\r\n",
                body.len() + 5
            )
            .into_bytes();
            request.push(0);
            request.extend(u32::try_from(promised).unwrap().to_be_bytes());
            request.extend(body);
            request
        };
        let http_2 = |frames: &[u8]| [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frames].concat();
        // What is answered, and then what is broken off.
        let noises = [
            (b"\0\xff\xfe\r\n\r\n".repeat(100), true),
            (b"GET / HTTP/1.1\r\nhost: ledger\r\nconnection: close\r\n\r\n".to_vec(), true),
            // Messages shorter than they were to be.
            (web(message.len() + 1, &message), true),
            (web(usize::try_from(u32::MAX).unwrap(), &message), true),
            (Vec::new(), false),
            (b"POST /ledger.v1.EventService/Submit HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n".to_vec(), false),
            // A frame of 16 MiB that is of no kind; then frames in order, of a call without a head.
            (http_2(&[0xff; 64]), false),
            (http_2(&[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 1]), false),
        ];
        let mut answers = Vec::new();
        for (noise, answered) in noises {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            // The server may have hung up already.
            let _ = stream.write_all(&noise);
            if !answered {
                let _ = stream.shutdown(Shutdown::Write);
            }
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            answers.push(String::from_utf8_lossy(&answer).into_owned());
        }
        answers
    });
    let answers = noises.await.unwrap();
    let expected = ["HTTP/1.1 400 ", "HTTP/1.1 400 ", "grpc-status: 13\r\n", "grpc-status: 11\r\n"];
    for (answer, expected) in answers.iter().zip(expected) {
        assert!(answer.contains(expected), "{answers:#?}");
    }
    let request = proto::GetMemberRequest { member: "anna".into(), ..Default::default() };
    let status = world.members().get_member(request).await.unwrap_err();
    assert_eq!(told(&status), not_applied(Code::NotFound, "MEMBER_UNKNOWN"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_is_turned_away_and_the_server_goes_on() {
    let world = World::new().await;
    let large = |bytes: usize| proto::Event { id: "x".repeat(bytes), ..world.event("anna", enrolled()) };
    let status = world.submit(large(10 << 20)).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    world.is_well().await;

    // The same in a few kilobytes: 10 MiB, and 100 MiB, once they are unpacked.
    let bytes = proto::SubmitRequest { event: Some(large(10 << 20)) }.encode_to_vec();
    let status = raw(&world.channel, SUBMIT, bytes, true).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let status = raw(&world.channel, SUBMIT, vec![0; 100 << 20], true).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");

    // Below the limit of messages, and above that of events.
    assert_eq!(fields(&world.submit(large(3 << 20)).await.unwrap_err()), ["event"]);
    let batch = proto::SubmitBatchRequest { events: vec![large(2_200_000), world.event("anna", enrolled())] };
    let outcomes = world.events().submit_batch(batch).await.unwrap().into_inner().outcomes;
    assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), ["", "accepted"]);
    world.end().await;
}

/// What an error takes behind its call: details as text of base64, and the message with its odd bytes as `%xx`.
fn trailer_bytes(status: &Status) -> usize {
    let message: usize = status.message().bytes().map(|byte| if (0x20..0x7f).contains(&byte) { 1 } else { 3 }).sum();
    status.details().len().div_ceil(3) * 4 + message
}

#[tokio::test(flavor = "multi_thread")]
async fn however_much_is_wrong_the_error_fits_into_what_clients_take() {
    let world = World::new().await;
    let bad = || purchase_of(&"o".repeat(200), "eur", &vec![(0, -TOO_MUCH); 500]);
    let submit = proto::SubmitRequest { event: Some(world.event(&"n".repeat(50_000), bad())) };
    let names = proto::BatchGetMembersRequest { members: vec![String::new(); 1_000], token: String::new() };
    for status in [
        world.events().submit(submit).await.unwrap_err(),
        world.members().batch_get_members(names).await.unwrap_err(),
        world.publish(&"=\n".repeat(1_000)).await.unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::InvalidArgument);
        let fields = status.get_details_bad_request().expect("it says what is wrong").field_violations;
        assert!(fields.len() > 2, "{fields:?}");
        let last = &fields[fields.len() - 1];
        assert!(last.field.is_empty() && last.description.starts_with("and "), "{last:?}");
        assert!(trailer_bytes(&status) < 4_096, "{} bytes of {status:?}", trailer_bytes(&status));
    }
    // One that is right among thousands that are not: it is recorded, and the answer says so.
    let mut events: Vec<proto::Event> =
        (0..4_000).map(|_| world.event("anna", purchase_of("o", "eur", &[(0, -TOO_MUCH); 3]))).collect();
    events.push(world.event("anna", enrolled()));
    let answer = world.events().submit_batch(proto::SubmitBatchRequest { events }).await.unwrap().into_inner();
    assert!(answer.encoded_len() < 4 << 20, "{} bytes", answer.encoded_len());
    assert_eq!(answer.outcomes.iter().map(word).filter(|word| *word == "accepted").count(), 1);
    assert_eq!(answer.outcomes.len(), 4_001);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_over_their_limits_are_invalid() {
    let world = World::new().await;
    let batch = proto::SubmitBatchRequest { events: vec![proto::Event::default(); 10_001] };
    assert_eq!(fields(&world.events().submit_batch(batch).await.unwrap_err()), ["events"]);
    let lines = vec![(1, 1); 10_001];
    assert_eq!(world.reject("anna", purchase_of("o", "EUR", &lines)).await, ["event.purchase.lines"]);
    assert_eq!(world.reject("anna", purchase_of("o", "EUR", &[])).await, ["event.purchase.lines"]);
    let attributes = vec![proto::Attribute { name: "a".into(), value: 1 }; 33];
    let body = Body::AttributesSet(proto::AttributesSet { attributes });
    assert_eq!(world.reject("anna", body).await, ["event.attributes_set.attributes"]);
    let request = proto::BatchGetMembersRequest { members: vec!["m".into(); 1_001], token: String::new() };
    assert_eq!(fields(&world.members().batch_get_members(request).await.unwrap_err()), ["members"]);
    let request = proto::BatchGetMembersRequest { members: vec!["m".into(), String::new()], token: String::new() };
    assert_eq!(fields(&world.members().batch_get_members(request).await.unwrap_err()), ["members[1]"]);
    let request = proto::CheckProgramRequest { text: "#".repeat(262_145) };
    assert_eq!(fields(&world.programs().check_program(request).await.unwrap_err()), ["text"]);

    let batch = (0..10_000)
        .map(|n| event(&format!("many-{n}"), &format!("m-{}", n % 10), NOON, purchase(&format!("o-{n}"), 1_00)));
    let batch = proto::SubmitBatchRequest { events: batch.collect() };
    let outcomes = world.events().submit_batch(batch).await.unwrap().into_inner().outcomes;
    assert!(outcomes.len() == 10_000 && outcomes.iter().all(|one| word(one) == "accepted"));
    assert_eq!(world.available("m-3").await, 1_000);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_make_no_sense_are_invalid() {
    let world =
        World::with(Limits { position_wait: Duration::from_millis(50), ..Limits::default() }, Time::Simulated, NOON)
            .await;
    world.take("anna", purchase("o", 5_00)).await;
    let ask = async |member: &str, page_size: i32, token: &str| {
        let (member, page_token) = (member.into(), token.into());
        let request = proto::ListRecordsRequest { member, page_size, page_token, ..Default::default() };
        world.members().list_records(request).await
    };
    assert_eq!(fields(&ask("", 0, "").await.unwrap_err()), ["member"]);
    assert_eq!(fields(&ask("anna", -1, "").await.unwrap_err()), ["page_size"]);
    for token in ["p", "q1", "p-1", "pfffffffffffffffff", "p1 ", "\u{1f408}"] {
        assert_eq!(fields(&ask("anna", 0, token).await.unwrap_err()), ["page_token"], "{token:?}");
    }
    // A page behind the end is empty, not wrong.
    for token in ["pffffffffffffffff", "p7fffffffffffffff"] {
        assert_eq!(ask("anna", i32::MAX, token).await.unwrap().into_inner().records, [], "{token:?}");
    }
    let look = async |as_of, position| {
        let request =
            proto::GetMemberRequest { member: "anna".into(), as_of: Some(as_of), token: world.token(position) };
        world.members().get_member(request).await
    };
    use proto::get_member_request::AsOf;
    let never = Timestamp { seconds: i64::MAX, nanos: 0 };
    assert_eq!(fields(&look(AsOf::Time(never), 0).await.unwrap_err()), ["time"]);
    let status = look(AsOf::Position(u64::MAX), 0).await.unwrap_err();
    assert_eq!(told(&status), not_applied(Code::FailedPrecondition, "POSITION_NOT_REACHED"));
    let status = look(AsOf::Position(0), 0).await.unwrap_err();
    assert_eq!(told(&status), not_applied(Code::NotFound, "MEMBER_UNKNOWN"));
    let status = look(AsOf::Time(Timestamp { seconds: 0, nanos: 0 }), u64::MAX).await.unwrap_err();
    assert_eq!(told(&status), not_applied(Code::FailedPrecondition, "POSITION_NOT_REACHED"));
    let ahead = look(AsOf::Time(stamp(NOON + 86_400 * 10_000).unwrap()), 0).await.unwrap().into_inner();
    assert_eq!(ahead.purses[0].available, 5);

    let mut audit = AuditServiceClient::new(world.channel.clone());
    let status = audit.list_counters(proto::ListCountersRequest::default()).await.unwrap_err();
    assert_eq!(fields(&status), ["whose"]);
    world.end().await;
}

// ---- amounts, orders, holds ------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn amounts_of_nothing_less_than_nothing_or_too_much_are_invalid() {
    let world = World::new().await;
    world.take("anna", enrolled()).await;
    let hundred = world.take("anna", credit(100)).await;
    for points in [0, -1, i64::MIN, TOO_MUCH, i64::MAX] {
        assert_eq!(world.reject("anna", redeem(points)).await, ["event.redeem.points"]);
        assert_eq!(world.reject("anna", credit(points)).await, ["event.credit.points"]);
        assert_eq!(world.reject("anna", debit(points)).await, ["event.debit.points"]);
        assert_eq!(world.reject("anna", give("ben", points, "")).await, ["event.transfer.points"]);
        let lots = vec![opening(1), opening(points)];
        assert_eq!(world.reject("anna", opened(lots)).await, ["event.opened.lots[1].points"]);
        assert_eq!(world.reject("anna", hold("h", points)).await, ["event.hold.points"]);
        assert_eq!(world.reject("anna", capture("h", points)).await, ["event.capture.points"]);
        assert_eq!(world.reject("anna", refund("o", points)).await, ["event.refunded.amount"]);
    }
    for net in [-TOO_MUCH, i64::MIN, TOO_MUCH, i64::MAX] {
        assert_eq!(world.reject("anna", purchase("o", net)).await, ["event.purchase.lines[0].net"]);
    }
    let body = purchase_of("o", "EUR", &[(1, 1), (0, 1), (1, i64::MAX)]);
    assert_eq!(world.reject("anna", body).await, ["event.purchase.lines[1].quantity", "event.purchase.lines[2].net"]);
    for (seconds, nanos) in
        [(0, 0), (-1, 0), (0, -1_000_000), (400 * 86_400, 1), (i64::MAX, 999_999_999), (i64::MIN, 0)]
    {
        let body = Body::Hold(proto::Hold {
            hold: "h".into(),
            points: 1,
            ttl: Some(prost_types::Duration { seconds, nanos }),
            ..proto::Hold::default()
        });
        assert_eq!(world.reject("anna", body).await, ["event.hold.ttl"], "{seconds} {nanos}");
    }
    let total = |total| Body::Redeem(proto::Redeem { points: 1, total: Some(total), ..proto::Redeem::default() });
    for amount in [-1, i64::MIN, TOO_MUCH, i64::MAX] {
        assert_eq!(world.reject("anna", total(amount)).await, ["event.redeem.total"]);
    }
    assert_eq!(world.available("anna").await, hundred);

    // The largest that are allowed do not overflow: five hundred lines of ten milliards each.
    assert_eq!(world.take("anna", purchase("free", 0)).await, hundred);
    let most = world.take("ben", purchase_of("most", "EUR", &[(u32::MAX, TOO_MUCH - 1); 500])).await;
    assert_eq!(most, 5_000_000_000_000);
    assert_eq!(world.take("ben", purchase_of("more", "EUR", &[(1, TOO_MUCH - 1); 500])).await, 2 * most);
    assert_eq!(world.refuse("anna", redeem(TOO_MUCH - 1)).await, "NOT_ENOUGH_POINTS");
    assert_eq!(world.take("ben", redeem(TOO_MUCH - 1)).await, 2 * most - TOO_MUCH + 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gifts_opening_lots_and_reinstatements_that_cannot_be_are_invalid_or_refused() {
    let world = World::new().await;
    world.take("anna", enrolled()).await;
    let five = world.take("anna", credit(5)).await;
    assert_eq!(world.reject("anna", give("", 1, "")).await, ["event.transfer.to"]);
    assert_eq!(world.reject("anna", opened(vec![opening(1); 501])).await, ["event.opened.lots"]);
    let undated = proto::OpeningLot { earned_at: None, ..opening(1) };
    assert_eq!(world.reject("anna", opened(vec![undated])).await, ["event.opened.lots[0].earned_at"]);
    assert_eq!(world.refuse("anna", give("ben", 1, "")).await, "TRANSFER_NOT_ALLOWED");
    assert_eq!(world.refuse("anna", give("ben", 1, "no such wallet")).await, "WALLET_UNKNOWN");
    world.take("carl", opened(vec![])).await;
    assert_eq!(world.refuse("carl", opened(vec![opening(1)])).await, "OPENED_ALREADY");
    let again = |points: Option<i64>, expires_at| {
        Body::Reinstated(proto::Reinstated { points, expires_at, reason: "sorry".into(), wallet: String::new() })
    };
    assert_eq!(world.reject("anna", again(None, None)).await, ["event.reinstated.expires_at"]);
    assert_eq!(world.reject("anna", again(Some(0), stamp(NOON))).await, ["event.reinstated.points"]);
    assert_eq!(world.refuse("anna", again(None, stamp(NOON + 60))).await, "REINSTATE_NOT_ALLOWED");
    assert_eq!(world.available("anna").await, five);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_of_another_currency_is_refused_and_what_is_no_currency_is_invalid() {
    let world = World::new().await;
    world.take("anna", purchase("o-1", 10_00)).await;
    assert_eq!(world.refuse("anna", purchase_of("o-2", "USD", &[(1, 10_00)])).await, "CURRENCY_MISMATCH");
    let dollars = |currency: &str| {
        Body::Refunded(proto::Refunded {
            order: "o-1".into(),
            currency: currency.into(),
            amount: 1,
            ..Default::default()
        })
    };
    assert_eq!(world.refuse("anna", dollars("USD")).await, "CURRENCY_MISMATCH");
    for currency in ["", "eur", "EURO", "EU", "ЕUR", "€UR", "EUR "] {
        assert_eq!(world.reject("anna", purchase_of("o-2", currency, &[(1, 1)])).await, ["event.purchase.currency"]);
        assert_eq!(world.reject("anna", dollars(currency)).await, ["event.refunded.currency"]);
    }
    assert_eq!(world.available("anna").await, 10);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_of_a_line_goes_back_than_was_bought() {
    let world = World::new().await;
    let lines = |lines: Vec<proto::LineRefund>| {
        Body::Refunded(proto::Refunded { order: "o".into(), currency: "EUR".into(), amount: 0, lines, so_far: false })
    };
    let items = |line: u32, quantity: u32| {
        lines(vec![proto::LineRefund { line: Some(line), quantity: Some(quantity), ..Default::default() }])
    };
    let money = |sku: &str, amount: i64| {
        lines(vec![proto::LineRefund { sku: sku.into(), amount: Some(amount), ..Default::default() }])
    };
    let sold = [("tea", 2, 10_00), ("cup", 1, 5_00), ("cup", 1, 5_00)];
    let sold = sold.map(|(sku, quantity, net)| proto::Line { sku: sku.into(), quantity, net, ..Default::default() });
    let sold =
        proto::Purchase { order: "o".into(), currency: "EUR".into(), lines: sold.to_vec(), ..Default::default() };
    assert_eq!(world.take("anna", Body::Purchase(sold)).await, 20);
    // Neither a line nor a part of one is said, or both are.
    let both =
        proto::LineRefund { line: Some(0), amount: Some(1), sku: "tea".into(), quantity: Some(1), quantity_digits: 0 };
    for bad in [proto::LineRefund::default(), both] {
        let fields = ["event.refunded.lines[0].line", "event.refunded.lines[0].quantity"];
        assert_eq!(world.reject("anna", lines(vec![bad])).await, fields);
    }
    assert_eq!(world.reject("anna", lines(vec![])).await, ["event.refunded.amount"]);
    assert_eq!(world.reject("anna", items(0, 0)).await, ["event.refunded.lines[0].quantity"]);
    for amount in [0, -1, i64::MIN, TOO_MUCH, i64::MAX] {
        assert_eq!(world.reject("anna", money("tea", amount)).await, ["event.refunded.lines[0].amount"]);
    }
    let long = "s".repeat(129);
    assert_eq!(world.reject("anna", money(&long, 1)).await, ["event.refunded.lines[0].sku"]);
    for (line, quantity) in [(3, 1), (65_535, 1), (65_536, 1), (u32::MAX, u32::MAX)] {
        assert_eq!(world.refuse("anna", items(line, quantity)).await, "LINE_UNKNOWN");
    }
    assert_eq!(world.refuse("anna", money("cup", 1)).await, "LINE_UNKNOWN", "two lines are of that name");
    assert_eq!(world.refuse("anna", money("Tea", 1)).await, "LINE_UNKNOWN");
    assert_eq!(world.take("anna", items(0, 1)).await, 15);
    assert_eq!(world.take("anna", money("tea", 5_00)).await, 10);
    // What goes beyond a line is recorded, and takes nothing of what is kept.
    let outcome = world.submit(world.event("anna", money("tea", 1))).await.unwrap();
    assert_eq!((accepted(&outcome).available, accepted(&outcome).excess), (10, 1));
    assert_eq!(world.take("anna", items(0, 1)).await, 10, "its money is back already");
    assert_eq!(world.take("anna", refund("o", 10_00)).await, 0);
    assert_eq!(world.take("anna", items(1, 1)).await, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_back_beyond_what_was_paid_is_recorded_as_excess() {
    let world = World::new().await;
    for (member, amount, excess) in [("ben", 10_01, 1), ("cleo", TOO_MUCH - 1, TOO_MUCH - 1 - 10_00)] {
        world.take(member, purchase("o", 10_00)).await;
        let outcome = world.submit(world.event(member, refund("o", amount))).await.unwrap();
        assert_eq!((accepted(&outcome).available, accepted(&outcome).excess), (0, excess), "{member}");
    }
    world.take("anna", purchase("o", 10_00)).await;
    assert_eq!(world.take("anna", refund("o", 6_00)).await, 4);
    for (amount, excess) in [(4_01, 1), (1, 1)] {
        let outcome = world.submit(world.event("anna", refund("o", amount))).await.unwrap();
        assert_eq!((accepted(&outcome).available, accepted(&outcome).excess), (0, excess));
    }
    assert_eq!(world.refuse("anna", cancel("o")).await, "REFUND_OVER_PAID");
    let anna = world.member("anna").await;
    assert_eq!((anna.purses[0].available, anna.purses[0].debt), (0, 0));
    assert_eq!(world.totals().await[&proto::Account::ClawedBack], 30);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_known_by_its_member_and_number_alone() {
    let world = World::new().await;
    world.take("anna", purchase("o", 10_00)).await;
    world.take("ben", purchase("p", 10_00)).await;
    for order in ["q", "O", "o-", "none"] {
        assert_eq!(world.take("anna", refund(order, 1)).await, 10);
        assert_eq!(world.take("anna", cancel(order)).await, 10);
    }
    let waiting = world.member("anna").await.parked_events;
    assert_eq!(waiting.len(), 8, "they wait for purchases of those orders");
    assert!(waiting.iter().all(|one| one.since < one.until), "{waiting:?}");
    assert_eq!(world.refuse("anna", purchase("o", 5_00)).await, "ORDER_EXISTS");
    assert_eq!(world.take("anna", purchase("p", 5_00)).await, 15);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_refunds_wait_for_their_purchases() {
    let world = World::new().await;
    for n in 0..64 {
        assert_eq!(world.take("anna", refund(&format!("o-{n}"), 5_00)).await, 0);
    }
    assert_eq!(world.refuse("anna", refund("o-64", 1)).await, "MEMBER_LIMIT_REACHED");
    assert_eq!(world.refuse("anna", cancel("o-0")).await, "MEMBER_LIMIT_REACHED");
    assert_eq!(world.member("anna").await.parked_events.len(), 64);
    assert_eq!(world.take("anna", purchase("o-0", 10_00)).await, 5);
    assert_eq!(world.take("anna", cancel("o-0")).await, 0);
    assert_eq!(world.take("anna", refund("o-64", 1)).await, 0);
    assert_eq!(world.member("anna").await.parked_events.len(), 64);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_several_people_must_stand_for_is_not_done_by_one() {
    let world = World::new().await;
    let asks = format!("{PROGRAM}\n[approvals]\ncredit = {{ over = 1000, people = 2 }}\n");
    world.publish(&asks).await.unwrap();
    world.take("anna", enrolled()).await;
    world.take("ben", enrolled()).await;
    let by = |points, by: &str| {
        let (reason, by) = ("goodwill".into(), by.into());
        Body::Credit(proto::Credit { points, reason, by, ..Default::default() })
    };
    let approved = |proposal, by: &str| {
        let proposed = Some(proto::approved::Proposed::Proposal(proposal));
        Body::Approved(proto::Approved { proposed, by: by.into() })
    };
    let withdrawn = |proposal, by: &str, reason: &str| {
        let proposed = Some(proto::withdrawn::Proposed::Proposal(proposal));
        Body::Withdrawn(proto::Withdrawn { proposed, by: by.into(), reason: reason.into() })
    };
    let long = "x".repeat(65);
    assert_eq!(world.reject("anna", by(5_000, &long)).await, ["event.credit.by"]);
    assert_eq!(world.reject("anna", approved(1, "")).await, ["event.approved.by"]);
    assert_eq!(world.reject("anna", withdrawn(1, "", "")).await, ["event.withdrawn.by", "event.withdrawn.reason"]);
    assert_eq!(world.refuse("anna", by(5_000, "")).await, "APPROVER_REQUIRED");
    assert_eq!(world.take("anna", by(5_000, "ann")).await, 0);
    let proposals = world.member("anna").await.proposals;
    let [open] = proposals.as_slice() else { panic!("one proposal: {proposals:?}") };
    assert_eq!(
        (open.adjustment(), open.points, open.by.as_slice()),
        (proto::ManualAdjustment::Credit, 5_000, &["ann".to_owned()][..])
    );
    for (who, proposal) in
        [("anna", 0), ("anna", 1), ("anna", open.position + 1), ("anna", u64::MAX), ("ben", open.position)]
    {
        assert_eq!(world.refuse(who, approved(proposal, "bob")).await, "PROPOSAL_NOT_OPEN", "{who} {proposal}");
        assert_eq!(world.refuse(who, withdrawn(proposal, "bob", "x")).await, "PROPOSAL_NOT_OPEN", "{who} {proposal}");
    }
    assert_eq!(world.refuse("anna", approved(open.position, "ann")).await, "APPROVED_ALREADY");
    assert_eq!(world.available("anna").await, 0, "nothing moved yet");
    assert_eq!(world.take("anna", approved(open.position, "bob")).await, 5_000);
    assert_eq!(world.refuse("anna", approved(open.position, "cid")).await, "PROPOSAL_NOT_OPEN");
    assert_eq!(world.member("anna").await.proposals, []);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_cannot_be_had_are_invalid_or_refused_with_what_they_lack() {
    use proto::shortfall::Lack;
    let world = World::new().await;
    let cup = "[[item]]\nid = \"cup\"\npoints = 20\nstock = 2\n";
    world.publish(&format!("{PROGRAM}\n{cup}")).await.unwrap();
    assert_eq!(world.take("anna", purchase("o", 59_99)).await, 59);
    let wants = |points, item: &str, pieces| proto::Redeem { points, item: item.into(), pieces, ..Default::default() };
    let redeem = |points, item: &str, pieces| Body::Redeem(wants(points, item, pieces));
    let hold = |hold: &str, pieces| {
        Body::Hold(proto::Hold { hold: hold.into(), item: "cup".into(), pieces, ..Default::default() })
    };
    for (body, field) in [
        (redeem(0, "", 0), "points"),
        (redeem(1, "", 1), "pieces"),
        (redeem(-1, "cup", 1), "points"),
        (redeem(TOO_MUCH, "cup", 1), "points"),
        (redeem(0, "cup", 10_001), "pieces"),
        (redeem(0, "cup", u32::MAX), "pieces"),
        (redeem(0, &"x".repeat(129), 1), "item"),
        (redeem(0, "c\nup", 1), "item"),
    ] {
        assert_eq!(world.reject("anna", body).await, [format!("event.redeem.{field}")]);
    }
    assert_eq!(world.reject("anna", hold("h", 10_001)).await, ["event.hold.pieces"]);
    assert_eq!(world.refuse("ben", redeem(0, "cup", 1)).await, "MEMBER_UNKNOWN");
    assert_eq!(world.refuse("anna", redeem(0, "mug", 1)).await, "ITEM_UNKNOWN");
    // A refusal says the number that would do, to whoever asks and to whoever quotes.
    let shortfall = |lack| Some(proto::Shortfall { item: "cup".into(), lack: Some(lack) });
    for (wants, reason, lack) in [
        (wants(0, "cup", 3), "ITEM_SOLD_OUT", Lack::Pieces(2)),
        (wants(19, "cup", 1), "ITEM_PRICE_DIFFERS", Lack::Points(20)),
    ] {
        let redeem = Some(wants.clone());
        let request = proto::QuoteRequest { member: "anna".into(), redeem, token: String::new() };
        let quote = world.members().quote(request).await.unwrap().into_inner();
        let Some(proto::quote_response::Result::Refused(quoted)) = quote.result else { panic!("it can be had") };
        let outcome = world.submit(world.event("anna", Body::Redeem(wants))).await.unwrap();
        assert_eq!((quoted.reason.as_str(), &quoted), (reason, refused(&outcome)));
        assert_eq!(quoted.shortfall, shortfall(lack));
    }
    assert_eq!(world.take("anna", hold("h", 2)).await, 19);
    let held = world.member("anna").await.holds;
    assert_eq!((held[0].points, held[0].item.as_str(), held[0].pieces), (40, "cup", 2));
    let outcome = world.submit(world.event("anna", capture("h", 30))).await.unwrap();
    assert_eq!(
        (refused(&outcome).reason.as_str(), refused(&outcome).shortfall.clone()),
        ("ITEM_NOT_DIVISIBLE", shortfall(Lack::Points(20)))
    );
    world.take("anna", capture("h", 20)).await;
    let mut audit = AuditServiceClient::new(world.channel.clone());
    let totals = audit.get_totals(proto::GetTotalsRequest::default()).await.unwrap().into_inner();
    let (item, wallet) = ("cup".into(), "points".into());
    let figures = [figure("taken", 2, proto::Unit::Pieces), figure("price", 20, proto::Unit::Points)].into();
    let (kind, since) = ("item".into(), String::new());
    let shelf = proto::Tally { kind, name: item, wallet, since, figures, max: Some(2), left: Some(0) };
    assert_eq!(totals.tallies, [shelf]);
    world.end().await;
}

fn figure(name: &str, amount: i64, unit: proto::Unit) -> proto::Figure {
    proto::Figure { name: name.into(), amount, unit: unit.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn donations_that_cannot_be_are_invalid_or_refused() {
    let world = World::new().await;
    let trees = "[[fund]]\nid = \"trees\"\n[[earn]]\nid = \"charity\"\non = \"purchase\"\nper = \"10.00\"\n\
        give = 1\nto = { fund = \"trees\" }\n";
    world.publish(&format!("{PROGRAM}\n{trees}")).await.unwrap();
    assert_eq!(world.take("anna", purchase("o", 59_99)).await, 59);
    let donate = |points, fund: &str| Body::Donate(proto::Donate { points, fund: fund.into() });
    assert_eq!(world.reject("anna", donate(0, "")).await, ["event.donate.fund", "event.donate.points"]);
    assert_eq!(world.reject("anna", donate(TOO_MUCH, "trees")).await, ["event.donate.points"]);
    assert_eq!(world.refuse("anna", donate(1, "whales")).await, "FUND_UNKNOWN");
    assert_eq!(world.refuse("anna", donate(60, "trees")).await, "NOT_ENOUGH_POINTS");
    assert_eq!(world.refuse("ben", donate(1, "trees")).await, "MEMBER_UNKNOWN");
    assert_eq!(world.take("anna", donate(20, "trees")).await, 39);
    assert_eq!(world.take("anna", refund("o", 20_00)).await, 19);
    // Of the five that the purchase gave, three are earned by what is kept.
    let mut audit = AuditServiceClient::new(world.channel.clone());
    let totals = audit.get_totals(proto::GetTotalsRequest::default()).await.unwrap().into_inner();
    let figures = [figure("given", 23, proto::Unit::Points)].into();
    let (kind, name, wallet) = ("fund".into(), "trees".into(), "points".into());
    let fund = proto::Tally { kind, name, wallet, figures, ..proto::Tally::default() };
    assert_eq!(totals.tallies, [fund]);
    assert_eq!(world.totals().await[&proto::Account::Donated], 23);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_captured_than_is_held() {
    let world = World::new().await;
    world.take("anna", purchase("o", 10_000)).await;
    assert_eq!(world.take("anna", hold("h", 30)).await, 70);
    assert_eq!(world.refuse("anna", capture("h", 31)).await, "CAPTURE_OVER_HOLD");
    world.take("anna", capture("h", 20)).await;
    assert_eq!(world.refuse("anna", capture("h", 11)).await, "CAPTURE_OVER_HOLD");
    assert_eq!(world.member("anna").await.purses[0].held, 10);
    world.take("anna", capture("h", 10)).await;
    assert_eq!(world.refuse("anna", capture("h", 1)).await, "HOLD_CLOSED");
    assert_eq!(world.refuse("anna", hold("h", 1)).await, "HOLD_EXISTS");
    assert_eq!(world.refuse("anna", hold("i", 71)).await, "NOT_ENOUGH_POINTS");
    let anna = world.member("anna").await;
    assert_eq!((anna.purses[0].available, anna.purses[0].held), (70, 0));
    assert_eq!(world.totals().await[&proto::Account::Redeemed], 30);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_captured_from_a_hold_that_was_voided_has_expired_or_never_was() {
    let world = World::new().await;
    world.take("anna", purchase("o", 10_000)).await;
    world.take("anna", hold("voided", 30)).await;
    assert_eq!(world.take("anna", void("voided")).await, 100);
    assert_eq!(world.refuse("anna", capture("voided", 1)).await, "HOLD_CLOSED");
    assert_eq!(world.refuse("anna", void("voided")).await, "HOLD_CLOSED");
    // What nobody holds yet may have been overtaken: it waits, and moves nothing.
    assert_eq!(world.take("anna", capture("never", 1)).await, 100);
    assert_eq!(world.take("anna", void("never")).await, 100);
    world.take("ben", purchase("o", 10_000)).await;
    assert_eq!(world.take("ben", capture("voided", 1)).await, 100);

    // A hold of an hour: to the last second, and then not.
    world.take("anna", hold("late", 30)).await;
    world.take("ben", hold("late", 30)).await;
    let later = async |member: &str, seconds: i64| {
        let event = event(&world.id(), member, NOON + seconds, capture("late", 30));
        world.submit(event).await.unwrap()
    };
    assert_eq!(word(&later("ben", 3_599).await), "accepted");
    assert_eq!(word(&later("anna", 3_600).await), "HOLD_CLOSED");
    let anna = world.member("anna").await;
    assert_eq!((anna.purses[0].available, anna.purses[0].held, anna.holds_count), (100, 0, 0));
    assert_eq!(world.totals().await[&proto::Account::Redeemed], 30);
    world.end().await;
}

// ---- time and ids ----------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn an_event_from_the_far_future_is_refused_and_moves_no_clock() {
    let now = wall_clock()().0 / 1000;
    let world = World::with(Limits::default(), Time::Wall, now).await;
    let at = |seconds: i64, body: Body| event(&world.id(), "anna", seconds, body);
    world.take("anna", purchase("o-1", 10_00)).await;
    let year = 366 * 86_400;
    let ahead = world.submit(at(now + year, purchase("o-2", 10_00))).await.unwrap();
    assert_eq!(word(&ahead), "IN_THE_FUTURE");
    assert!(refused(&ahead).retry_may_succeed);
    assert!((ahead.at.as_ref().unwrap().seconds - now).abs() < 600, "{ahead:?}");
    // A tick on a ledger that follows the clock cannot bring the future either.
    let tick = Body::Tick(proto::Tick { up_to: stamp(now + 10 * year) });
    let ticked = world.submit(proto::Event { member: String::new(), ..at(now + 10 * year, tick) }).await.unwrap();
    assert!((ticked.at.as_ref().unwrap().seconds - now).abs() < 600, "{ticked:?}");
    for seconds in [253_370_764_801, i64::MAX, -2_208_988_801, i64::MIN] {
        let status = world.submit(at(seconds, purchase("o-3", 1))).await.unwrap_err();
        assert_eq!(fields(&status), ["event.occurred_at"], "{seconds}");
    }
    // What happened long ago is told late, and that is all.
    let old = world.submit(at(-2_208_988_800, purchase("o-4", 5_00))).await.unwrap();
    assert_eq!((word(&old), accepted(&old).available), ("accepted", 15));
    let anna = world.member("anna").await;
    assert!((anna.at.as_ref().unwrap().seconds - now).abs() < 600, "{anna:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_used_again_for_something_else_is_refused_for_ever() {
    let world = World::new().await;
    let first = event("one", "anna", NOON, purchase("o", 10_00));
    let outcome = world.submit(first.clone()).await.unwrap();
    let others = [
        event("one", "anna", NOON, purchase("o", 10_01)),
        event("one", "ben", NOON, purchase("o", 10_00)),
        event("one", "anna", NOON + 1, purchase("o", 10_00)),
        event("one", "anna", NOON, redeem(10)),
        proto::Event { device: "phone".into(), ..first.clone() },
    ];
    for other in others {
        let no = world.submit(other.clone()).await.unwrap();
        assert_eq!((word(&no), no.duplicate), ("ID_REUSED", false), "{other:?}");
        let again = world.submit(other).await.unwrap();
        assert_eq!(again, proto::Outcome { duplicate: true, ..no });
    }
    assert_eq!(world.submit(first.clone()).await.unwrap(), proto::Outcome { duplicate: true, ..outcome });
    // Another source may use the same id.
    let elsewhere = proto::Event { source: "web".into(), member: "ben".into(), ..first };
    assert_eq!(word(&world.submit(elsewhere).await.unwrap()), "accepted");
    assert_eq!((world.available("anna").await, world.available("ben").await), (10, 10));
    world.end().await;
}

// ---- programs --------------------------------------------------------------------------------

/// Ten faults, a line each.
const TEN_FAULTS: &str = r#"id = "plain"
timezone = "Europe/Atlantis"
currency = "EUR"
currencies = ["EUR"]

[[wallet]]
id = "points"
hold_ttl = "soon"
expiry = { after = "1y", round = "week" }

[[earn]]
id = "base"
on = "purchases"
per = "1.005"
give = 0

[[counter]]
id = "devices"
on = ["enroled"]
key = "device"
measure = "members"
window = "24h"

[[risk]]
id = "farm"
counter = "device"
at_least = 3
action = "review"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_ten_faults_is_told_of_all_ten_and_not_published() {
    let expected = [
        (2, "timezone"),
        (4, "currencies"),
        (8, "wallet[0].hold_ttl"),
        (9, "wallet[0].expiry.after"),
        (9, "wallet[0].expiry.round"),
        (13, "earn[0].on"),
        (14, "earn[0].per"),
        (15, "earn[0].give"),
        (19, "counter[0].on"),
        (26, "risk[0].counter"),
    ];
    let world = World::new().await;
    let checked = world.programs().check_program(proto::CheckProgramRequest { text: TEN_FAULTS.into() }).await;
    let faults = checked.unwrap().into_inner().faults;
    let told: Vec<_> = faults.iter().map(|fault| (fault.line, fault.field.as_str())).collect();
    assert_eq!(told, expected, "{faults:#?}");
    assert!(faults.iter().all(|fault| !fault.problem.is_empty()));

    let status = world.publish(TEN_FAULTS).await.unwrap_err();
    assert_eq!(fields(&status), ["text"; 10]);
    let violations = status.get_details_bad_request().unwrap().field_violations;
    for (violation, fault) in violations.iter().zip(&faults) {
        let proto::Fault { line, field, problem } = fault;
        let whole = format!("line {line}: {field}: {problem}");
        // What is long is cut to fit behind a call.
        match violation.description.strip_suffix('…') {
            Some(begun) => assert!(begun.len() > 200 && whole.starts_with(begun), "{violation:?}"),
            None => assert_eq!(violation.description, whole),
        }
    }
    // Said as an event it is refused, and recorded as such.
    let body = Body::ProgramPublished(proto::ProgramPublished { text: TEN_FAULTS.into() });
    assert_eq!(world.refuse("", body).await, "PROGRAM_INVALID");
    let listed = world.programs().list_programs(proto::ListProgramsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.programs.len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_program_at_all_is_told_of_and_not_published() {
    let world = World::new().await;
    let nested = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in ["", "\0", "= = =", "id = \"plain", "[[wallet]]\n[wallet]\n", "\u{feff}{\"id\": 1}", &nested] {
        let checked = world.programs().check_program(proto::CheckProgramRequest { text: text.into() }).await;
        let faults = checked.unwrap().into_inner().faults;
        assert!(!faults.is_empty() && faults.iter().all(|fault| fault.line > 0), "{text:?}: {faults:?}");
        let status = world.publish(text).await.unwrap_err();
        assert_eq!(fields(&status).len(), faults.len());
    }
    // Another scheme's program is in order, and not this ledger's.
    let other = PROGRAM.replace("plain", "other");
    let published = world.publish(&other).await.unwrap();
    assert_eq!((word(&published.outcome.unwrap()), published.version), ("PROGRAM_INVALID", 0));
    world.end().await;
}

// ---- why -------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_explained_is_not_found_and_a_refusal_tells_its_numbers() {
    use proto::explain_event_request::Which;
    let world = World::new().await;
    world.take("anna", purchase("o-1", 10_00)).await;
    world.take("anna", redeem(8)).await;
    let wish = world.event("anna", redeem(5));
    assert_eq!(refused(&world.submit(wish.clone()).await.unwrap()).reason, "NOT_ENOUGH_POINTS");
    world.take("anna", refund("o-1", 6_00)).await;

    let explain = async |which: Option<Which>| {
        let mut audit = AuditServiceClient::new(world.channel.clone());
        let request = proto::ExplainEventRequest { which, ..Default::default() };
        audit.explain_event(request).await.map(tonic::Response::into_inner)
    };
    let named = |source: &str, id: &str| Some(Which::Event(proto::EventName { source: source.into(), id: id.into() }));
    assert_eq!(fields(&explain(None).await.unwrap_err()), ["which"]);
    assert_eq!(fields(&explain(named("", "")).await.unwrap_err()), ["event.source", "event.id"]);
    assert_eq!(
        told(&explain(named(&wish.source, "another")).await.unwrap_err()),
        not_applied(Code::NotFound, "OUTCOME_UNKNOWN")
    );
    for position in [0, 99, u64::MAX] {
        assert_eq!(
            told(&explain(Some(Which::Position(position))).await.unwrap_err()),
            not_applied(Code::NotFound, "RECORD_UNKNOWN")
        );
    }
    let why = explain(named(&wish.source, &wish.id)).await.unwrap();
    let factors: Vec<_> = why.factors.iter().map(|one| (one.name.as_str(), one.points)).collect();
    assert_eq!(
        factors,
        [("asked", 5), ("available", 2), ("held", 0), ("in_review", 0), ("pending", 0), ("exchanging", 0), ("debt", 0)]
    );
    assert_eq!((why.before.unwrap().purses[0].available, why.rules.len()), (2, 0));

    let balance = async |member: &str, wallet: &str| {
        let mut audit = AuditServiceClient::new(world.channel.clone());
        let request =
            proto::ExplainBalanceRequest { member: member.into(), wallet: wallet.into(), token: String::new() };
        audit.explain_balance(request).await.map(tonic::Response::into_inner)
    };
    assert_eq!(fields(&balance("", "").await.unwrap_err()), ["member"]);
    assert_eq!(told(&balance("nobody", "").await.unwrap_err()), not_applied(Code::NotFound, "MEMBER_UNKNOWN"));
    assert_eq!(told(&balance("anna", "miles").await.unwrap_err()), not_applied(Code::NotFound, "WALLET_UNKNOWN"));
    // Four points are owed for what was kept of nothing: the two left and four more went back.
    let why = balance("anna", "points").await.unwrap();
    let owed: Vec<_> = why.debts.iter().map(|one| (one.kind.as_str(), one.rule.as_str(), one.points)).collect();
    assert_eq!((why.purse.unwrap().debt, owed), (4, vec![("refunded", "base", 4)]));
    world.take("anna", purchase("o-2", 9_00)).await;
    let why = balance("anna", "").await.unwrap();
    let origin = |one: &proto::Origin| (one.kind.clone(), one.rule.clone(), one.points, one.program_version);
    assert_eq!(why.origins.iter().map(origin).collect::<Vec<_>>(), [("purchase".into(), "base".into(), 5, 1)]);
    assert_eq!((why.purse.unwrap().lots.len(), why.debts.len()), (1, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_and_no_record_tells_yet_is_explained_as_such() {
    let world = World::new().await;
    let stamps = "[[wallet]]\nid = \"stamps\"\n[[wallet]]\nid = \"cups\"\n[[convert]]\nid = \"cup\"\n\
        from = { wallet = \"stamps\", points = 10 }\nto = { wallet = \"cups\", points = 1 }\n";
    let program = PROGRAM.replace("[[earn]]", &format!("{stamps}[[earn]]"));
    accepted(&world.publish(&program).await.unwrap().outcome.unwrap());
    let wallet = || "stamps".to_owned();
    let stamps = |points| proto::Credit { points, reason: "a card".into(), wallet: wallet(), ..Default::default() };
    world.take("anna", enrolled()).await;
    world.take("anna", Body::Credit(stamps(9))).await;
    let held = proto::Hold { hold: "h-1".into(), points: 5, wallet: wallet(), ..proto::Hold::default() };
    world.take("anna", Body::Hold(held)).await;
    world.take("anna", Body::Credit(stamps(5))).await;
    let ttl = Some(prost_types::Duration { seconds: 0, nanos: 1_000_000 });
    world.take("anna", Body::HoldExtended(proto::HoldExtended { hold: "h-1".into(), ttl })).await;
    // Time goes on with what another says: anna's hold is over, and her stamps are a cup that no record tells yet.
    let later = event(&world.id(), "bert", world.now + 60, enrolled());
    accepted(&world.submit(later).await.unwrap());
    let mut audit = AuditServiceClient::new(world.channel.clone());
    let request = proto::ExplainBalanceRequest { member: "anna".into(), wallet: "cups".into(), token: String::new() };
    let why = audit.explain_balance(request).await.unwrap().into_inner();
    let purse = why.purse.unwrap();
    let lots: Vec<_> = purse.lots.iter().map(|lot| (lot.id, lot.points)).collect();
    assert_eq!((purse.available, lots), (1, vec![(None, 1)]));
    let origins: Vec<_> = why.origins.iter().map(|one| (one.position, one.points)).collect();
    assert_eq!(origins, [(0, 1)], "every lot has its origin, and the sum is the balance");
    world.end().await;
}

// ---- all at once -----------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_who_redeem_the_same_hundred_points_at_once_one_gets_them() {
    let world = World::new().await;
    world.take("anna", enrolled()).await;
    world.take("anna", credit(100)).await;
    let ready = Arc::new(Barrier::new(20));
    let mut wishes = Vec::new();
    for n in 0..20 {
        let mut client = EventServiceClient::new(connect(world.address).await);
        let event = event(&format!("wish-{n}"), "anna", NOON, redeem(100));
        let ready = Arc::clone(&ready);
        wishes.push(tokio::spawn(async move {
            ready.wait().await;
            client.submit(proto::SubmitRequest { event: Some(event) }).await.unwrap().into_inner().outcome.unwrap()
        }));
    }
    let mut words = Vec::new();
    for wish in wishes {
        words.push(word(&wish.await.unwrap()).to_owned());
    }
    words.sort();
    let mut expected = vec!["NOT_ENOUGH_POINTS"; 19];
    expected.push("accepted");
    assert_eq!(words, expected);
    assert_eq!(world.available("anna").await, 0);
    assert_eq!(world.totals().await[&proto::Account::Redeemed], 100);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_events_in_one_batch_one_gets_the_last_point_of_a_budget() {
    let world = World::new().await;
    let visits = "[[campaign]]\nid = \"visits\"\nbudget = { points = 11 }\n\
        [[earn]]\nid = \"visit\"\non = \"check_in\"\nfixed = 5\ncampaign = \"visits\"\n";
    world.publish(&format!("{PROGRAM}{visits}")).await.unwrap();
    world.take("anna", check_in()).await;
    world.take("anna", check_in()).await;
    let events = ["ben", "cleo", "dora"].map(|name| world.event(name, check_in()));
    let batch = proto::SubmitBatchRequest { events: events.to_vec() };
    let outcomes = world.events().submit_batch(batch).await.unwrap().into_inner().outcomes;
    let earned = outcomes.iter().map(accepted);
    let told = earned.map(|one| (one.earned[0].points, one.trace[0].computed, one.trace[0].limit.as_str()));
    let told: Vec<_> = told.collect();
    let name = "visits.budget.ever";
    assert_eq!(told, [(1, 5, name), (0, 5, name), (0, 5, name)]);

    let mut audit = AuditServiceClient::new(world.channel.clone());
    let totals = audit.get_totals(proto::GetTotalsRequest::default()).await.unwrap().into_inner();
    let [campaign, budget] = totals.tallies.as_slice() else { panic!("two tallies: {totals:?}") };
    assert_eq!((budget.kind.as_str(), budget.name.as_str()), ("budget", name));
    assert_eq!(
        (budget.max, budget.left, &budget.figures[..]),
        (Some(11), Some(0), &[figure("used", 11, proto::Unit::Points)][..])
    );
    assert_eq!((campaign.kind.as_str(), campaign.name.as_str()), ("campaign", "visits"));
    assert_eq!((campaign.max, campaign.figures[0].clone()), (None, figure("given", 11, proto::Unit::Points)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mixed_batch_is_answered_event_by_event_and_the_good_ones_are_applied() {
    let world = World::new().await;
    let events = |tag: &str| {
        let event = |id: &str, body: Body| event(&format!("{tag}-{id}"), tag, NOON, body);
        vec![
            event("buy", purchase("o-1", 10_00)),
            proto::Event { id: String::new(), ..event("", redeem(1)) },
            event("spend", redeem(4)),
            event("zero", redeem(0)),
            event("much", redeem(7)),
            event("buy", purchase("o-1", 10_00)),
            event("buy", purchase("o-2", 10_00)),
            proto::Event { body: None, ..event("mute", redeem(1)) },
            event("dollars", purchase_of("o-3", "USD", &[(1, 1)])),
            event("more", purchase("o-4", 5_00)),
            proto::Event { member: String::new(), ..event("nobody", enrolled()) },
        ]
    };
    let expected = [
        "accepted",
        "id",
        "accepted",
        "redeem.points",
        "NOT_ENOUGH_POINTS",
        "accepted",
        "ID_REUSED",
        "body",
        "CURRENCY_MISMATCH",
        "accepted",
        "member",
    ];
    let check = |outcomes: &[proto::Outcome]| {
        assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), expected);
        let duplicates: Vec<_> = (0..).zip(outcomes).filter(|(_, one)| one.duplicate).map(|(at, _)| at).collect();
        assert_eq!((duplicates, outcomes[5].position), (vec![5], outcomes[0].position));
        let fresh: Vec<_> = outcomes.iter().filter(|one| one.position > 0 && !one.duplicate).collect();
        assert!(fresh.windows(2).all(|pair| pair[0].position < pair[1].position));
        let without = |one: &proto::Outcome| one.position == 0 && one.at.is_none();
        assert!(outcomes.iter().all(|one| without(one) == matches!(one.result, Some(RuleOutcome::Invalid(_)))));
    };
    let batch = proto::SubmitBatchRequest { events: events("anna") };
    check(&world.events().submit_batch(batch).await.unwrap().into_inner().outcomes);

    let batch = |tag: &str| proto::SubmitStreamRequest { tag: tag.into(), events: events(tag) };
    let batches = tokio_stream::iter([batch("ben"), batch("cleo")]);
    let answers: Vec<_> = world.events().submit_stream(batches).await.unwrap().into_inner().collect().await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().map(|one| one.tag.as_str()).collect::<Vec<_>>(), ["ben", "cleo"]);
    answers.iter().for_each(|answer| check(&answer.outcomes));
    for name in ["anna", "ben", "cleo"] {
        assert_eq!(world.available(name).await, 11);
    }
    // A batch that breaks a limit ends its stream; those before it stand.
    let batches = tokio_stream::iter([batch("dora"), proto::SubmitStreamRequest::default(), batch("emil")]);
    let mut answers = world.events().submit_stream(batches).await.unwrap().into_inner();
    check(&answers.next().await.unwrap().unwrap().outcomes);
    assert_eq!(fields(&answers.next().await.unwrap().unwrap_err()), ["events"]);
    assert!(answers.next().await.is_none());
    assert_eq!(world.available("dora").await, 11);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_when_the_server_is_full_is_told_when_to_come_back() {
    let limits =
        Limits { requests_max: 2, streams_max: 1, position_wait: Duration::from_millis(500), ..Limits::default() };
    let world = World::with(limits, Time::Simulated, NOON).await;
    world.take("anna", enrolled()).await;
    let full = |status: &Status, reason: &str| {
        assert_eq!(told(status), not_applied(Code::ResourceExhausted, reason));
        let delay = status.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!(delay > Duration::ZERO && delay < Duration::from_secs(60), "{delay:?}");
    };

    // Two wait for what does not come; there is no place for a third.
    let ahead = proto::GetMemberRequest { member: "anna".into(), as_of: None, token: world.token(1_000_000) };
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let (mut members, ahead) = (world.members(), ahead.clone());
            tokio::spawn(async move { members.get_member(ahead).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(150)).await;
    full(&world.submit(world.event("anna", credit(1))).await.unwrap_err(), "TOO_MANY_REQUESTS");
    for one in waiting {
        let status = one.await.unwrap().unwrap_err();
        assert_eq!(told(&status), not_applied(Code::FailedPrecondition, "POSITION_NOT_REACHED"));
    }
    world.take("anna", credit(1)).await;

    let (say, said) = mpsc::channel(1);
    let mut answers = world.events().submit_stream(ReceiverStream::new(said)).await.unwrap().into_inner();
    full(&world.events().submit_stream(tokio_stream::empty()).await.unwrap_err(), "TOO_MANY_STREAMS");
    let events = vec![world.event("anna", credit(1))];
    say.send(proto::SubmitStreamRequest { tag: "a".into(), events }).await.unwrap();
    assert_eq!(word(&answers.next().await.unwrap().unwrap().outcomes[0]), "accepted");
    drop(say);
    assert!(answers.next().await.is_none());
    drop(answers);
    let closed = world.events().submit_stream(tokio_stream::empty()).await.unwrap();
    assert!(closed.into_inner().next().await.is_none());
    assert_eq!(world.available("anna").await, 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_queue_is_full_events_are_turned_away_whole_and_the_server_keeps_serving() {
    let limits = Limits { queue_max: 2, queue_wait: Duration::ZERO, ..Limits::default() };
    let world = World::with(limits, Time::Simulated, NOON).await;
    world.take("anna", enrolled()).await;
    let wishes: Vec<_> = (0..200)
        .map(|n| {
            let mut client = world.events();
            let event = Some(event(&format!("wish-{n}"), "anna", NOON, credit(1)));
            tokio::spawn(async move { client.submit(proto::SubmitRequest { event }).await })
        })
        .collect();
    let (mut taken, mut turned_away) = (0, Vec::new());
    for (n, wish) in wishes.into_iter().enumerate() {
        match wish.await.unwrap() {
            Ok(answer) => taken += accepted(&answer.into_inner().outcome.unwrap()).earned[0].points,
            Err(status) => {
                assert_eq!(told(&status), not_applied(Code::ResourceExhausted, "QUEUE_FULL"));
                assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
                turned_away.push(n);
            }
        }
    }
    assert!(taken > 0 && !turned_away.is_empty(), "{taken} taken, {} turned away", turned_away.len());
    assert_eq!(world.available("anna").await, taken);
    // Whoever comes back under the same id is taken now, and nothing was applied before.
    for n in turned_away {
        let outcome = world.submit(event(&format!("wish-{n}"), "anna", NOON, credit(1))).await.unwrap();
        assert_eq!((word(&outcome), outcome.duplicate), ("accepted", false));
    }
    assert_eq!(world.available("anna").await, 200);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_shutdown_under_load_is_there_afterwards() {
    let world = World::new().await;
    let mut callers = Vec::new();
    for caller in 0..12 {
        let channel = connect(world.address).await;
        callers.push(tokio::spawn(buy_until_the_end(channel, caller)));
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    let World { dir, ledger, channel, stop, serving, .. } = world;
    stop.send(()).unwrap();
    drop(channel);
    let (mut sent, mut answered) = (Vec::new(), HashMap::new());
    for caller in callers {
        let book = caller.await.unwrap();
        assert!(!book.answered.is_empty(), "everyone was served before the end");
        sent.extend(book.sent);
        answered.extend(book.answered);
    }
    serving.await.unwrap().unwrap();
    ledger.close().unwrap();
    verify(dir.path());

    let ledger = open(dir.path(), Time::Simulated);
    let handle = ledger.handle();
    let mut recorded = 0;
    for id in &sent {
        let found = handle.outcome("till", id).unwrap();
        recorded += i64::from(found.is_some());
        if let Some(position) = answered.get(id) {
            assert_eq!(found.map(|outcome| outcome.position.0), Some(*position), "{id} was acknowledged");
        }
    }
    let totals = handle.totals().wait().unwrap();
    let [points] = totals.shared.wallets.as_slice() else { panic!("one wallet: {totals:?}") };
    assert_eq!(points.accounts.iter().sum::<i64>(), 0);
    assert_eq!(-points.accounts[0], recorded, "one point for each purchase that is recorded");
    assert!(totals.at >= At(NOON * 1000));
    ledger.close().unwrap();
}

/// What a caller has said, and at which positions it was answered.
#[derive(Default)]
struct LogAccess {
    sent: Vec<String>,
    answered: HashMap<String, u64>,
}

impl LogAccess {
    fn next(&mut self, caller: u64) -> proto::Event {
        let id = format!("c{caller}-{}", self.sent.len());
        self.sent.push(id.clone());
        event(&id, &format!("m-{}", self.sent.len() % 7), NOON, purchase(&id, 1_00))
    }

    fn note(&mut self, from: usize, outcomes: &[proto::Outcome]) {
        for (id, outcome) in self.sent[from..].iter().zip(outcomes) {
            assert_eq!(word(outcome), "accepted");
            self.answered.insert(id.clone(), outcome.position);
        }
    }
}

/// Says purchases one by one, in batches or in a stream, until the server takes no more.
async fn buy_until_the_end(channel: Channel, caller: u64) -> LogAccess {
    let mut client = EventServiceClient::new(channel);
    let mut book = LogAccess::default();
    let kind = caller % 3;
    if kind == 2 {
        let (say, said) = mpsc::channel(4);
        let mut answers = client.submit_stream(ReceiverStream::new(said)).await.unwrap().into_inner();
        let mut from = 0;
        loop {
            for _ in 0..2 {
                let request = proto::SubmitStreamRequest {
                    tag: String::new(),
                    events: (0..50).map(|_| book.next(caller)).collect(),
                };
                if say.send(request).await.is_err() {
                    return book;
                }
            }
            for _ in 0..2 {
                let Some(Ok(answer)) = answers.next().await else { return book };
                book.note(from, &answer.outcomes);
                from += 50;
            }
        }
    }
    loop {
        let from = book.sent.len();
        let answer = if kind == 0 {
            let event = Some(book.next(caller));
            let answer = client.submit(proto::SubmitRequest { event }).await;
            answer.map(|answer| answer.into_inner().outcome.into_iter().collect::<Vec<_>>())
        } else {
            let events = (0..50).map(|_| book.next(caller)).collect();
            let answer = client.submit_batch(proto::SubmitBatchRequest { events }).await;
            answer.map(|answer| answer.into_inner().outcomes)
        };
        match answer {
            Ok(outcomes) => book.note(from, &outcomes),
            Err(_) => return book,
        }
    }
}
