//! Heap: how the allocator uses memory.
//!
//! Events are freed as fast as others come in, by other threads than made them. mimalloc hands freed
//! pages back to the system after 10 ms, and the system clears every page that is wanted again: about a
//! sixth of the time of a ledger under load (`benches/runs`). And whoever asks for a member's row waits for
//! memory, and longer where pages are small. mimalloc reads its options from the environment before `main`
//! begins, so a process that will be under load begins itself anew with these set.
//!
//! Owns no memory and changes no answer: without it everything is the same, and slower.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// mimalloc's options. Whoever sets the first before us has the last word on all.
const OPTIONS: [(&str, &str); 2] = [
    // In milliseconds. A minute: pages that are wanted again soon stay, and an idle ledger still gives back
    // what it had.
    ("MIMALLOC_PURGE_DELAY", "60000"),
    // Pages of 2 MiB where the system has them.
    ("MIMALLOC_ALLOW_LARGE_OS_PAGES", "1"),
];

/// Begins the process anew, under the same number, with the options set; answers if that is so already, or
/// cannot be. Call it first, before there are threads, files or output.
pub fn set_options() {
    let [(first, _), _] = OPTIONS;
    if std::env::var_os(first).is_some() {
        return;
    }
    let mut args = std::env::args_os();
    let (Ok(program), Some(name)) = (std::env::current_exe(), args.next()) else { return };
    // `exec` answers only if it failed; then this process goes on as it is.
    let _ = Command::new(program).arg0(name).args(args).envs(OPTIONS).exec();
}
