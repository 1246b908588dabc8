//! Metrics: figures of a running ledger, for Prometheus to fetch.
//!
//! One path, `/metrics`, in the text format 0.0.4, over HTTP/1.1 with a connection for each request.
//! Small on purpose: what it takes of a request is the first line, and what it gives is read from
//! counters that are there anyway.

use crate::kafka::Kafka;
use ledger_store::{Handle, Health};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// Longest request that is read.
const REQUEST_BYTES_MAX: usize = 8 << 10;
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait after a connection could not be accepted, as when there are no more file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers requests, one after the other, until it is dropped.
pub async fn serve(listener: TcpListener, handle: Handle, kafka: Option<Arc<Kafka>>) {
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                // Whoever asks too slowly, or goes away, gets no answer; the next one does.
                let _ = timeout(PATIENCE, answer(connection, &handle, kafka.as_deref())).await;
            }
            Err(error) => {
                tracing::warn!(%error, "metrics: cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer(mut connection: TcpStream, handle: &Handle, kafka: Option<&Kafka>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_BYTES_MAX {
        if connection.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let (status, body) = match request.split(|byte| *byte == b' ').take(2).collect::<Vec<_>>().as_slice() {
        [b"GET", b"/metrics"] => ("200 OK", text(handle, kafka)),
        [b"GET", _] => ("404 Not Found", "here is /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "send GET\n".to_owned()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body.as_bytes()).await?;
    connection.shutdown().await
}

fn text(handle: &Handle, kafka: Option<&Kafka>) -> String {
    let stats = handle.stats();
    let serving = u64::from(handle.health() == Health::Serving);
    let figures: [(&str, &str, &str, u64); 7] = [
        ("serving", "gauge", "1 while the shard works, 0 once it has stopped.", serving),
        ("position", "gauge", "The last durable record.", stats.committed.0),
        ("snapshot_position", "gauge", "The last record folded into a finished snapshot.", stats.snapshot.0),
        ("members", "gauge", "Members of the ledger.", stats.members.into()),
        ("duplicates_total", "counter", "Events that came again, by any way, since the start.", stats.duplicates),
        ("queue_events", "gauge", "Events that wait to be judged.", stats.waiting as u64),
        ("disk_bytes", "gauge", "Bytes in sorted files.", stats.disk_bytes),
    ];
    let mut out = String::new();
    for (name, kind, help, value) in figures {
        let _ = writeln!(out, "# HELP ledger_{name} {help}\n# TYPE ledger_{name} {kind}\nledger_{name} {value}");
    }
    if let Some(kafka) = kafka {
        kafka.write_figures(&mut out);
    }
    out
}
