//! `ledgerd`: the points ledger as a program, for people, scripts and service managers.
//!
//! Everything it does is in the library and the store; the command line in `cli` only says what was
//! asked and shows what came of it. Errors on their way to the terminal are `anyhow`'s here, and
//! nowhere else.

mod cli;

use std::process::ExitCode;

/// What a connection allocates is freed by the ledger's threads, which is slow with the allocator of the
/// system.
#[global_allocator]
static ALLOCATOR: heap::Heap = heap::Heap;

fn main() -> ExitCode {
    cli::run()
}
