//! Heap: the allocator of a process that will be under load, and how it uses memory.
//!
//! Events are freed as fast as others come in, by other threads than made them, which is slow with the
//! allocator of the system. mimalloc hands freed pages back to the system after 10 ms, and the system clears
//! every page that is wanted again: about a sixth of the time of a ledger under load (`benches/runs`). And
//! whoever asks for a member's row waits for memory, and longer where pages are small.
//!
//! It changes no answer: without it everything is the same, and slower.
//!
//! mimalloc takes options from the environment, which is read before `main` begins, or from a function of
//! C. Only the second can be had without beginning the process anew, so this crate has the one `unsafe` of
//! the workspace.

use libmimalloc_sys as c;
use std::ffi::{c_int, c_long};

/// The allocator; make it the `#[global_allocator]`.
pub use mimalloc::MiMalloc as Heap;

/// An option of mimalloc.
struct Tuned {
    /// Its number in `mi_option_t` of mimalloc's second line; the tests hold it to the name below.
    option: c_int,
    /// The variable that sets it, if somebody wants to; that has the last word.
    variable: &'static str,
    value: c_long,
}

const OPTIONS: [Tuned; 2] = [
    // In milliseconds. A minute: pages that are wanted again soon stay, and an idle ledger still gives back
    // what it had.
    Tuned { option: 15, variable: "MIMALLOC_PURGE_DELAY", value: 60_000 },
    // Pages of 2 MiB where the system has set some aside. Where it has not, mimalloc asks for transparent
    // ones by itself.
    Tuned { option: c::mi_option_large_os_pages, variable: "MIMALLOC_ALLOW_LARGE_OS_PAGES", value: 1 },
];

/// Sets the options for the rest of the process. Call it first: what is allocated before goes by mimalloc's
/// own.
pub fn tune() {
    for tuned in OPTIONS.iter().filter(|tuned| std::env::var_os(tuned.variable).is_none()) {
        set(tuned.option, tuned.value);
    }
}

#[allow(unsafe_code)]
fn set(option: c_int, value: c_long) {
    // SAFETY: the function takes two numbers and stores the second in a table of its own, if the first is an
    // option; nothing of it is a pointer, and it may be called at any time. It allocates nothing. Other
    // threads may read the option meanwhile and see the old value or the new one, a whole word either way.
    unsafe { c::mi_option_set(option, value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(unsafe_code)]
    fn get(option: c_int) -> c_long {
        // SAFETY: as `set`; it reads one word of the same table.
        unsafe { c::mi_option_get(option) }
    }

    /// Numbers of options may move with another mimalloc: what they are before is known, and what their
    /// variables set is read by mimalloc itself.
    #[test]
    fn the_options_are_those_that_are_meant() {
        if std::env::var_os("HEAP_TEST").is_none() {
            // mimalloc reads variables once, so a process of their own shows that number and name agree.
            let mut again = std::process::Command::new(std::env::current_exe().expect("a path"));
            again.arg("the_options_are_those_that_are_meant").env("HEAP_TEST", "1");
            for (tuned, value) in OPTIONS.iter().zip(["12345", "1"]) {
                again.env(tuned.variable, value);
            }
            assert!(again.status().expect("it runs").success());
            assert_eq!(OPTIONS.map(|tuned| get(tuned.option)), [10, 0], "mimalloc's own");
            tune();
            assert_eq!(OPTIONS.map(|tuned| get(tuned.option)), OPTIONS.map(|tuned| tuned.value));
        } else {
            assert_eq!(OPTIONS.map(|tuned| get(tuned.option)), [12345, 1], "what the variables say");
            tune();
            assert_eq!(OPTIONS.map(|tuned| get(tuned.option)), [12345, 1], "and they have the last word");
        }
    }
}
