//! Snapshot: the one function that writes folded state, in sorted bulk, while the ledger runs on.
//!
//! Rows are read a few at a time between events, so they stand at slightly different positions; each
//! knows its own, and folding the tail of the log again skips what a row already has. Nothing is
//! written before every record it rests on is durable. A snapshot that was cut short is harmless: the
//! one before it still stands, and newer rows skip what they have.

use crate::disk::{Disk, SnapshotAt};
use crate::error::Damage;
use crate::ids::IdMap;
use crate::keys;
use crate::live::Live;
use crate::shard::Status;
use ledger_core::bytes::encode_row;
use ledger_core::merkle::Frontier;
use ledger_core::state::{Dirty, HistoryPage, State};
use ledger_core::units::{MemberNo, Position};
use parking_lot::{Mutex, RwLock};
use rocksdb::{IngestExternalFileOptions, SstFileWriter};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many members are encoded under one lock.
const MEMBERS_AT_ONCE: usize = 512;

/// What a snapshot has to write.
pub(crate) struct Job {
    /// Everything that changed up to this position.
    pub(crate) folded: Position,
    pub(crate) dirty: Dirty,
    pub(crate) ids: Arc<IdMap>,
}

/// Takes what changed, at the end of a batch.
pub(crate) fn begin(live: &mut Live) -> Job {
    live.end_batch();
    Job { folded: live.state.shared.position, dirty: live.state.take_dirty(), ids: live.book.ids.seal() }
}

/// Writes a snapshot. The only place that writes folded state.
pub(crate) fn write(
    disk: &Disk,
    live: &RwLock<Live>,
    tree: &Mutex<(Position, Frontier)>,
    status: &Status,
    job: Job,
) -> Result<(), Damage> {
    let Job { folded, mut dirty, ids } = job;
    dirty.members.sort_unstable();
    // Families and kinds in the order of their keys.
    let mut rows = Bulk::new(disk, keys::STATE);
    let state = live.read();
    for position in &dirty.cases {
        rows.put(&keys::case(*position), state.state.cases.get(position))?;
    }
    for key in &dirty.counters {
        rows.put(&keys::counter(*key), state.state.counters.get(key))?;
    }
    drop(state);
    // Members are encoded under the lock and written without it: the judge waits for whoever holds it.
    let mut encoded = Encoded::default();
    for members in dirty.members.chunks(MEMBERS_AT_ONCE) {
        let live = live.read();
        for no in members {
            encoded.push(&keys::member(*no), live.state.member(*no))?;
        }
        drop(live);
        encoded.drain(|key, row| rows.put_bytes(key, row))?;
    }
    let state = live.read();
    for (at, row) in state.state.programs.iter().enumerate().skip(dirty.programs_from) {
        rows.put(&keys::program(at as u32 + 1), Some(row))?;
    }
    rows.put(keys::SHARED, Some(&state.state.shared))?;
    // Pages that left a member's row while rows were read belong to them, and go first.
    let mut pages = Bulk::new(disk, keys::HISTORY);
    let known = state.book.pages.iter().map(|(key, positions)| (*key, positions));
    let filling = state.state.dirty().pages.iter().map(|page| ((page.member, page.page), &page.positions));
    for ((member, page), positions) in known.chain(filling).collect::<BTreeMap<_, _>>() {
        let row = HistoryPage { member, page, positions: positions.clone() };
        pages.put(&keys::page(member, page), Some(&row))?;
    }
    let written: Vec<(MemberNo, u64)> = state.book.pages.keys().copied().collect();
    let rests_on = state.state.shared.position;
    drop(state);

    let mut sorted: Vec<(u128, Position)> = ids.iter().map(|(key, position)| (*key, *position)).collect();
    sorted.sort_unstable();
    let mut id_rows = Bulk::new(disk, keys::IDS);
    for (key, position) in sorted {
        id_rows.put_bytes(&key.to_be_bytes(), &position.0.to_le_bytes())?;
    }

    status.wait(rests_on).map_err(Damage::Database)?;
    let (_, tree) = tree.lock().clone();
    pages.ingest()?;
    id_rows.ingest()?;
    rows.ingest()?;
    let known = disk.snapshot_at()?.ids;
    disk.set_snapshot_at(&SnapshotAt { folded, tree, ids: known + ids.len() as u64 })?;

    let mut live = live.write();
    live.book.ids.unseal();
    for page in written {
        live.book.pages.remove(&page);
    }
    Ok(())
}

/// Every stored row that a state folds to, in order of keys: what `verify` compares with, and what
/// the state digest is taken of.
pub(crate) fn rows(state: &State, mut row: impl FnMut(&[u8], &[u8]) -> Result<(), Damage>) -> Result<(), Damage> {
    let mut bytes = Vec::new();
    let mut put = |key: &[u8], value: &dyn Fn(&mut Vec<u8>) -> Result<usize, ledger_core::fold::Corrupt>| {
        bytes.clear();
        value(&mut bytes)?;
        row(key, &bytes)
    };
    for (position, case) in &state.cases {
        put(&keys::case(*position), &|out| encode_row(case, out))?;
    }
    for (key, counter) in &state.counters {
        put(&keys::counter(*key), &|out| encode_row(counter, out))?;
    }
    for no in (1..=state.members_len()).map(MemberNo) {
        if let Some(member) = state.member(no) {
            put(&keys::member(no), &|out| encode_row(member, out))?;
        }
    }
    for (at, program) in state.programs.iter().enumerate() {
        put(&keys::program(at as u32 + 1), &|out| encode_row(program, out))?;
    }
    put(keys::SHARED, &|out| encode_row(&state.shared, out))
}

/// A few rows, encoded and on their way into a file.
#[derive(Default)]
struct Encoded {
    /// Keys and rows, one behind the other.
    bytes: Vec<u8>,
    /// Where each key ends, and then its row.
    ends: Vec<(usize, usize)>,
}

impl Encoded {
    fn push<T: Serialize>(&mut self, key: &[u8], row: Option<&T>) -> Result<(), Damage> {
        let Some(row) = row else {
            return Err(Damage::Row { row: format!("{key:02x?}"), what: "changed, but is not there".into() });
        };
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        encode_row(row, &mut self.bytes)?;
        self.ends.push((key_end, self.bytes.len()));
        Ok(())
    }

    /// Hands over all rows in their order and forgets them.
    fn drain(&mut self, mut put: impl FnMut(&[u8], &[u8]) -> Result<(), Damage>) -> Result<(), Damage> {
        let mut start = 0;
        for (key_end, end) in self.ends.drain(..) {
            put(&self.bytes[start..key_end], &self.bytes[key_end..end])?;
            start = end;
        }
        self.bytes.clear();
        Ok(())
    }
}

/// Rows of one family, in order of their keys, into a file that RocksDB takes over whole.
struct Bulk<'a> {
    disk: &'a Disk,
    family: &'static str,
    path: std::path::PathBuf,
    writer: Option<SstFileWriter<'a>>,
    encoded: Encoded,
}

impl<'a> Bulk<'a> {
    fn new(disk: &'a Disk, family: &'static str) -> Bulk<'a> {
        Bulk {
            disk,
            family,
            path: disk.dir.join(format!("snapshot-{family}.tmp")),
            writer: None,
            encoded: Encoded::default(),
        }
    }

    fn put<T: Serialize>(&mut self, key: &[u8], row: Option<&T>) -> Result<(), Damage> {
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.push(key, row)?;
        encoded.drain(|key, row| self.put_bytes(key, row))?;
        self.encoded = encoded;
        Ok(())
    }

    fn put_bytes(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damage> {
        if self.writer.is_none() {
            // A crash may have left this name on a file that RocksDB took over: it must not be written through.
            match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Damage::Database(format!("cannot remove {}: {error}", self.path.display())));
                }
                _ => {}
            }
            let writer = SstFileWriter::create(self.disk.options(self.family));
            writer.open(&self.path)?;
            self.writer = Some(writer);
        }
        if let Some(writer) = &mut self.writer {
            writer.put(key, value)?;
        }
        Ok(())
    }

    fn ingest(&mut self) -> Result<(), Damage> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        writer.finish()?;
        drop(writer);
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        let family = self.disk.family(self.family);
        Ok(self.disk.db.ingest_external_file_cf_opts(family, &options, vec![&self.path])?)
    }
}
