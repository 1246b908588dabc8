//! Records: what we did about what was said to us.
//!
//! A record keeps its cause, the program version that judged it, and the outcome: postings (points
//! between accounts), changes (everything else that is now so) and a trace (which rule, and what cut
//! it). It is all that `fold` needs; no rule, clock or program file is asked again.
//!
//! The declaration order of fields and variants is the byte layout: add variants at the end, fields
//! never. Another layout is another version byte (`bytes.rs`).

use crate::counter::Key;
use crate::event::{Event, Finding, Who};
use crate::life::{LifeChange, Naming};
use crate::refusal::Refusal;
use crate::units::{At, Day, LotId, MemberNo, Money, MonthDay, Points, Position, TermNo};
use crate::visit::Stay;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// One entry of the log. Its position is where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Ledger time at which it was judged; never earlier than the record before.
    pub at: At,
    /// The program version that judged it: 1 is the first one published, 0 none.
    pub program: u32,
    /// Why there is a record at all.
    pub cause: Cause,
    /// What came of it.
    pub verdict: Verdict,
}

/// What brings a record about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// Somebody said something.
    Event(Event<Who>),
    /// Something was due by itself.
    Timer {
        /// For whom.
        member: MemberNo,
        /// Since when; the postings count from here, however late the timer fires.
        due: At,
        /// What.
        timer: Timer,
    },
}

/// What can be due. At one instant they fire in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Timer {
    /// Points have waited long enough.
    Activation,
    /// Lots reach their expiry.
    Expiry,
    /// A hold reaches its own.
    HoldExpiry,
    /// A tier is no longer earned, or no longer kept.
    Tier,
    /// The member has done nothing for as long as the program allows.
    Inactivity,
    /// Points die in so many days that the program says it now.
    Reminder,
    /// No partner settled an exchange in time.
    ExchangeLapse,
}

impl Timer {
    /// Its word in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Timer::Activation => "activation",
            Timer::ExchangeLapse => "exchange_lapse",
            Timer::Expiry => "expiry",
            Timer::HoldExpiry => "hold_expiry",
            Timer::Tier => "tier",
            Timer::Inactivity => "inactivity",
            Timer::Reminder => "reminder",
        }
    }
}

/// The outcome of a cause. Refused: no postings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The numbered "no", if it was one.
    pub refusal: Option<Refusal>,
    /// Movements of points. Each takes from one account what it gives to another, so every record
    /// sums to zero.
    pub postings: Vec<Posting>,
    /// Everything else that is now so.
    pub changes: Vec<Change>,
    /// Every rule that applied, and what it came to.
    pub trace: Vec<Trace>,
    /// The program's first wallet: the one that is meant where no other is named.
    pub wallet: TermNo,
    /// The member's available points in that wallet after this record: a check figure for the fold.
    pub available: Points,
}

/// Where points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Account {
    /// Program: points come from here. Its balance is minus all that was ever issued.
    Issued,
    /// Program: spent.
    Redeemed,
    /// Program: died of age.
    Expired,
    /// Program: taken back with a refund.
    ClawedBack,
    /// Program: voided as fraud.
    Voided,
    /// Program: taken by hand.
    Debited,
    /// Member: free to spend.
    Available,
    /// Member: waiting for a risk case.
    Review,
    /// Member: reserved by the hold of this number.
    Held(u32),
    /// Member: owed to the program. Its balance is minus the debt.
    Debt,
    /// Between two members: what one gives and the other gets in the same record. Its balance is 0.
    Moved,
    /// Program: taken for moving points.
    Fees,
    /// Program: given to funds.
    Donated,
    /// Member: earned, and waiting until they can be spent.
    Pending,
    /// Member: on the way to a partner who has not settled it yet.
    Exchanging,
    /// Program: become a partner's.
    Exchanged,
}

impl Account {
    /// How many kinds of account there are.
    pub const KINDS: usize = 16;

    /// One account of each kind, in order of declaration.
    pub const ALL: [Account; Account::KINDS] = [
        Account::Issued,
        Account::Redeemed,
        Account::Expired,
        Account::ClawedBack,
        Account::Voided,
        Account::Debited,
        Account::Available,
        Account::Review,
        Account::Held(0),
        Account::Debt,
        Account::Moved,
        Account::Fees,
        Account::Donated,
        Account::Pending,
        Account::Exchanging,
        Account::Exchanged,
    ];

    /// Place among the kinds, in order of declaration.
    pub fn kind(self) -> usize {
        match self {
            Account::Issued => 0,
            Account::Redeemed => 1,
            Account::Expired => 2,
            Account::ClawedBack => 3,
            Account::Voided => 4,
            Account::Debited => 5,
            Account::Available => 6,
            Account::Review => 7,
            Account::Held(_) => 8,
            Account::Debt => 9,
            Account::Moved => 10,
            Account::Fees => 11,
            Account::Donated => 12,
            Account::Pending => 13,
            Account::Exchanging => 14,
            Account::Exchanged => 15,
        }
    }

    /// Whether what is here is the member's to spend, now or once it has waited.
    pub fn is_spendable_later(self) -> bool {
        match self {
            Account::Available | Account::Review | Account::Held(_) | Account::Pending | Account::Exchanging => true,
            Account::Issued
            | Account::Redeemed
            | Account::Expired
            | Account::ClawedBack
            | Account::Voided
            | Account::Debited
            | Account::Debt
            | Account::Moved
            | Account::Fees
            | Account::Donated
            | Account::Exchanged => false,
        }
    }

    /// The trade's word.
    pub fn name(self) -> &'static str {
        match self {
            Account::Issued => "issued",
            Account::Redeemed => "redeemed",
            Account::Expired => "expired",
            Account::ClawedBack => "clawed_back",
            Account::Voided => "voided",
            Account::Debited => "debited",
            Account::Available => "available",
            Account::Review => "review",
            Account::Held(_) => "held",
            Account::Debt => "debt",
            Account::Moved => "moved",
            Account::Fees => "fees",
            Account::Donated => "donated",
            Account::Pending => "pending",
            Account::Exchanging => "exchanging",
            Account::Exchanged => "exchanged",
        }
    }
}

/// One movement of points between two accounts of one wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Whose member accounts are meant.
    pub member: MemberNo,
    /// Which kind of points.
    pub wallet: TermNo,
    /// The account that gives.
    pub from: Account,
    /// The account that gets.
    pub to: Account,
    /// How many; always more than 0.
    pub points: Points,
    /// The lot they are in; of a new lot, this record and this posting.
    pub lot: LotId,
    /// When that lot expires.
    pub expires_at: At,
    /// The rule that moves them; [`TermNo::NONE`] where the event itself does.
    pub rule: TermNo,
}

impl Posting {
    /// Whether it makes a lot, in which new points are the member's.
    pub fn makes_lot(&self) -> bool {
        self.from == Account::Issued && matches!(self.to, Account::Available | Account::Review | Account::Pending)
    }

    /// Whether none of it was or is a member's.
    pub fn is_of_funds(&self) -> bool {
        use Account::{ClawedBack, Donated, Issued};
        matches!((self.from, self.to), (Issued, Donated) | (Donated, ClawedBack))
    }
}

/// Something that is now so, other than points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A name became a member, with the next free number.
    Registered {
        /// The number.
        member: MemberNo,
        /// The name.
        name: Sealed,
    },
    /// The member enrolled.
    Enrolled {
        /// Who.
        member: MemberNo,
        /// Birthday without the year.
        birthday: Option<MonthDay>,
    },
    /// An attribute has a new value.
    AttributeSet {
        /// Whose.
        member: MemberNo,
        /// Which.
        term: TermNo,
        /// The value.
        value: i64,
    },
    /// The member has a purchase, made by this record.
    Purchased {
        /// Who.
        member: MemberNo,
        /// FNV-1a 64 of the order number.
        order: u64,
        /// Local date of the purchase.
        day: Day,
        /// Purchases of earlier days are past the refund horizon.
        forget_before: Day,
    },
    /// Part of a purchase was refunded.
    Refunded {
        /// Who.
        member: MemberNo,
        /// The record of the purchase.
        purchase: Position,
        /// How much, in minor units.
        amount: Money,
    },
    /// The member was brought by another.
    ReferredBy {
        /// The referee.
        member: MemberNo,
        /// The referrer.
        referrer: MemberNo,
    },
    /// Something was counted: a tier metric, a limit or a risk counter.
    Counted {
        /// For whom.
        key: Key,
        /// By which metric, limit or counter.
        term: TermNo,
        /// In which bucket of time.
        bucket: i32,
        /// Earlier buckets are no longer needed.
        keep_from: i32,
        /// How much.
        amount: i64,
        /// Who did it, where distinct members are counted; else nobody.
        seen: MemberNo,
    },
    /// The member's tier, or its footing, changed.
    TierSet {
        /// Who.
        member: MemberNo,
        /// The tier before.
        from: TermNo,
        /// The tier now.
        to: TermNo,
        /// Since when the member falls short of the tier, if so.
        unmet_since: Option<Day>,
        /// When the tier must be looked at again.
        due: At,
        /// Why.
        why: TierWhy,
    },
    /// A streak stands at a new count.
    Streak {
        /// Whose.
        member: MemberNo,
        /// Which.
        term: TermNo,
        /// Days in a row.
        count: u32,
        /// The last of them.
        day: Day,
    },
    /// The member was active; dormancy begins at this instant, or never until active again.
    Active {
        /// Who.
        member: MemberNo,
        /// When inactivity is due.
        dormant_at: At,
    },
    /// A hold is open; this record's postings to its account fill it.
    HoldOpened {
        /// Whose.
        member: MemberNo,
        /// Its number, counted per member.
        no: u32,
        /// The wallet it takes from.
        wallet: TermNo,
        /// The caller's name for it.
        name: Box<str>,
        /// When it releases itself.
        expires_at: At,
        /// [`order_hash`] of the order it is for; 0 if it names none.
        order: u64,
        /// Local date from which it counts.
        day: Day,
        /// What it holds pieces of, if of an item.
        item: Option<Piece>,
    },
    /// A hold is closed; nothing is held by it any more.
    HoldClosed {
        /// Whose.
        member: MemberNo,
        /// Its number.
        no: u32,
    },
    /// A risk rule saw something. The case is named by this record's position.
    CaseOpened(CaseOpened),
    /// More members belong to an open case.
    CaseJoined {
        /// The case.
        case: Position,
        /// Who.
        members: Vec<MemberNo>,
    },
    /// A case was resolved.
    CaseClosed {
        /// The case.
        case: Position,
        /// What was found.
        finding: Finding,
        /// Whose points it concerned.
        members: Vec<MemberNo>,
    },
    /// The vocabulary grew; terms are numbered in order, for ever.
    TermsAdded {
        /// The new words.
        terms: Vec<Box<str>>,
    },
    /// The program in this record's event is in force from the next record on.
    ProgramSet,
    /// The member's life changed.
    Life {
        /// Whose.
        member: MemberNo,
        /// How.
        change: LifeChange,
    },
    /// The member spent points, by this record.
    Redeemed {
        /// Who.
        member: MemberNo,
        /// The wallet they came from.
        wallet: TermNo,
        /// [`order_hash`] of the order it was for; 0 if it names none.
        order: u64,
        /// Local date from which it counts: of a capture, that of its hold.
        day: Day,
        /// How many.
        points: Points,
        /// Redemptions of earlier days are not needed any more.
        forget_before: Day,
        /// What was bought, if an item was: as many pieces as its points come to.
        item: Option<Piece>,
    },
    /// Points of a redemption were given back.
    RedeemRefunded {
        /// To whom.
        member: MemberNo,
        /// The record of the redemption.
        redemption: Position,
        /// How many.
        points: Points,
    },
    /// A hold ends at another instant.
    HoldExtended {
        /// Whose.
        member: MemberNo,
        /// Its number.
        no: u32,
        /// When it releases itself.
        expires_at: At,
    },
    /// The points of the purchase in this record depend on the tier; its refunds look at the same one.
    TierCounted {
        /// Whose.
        member: MemberNo,
        /// The tier in which the member stood before; none of a newcomer.
        tier: TermNo,
    },
    /// Lots of a purse that die with its spell of activity die at another instant.
    Spell {
        /// Whose.
        member: MemberNo,
        /// Of which wallet.
        wallet: TermNo,
        /// The record that began the spell: this one, or one before that puts it off.
        since: Position,
        /// When it ends.
        until: At,
    },
    /// Points die soon.
    Expiring {
        /// Whose.
        member: MemberNo,
        /// Of which wallet.
        wallet: TermNo,
        /// The first instant at which they are gone; of several on one date, the first of them.
        expires_at: At,
        /// How many die on that date.
        points: Points,
    },
    /// The next reminder of a purse comes at another instant.
    ReminderSet {
        /// Whose.
        member: MemberNo,
        /// Of which wallet.
        wallet: TermNo,
        /// When; never, if none is due.
        at: At,
    },
    /// Points died that can be reinstated for a time.
    Lapsed {
        /// Whose.
        member: MemberNo,
        /// Of which wallet.
        wallet: TermNo,
        /// Local date on which they died.
        day: Day,
        /// How many.
        points: Points,
        /// What died on earlier days cannot be reinstated any more.
        forget_before: Day,
    },
    /// Points that had died live again, those first that died first: once, the lot they are now in is marked.
    Reinstated {
        /// Whose.
        member: MemberNo,
        /// Of which wallet.
        wallet: TermNo,
        /// How many, debt they repaid included.
        points: Points,
        /// The lot.
        lot: LotId,
        /// What died on earlier days cannot be reinstated any more.
        forget_before: Day,
    },
    /// Part of a line of a purchase went back; its money is in the [`Change::Refunded`] before it.
    LineReturned {
        /// Whose.
        member: MemberNo,
        /// The record of the purchase.
        purchase: Position,
        /// Place of the line in it; the first is 0.
        line: u16,
        /// How many items went back; 0 if money was named.
        items: u32,
        /// How much money of the line, in minor units; 0 if items were named.
        amount: Money,
    },
    /// The refund or settlement in this record waits for its purchase.
    Parked {
        /// Whose.
        member: MemberNo,
        /// [`order_hash`] of the order.
        order: u64,
        /// The local date on which it came.
        day: Day,
        /// What came on earlier days waits no more.
        forget_before: Day,
    },
    /// It waits no more: its purchase is in this record, and so is what comes of it.
    Unparked {
        /// Whose.
        member: MemberNo,
        /// The record of the refund or settlement.
        event: Position,
        /// Why nothing comes of it, if so.
        refusal: Option<Refusal>,
    },
    /// Points of this record, or of one that waits in review, are not to be spent before an instant.
    Waits {
        /// Whose.
        member: MemberNo,
        /// Of which wallet.
        wallet: TermNo,
        /// The lot they are in.
        lot: LotId,
        /// Until when; [`At::NEVER`] for as long as their purchase is not settled.
        until: At,
    },
    /// A visit begins or carries on, or limits count something else in it.
    Visited {
        /// Whose.
        member: MemberNo,
        /// When and where it is now: whatever visits lie in it are one with it.
        stay: Stay,
        /// What limits count in it beside what they did: points, or how often rules apply.
        counted: Vec<(TermNo, i64)>,
    },
}

/// A flag with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseOpened {
    /// The risk rule.
    pub rule: TermNo,
    /// What the rule does.
    pub action: Action,
    /// The counter it looked at, and whose.
    pub counter: TermNo,
    /// Whose counter it was.
    pub key: Key,
    /// What the counter said.
    pub value: i64,
    /// The rule's threshold.
    pub at_least: i64,
    /// The members concerned.
    pub members: Vec<MemberNo>,
}

/// What a risk rule does when its counter reaches the threshold, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// Only says so.
    Flag,
    /// What the members earn waits in review until the case is resolved.
    Review,
    /// Commands are refused and facts earn nothing.
    Deny,
}

/// Why a tier or its footing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TierWhy {
    /// The member is new.
    Joined,
    /// The metric reached a higher tier.
    Earned,
    /// A streak, ladder or the like gave it.
    Granted,
    /// The footing changed, the tier did not.
    Footing,
    /// The tier was not earned for too long.
    Lapsed,
}

/// A rule that applied to the event, and what it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The rule.
    pub rule: TermNo,
    /// What it came to by itself.
    pub computed: Points,
    /// What was granted.
    pub granted: Points,
    /// Why the two differ, or where the points went.
    pub cut: Cut,
}

/// What stood between a rule and the member's available points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cut {
    /// Nothing.
    None,
    /// A limit was reached.
    Limit {
        /// Which.
        limit: TermNo,
    },
    /// An open case: the points wait in review.
    Review,
    /// A risk rule denies points.
    Denied,
    /// The member is frozen.
    Frozen,
    /// The member is closed.
    Closed,
    /// The member has as many as the wallet allows.
    MaxBalance,
    /// More was to be taken back than there is, and the wallet lets the rest go.
    Clamped,
    /// Another rule of its group gives more.
    Beaten {
        /// Which.
        by: TermNo,
    },
    /// The wallet's points were to be used by a date that has passed.
    Expired,
    /// Of a refused item: so many pieces were asked for, and so many are left.
    Stock,
    /// Of a refused item: so many points of its wallet were said, and so many it costs.
    Price,
}

/// A piece of an item, at the price at which it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The item.
    pub item: TermNo,
    /// The counter of its pieces, for everybody and for each member.
    pub taken: TermNo,
    /// What one costs, more than 0.
    pub points: Points,
}

impl Piece {
    /// How many whole pieces so many points are.
    pub fn in_points(self, points: Points) -> i64 {
        points.0.checked_div(self.points.0).unwrap_or(0)
    }
}

/// A personal field, as stored. Scheme 0 is the bytes as they are; sealed schemes come with keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// How the bytes are sealed.
    pub scheme: u8,
    /// The bytes.
    pub bytes: Box<str>,
}

impl Change {
    /// The members whose rows it changes.
    fn members(&self) -> &[MemberNo] {
        match self {
            Change::Registered { member, .. }
            | Change::Enrolled { member, .. }
            | Change::AttributeSet { member, .. }
            | Change::Purchased { member, .. }
            | Change::Refunded { member, .. }
            | Change::ReferredBy { member, .. }
            | Change::TierSet { member, .. }
            | Change::Streak { member, .. }
            | Change::Active { member, .. }
            | Change::HoldOpened { member, .. }
            | Change::HoldClosed { member, .. }
            | Change::Life { member, .. }
            | Change::Redeemed { member, .. }
            | Change::RedeemRefunded { member, .. }
            | Change::HoldExtended { member, .. }
            | Change::TierCounted { member, .. }
            | Change::Spell { member, .. }
            | Change::Expiring { member, .. }
            | Change::ReminderSet { member, .. }
            | Change::Lapsed { member, .. }
            | Change::Reinstated { member, .. }
            | Change::LineReturned { member, .. }
            | Change::Parked { member, .. }
            | Change::Unparked { member, .. }
            | Change::Waits { member, .. }
            | Change::Visited { member, .. }
            | Change::Counted { key: Key::Member(member), .. } => core::slice::from_ref(member),
            Change::CaseOpened(CaseOpened { members, .. })
            | Change::CaseJoined { members, .. }
            | Change::CaseClosed { members, .. } => members,
            Change::Counted { key: Key::Risk(_), .. } | Change::TermsAdded { .. } | Change::ProgramSet => &[],
        }
    }
}

impl Record {
    /// Whether it leaves a proposal open, which it made or for which one more stands now.
    pub fn leaves_open(&self) -> bool {
        let open = |change: &LifeChange| matches!(change, LifeChange::Proposed { .. } | LifeChange::Approved { .. });
        self.verdict.changes.iter().any(|one| matches!(one, Change::Life { change, .. } if open(change)))
    }

    /// The member the cause concerns.
    pub fn member(&self) -> MemberNo {
        match &self.cause {
            Cause::Event(event) => event.member.no().unwrap_or(MemberNo::NOBODY),
            Cause::Timer { member, .. } => *member,
        }
    }

    /// Every member the record touches, each once, in order of appearance.
    pub fn members(&self) -> Vec<MemberNo> {
        let mut all = Vec::new();
        for no in self.mentions() {
            if !all.contains(&no) {
                all.push(no);
            }
        }
        all
    }

    /// Every mention of a member, in order; nearly always the same one again and again.
    pub fn mentions(&self) -> impl Iterator<Item = MemberNo> {
        let postings = self.verdict.postings.iter().map(|posting| posting.member);
        let changes = self.verdict.changes.iter().flat_map(Change::members).copied();
        core::iter::once(self.member()).chain(postings).chain(changes).filter(|no| *no != MemberNo::NOBODY)
    }

    /// The names that stand for somebody, or for nobody, from this record on.
    pub fn namings(&self) -> impl Iterator<Item = Naming<'_>> {
        self.verdict.changes.iter().filter_map(|change| match change {
            Change::Registered { member, name } => Some(Naming::Name(&name.bytes, *member)),
            Change::Life { member, change: LifeChange::AliasLinked { key, .. } } => Some(Naming::Alias(*key, *member)),
            Change::Life { change: LifeChange::AliasUnlinked { key }, .. } => {
                Some(Naming::Alias(*key, MemberNo::NOBODY))
            }
            _ => None,
        })
    }
}

/// FNV-1a, 64 bits, as published by Fowler, Noll and Vo: the short name of an order in a member's
/// state. Two orders may share it; whoever looks one up reads the record and compares.
pub fn order_hash(order: &str) -> u64 {
    order.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
