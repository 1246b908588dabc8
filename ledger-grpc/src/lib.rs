//! The points ledger served over gRPC.
//!
//! ```text
//! request ─► server ─► service ─► wire ─► engine ─► ledger-store
//!            admits    one call   checks  queues,
//!            or says   each       and     waits until durable
//!            "busy"               turns
//! answer  ◄──────────  service ◄─ answers ◄─ engine    (an error goes through status)
//! ```
//!
//! - [`server`] listens, admits, reports health and shuts down without losing an answer.
//! - [`service`] is one short function per call.
//! - [`wire`] turns messages into the ledger's types and back, and owns the limits of requests.
//! - [`codec`] counts what a request would come to before it is decoded.
//! - [`door`] is who comes in, how many, and how long they may take to say what they want.
//! - [`answers`] tells what is asked of a store, for the server and for `ledgerd` on a directory alike.
//! - [`engine`] is the asynchronous face of the store, and, in `clock`, the only place that reads one.
//! - [`kafka`] feeds events from Kafka's topics, and puts outcomes on one.
//! - [`metrics`] tells the figures of a running ledger.
//! - [`json`] is the one way between JSON and the messages of the proto, and [`instant`] that of instants.
//! - [`status`] is the one table from what went wrong to what the caller is told.
//! - [`proto`] is generated from `proto/ledger/v1`, where the API is described.
//!
//! It is not a place for rules, and it keeps nothing: what is not in the store is not so.

pub mod answers;
pub mod codec;
pub mod door;
pub mod engine;
pub mod instant;
pub mod json;
pub mod kafka;
pub mod metrics;
pub mod server;
pub mod service;
pub mod status;
pub mod wire;

/// Messages, services and clients of `ledger.v1`, generated from `proto/`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod proto {
    tonic::include_proto!("ledger.v1");

    /// The descriptors of the package and of what it imports, for reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/ledger.bin"));
}
