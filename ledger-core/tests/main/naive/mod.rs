//! A ledger as a patient clerk would keep it: lists of everything that happened, counted afresh each
//! time, and a clock that brings everybody up to date before anything is done. It shares no arithmetic
//! with the core: dates are added by hand, windows are searched day by day.
//!
//! It knows one program, in two versions ([`program`]); [`Rules`] is the same program once more, as the
//! clerk understands it.

mod act;
mod approvals;
mod calendar;
mod earning;
mod expiry;
mod lots;
mod membership;
mod program;
mod returns;
mod risk;
mod spending;
mod tiers;
mod timers;
mod transfer;

pub use self::act::{Act, Keys};
use self::calendar::{civil, day_of, expires_at, is_leap, is_midweek, quarter, start_of};
use self::lots::{give_back, sum, take};
pub use self::program::{COUNTERS, program};
use self::program::{CounterRule, RISKS, Rules};
use std::collections::{BTreeMap, BTreeSet};

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;
const ZONE: i64 = 8 * HOUR;

/// The tier window, in days.
const WINDOW: i64 = 30;
/// The refund horizon, in days.
const HORIZON: i64 = 50;
/// What a point of the rule that carries costs.
const DROP: i64 = 300;
/// How many days before points die their member is reminded.
const REMIND_DAYS: [i64; 2] = [30, 3];
/// Until when points wait whose purchase is not settled.
pub const UNSETTLED: i64 = i64::MAX;
/// For how many days after they died points can be reinstated.
const REINSTATE_DAYS: i64 = 20;
/// After how long a proposal has lapsed.
const LAPSE: i64 = 4 * DAY;
/// For how many days things may be told late and come to the same.
pub const LATE: i64 = 30;
/// For how many days commands wait for what they speak of.
const WAITS: i64 = 30;
/// For how many days before the last one it is known which counted in a row.
const STREAK: i64 = 64;
/// How far ahead a source's clock may be.
const FUTURE: i64 = DAY;

pub const TIERS: [&str; 4] = ["bronze", "silver", "gold", "leader"];

/// What somebody is called: "A" to "E".
pub type MemberRef = &'static str;

/// Whose counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Member(MemberRef),
    Device(u8),
    Ip(u8),
    Phone(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Flag,
    Review,
    Deny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Count,
    Points,
    Members,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    pub expires: i64,
    /// Whether the date is put off as long as the member is active.
    pub active: bool,
    /// Whether the points died before.
    pub reinstated: bool,
    pub made: u64,
    pub points: i64,
    /// Until when it waits before it can be spent, if it ever did; [`UNSETTLED`] if for a settlement.
    pub waits: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub name: String,
    pub expires: i64,
    pub lots: Vec<Lot>,
    day: i64,
}

/// Points that were spent, from which lots, and how many came back.
#[derive(Clone, Debug)]
struct Spent {
    day: i64,
    lots: Vec<Lot>,
    back: i64,
}

#[derive(Clone, Debug)]
struct Bought {
    order: String,
    day: i64,
    paid: i64,
    refunded: i64,
    /// What is left of each of its two lines, and whether its one item is.
    lines: [(i64, bool); 2],
    version: usize,
    /// Whether what it left of three euros waits for the next purchase.
    carries: bool,
    /// What it gave to the trees.
    charity: i64,
    /// What each rule was granted, and the lot it made of it.
    granted: Vec<(&'static str, i64, u64)>,
}

/// What came back before it was bought: when it came and when it happened.
#[derive(Clone, Debug)]
pub struct Deferred {
    pub told: i64,
    happened: i64,
    order: String,
    act: Act,
}

impl Deferred {
    /// Whether it waits for a hold, not for a purchase.
    pub fn is_of_hold(&self) -> bool {
        matches!(self.act, Act::Capture { .. } | Act::Void { .. })
    }

    /// Whether it still waits on this date.
    pub fn waits_on(&self, today: i64) -> bool {
        today - self.told <= if self.is_of_hold() { WAITS } else { HORIZON }
    }
}

/// What was asked for by hand and waits: how many points, whether they are given, who stands for it, and whether it
/// was carried out or withdrawn. Nobody tears a page out.
#[derive(Clone, Debug)]
pub struct Proposed {
    pub points: i64,
    pub gives: bool,
    pub by: Vec<&'static str>,
    pub lapses: i64,
    pub over: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Member {
    pub available: Vec<Lot>,
    pub review: Vec<Lot>,
    pub pending: Vec<Lot>,
    pub debt: i64,
    pub holds: Vec<Hold>,
    closed: Vec<String>,
    enrolled: bool,
    birthday: Option<(i64, i64)>,
    birthday_from: i64,
    referred: bool,
    percentile: Option<i64>,
    bought: Vec<Bought>,
    /// What came back before it was bought.
    pub deferred: Vec<Deferred>,
    /// Money spent, by day: the tier metric.
    spent: Vec<(i64, i64)>,
    /// Rank; none before the first event is over.
    pub tier: Option<usize>,
    pub unmet_since: Option<i64>,
    tier_due: Option<i64>,
    /// The days on which it checked in.
    checked_in: BTreeSet<i64>,
    referrals: i64,
    dormant_at: Option<i64>,
    /// Until when points live that live as long as the member is active.
    alive_until: i64,
    /// What died and can be reinstated: the date, and how many.
    expired_recently: Vec<(i64, i64)>,
    /// Up to when the member was reminded of what dies.
    reminded_at: i64,
    /// Uses of limits: rule, day, amount.
    used: Vec<(&'static str, i64, i64)>,
    /// Up to which day uses of a limit were torn out.
    torn_out: BTreeMap<&'static str, i64>,
    spent_points: Vec<Spent>,
    /// What waits for the next purchase.
    carried: i64,
    /// Points given to others, each with its date; and when some last came.
    gave: Vec<(i64, i64)>,
    received_at: Option<i64>,
    /// It came from another system.
    opened: bool,
    pub proposed: Vec<Proposed>,
    /// Frozen for earning, and for redeeming.
    pub frozen: (bool, bool),
    pub closed_at: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Case {
    pub rule: &'static str,
    pub key: Key,
    pub action: Action,
    pub members: Vec<MemberRef>,
    /// Open, or how it ended.
    pub fraud: Option<bool>,
}

/// What the clerk answers: the reason of a refusal, or what was earned; and what is available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub refusal: Option<&'static str>,
    pub earned: i64,
    pub available: i64,
}

/// The clerk's books.
#[derive(Clone, Debug, Default)]
pub struct Books {
    pub now: i64,
    pub version: usize,
    pub members: BTreeMap<MemberRef, Member>,
    pub cases: Vec<Case>,
    /// Everything ever counted: counter, key, bucket, amount, by whom.
    counted: Vec<(usize, Key, i64, i64, MemberRef)>,
    lots_made: u64,
    /// What check-ins and referrals gave to anybody, by year and month.
    pub visits: Vec<((i64, i64), i64)>,
    /// Months of which something was torn out, up to this one.
    torn_out: (i64, i64),
    /// Issued, redeemed, expired, clawed back, voided, debited, fees, donated.
    pub totals: [i64; 8],
    /// Everything anybody was reminded of: who, when, which date, how many points.
    pub reminders: Vec<(MemberRef, i64, i64, i64)>,
}

const REDEEMED: usize = 1;
const EXPIRED: usize = 2;
const CLAWED_BACK: usize = 3;
const VOIDED: usize = 4;
const DEBITED: usize = 5;
const FEES: usize = 6;
const DONATED: usize = 7;

/// The event or timer the clerk works on.
struct Work {
    who: MemberRef,
    keys: Keys,
    /// Date of what happened, and of the clerk's clock.
    day: i64,
    today: i64,
    /// When counters count it.
    counted_at: i64,
    /// When risk counters do: when it happened, if it was not told too late.
    happened_at: i64,
    review: bool,
    denied: bool,
    /// The member is frozen or closed: what happens gives nothing.
    mute: bool,
    earned: i64,
    granted_rank: Option<usize>,
    /// The rank that a purchase earns before what came before it takes from it.
    best_rank: usize,
    /// And the rank that it earned on each day that is over.
    past: Vec<(i64, usize)>,
    hits: i64,
    /// Points granted, wherever they went.
    points: i64,
    /// The case this work opens, and those it joined.
    opens: Option<Case>,
    joined: Vec<usize>,
    counted: Vec<(usize, Key, i64, i64, MemberRef)>,
    bought: Vec<(&'static str, i64, u64)>,
}

impl Work {
    /// Whether it was told so late that it may not be known any more what else there was.
    fn is_late(&self) -> bool {
        self.day < self.today - LATE
    }
}

/// Whether it was done, or the reason of the refusal.
type Done = Result<(), &'static str>;

impl Books {
    fn rules(&self) -> Rules {
        Rules::of(self.version)
    }

    fn member(&mut self, who: MemberRef) -> &mut Member {
        self.members.get_mut(who).expect("the clerk knows the member")
    }

    fn available(&self, who: MemberRef) -> i64 {
        self.members.get(who).map_or(0, |member| sum(&member.available))
    }

    fn work(&self, who: MemberRef, keys: Keys, happened_at: i64, at: i64) -> Work {
        let on = |action: Action| {
            let open = self.cases.iter().filter(|case| case.fraud.is_none() && case.members.contains(&who));
            open.filter(|case| case.action == action).count() > 0
        };
        Work {
            who,
            keys,
            day: day_of(happened_at),
            today: day_of(at),
            counted_at: at,
            happened_at: at,
            review: on(Action::Review),
            denied: on(Action::Deny),
            mute: self.members.get(who).is_some_and(|member| member.frozen.0 || member.closed_at.is_some()),
            earned: 0,
            granted_rank: None,
            best_rank: 0,
            past: Vec::new(),
            hits: 0,
            points: 0,
            opens: None,
            joined: Vec::new(),
            counted: Vec::new(),
            bought: Vec::new(),
        }
    }

    /// Somebody says something at the clerk's time.
    pub fn say(&mut self, who: MemberRef, keys: Keys, happened_at: i64, act: &Act) -> Answer {
        let before = self.clone();
        match self.try_say(who, keys, happened_at, act) {
            Ok(earned) => Answer { refusal: None, earned, available: self.available(who) },
            Err(reason) => {
                let (counted, cases) = (std::mem::take(&mut self.counted), std::mem::take(&mut self.cases));
                *self = before;
                if reason == "RISK_DENIED" {
                    (self.counted, self.cases) = (counted, cases);
                }
                Answer { refusal: Some(reason), earned: 0, available: self.available(who) }
            }
        }
    }

    fn try_say(&mut self, who: MemberRef, keys: Keys, happened_at: i64, act: &Act) -> Result<i64, &'static str> {
        self.may_say(who, happened_at, act)?;
        let mut work = self.work(who, keys, happened_at, self.now);
        if !act.is_command() && !act.is_control() && !work.is_late() {
            work.happened_at = happened_at;
        }
        self.extend_visit(&mut work, act)?;
        self.count_consequences(&mut work, act.kind());
        self.renew_activity(&work, act);
        self.stand(&work);
        let earned = work.earned;
        self.keep(work);
        Ok(earned)
    }

    /// Whether the member may say such a thing at all; whoever speaks first is a member from then on.
    fn may_say(&mut self, who: MemberRef, happened_at: i64, act: &Act) -> Done {
        if happened_at > self.now + FUTURE {
            return Err("IN_THE_FUTURE");
        }
        let joins = act.kind() == "opened" || !(act.is_command() || act.is_control());
        if !joins && !self.members.contains_key(who) {
            return Err("MEMBER_UNKNOWN");
        }
        let now = self.now;
        let member = self.members.entry(who).or_insert_with(|| Member { reminded_at: now, ..Member::default() });
        if member.closed_at.is_some() && (act.is_command() || act.is_control()) {
            return Err("MEMBER_CLOSED");
        }
        match act.kind() {
            "credit" | "opened" | "reinstated" | "extended" if member.frozen.0 => Err("MEMBER_FROZEN"),
            "redeem" | "hold" | "hold_extended" | "capture" | "transfer" | "donate" if member.frozen.1 => {
                Err("MEMBER_FROZEN")
            }
            _ => Ok(()),
        }
    }

    fn extend_visit(&mut self, work: &mut Work, act: &Act) -> Done {
        match act {
            Act::Enrol { birthday } => self.enrol(work, act, *birthday),
            Act::Attribute { known, value } => self.attribute(work, act, *known, *value),
            Act::Purchase { order, paid } => self.purchase(work, act, order, *paid),
            Act::Settle { order }
            | Act::Cancel { order }
            | Act::Refund { order, .. }
            | Act::RefundLine { order, .. } => self.returned(work, act, order),
            Act::CheckIn => self.check_in(work, act),
            Act::Refer { referee } => self.refer(work, act, referee),
            Act::Redeem { points } => self.redeem(work, act, *points),
            Act::Credit { points, by } => self.by_hand(work, act, (true, *points), by),
            Act::Debit { points, by } => self.by_hand(work, act, (false, *points), by),
            Act::Approve { nth, by } => self.approve(work, act, *nth, by),
            Act::Withdraw { nth } => self.withdraw(work, act, *nth),
            Act::Donate { known, points } => self.donate(work, act, *known, *points),
            Act::Give { to, points } => self.give(work, act, to, *points),
            Act::Open { lots, debt, spent } => self.open(work, act, (lots, debt.unwrap_or(0), spent)),
            Act::Prolong { points, days } => self.extend_expiry(work, act, *points, *days),
            Act::Reinstate { points, days } => self.reinstate(work, act, *points, *days),
            Act::Hold { name, points, ttl } => self.hold(work, act, name, *points, *ttl),
            Act::Capture { name, points, last } => self.capture(work, act, name, *points, *last),
            Act::Void { name } => self.void(work, act, name),
            Act::Extend { name, ttl } => self.extend(work, act, name, *ttl),
            Act::GiveBack { nth, points } => self.give_points_back(work, act, *nth, *points),
            Act::Freeze { earn, redeem } => self.freeze(work, act, *earn, *redeem),
            Act::Unfreeze { earn, redeem } => self.unfreeze(work, act, *earn, *redeem),
            Act::Close => self.close(work, act),
        }
    }

    /// What ends a dormancy, and what lets points live on.
    fn renew_activity(&mut self, work: &Work, act: &Act) {
        let (who, rules, now) = (work.who, self.rules(), self.now);
        if self.member(who).closed_at.is_some() {
            return;
        }
        if ["enrolled", "check_in", "purchase", "redeem", "capture"].contains(&act.kind()) {
            let dormant_at = start_of(work.day + rules.dormant_days);
            let known = &mut self.member(who).dormant_at;
            // What is told late does not make a dormancy that is past.
            if dormant_at > now {
                *known = Some(known.unwrap_or(dormant_at).max(dormant_at));
            }
        }
        let active = match act {
            Act::Purchase { paid, .. } => *paid >= 2_000,
            act => act.kind() == "redeem",
        };
        if self.version == 1 && active {
            let until = expires_at(1, work.day);
            self.member(who).renew_activity(until, now);
        }
    }
}
