//! Heap: what the allocator does with memory that was freed.
//!
//! Events are freed as fast as others come in, by other threads than made them. mimalloc hands freed
//! pages back to the system after 10 ms, and the system clears every page that is wanted again: about a
//! sixth of the time of a ledger under load (`benches/runs`). It reads its options from the environment
//! before `main` begins, so a process that will be under load begins itself anew with this one set.
//!
//! Owns no memory and changes no answer: without it everything is the same, and slower.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// mimalloc's option, in milliseconds. Whoever sets it before us has the last word.
const OPTION: &str = "MIMALLOC_PURGE_DELAY";
/// A minute: pages that are wanted again soon stay, and an idle ledger still gives back what it had.
const DELAY_MS: &str = "60000";

/// Begins the process anew, under the same number, with freed pages kept for a while; answers if that
/// is so already, or cannot be. Call it first, before there are threads, files or output.
pub fn keep_freed_pages() {
    if std::env::var_os(OPTION).is_some() {
        return;
    }
    let mut args = std::env::args_os();
    let (Ok(program), Some(name)) = (std::env::current_exe(), args.next()) else { return };
    // `exec` answers only if it failed; then this process goes on as it is.
    let _ = Command::new(program).arg0(name).args(args).env(OPTION, DELAY_MS).exec();
}
