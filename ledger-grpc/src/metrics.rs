//! Metrics: figures of a running ledger, for Prometheus to fetch.
//!
//! One path, `/metrics`, in the text format 0.0.4, over HTTP/1.1 with a connection for each request. What
//! it gives is read from counters that are there anyway, and rendered here: a client library would want
//! counters of its own.
//!
//! Whoever may reach the address may not stop it: a connection ends after `PATIENCE`, and where there are
//! `CONNECTIONS_MAX` of them the oldest makes room for the next.

use crate::kafka::Kafka;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ledger_store::{Handle, Health};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// Longest head of a request that is read; the least that hyper can be told.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// Most headers of a request.
const HEADERS_MAX: usize = 64;
/// Most connections at once.
const CONNECTIONS_MAX: usize = 64;
/// How long a connection may take, from its first byte to the last of the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait after a connection could not be accepted, as when there are no more file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What the answers are written in.
const FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Answers requests until it is dropped, on so many connections at once at the `most`.
pub async fn serve(listener: TcpListener, handle: Handle, kafka: Option<Arc<Kafka>>, most: usize) {
    let most = CONNECTIONS_MAX.min(most).max(1);
    // Dropped with this function, and then its connections end.
    let mut connections = JoinSet::new();
    let mut oldest_first: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                while connections.try_join_next().is_some() {}
                oldest_first.retain(|connection| !connection.is_finished());
                if oldest_first.len() >= most
                    && let Some(oldest) = oldest_first.pop_front()
                {
                    oldest.abort();
                }
                oldest_first.push_back(connections.spawn(answer(connection, handle.clone(), kafka.clone())));
            }
            Err(error) => {
                tracing::warn!(%error, "metrics: cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers the one request of a connection.
async fn answer(connection: TcpStream, handle: Handle, kafka: Option<Arc<Kafka>>) {
    let service = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(respond(request.method(), request.uri().path(), || text(&handle, kafka.as_deref())))
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(connection), service);
    // Whoever asks or reads too slowly, or goes away, gets no answer.
    let _ = timeout(PATIENCE, served).await;
}

/// The answer to a request; hyper leaves out the body where the method is HEAD.
fn respond(method: &Method, path: &str, figures: impl FnOnce() -> String) -> Response<Full<Bytes>> {
    let (status, body) = match (path, method) {
        ("/metrics", &Method::GET | &Method::HEAD) => (StatusCode::OK, figures()),
        ("/metrics", _) => (StatusCode::METHOD_NOT_ALLOWED, "send GET or HEAD\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "here is only /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, FORMAT);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

fn text(handle: &Handle, kafka: Option<&Kafka>) -> String {
    let stats = handle.stats();
    let health = handle.health();
    let serving = u64::from(health == Health::Serving);
    let jump = handle.jump().map_or(0, |jump| u64::try_from(jump.seconds()).unwrap_or_default());
    let figures: [(&str, &str, &str, u64); 9] = [
        ("serving", "gauge", "1 while the shard works, 0 once it has stopped.", serving),
        ("position", "gauge", "The last durable record.", stats.committed.0),
        ("snapshot_position", "gauge", "The last record folded into a finished snapshot.", stats.snapshot.0),
        ("members", "gauge", "Members of the ledger.", stats.members.into()),
        ("duplicates_total", "counter", "Events that came again, by any way, since the start.", stats.duplicates),
        ("queue_events", "gauge", "Events that wait to be judged.", stats.waiting as u64),
        ("disk_bytes", "gauge", "Bytes in sorted files.", stats.disk_bytes),
        (
            "clock_jump_seconds",
            "gauge",
            "How far time would jump, which nobody has confirmed; 0 if it would not.",
            jump,
        ),
        ("clock_jump_batches_total", "counter", "Batches not taken because time would jump.", stats.questioned),
    ];
    let mut out = String::new();
    for (name, kind, help, value) in figures {
        let _ = writeln!(out, "# HELP ledger_{name} {help}\n# TYPE ledger_{name} {kind}\nledger_{name} {value}");
    }
    if let Health::Stopped(reason) = &health {
        let reason = reason.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let help = "Why the shard stopped, if it did.";
        let _ = writeln!(out, "# HELP ledger_stopped {help}\n# TYPE ledger_stopped gauge");
        let _ = writeln!(out, "ledger_stopped{{reason=\"{reason}\"}} 1");
    }
    if let Some(kafka) = kafka {
        kafka.write_figures(&mut out);
    }
    out
}
