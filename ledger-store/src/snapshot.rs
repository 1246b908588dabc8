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
use ledger_core::units::{MemberNo, Position, StaffNo};
use parking_lot::{Mutex, RwLock};
use rocksdb::{IngestExternalFileOptions, SstFileWriter};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// How many members are encoded under one lock.
const MEMBERS_AT_ONCE: usize = 512;
/// How many of them are fetched from memory together.
const MEMBERS_AHEAD: usize = 64;

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
    let Job { folded, dirty, ids } = job;
    let (folded_rows, id_rows) = std::thread::scope(|scope| {
        let id_rows = scope.spawn(|| write_ids(disk, &ids));
        let folded_rows = write_folded(disk, live, dirty);
        (folded_rows, id_rows.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let Folded { rows, pages, pages_written, rests_on } = folded_rows?;
    status.wait(rests_on).map_err(Damage::Database)?;
    let (_, tree) = tree.lock().clone();
    ingest(vec![pages])?;
    ingest(vec![id_rows?])?;
    ingest(rows)?;
    let known = disk.snapshot_at()?.ids;
    disk.set_snapshot_at(&SnapshotAt { folded, tree, ids: known + ids.len() as u64 })?;

    let mut live = live.write();
    live.book.ids.unseal();
    for page in pages_written {
        live.book.pages.remove(&page);
    }
    Ok(())
}

/// Files of folded state, not yet part of the database.
struct Folded<'a> {
    rows: Vec<Finished<'a>>,
    pages: Finished<'a>,
    pages_written: Vec<(MemberNo, u64)>,
    /// No row says anything of later records.
    rests_on: Position,
}

/// Rows are encoded under the lock and written without it: the judge waits for whoever holds it, so two do it together.
fn write_folded<'a>(disk: &'a Disk, live: &RwLock<Live>, mut dirty: Dirty) -> Result<Folded<'a>, Damage> {
    dirty.members.sort_unstable();
    let (lower, upper) = dirty.members.split_at(dirty.members.len() / 2);
    // Families and kinds in the order of their keys.
    std::thread::scope(|scope| {
        let lower = scope.spawn(|| -> Result<_, Damage> {
            let mut rows = Bulk::new(disk, keys::STATE, 1);
            let mut encoded = Encoded::default();
            let state = live.read();
            for position in &dirty.cases {
                encoded.push(&keys::case(*position), state.state.cases.get(position))?;
            }
            for key in &dirty.counters {
                encoded.push(&keys::counter(*key), state.state.counters.get(key))?;
            }
            drop(state);
            encoded.drain_into(&mut rows)?;
            write_members(live, lower, &mut rows)?;
            rows.finish()
        });
        let mut rows = Bulk::new(disk, keys::STATE, 2);
        write_members(live, upper, &mut rows)?;
        // What is written last says on which record all of it rests.
        let lower = lower.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        write_shared(disk, live, (dirty.programs_from, dirty.staff_from), lower, rows)
    })
}

fn write_members(live: &RwLock<Live>, members: &[MemberNo], rows: &mut Bulk<'_>) -> Result<(), Damage> {
    let mut encoded = Encoded::default();
    for members in members.chunks(MEMBERS_AT_ONCE) {
        let live = live.read();
        for members in members.chunks(MEMBERS_AHEAD) {
            live.state.prefetch(members);
            for no in members {
                encoded.push(&keys::member(*no), live.state.member(*no))?;
            }
        }
        drop(live);
        encoded.drain_into(rows)?;
    }
    Ok(())
}

/// Programs, what all members share, the staff, and the pages of histories.
fn write_shared<'a>(
    disk: &'a Disk,
    live: &RwLock<Live>,
    (programs_from, staff_from): (usize, usize),
    lower: Finished<'a>,
    mut rows: Bulk<'a>,
) -> Result<Folded<'a>, Damage> {
    let mut encoded = Encoded::default();
    let state = live.read();
    for (at, row) in state.state.programs.iter().enumerate().skip(programs_from) {
        encoded.push(&keys::program(at as u32 + 1), Some(row))?;
    }
    encoded.push(keys::SHARED, Some(&state.state.shared))?;
    for no in (staff_from as u32 + 1..=state.state.staff_len()).map(StaffNo) {
        encoded.push(&keys::staff(no), state.state.staff(no))?;
    }
    // Pages that left a member's row while rows were read belong to them, and go first.
    let mut encoded_pages = Encoded::default();
    let known = state.book.pages.iter().map(|(key, positions)| (*key, positions));
    let filling = state.state.dirty().pages.iter().map(|page| ((page.member, page.page), &page.positions));
    for ((member, page), positions) in known.chain(filling).collect::<BTreeMap<_, _>>() {
        let row = HistoryPage { member, page, positions: positions.clone() };
        encoded_pages.push(&keys::page(member, page), Some(&row))?;
    }
    let pages_written = state.book.pages.keys().copied().collect();
    let rests_on = state.state.shared.position;
    drop(state);
    encoded.drain_into(&mut rows)?;
    let mut pages = Bulk::new(disk, keys::HISTORY, 1);
    encoded_pages.drain_into(&mut pages)?;
    Ok(Folded { rows: vec![lower, rows.finish()?], pages: pages.finish()?, pages_written, rests_on })
}

fn write_ids<'a>(disk: &'a Disk, ids: &IdMap) -> Result<Finished<'a>, Damage> {
    let mut sorted: Vec<(u128, Position)> = ids.iter().map(|(key, position)| (*key, *position)).collect();
    sorted.sort_unstable();
    let mut rows = Bulk::new(disk, keys::IDS, 1);
    for (key, position) in sorted {
        rows.put(&key.to_be_bytes(), &position.0.to_le_bytes())?;
    }
    rows.finish()
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
    put(keys::SHARED, &|out| encode_row(&state.shared, out))?;
    for no in (1..=state.staff_len()).map(StaffNo) {
        if let Some(row) = state.staff(no) {
            put(&keys::staff(no), &|out| encode_row(row, out))?;
        }
    }
    Ok(())
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

    /// Writes all rows in their order and forgets them.
    fn drain_into(&mut self, rows: &mut Bulk<'_>) -> Result<(), Damage> {
        let mut start = 0;
        for (key_end, end) in self.ends.drain(..) {
            rows.put(&self.bytes[start..key_end], &self.bytes[key_end..end])?;
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
    path: PathBuf,
    writer: Option<SstFileWriter<'a>>,
}

impl<'a> Bulk<'a> {
    fn new(disk: &'a Disk, family: &'static str, part: u32) -> Bulk<'a> {
        Bulk { disk, family, path: disk.dir.join(format!("snapshot-{family}-{part}.tmp")), writer: None }
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damage> {
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

    /// Ends the file; it is on disk then.
    fn finish(mut self) -> Result<Finished<'a>, Damage> {
        if let Some(writer) = &mut self.writer {
            writer.finish()?;
        }
        Ok(Finished { disk: self.disk, family: self.family, file: self.writer.is_some().then_some(self.path) })
    }
}

/// A whole file; none if there was no row.
struct Finished<'a> {
    disk: &'a Disk,
    family: &'static str,
    file: Option<PathBuf>,
}

/// Makes files of one family part of the database, all of them or none.
fn ingest(files: Vec<Finished<'_>>) -> Result<(), Damage> {
    let Some((disk, family)) = files.first().map(|first| (first.disk, first.family)) else { return Ok(()) };
    let files: Vec<PathBuf> = files.into_iter().filter_map(|finished| finished.file).collect();
    if files.is_empty() {
        return Ok(());
    }
    let mut options = IngestExternalFileOptions::default();
    options.set_move_files(true);
    Ok(disk.db.ingest_external_file_cf_opts(disk.family(family), &options, files)?)
}
