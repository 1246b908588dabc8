//! What every test here may do with a ledger: open it, say something, and ask whether it adds up.

use hmac::{Hmac, KeyInit, Mac};
use ledger_core::bytes::{encode, encode_row};
use ledger_core::event::{self, Event, Name};
use ledger_core::member::{Balances, Member};
use ledger_core::memory::Memory;
use ledger_core::names::NameKey;
use ledger_core::outcome::Outcome;
use ledger_core::record::{Cause, Record};
use ledger_core::refusal::Refusal;
use ledger_core::state::State;
use ledger_core::units::{At, MemberNo, Position, StaffNo};
use ledger_store::{Batch, Clock, Handle, Jumps, Ledger, LedgerId, MemberView, Options, Report, Time, verify};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The secret of every ledger here, so that equal events make equal bytes.
pub const SECRET: [u8; 32] = [7; 32];
/// The pepper of every ledger here.
pub const PEPPER: [u8; 32] = [5; 32];

/// The root of the salts of every ledger here.
pub const SALTS: [u8; 16] = [9; 16];

/// Which ledger each of them is, so that equal events make equal bytes.
pub const LEDGER: LedgerId = LedgerId([b'L'; 16]);

/// The key of short names of every ledger here, as `FORMAT.md` says.
pub fn name_key() -> NameKey {
    let mac = Hmac::<Sha256>::new_from_slice(&SECRET).expect("any length will do").chain_update(b"key\0names");
    NameKey::new(mac.finalize().into_bytes()[..16].try_into().expect("16 bytes"))
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A directory that goes away.
pub fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Options of a ledger whose time is that of its events.
pub fn simulated(snapshot_records: u64) -> Options {
    let (time, secret) = (Time::Simulated, Some(SECRET));
    let (ledger, salts) = (Some(LEDGER), Some(SALTS));
    Options { time, secret, ledger, salts, pepper: Some(PEPPER), snapshot_records, ..Options::default() }
}

/// Where a story jumps through years, somebody has said that it does.
pub fn any_time() -> Jumps {
    Jumps { believed: At(i64::MAX), ..Jumps::default() }
}

/// The end of time, for ledgers that ask no clock.
pub fn far_future() -> Clock {
    Arc::new(|| At(4_000_000_000_000))
}

/// Opens a ledger whose time is that of its events.
pub fn open(dir: &Path, snapshot_records: u64) -> Ledger {
    Ledger::open(dir, simulated(snapshot_records), far_future()).expect("the ledger opens")
}

/// Submits events as one batch and waits until they are durable.
pub fn say(handle: &Handle, events: Vec<Event<Name>>) -> Vec<Outcome> {
    handle.submit_and_wait(Batch { events, cursors: Vec::new() }).expect("the batch is committed")
}

/// A member as it stands.
pub fn member(handle: &Handle, name: &str) -> MemberView {
    handle.member(name).wait().expect("the shard works").expect("the member is known")
}

/// Checks a directory, which must agree.
pub fn verified(dir: &Path) -> Report {
    let report = verify(dir, &mut |_| {}).expect("the directory can be read");
    assert!(report.agrees(), "{:#?}", report.findings);
    report
}

/// What a member has of the first wallet it had points in.
pub fn balances(member: &Member) -> Balances {
    member.balances(member.purses.first().wallet)
}

/// The bytes of a row.
pub fn row_bytes<T: Serialize>(row: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_row(row, &mut bytes).expect("everything stored can be encoded");
    bytes
}

/// The bytes of a record.
pub fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes).expect("everything stored can be encoded");
    bytes
}

/// Every row of a state with its key, in order of keys, as `FORMAT.md` says.
pub fn rows(state: &State) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows: Vec<(Vec<u8>, Vec<u8>)> = vec![(b"sh".to_vec(), row_bytes(&state.shared))];
    for no in 1..=state.members_len() {
        let member = state.member(MemberNo(no)).expect("numbers have no gaps");
        rows.push(([b"me".as_slice(), &no.to_be_bytes()].concat(), row_bytes(member)));
    }
    for ((key, term), row) in &state.counters {
        rows.push(([b"co".as_slice(), &key.0, &term.0.to_be_bytes()].concat(), row_bytes(row)));
    }
    for (position, case) in &state.cases {
        rows.push(([b"ca".as_slice(), &position.0.to_be_bytes()].concat(), row_bytes(case)));
    }
    for (at, program) in state.programs.iter().enumerate() {
        rows.push(([b"pr".as_slice(), &(at as u32 + 1).to_be_bytes()].concat(), row_bytes(program)));
    }
    for no in 1..=state.staff_len() {
        let row = state.staff(StaffNo(no)).expect("numbers have no gaps");
        rows.push(([b"st".as_slice(), &no.to_be_bytes()].concat(), row_bytes(row)));
    }
    rows.sort();
    rows
}

/// The state digest of `verify`, as `FORMAT.md` says.
pub fn digest(state: &State) -> [u8; 32] {
    let mut digest = Sha256::new();
    for (key, value) in rows(state) {
        for part in [key, value] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    digest.finalize().into()
}

/// All records of an open ledger from `from` on.
pub fn log_from(handle: &Handle, from: Position) -> Vec<(Position, Record)> {
    let positions = (from.0..=handle.committed().0).map(Position);
    positions.map(|at| (at, handle.record(at).expect("readable").expect("committed"))).collect()
}

/// Asserts that no event has two records, whatever was sent how often.
pub fn assert_applied_once<'a>(log: impl IntoIterator<Item = &'a (Position, Record)>) {
    let mut known = BTreeSet::new();
    for (position, record) in log {
        if let Cause::Event(event) = record.cause()
            && record.verdict.refusal != Some(Refusal::IdReused)
        {
            let first = known.insert((event.source.clone(), event.id.clone()));
            assert!(first, "{} {} stands a second time at {position}", event.source, event.id);
        }
    }
}

/// Asserts that a ledger in memory that is told the same events one by one answers the same.
pub fn assert_same_outcomes(memory: &mut Memory, events: &[Event<Name>], outcomes: &[Outcome]) {
    for (event, outcome) in events.iter().zip(outcomes) {
        let expected = memory.submit(event.clone(), own_time(event)).expect("the model folds");
        assert_eq!(*outcome, expected, "{event:?}");
    }
}

/// The ledger time of an event where time is simulated.
pub fn own_time(event: &Event<Name>) -> At {
    match event.body {
        ledger_core::event::Body::Tick(event::Tick { up_to }) => up_to,
        _ => event.occurred_at,
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
