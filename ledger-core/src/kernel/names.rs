//! Names: of whom and of what events speak, as they are said and as they are kept.

use crate::kernel::units::{MemberNo, Position, RiskKey, StaffNo};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::Hasher;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;

/// A member's name outside the ledger (account, card, phone …); empty where an event has no member.
pub type Name = Box<str>;

/// How an event speaks of people.
pub trait People {
    /// How it speaks of the staff.
    type Staff: Serialize + DeserializeOwned;
}

/// As it is said, by names.
impl People for Name {
    type Staff = Name;
}

/// As it is recorded, by numbers.
impl People for MemberRef {
    type Staff = StaffNo;
}

/// Of nobody at all.
impl People for () {
    type Staff = ();
}

/// Of whom a recorded event speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberRef {
    /// The event concerns no member.
    Nobody,
    /// A member of this ledger.
    Known(MemberNo),
    /// A name that was no member when the event was judged, as a keyed hash.
    Unknown(RiskKey),
    /// A member of this ledger by another name than its own, and the keyed hash of that name.
    Alias(MemberNo, RiskKey),
}

impl MemberRef {
    /// The member that is meant, if it is one.
    pub fn no(self) -> Option<MemberNo> {
        match self {
            MemberRef::Known(no) | MemberRef::Alias(no, _) => Some(no),
            MemberRef::Nobody | MemberRef::Unknown(_) => None,
        }
    }
}

/// What a risk key is the hash of. Variants are numbered by their order in the record's bytes: add at
/// the end only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RiskKind {
    /// The device that sent the event.
    Device,
    /// The network address it came from.
    Ip,
    /// The phone number it was made with.
    Phone,
    /// The network that the address is in.
    IpPrefix,
    /// The means of payment.
    Payment,
    /// The postal address.
    Address,
}

impl RiskKind {
    /// All of them, in order of declaration.
    pub const ALL: [RiskKind; 6] =
        [RiskKind::Device, RiskKind::Ip, RiskKind::Phone, RiskKind::IpPrefix, RiskKind::Payment, RiskKind::Address];

    /// The trade's word, as in program files and the API.
    pub fn name(self) -> &'static str {
        match self {
            RiskKind::Device => "device",
            RiskKind::Ip => "ip",
            RiskKind::Phone => "phone",
            RiskKind::IpPrefix => "ip_prefix",
            RiskKind::Payment => "payment",
            RiskKind::Address => "address",
        }
    }
}

/// The epoch of a ledger's first pepper.
pub const FIRST_EPOCH: u32 = 1;

/// Risk keys that came with an event, each already a keyed hash. Most events have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskKeys(Option<Box<KeysOfEpoch>>);

/// Risk keys and the epoch of the pepper that they are hashes under: at most one of each kind, in order of the kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeysOfEpoch {
    epoch: u32,
    keys: Vec<(RiskKind, RiskKey)>,
}

impl RiskKeys {
    /// The key of one kind.
    pub fn get(&self, kind: RiskKind) -> Option<RiskKey> {
        let keys = self.0.as_ref().map(|of| of.keys.as_slice()).unwrap_or_default();
        keys.iter().find(|(known, _)| *known == kind).map(|(_, key)| *key)
    }

    /// The epoch of their pepper, if there are any.
    pub fn epoch(&self) -> Option<u32> {
        self.0.as_ref().map(|of| of.epoch)
    }

    /// Says of which epoch the pepper was that they are hashes under; without a word, of the first.
    pub fn set_epoch(&mut self, epoch: u32) {
        if let Some(of) = &mut self.0 {
            of.epoch = epoch;
        }
    }

    /// Sets the key of one kind.
    pub fn set(&mut self, kind: RiskKind, key: RiskKey) {
        let none = || Box::new(KeysOfEpoch { epoch: FIRST_EPOCH, keys: Vec::new() });
        let keys = &mut self.0.get_or_insert_with(none).keys;
        let at = keys.partition_point(|(known, _)| *known < kind);
        match keys.get_mut(at) {
            Some((known, old)) if *known == kind => *old = key,
            _ => keys.insert(at, (kind, key)),
        }
    }
}

impl FromIterator<(RiskKind, RiskKey)> for RiskKeys {
    fn from_iter<I: IntoIterator<Item = (RiskKind, RiskKey)>>(keys: I) -> RiskKeys {
        let mut all = RiskKeys::default();
        keys.into_iter().for_each(|(kind, key)| all.set(kind, key));
        all
    }
}

/// Where an event happened and through whom, in the source's own words. Each is empty if not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin<S> {
    /// The channel: `online`, `app`, `store` …
    pub channel: Box<str>,
    /// The store.
    pub store: Box<str>,
    /// The till or terminal.
    pub terminal: Box<str>,
    /// Who served.
    pub employee: S,
    /// The partner that says it.
    pub partner: Box<str>,
    /// It is history that another system has rewarded: it counts here, and gives nothing.
    pub history: bool,
}

impl<S> Origin<S> {
    /// The same, speaking otherwise of the staff.
    pub fn map<T>(self, staff: impl FnOnce(S) -> T) -> Origin<T> {
        let Origin { channel, store, terminal, employee, partner, history } = self;
        Origin { channel, store, terminal, employee: staff(employee), partner, history }
    }
}

impl Origin<Name> {
    /// Every field by its name, as in the API.
    pub fn fields(&mut self) -> [(&'static str, &mut Name); 5] {
        [
            ("channel", &mut self.channel),
            ("store", &mut self.store),
            ("terminal", &mut self.terminal),
            ("employee", &mut self.employee),
            ("partner", &mut self.partner),
        ]
    }
}

/// An ISO 4217 currency code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency(pub [u8; 3]);

impl Currency {
    /// Reads three capital letters.
    pub fn read(text: &str) -> Option<Currency> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Currency(letters))
    }
}

impl core::fmt::Display for Currency {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

/// A record that an event speaks of, as it is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordRef {
    /// Where it stands, as its outcome told.
    Position(Position),
    /// The event that it answered.
    Event(Box<EventName>),
}

/// What an event is known by: each 1 to 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventName {
    /// Who said it.
    pub source: Box<str>,
    /// Its id, unique within the source.
    pub id: Box<str>,
}

impl From<Position> for RecordRef {
    fn from(position: Position) -> RecordRef {
        RecordRef::Position(position)
    }
}

impl RecordRef {
    /// By the source and id of the event that it answered.
    pub fn event(source: &str, id: &str) -> RecordRef {
        RecordRef::Event(Box::new(EventName { source: source.into(), id: id.into() }))
    }

    /// The event that it answered, if it is named by that.
    pub fn as_event(&self) -> Option<&EventName> {
        match self {
            RecordRef::Position(_) => None,
            RecordRef::Event(event) => Some(event),
        }
    }

    /// The short name of that event; none where a position is said.
    pub fn short(&self, key: NameKey) -> Option<u64> {
        self.as_event().map(|event| key.short_event(&event.source, &event.id))
    }
}

impl EventName {
    /// Whether it is this one.
    pub fn is(&self, source: &str, id: &str) -> bool {
        (&*self.source, &*self.id) == (source, id)
    }
}

/// What is found by a keyed hash of its name. Its number is part of what is hashed, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// An order.
    Order,
    /// A store.
    Store,
    /// A hold, by the caller's name for it.
    Hold,
    /// An exchange, by the partner's reference.
    Reference,
    /// An event, by its source and id.
    Event,
}

impl Found {
    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            Found::Order => 1,
            Found::Store => 2,
            Found::Hold => 3,
            Found::Reference => 4,
            Found::Event => 5,
        }
    }
}

/// The ledger's key of short names: 64 bits of SipHash-2-4 stand for a name in records and rows. Without the key they
/// tell nobody the name; with it, two names that share one cannot be found by trying.
#[derive(Clone, Copy, Default)]
pub struct NameKey(u64, u64);

impl core::fmt::Debug for NameKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("NameKey")
    }
}

impl NameKey {
    /// The key of these bytes.
    pub const fn new(key: [u8; 16]) -> NameKey {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = key;
        NameKey(u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p]))
    }

    /// The short name of something; 0 for none. Two may share it: whoever looks one up where that matters reads the
    /// record and compares.
    #[inline]
    pub fn short(self, what: Found, name: &str) -> u64 {
        if name.is_empty() {
            return 0;
        }
        let mut hasher = SipHasher24::new_with_keys(self.0, self.1);
        hasher.write(&[what.number()]);
        hasher.write(name.as_bytes());
        hasher.finish()
    }

    /// The short name of an event, as [`NameKey::short`] gives others: of the bytes of its source, how many they are,
    /// and those of its id.
    pub fn short_event(self, source: &str, id: &str) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.0, self.1);
        hasher.write(&[Found::Event.number()]);
        hasher.write(&u64::try_from(source.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.write(source.as_bytes());
        hasher.write(id.as_bytes());
        hasher.finish()
    }
}
