//! Sealed: what can be said of event ids by whoever has no key.

use super::FINDINGS_MAX;
use crate::disk::Disk;
use crate::error::Damage;
use crate::ids;
use crate::keys;
use ledger_core::units::Position;

/// Records whose causes are sealed: which ids they have is not known, but that each has one is.
#[derive(Default)]
pub(super) struct SealedIds {
    /// How many there are, those without an id among them.
    pub(super) records: u64,
    /// Those with an id: bit n of word m is the record at 64 m + n.
    owing: Vec<u64>,
}

impl SealedIds {
    /// Notes a record; whoever was set aside has no id.
    pub(super) fn note(&mut self, position: Position, has_id: bool) {
        self.records += 1;
        let (word, bit) = place(position);
        if has_id {
            self.owing.resize(self.owing.len().max(word + 1), 0);
            self.owing[word] |= bit;
        }
    }

    /// Looks for their ids, and answers how many there are. Those up to `folded` must be there.
    pub(super) fn find(mut self, disk: &Disk, folded: Position, astray: &mut Vec<Position>) -> Result<u64, Damage> {
        if self.records == 0 {
            return Ok(0);
        }
        let mut found = 0;
        for row in disk.scan(keys::IDS, b"") {
            let (word, bit) = place(ids::position(&row?.1)?);
            // A second id of a record is none of its own.
            if let Some(owing) = self.owing.get_mut(word).filter(|owing| **owing & bit != 0) {
                *owing ^= bit;
                found += 1;
            }
        }
        let missing = (1..=folded.0).map(Position).filter(|position| {
            let (word, bit) = place(*position);
            self.owing.get(word).is_some_and(|owing| owing & bit != 0)
        });
        astray.extend(missing.take(FINDINGS_MAX.saturating_sub(astray.len())));
        Ok(found)
    }
}

fn place(position: Position) -> (usize, u64) {
    (usize::try_from(position.0 / 64).unwrap_or(usize::MAX), 1 << (position.0 % 64))
}
