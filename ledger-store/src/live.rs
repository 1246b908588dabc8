//! Live: the folded ledger in memory, with what judging needs beside it: names, ids, programs and
//! the records that are not on disk yet.
//!
//! One thread judges and holds the write lock; readers take the read lock between events. What they
//! see may rest on records not durable yet, which is why reads go through `Pending`.

use crate::block::Staged;
use crate::causes::Entry;
use crate::disk::Disk;
use crate::error::Damage;
use crate::ids::{AsIs, Hash, Ids};
use crate::sealing::Seals;
use crate::shard::Quarantine;
use hmac::{Hmac, KeyInit, Mac};
use ledger_core::event::{Event, MemberRef, Name};
use ledger_core::features::membership::state::NameBinding;
use ledger_core::judge::{Failed, LogAccess, Programs, fire_some, judge, set_aside};
use ledger_core::member::Member;
use ledger_core::names::NameKey;
use ledger_core::outcome::Outcome;
use ledger_core::program::PreparedProgram;
use ledger_core::record::{Cause, Record};
use ledger_core::refusal::Refusal;
use ledger_core::sealed::{Hiding, Sealed, SealedFor, Sealing};
use ledger_core::state::{StaffRow, State};
use ledger_core::units::{At, MemberNo, Position, RiskKey, StaffNo};
use parking_lot::Mutex;
use sha2::Sha256;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

/// Members whose timers are fired before others get their turn: readers, and whoever has said something.
pub(crate) const TIMERS_PER_TURN: usize = 500;
/// Events judged before readers who wait get their turn.
pub(crate) const EVENTS_PER_TURN: usize = 64;

/// The ledger in memory.
pub(crate) struct Live {
    pub(crate) state: State,
    pub(crate) programs: Programs,
    pub(crate) book: StoreLog,
    /// The vocabulary as of the last batch.
    pub(crate) terms: Arc<Vec<Box<str>>>,
    /// How many events came again since the ledger was opened.
    pub(crate) duplicates: u64,
}

/// What an event is looked up by; hashed by whoever submits it, not by the judge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashes {
    id: u128,
    member: u128,
}

impl Hashes {
    pub(crate) fn of(event: &Event<Name>, hash: Hash) -> Hashes {
        Hashes { id: hash.id(event), member: hash.name(&event.member) }
    }
}

/// What came of an event.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It was judged; its record, in the batch that is being judged, tells the outcome.
    New(Position),
    /// It had come before.
    Again(Outcome),
}

/// Names, ids and records: the store's [`LogAccess`].
pub(crate) struct StoreLog {
    disk: Arc<Disk>,
    secret: [u8; 32],
    name_key: NameKey,
    pub(crate) seals: Seals,
    /// Members by the keyed 128-bit hash of their name: no string to follow, and no two alike.
    names: HashMap<u128, MemberNo, BuildHasherDefault<AsIs>>,
    /// The staff by the same hash of their names.
    staff: HashMap<u128, StaffNo, BuildHasherDefault<AsIs>>,
    /// Members by the hidden name of each of their aliases.
    aliases: HashMap<u128, MemberNo, BuildHasherDefault<AsIs>>,
    pub(crate) ids: Ids,
    /// Pages of history that have left their member's row and are not on disk yet.
    pub(crate) pages: BTreeMap<(MemberNo, u64), Vec<Position>>,
    staged: Staged,
    /// Batches on their way to disk, oldest first.
    in_flight: VecDeque<Arc<Staged>>,
    /// The block read last: events that come again come in order.
    last_block: Mutex<Option<crate::block::Block>>,
    /// Program files of the batch that is being judged, read by whoever submitted it.
    pub(crate) prepared: Vec<PreparedProgram>,
    /// What is set aside because it does not fold.
    pub(crate) quarantine: Quarantine,
}

impl LogAccess for StoreLog {
    type Error = Damage;

    fn member_no(&self, name: &str) -> Option<MemberNo> {
        self.names.get(&self.ids.hash.name(name)).copied()
    }

    fn alias(&self, name: &str) -> Option<MemberNo> {
        if self.aliases.is_empty() {
            return None;
        }
        self.aliases.get(&u128::from_le_bytes(self.keyed_hash(name).0)).copied()
    }

    fn staff_no(&self, name: &str) -> Option<StaffNo> {
        self.staff.get(&self.ids.hash.name(name)).copied()
    }

    fn keyed_hash(&self, name: &str) -> RiskKey {
        risk_key(&self.secret, "name", name)
    }

    fn hiding(&self) -> Hiding<'_> {
        Hiding { key: self.name_key, sealing: &self.seals }
    }

    fn answered(&self, source: &str, id: &str) -> Result<Option<Position>, Damage> {
        let Some(position) = self.ids.find(self.ids.hash.source_and_id(source, id), &self.disk)? else {
            return Ok(None);
        };
        // What is held back cannot be compared.
        let is_it = match self.record(position)?.cause() {
            Cause::Event(event) => (&*event.source, &*event.id) == (source, id),
            Cause::Timer { .. } | Cause::HeldBack => true,
        };
        Ok(is_it.then_some(position))
    }

    fn record(&self, position: Position) -> Result<Record, Damage> {
        let staged = std::iter::once(&self.staged).chain(self.in_flight.iter().map(|batch| &**batch));
        if let Some(record) = staged.filter_map(|batch| batch.record(position)).next() {
            return Ok(record.clone());
        }
        let mut last = self.last_block.lock();
        if last.as_ref().is_none_or(|block| block.verdict(position).is_none()) {
            *last = self.disk.block(position)?;
        }
        match last.as_ref().map_or(Ok(None), |block| block.record(position))? {
            Some(record) => Ok(record),
            None => Err(Damage::Row { row: format!("record {position}"), what: "is not in the log".into() }),
        }
    }

    fn append(&mut self, position: Position, record: Record) -> Result<(), Damage> {
        if self.staged.len() == 0 {
            self.staged = Staged::new(position, self.in_flight.back().map_or(0, |batch| batch.len()));
        }
        self.learn_names(&record)?;
        self.staged.push(record);
        Ok(())
    }

    fn failed(&mut self, failed: Failed) {
        self.quarantine.failed = Some(failed);
    }

    fn prepared(&self, text: &str) -> Option<&PreparedProgram> {
        self.prepared.iter().find(|prepared| prepared.is_of(text))
    }

    fn is_held(&self, no: MemberNo) -> bool {
        !self.quarantine.held.is_empty() && self.quarantine.held.contains(&no)
    }
}

impl StoreLog {
    pub(crate) fn new(disk: Arc<Disk>, secret: [u8; 32], seals: Seals, expected_ids: u64) -> StoreLog {
        StoreLog {
            disk,
            ids: Ids::new(&secret, expected_ids),
            name_key: NameKey::new(risk_key(&secret, "key", "names").0),
            secret,
            seals,
            names: HashMap::default(),
            staff: HashMap::default(),
            aliases: HashMap::default(),
            pages: BTreeMap::new(),
            staged: Staged::default(),
            in_flight: VecDeque::new(),
            last_block: Mutex::new(None),
            prepared: Vec::new(),
            quarantine: Quarantine::default(),
        }
    }

    /// Notes the name of a member, if it can be read at all.
    pub(crate) fn learn_name(&mut self, name: &Sealed, no: MemberNo) -> Result<(), Damage> {
        let name = self.open(SealedFor::member(no), name, || format!("the name of member {no}"))?;
        if let Some(name) = name {
            self.names.insert(self.ids.hash.name(&name), no);
        }
        Ok(())
    }

    /// Notes the name of somebody of the staff, if it can be read at all.
    pub(crate) fn learn_staff(&mut self, name: &Sealed, no: StaffNo) -> Result<(), Damage> {
        let name = self.open(SealedFor::staff(no), name, || format!("the name of staff {no}"))?;
        if let Some(name) = name {
            self.staff.insert(self.ids.hash.name(&name), no);
        }
        Ok(())
    }

    fn open(&self, of: SealedFor, name: &Sealed, what: impl FnOnce() -> String) -> Result<Option<Name>, Damage> {
        match self.seals.open(of, name) {
            None if !self.seals.is_unread() => Err(Damage::Sealed { what: what() }),
            name => Ok(name),
        }
    }

    /// The name of somebody of the staff, of whom this is the row.
    pub(crate) fn staff_name(&self, no: StaffNo, row: &StaffRow) -> Name {
        self.seals.open(SealedFor::staff(no), &row.name).unwrap_or_default()
    }

    /// The name of a member, of whom this is the row.
    pub(crate) fn name_of(&self, no: MemberNo, row: &Member) -> Name {
        self.seals.open(SealedFor::member(no), &row.name).unwrap_or_default()
    }

    /// Notes the aliases of a member's row.
    pub(crate) fn learn_aliases(&mut self, member: &Member, no: MemberNo) {
        for alias in member.aliases() {
            self.aliases.insert(u128::from_le_bytes(alias.key.0), no);
        }
    }

    /// Notes for whom names stand from a record on. Records come in order: whatever rows from several
    /// positions said of an alias, the last record that speaks of it is right.
    pub(crate) fn learn_names(&mut self, record: &Record) -> Result<(), Damage> {
        for naming in record.name_bindings() {
            match naming {
                NameBinding::Name(name, no) => self.learn_name(name, no)?,
                NameBinding::Staff(name, no) => self.learn_staff(name, no)?,
                NameBinding::Alias(key, no) => {
                    let key = u128::from_le_bytes(key.0);
                    match no {
                        MemberNo::NOBODY => self.aliases.remove(&key),
                        no => self.aliases.insert(key, no),
                    };
                }
            }
        }
        Ok(())
    }

    /// Everything judged since the last call, ready for the disk; nothing if nothing was.
    pub(crate) fn take_staged(&mut self) -> Option<Arc<Staged>> {
        if self.staged.len() == 0 {
            return None;
        }
        let staged = Arc::new(std::mem::take(&mut self.staged));
        self.in_flight.push_back(staged.clone());
        Some(staged)
    }

    /// The last record that was handed on; 0 if all are on disk.
    pub(crate) fn last_in_flight(&self) -> Position {
        self.in_flight.back().map_or(Position(0), |batch| batch.last())
    }

    /// Whether a record that was just judged says that its event is set aside.
    fn is_set_aside(&self, position: Position) -> bool {
        let record = || self.staged.record(position);
        !self.quarantine.held.is_empty()
            && record().is_some_and(|record| record.verdict.refusal == Some(Refusal::EventQuarantined))
    }

    /// Hands back the batches that are on disk: freeing all their records takes a while, and whoever judges
    /// has better things to do.
    pub(crate) fn take_committed(&mut self, committed: Position) -> Vec<Arc<Staged>> {
        let count = self.in_flight.iter().take_while(|batch| batch.last() <= committed).count();
        self.in_flight.drain(..count).collect()
    }
}

impl Live {
    /// Judges one event, or answers again what was answered before.
    pub(crate) fn submit(&mut self, hashes: Hashes, event: Event<Name>, at: At) -> Result<Answer, Damage> {
        let Some(first) = self.book.ids.find(hashes.id, &self.book.disk)? else {
            if let Some(position) = self.book.quarantine.ids.get(&hashes.id).copied() {
                self.duplicates += 1;
                return Ok(Answer::Again(Outcome::of(position, &*self.book.record(position)?, true)));
            }
            let position = judge(&mut self.state, &mut self.programs, &mut self.book, event, at, false)?;
            if self.book.is_set_aside(position) {
                self.book.quarantine.ids.insert(hashes.id, position);
            } else {
                self.book.ids.insert(hashes.id, position);
            }
            return Ok(Answer::New(position));
        };
        let record = self.book.record(first)?;
        // What is held back cannot be compared: whoever says it again is told what came of it.
        if record.cause() == Cause::HeldBack || self.is(&event, &record) {
            self.duplicates += 1;
            return Ok(Answer::Again(Outcome::of(first, &record, true)));
        }
        if let Some(position) = self.refused_before(&event)? {
            self.duplicates += 1;
            return Ok(Answer::Again(Outcome::of(position, &*self.book.record(position)?, true)));
        }
        let position = judge(&mut self.state, &mut self.programs, &mut self.book, event, at, true)?;
        if let Some(conflict) = self.book.ids.key_of(&self.book.record(position)?, Entry::None)? {
            self.book.ids.insert(conflict, position);
        }
        Ok(Answer::New(position))
    }

    /// Records an event as set aside; the state is as it was before it. Its id stays free.
    pub(crate) fn set_aside(&mut self, hashes: Hashes, failed: Failed, at: At) -> Result<Answer, Damage> {
        let position = set_aside(&mut self.state, &mut self.programs, &mut self.book, failed, at)?;
        self.book.quarantine.ids.insert(hashes.id, position);
        Ok(Answer::New(position))
    }

    /// What is answered of a record is told from it now: it goes to disk with an earlier batch than its answer.
    pub(crate) fn settle(&self, answer: &mut Answer) {
        if let Answer::New(position) = answer
            && let Some(record) = self.book.staged.record(*position)
        {
            *answer = Answer::Again(Outcome::of(*position, record, false));
        }
    }

    /// The ledger as it was read again takes the place of this one.
    pub(crate) fn replace(&mut self, mut again: Live) {
        again.duplicates = self.duplicates;
        again.book.quarantine = std::mem::take(&mut self.book.quarantine);
        again.book.ids.take_over(&self.book.ids);
        again.end_batch();
        *self = again;
    }

    /// The record that refused this event because its id was used before with another body. Whoever is a member now
    /// may have been none by then, and is meant by number or by a hidden name.
    fn refused_before(&self, event: &Event<Name>) -> Result<Option<Position>, Damage> {
        let (mut people, mut is_staff_known) = (Vec::with_capacity(2), true);
        let who = |name: Name| {
            let (who, known) = match &*name {
                "" => (MemberRef::Nobody, None),
                name => (MemberRef::Unknown(self.book.keyed_hash(name)), self.book.member_no(name)),
            };
            people.push((who, known));
            who
        };
        let hidden = event.clone().map(who, |name| {
            let no = self.book.staff_no(&name);
            is_staff_known &= name.is_empty() || no.is_some();
            no.unwrap_or_default()
        });
        if !is_staff_known {
            return Ok(None);
        }
        // Bit n: the n-th one is meant by number.
        for by_number in 0..1usize << people.len() {
            let mut people = people.iter().enumerate();
            let is_known = |n: usize| by_number >> n & 1 == 1;
            if people.clone().any(|(n, (_, known))| is_known(n) && known.is_none()) {
                continue;
            }
            let by_number = |who| match people.next() {
                Some((n, (_, Some(no)))) if is_known(n) => MemberRef::Known(*no),
                _ => who,
            };
            let said = hidden.clone().map(by_number, |staff| staff);
            if let Some(position) = self.book.ids.find(self.book.ids.hash.conflict(&said)?, &self.book.disk)? {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// Touches what judging these events will touch, all at once: memory answers many such calls in
    /// the time of one, where judging one event after the other would wait for each. Each step is a loop
    /// of its own, short enough that the processor looks ahead over several events. Changes nothing.
    pub(crate) fn prefetch(&self, events: &[Hashes]) {
        let mut touched = 0;
        let mut numbers = [MemberNo::NOBODY; EVENTS_PER_TURN];
        for event in events {
            touched ^= self.book.ids.prefetch(event.id);
        }
        for (event, number) in events.iter().zip(&mut numbers) {
            *number = self.book.names.get(&event.member).copied().unwrap_or_default();
        }
        std::hint::black_box(touched);
        self.state.prefetch(&numbers);
    }

    /// The outcome of an event by its source and id, if there is one.
    pub(crate) fn outcome(&self, event: &Event<Name>) -> Result<Option<Outcome>, Damage> {
        let Some(position) = self.book.ids.find(self.book.ids.hash.id(event), &self.book.disk)? else {
            return Ok(None);
        };
        Ok(Some(Outcome::of(position, &*self.book.record(position)?, true)))
    }

    /// Fires some of what is due at or before `at`; answers whether there is more.
    pub(crate) fn tick(&mut self, at: At) -> Result<bool, Damage> {
        fire_some(&mut self.state, &mut self.programs, &mut self.book, at, TIMERS_PER_TURN)
    }

    /// What follows a batch: new pages of history go where readers and snapshots find them, and new
    /// words where readers share them.
    pub(crate) fn end_batch(&mut self) {
        for page in self.state.take_pages() {
            self.book.pages.insert((page.member, page.page), page.positions);
        }
        if self.terms.len() != self.state.shared.terms.len() {
            self.terms = Arc::new(self.state.shared.terms.clone());
        }
    }

    /// Whether a record's event is this one: the same in every field, and of the same people.
    fn is(&self, event: &Event<Name>, record: &Record) -> bool {
        let Cause::Event(recorded) = record.cause() else { return false };
        let (mut people, mut staff) = (Vec::with_capacity(2), Vec::with_capacity(2));
        let recorded_as = recorded.clone().map(|who| people.push(who), |no| staff.push(no));
        let (mut people, mut staff) = (people.into_iter(), staff.into_iter());
        let (mut are_same, mut same_staff) = (true, true);
        let who = |name: Name| {
            are_same &= match people.next() {
                Some(MemberRef::Nobody) => name.is_empty(),
                Some(MemberRef::Known(no)) => self.book.member_no(&name) == Some(no),
                Some(MemberRef::Unknown(hash) | MemberRef::Alias(_, hash)) => self.book.keyed_hash(&name) == hash,
                None => false,
            };
        };
        let said = event.clone().map(who, |name| {
            let no = if name.is_empty() { Some(StaffNo::NOBODY) } else { self.book.staff_no(&name) };
            same_staff &= no.is_some() && staff.next() == no;
        });
        are_same && same_staff && said == recorded_as
    }
}

/// A keyed hash of a device, address, phone or unknown name: HMAC-SHA-256, first 128 bits.
pub(crate) fn risk_key(secret: &[u8; 32], kind: &str, text: &str) -> RiskKey {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(kind.as_bytes());
    mac.update(&[0]);
    mac.update(text.as_bytes());
    let hash = mac.finalize().into_bytes();
    let mut key = [0; 16];
    key.copy_from_slice(&hash[..16]);
    RiskKey(key)
}
