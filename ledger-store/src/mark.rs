//! The mark: a file beside the database that says how far the log was durable. What a checkpoint signs, and the
//! commit it stands behind.
//!
//! It is written behind every commit, before anybody is answered, and flushed together with the next one, or a moment
//! later if there is none. So it never says more than what is durable; and it says less by two commits at the most,
//! and that only where a whole machine stopped. A log that ends before its mark has lost something.
//!
//! Two slots are written in turn: a write that was torn leaves the other, and says that its commit was durable.

use crate::chain::Tip;
use crate::check::{self, CHECK};
use crate::disk::{self, Disk};
use crate::error::{MarkError, OpenError};
use crate::identity::Identity;
use crate::owner;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// The file's name in the ledger's directory.
pub(crate) const NAME: &str = "mark";
/// Each slot has a page of its own, so that a torn write does not reach the other.
const SLOT: u64 = 4096;
const VERSION: u8 = 1;
/// Version, turn, identity, size, root, number, hash, check.
const BYTES: usize = 1 + 8 + 22 + 8 + 32 + 8 + 32 + CHECK;
/// So many commits may be durable that the mark does not know yet.
const BEHIND_MAX: u64 = 2;
/// How often a ledger that somebody writes meanwhile is looked at before what is seen is taken for damage.
const LOOKS: u32 = 100;
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marked {
    pub(crate) identity: Identity,
    pub(crate) tip: Tip,
}

impl Marked {
    fn to_bytes(self, turn: u64) -> [u8; BYTES] {
        let Marked { identity, tip } = self;
        let mut bytes = [0; BYTES];
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&turn.to_le_bytes());
        bytes[9..31].copy_from_slice(&identity.to_bytes());
        bytes[31..39].copy_from_slice(&tip.size.to_le_bytes());
        bytes[39..71].copy_from_slice(&tip.root);
        bytes[71..79].copy_from_slice(&tip.number.to_le_bytes());
        bytes[79..111].copy_from_slice(&tip.hash);
        let (said, behind) = bytes.split_at_mut(BYTES - CHECK);
        behind.copy_from_slice(&check::check(&[said]));
        bytes
    }

    /// What a slot says, and in which turn it was written.
    fn from_bytes(bytes: &[u8; BYTES]) -> Option<(u64, Marked)> {
        let (said, behind) = bytes.split_at(BYTES - CHECK);
        if said[0] != VERSION || *behind != check::check(&[said]) {
            return None;
        }
        let int = |at: usize| said[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or_default();
        let hash = |at: usize| said[at..at + 32].try_into().unwrap_or_default();
        let identity = Identity::from_bytes(&said[9..31])?;
        let tip = Tip { size: int(31), root: hash(39), number: int(71), hash: hash(79) };
        Some((int(1), Marked { identity, tip }))
    }
}

/// A mark that was found.
#[derive(Debug)]
pub(crate) struct Found {
    file: File,
    turn: u64,
    pub(crate) marked: Marked,
    /// The other slot cannot be read: it was being written, behind a commit that was durable.
    torn: bool,
}

/// A mark's file, if there is one, and what it says. Nobody else can open the ledger as long as it is held.
pub(crate) fn find(dir: &Path) -> Result<Option<Result<Found, MarkError>>, OpenError> {
    let Some(file) = open(dir, true)? else { return Ok(None) };
    lock(&file, dir)?;
    read(dir, file).map(Some)
}

/// The same, to look at it: nothing can be written, and others may have the ledger open meanwhile.
pub(crate) fn look(dir: &Path) -> Result<Option<Result<Found, MarkError>>, OpenError> {
    for _ in 1..LOOKS {
        let Some(file) = open(dir, false)? else { return Ok(None) };
        match read(dir, file)? {
            Ok(found) if !found.torn => return Ok(Some(Ok(found))),
            // It may just be written.
            found if !owner::is_owned(dir) => return Ok(Some(found)),
            _ => std::thread::sleep(LOOK_PAUSE),
        }
    }
    open(dir, false)?.map(|file| read(dir, file)).transpose()
}

fn open(dir: &Path, write: bool) -> Result<Option<File>, OpenError> {
    let path = dir.join(NAME);
    match OpenOptions::new().read(true).write(write).open(&path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(system(&path, &error)),
    }
}

fn read(dir: &Path, file: File) -> Result<Result<Found, MarkError>, OpenError> {
    let path = dir.join(NAME);
    let read = |slot: u64| -> Result<Option<(u64, Marked)>, OpenError> {
        let mut bytes = [0; BYTES];
        match file.read_exact_at(&mut bytes, slot * SLOT) {
            Ok(()) => Ok(Marked::from_bytes(&bytes).filter(|(turn, _)| turn % 2 == slot)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(system(&path, &error)),
        }
    };
    let found = match (read(0)?, read(1)?) {
        (Some(even), Some(odd)) => {
            let (old, new) = if even.0 < odd.0 { (even, odd) } else { (odd, even) };
            let follows =
                old.0 + 1 == new.0 && old.1.identity == new.1.identity && old.1.tip.number <= new.1.tip.number;
            if follows { Ok((new, false)) } else { Err("its two slots do not belong together") }
        }
        (Some(one), None) | (None, Some(one)) => Ok((one, true)),
        (None, None) => Err("neither of its slots can be read"),
    };
    Ok(match found {
        Ok(((turn, marked), torn)) => Ok(Found { file, turn, marked, torn }),
        Err(what) => Err(MarkError::Damaged { what }),
    })
}

fn lock(file: &File, dir: &Path) -> Result<(), OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(system(dir, &error)),
    }
}

fn system(path: &Path, error: &io::Error) -> OpenError {
    OpenError::System(format!("{}: {error}", path.display()))
}

/// Looks, before anything is written, whether the log in a directory is what its mark says. Answers where it ends,
/// if there is a ledger.
pub(crate) fn admit(dir: &Path, found: Option<&Result<Found, MarkError>>) -> Result<Option<Tip>, OpenError> {
    let disk = if disk::is_there(dir) { Disk::look(dir)? } else { None };
    let identity = disk.as_ref().map(Disk::stored_identity).transpose()?.flatten();
    match (disk, identity, found) {
        (Some(disk), Some(identity), found) => check(&disk, identity, found, false).map(Some),
        (_, _, None) => Ok(None),
        (_, _, Some(Err(error))) => Err(error.clone().into()),
        (_, _, Some(Ok(Found { marked, .. }))) => {
            Err(MarkError::Alone { of: marked.identity, marked: marked.tip.size }.into())
        }
    }
}

/// A ledger that nobody changes by looking at it.
pub(crate) struct Look {
    pub(crate) disk: Disk,
    pub(crate) identity: Identity,
    /// Whether its log is what its mark says.
    pub(crate) admitted: Result<Tip, OpenError>,
}

/// Opens the ledger in a directory to look at it, be it on a medium that cannot be written, a copy, or beside whoever
/// has it open: as it is at this moment.
pub(crate) fn look_at(dir: &Path) -> Result<Look, OpenError> {
    let none = || OpenError::NoLedger { dir: dir.display().to_string() };
    // Before the log: what the mark says is in it then.
    let found = look(dir)?;
    let is_owned = owner::is_owned(dir);
    let disk = if disk::is_there(dir) { look_steadily(dir, is_owned)? } else { None };
    let identity = disk.as_ref().map(Disk::stored_identity).transpose()?.flatten();
    match (disk, identity, found) {
        (Some(disk), Some(identity), found) => {
            let admitted = check(&disk, identity, found.as_ref(), is_owned);
            Ok(Look { disk, identity, admitted })
        }
        (_, _, None) => Err(none()),
        (_, _, Some(Err(error))) => Err(error.into()),
        (_, _, Some(Ok(Found { marked, .. }))) => {
            Err(MarkError::Alone { of: marked.identity, marked: marked.tip.size }.into())
        }
    }
}

/// Opens the database between two changes of its files. What is told of them is read before the write-ahead log: if it
/// changed meanwhile, the log would speak of rows that are not there.
fn look_steadily(dir: &Path, is_owned: bool) -> Result<Option<Disk>, OpenError> {
    for _ in 0..LOOKS {
        let before = disk::files_told(dir);
        let looked = Disk::look(dir);
        if !is_owned || looked.is_ok() && before == disk::files_told(dir) {
            return looked;
        }
        drop(looked);
        std::thread::sleep(LOOK_PAUSE);
    }
    let what = "is written without a pause by whoever has it open: try again";
    Err(OpenError::System(format!("{} {what}", dir.display())))
}

/// Whether the log is what its mark says. Answers where the log ends. `grows`: somebody writes both meanwhile.
pub(crate) fn check(
    disk: &Disk,
    identity: Identity,
    found: Option<&Result<Found, MarkError>>,
    grows: bool,
) -> Result<Tip, OpenError> {
    let tip = disk.tip(identity)?;
    let found = match found {
        Some(Ok(found)) => found,
        Some(Err(error)) => return Err(error.clone().into()),
        None if tip.number == 0 => return Ok(tip),
        None => return Err(MarkError::Missing { end: tip.size }.into()),
    };
    let Marked { identity: of, tip: marked } = found.marked;
    if of != identity {
        return Err(MarkError::Other { of, found: identity }.into());
    }
    if tip.number < marked.number {
        let (end, commit, marked_commit) = (tip.size, tip.number, marked.number);
        return Err(MarkError::Ahead { end, commit, marked: marked.size, marked_commit }.into());
    }
    if disk.tip_at(identity, marked.number)? != marked {
        return Err(MarkError::Differs { at: marked.size }.into());
    }
    if found.torn && tip.number == marked.number {
        let what = "one of its slots cannot be read, and the log ends where the other says";
        return Err(MarkError::Damaged { what }.into());
    }
    if tip.number > marked.number + BEHIND_MAX && !grows {
        return Err(MarkError::Behind { end: tip.size, marked: marked.size }.into());
    }
    Ok(tip)
}

/// Writes the mark of an open ledger.
#[derive(Debug)]
pub(crate) struct Marker {
    file: Arc<File>,
    identity: Identity,
    turn: u64,
    /// Something was written that no flush has seen.
    unflushed: bool,
    /// A flush is on its way.
    flushing: bool,
    /// Gone once nothing is flushed any more.
    flush: Option<SyncSender<()>>,
    flushed: Receiver<io::Result<()>>,
    flusher: Option<JoinHandle<()>>,
}

impl Drop for Marker {
    fn drop(&mut self) {
        // The file is let go of before anybody opens the ledger anew.
        self.flush = None;
        if let Some(flusher) = self.flusher.take() {
            let _ = flusher.join();
        }
    }
}

impl Marker {
    /// Goes on from a mark that was found, or makes one, and brings it to where the log ends.
    pub(crate) fn new(dir: &Path, identity: Identity, found: Option<Found>, tip: Tip) -> Result<Marker, OpenError> {
        let marked = Marked { identity, tip };
        let path = dir.join(NAME);
        let failed = |error: io::Error| system(&path, &error);
        let (file, turn) = match found {
            Some(found) if !found.torn && found.marked == marked => (found.file, found.turn),
            Some(Found { file, turn, .. }) => {
                // Both slots, so that none is left that cannot be read.
                for turn in [turn + 1, turn + 2] {
                    file.write_all_at(&marked.to_bytes(turn), turn % 2 * SLOT).map_err(failed)?;
                    file.sync_data().map_err(failed)?;
                }
                (file, turn + 2)
            }
            None => make(dir, marked).map_err(failed)?,
        };
        let file = Arc::new(file);
        let (flush, asked) = sync_channel(1);
        let (tell, flushed) = sync_channel(1);
        let flushes = file.clone();
        let flusher = std::thread::Builder::new()
            .name("mark".into())
            .spawn(move || while asked.recv().is_ok() && tell.send(flushes.sync_data()).is_ok() {});
        let flusher = flusher.map_err(|error| OpenError::System(error.to_string()))?;
        let (flush, flusher) = (Some(flush), Some(flusher));
        Ok(Marker { file, identity, turn, unflushed: false, flushing: false, flush, flushed, flusher })
    }

    /// Says how far the log is durable now. It is in the file then, and not yet flushed.
    pub(crate) fn put(&mut self, tip: Tip) -> io::Result<()> {
        self.turn += 1;
        let bytes = Marked { identity: self.identity, tip }.to_bytes(self.turn);
        self.unflushed = true;
        self.file.write_all_at(&bytes, self.turn % 2 * SLOT)
    }

    /// Whether there is something to flush.
    pub(crate) fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    /// Begins to flush what was put, if anything was, and does not wait for it.
    pub(crate) fn begin_flush(&mut self) {
        if !self.flushing && std::mem::take(&mut self.unflushed) {
            self.flushing = self.flush.as_ref().is_some_and(|flush| flush.send(()).is_ok());
        }
    }

    /// Waits until the flush that was begun is done.
    pub(crate) fn end_flush(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.flushing) {
            return Ok(());
        }
        self.flushed.recv().unwrap_or_else(|_| Err(io::Error::other("nobody flushes the mark any more")))
    }
}

/// Makes the file, whole or not at all.
pub(crate) fn make(dir: &Path, marked: Marked) -> io::Result<(File, u64)> {
    let (path, made) = (dir.join(NAME), making(dir));
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&made)?;
    file.try_lock().map_err(|error| io::Error::other(error.to_string()))?;
    file.set_len(2 * SLOT)?;
    for turn in [0, 1] {
        // The whole page, so that no later write needs room on the disk.
        let mut page = [0; SLOT as usize];
        page[..BYTES].copy_from_slice(&marked.to_bytes(turn));
        file.write_all_at(&page, turn * SLOT)?;
    }
    file.sync_all()?;
    std::fs::rename(&made, &path)?;
    File::open(dir)?.sync_all()?;
    Ok((file, 1))
}

fn making(dir: &Path) -> PathBuf {
    dir.join("mark.tmp")
}
