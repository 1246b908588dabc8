//! Events: what was said to us.
//!
//! A *fact* (purchase, check-in, refund …) has happened and is always recorded; a *command*
//! (redeem, hold, debit …) may be refused; a *control* (publish, tick, freeze, link …) changes the
//! ledger itself, or who is who in it.
//! `Event<W>` is generic over how it speaks of people ([`People`]): outside they are names ([`Name`]), in the log they
//! are numbers ([`MemberRef`], `StaffNo`), so that no personal identifier ever reaches the record's bytes.
//!
//! Owns the table of kinds, from which their names, classes and lists come. What an event of a kind says, and the
//! limits of its fields, stand with its feature.

use crate::kernel::fields::Payload;
use crate::kernel::units::{At, Money, Points, StaffNo};
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

pub use crate::features::actions::event::*;
pub use crate::features::approvals::event::*;
pub use crate::features::earning::event::*;
pub use crate::features::exchange::event::*;
pub use crate::features::expiry::event::*;
pub use crate::features::funds::event::*;
pub use crate::features::household::event::*;
pub use crate::features::membership::event::*;
pub use crate::features::merge::event::*;
pub use crate::features::opening::event::*;
pub use crate::features::pending::event::*;
pub use crate::features::publishing::event::*;
pub use crate::features::returns::event::*;
pub use crate::features::risk::event::*;
pub use crate::features::spending::event::*;
pub use crate::features::transfer::event::*;
pub use crate::kernel::fields::{
    AMOUNT_MAX, AT_MAX, AT_MIN, ATTRIBUTES_MAX, Fields, HOLD_MS_MAX, KIND_BYTES_MAX, LINES_MAX, NAME_BYTES_MAX,
    NOTE_BYTES_MAX, OPENING_COUNTS_MAX, OPENING_LOTS_MAX, PIECES_MAX, PROGRAM_BYTES_MAX, STAFF_BYTES_MAX, TAGS_MAX,
    Violation, name_problem,
};
pub use crate::kernel::names::*;

/// Something that was said to the ledger. `(source, id)` names it for ever, as in CloudEvents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event<W: People> {
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
    pub origin: Option<Box<Origin<W::Staff>>>,
    /// What happened.
    pub body: Body<W>,
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

/// Declares the kinds of events. Each line: its number in the record's bytes, for ever; its payload, which speaks of
/// `W` if it names somebody beside the member; its class and name; the field of the other one it `names`; the one
/// with who of the staff stands for it, if it is `signed`; whether it is `of nobody`, a member being no part of it;
/// whether counters may count it though it is a control (`counted`); whether it `makes` its member known as facts do;
/// whether it earns: `points` by the rules that wait
/// for it, or those and a place among what is one visit (`visiting`).
macro_rules! bodies {
    ($(
        $(#[$doc:meta])*
        $no:literal $kind:ident $(<$w:ty>)?: $class:ident $name:literal
        $(names $other:ident)? $(signed $by:ident)? $(of $nobody:ident)? $(and $counted:ident)? $(makes $member:ident)?
        $(earns $earned:ident)?;
    )*) => {
        /// Hands the names of all kinds to a macro, in order of their numbers.
        #[macro_export]
        macro_rules! each_kind {
            ($then:ident) => { $then! { $($kind)* } };
        }

        /// What happened, or what is asked.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Body<W: People> {
            $($(#[$doc])* $kind($kind $(<$w>)?),)*
        }

        /// The kinds of events.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $kind = $no,)*
        }

        impl Kind {
            /// All of them, in order of their numbers.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The trade's word, as in program files and the API.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name,)* }
            }

            /// What kind of speech it is.
            pub const fn class(self) -> Class {
                match self { $(Kind::$kind => Class::$class,)* }
            }

            /// Its number, for ever.
            pub const fn number(self) -> u8 {
                match self { $(Kind::$kind => $no,)* }
            }

            /// Whether it speaks of a member at all.
            pub const fn has_member(self) -> bool {
                match self { $(Kind::$kind => bodies!(@unless $($nobody)?),)* }
            }

            /// Whether its member becomes known by it: of facts, and where the table says so.
            pub const fn makes_member(self) -> bool {
                match self {
                    $(Kind::$kind => matches!(Class::$class, Class::Fact) || !bodies!(@unless $($member)?),)*
                }
            }

            /// Whether rules, streaks and ladders may wait for it.
            pub const fn is_earning(self) -> bool {
                match self { $(Kind::$kind => bodies!(@earns $($earned)?),)* }
            }

            /// Whether it is part of a visit.
            pub const fn is_visit(self) -> bool {
                match self { $(Kind::$kind => bodies!(@visits $($earned)?),)* }
            }

            /// Whether counters may count it: facts, commands, and a control where the table says so.
            pub const fn is_countable(self) -> bool {
                match self {
                    $(Kind::$kind => !matches!(Class::$class, Class::Control) || !bodies!(@unless $($counted)?),)*
                }
            }
        }

        impl<W: People> Body<W> {
            /// Which kind it is.
            pub const fn kind(&self) -> Kind {
                match self { $(Body::$kind(..) => Kind::$kind,)* }
            }

            /// The other one the event names, beside its member.
            pub fn other(&self) -> Option<&W> {
                match self { $($(Body::$kind(said) => Some(&said.$other),)?)* _ => None }
            }

            /// Who of the staff stands for it.
            pub fn signed(&self) -> Option<&W::Staff> {
                match self { $($(Body::$kind(said) => Some(&said.$by),)?)* _ => None }
            }

            /// The same body, speaking of other people.
            pub fn map<V: People>(
                self,
                mut who: impl FnMut(W) -> V,
                mut staff: impl FnMut(W::Staff) -> V::Staff,
            ) -> Body<V> {
                let (who, staff) = (&mut who, &mut staff);
                match self {
                    $(Body::$kind(said) => Body::$kind(bodies!(@map said (who staff) $($other)? $(signed $by)?)),)*
                }
            }
        }

        impl Body<Name> {
            fn limits(&mut self, found: &mut Fields) {
                match self { $(Body::$kind(said) => said.limits(found),)* }
            }
        }
    };
    (@unless) => { true };
    (@unless $mark:ident) => { false };
    (@earns) => { false };
    (@earns $how:ident) => { true };
    (@visits) => { false };
    (@visits points) => { false };
    (@visits visiting) => { true };
    (@map $said:ident ($who:ident $staff:ident)) => { $said };
    (@map $said:ident ($who:ident $staff:ident) $other:ident) => { $said.map($who) };
    (@map $said:ident ($who:ident $staff:ident) signed $by:ident) => { $said.map($staff) };
}

bodies! {
    /// Fact: the member joined.
    0 Enrolled: Fact "enrolled" earns points;
    /// Fact: outside models say something about the member.
    1 AttributesSet: Fact "attributes_set";
    /// Fact: a purchase was paid.
    2 Purchase: Fact "purchase" earns visiting;
    /// Fact: all of a purchase that is not yet refunded was given back.
    3 Cancelled: Fact "cancelled";
    /// Fact: part of a purchase was given back.
    4 Refunded: Fact "refunded";
    /// Fact: the member checked in.
    5 CheckIn: Fact "check_in" earns visiting;
    /// Fact: somebody the member invited has qualified.
    6 Referral<W>: Fact "referral" names referee earns points;
    /// Command: spend points at once.
    7 Redeem: Command "redeem";
    /// Command: reserve points.
    8 Hold: Command "hold";
    /// Command: spend reserved points.
    9 Capture: Command "capture";
    /// Command: release reserved points.
    10 Void: Command "void";
    /// Command: give points by hand.
    11 Credit<W::Staff>: Command "credit" signed by;
    /// Command: take points by hand.
    12 Debit<W::Staff>: Command "debit" signed by;
    /// Control: close a risk case.
    13 CaseResolved: Control "case_resolved" of nobody;
    /// Control: a new version of the program takes effect at this position.
    14 ProgramPublished: Control "program_published" of nobody;
    /// Control: everything due up to this instant happens now.
    15 Tick: Control "tick" of nobody;
    /// Control: the member may no longer earn, redeem, or either.
    16 Frozen: Control "frozen";
    /// Control: the member may again.
    17 Unfrozen: Control "unfrozen";
    /// Control: the membership ends for ever; its points are due at once.
    18 Closed: Control "closed";
    /// Control: the member is known by another name as well.
    19 AliasLinked<W>: Control "alias_linked" names alias;
    /// Control: that name stands for the member no more.
    20 AliasUnlinked<W>: Control "alias_unlinked" names alias;
    /// Command: keep a hold for longer, or shorter.
    21 HoldExtended: Command "hold_extended";
    /// Fact: what was paid with points was given back, and so are the points.
    22 RedeemRefunded: Fact "redeem_refunded";
    /// Command: give points to another member.
    23 Transfer<W>: Command "transfer" names to;
    /// Control: the member comes from another system, as that left it; once.
    24 Opened: Control "opened" and counted makes member;
    /// Command: points that died not long ago live again, once.
    25 Reinstated: Command "reinstated";
    /// Control: another member is this one as well.
    26 Merged<W>: Control "merged" names from;
    /// Control: it is another after all.
    27 Unmerged<W>: Control "unmerged" names from;
    /// Command: one more stands for what was proposed; it is carried out once as many do as the program asks for.
    28 Approved<W::Staff>: Command "approved" signed by;
    /// Control: what was proposed is not to be done.
    29 Withdrawn<W::Staff>: Control "withdrawn" signed by and counted;
    /// Command: give points to a fund.
    30 Donate: Command "donate";
    /// Control: from now on the member shares what it earns with a household.
    31 HouseholdJoined<W>: Control "household_joined" names household;
    /// Control: it does so no more.
    32 HouseholdLeft: Control "household_left";
    /// Fact: a purchase is settled: paid for good, delivered, or whatever the program's points wait for.
    33 Settled: Fact "settled";
    /// Command: points are to become a partner's once it settles.
    34 ExchangeOut: Command "exchange_out";
    /// Command: a partner's units are to become points once it settles.
    35 ExchangeIn: Command "exchange_in";
    /// Control: the partner did its part of an exchange, or will not.
    36 ExchangeSettled: Control "exchange_settled" and counted;
    /// Command: points that would die sooner live until a stated instant.
    37 Extended: Command "extended";
    /// Fact: the member did something that the program knows by its kind.
    38 Action: Fact "action" earns points;
    /// Fact: a refund did not happen after all; its purchase is as if it had never been refunded.
    39 RefundReversed: Fact "refund_reversed";
}

impl core::fmt::Display for Kind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl<W: People> Body<W> {
    /// A purchase of which no more is said than its lines.
    pub fn purchase(order: &str, currency: Currency, lines: Vec<Line>) -> Body<W> {
        Body::Purchase(Purchase { order: order.into(), currency, lines, shipping: Money(0), points_paid: Money(0) })
    }

    /// A refund of which no more is said than its amount.
    pub fn refund(order: &str, currency: Currency, amount: Money) -> Body<W> {
        Body::Refunded(Refunded { order: order.into(), currency, amount, lines: Vec::new(), so_far: false })
    }

    /// A credit to the first wallet for which nobody stands.
    pub fn credit(points: Points, reason: &str) -> Body<W>
    where
        W::Staff: Default,
    {
        Body::Credit(Credit { wallet: "".into(), points, reason: reason.into(), by: W::Staff::default() })
    }

    /// A debit of the first wallet for which nobody stands.
    pub fn debit(points: Points, reason: &str) -> Body<W>
    where
        W::Staff: Default,
    {
        Body::Debit(Debit { wallet: "".into(), points, reason: reason.into(), by: W::Staff::default() })
    }

    /// A redemption of the first wallet of which no more is said than its points.
    pub fn redeem(points: Points) -> Body<W> {
        Body::Redeem(Redeem { wallet: "".into(), points, order: "".into(), total: None, item: None })
    }

    /// A hold of the first wallet of which no more is said than its points.
    pub fn hold(hold: &str, points: Points) -> Body<W> {
        let (hold, wallet, order) = (hold.into(), "".into(), "".into());
        Body::Hold(Hold { hold, wallet, points, ttl_ms: None, order, total: None, item: None })
    }

    /// Whether it has happened, whatever is asked or arranged.
    pub fn is_fact(&self) -> bool {
        self.kind().class() == Class::Fact
    }

    /// The item it asks for.
    pub fn item_request(&self) -> Option<&ItemRequest> {
        match self {
            Body::Redeem(said) => said.item.as_deref(),
            Body::Hold(said) => said.item.as_deref(),
            _ => None,
        }
    }
}

impl<W: People> Event<W> {
    /// Whether it is told as history: it counts, and gives nothing.
    pub fn is_history(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.history)
    }

    /// The same event, speaking of other people.
    pub fn map<V: People>(self, mut who: impl FnMut(W) -> V, mut staff: impl FnMut(W::Staff) -> V::Staff) -> Event<V> {
        Event {
            source: self.source,
            id: self.id,
            occurred_at: self.occurred_at,
            member: who(self.member),
            keys: self.keys,
            origin: self.origin.map(|origin| Box::new(origin.map(&mut staff))),
            body: self.body.map(who, staff),
        }
    }
}

impl Event<MemberRef> {
    /// Who of the staff it names.
    pub fn staff(&self) -> impl Iterator<Item = StaffNo> {
        let served = self.origin.iter().map(|origin| origin.employee);
        served.chain(self.body.signed().copied()).filter(|no| *no != StaffNo::NOBODY)
    }
}

impl Event<Name> {
    /// Every field that breaks its limit; empty if the event may be judged. Its names are in their normal form then.
    pub fn violations(&mut self) -> Vec<Violation> {
        let mut found = Fields::default();
        found.name("source", &mut self.source, 1);
        found.name("id", &mut self.id, 1);
        found.instant("occurred_at", self.occurred_at);
        let kind = self.body.kind();
        match (kind.has_member(), self.member.is_empty()) {
            (true, _) => found.name("member", &mut self.member, 1),
            (false, false) => found.add("member", alloc::format!("must be empty for {kind}")),
            (false, true) => {}
        }
        if self.is_history() && !kind.is_earning() {
            let told: Vec<_> = Kind::ALL.iter().filter(|kind| kind.is_earning()).map(|kind| kind.name()).collect();
            found.add("history", alloc::format!("must be left out: only {} may be history", told.join(", ")));
        }
        for (field, text) in self.origin.iter_mut().flat_map(|origin| origin.fields()) {
            found.name(field, text, 0);
        }
        found.of = kind.name();
        self.body.limits(&mut found);
        found.found
    }
}
