//! Causes: what was said in the records of a block, in clear or sealed, and what stands in place of what is held back.
//!
//! ```text
//! sealed: hashes_len u32, variable | the salted hash of each as one frame | scheme u8 | the frame of causes, sealed
//! ```
//! They are sealed all together, behind their compression: a block costs one tag, and what is alike in them is told
//! once. The hashes, which the tree covers, stand in clear beside them: whoever has no key hashes the tree all the
//! same, and it is the tree of what was said, whatever seals it.

use crate::error::Damage;
use crate::frame::{self, Frame, Packer, put_length, take_length};
use crate::sealing::{Own, Seals};
use ledger_core::fold::Corrupt;
use ledger_core::merkle::{Hash, NO_CAUSE, cause_hash};
use ledger_core::record::{Record, VerdictPart, Why};
use ledger_core::salts::SaltWalk;
use ledger_core::units::Position;

/// With this byte begins what stands for a cause that is held back; a value begins with its version, which is another.
const HELD_BACK: u8 = 0;

/// What stands in a block of what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'b> {
    /// Nothing was said.
    None,
    /// The bytes of the event.
    Plain(&'b [u8]),
    /// Something, which is not here.
    HeldBack {
        /// The hash of its bytes.
        hash: Hash,
        /// Under which key `ids` has the record.
        id: u128,
    },
    /// Something, which is sealed, and nobody is to read it.
    Sealed {
        /// The hash of its bytes.
        hash: Hash,
    },
}

impl Entry<'_> {
    fn read(bytes: &[u8]) -> Result<Entry<'_>, &'static str> {
        match bytes.split_first() {
            None => Ok(Entry::None),
            Some((&HELD_BACK, held_back)) => {
                let told = held_back.split_first_chunk::<32>();
                let (hash, id) = told.ok_or("a cause is neither there nor held back")?;
                let id = id.try_into().map_err(|_| "a cause is neither there nor held back")?;
                Ok(Entry::HeldBack { hash: *hash, id: u128::from_be_bytes(id) })
            }
            Some(_) => Ok(Entry::Plain(bytes)),
        }
    }

    /// The hash of what was said at a position.
    pub(crate) fn hash(&self, position: Position, salts: &mut SaltWalk) -> Result<Hash, Damage> {
        match self {
            Entry::None => Ok(NO_CAUSE),
            Entry::HeldBack { hash, .. } | Entry::Sealed { hash } => Ok(*hash),
            Entry::Plain(bytes) => match salts.salt(position) {
                Some(salt) => Ok(cause_hash(&salt, bytes)),
                None => Err(Damage::Row { row: "salts".into(), what: format!("that of record {position} is gone") }),
            },
        }
    }

    /// The record whose verdict part this is.
    pub(crate) fn join(&self, verdict_part: VerdictPart) -> Result<Record, Damage> {
        match (self, verdict_part.why) {
            (Entry::HeldBack { .. } | Entry::Sealed { .. }, Why::Said { .. }) => Ok(verdict_part.into()),
            (Entry::HeldBack { .. } | Entry::Sealed { .. }, Why::Timer { .. }) => {
                Err(Corrupt::Bytes { what: "a timer has a cause that is not shown" }.into())
            }
            (Entry::Plain(bytes), _) => Ok(verdict_part.with_cause(bytes)?),
            (Entry::None, _) => Ok(verdict_part.with_cause(&[])?),
        }
    }
}

/// What was said in the records of a block, as far as it is there.
#[derive(Debug)]
pub(crate) struct Causes {
    /// What was said in each; nothing if that is sealed, and nobody is to read it.
    parts: Option<Frame>,
    /// The hash of each, where they are sealed.
    hashes: Vec<Hash>,
}

impl Causes {
    /// The bytes of a block that has them sealed, where there is a key: the hashes of all, and their frame.
    pub(crate) fn seal(
        seals: &Seals,
        first: Position,
        frame: &[u8],
        hashes: &[u8],
        packer: &mut Packer,
    ) -> Result<Option<Vec<u8>>, Damage> {
        let Some(sealed) = seals.seal_own(Own::Causes(first), frame) else { return Ok(None) };
        let (hashes, mut bytes) = (frame::pack(hashes, packer)?, Vec::new());
        put_length(&mut bytes, hashes.len());
        bytes.extend_from_slice(&hashes);
        bytes.extend_from_slice(&sealed);
        Ok(Some(bytes))
    }

    /// Those of a block that has them in clear.
    pub(crate) fn unpack(packed: &[u8], count: usize) -> Result<Causes, &'static str> {
        Ok(Causes { parts: Some(Frame::unpack(packed, count)?), hashes: Vec::new() })
    }

    /// Those of the block that begins at `first` and has them sealed.
    pub(crate) fn open(seals: &Seals, first: Position, stored: &[u8], count: usize) -> Result<Causes, Damage> {
        let damage = |what| Damage::Block { last: Position(first.0 + count as u64 - 1), what };
        let cut = take_length(stored).and_then(|(length, behind)| behind.split_at_checked(length));
        let (hashes, sealed) = cut.ok_or_else(|| damage("shorter than the hashes of its causes"))?;
        let hashes = frame::unpacked(hashes).map_err(damage)?;
        let (hashes, rest) = hashes.as_chunks();
        if hashes.len() != count || !rest.is_empty() {
            return Err(damage("has not one hash for each of its causes"));
        }
        let hashes = hashes.to_vec();
        let parts = match seals.open_own(Own::Causes(first), sealed)? {
            Some(packed) => Some(Frame::unpack(&packed, count).map_err(damage)?),
            None => None,
        };
        Ok(Causes { parts, hashes })
    }

    /// What was said in the record at this place of the block.
    pub(crate) fn entry(&self, at: usize) -> Result<Entry<'_>, &'static str> {
        match (&self.parts, self.hashes.get(at)) {
            (Some(parts), _) => Entry::read(parts.part(at).ok_or("has no such record")?),
            (None, Some(&NO_CAUSE)) => Ok(Entry::None),
            (None, Some(hash)) => Ok(Entry::Sealed { hash: *hash }),
            (None, None) => Err("has no such record"),
        }
    }

    /// The hash that stands beside what is sealed at this place of the block.
    pub(crate) fn hash(&self, at: usize) -> Option<&Hash> {
        self.hashes.get(at)
    }
}
