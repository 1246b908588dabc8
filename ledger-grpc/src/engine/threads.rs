//! Threads: work that takes long, away from those that serve.

use super::Failure;
use ledger_store::ReadError;

/// Sends step after step until `send` finds nobody who listens.
pub(super) fn send_all<T>(
    steps: Result<Option<impl Iterator<Item = Result<T, ReadError>>>, ReadError>,
    send: impl Fn(T) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    for step in steps?.ok_or(Failure::MemberUnknown)? {
        if !send(step?)? {
            break;
        }
    }
    Ok(())
}

/// Does work that takes long on a thread of its own.
pub async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Failure::Interrupted)
}
