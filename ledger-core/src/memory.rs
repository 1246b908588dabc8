//! A whole ledger in memory: state, names and the log as bytes.
//!
//! It serves stories, `ledgerd program test`, and the tests as the simplest true ledger there is.
//! Nothing here is durable; the store does the same with a disk.

use crate::features::membership::state::NameBinding;
use crate::judge::{LogAccess, Programs, find, fire_due, judge, named, preview};
use crate::kernel::bytes::decode;
use crate::kernel::names::NameKey;
use crate::kernel::sealed::{Hiding, Plain, Sealed};
use crate::kernel::units::{At, MemberNo, Position, RiskKey, StaffNo};
use crate::tables::event::{Event, Name};
use crate::tables::fold::{Corrupt, fold};
use crate::tables::outcome::Outcome;
use crate::tables::record::{Record, Verdict};
use crate::tables::state::State;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use sha2::{Digest, Sha256};

/// A ledger in memory.
#[derive(Debug)]
pub struct Memory {
    /// The folded state.
    pub state: State,
    /// The compiled programs.
    pub programs: Programs,
    /// How many events came again.
    pub duplicates: u64,
    log: Log,
    conflicts: Vec<(Event<Name>, Position)>,
}

/// The bytes of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Of its verdict part.
    pub verdict: Vec<u8>,
    /// Of its cause part; none if nothing was said.
    pub cause: Vec<u8>,
}

type SourceAndId = (Box<str>, Box<str>);

#[derive(Debug, Default)]
struct Log {
    /// Everybody knows it, unless another was given.
    key: NameKey,
    names: BTreeMap<Box<str>, MemberNo>,
    staff: BTreeMap<Box<str>, StaffNo>,
    aliases: BTreeMap<RiskKey, MemberNo>,
    records: Vec<Stored>,
    /// Every event by its source and id, and where it was answered.
    said: BTreeMap<SourceAndId, (Event<Name>, Position)>,
    /// The one appended last.
    last: Option<Record>,
}

impl LogAccess for Log {
    type Error = Corrupt;

    fn member_no(&self, name: &str) -> Option<MemberNo> {
        self.names.get(name).copied()
    }

    fn alias(&self, name: &str) -> Option<MemberNo> {
        self.aliases.get(&self.keyed_hash(name)).copied()
    }

    fn staff_no(&self, name: &str) -> Option<StaffNo> {
        self.staff.get(name).copied()
    }

    fn keyed_hash(&self, name: &str) -> RiskKey {
        hash_key("name", name)
    }

    fn hiding(&self) -> Hiding<'_> {
        Hiding { key: self.key, sealing: &Plain }
    }

    fn answered(&self, source: &str, id: &str) -> Result<Option<Position>, Corrupt> {
        let said = self.said.get(&(source.into(), id.into()));
        Ok(said.map(|(_, position)| *position))
    }

    fn record(&self, position: Position) -> Result<Record, Corrupt> {
        let at = usize::try_from(position.0).ok().and_then(|at| at.checked_sub(1));
        let stored = at.and_then(|at| self.records.get(at)).ok_or(Corrupt::Bytes { what: "no such record" })?;
        Record::decode(&stored.verdict, &stored.cause)
    }

    fn append(&mut self, _: Position, record: Record) -> Result<(), Corrupt> {
        let mut stored = Stored::default();
        record.encode(&mut stored.verdict, &mut stored.cause)?;
        self.records.push(stored);
        for naming in record.name_bindings() {
            let own = |name: &Sealed| name.as_plain().unwrap_or_default().into();
            match naming {
                NameBinding::Name(name, no) => drop(self.names.insert(own(name), no)),
                NameBinding::Staff(name, no) => drop(self.staff.insert(own(name), no)),
                NameBinding::Alias(key, MemberNo::NOBODY) => drop(self.aliases.remove(&key)),
                NameBinding::Alias(key, no) => drop(self.aliases.insert(key, no)),
            }
        }
        self.last = Some(record);
        Ok(())
    }
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::new()
    }
}

impl Memory {
    /// An empty ledger.
    pub fn new() -> Memory {
        Memory {
            state: State::new(),
            programs: Programs::default(),
            duplicates: 0,
            log: Log::default(),
            conflicts: Vec::new(),
        }
    }

    /// An empty ledger whose short names are under this key.
    pub fn under(key: NameKey) -> Memory {
        Memory { log: Log { key, ..Log::default() }, ..Memory::new() }
    }

    /// How it hides names.
    pub fn hiding(&self) -> Hiding<'_> {
        self.log.hiding()
    }

    /// Judges an event at ledger time `at`.
    ///
    /// # Errors
    /// Only on a bug: the record does not fold.
    pub fn submit(&mut self, event: Event<Name>, at: At) -> Result<Outcome, Corrupt> {
        let key = (event.source.clone(), event.id.clone());
        let mut reused = false;
        if let Some((first, position)) = self.log.said.get(&key) {
            let conflict = self.conflicts.iter().find(|(other, _)| *other == event);
            let again = if *first == event { Some(*position) } else { conflict.map(|(_, position)| *position) };
            if let Some(position) = again {
                self.duplicates = self.duplicates.saturating_add(1);
                return Ok(Outcome::of(position, &*self.log.record(position)?, true));
            }
            reused = true;
        }
        let position = judge(&mut self.state, &mut self.programs, &mut self.log, event.clone(), at, reused)?;
        if reused {
            self.conflicts.push((event, position));
        } else {
            self.log.said.insert(key, (event, position));
        }
        // What waited for it may have a record behind it.
        match self.log.last.as_ref().filter(|_| position == self.state.shared.position) {
            Some(record) => Ok(Outcome::of(position, record, false)),
            None => Ok(Outcome::of(position, &*self.log.record(position)?, false)),
        }
    }

    /// What would come of a command at `at`.
    ///
    /// # Errors
    /// Only on a bug.
    pub fn preview(&self, event: Event<Name>, at: At) -> Result<Verdict, Corrupt> {
        preview(&self.state, &self.programs, &self.log, event, at)
    }

    /// Fires everything due at or before `at`.
    ///
    /// # Errors
    /// As [`Memory::submit`].
    pub fn tick(&mut self, at: At) -> Result<(), Corrupt> {
        fire_due(&mut self.state, &mut self.programs, &mut self.log, at)
    }

    /// The number of a member, by its own name or an alias.
    pub fn member_no(&self, name: &str) -> Option<MemberNo> {
        find(&self.log, name)
    }

    /// The name of a member; empty if there is none of this number.
    pub fn name(&self, no: MemberNo) -> &str {
        self.state.member(no).and_then(|member| member.name.as_plain()).unwrap_or_default()
    }

    /// The name of somebody of the staff; empty if there is none of this number.
    pub fn staff_name(&self, no: StaffNo) -> &str {
        self.state.staff(no).and_then(|row| row.name.as_plain()).unwrap_or_default()
    }

    /// The record that the event of a record names, if it names one and that is there.
    ///
    /// # Errors
    /// Only on a bug.
    pub fn named(&self, record: &Record) -> Result<Option<Position>, Corrupt> {
        named(&self.log, record)
    }

    /// A record of the log.
    ///
    /// # Errors
    /// If there is none at this position.
    pub fn record(&self, position: Position) -> Result<Record, Corrupt> {
        self.log.record(position)
    }

    /// The records as stored, oldest first.
    pub fn log(&self) -> &[Stored] {
        &self.log.records
    }

    /// The state that folding the log from its beginning makes.
    ///
    /// # Errors
    /// If a record does not fold.
    pub fn refold(&self) -> Result<State, Corrupt> {
        let mut state = State::new();
        for stored in &self.log.records {
            let position = state.shared.position.next();
            fold(&mut state, position, &decode(&stored.verdict)?)?;
        }
        Ok(state)
    }
}

/// An unkeyed hash in place of the keyed one, for ledgers in memory alone.
pub fn hash_key(kind: &str, text: &str) -> RiskKey {
    let hash = Sha256::new().chain_update(kind).chain_update([0]).chain_update(text).finalize();
    let mut key = [0; 16];
    key.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    RiskKey(key)
}
