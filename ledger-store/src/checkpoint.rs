//! Checkpoints and proofs as text, as C2SP specifies them (tlog-checkpoint, tlog-proof, and what tlog-witness is sent).
//!
//! A checkpoint is what a ledger signs: which log, how many records, and the root over them. A proof holds a record,
//! the hashes that lead from it to that root, and the checkpoint: whoever has the key to verify with needs nothing
//! else. What is read may come from anybody.

use crate::notes::{self, NoteError, VerifierKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledger_core::inclusion::{PROOF_HASHES_MAX, TreeHead};
use ledger_core::merkle::{Hash, cause_hash, record_leaf};
use std::fmt;

/// How a proof that a record is in a log begins.
const PROOF: &str = "c2sp.org/tlog-proof@v1";
/// The version of what a proof shows of its record.
const SHOWN: u8 = 1;
/// Of the cause there is the hash.
const CAUSE_HASH: u8 = 0;
/// Of the cause there are the salt and the bytes.
const CAUSE_BYTES: u8 = 1;

/// What a ledger signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log it is of.
    pub origin: String,
    /// How many records it had, and the root over them.
    pub head: TreeHead,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TreeHead { size, root } = self.head;
        writeln!(f, "{}\n{size}\n{}", self.origin, STANDARD.encode(root))
    }
}

impl Checkpoint {
    /// Reads the text of a checkpoint. Lines behind the third are anybody's, and passed over.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn read(text: &str) -> Result<Checkpoint, NoteError> {
        let malformed =
            NoteError::Malformed("a checkpoint is a line with its origin, one with its size, one with its root");
        let lines = text.strip_suffix('\n').ok_or_else(|| malformed.clone())?;
        if lines.split('\n').any(str::is_empty) {
            return Err(malformed);
        }
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(malformed);
        };
        let (Some(size), Some(root)) = (number(size), hash(root)) else { return Err(malformed) };
        Ok(Checkpoint { origin: origin.into(), head: TreeHead { size, root } })
    }

    /// Opens a signed checkpoint: a key of its origin must be among `keys` and have signed it, and no signature of
    /// another of them may be wrong.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Checkpoint, NoteError> {
        let checkpoint = Checkpoint::read(notes::open(note, keys)?)?;
        let own: Vec<VerifierKey> = keys.iter().filter(|key| key.name() == checkpoint.origin).cloned().collect();
        notes::open(note, &own)?;
        Ok(checkpoint)
    }
}

/// A decimal number, without zeros before it.
fn number(text: &str) -> Option<u64> {
    let is_written_so = text == "0" || !text.starts_with('0') && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|_| is_written_so)
}

fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Lines of hashes, as proofs have them.
fn hash_lines(hashes: &[Hash]) -> String {
    hashes.iter().map(|hash| STANDARD.encode(hash) + "\n").collect()
}

fn read_hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Hash>, NoteError> {
    let hashes: Option<Vec<Hash>> = lines.take(PROOF_HASHES_MAX + 1).map(hash).collect();
    let malformed = NoteError::Malformed("the lines of a proof are hashes, as many as a tree is high at most");
    hashes.filter(|hashes| hashes.len() <= PROOF_HASHES_MAX).ok_or(malformed)
}

/// What is shown of the cause of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownCause {
    /// The hash alone; zeros if the record has none.
    Hash(Hash),
    /// All of it.
    Bytes {
        /// Without which it could not be found by trying.
        salt: [u8; 16],
        /// The cause, as it is stored.
        cause: Vec<u8>,
    },
}

/// What a proof shows of its record: all that the hash of its leaf is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What the record did, as it is stored.
    pub verdict: Vec<u8>,
    /// What was said.
    pub cause: ShownCause,
}

impl Shown {
    /// The hash of what was said; zeros if nothing was.
    pub fn cause_hash(&self) -> Hash {
        match &self.cause {
            ShownCause::Hash(hash) => *hash,
            ShownCause::Bytes { salt, cause } => cause_hash(salt, cause),
        }
    }

    /// The hash of the record's leaf.
    pub fn leaf(&self) -> Hash {
        record_leaf(&self.verdict, &self.cause_hash())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.verdict.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = [&[SHOWN], &length[..], &self.verdict].concat();
        match &self.cause {
            ShownCause::Hash(hash) => bytes.extend([&[CAUSE_HASH], &hash[..]].concat()),
            ShownCause::Bytes { salt, cause } => bytes.extend([&[CAUSE_BYTES], &salt[..], cause].concat()),
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Shown> {
        let (version, behind) = bytes.split_first_chunk::<1>()?;
        let (length, behind) = behind.split_first_chunk::<4>()?;
        let (verdict, behind) = behind.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let cause = match behind.split_first()? {
            (&CAUSE_HASH, hash) => ShownCause::Hash(hash.try_into().ok()?),
            (&CAUSE_BYTES, behind) => {
                let (salt, cause) = behind.split_first_chunk::<16>()?;
                ShownCause::Bytes { salt: *salt, cause: cause.to_vec() }
            }
            _ => return None,
        };
        (*version == [SHOWN]).then(|| Shown { verdict: verdict.to_vec(), cause })
    }
}

/// A proof that a record is in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// The record.
    pub shown: Shown,
    /// Where it stands: one less than its position.
    pub index: u64,
    /// From the leaf's neighbour up to the root's.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint whose root they lead to.
    pub checkpoint: String,
}

impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, hashes) = (STANDARD.encode(self.shown.to_bytes()), hash_lines(&self.hashes));
        write!(f, "{PROOF}\nextra {shown}\nindex {}\n{hashes}\n{}", self.index, self.checkpoint)
    }
}

impl InclusionProof {
    /// Reads a proof, and checks nothing.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn read(text: &str) -> Result<InclusionProof, NoteError> {
        let (lines, checkpoint) =
            text.split_once("\n\n").ok_or(NoteError::Malformed("a proof ends with an empty line and a checkpoint"))?;
        let mut lines = lines.split('\n');
        if lines.next() != Some(PROOF) {
            return Err(NoteError::Malformed("a proof begins with c2sp.org/tlog-proof@v1"));
        }
        let extra = lines.next().and_then(|line| STANDARD.decode(line.strip_prefix("extra ")?).ok());
        let shown = extra.and_then(|extra| Shown::read(&extra));
        let shown = shown.ok_or(NoteError::Malformed("the second line of a proof does not show a ledger's record"))?;
        let index = lines.next().and_then(|line| number(line.strip_prefix("index ")?));
        let index = index.ok_or(NoteError::Malformed("the third line of a proof says the record's index"))?;
        Ok(InclusionProof { shown, index, hashes: read_hashes(lines)?, checkpoint: checkpoint.into() })
    }

    /// The checkpoint that vouches for the record: from its bytes to the root, and from the root to a key of `keys`.
    ///
    /// # Errors
    /// [`NoteError`], if the checkpoint does not open or the hashes do not lead to its root.
    pub fn check(&self, keys: &[VerifierKey]) -> Result<Checkpoint, NoteError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, keys)?;
        if checkpoint.head.includes(self.index, &self.shown.leaf(), &self.hashes) {
            Ok(checkpoint)
        } else {
            Err(NoteError::Unproved("the record and its hashes do not lead to the checkpoint's root"))
        }
    }
}

/// A proof that a log has only grown. Its text is what a witness is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// How many records the log had before.
    pub old: u64,
    /// From the old tree's last subtree up to the new root's.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint of the log as it is.
    pub checkpoint: String,
}

impl fmt::Display for ConsistencyProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "old {}\n{}\n{}", self.old, hash_lines(&self.hashes), self.checkpoint)
    }
}

impl ConsistencyProof {
    /// Reads a proof, and checks nothing.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn read(text: &str) -> Result<ConsistencyProof, NoteError> {
        let (lines, checkpoint) =
            text.split_once("\n\n").ok_or(NoteError::Malformed("a proof ends with an empty line and a checkpoint"))?;
        let mut lines = lines.split('\n');
        let old = lines.next().and_then(|line| number(line.strip_prefix("old ")?));
        let old = old.ok_or(NoteError::Malformed("the first line of a proof says the older size"))?;
        Ok(ConsistencyProof { old, hashes: read_hashes(lines)?, checkpoint: checkpoint.into() })
    }

    /// The checkpoint of the log as it is, which begins with all that `older` had.
    ///
    /// # Errors
    /// [`NoteError`], if the checkpoint does not open, is of another log, or does not begin so.
    pub fn check(&self, older: &Checkpoint, keys: &[VerifierKey]) -> Result<Checkpoint, NoteError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, keys)?;
        if checkpoint.origin != older.origin {
            return Err(NoteError::Unproved("the two checkpoints are of two logs"));
        }
        if self.old == older.head.size && checkpoint.head.extends(&older.head, &self.hashes) {
            Ok(checkpoint)
        } else {
            Err(NoteError::Unproved("the newer checkpoint does not begin with what the older one had"))
        }
    }
}
