//! Server: listens, admits, says how it is, and stops without losing an answer.
//!
//! Owns what surrounds the services: admission before a message is read, deadlines, sizes,
//! compression, keepalive, health, reflection and gRPC-Web. Knows nothing of what the calls mean.
//! Browsers reach it from pages of its own origin; for others, a proxy in front must answer CORS.

use crate::engine::{Call, Engine, Limits};
use crate::kafka::Kafka;
use crate::proto::DESCRIPTORS;
use crate::proto::audit_service_server::AuditServiceServer;
use crate::proto::event_service_server::EventServiceServer;
use crate::proto::member_service_server::MemberServiceServer;
use crate::proto::program_service_server::ProgramServiceServer;
use crate::service::Service;
use ledger_store::{Handle, Health};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
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
    serve_fed(listener, handle, None, limits, shutdown).await
}

/// Serves a ledger that is fed from Kafka too, as [`serve`] does. The health of the service `kafka` says
/// whether every partition goes on.
///
/// # Errors
/// [`ServeError`].
pub async fn serve_fed(
    listener: TcpListener,
    handle: Handle,
    kafka: Option<Arc<Kafka>>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
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
        .layer(GrpcWebLayer::new())
        .add_service(health)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(limited!(EventServiceServer))
        .add_service(limited!(MemberServiceServer))
        .add_service(limited!(ProgramServiceServer))
        .add_service(limited!(AuditServiceServer));

    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(limits.keepalive));
    let incoming = incoming.then(async |accepted| {
        if let Err(error) = &accepted {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
        accepted
    });
    let stopping = async {
        shutdown.await;
        tell_health(&reporter, ServingStatus::NotServing).await;
        engine.drain();
    };
    let patience = async {
        engine.drained().await;
        tokio::time::sleep(limits.drain_wait).await;
    };
    tokio::select! {
        served = router.serve_with_incoming_shutdown(incoming, stopping) => Ok(served?),
        () = patience => Ok(()),
        never = watch_health(&engine, kafka.as_deref(), &reporter) => match never {},
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
    move |mut request| {
        let timeout = request.metadata().get("grpc-timeout").and_then(|text| read_timeout(text.to_str().ok()?));
        let call: Call = engine.admit(timeout)?;
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
async fn watch_health(engine: &Engine, kafka: Option<&Kafka>, reporter: &HealthReporter) -> std::convert::Infallible {
    tell_health(reporter, ServingStatus::Serving).await;
    let mut told = None;
    while matches!(engine.health(), Health::Serving) {
        let goes_on = kafka.map(|kafka| kafka.halted().is_empty());
        if goes_on != told {
            told = goes_on;
            let status = if goes_on == Some(true) { ServingStatus::Serving } else { ServingStatus::NotServing };
            reporter.set_service_status(KAFKA, status).await;
        }
        tokio::time::sleep(LOOK_AT_HEALTH).await;
    }
    if kafka.is_some() {
        reporter.set_service_status(KAFKA, ServingStatus::NotServing).await;
    }
    tracing::error!("the ledger has stopped: calls are answered with UNAVAILABLE");
    tell_health(reporter, ServingStatus::NotServing).await;
    std::future::pending().await
}

async fn tell_health(reporter: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
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
