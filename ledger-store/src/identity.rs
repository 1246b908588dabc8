//! Identity: which ledger a position is of. A number within a log says nothing outside of it: whatever leaves
//! the process (tokens, outbox ids, proofs, the mark) says ledger, lineage and shard with it.

use crate::disk::{Disk, drawn};
use crate::error::{Damage, OpenError};
use crate::keys;
use ledger_core::units::Position;
use std::fmt;

/// Bytes of an identity as it is stored.
pub(crate) const STORED_BYTES: usize = 22;
/// The lineage of a ledger that was never restored.
pub(crate) const FIRST_LINEAGE: u32 = 1;

/// What a ledger is told from every other by, for ever: 16 bytes, drawn or given when it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LedgerId(pub [u8; 16]);

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which ledger, which line of its history, and which shard of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The ledger.
    pub ledger: LedgerId,
    /// Which line of its history: the first is 1. Whoever restores a copy that lacks records moves it on, since
    /// other records then take the positions of those that are gone. A change of who leads does not.
    pub lineage: u32,
    /// The shard.
    pub shard: u16,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lineage {} shard {}", self.ledger, self.lineage, self.shard)
    }
}

impl Identity {
    /// As it is stored: ledger, lineage u32, shard u16.
    pub(crate) fn to_bytes(self) -> [u8; STORED_BYTES] {
        let mut bytes = [0; STORED_BYTES];
        bytes[..16].copy_from_slice(&self.ledger.0);
        bytes[16..20].copy_from_slice(&self.lineage.to_le_bytes());
        bytes[20..].copy_from_slice(&self.shard.to_le_bytes());
        bytes
    }

    /// Reads what is stored.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Identity> {
        let (ledger, behind) = bytes.split_first_chunk::<16>()?;
        let (lineage, shard) = behind.split_first_chunk::<4>()?;
        let (lineage, shard) = (u32::from_le_bytes(*lineage), u16::from_le_bytes(shard.try_into().ok()?));
        let is_known = lineage >= FIRST_LINEAGE && shard == keys::SHARD;
        is_known.then_some(Identity { ledger: LedgerId(*ledger), lineage, shard })
    }
}

impl Disk {
    /// Which ledger this is; `None` if it is still being made.
    pub(crate) fn stored_identity(&self) -> Result<Option<Identity>, Damage> {
        match self.get(keys::META, keys::IDENTITY)? {
            Some(stored) => {
                let wrong = || Damage::Row { row: "identity".into(), what: "is no identity".into() };
                Identity::from_bytes(&stored).map(Some).ok_or_else(wrong)
            }
            None => self.must_be_new("identity").map(|()| None),
        }
    }

    /// Which ledger this is: what was given or drawn when it was made.
    pub(crate) fn identity(&self, given: Option<LedgerId>) -> Result<Identity, OpenError> {
        if let Some(identity) = self.stored_identity()? {
            return match given {
                Some(given) if given != identity.ledger => {
                    Err(OpenError::OtherLedger { found: identity.ledger, given })
                }
                _ => Ok(identity),
            };
        }
        let ledger = given.map_or_else(|| drawn().map(LedgerId), Ok)?;
        let identity = Identity { ledger, lineage: FIRST_LINEAGE, shard: keys::SHARD };
        self.put_meta(keys::IDENTITY, identity.to_bytes())?;
        Ok(identity)
    }

    /// Where each lineage but the first began.
    pub(crate) fn lineages(&self) -> Result<Vec<(u32, Position)>, Damage> {
        let mut lineages = Vec::new();
        for row in self.scan(keys::META, keys::LINEAGE) {
            let (key, value) = row?;
            let Some(lineage) = key.strip_prefix(keys::LINEAGE) else { break };
            let lineage = lineage.try_into().map(u32::from_be_bytes);
            let begin = <[u8; 8]>::try_from(&*value).map(u64::from_le_bytes);
            match (lineage, begin) {
                (Ok(lineage), Ok(begin)) => lineages.push((lineage, Position(begin))),
                _ => return Err(Damage::Row { row: "lineage".into(), what: "is no lineage".into() }),
            }
        }
        Ok(lineages)
    }
}
