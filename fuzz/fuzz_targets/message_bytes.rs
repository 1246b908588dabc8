#![cfg_attr(fuzzing, no_main)]
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| ledger_fuzz::message_bytes(data));
#[cfg(not(fuzzing))]
fn main() {}
