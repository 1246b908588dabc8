//! The ledger fed by a real Apache Kafka: equality with what gRPC says, and trouble of every kind.
//!
//! Each test starts a broker of its own (`setup/kafka.sh` has put it into the cache) and the real
//! `ledgerd`; they run one after another. `LEDGER_SEED` sets what is random.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod broker;
mod chaos;
mod equality;
mod halts;
mod server;
mod shapes;
mod shop;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One broker at a time is enough for any machine.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}
