//! Server: listens, admits, says how it is, and stops without losing an answer.
//!
//! Owns what surrounds the services: admission before a message is read, deadlines, sizes,
//! compression, keepalive, health, reflection and gRPC-Web. Knows nothing of what the calls mean.
//! Browsers reach it from pages of this machine and of hosts that are allowed; a proxy in front must answer CORS.

use crate::door::{Guest, Hall, Hosts, Patient, Stranger, Visit};
use crate::engine::{Call, Engine, Failure, Limits};
use crate::instant;
use crate::kafka::Kafka;
use crate::proto::DESCRIPTORS;
use crate::proto::audit_service_server::AuditServiceServer;
use crate::proto::event_service_server::EventServiceServer;
use crate::proto::member_service_server::MemberServiceServer;
use crate::proto::program_service_server::ProgramServiceServer;
use crate::service::Service;
use hyper::http;
use ledger_store::{Handle, Health};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::server::NamedService;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Error, Server};
use tonic::{Request, Status};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tonic_reflection::server::Builder;
use tonic_web::GrpcWebLayer;
use tower::util::MapRequestLayer;

/// Bytes of one call that may be under way unread: a large batch should not wait for the network.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// The same for a whole connection.
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
/// How long a call may go on after the engine should have answered it: a caller may never send the
/// rest of its message, and then nobody answers it.
const CALL_GRACE: Duration = Duration::from_secs(1);
/// How long to wait after a connection could not be accepted, as when there are no more file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often to look whether the store still serves.
const LOOK_AT_HEALTH: Duration = Duration::from_millis(250);

/// The services whose health is told, by their full names; the empty name is the server.
const SERVICES: [&str; 5] = [
    "",
    <EventServiceServer<Service> as NamedService>::NAME,
    <MemberServiceServer<Service> as NamedService>::NAME,
    <ProgramServiceServer<Service> as NamedService>::NAME,
    <AuditServiceServer<Service> as NamedService>::NAME,
];

/// The services that go on where a ledger stopped and its server stays for reading.
const READERS: [&str; 2] =
    [<MemberServiceServer<Service> as NamedService>::NAME, <AuditServiceServer<Service> as NamedService>::NAME];

/// The name under which it is told whether time is believed.
const CLOCK: &str = "clock";
/// Where the paths of the calls begin whose messages must come soon.
const CALLS: &str = "/ledger.v1.";
/// The call that is open for as long as its caller has events.
const STREAM: &str = "/ledger.v1.EventService/SubmitStream";
/// The calls that need room for events.
const SAYING: [&str; 3] = [
    "/ledger.v1.EventService/Submit",
    "/ledger.v1.EventService/SubmitBatch",
    "/ledger.v1.ProgramService/PublishProgram",
];

/// The name under which the health of the feeding from Kafka is told.
const KAFKA: &str = "kafka";

/// Why the server could not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The network failed.
    #[error("cannot serve: {0}")]
    Transport(#[from] Error),
    /// The descriptors of the API cannot be read, which is a bug.
    #[error("cannot describe the API: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// How a ledger is served.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// How much is taken on at once.
    pub limits: Limits,
    /// Whose pages may ask in a browser, and by which names.
    pub hosts: Hosts,
    /// Whether the server stays for reading once the ledger has stopped. Else it ends.
    pub stay: bool,
}

/// Serves the ledger on `listener` until `shutdown` is ready; then takes no new calls, answers those
/// under way, and returns when their callers have got the answers or [`Limits::drain_wait`] is over.
/// The ledger itself is left open.
///
/// # Errors
/// [`ServeError`], if it cannot serve at all. A ledger that stops does not end the server: its health
/// says `NOT_SERVING` and calls are answered with `UNAVAILABLE`.
pub async fn serve(
    listener: TcpListener,
    handle: Handle,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let options = ServeOptions { limits, hosts: Hosts::default(), stay: true };
    serve_fed(listener, handle, None, options, shutdown).await
}

/// Serves a ledger that is fed from Kafka too, as [`serve`] does. The health of the service `kafka` says
/// whether every partition goes on, that of `clock` whether time is believed. A ledger that stops ends the server,
/// unless it is to stay.
///
/// # Errors
/// [`ServeError`].
pub async fn serve_fed(
    listener: TcpListener,
    handle: Handle,
    kafka: Option<Arc<Kafka>>,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let ServeOptions { limits, hosts, stay } = options;
    let engine = Engine::new(handle, limits);
    let (reporter, health) = tonic_health::server::health_reporter();
    let service = Service::new(Arc::clone(&engine));
    let admit = admission(&engine);
    // A macro, because each service is a type of its own.
    macro_rules! limited {
        ($server:ident) => {
            InterceptedService::new(
                $server::new(service.clone())
                    .max_decoding_message_size(limits.message_bytes_max)
                    .accept_compressed(Gzip)
                    .send_compressed(Gzip),
                admit.clone(),
            )
        };
    }
    let router = Server::builder()
        .accept_http1(true)
        .timeout(limits.call_wait + CALL_GRACE)
        .max_concurrent_streams(limits.connection_requests_max)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keepalive_interval(Some(limits.keepalive))
        .http2_keepalive_timeout(Some(limits.keepalive))
        .layer(MapRequestLayer::new(move |request| met(request, &hosts, &limits)))
        .layer(GrpcWebLayer::new())
        .add_service(InterceptedService::new(health, no_stranger))
        .add_service(InterceptedService::new(reflection().build_v1()?, no_stranger))
        .add_service(InterceptedService::new(reflection().build_v1alpha()?, no_stranger))
        .add_service(limited!(EventServiceServer))
        .add_service(limited!(MemberServiceServer))
        .add_service(limited!(ProgramServiceServer))
        .add_service(limited!(AuditServiceServer));

    let stopped = watch::Sender::new(false);
    let incoming = incoming(listener, limits);
    let stopping = async {
        tokio::select! {
            () = shutdown => {}
            () = so(&stopped), if !stay => {}
        }
        tell_health(&reporter, &SERVICES, ServingStatus::NotServing).await;
        engine.drain();
    };
    let patience = async {
        engine.drained().await;
        tokio::time::sleep(limits.drain_wait).await;
    };
    tokio::select! {
        served = router.serve_with_incoming_shutdown(incoming, stopping) => Ok(served?),
        () = patience => Ok(()),
        never = watch_health(&engine, kafka.as_deref(), &reporter, &stopped) => match never {},
    }
}

/// Ready once it is so.
async fn so(said: &watch::Sender<bool>) {
    // It cannot be closed: its sender is here.
    let _ = said.subscribe().wait_for(|said| *said).await;
}

/// Connections as they come in.
fn incoming(listener: TcpListener, limits: Limits) -> impl Stream<Item = io::Result<Visit>> {
    let hall = Hall::new(limits);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(limits.keepalive));
    let incoming = incoming.then(async |accepted| {
        if let Err(error) = &accepted {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
        accepted
    });
    incoming.map(move |accepted| accepted.and_then(|io| hall.enter(io)))
}

/// What is known of a request before its message is read: whether it may ask, how long it may take, and whether it
/// needs room for events.
fn met(mut request: http::Request<Body>, hosts: &Hosts, limits: &Limits) -> http::Request<Body> {
    let stranger = hosts.stranger(&request);
    let path = request.uri().path();
    let (is_call, is_stream, says) = (path.starts_with(CALLS), path == STREAM, SAYING.contains(&path));
    let wait = if is_call && !is_stream { limits.sender_wait } else { limits.stream_idle };
    let extensions = request.extensions_mut();
    stranger.map(|stranger| extensions.insert(stranger));
    says.then(|| extensions.insert(Says));
    request.map(|body| Body::new(Patient::new(body, wait)))
}

/// A request that needs room for events.
#[derive(Clone, Copy, Debug)]
struct Says;

/// Refuses pages that may not ask.
fn no_stranger(request: Request<()>) -> Result<Request<()>, Status> {
    match request.extensions().get::<Stranger>() {
        Some(Stranger(host)) => Err(Failure::HostNotAllowed { host: host.clone() }.into()),
        None => Ok(request),
    }
}

/// What reflection tells: the API, health, and the details that errors carry.
fn reflection() -> Builder<'static> {
    let sets = [DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET, tonic_types::pb::FILE_DESCRIPTOR_SET];
    sets.into_iter().fold(Builder::configure(), Builder::register_encoded_file_descriptor_set)
}

/// Admits a call before its message is read, or refuses it.
fn admission(
    engine: &Arc<Engine>,
) -> impl FnMut(Request<()>) -> Result<Request<()>, Status> + Clone + Send + Sync + 'static {
    let engine = Arc::clone(engine);
    move |request| {
        let mut request = no_stranger(request)?;
        if request.extensions().get::<Says>().is_some() && engine.is_full() {
            return Err(Failure::QueueFull.into());
        }
        let guest = request.extensions().get::<Guest>().cloned();
        let timeout = request.metadata().get("grpc-timeout").and_then(|text| read_timeout(text.to_str().ok()?));
        let call: Call = engine.admit_from(timeout, guest)?;
        request.extensions_mut().insert(call);
        Ok(request)
    }
}

/// Reads the header `grpc-timeout`: up to eight digits and a unit.
fn read_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Says that the ledger serves, and when it does not any more. A shard that stopped stays stopped.
async fn watch_health(
    engine: &Engine,
    kafka: Option<&Kafka>,
    reporter: &HealthReporter,
    stopped: &watch::Sender<bool>,
) -> std::convert::Infallible {
    let serving = |serves: bool| if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
    tell_health(reporter, &SERVICES, ServingStatus::Serving).await;
    let (mut told, mut told_clock, mut questioned) = (None, None, 0);
    let reason = loop {
        if let Health::Stopped(reason) = engine.health() {
            break reason;
        }
        let goes_on = kafka.map(|kafka| kafka.halted().is_empty());
        if goes_on != told {
            told = goes_on;
            reporter.set_service_status(KAFKA, serving(goes_on == Some(true))).await;
        }
        let jumps = look_at_clock(engine, told_clock == Some(true), &mut questioned);
        if told_clock != Some(jumps) {
            reporter.set_service_status(CLOCK, serving(!jumps)).await;
            if told_clock == Some(true) {
                tracing::warn!("time is believed again");
            }
            told_clock = Some(jumps);
        }
        tokio::time::sleep(LOOK_AT_HEALTH).await;
    };
    if kafka.is_some() {
        reporter.set_service_status(KAFKA, ServingStatus::NotServing).await;
    }
    tracing::error!(reason, "the ledger has stopped: it takes no events");
    let of_events: Vec<&str> = SERVICES.into_iter().filter(|name| !READERS.contains(name)).collect();
    tell_health(reporter, &of_events, ServingStatus::NotServing).await;
    stopped.send_replace(true);
    std::future::pending().await
}

/// Whether time would jump, which is told at once and with every batch that is not taken for it.
fn look_at_clock(engine: &Engine, was_told: bool, questioned: &mut u64) -> bool {
    let (jump, now_questioned) = (engine.jump(), engine.questioned());
    let is_new = std::mem::replace(questioned, now_questioned) != now_questioned;
    let what = "nothing is done by a time that nobody has confirmed: put the clock or the event right, or confirm it \
                with --clock-jump-ok";
    match jump {
        Some(jump) if is_new || !was_told => {
            let (from, to) = (instant::show(jump.from), instant::show(jump.to));
            tracing::error!(%jump, from, to, batches = now_questioned, "{what}");
        }
        None if is_new => tracing::error!(batches = now_questioned, "{what}"),
        _ => {}
    }
    jump.is_some()
}

async fn tell_health(reporter: &HealthReporter, services: &[&str], status: ServingStatus) {
    for service in services {
        reporter.set_service_status(*service, status).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        assert_eq!(read_timeout("5S"), Some(Duration::from_secs(5)));
        assert_eq!(read_timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(read_timeout("250m"), Some(Duration::from_millis(250)));
        for broken in ["", "5", "S", "-5S", "123456789S", "5s", "５S"] {
            assert_eq!(read_timeout(broken), None, "{broken:?}");
        }
    }
}
