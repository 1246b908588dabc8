//! Signer: checkpoints of the log, signed now and then, and the last of them kept.
//!
//! Nothing is signed that is not durable, and nothing that does not begin with all that was signed before: the last
//! checkpoint is kept in a file, durable before anybody is told of it, and a ledger that is behind it or differs from
//! it is not opened. Signing has a thread of its own, off the way of a commit: whoever wants a signature over a record
//! waits for the next, a second at most.

use crate::checkpoint::Checkpoint;
use crate::disk::Disk;
use crate::error::{Damage, OpenError};
use crate::identity::Identity;
use crate::notes::{self, NoteError, NoteSigner, VerifierKey, text_of};
use crate::prove::StoredTree;
use crate::seed::Seed;
use crate::shard::Status;
use crate::tiles::Tiles;
use ledger_core::inclusion::TreeHead;
use ledger_core::merkle::Frontier;
use ledger_core::units::Position;
use parking_lot::Mutex;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// The shortest time between two signatures.
const EVERY: Duration = Duration::from_secs(1);
/// The file in the ledger's directory, unless another is named.
const FILE: &str = "checkpoint";

/// How checkpoints of a ledger are signed and kept.
#[derive(Clone, Debug, Default)]
pub struct Checkpoints {
    /// The keys that sign; none: nothing is signed. Two, while one follows the other.
    pub seeds: Vec<Seed>,
    /// Where the last checkpoint is kept; `None`: in the ledger's directory. Kept elsewhere, it tells when the whole
    /// directory is an older copy.
    pub file: Option<PathBuf>,
}

/// A checkpoint that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The signed note.
    pub note: String,
    /// What it says of the log.
    pub head: TreeHead,
}

/// Signs, and knows what was signed last.
pub(crate) struct Signer {
    origin: String,
    signers: Vec<NoteSigner>,
    file: PathBuf,
    last: Mutex<Option<Arc<Signed>>>,
}

impl Identity {
    /// How checkpoints name this log. A ledger that was restored goes on as another log: what was signed for the
    /// records that are gone must never be contradicted.
    pub fn origin(&self) -> String {
        format!("{}/{}/{}", self.ledger, self.lineage, self.shard)
    }

    /// The lineage that an origin names, if it is of this ledger and shard.
    fn lineage_of(&self, origin: &str) -> Option<u32> {
        let lineage = origin.split('/').nth(1)?.parse().ok()?;
        (Identity { lineage, ..*self }.origin() == origin).then_some(lineage)
    }
}

impl Signer {
    /// Makes sure that the log begins with what was signed last.
    pub(crate) fn open(
        disk: &Disk,
        identity: &Identity,
        end: Position,
        checkpoints: &Checkpoints,
    ) -> Result<Signer, OpenError> {
        let origin = identity.origin();
        let signers = checkpoints.seeds.iter().map(|seed| NoteSigner::new(&origin, seed.bytes()));
        let signers: Vec<NoteSigner> =
            signers.collect::<Result<_, _>>().map_err(|error| OpenError::System(error.to_string()))?;
        let file = checkpoints.file.clone().unwrap_or_else(|| disk.dir.join(FILE));
        let keys: Vec<VerifierKey> = signers.iter().map(|signer| signer.verifier().clone()).collect();
        let last = kept(disk, identity, end, &file, &keys)?;
        Ok(Signer { origin, signers, file, last: Mutex::new(last.map(Arc::new)) })
    }

    pub(crate) fn last(&self) -> Option<Arc<Signed>> {
        self.last.lock().clone()
    }

    pub(crate) fn keys(&self) -> Vec<VerifierKey> {
        self.signers.iter().map(|signer| signer.verifier().clone()).collect()
    }

    /// Signs now and then until the ledger is closed, and once more then.
    pub(crate) fn run(&self, tree: &Mutex<(Position, Frontier)>, status: &Status, closing: &Receiver<()>) {
        let mut closed = self.signers.is_empty();
        while !closed {
            self.sign_and_tell(tree, status);
            closed = closing.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
        }
        self.sign_and_tell(tree, status);
    }

    fn sign_and_tell(&self, tree: &Mutex<(Position, Frontier)>, status: &Status) {
        let head = TreeHead::of(&tree.lock().1);
        match self.sign(head) {
            Ok(true) => status.tell(),
            Ok(false) => {}
            // A signature that is not kept could be contradicted later.
            Err(error) => status.stop(format!("the checkpoint cannot be kept in {}: {error}", self.file.display())),
        }
    }

    /// Signs the tree of what is durable. Answers whether it had to.
    fn sign(&self, head: TreeHead) -> io::Result<bool> {
        let last = self.last();
        let is_signed = |last: &Signed| last.head == head && self.keys().iter().all(|key| is_by(&last.note, key));
        if self.signers.is_empty() || last.as_deref().is_some_and(is_signed) {
            return Ok(false);
        }
        if last.is_some_and(|last| last.head.size > head.size) {
            return Err(io::Error::other("the log is behind what was signed"));
        }
        let text = Checkpoint { origin: self.origin.clone(), head }.to_string();
        let note = notes::sign(&text, &self.signers);
        keep(&self.file, &note)?;
        *self.last.lock() = Some(Arc::new(Signed { note, head }));
        Ok(true)
    }
}

fn is_by(note: &str, key: &VerifierKey) -> bool {
    notes::open(note, std::slice::from_ref(key)).is_ok()
}

/// Replaces the file; it is durable then.
fn keep(path: &Path, note: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file = File::create(&new)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(dir)?.sync_all()
}

/// What was signed last, if the log begins with it. Of an earlier lineage nothing is left to be contradicted.
fn kept(
    disk: &Disk,
    identity: &Identity,
    end: Position,
    file: &Path,
    keys: &[VerifierKey],
) -> Result<Option<Signed>, OpenError> {
    let refuse = |what: String| OpenError::Checkpoint { file: file.display().to_string(), what };
    let note = match read(file) {
        Ok(note) => note,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refuse(format!("cannot be read: {error}"))),
    };
    let read = text_of(&note).and_then(Checkpoint::read);
    let Checkpoint { origin, head } = read.map_err(|error| refuse(error.to_string()))?;
    match identity.lineage_of(&origin) {
        Some(lineage) if lineage == identity.lineage => {}
        Some(lineage) if lineage < identity.lineage => return Ok(None),
        Some(_) => return Err(refuse(format!("is of {origin}, which came after this ledger, {}", identity.origin()))),
        None => return Err(refuse(format!("is of {origin}, which is not this ledger, {}", identity.origin()))),
    }
    if !keys.is_empty()
        && let Err(error) = notes::open(&note, keys)
    {
        return Err(refuse(match error {
            NoteError::Unsigned => {
                "is signed by another key: give the one before as well until both have signed".into()
            }
            error => error.to_string(),
        }));
    }
    must_begin_with(disk, end, &head)?.map_or(Ok(Some(Signed { note, head })), |what| Err(refuse(what)))
}

/// Why the log does not begin with what was signed; none if it does.
fn must_begin_with(disk: &Disk, end: Position, head: &TreeHead) -> Result<Option<String>, Damage> {
    let TreeHead { size, .. } = head;
    if *size > end.0 {
        return Ok(Some(format!(
            "was signed over {size} records, and the log has {end}: this is an older copy, or records were taken away"
        )));
    }
    let is = StoredTree::new(disk, &Tiles::default())?.head(*size)?;
    let what = format!("was signed over other records: the first {size} of the log have another root");
    Ok((is != *head).then_some(what))
}

fn read(file: &Path) -> io::Result<String> {
    let mut note = String::new();
    File::open(file)?.take(notes::NOTE_BYTES_MAX as u64 + 1).read_to_string(&mut note)?;
    Ok(note)
}

/// The checkpoint that is kept with the ledger.
pub(crate) fn kept_here(disk: &Disk, identity: &Identity, end: Position) -> Result<Option<Signed>, OpenError> {
    kept(disk, identity, end, &disk.dir.join(FILE), &[])
}

/// What `verify` finds about the checkpoint that is kept with the ledger.
pub(crate) fn finding(disk: &Disk, identity: &Identity, end: Position) -> Result<Option<String>, OpenError> {
    match kept_here(disk, identity, end) {
        Ok(_) => Ok(None),
        Err(OpenError::Checkpoint { file, what }) => Ok(Some(format!("the checkpoint in {file} {what}"))),
        Err(OpenError::Damage(damage)) => Ok(Some(damage.to_string())),
        Err(other) => Err(other),
    }
}
