//! Events: what was said to us.
//!
//! A *fact* (purchase, check-in, refund …) has happened and is always recorded; a *command*
//! (redeem, hold, debit …) may be refused; a *control* (publish, tick, freeze, link …) changes the
//! ledger itself, or who is who in it.
//! `Event<W>` is generic over who it speaks of: outside it is a name ([`Name`]), in the log it is a
//! number ([`Who`]), so that no personal identifier ever reaches the record's bytes.
//!
//! Owns the limits of every field ([`Event::violations`]). Knows nothing of rules or balances.

mod body;
mod limits;

use crate::life::Scope;
use crate::units::{At, MemberNo, Money, MonthDay, Points, Position, RiskKey};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Longest source, id, member name, order, hold, line or attribute name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Longest kind of an alias, in bytes.
pub const KIND_BYTES_MAX: usize = 32;
/// Longest name of whoever of the staff stands for something, in bytes.
pub const STAFF_BYTES_MAX: usize = 64;
/// Longest reason or note, in bytes.
pub const NOTE_BYTES_MAX: usize = 512;
/// Most lines of one purchase.
pub const LINES_MAX: usize = 500;
/// Most tags of one line.
pub const TAGS_MAX: usize = 32;
/// Most pieces of an item in one redemption or hold.
pub const PIECES_MAX: u32 = 10_000;
/// Most lots of one import.
pub const OPENING_LOTS_MAX: usize = 500;
/// Most attributes set by one event.
pub const ATTRIBUTES_MAX: usize = 32;
/// Largest amount of one line, refund, credit or redemption (10^12): sums stay far below 2^63.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// Longest program text, in bytes.
pub const PROGRAM_BYTES_MAX: usize = 262_144;
/// Longest hold, in milliseconds: 400 days.
pub const HOLD_MS_MAX: i64 = 400 * crate::units::DAY_MS;
/// Latest instant an event may name: 9999-01-01. The earliest is its negative counterpart, year 0.
pub const AT_MAX: At = At(253_370_764_800_000);
/// Earliest instant an event may name: 1900-01-01.
pub const AT_MIN: At = At(-2_208_988_800_000);

/// A member's name outside the ledger (account, card, phone …); empty where an event has no member.
pub type Name = Box<str>;

/// Of whom a recorded event speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// The event concerns no member.
    Nobody,
    /// A member of this ledger.
    Known(MemberNo),
    /// A name that was no member when the event was judged, as a keyed hash.
    Unknown(RiskKey),
    /// A member of this ledger by another name than its own, and the keyed hash of that name.
    Alias(MemberNo, RiskKey),
}

impl Who {
    /// The member that is meant, if it is one.
    pub fn no(self) -> Option<MemberNo> {
        match self {
            Who::Known(no) | Who::Alias(no, _) => Some(no),
            Who::Nobody | Who::Unknown(_) => None,
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

/// Risk keys that came with an event, each already a keyed hash: at most one of each kind, in order of
/// the kinds. Most events have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskKeys(Vec<(RiskKind, RiskKey)>);

impl RiskKeys {
    /// The key of one kind.
    pub fn get(&self, kind: RiskKind) -> Option<RiskKey> {
        self.0.iter().find(|(known, _)| *known == kind).map(|(_, key)| *key)
    }

    /// Sets the key of one kind.
    pub fn set(&mut self, kind: RiskKind, key: RiskKey) {
        let at = self.0.partition_point(|(known, _)| *known < kind);
        match self.0.get_mut(at) {
            Some((known, old)) if *known == kind => *old = key,
            _ => self.0.insert(at, (kind, key)),
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
pub struct Origin {
    /// The channel: `online`, `app`, `store` …
    pub channel: Box<str>,
    /// The store.
    pub store: Box<str>,
    /// The till or terminal.
    pub terminal: Box<str>,
    /// Who served.
    pub employee: Box<str>,
    /// The partner that says it.
    pub partner: Box<str>,
}

impl Origin {
    /// Every field by its name, as in the API.
    pub fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("channel", &self.channel),
            ("store", &self.store),
            ("terminal", &self.terminal),
            ("employee", &self.employee),
            ("partner", &self.partner),
        ]
    }
}

/// Something that was said to the ledger. `(source, id)` names it for ever, as in CloudEvents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event<W> {
    /// Who says it: a till, a shop, a service. 1 to 128 bytes.
    pub source: Box<str>,
    /// Its id, unique within the source. 1 to 128 bytes.
    pub id: Box<str>,
    /// When it happened, by the source's clock: data for the rules, never for order.
    pub occurred_at: At,
    /// Whom it concerns.
    pub member: W,
    /// Risk keys, if the source sent any.
    pub keys: RiskKeys,
    /// Where it happened and through whom, if the source says.
    pub origin: Option<Box<Origin>>,
    /// What happened.
    pub body: Body<W>,
}

/// What happened, or what is asked. Variants are numbered by their order in the record's bytes:
/// add at the end only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body<W> {
    /// Fact: the member joined.
    Enrolled {
        /// Birthday without the year, for birthday rules.
        birthday: Option<MonthDay>,
    },
    /// Fact: outside models say something about the member.
    AttributesSet {
        /// Attribute name and value; the program declares the names.
        attributes: Vec<(Box<str>, i64)>,
    },
    /// Fact: a purchase was paid.
    Purchase {
        /// The shop's order number; one purchase per member and order.
        order: Box<str>,
        /// ISO 4217 code.
        currency: Currency,
        /// What was bought; the sum of their net prices is what earns.
        lines: Vec<Line>,
        /// What was paid for delivery, on top of the lines, in minor units, 0 or more.
        shipping: Money,
        /// How much of all that was paid with points, in minor units.
        points_paid: Money,
    },
    /// Fact: all of a purchase that is not yet refunded was given back.
    Cancelled {
        /// The order of the purchase.
        order: Box<str>,
    },
    /// Fact: part of a purchase was given back.
    Refunded {
        /// The order of the purchase.
        order: Box<str>,
        /// ISO 4217 code, that of the purchase.
        currency: Currency,
        /// How much money went back in all, 0 or more; at least what the lines come to goes back. What is more
        /// than that is of the purchase as a whole.
        amount: Money,
        /// Which lines, as far as the source says; without any, the amount is greater than 0.
        lines: Vec<LineRefund>,
    },
    /// Fact: the member checked in.
    CheckIn,
    /// Fact: somebody the member invited has qualified.
    Referral {
        /// The one who was invited.
        referee: W,
    },
    /// Command: spend points at once.
    Redeem {
        /// From which wallet; the item's, or the program's first, if empty.
        wallet: Box<str>,
        /// How many, greater than 0; 0 for what the item costs.
        points: Points,
        /// What for, in the caller's words; may be empty.
        order: Box<str>,
        /// What the whole order costs, for programs that limit the share paid with points.
        total: Option<Money>,
        /// What is bought with them, if the program sells it.
        item: Option<Box<Wanted>>,
    },
    /// Command: reserve points.
    Hold {
        /// The caller's name for the hold, unique for the member.
        hold: Box<str>,
        /// From which wallet; the item's, or the program's first, if empty.
        wallet: Box<str>,
        /// How many, greater than 0; 0 for what the item costs.
        points: Points,
        /// How long, in milliseconds; the program's default if absent.
        ttl_ms: Option<i64>,
        /// What for, in the caller's words; may be empty.
        order: Box<str>,
        /// What the whole order costs, for programs that limit the share paid with points.
        total: Option<Money>,
        /// What is bought with them, if the program sells it.
        item: Option<Box<Wanted>>,
    },
    /// Command: spend reserved points.
    Capture {
        /// The hold.
        hold: Box<str>,
        /// How many; all that is still held if absent.
        points: Option<Points>,
        /// Whether what remains held is released.
        last: bool,
    },
    /// Command: release reserved points.
    Void {
        /// The hold.
        hold: Box<str>,
    },
    /// Command: give points by hand.
    Credit {
        /// To which wallet; the program's first if empty.
        wallet: Box<str>,
        /// How many, greater than 0.
        points: Points,
        /// Why. 1 to 512 bytes.
        reason: Box<str>,
        /// Who of the staff stands for it, up to 64 bytes; may be empty where the program asks for nobody.
        by: Box<str>,
    },
    /// Command: take points by hand.
    Debit {
        /// From which wallet; the program's first if empty.
        wallet: Box<str>,
        /// How many, greater than 0.
        points: Points,
        /// Why. 1 to 512 bytes.
        reason: Box<str>,
        /// Who of the staff stands for it; as of a credit.
        by: Box<str>,
    },
    /// Command: close a risk case.
    CaseResolved {
        /// The record that opened the case.
        case: Position,
        /// What was found.
        finding: Finding,
        /// Why. Up to 512 bytes.
        note: Box<str>,
    },
    /// Control: a new version of the program takes effect at this position.
    ProgramPublished {
        /// The program file as written.
        text: Box<str>,
    },
    /// Control: everything due up to this instant happens now.
    Tick {
        /// The instant.
        up_to: At,
    },
    /// Control: the member may no longer earn, redeem, or either.
    Frozen {
        /// What is stopped, beside what is stopped already.
        scope: Scope,
        /// Why. Up to 512 bytes.
        reason: Box<str>,
    },
    /// Control: the member may again.
    Unfrozen {
        /// What is no longer stopped.
        scope: Scope,
        /// Why. Up to 512 bytes.
        reason: Box<str>,
    },
    /// Control: the membership ends for ever; its points are due at once.
    Closed {
        /// Why. Up to 512 bytes.
        reason: Box<str>,
    },
    /// Control: the member is known by another name as well.
    AliasLinked {
        /// What it is: `card`, `phone`, `qr`. 1 to 32 bytes, `a`-`z`, `0`-`9`, `_`.
        kind: Box<str>,
        /// The name as events give it: the kind, a colon, and the rest.
        alias: W,
    },
    /// Control: that name stands for the member no more.
    AliasUnlinked {
        /// What it is.
        kind: Box<str>,
        /// The name.
        alias: W,
    },
    /// Command: keep a hold for longer, or shorter.
    HoldExtended {
        /// The hold.
        hold: Box<str>,
        /// How long from now, in milliseconds; the program's default if absent.
        ttl_ms: Option<i64>,
    },
    /// Fact: what was paid with points was given back, and so are the points.
    RedeemRefunded {
        /// The record that spent them, as its outcome told.
        redemption: Position,
        /// How many; all that were not given back yet if absent.
        points: Option<Points>,
    },
    /// Command: give points to another member.
    Transfer {
        /// Who gets them.
        to: W,
        /// From which wallet, and to which; the program's first if empty.
        wallet: Box<str>,
        /// How many the member gives, greater than 0; the program's fee is taken of them.
        points: Points,
        /// Why. Up to 512 bytes.
        note: Box<str>,
    },
    /// Command: points that another system owed the member, each with its own dates.
    Imported {
        /// To which wallet, in which the member never had any; the program's first if empty.
        wallet: Box<str>,
        /// The points, by lot.
        lots: Vec<OpeningLot>,
    },
    /// Command: points that died not long ago live again, once.
    Reinstated {
        /// Of which wallet; the program's first if empty.
        wallet: Box<str>,
        /// How many; all that can be if absent.
        points: Option<Points>,
        /// The first instant at which they are gone for good.
        expires_at: At,
        /// Why. 1 to 512 bytes.
        reason: Box<str>,
    },
    /// Control: another member is this one as well.
    Merged {
        /// The other, whose names stand for this member from now on.
        from: W,
    },
    /// Control: it is another after all.
    Unmerged {
        /// The other, by its own name.
        from: W,
    },
    /// Command: one more stands for what was proposed; it is carried out once as many do as the program asks for.
    Approved {
        /// The record that proposed it, as its outcome told.
        proposal: Position,
        /// Who of the staff. 1 to 64 bytes.
        by: Box<str>,
    },
    /// Control: what was proposed is not to be done.
    Withdrawn {
        /// The record that proposed it.
        proposal: Position,
        /// Who of the staff says so. 1 to 64 bytes.
        by: Box<str>,
        /// Why. 1 to 512 bytes.
        reason: Box<str>,
    },
    /// Command: give points to a fund.
    Donate {
        /// The fund, by its name in the program. 1 to 128 bytes.
        fund: Box<str>,
        /// How many of the fund's wallet, greater than 0.
        points: Points,
    },
    /// Control: from now on the member shares what it earns with a household.
    HouseholdJoined {
        /// The household, which is a member, too.
        household: W,
    },
    /// Control: it does so no more.
    HouseholdLeft,
    /// Fact: a purchase is settled: paid for good, delivered, or whatever the program's points wait for.
    Settled {
        /// The order of the purchase.
        order: Box<str>,
    },
    /// Command: points are to become a partner's once it settles.
    ExchangeOut {
        /// The exchange, by its name in the program. 1 to 128 bytes.
        exchange: Box<str>,
        /// The partner's reference: one exchange of the member. 1 to 128 bytes.
        reference: Box<str>,
        /// How many, greater than 0: a multiple of the rate's.
        points: Points,
    },
    /// Command: a partner's units are to become points once it settles.
    ExchangeIn {
        /// The exchange, by its name in the program. 1 to 128 bytes.
        exchange: Box<str>,
        /// The partner's reference: one exchange of the member. 1 to 128 bytes.
        reference: Box<str>,
        /// How many, greater than 0: a multiple of the rate's.
        units: i64,
    },
    /// Control: the partner did its part of an exchange, or will not.
    ExchangeSettled {
        /// The exchange, by its name in the program. 1 to 128 bytes.
        exchange: Box<str>,
        /// The partner's reference. 1 to 128 bytes.
        reference: Box<str>,
        /// Whether it did.
        accepted: bool,
    },
    /// Command: points that would die sooner live until a stated instant.
    Extended {
        /// Of which wallet; the program's first if empty.
        wallet: Box<str>,
        /// How many, those first that die first; all if absent.
        points: Option<Points>,
        /// The first instant at which they are gone.
        expires_at: At,
        /// Why. 1 to 512 bytes.
        reason: Box<str>,
    },
}

/// What points are spent on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The item, by its name in the program. 1 to 128 bytes.
    pub item: Box<str>,
    /// How many of it, 1 to [`PIECES_MAX`].
    pub pieces: u32,
}

/// Points of another system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningLot {
    /// How many, greater than 0.
    pub points: Points,
    /// When they were earned there.
    pub earned_at: At,
    /// The first instant at which they are gone; as if earned here on that date if absent.
    pub expires_at: Option<At>,
}

/// What kind of speech an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It has happened: recorded whatever the balance, and its member becomes known by it.
    Fact,
    /// It is asked for, and may be refused.
    Command,
    /// It changes the ledger itself; no risk rule stands in its way.
    Control,
}

/// A line of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Stock-keeping unit; may be empty.
    pub sku: Box<str>,
    /// How many; at least 1.
    pub quantity: u32,
    /// What was paid for the line, tax included, in minor units, 0 or more.
    pub net: Money,
    /// What else the source says of it.
    pub detail: Option<Box<LineDetail>>,
}

/// What a source may say of a line beside its price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineDetail {
    /// The category of goods; may be empty.
    pub category: Box<str>,
    /// Whatever else the goods are marked with.
    pub tags: Vec<Box<str>>,
    /// How much the price was reduced, in minor units: the gross price is the net one and this.
    pub discount: Money,
    /// How much of the net price is tax, in minor units.
    pub tax: Money,
}

impl Line {
    /// A line of which no more is said than what was paid for it.
    pub fn plain(sku: &str, quantity: u32, net: Money) -> Line {
        Line { sku: sku.into(), quantity, net, detail: None }
    }
}

/// What went back of one line of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRefund {
    /// The line.
    pub line: LineName,
    /// How much of it.
    pub part: LinePart,
}

/// A line of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineName {
    /// Its place; the first is 0.
    Place(u16),
    /// Its stock-keeping unit, if no other line has the same. 1 to 128 bytes.
    Sku(Box<str>),
}

/// Part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinePart {
    /// So many items, greater than 0, with their share of the price.
    Items(u32),
    /// So much of the price, in minor units, greater than 0; the items in proportion.
    Amount(Money),
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

/// What people found out about a risk case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// All in order: points in review become available.
    Legitimate,
    /// Fraud: points in review are voided.
    Fraud,
}

/// A field that breaks its limit, in words for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, as in the proto: `purchase.lines[3].net`.
    pub field: String,
    /// What is wrong and what to send instead.
    pub problem: String,
}

impl<W> Event<W> {
    /// The same event, speaking of other people.
    pub fn map<V>(self, mut who: impl FnMut(W) -> V) -> Event<V> {
        Event {
            source: self.source,
            id: self.id,
            occurred_at: self.occurred_at,
            member: who(self.member),
            keys: self.keys,
            origin: self.origin,
            body: self.body.map(who),
        }
    }
}
