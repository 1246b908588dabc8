//! Who takes all that is to be had, says nothing or comes from elsewhere, and what it is to the others: nothing. And a
//! server whose ledger cannot go on, or whose clock is wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "doors/process.rs"]
mod process;

use ledger_core::units::At;
use ledger_grpc::engine::Limits;
use ledger_grpc::proto::event_service_client::EventServiceClient;
use ledger_grpc::proto::member_service_client::MemberServiceClient;
use ledger_grpc::proto::program_service_client::ProgramServiceClient;
use ledger_grpc::proto::{self, event::Body};
use ledger_grpc::server::serve;
use ledger_store::{Clock, Jumps, Ledger, Options, Time};
use prost_types::Timestamp;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt;

const PROGRAM: &str = "id = \"plain\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n\
    expiry = { after = \"30d\" }\n[[earn]]\nid = \"base\"\non = \"purchase\"\nper = \"1.00\"\ngive = 1\n";
/// 1 March 2026, noon.
const NOON: i64 = 1_772_366_400;
/// Nobody who does nothing wrong waits so long, on however busy a machine.
const SOON: Duration = Duration::from_secs(4);
/// How long whatever says nothing is borne here.
const BORNE: Duration = Duration::from_millis(400);

struct World {
    address: SocketAddr,
    channel: Channel,
    _stop: oneshot::Sender<()>,
    _ledger: Ledger,
    _dir: TempDir,
}

impl World {
    async fn new(limits: Limits) -> World {
        World::kept(limits, Options { time: Time::Simulated, ..Options::default() }, Arc::new(|| At(0))).await
    }

    async fn kept(limits: Limits, options: Options, clock: Clock) -> World {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path(), options, clock).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(listener, ledger.handle(), limits, async {
            let _ = stopped.await;
        }));
        let channel = connect(address).await.unwrap();
        publish(&channel).await;
        World { address, channel, _stop: stop, _ledger: ledger, _dir: dir }
    }

    /// Says something, which is taken soon.
    async fn is_served(&self, channel: &Channel, id: &str) {
        let said = tokio::time::timeout(SOON, say(channel, id, NOON)).await;
        said.expect("nobody waits").expect("it is taken");
    }
}

async fn connect(address: SocketAddr) -> Result<Channel, tonic::transport::Error> {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await
}

fn stamp(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

async fn publish(channel: &Channel) {
    let request = proto::PublishProgramRequest {
        source: "office".into(),
        id: "p".into(),
        occurred_at: stamp(NOON),
        text: PROGRAM.into(),
    };
    ProgramServiceClient::new(channel.clone()).publish_program(request).await.unwrap();
}

fn purchase(id: &str, at: i64) -> proto::Event {
    let line = proto::Line { net: 10_00, quantity: 1, ..Default::default() };
    let said = proto::Purchase { order: id.into(), currency: "EUR".into(), lines: vec![line], ..Default::default() };
    proto::Event {
        source: "till".into(),
        id: id.into(),
        occurred_at: stamp(at),
        member: "anna".into(),
        body: Some(Body::Purchase(said)),
        ..Default::default()
    }
}

async fn say(channel: &Channel, id: &str, at: i64) -> Result<proto::Outcome, Status> {
    let request = proto::SubmitRequest { event: Some(purchase(id, at)) };
    Ok(EventServiceClient::new(channel.clone()).submit(request).await?.into_inner().outcome.unwrap())
}

async fn available(channel: &Channel) -> i64 {
    let request = proto::GetMemberRequest { member: "anna".into(), as_of: None, token: String::new() };
    MemberServiceClient::new(channel.clone()).get_member(request).await.unwrap().into_inner().purses[0].available
}

async fn health(channel: &Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.into() };
    HealthClient::new(channel.clone()).check(request).await.unwrap().into_inner().status()
}

fn reason(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().expect("a reason").reason)
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

// ---- HTTP/2 by the byte ------------------------------------------------------------------------

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A connection that opens calls, and of none says more than what it is.
fn headers_only(address: SocketAddr, calls: u32) -> TcpStream {
    let mut headers = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/ledger.v1.EventService/Submit"),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        headers.push(0);
        for text in [name, value] {
            headers.push(u8::try_from(text.len()).unwrap());
            headers.extend(text.as_bytes());
        }
    }
    let mut said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    said.extend(frame(4, 0, 0, &[]));
    for call in 0..calls {
        // END_HEADERS, and not the end of the stream.
        said.extend(frame(1, 4, 2 * call + 1, &headers));
    }
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(&said).unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn two_connections_that_say_no_more_than_headers_take_nobody_s_place() {
    let world = World::new(Limits::default()).await;
    let calls = [headers_only(world.address, 1_024), headers_only(world.address, 1_024)];
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.is_served(&world.channel, "e-1").await;
    let another = connect(world.address).await.unwrap();
    world.is_served(&another, "e-2").await;
    drop(calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_which_nothing_comes_gives_its_place_back() {
    let limits = Limits { requests_max: 4, peer_requests_max: 4, sender_wait: BORNE, ..Limits::default() };
    let world = World::new(limits).await;
    let (mut calls, mut refused) = (headers_only(world.address, 4), None);
    until("the places are taken", async || {
        // Where the machine is busy, those before may have been given back already.
        calls = headers_only(world.address, 4);
        refused = say(&world.channel, "e-0", NOON).await.err();
        refused.is_some()
    })
    .await;
    assert_eq!(reason(&refused.unwrap()), (Code::ResourceExhausted, "TOO_MANY_REQUESTS".into()));
    until("the places are given back", async || say(&world.channel, "e-1", NOON).await.is_ok()).await;
    drop(calls);
    // Of all places one address has its share.
    let limits = Limits { requests_max: 4, peer_requests_max: 1, sender_wait: BORNE, ..Limits::default() };
    let world = World::new(limits).await;
    let mut calls = headers_only(world.address, 1);
    until("the share is taken", async || {
        calls = headers_only(world.address, 1);
        say(&world.channel, "e-0", NOON).await.is_err()
    })
    .await;
    until("the share is given back", async || say(&world.channel, "e-1", NOON).await.is_ok()).await;
    drop(calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_says_nothing_ends_and_no_connection_has_them_all() {
    let limits = Limits { streams_max: 3, connection_streams_max: 2, stream_idle: BORNE, ..Limits::default() };
    let world = World::new(limits).await;
    let open = async |channel: &Channel| {
        let (say, said) = mpsc::channel(1);
        let answers = EventServiceClient::new(channel.clone()).submit_stream(ReceiverStream::new(said)).await;
        answers.map(|answers| (say, answers.into_inner()))
    };
    let mut silent = open(&world.channel).await.unwrap();
    let (talks, mut hears) = open(&world.channel).await.unwrap();
    let full = open(&world.channel).await.map(drop).unwrap_err();
    assert_eq!(reason(&full), (Code::ResourceExhausted, "TOO_MANY_STREAMS".into()));
    let another = connect(world.address).await.unwrap();
    let other = open(&another).await.expect("another connection has its own");
    // Whoever says something in time goes on for as long as it likes.
    for n in 0..5 {
        tokio::time::sleep(BORNE / 4).await;
        let events = vec![purchase(&format!("s-{n}"), NOON)];
        talks.send(proto::SubmitStreamRequest { tag: "t".into(), events }).await.unwrap();
        assert_eq!(hears.next().await.unwrap().unwrap().outcomes.len(), 1);
    }
    let ended = tokio::time::timeout(SOON, silent.1.next()).await.expect("it ends").unwrap().unwrap_err();
    assert_eq!(reason(&ended), (Code::DeadlineExceeded, "SENDER_TOO_SLOW".into()));
    until("its place is another's", async || open(&world.channel).await.is_ok()).await;
    drop((silent, other));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_are_closed_and_keep_nobody_out() {
    let limits = Limits {
        silent_max: 8,
        connections_max: 4,
        peer_connections_max: 3,
        handshake_wait: BORNE,
        ..Limits::default()
    };
    let world = World::new(limits).await;
    let mut silent: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(world.address).unwrap()).collect();
    let mut half = TcpStream::connect(world.address).unwrap();
    half.write_all(b"PRI * HTT").unwrap();
    let another = tokio::time::timeout(SOON, connect(world.address)).await.expect("nobody waits").unwrap();
    world.is_served(&another, "e-1").await;
    world.is_served(&world.channel, "e-2").await;
    silent.push(half);
    let closed = tokio::task::spawn_blocking(move || {
        for connection in &mut silent {
            connection.set_read_timeout(Some(SOON)).unwrap();
            let heard = connection.read(&mut [0; 64]);
            let timed_out = |kind| kind == std::io::ErrorKind::WouldBlock || kind == std::io::ErrorKind::TimedOut;
            assert!(!heard.is_err_and(|error| timed_out(error.kind())), "it is not closed");
        }
    });
    closed.await.unwrap();
    // The third of this address is the last.
    let third = connect(world.address).await.unwrap();
    world.is_served(&third, "e-3").await;
    let fourth = connect(world.address).await;
    let served = async |channel: Result<Channel, _>| match channel {
        Ok(channel) => say(&channel, "e-4", NOON).await.is_ok(),
        Err(_) => false,
    };
    assert!(!served(fourth).await, "it has all of its share");
    drop(third);
    until("a place is given back", async || served(connect(world.address).await).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_hosts_do_not_ask_in_a_browser() {
    let world = World::new(Limits::default()).await;
    let address = world.address;
    let ask = async |headers: String| {
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = format!(
                "POST /ledger.v1.MemberService/GetMember HTTP/1.1\r\n{headers}connection: close\r\n\
                 content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\ncontent-length: 11\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(b"\0\0\0\0\x06\x0a\x04anna").unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        });
        answer.await.unwrap()
    };
    world.is_served(&world.channel, "e-1").await;
    for headers in [
        format!("host: {address}\r\n"),
        "host: localhost:1\r\norigin: http://localhost:8080\r\n".into(),
        "host: [::1]\r\n".into(),
    ] {
        let answer = ask(headers.clone()).await;
        assert!(answer.contains("grpc-status:0"), "{headers}: {answer}");
    }
    for headers in [
        "host: evil.example\r\n".to_owned(),
        format!("host: {address}\r\norigin: http://evil.example\r\n"),
        format!("host: {address}\r\norigin: null\r\n"),
    ] {
        let answer = ask(headers.clone()).await;
        assert!(answer.contains("grpc-status: 7") || answer.contains("grpc-status:7"), "{headers}: {answer}");
        assert!(!answer.contains("anna"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_queue_is_full_nobody_waits_to_be_told() {
    // A shard that gets no further for as long as its clock is held.
    let clock_held = Arc::new(AtomicBool::new(false));
    let is_held = Arc::clone(&clock_held);
    let clock = move || {
        while is_held.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        At(NOON * 1_000)
    };
    let options = Options { time: Time::Events, ..Options::default() };
    let limits = Limits { queue_max: 4, ..Limits::default() };
    let world = World::kept(limits, options, Arc::new(clock)).await;
    clock_held.store(true, Ordering::SeqCst);
    let waiting: Vec<_> = (0..4)
        .map(|n| {
            let channel = world.channel.clone();
            tokio::spawn(async move { say(&channel, &format!("w-{n}"), NOON).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut took = Vec::new();
    for round in 0..40 {
        let begun = Instant::now();
        let refused = say(&world.channel, &format!("r-{round}"), NOON).await.unwrap_err();
        took.push(begun.elapsed());
        assert_eq!(reason(&refused), (Code::ResourceExhausted, "QUEUE_FULL".into()));
        assert!(refused.get_details_retry_info().is_some());
    }
    took.sort_unstable();
    assert!(took[20] < Duration::from_millis(50), "{took:?}");
    // Four hundred at once, most of them before their messages are read.
    let begun = Instant::now();
    let asked: Vec<_> = (0..400)
        .map(|n| {
            let channel = world.channel.clone();
            tokio::spawn(async move { say(&channel, &format!("m-{n}"), NOON).await.unwrap_err() })
        })
        .collect();
    for one in asked {
        assert_eq!(reason(&one.await.unwrap()).1, "QUEUE_FULL");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    clock_held.store(false, Ordering::SeqCst);
    for one in waiting {
        one.await.unwrap().expect("whoever was let in is answered");
    }
    world.is_served(&world.channel, "e-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_told_and_nothing_is_done_by_it() {
    let now = Arc::new(AtomicI64::new(NOON * 1_000));
    let told = Arc::clone(&now);
    let steady = ledger_grpc::engine::steady_clock();
    let options = Options { steady: Some(steady), jumps: Jumps::default(), ..Options::default() };
    let clock = Arc::new(move || At(told.load(Ordering::SeqCst)));
    let world = World::kept(Limits::default(), options, clock).await;
    world.is_served(&world.channel, "e-1").await;
    until("time is believed", async || health(&world.channel, "clock").await == ServingStatus::Serving).await;
    let wrong = NOON + 3 * 365 * 86_400;
    now.store(wrong * 1_000, Ordering::SeqCst);
    until("it is told", async || health(&world.channel, "clock").await == ServingStatus::NotServing).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(available(&world.channel).await, 10, "no point died");
    let refused = say(&world.channel, "e-2", wrong).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "CLOCK_JUMP".into()));
    world.is_served(&world.channel, "e-3").await;
    assert_eq!(health(&world.channel, "").await, ServingStatus::Serving);
    now.store((NOON + 60) * 1_000, Ordering::SeqCst);
    until("it is believed again", async || health(&world.channel, "clock").await == ServingStatus::Serving).await;
    assert_eq!(available(&world.channel).await, 20);
}
