//! The ledger over gRPC on loopback, the client on the same cores: balances, durable redemptions, and
//! streams of purchases.

use crate::store::{Scratch, open, submit};
use crate::workload::{START, Workload};
use crate::{Figures, Plan};
use ledger_core::event;
use ledger_core::event as core;
use ledger_core::units::Points;
use ledger_grpc::engine::Limits;
use ledger_grpc::proto::event::Body;
use ledger_grpc::proto::event_service_client::EventServiceClient;
use ledger_grpc::proto::member_service_client::MemberServiceClient;
use ledger_grpc::proto::{Event, GetMemberRequest, Line, Purchase, Redeem, SubmitRequest, SubmitStreamRequest};
use prost_types::Timestamp;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio_stream::StreamExt;
use tonic::transport::Channel;

const MEMBERS: u64 = 100_000;
const STREAM_BATCH: u64 = 1_000;

pub(crate) fn grpc(plan: &Plan, figures: &mut Figures) {
    let scratch = Scratch::new("grpc");
    let ledger = open(&scratch.0);
    let handle = ledger.handle();
    let mut workload = Workload::new(MEMBERS, 5);
    submit(&handle, vec![Workload::publish()]);
    for from in (0..MEMBERS).step_by(10_000) {
        let mut events: Vec<core::Event<core::Name>> = Vec::new();
        for member in from..from + 10_000 {
            let mut event = workload.purchase(member);
            event.body = core::Body::Enrolled(event::Enrolled { birthday: None });
            let id = format!("credit-{member}");
            let body = core::Body::credit(Points(1_000_000), "bench");
            events.push(core::Event { id: id.into(), body, ..event.clone() });
            events.insert(events.len() - 1, event);
        }
        submit(&handle, events);
    }
    // The server has a core's worth of threads of its own, as a process of its own would.
    let server = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let listener = server.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = server.spawn(ledger_grpc::server::serve(listener, handle, Limits::default(), async {
        let _ = stopped.await;
    }));
    let client = Builder::new_current_thread().enable_all().build().expect("a runtime");
    for callers in [1, 32, 256] {
        balances(&client, &address, callers, plan, figures);
    }
    for callers in [1, 32] {
        redemptions(&client, &address, callers, plan, figures);
    }
    stream(&client, &address, plan, figures);
    let _ = stop.send(());
    server.block_on(serving).expect("the server ends").expect("it served");
    ledger.close().expect("closes");
}

fn channels(client: &Runtime, address: &str, callers: usize) -> Vec<Channel> {
    let connect = async || {
        let endpoint = Channel::from_shared(address.to_string()).expect("an address");
        endpoint.tcp_nodelay(true).connect().await.expect("connects")
    };
    (0..callers.div_ceil(128).max(1)).map(|_| client.block_on(connect())).collect()
}

/// Runs `callers` loops at once until `calls` are done; answers how long each call took.
fn drive<C, F>(client: &Runtime, callers: usize, calls: u64, call: C) -> (Vec<Duration>, Duration)
where
    C: Fn(usize, u64) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let share = calls / callers as u64;
    let start = Instant::now();
    let times = client.block_on(async {
        let mut loops = Vec::new();
        for caller in 0..callers {
            let call = call.clone();
            loops.push(tokio::spawn(async move {
                let mut times = Vec::with_capacity(share as usize);
                for n in 0..share {
                    let sent = Instant::now();
                    call(caller, n).await;
                    times.push(sent.elapsed());
                }
                times
            }));
        }
        let mut times = Vec::new();
        for one in loops {
            times.extend(one.await.expect("the caller ends"));
        }
        times
    });
    (times, start.elapsed())
}

fn balances(client: &Runtime, address: &str, callers: usize, plan: &Plan, figures: &mut Figures) {
    let channels = channels(client, address, callers);
    let calls = if callers == 1 { plan.events / 400 } else { plan.events / 40 };
    let (times, took) = drive(client, callers, calls, move |caller, n| {
        let mut members = MemberServiceClient::new(channels[caller % channels.len()].clone());
        let member = Workload::name((caller as u64 * 7_919 + n * 104_729) % MEMBERS);
        async move {
            let request = GetMemberRequest { member, ..GetMemberRequest::default() };
            members.get_member(request).await.expect("a balance");
        }
    });
    figures.rate(format!("grpc: balance, {callers} in flight"), times.len() as u64, took);
    figures.latency(&format!("grpc: balance, {callers} in flight"), times);
}

fn redemptions(client: &Runtime, address: &str, callers: usize, plan: &Plan, figures: &mut Figures) {
    let channels = channels(client, address, callers);
    let calls = if callers == 1 { plan.events / 1_000 } else { plan.events / 100 };
    let (times, took) = drive(client, callers, calls, move |caller, n| {
        let mut events = EventServiceClient::new(channels[caller % channels.len()].clone());
        let event = Event {
            source: format!("shop-{callers}"),
            id: format!("{caller}-{n}"),
            occurred_at: Some(timestamp(n)),
            member: Workload::name((caller as u64 * 7_919 + n * 104_729) % MEMBERS),
            body: Some(Body::Redeem(Redeem { points: 10, ..Redeem::default() })),
            ..Event::default()
        };
        async move {
            events.submit(SubmitRequest { event: Some(event) }).await.expect("an outcome");
        }
    });
    figures.rate(format!("grpc: durable redemption, {callers} in flight"), times.len() as u64, took);
    figures.latency(&format!("grpc: durable redemption, {callers} in flight"), times);
}

fn stream(client: &Runtime, address: &str, plan: &Plan, figures: &mut Figures) {
    let channel = channels(client, address, 1).remove(0);
    let batches = plan.events / 4 / STREAM_BATCH;
    let start = Instant::now();
    let answered = client.block_on(async {
        let requests = tokio_stream::iter((0..batches).map(|batch| SubmitStreamRequest {
            tag: batch.to_string(),
            events: (0..STREAM_BATCH).map(|n| purchase(batch * STREAM_BATCH + n)).collect(),
        }));
        let mut answers =
            EventServiceClient::new(channel).submit_stream(requests).await.expect("a stream").into_inner();
        let mut answered = 0;
        while let Some(answer) = answers.next().await {
            answered += answer.expect("outcomes").outcomes.len() as u64;
        }
        answered
    });
    figures.rate(format!("grpc: stream of purchases, batches of {STREAM_BATCH}"), answered, start.elapsed());
}

fn purchase(n: u64) -> Event {
    let line = Line { quantity: 1, net: (n * 37 % 20_000) as i64, ..Line::default() };
    Event {
        source: "stream".into(),
        id: n.to_string(),
        occurred_at: Some(timestamp(n / 1_000)),
        member: Workload::name(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % MEMBERS),
        body: Some(Body::Purchase(Purchase {
            order: format!("s{n}"),
            currency: "CNY".into(),
            lines: vec![line],
            ..Purchase::default()
        })),
        ..Event::default()
    }
}

fn timestamp(seconds: u64) -> Timestamp {
    Timestamp { seconds: START.0 / 1000 + seconds as i64, nanos: 0 }
}
