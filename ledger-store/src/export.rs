//! Export: the verdicts of a log as a flat file, for whoever folds them again, and the check of such a file.
//!
//! It has every block as it is stored, without what was said, and the hashes of that: enough for every leaf, so the
//! file proves its own root and that of each of its beginnings. `FORMAT.md` has its layout. What is read may come from
//! anybody.

use crate::block::Block;
use crate::checkpoint::Checkpoint;
use crate::disk::Disk;
use crate::error::{Damage, OpenError};
use crate::identity::{Identity, STORED_BYTES};
use crate::mark::{self, Look};
use crate::notes;
use crate::signer::{self, Signed};
use ledger_core::inclusion::TreeHead;
use ledger_core::merkle::{Frontier, record_leaf};
use ledger_core::units::Position;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// How the file begins: what it is, and the version of its layout.
const MAGIC: &[u8; 8] = b"verdict\x01";
/// A block without causes, and the hash of the cause of each of its records.
const BLOCK: u8 = b'B';
/// A signed checkpoint.
const CHECKPOINT: u8 = b'C';
/// The end: how many records, and the root over them.
const END: u8 = b'E';
/// Longest entry: a block whose verdicts do not compress, and its hashes.
const ENTRY_BYTES_MAX: u32 = 256 << 20;

/// Why a file of verdicts is not what it claims to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// It cannot be read.
    #[error("{0}")]
    File(#[from] io::Error),
    /// It is not written as it must be.
    #[error("the file of verdicts, behind record {behind}: {what}")]
    Malformed {
        /// Up to here it is well.
        behind: Position,
        /// What is wrong.
        what: &'static str,
    },
    /// A block in it is not what was written.
    #[error(transparent)]
    Damage(#[from] Damage),
}

/// What a file of verdicts is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Which log.
    pub identity: Identity,
    /// All of it.
    pub head: TreeHead,
    /// Of each size that was asked for, the tree of that many records; none if there are fewer.
    pub heads: Vec<Option<TreeHead>>,
    /// The signed checkpoints in it, whose signatures nobody has checked yet, and the tree of as many records.
    pub checkpoints: Vec<(String, Option<TreeHead>)>,
}

/// Whether a file that begins so is one of verdicts.
pub fn is_export(begin: &[u8]) -> bool {
    begin.starts_with(MAGIC)
}

/// Writes the verdicts of the log in `dir` to a new file, as it is at this moment. `progress` is told how many
/// records are written.
///
/// # Errors
/// If there is such a file already, it cannot be written, or the log is damaged; then no file is left.
pub fn export_verdicts(dir: &Path, path: &Path, progress: &mut dyn FnMut(u64)) -> Result<TreeHead, OpenError> {
    let Look { disk, admitted, .. } = mark::look_at(dir)?;
    admitted?;
    let failed = |error: io::Error| OpenError::System(format!("{}: {error}", path.display()));
    let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    let written = write(&disk, BufWriter::new(file), progress);
    if written.is_err() {
        // Half a file would be taken for a whole one by nobody, and be in the way of the next.
        let _ = fs::remove_file(path);
    }
    written
}

fn write(disk: &Disk, mut file: BufWriter<File>, progress: &mut dyn FnMut(u64)) -> Result<TreeHead, OpenError> {
    let failed = |error: io::Error| OpenError::System(error.to_string());
    let identity = disk.identity(None)?;
    file.write_all(&[&MAGIC[..], &identity.to_bytes()].concat()).map_err(failed)?;
    if let Some(Signed { note, .. }) = signer::kept_here(disk, &identity, disk.log_end()?)? {
        entry(&mut file, CHECKPOINT, note.as_bytes()).map_err(failed)?;
    }
    let (mut tree, mut salts) = (Frontier::default(), disk.salt_walk()?);
    for block in disk.blocks(Position(0)) {
        let block = block?;
        if block.first.0 != tree.size() + 1 {
            return Err(Damage::Block { last: block.last(), what: "does not follow the block before" }.into());
        }
        block.grow(&mut tree, &mut salts, |_, _| ())?;
        let mut bytes = block.without_causes().to_vec();
        for (position, _) in block.verdicts() {
            bytes.extend_from_slice(&block.cause_hash(position, &mut salts)?);
        }
        entry(&mut file, BLOCK, &bytes).map_err(failed)?;
        progress(tree.size());
    }
    let head = TreeHead::of(&tree);
    entry(&mut file, END, &[&head.size.to_le_bytes()[..], &head.root].concat()).map_err(failed)?;
    file.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    Ok(head)
}

fn entry(file: &mut impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    file.write_all(&[kind])?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(bytes)
}

/// Reads a file of verdicts, and proves the root of all of it and of its beginnings of these sizes. `progress` is told
/// how many records are read.
///
/// # Errors
/// [`ExportError`].
pub fn read_export(path: &Path, sizes: &[u64], progress: &mut dyn FnMut(u64)) -> Result<Exported, ExportError> {
    let mut reader = Reader { file: BufReader::new(File::open(path)?), tree: Frontier::default() };
    let begin = reader.take(MAGIC.len() + STORED_BYTES)?;
    let identity = begin.strip_prefix(MAGIC).and_then(Identity::from_bytes);
    let identity = identity.ok_or_else(|| reader.malformed("does not begin as such a file does"))?;
    let (mut notes, mut wanted) = (Vec::new(), sizes.to_vec());
    let mut heads = Vec::new();
    loop {
        let (kind, bytes) = reader.entry()?;
        if kind == CHECKPOINT {
            if reader.tree.size() > 0 {
                return Err(reader.malformed("has a checkpoint behind a block"));
            }
            let note = String::from_utf8(bytes).map_err(|_| reader.malformed("has a checkpoint that is no text"))?;
            let read = notes::text_of(&note).and_then(Checkpoint::read);
            wanted.push(read.map_err(|_| reader.malformed("has a checkpoint that is none"))?.head.size);
            notes.push(note);
            continue;
        }
        // All sizes are known before the first block.
        heads.resize(wanted.len(), None);
        let mut grown = |tree: &Frontier| {
            let found = heads.iter_mut().zip(&wanted).filter(|(_, size)| **size == tree.size());
            found.for_each(|(found, _)| *found = Some(TreeHead::of(tree)));
        };
        if reader.tree.size() == 0 {
            grown(&reader.tree);
        }
        match kind {
            BLOCK => reader.block(&bytes, grown)?,
            END => {
                reader.end(&bytes)?;
                let checkpoints = notes.into_iter().zip(heads.split_off(sizes.len())).collect();
                return Ok(Exported { identity, head: TreeHead::of(&reader.tree), heads, checkpoints });
            }
            _ => return Err(reader.malformed("has an entry of a kind that is not known")),
        }
        progress(reader.tree.size());
    }
}

/// A file of verdicts on the way.
struct Reader {
    file: BufReader<File>,
    tree: Frontier,
}

impl Reader {
    fn malformed(&self, what: &'static str) -> ExportError {
        ExportError::Malformed { behind: Position(self.tree.size()), what }
    }

    /// So many bytes; room is made for those that are there.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, ExportError> {
        let mut bytes = Vec::new();
        (&mut self.file).take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() == length { Ok(bytes) } else { Err(self.malformed("ends too early")) }
    }

    fn entry(&mut self) -> Result<(u8, Vec<u8>), ExportError> {
        let head = self.take(5)?;
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
        if length > ENTRY_BYTES_MAX {
            return Err(self.malformed("has an entry of more than 256 MiB"));
        }
        Ok((head[0], self.take(length as usize)?))
    }

    fn end(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        let head = TreeHead::of(&self.tree);
        if bytes != [&head.size.to_le_bytes()[..], &head.root].concat() {
            return Err(self.malformed("does not end with the root of what it has"));
        }
        if self.file.read(&mut [0])? != 0 {
            return Err(self.malformed("goes on behind its end"));
        }
        Ok(())
    }

    /// Grows the tree by a block, and tells it after each record.
    fn block(&mut self, bytes: &[u8], mut grown: impl FnMut(&Frontier)) -> Result<(), ExportError> {
        let (block, hashes) = Block::unpack_verdicts(Position(self.tree.size()), bytes)?;
        let (hashes, rest) = hashes.as_chunks::<32>();
        if hashes.len() as u64 != block.last().0 - block.first.0 + 1 || !rest.is_empty() {
            return Err(self.malformed("a block has not one hash for each of its records"));
        }
        for ((_, verdict), cause) in block.verdicts().zip(hashes) {
            self.tree.append(record_leaf(verdict, cause));
            grown(&self.tree);
        }
        if self.tree.root() == block.root {
            Ok(())
        } else {
            Err(self.malformed("a block has another root: a record was changed"))
        }
    }
}
