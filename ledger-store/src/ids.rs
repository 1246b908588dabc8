//! Event ids: which record first answered an id, for ever.
//!
//! An id is known by a keyed 128-bit hash (SipHash-1-3 under the ledger's secret) of source and id; a
//! hash that is found is confirmed in the record it names, so a collision can only cost a look. In
//! front stands a filter: nearly every new event is told so by one touch of memory. Behind it come
//! the ids since the last snapshot, the ids a snapshot is writing, and the family `ids` on disk.

use crate::causes::Entry;
use crate::disk::Disk;
use crate::error::Damage;
use crate::filter::Filter;
use crate::keys;
use ledger_core::bytes::encode;
use ledger_core::event::{Event, MemberRef, People};
use ledger_core::fold::Corrupt;
use ledger_core::record::{Cause, Record};
use ledger_core::refusal::Refusal;
use ledger_core::units::Position;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// The smallest filter is made for so many ids; each further one for twice as many as the last.
const FILTER_IDS: usize = 4 << 20;
/// Hashes that are their own hash.
#[derive(Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let word: [u8; 8] = bytes.get(..8).and_then(|word| word.try_into().ok()).unwrap_or_default();
        self.0 = u64::from_le_bytes(word);
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

/// The keyed hashes by which ids and names are known.
#[derive(Clone, Copy)]
pub(crate) struct Hash(u64, u64);

impl Hash {
    pub(crate) fn new(secret: &[u8; 32]) -> Hash {
        let word = |at: usize| u64::from_le_bytes(secret[at..at + 8].try_into().unwrap_or_default());
        Hash(word(0), word(8))
    }

    /// The hash of an event's source and id.
    pub(crate) fn id<W: People>(self, event: &Event<W>) -> u128 {
        self.source_and_id(&event.source, &event.id)
    }

    /// The same, of the event of this source and id.
    pub(crate) fn source_and_id(self, source: &str, id: &str) -> u128 {
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        hasher.write(&(source.len() as u64).to_le_bytes());
        hasher.write(source.as_bytes());
        hasher.write(id.as_bytes());
        hasher.finish128().as_u128()
    }

    /// The hash of a member's name.
    pub(crate) fn name(self, name: &str) -> u128 {
        let mut hasher = SipHasher13::new_with_keys(!self.0, self.1);
        hasher.write(name.as_bytes());
        hasher.finish128().as_u128()
    }

    /// The hash of an event whose id was used before with another body: the whole event, of members by number and of
    /// others by their hidden names, aliases among them, so that it stays the same when an alias gets another member.
    pub(crate) fn conflict(self, event: &Event<MemberRef>) -> Result<u128, Corrupt> {
        let mut bytes = Vec::new();
        encode(event, &mut bytes)?;
        // Other keys than `id`, so that the two can never meet.
        let mut hasher = SipHasher13::new_with_keys(self.1, !self.0);
        hasher.write(&bytes);
        Ok(hasher.finish128().as_u128())
    }
}

/// The hash of an id, and the record it names.
pub(crate) type IdMap = HashMap<u128, Position, BuildHasherDefault<AsIs>>;

/// All ids of a ledger.
pub(crate) struct Ids {
    pub(crate) hash: Hash,
    filters: Vec<Filter>,
    /// Since the last snapshot.
    recent: IdMap,
    /// On their way into a snapshot.
    sealed: Arc<IdMap>,
}

impl Ids {
    /// No ids yet, with room for `expected` in the first filter.
    pub(crate) fn new(secret: &[u8; 32], expected: u64) -> Ids {
        let room = usize::try_from(expected).unwrap_or(usize::MAX / 4).saturating_mul(2).max(FILTER_IDS);
        Ids {
            hash: Hash::new(secret),
            filters: vec![Filter::new(room)],
            recent: IdMap::default(),
            sealed: Arc::default(),
        }
    }

    /// Under which hash a record is found; timers have none, nor has what was set aside. A cause that is held back
    /// brings its own.
    pub(crate) fn key_of(&self, record: &Record, entry: Entry<'_>) -> Result<Option<u128>, Corrupt> {
        match record.cause() {
            Cause::Event(event) if record.verdict.refusal == Some(Refusal::IdReused) => {
                let hidden = |who| match who {
                    MemberRef::Alias(_, hash) => MemberRef::Unknown(hash),
                    MemberRef::Nobody | MemberRef::Known(_) | MemberRef::Unknown(_) => who,
                };
                let event = event.clone().map(hidden, |staff| staff);
                self.hash.conflict(&event).map(Some)
            }
            // It was set aside, and may come again.
            Cause::Event(_) if record.verdict.refusal == Some(Refusal::EventQuarantined) => Ok(None),
            Cause::Event(event) => Ok(Some(self.hash.id(event))),
            Cause::Timer { .. } => Ok(None),
            Cause::HeldBack => match entry {
                Entry::HeldBack { id, .. } => Ok(Some(id)),
                Entry::None | Entry::Plain(_) | Entry::Sealed { .. } => Ok(None),
            },
        }
    }

    /// Whether the filters know this hash; they may err, for few hashes, and never the other way.
    pub(crate) fn may_have(&self, key: u128) -> bool {
        self.filters.iter().any(|filter| filter.may_have(key))
    }

    /// Touches what asking for this hash and noting it will touch; what it returns means nothing.
    pub(crate) fn prefetch(&self, key: u128) -> u64 {
        u64::from(self.may_have(key)) ^ self.recent.get(&key).map_or(0, |position| position.0)
    }

    /// The record that first answered this hash.
    pub(crate) fn find(&self, key: u128, disk: &Disk) -> Result<Option<Position>, Damage> {
        if !self.may_have(key) {
            return Ok(None);
        }
        if let Some(position) = self.recent.get(&key).or_else(|| self.sealed.get(&key)) {
            return Ok(Some(*position));
        }
        match disk.get(keys::IDS, &key.to_be_bytes())? {
            Some(bytes) => Ok(Some(position(&bytes)?)),
            None => Ok(None),
        }
    }

    /// Notes the record that answered this hash.
    pub(crate) fn insert(&mut self, key: u128, position: Position) {
        self.remember(key);
        self.recent.insert(key, position);
    }

    /// Tells the filters of an id that is on disk.
    pub(crate) fn remember(&mut self, key: u128) {
        let full = match self.filters.last_mut() {
            Some(filter) if filter.room() > 0 => return filter.insert(key),
            Some(filter) => filter.keys(),
            None => 0,
        };
        let mut another = Filter::new(full.saturating_mul(2).max(FILTER_IDS));
        another.insert(key);
        self.filters.push(another);
    }

    /// Hands the recent ids to a snapshot; they are found until [`Ids::unseal`].
    pub(crate) fn seal(&mut self) -> Arc<IdMap> {
        // As many will come until the next snapshot: growing to that from nothing moves each of them twice.
        let next = IdMap::with_capacity_and_hasher(self.recent.len(), Default::default());
        let mut sealed = std::mem::replace(&mut self.recent, next);
        if !self.sealed.is_empty() {
            // The snapshot before this one failed: its ids go with these.
            sealed.extend(self.sealed.iter().map(|(key, position)| (*key, *position)));
        }
        self.sealed = Arc::new(sealed);
        self.sealed.clone()
    }

    /// These ids were read from disk again, while a snapshot may be writing what the others sealed: that is sealed here
    /// as well, so that no snapshot writes it twice.
    pub(crate) fn take_over(&mut self, others: &Ids) {
        self.sealed = others.sealed.clone();
        self.recent.retain(|key, _| !others.sealed.contains_key(key));
    }

    /// The sealed ids are on disk.
    pub(crate) fn unseal(&mut self) {
        self.sealed = Arc::default();
    }
}

/// Reads the value of a row of `ids`.
pub(crate) fn position(bytes: &[u8]) -> Result<Position, Damage> {
    let bytes: [u8; 8] =
        bytes.try_into().map_err(|_| Damage::Row { row: "ids".into(), what: "is not 8 bytes".into() })?;
    Ok(Position(u64::from_le_bytes(bytes)))
}
