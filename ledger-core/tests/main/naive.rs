//! A ledger as a patient clerk would keep it: lists of everything that happened, counted afresh each
//! time, and a clock that brings everybody up to date before anything is done. It shares no arithmetic
//! with the core: dates are added by hand, windows are searched day by day.
//!
//! It knows one program, in two versions ([`PROGRAMS`]); [`Rules`] is the same program once more, as the
//! clerk understands it.

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
/// How far ahead a source's clock may be.
const FUTURE: i64 = DAY;

/// The two versions of the program; `Rules::of` says where they differ.
pub fn program(version: usize) -> String {
    let [give, check_in, back, dormant, patience, most, ttl, fast] = match version {
        0 => ["1", "5", "11", "20d", "10d", "300", "6h", "3"],
        _ => ["2", "6", "13", "25d", "15d", "400", "12h", "2"],
    };
    let after = r#"remind = ["30d", "3d"], reinstate = "20d""#;
    let expiry = if version == 0 {
        format!(r#"{{ after = "40d", {after} }}"#)
    } else {
        let active = r#"activity = ["purchase", "redeem"], at_least = "20.00""#;
        format!(r#"{{ after = "2M", round = "month_end", {active}, {after} }}"#)
    };
    let (silver, gold) = if version == 0 { ("50.00", "150.00") } else { ("60.00", "140.00") };
    let charity = if version == 0 { 2 } else { 3 };
    let (base_waits, drops_wait) = match version {
        0 => ("", r#"pending = { after = "3d" }"#),
        _ => (r#"pending = { on = "settled", over = 20 }"#, ""),
    };
    let (per_day, fee, visits) = if version == 0 { (150, 10, 60) } else { (130, 7, 75) };
    let (given_by, taken) = if version == 0 { (2, "debit = { over = 60, people = 2 }") } else { (3, "") };
    format!(
        r#"id = "naive"
timezone = "Asia/Shanghai"
currency = "EUR"
attributes = ["percentile"]
[[wallet]]
id = "points"
expiry = {expiry}
hold_ttl = "{ttl}"
[refund]
horizon = "50d"
[approvals]
credit = {{ over = 200, people = {given_by} }}
{taken}
lapse = "4d"
[transfer]
min = 3
max = 120
per_day = {per_day}
fee = "{fee}%"
cooling = "2h"
[[fund]]
id = "trees"
[[campaign]]
id = "visits"
budget = {{ points = {visits}, per = "month" }}
[[earn]]
id = "welcome"
on = "enrolled"
fixed = 7
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = {give}
limit = {{ points = {most}, per = "7d" }}
{base_waits}
[[earn]]
id = "bonus"
on = "purchase"
fixed = 3
[[earn]]
id = "birthday"
on = "purchase"
when = "birthday"
times = {{ of = "base", factor = 2 }}
[[earn]]
id = "midweek"
on = "purchase"
when = {{ weekdays = ["tuesday", "wednesday", "thursday"], at_least = "40.00" }}
percent = {{ of = "base", rate = "25%" }}
round = "half_up"
[[earn]]
id = "gift"
on = "purchase"
table = [{{ tier = "silver", give = 2 }}, {{ tier = "gold", give = 4 }}]
[[earn]]
id = "drops"
on = "purchase"
per = "3.00"
give = 1
carry = true
{drops_wait}
[[earn]]
id = "charity"
on = "purchase"
per = "7.00"
give = {charity}
to = {{ fund = "trees" }}
[[earn]]
id = "check_in"
on = "check_in"
fixed = {check_in}
campaign = "visits"
limit = {{ times = 1, per = "1d" }}
[[earn]]
id = "friend"
on = "referral"
fixed = 20
campaign = "visits"
limit = {{ times = 2, per = "30d" }}
[[earn]]
id = "back"
on = "inactive"
fixed = {back}
limit = {{ times = 1, per = "60d" }}
[inactivity]
after = "{dormant}"
activity = ["enrolled", "check_in", "purchase", "redeem", "capture"]
[tiers]
window = "30d"
downgrade_after = "{patience}"
[[tier]]
id = "bronze"
[[tier]]
id = "silver"
at_least = "{silver}"
[[tier]]
id = "gold"
at_least = "{gold}"
[[tier]]
id = "leader"
more_than = "299.99"
attribute = {{ name = "percentile", at_most = 10 }}
[[streak]]
id = "three_days"
on = "check_in"
days = 3
grant = "silver"
[[ladder]]
id = "friends"
on = "referral"
every = 2
tier_step = 1
[[counter]]
id = "members_by_device"
on = ["enrolled", "check_in"]
key = "device"
measure = "members"
window = "24h"
[[counter]]
id = "events_by_address"
on = ["check_in", "purchase"]
key = "ip"
measure = "count"
window = "1h"
bucket = "10m"
[[counter]]
id = "points_by_phone"
on = ["purchase", "credit"]
key = "phone"
measure = "points"
window = "48h"
[[counter]]
id = "redemptions"
on = ["redeem", "hold"]
key = "member"
measure = "count"
window = "1h"
bucket = "10m"
[[counter]]
id = "hits"
on = ["limit_hit"]
key = "member"
measure = "count"
[[counter]]
id = "greed_by_device"
on = ["check_in", "limit_hit"]
key = "device"
measure = "count"
window = "2d"
bucket = "1d"
[[counter]]
id = "dormancies"
on = ["inactive"]
key = "member"
measure = "count"
window = "60d"
bucket = "1d"
[[counter]]
id = "won_back"
on = ["inactive"]
key = "member"
measure = "points"
window = "60d"
bucket = "1d"
[[risk]]
id = "farm"
counter = "members_by_device"
at_least = 3
action = "review"
[[risk]]
id = "busy"
counter = "events_by_address"
at_least = 3
action = "flag"
[[risk]]
id = "rich"
counter = "points_by_phone"
at_least = 200
action = "review"
[[risk]]
id = "fast"
counter = "redemptions"
at_least = {fast}
action = "deny"
[[risk]]
id = "brisk"
counter = "redemptions"
at_least = 2
action = "flag"
[[risk]]
id = "eager"
counter = "greed_by_device"
at_least = 6
action = "deny"
"#
    )
}

struct Rules {
    give: i64,
    check_in: i64,
    back: i64,
    dormant_days: i64,
    patience_days: i64,
    base_most: i64,
    hold_ms: i64,
    least: [i64; 4],
    fast_at_least: i64,
    given_a_day: i64,
    fee_percent: i64,
    visits_a_month: i64,
    /// How many people must stand for more than 200 points that are given, and for more than 60 that are taken.
    given_by: usize,
    taken_by: usize,
    /// What seven euros give to the trees.
    charity: i64,
}

impl Rules {
    fn of(version: usize) -> Rules {
        match version {
            0 => Rules {
                give: 1,
                check_in: 5,
                back: 11,
                dormant_days: 20,
                patience_days: 10,
                base_most: 300,
                hold_ms: 6 * HOUR,
                least: [0, 5_000, 15_000, 30_000],
                fast_at_least: 3,
                given_a_day: 150,
                fee_percent: 10,
                visits_a_month: 60,
                given_by: 2,
                taken_by: 2,
                charity: 2,
            },
            _ => Rules {
                give: 2,
                check_in: 6,
                back: 13,
                dormant_days: 25,
                patience_days: 15,
                base_most: 400,
                hold_ms: 12 * HOUR,
                least: [0, 6_000, 14_000, 30_000],
                fast_at_least: 2,
                given_a_day: 130,
                fee_percent: 7,
                visits_a_month: 75,
                given_by: 3,
                taken_by: 1,
                charity: 3,
            },
        }
    }
}

pub const TIERS: [&str; 4] = ["bronze", "silver", "gold", "leader"];

/// What somebody is called: "A" to "E".
pub type Who = &'static str;

/// Whose counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Member(Who),
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

/// A counter as the clerk understands it: name, what it counts, by which kind of key, which measure,
/// width of a bucket and how many.
pub struct CounterRule {
    pub name: &'static str,
    on: &'static [&'static str],
    key: char,
    measure: Measure,
    bucket_ms: i64,
    buckets: i64,
}

pub const COUNTERS: [CounterRule; 8] = {
    const fn rule(
        name: &'static str,
        on: &'static [&'static str],
        key: char,
        measure: Measure,
        bucket_ms: i64,
        buckets: i64,
    ) -> CounterRule {
        CounterRule { name, on, key, measure, bucket_ms, buckets }
    }
    [
        rule("members_by_device", &["enrolled", "check_in"], 'd', Measure::Members, HOUR, 24),
        rule("events_by_address", &["check_in", "purchase"], 'i', Measure::Count, HOUR / 6, 6),
        rule("points_by_phone", &["purchase", "credit"], 'p', Measure::Points, 2 * HOUR, 24),
        rule("redemptions", &["redeem", "hold"], 'm', Measure::Count, HOUR / 6, 6),
        rule("hits", &["limit_hit"], 'm', Measure::Count, 0, 0),
        rule("greed_by_device", &["check_in", "limit_hit"], 'd', Measure::Count, DAY, 2),
        rule("dormancies", &["inactive"], 'm', Measure::Count, DAY, 60),
        rule("won_back", &["inactive"], 'm', Measure::Points, DAY, 60),
    ]
};

/// The risk rules: name, counter, action.
const RISKS: [(&str, usize, Action); 6] = [
    ("farm", 0, Action::Review),
    ("busy", 1, Action::Flag),
    ("rich", 2, Action::Review),
    ("fast", 3, Action::Deny),
    ("brisk", 3, Action::Flag),
    ("eager", 5, Action::Deny),
];

fn day_of(at: i64) -> i64 {
    (at + ZONE).div_euclid(DAY)
}

fn start_of(day: i64) -> i64 {
    day * DAY - ZONE
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Tuesday to Thursday: 6 January 1970 was a Tuesday.
fn is_midweek(day: i64) -> bool {
    (day - 5).rem_euclid(7) < 3
}

/// A quarter, half a point and more being one.
fn quarter(points: i64) -> i64 {
    points / 4 + i64::from(points % 4 >= 2)
}

/// Year, month and day of month, by counting from 1970.
fn civil(day: i64) -> (i64, i64, i64) {
    let (mut year, mut month, mut left) = (1970, 1, day);
    while left >= 365 + i64::from(is_leap(year)) {
        left -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    while left >= month_days(year, month) {
        left -= month_days(year, month);
        month += 1;
    }
    (year, month, left + 1)
}

fn expires_at(version: usize, day: i64) -> i64 {
    if version == 0 {
        return start_of(day + 40);
    }
    let (mut year, mut month, of_month) = civil(day);
    let mut to_month_end = month_days(year, month) - of_month;
    for _ in 0..2 {
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        to_month_end += month_days(year, month);
    }
    start_of(day + to_month_end + 1)
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

impl Bought {
    /// Whether all of it went back: the money for what is left of its lines, or every line.
    fn is_gone(&self) -> bool {
        let prices = [self.paid / 3, self.paid - self.paid / 3];
        let is_left = |(price, (left, there)): (&i64, &(i64, bool))| *there && (*left > 0 || *price == 0);
        let left: i64 = self.lines.iter().map(|(left, _)| left).sum();
        (self.paid == self.refunded && left > 0) || !prices.iter().zip(&self.lines).any(is_left)
    }
}

/// What came back before it was bought: when it came and when it happened.
#[derive(Clone, Debug)]
pub struct Parked {
    pub came: i64,
    happened: i64,
    order: String,
    act: Act,
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
    referred: bool,
    percentile: Option<i64>,
    bought: Vec<Bought>,
    /// What came back before it was bought.
    pub parked: Vec<Parked>,
    /// Money spent, by day: the tier metric.
    spent: Vec<(i64, i64)>,
    /// Rank; none before the first event is over.
    pub tier: Option<usize>,
    pub unmet_since: Option<i64>,
    tier_due: Option<i64>,
    /// Days in a row, and the last of them.
    streak: Option<(i64, i64)>,
    referrals: i64,
    dormant_at: Option<i64>,
    /// Until when points live that live as long as the member is active.
    alive_until: i64,
    /// What died and can be reinstated: the date, and how many.
    lapsed: Vec<(i64, i64)>,
    /// Up to when the member was reminded of what dies.
    reminded_at: i64,
    /// Uses of limits: rule, day, amount.
    used: Vec<(&'static str, i64, i64)>,
    spent_points: Vec<Spent>,
    /// What waits for the next purchase.
    carried: i64,
    /// Points given to others, each with its date; and when some last came.
    gave: Vec<(i64, i64)>,
    received_at: Option<i64>,
    /// Whether a point was ever moved.
    used_wallet: bool,
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
    pub members: Vec<Who>,
    /// Open, or how it ended.
    pub fraud: Option<bool>,
}

/// What somebody says to the clerk.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Enrol {
        birthday: Option<(i64, i64)>,
    },
    Attribute {
        known: bool,
        value: i64,
    },
    Purchase {
        order: String,
        paid: i64,
    },
    Settle {
        order: String,
    },
    Cancel {
        order: String,
    },
    Refund {
        order: String,
        amount: i64,
    },
    /// Of a line by its place: all of its one item, or some of its money.
    RefundLine {
        order: String,
        line: usize,
        amount: Option<i64>,
    },
    CheckIn,
    Refer {
        referee: Who,
    },
    Redeem {
        points: i64,
    },
    Hold {
        name: String,
        points: i64,
        ttl: Option<i64>,
    },
    Capture {
        name: String,
        points: Option<i64>,
        last: bool,
    },
    Void {
        name: String,
    },
    Extend {
        name: String,
        ttl: Option<i64>,
    },
    /// Of the member's redemptions, counted round.
    GiveBack {
        nth: usize,
        points: Option<i64>,
    },
    Credit {
        points: i64,
        by: &'static str,
    },
    Debit {
        points: i64,
        by: &'static str,
    },
    /// Of the member's proposals, counted round.
    Approve {
        nth: usize,
        by: &'static str,
    },
    Withdraw {
        nth: usize,
    },
    Donate {
        known: bool,
        points: i64,
    },
    Give {
        to: Who,
        points: i64,
    },
    /// Points of another system: how many, how many days old, and for how many days to come.
    Import {
        lots: Vec<(i64, i64, Option<i64>)>,
    },
    Freeze {
        earn: bool,
        redeem: bool,
    },
    Unfreeze {
        earn: bool,
        redeem: bool,
    },
    Prolong {
        points: Option<i64>,
        days: i64,
    },
    Reinstate {
        points: Option<i64>,
        /// For how many days to come.
        days: i64,
    },
    Close,
}

impl Act {
    fn kind(&self) -> &'static str {
        match self {
            Act::Enrol { .. } => "enrolled",
            Act::Attribute { .. } => "attributes_set",
            Act::Purchase { .. } => "purchase",
            Act::Settle { .. } => "settled",
            Act::Cancel { .. } => "cancelled",
            Act::Refund { .. } | Act::RefundLine { .. } => "refunded",
            Act::CheckIn => "check_in",
            Act::Refer { .. } => "referral",
            Act::Redeem { .. } => "redeem",
            Act::Hold { .. } => "hold",
            Act::Capture { .. } => "capture",
            Act::Void { .. } => "void",
            Act::Extend { .. } => "hold_extended",
            Act::GiveBack { .. } => "redeem_refunded",
            Act::Credit { .. } => "credit",
            Act::Debit { .. } => "debit",
            Act::Approve { .. } => "approved",
            Act::Withdraw { .. } => "withdrawn",
            Act::Give { .. } => "transfer",
            Act::Donate { .. } => "donate",
            Act::Import { .. } => "imported",
            Act::Prolong { .. } => "extended",
            Act::Reinstate { .. } => "reinstated",
            Act::Freeze { .. } => "frozen",
            Act::Unfreeze { .. } => "unfrozen",
            Act::Close => "closed",
        }
    }

    fn is_command(&self) -> bool {
        let commands =
            ["redeem", "hold", "hold_extended", "capture", "void", "credit", "debit", "transfer", "imported"];
        commands.contains(&self.kind()) || ["reinstated", "extended", "approved", "donate"].contains(&self.kind())
    }

    fn is_control(&self) -> bool {
        matches!(self.kind(), "frozen" | "unfrozen" | "closed" | "withdrawn")
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Keys {
    pub device: Option<u8>,
    pub ip: Option<u8>,
    pub phone: Option<u8>,
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
    pub members: BTreeMap<Who, Member>,
    pub cases: Vec<Case>,
    /// Everything ever counted: counter, key, bucket, amount, by whom.
    counted: Vec<(usize, Key, i64, i64, Who)>,
    lots_made: u64,
    /// What check-ins and referrals gave to anybody, by year and month.
    pub visits: Vec<((i64, i64), i64)>,
    /// Issued, redeemed, expired, clawed back, voided, debited, fees, donated.
    pub totals: [i64; 8],
    /// Everything anybody was reminded of: who, when, which date, how many points.
    pub reminders: Vec<(Who, i64, i64, i64)>,
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
    who: Who,
    keys: Keys,
    /// Date of what happened, and of the clerk's clock.
    day: i64,
    today: i64,
    /// When counters count it.
    counted_at: i64,
    review: bool,
    denied: bool,
    /// The member is frozen or closed: what happens gives nothing.
    mute: bool,
    earned: i64,
    granted_rank: Option<usize>,
    hits: i64,
    /// Points granted, wherever they went.
    points: i64,
    /// The case this work opens, and those it joined.
    opens: Option<Case>,
    joined: Vec<usize>,
    counted: Vec<(usize, Key, i64, i64, Who)>,
    bought: Vec<(&'static str, i64, u64)>,
}

fn sum(lots: &[Lot]) -> i64 {
    lots.iter().map(|lot| lot.points).sum()
}

/// Takes points from the lots in their order; all or nothing.
fn take(lots: &mut Vec<Lot>, points: i64) -> Option<Vec<Lot>> {
    if sum(lots) < points {
        return None;
    }
    let (mut taken, mut missing) = (Vec::new(), points);
    for lot in lots.iter_mut() {
        let some = lot.points.min(missing);
        lot.points -= some;
        missing -= some;
        if some > 0 {
            taken.push(Lot { points: some, ..lot.clone() });
        }
    }
    lots.retain(|lot| lot.points > 0);
    Some(taken)
}

fn give_back(lots: &mut Vec<Lot>, back: Vec<Lot>) {
    for lot in back {
        match lots.iter_mut().find(|known| known.made == lot.made) {
            Some(known) => known.points += lot.points,
            None => lots.push(lot),
        }
    }
    lots.sort_by_key(|lot| (lot.expires, lot.active, lot.made));
}

impl Member {
    fn due(&self) -> Option<(i64, u8)> {
        let waiting = self.pending.iter().map(|lot| (lot.waits, 0));
        let lots = self.available.iter().chain(&self.review).chain(&self.pending);
        let lots = lots.map(|lot| (lot.expires.min(self.closed_at.unwrap_or(lot.expires)), 1));
        let holds = self.holds.iter().map(|hold| (hold.expires, 2));
        let tier = self.tier_due.map(|day| (start_of(day), 3));
        let dormant = self.dormant_at.map(|at| (at, 4));
        let reminders = self.reminders().filter(|at| *at > self.reminded_at).map(|at| (at, 5));
        waiting.chain(lots).chain(holds).chain(tier).chain(dormant).chain(reminders).min()
    }

    /// The instants at which the member is to be reminded of what it has.
    fn reminders(&self) -> impl Iterator<Item = i64> + '_ {
        let of = |lot: &Lot| REMIND_DAYS.map(|days| start_of(day_of(lot.expires) - days));
        self.available.iter().flat_map(of).filter(|_| self.closed_at.is_none())
    }

    /// Notes what of these lots died and can be reinstated.
    fn lapse(&mut self, gone: &[Lot], at: i64) -> i64 {
        let points: i64 = gone.iter().filter(|lot| !lot.reinstated).map(|lot| lot.points).sum();
        if self.closed_at.is_none() && points > 0 {
            self.lapsed.push((day_of(at), points));
        }
        sum(gone)
    }

    fn spent_in_window(&self, day: i64) -> i64 {
        self.spent.iter().filter(|(on, _)| *on > day - WINDOW).map(|(_, amount)| amount).sum()
    }

    fn natural(&self, rules: &Rules, day: i64) -> usize {
        let metric = self.spent_in_window(day);
        let fits = |rank: usize| {
            metric >= rules.least[rank] && (rank < 3 || self.percentile.is_some_and(|percentile| percentile <= 10))
        };
        (0..4).rev().find(|rank| fits(*rank)).unwrap_or(0)
    }

    /// The next day on which the tier must be looked at: day by day until the standard is missed.
    fn next_look(&self, rules: &Rules, rank: usize, today: i64) -> Option<i64> {
        if let Some(since) = self.unmet_since {
            return Some(since + rules.patience_days);
        }
        let last = self.spent.iter().map(|(day, _)| day + WINDOW).max()?;
        (today + 1..=last).find(|day| self.spent_in_window(*day) < rules.least[rank])
    }

    fn measure(&mut self, day: i64, today: i64, amount: i64) {
        self.spent.retain(|(on, _)| *on > today - WINDOW);
        if day > today - WINDOW {
            self.spent.push((day, amount));
        }
    }

    fn celebrates(&self, day: i64) -> bool {
        let (year, month, of_month) = civil(day);
        match self.birthday {
            Some((2, 29)) if !is_leap(year) => (month, of_month) == (3, 1),
            birthday => birthday == Some((month, of_month)),
        }
    }
}

impl Books {
    fn rules(&self) -> Rules {
        Rules::of(self.version)
    }

    fn member(&mut self, who: Who) -> &mut Member {
        self.members.get_mut(who).expect("the clerk knows the member")
    }

    fn available(&self, who: Who) -> i64 {
        self.members.get(who).map_or(0, |member| sum(&member.available))
    }

    /// Everybody is brought up to date.
    pub fn go_to(&mut self, now: i64) {
        self.now = self.now.max(now);
        let everybody: Vec<Who> = self.members.keys().copied().collect();
        for who in everybody {
            while let Some((due, timer)) = self.member(who).due().filter(|(due, _)| *due <= self.now) {
                self.fire(who, due, timer);
            }
            let now = self.now;
            self.member(who).reminded_at = now;
        }
    }

    fn fire(&mut self, who: Who, due: i64, timer: u8) {
        let rules = self.rules();
        let today = day_of(due);
        let reminded_at = &mut self.member(who).reminded_at;
        // Whatever comes by this timer comes too late for earlier reminders.
        *reminded_at = (*reminded_at).max(due - 1);
        match timer {
            0 => self.member(who).activate(|lot| lot.waits <= due),
            1 => {
                let member = self.member(who);
                let closed = member.closed_at.is_some();
                let is_over = |lot: &Lot| closed || lot.expires <= due;
                let (over, left): (Vec<Lot>, _) = member.available.drain(..).partition(is_over);
                member.available = left;
                let mut gone = member.lapse(&over, due);
                gone += member.review.iter().filter(|lot| is_over(lot)).map(|lot| lot.points).sum::<i64>();
                gone += member.pending.iter().filter(|lot| is_over(lot)).map(|lot| lot.points).sum::<i64>();
                member.review.retain(|lot| !is_over(lot));
                member.pending.retain(|lot| !is_over(lot));
                self.totals[EXPIRED] += gone;
            }
            2 => {
                let member = self.member(who);
                let (over, open) = member.holds.drain(..).partition(|hold| hold.expires <= due);
                member.holds = open;
                let over: Vec<Hold> = over;
                let gone: i64 = over.into_iter().map(|hold| member.release(hold, due)).sum();
                self.totals[EXPIRED] += gone;
            }
            3 => {
                let member = self.member(who);
                let natural = member.natural(&rules, today);
                let mut rank = member.tier.unwrap_or(0);
                let lapsed = member.unmet_since.is_some_and(|since| today >= since + rules.patience_days);
                if natural < rank && lapsed {
                    rank -= 1;
                    member.unmet_since = None;
                }
                member.settle(&rules, rank, natural, today);
            }
            5 => {
                let member = self.member(who);
                member.reminded_at = due;
                let mut told = Vec::new();
                for days in REMIND_DAYS {
                    let dies = |lot: &&Lot| day_of(lot.expires) == today + days;
                    let dying: Vec<Lot> = member.available.iter().filter(dies).cloned().collect();
                    if let Some(first) = dying.iter().map(|lot| lot.expires).min() {
                        told.push((who, due, first, sum(&dying)));
                    }
                }
                self.reminders.extend(told);
            }
            _ => {
                let mut work = self.work(who, Keys::default(), due, due);
                self.member(who).dormant_at = None;
                self.count_kind(&mut work, "inactive", 0);
                self.earn(&mut work, "back", rules.back, Some(("back", 60, true, 1)));
                self.count_consequences(&mut work, "inactive");
                self.stand(&work);
                self.keep(work);
            }
        }
    }

    fn work(&self, who: Who, keys: Keys, happened_at: i64, at: i64) -> Work {
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
            review: on(Action::Review),
            denied: on(Action::Deny),
            mute: self.members.get(who).is_some_and(|member| member.frozen.0 || member.closed_at.is_some()),
            earned: 0,
            granted_rank: None,
            hits: 0,
            points: 0,
            opens: None,
            joined: Vec::new(),
            counted: Vec::new(),
            bought: Vec::new(),
        }
    }

    /// Somebody says something at the clerk's time.
    pub fn say(&mut self, who: Who, keys: Keys, happened_at: i64, act: &Act) -> Answer {
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

    fn try_say(&mut self, who: Who, keys: Keys, happened_at: i64, act: &Act) -> Result<i64, &'static str> {
        let rules = self.rules();
        if happened_at > self.now + FUTURE {
            return Err("IN_THE_FUTURE");
        }
        if (act.is_command() || act.is_control()) && !self.members.contains_key(who) {
            return Err("MEMBER_UNKNOWN");
        }
        let now = self.now;
        let member = self.members.entry(who).or_insert_with(|| Member { reminded_at: now, ..Member::default() });
        if member.closed_at.is_some() && (act.is_command() || act.is_control()) {
            return Err("MEMBER_CLOSED");
        }
        match act.kind() {
            "credit" | "imported" | "reinstated" | "extended" if member.frozen.0 => return Err("MEMBER_FROZEN"),
            "redeem" | "hold" | "hold_extended" | "capture" | "transfer" | "donate" if member.frozen.1 => {
                return Err("MEMBER_FROZEN");
            }
            _ => {}
        }
        let mut work = self.work(who, keys, happened_at, self.now);
        let horizon = work.today - HORIZON;
        let version = self.version;
        let known = |books: &mut Books, order: &str| {
            let bought = &books.member(who).bought;
            bought.iter().rposition(|bought| bought.order == order).filter(|at| bought[*at].day >= horizon)
        };
        match act {
            Act::Enrol { birthday } => {
                if self.member(who).enrolled {
                    return Err("ALREADY_ENROLLED");
                }
                self.observe(&mut work, act)?;
                self.member(who).enrolled = true;
                self.member(who).birthday = *birthday;
                self.earn(&mut work, "welcome", 7, None);
            }
            Act::Attribute { known, value } => {
                if !known {
                    return Err("ATTRIBUTE_UNKNOWN");
                }
                self.observe(&mut work, act)?;
                self.member(who).percentile = Some(*value);
            }
            Act::Purchase { order, paid } => {
                if known(self, order).is_some() {
                    return Err("ORDER_EXISTS");
                }
                self.observe(&mut work, act)?;
                let (day, today) = (work.day, work.today);
                self.member(who).measure(day, today, *paid);
                let base = paid / 100 * rules.give;
                let base = self.earn(&mut work, "base", base, Some(("base", 7, false, rules.base_most)));
                self.earn(&mut work, "bonus", 3, None);
                if self.member(who).celebrates(day) {
                    self.earn(&mut work, "birthday", base, None);
                }
                if is_midweek(day) && *paid >= 4_000 {
                    self.earn(&mut work, "midweek", quarter(base), None);
                }
                let rank = self.member(who).tier.unwrap_or(0);
                self.earn(&mut work, "gift", [0, 2, 4, 4][rank], None);
                let counted = self.member(who).carried + paid;
                self.earn(&mut work, "drops", counted / DROP, None);
                let carries = !work.denied && !work.mute;
                if carries {
                    self.member(who).carried = counted % DROP;
                }
                let charity = if carries { paid / 700 * rules.charity } else { 0 };
                self.totals[0] += charity;
                self.totals[DONATED] += charity;
                let granted = std::mem::take(&mut work.bought);
                let name = order.clone();
                let lines = [(paid / 3, true), (paid - paid / 3, true)];
                let bought =
                    Bought { order: name, day, paid: *paid, refunded: 0, lines, version, carries, charity, granted };
                self.member(who).bought.push(bought);
                // What came back before it, as if it came now. What cannot go back now never does.
                let at = self.member(who).bought.len() - 1;
                let parked = std::mem::take(&mut self.member(who).parked);
                let is_its = |back: &Parked| back.order == *order && back.came >= horizon && back.happened >= day;
                let (its, others): (Vec<Parked>, _) = parked.into_iter().partition(is_its);
                self.member(who).parked = others;
                for back in its.into_iter().filter(|_| day >= horizon) {
                    let _ = self.take_back(&work, at, &back.act);
                }
            }
            Act::Settle { order }
            | Act::Cancel { order }
            | Act::Refund { order, .. }
            | Act::RefundLine { order, .. } => {
                self.observe(&mut work, act)?;
                match known(self, order) {
                    Some(at) => self.take_back(&work, at, act)?,
                    None => {
                        let parked =
                            Parked { came: work.today, happened: work.day, order: order.clone(), act: act.clone() };
                        self.member(who).parked.push(parked);
                    }
                }
            }
            Act::CheckIn => {
                self.observe(&mut work, act)?;
                self.earn(&mut work, "check_in", rules.check_in, Some(("check_in", 1, true, 1)));
                let streak = match self.member(who).streak {
                    Some((count, last)) if work.day <= last => Some((count, last)),
                    Some((count, last)) if work.day == last + 1 => Some((count + 1, work.day)),
                    _ => Some((1, work.day)),
                };
                let longer = streak != self.member(who).streak;
                self.member(who).streak = streak;
                if longer && streak.is_some_and(|(count, _)| count % 3 == 0) {
                    work.granted_rank = Some(1);
                }
            }
            Act::Refer { referee } => {
                if *referee == who {
                    return Err("SELF_REFERRAL");
                }
                if self.members.get(referee).is_some_and(|referee| referee.referred) {
                    return Err("REFERRAL_EXISTS");
                }
                self.observe(&mut work, act)?;
                let referee = self.members.entry(referee).or_insert_with(|| Member {
                    tier: Some(0),
                    reminded_at: now,
                    ..Member::default()
                });
                referee.referred = true;
                self.earn(&mut work, "friend", 20, Some(("friend", 30, true, 2)));
                let member = self.member(who);
                member.referrals += 1;
                if member.referrals % 2 == 0 {
                    work.granted_rank = Some((member.tier.unwrap_or(0) + 1).min(3));
                }
            }
            Act::Redeem { points } => {
                let lots = take(&mut self.member(who).available, *points).ok_or("NOT_ENOUGH_POINTS")?;
                self.member(who).spent_points.push(Spent { day: work.today, lots, back: 0 });
                self.observe(&mut work, act)?;
                self.totals[REDEEMED] += points;
            }
            Act::Credit { points, by } => self.by_hand(&mut work, act, (true, *points), by)?,
            Act::Debit { points, by } => self.by_hand(&mut work, act, (false, *points), by)?,
            Act::Approve { nth, by } => self.approve(&mut work, act, *nth, by)?,
            Act::Withdraw { nth } => {
                let now = self.now;
                let at = self.member(who).open_proposal(*nth, now)?;
                self.member(who).proposed[at].over = true;
                self.observe(&mut work, act)?;
            }
            Act::Donate { known, points } => {
                if !known {
                    return Err("FUND_UNKNOWN");
                }
                take(&mut self.member(who).available, *points).ok_or("NOT_ENOUGH_POINTS")?;
                self.observe(&mut work, act)?;
                self.totals[DONATED] += points;
            }
            Act::Give { to, points } => self.give(&mut work, act, to, *points)?,
            Act::Import { lots } => self.import(&mut work, act, lots)?,
            Act::Prolong { points, days } => self.prolong(&mut work, act, *points, *days)?,
            Act::Reinstate { points, days } => self.reinstate(&mut work, act, *points, *days)?,
            Act::Hold { name, points, ttl } => {
                let now = self.now;
                let member = self.member(who);
                if member.holds.iter().any(|hold| hold.name == *name) || member.closed.contains(name) {
                    return Err("HOLD_EXISTS");
                }
                let lots = take(&mut member.available, *points).ok_or("NOT_ENOUGH_POINTS")?;
                let expires = now + ttl.unwrap_or(rules.hold_ms);
                member.holds.push(Hold { name: name.clone(), expires, lots, day: work.today });
                self.observe(&mut work, act)?;
            }
            Act::Capture { name, points, last } => {
                let (now, mut gone) = (self.now, 0);
                let member = self.member(who);
                let mut hold = member.open_hold(name)?;
                let held = sum(&hold.lots);
                let points = points.unwrap_or(held);
                let lots = take(&mut hold.lots, points).ok_or("CAPTURE_OVER_HOLD")?;
                member.spent_points.push(Spent { day: hold.day, lots, back: 0 });
                if *last || points == held {
                    gone = member.release(hold, now);
                } else {
                    member.holds.push(hold);
                }
                self.observe(&mut work, act)?;
                self.totals[EXPIRED] += gone;
                self.totals[REDEEMED] += points;
            }
            Act::Void { name } => {
                let now = self.now;
                let member = self.member(who);
                let hold = member.open_hold(name)?;
                let gone = member.release(hold, now);
                self.observe(&mut work, act)?;
                self.totals[EXPIRED] += gone;
            }
            Act::Extend { name, ttl } => {
                let now = self.now;
                let member = self.member(who);
                let hold = member.open_hold(name)?;
                member.holds.push(Hold { expires: now + ttl.unwrap_or(rules.hold_ms), ..hold });
                self.observe(&mut work, act)?;
            }
            Act::GiveBack { nth, points } => {
                let now = self.now;
                let member = self.member(who);
                let at = nth % (member.spent_points.len() + 1);
                let spent = member.spent_points.get_mut(at).filter(|spent| spent.day >= horizon);
                let spent = spent.ok_or("REDEMPTION_UNKNOWN")?;
                let left = sum(&spent.lots) - spent.back;
                let points = points.unwrap_or(left);
                if left == 0 || points > left {
                    return Err("REFUND_OVER_REDEEMED");
                }
                // One point after the other, the last of the last lot first.
                let mut single: Vec<Lot> = Vec::new();
                for lot in &spent.lots {
                    single.extend(std::iter::repeat_n(Lot { points: 1, ..lot.clone() }, lot.points as usize));
                }
                single.reverse();
                let back: Vec<Lot> = single.drain(spent.back as usize..(spent.back + points) as usize).collect();
                spent.back += points;
                let mut expired = Vec::new();
                for lot in back {
                    match lot.expires <= now {
                        true => expired.push(lot),
                        false if member.debt > 0 => member.debt -= 1,
                        false => give_back(&mut member.available, vec![lot]),
                    }
                }
                let expired = member.lapse(&expired, now);
                self.observe(&mut work, act)?;
                self.totals[REDEEMED] -= points;
                self.totals[EXPIRED] += expired;
            }
            Act::Freeze { earn, redeem } => {
                let frozen = &mut self.member(who).frozen;
                let more = (frozen.0 || *earn, frozen.1 || *redeem);
                if std::mem::replace(frozen, more) == more {
                    return Err("ALREADY_FROZEN");
                }
                self.observe(&mut work, act)?;
            }
            Act::Unfreeze { earn, redeem } => {
                let frozen = &mut self.member(who).frozen;
                let less = (frozen.0 && !earn, frozen.1 && !redeem);
                if std::mem::replace(frozen, less) == less {
                    return Err("NOT_FROZEN");
                }
                self.observe(&mut work, act)?;
            }
            Act::Close => {
                if !self.member(who).holds.is_empty() {
                    return Err("HOLDS_OPEN");
                }
                self.observe(&mut work, act)?;
                let now = self.now;
                let member = self.member(who);
                (member.closed_at, member.dormant_at) = (Some(now), None);
            }
        }
        self.count_consequences(&mut work, act.kind());
        let ends_dormancy = ["enrolled", "check_in", "purchase", "redeem", "capture"].contains(&act.kind());
        if ends_dormancy && self.member(who).closed_at.is_none() {
            let (dormant_at, now) = (start_of(work.day + rules.dormant_days), self.now);
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
        if self.version == 1 && active && self.member(who).closed_at.is_none() {
            let (until, now) = (expires_at(1, work.day), self.now);
            self.member(who).live_on(until, now);
        }
        self.stand(&work);
        let earned = work.earned;
        self.keep(work);
        Ok(earned)
    }

    /// Counts the event; a command that a rule denies ends here.
    fn observe(&mut self, work: &mut Work, act: &Act) -> Result<(), &'static str> {
        let asked = match act {
            Act::Redeem { points }
            | Act::Hold { points, .. }
            | Act::Credit { points, .. }
            | Act::Debit { points, .. }
            | Act::Donate { points, .. }
            | Act::Give { points, .. } => *points,
            _ => 0,
        };
        self.count_kind(work, act.kind(), asked);
        if work.denied && act.is_command() {
            let opens = work.opens.take();
            self.cases.extend(opens);
            self.counted.append(&mut work.counted);
            return Err("RISK_DENIED");
        }
        Ok(())
    }

    fn count_kind(&mut self, work: &mut Work, kind: &str, asked: i64) {
        for (index, rule) in COUNTERS.iter().enumerate().filter(|(_, rule)| rule.on.contains(&kind)) {
            match rule.measure {
                Measure::Points if asked > 0 => self.count(work, index, asked),
                Measure::Points => {}
                Measure::Count | Measure::Members => self.count(work, index, 1),
            }
        }
    }

    fn count_consequences(&mut self, work: &mut Work, kind: &str) {
        if work.hits > 0 {
            for (index, _) in COUNTERS.iter().enumerate().filter(|(_, rule)| rule.on.contains(&"limit_hit")) {
                self.count(work, index, work.hits);
            }
        }
        if work.points > 0 {
            let points = |rule: &CounterRule| rule.measure == Measure::Points && rule.on.contains(&kind);
            for (index, _) in COUNTERS.iter().enumerate().filter(|(_, rule)| points(rule)) {
                self.count(work, index, work.points);
            }
        }
    }

    fn count(&mut self, work: &mut Work, index: usize, amount: i64) {
        let rule = &COUNTERS[index];
        let key = match rule.key {
            'm' => Some(Key::Member(work.who)),
            'd' => work.keys.device.map(Key::Device),
            'i' => work.keys.ip.map(Key::Ip),
            _ => work.keys.phone.map(Key::Phone),
        };
        let Some(key) = key else { return };
        work.counted.push((index, key, rule.bucket(work.counted_at), amount, work.who));
        let so_far: Vec<_> = self.counted.iter().chain(&work.counted).copied().collect();
        let (value, members) = recount(&so_far, index, key, work.counted_at);
        let fast = self.rules().fast_at_least;
        let at_least = [3, 3, 200, fast, 2, 6];
        for (risk, (name, counter, action)) in RISKS.into_iter().enumerate() {
            if counter != index || value < at_least[risk] {
                continue;
            }
            match action {
                Action::Flag => {}
                Action::Review => work.review = true,
                Action::Deny => work.denied = true,
            }
            let concerned = if rule.measure == Measure::Members { members.clone() } else { [work.who].into() };
            let open = |case: &Case| case.rule == name && case.key == key && case.fraud.is_none();
            match self.cases.iter().rposition(open) {
                Some(at) if work.joined.contains(&at) => {}
                Some(at) => {
                    let known = &mut self.cases[at].members;
                    let new: Vec<Who> = concerned.into_iter().filter(|who| !known.contains(who)).collect();
                    known.extend(new);
                    work.joined.push(at);
                }
                None if work.opens.as_ref().is_none_or(|other| other.action < action) => {
                    let members = concerned.into_iter().collect();
                    work.opens = Some(Case { rule: name, key, action, members, fraud: None });
                }
                None => {}
            }
        }
    }

    /// Enters what was counted, and the case, into the books.
    fn keep(&mut self, work: Work) {
        self.counted.extend(work.counted);
        self.cases.extend(work.opens);
    }

    /// A rule gives, within its limit: name, days, whether it counts times, and at most how much.
    fn earn(
        &mut self,
        work: &mut Work,
        rule: &'static str,
        computed: i64,
        limit: Option<(&'static str, i64, bool, i64)>,
    ) -> i64 {
        let nothing = work.denied || work.mute;
        let mut granted = if nothing { 0 } else { computed };
        if let Some((name, days, times, most)) = limit.filter(|_| !nothing) {
            let from = work.day - days + 1;
            let used = &mut self.member(work.who).used;
            let so_far: i64 =
                used.iter().filter(|(whose, day, _)| *whose == name && *day >= from).map(|use_| use_.2).sum();
            let room = (most - so_far).max(0);
            let using = if times { room.min(1) } else { computed.min(room) };
            if times && room == 0 {
                granted = 0;
            } else if !times {
                granted = computed.min(room);
            }
            if using > 0 {
                // Days before the window of this one are not kept.
                used.retain(|(whose, day, _)| *whose != name || *day >= from);
                used.push((name, work.day, using));
            }
        }
        if ["check_in", "friend"].contains(&rule) && !nothing {
            let (year, month, _) = civil(work.day);
            let given = self.visits_in_month_of(start_of(work.day));
            granted = granted.min((self.rules().visits_a_month - given).max(0));
            self.visits.push(((year, month), granted));
        }
        work.hits += i64::from(!nothing && granted < computed);
        work.points += granted;
        let today = work.day;
        let waits = match (rule, self.version) {
            ("drops", 0) => start_of(today + 3),
            ("base", 1) if granted > 20 => UNSETTLED,
            _ => 0,
        };
        let expires = (self.version == 0).then(|| expires_at(0, today));
        let lot = self.grant_until(work, granted, expires, waits);
        work.bought.push((rule, granted, lot));
        granted
    }

    /// Points are given or taken by hand, or that is proposed.
    fn by_hand(
        &mut self,
        work: &mut Work,
        act: &Act,
        (gives, points): (bool, i64),
        by: &'static str,
    ) -> Result<(), &'static str> {
        if self.people_for(gives, points) == 1 {
            return self.carry_out(work, act, gives, points);
        }
        if by.is_empty() {
            return Err("NOBODY_STANDS");
        }
        let now = self.now;
        let proposed = &mut self.member(work.who).proposed;
        if proposed.iter().filter(|one| one.is_open(now)).count() == 16 {
            return Err("MEMBER_FULL");
        }
        proposed.push(Proposed { points, gives, by: vec![by], lapses: now + LAPSE, over: false });
        self.observe(work, act)
    }

    /// How many people must stand for it now.
    fn people_for(&self, gives: bool, points: i64) -> usize {
        let rules = self.rules();
        match gives {
            true if points > 200 => rules.given_by,
            false if points > 60 => rules.taken_by,
            _ => 1,
        }
    }

    fn carry_out(&mut self, work: &mut Work, act: &Act, gives: bool, points: i64) -> Result<(), &'static str> {
        if gives {
            self.observe(work, act)?;
            self.grant(work, points);
            return Ok(());
        }
        take(&mut self.member(work.who).available, points).ok_or("NOT_ENOUGH_POINTS")?;
        self.observe(work, act)?;
        self.totals[DEBITED] += points;
        Ok(())
    }

    fn approve(&mut self, work: &mut Work, act: &Act, nth: usize, by: &'static str) -> Result<(), &'static str> {
        let now = self.now;
        let at = self.member(work.who).open_proposal(nth, now)?;
        let frozen = self.member(work.who).frozen.0;
        let one = &mut self.member(work.who).proposed[at];
        if one.gives && frozen {
            return Err("MEMBER_FROZEN");
        }
        if one.by.contains(&by) {
            return Err("APPROVED_ALREADY");
        }
        one.by.push(by);
        let (gives, points, people) = (one.gives, one.points, one.by.len());
        if people < self.people_for(gives, points) {
            return self.observe(work, act);
        }
        self.member(work.who).proposed[at].over = true;
        self.carry_out(work, act, gives, points)
    }

    /// A gift: every point of it goes to its place alone.
    fn give(&mut self, work: &mut Work, act: &Act, to: Who, points: i64) -> Result<(), &'static str> {
        let (rules, now, who) = (self.rules(), self.now, work.who);
        let other = self.members.get(to).ok_or("RECIPIENT_UNKNOWN")?;
        if to == who {
            return Err("TRANSFER_TO_SELF");
        }
        if other.frozen.0 || other.closed_at.is_some() {
            return Err("RECIPIENT_BLOCKED");
        }
        if points < 3 {
            return Err("TRANSFER_BELOW_MIN");
        }
        if points > 120 {
            return Err("TRANSFER_ABOVE_MAX");
        }
        let member = self.member(who);
        if member.received_at.is_some_and(|at| now < at + 2 * HOUR) {
            return Err("TRANSFER_COOLING");
        }
        let today: i64 = member.gave.iter().filter(|(day, _)| *day == work.today).map(|(_, points)| points).sum();
        if today + points > rules.given_a_day {
            return Err("TRANSFER_MAX_PER_DAY");
        }
        let lots = take(&mut member.available, points).ok_or("NOT_ENOUGH_POINTS")?;
        member.gave.push((work.today, points));
        self.observe(work, act)?;
        let under_review = self.work(to, Keys::default(), now, now).review;
        let fee = points * rules.fee_percent / 100;
        self.totals[FEES] += fee;
        let made = self.lots_made;
        self.lots_made += lots.len() as u64;
        let numbered = (made + 1..).zip(&lots);
        let single = numbered.flat_map(|(made, lot)| {
            (0..lot.points).map(move |_| Lot {
                points: 1,
                made,
                active: false,
                reinstated: false,
                expires: lot.expires,
                waits: 0,
            })
        });
        let other = self.member(to);
        for lot in single.skip(fee as usize) {
            match (other.debt > 0, under_review) {
                (true, _) => other.debt -= 1,
                (false, true) => give_back(&mut other.review, vec![lot]),
                (false, false) => give_back(&mut other.available, vec![lot]),
            }
        }
        (other.received_at, other.used_wallet) = (Some(now), true);
        Ok(())
    }

    fn import(&mut self, work: &mut Work, act: &Act, lots: &[(i64, i64, Option<i64>)]) -> Result<(), &'static str> {
        let (now, version) = (self.now, self.version);
        if self.member(work.who).used_wallet {
            return Err("WALLET_IN_USE");
        }
        let mut dated: Vec<(i64, Option<i64>, i64)> = Vec::new();
        for (points, age, left) in lots {
            let earned_at = now - age * DAY;
            let here = (version == 0).then(|| expires_at(0, day_of(earned_at)));
            let expires = left.map(|days| now + days * DAY).or(here);
            dated.push((earned_at, expires, *points));
        }
        if dated.iter().any(|(earned_at, ..)| *earned_at > now) {
            return Err("IN_THE_FUTURE");
        }
        if dated.iter().any(|(_, expires, _)| expires.is_some_and(|expires| expires <= now)) {
            return Err("LOT_EXPIRED");
        }
        dated.sort_by_key(|(earned_at, ..)| *earned_at);
        self.observe(work, act)?;
        for (_, expires, points) in dated {
            self.grant_until(work, points, expires, 0);
        }
        Ok(())
    }

    /// Point by point from what would die first, whatever was reinstated apart, into a lot of another date.
    fn prolong(&mut self, work: &mut Work, act: &Act, points: Option<i64>, days: i64) -> Result<(), &'static str> {
        let until = self.now + days * DAY;
        if days <= 0 {
            return Err("LOT_EXPIRED");
        }
        let fits = |lot: &Lot| !lot.active && !lot.reinstated && lot.expires < until;
        let member = self.member(work.who);
        let there: i64 = member.available.iter().filter(|lot| fits(lot)).map(|lot| lot.points).sum();
        let points = points.unwrap_or(there);
        if there == 0 || points > there {
            return Err("NOT_ENOUGH_POINTS");
        }
        for _ in 0..points {
            let lot = member.available.iter_mut().find(|lot| fits(lot) && lot.points > 0);
            lot.expect("as many as there are").points -= 1;
        }
        member.available.retain(|lot| lot.points > 0);
        self.observe(work, act)?;
        self.lots_made += 1;
        let lot = Lot { expires: until, active: false, reinstated: false, made: self.lots_made, points, waits: 0 };
        give_back(&mut self.member(work.who).available, vec![lot]);
        Ok(())
    }

    /// Point by point from what died, the first first.
    fn reinstate(&mut self, work: &mut Work, act: &Act, points: Option<i64>, days: i64) -> Result<(), &'static str> {
        let (expires, today) = (self.now + days * DAY, work.today);
        if days <= 0 {
            return Err("LOT_EXPIRED");
        }
        let lapsed = &mut self.member(work.who).lapsed;
        lapsed.retain(|(day, _)| *day >= today - REINSTATE_DAYS);
        let there: i64 = lapsed.iter().map(|(_, points)| points).sum();
        let points = points.unwrap_or(there);
        if there == 0 || points > there {
            return Err("NOT_ENOUGH_EXPIRED");
        }
        for _ in 0..points {
            let first = lapsed.iter_mut().find(|(_, points)| *points > 0).expect("as many as there are");
            first.1 -= 1;
        }
        self.observe(work, act)?;
        self.lots_made += 1;
        let (made, review) = (self.lots_made, work.review);
        self.totals[EXPIRED] -= points;
        let member = self.member(work.who);
        let repaid = points.min(member.debt);
        member.debt -= repaid;
        if points > repaid {
            let lots = if review { &mut member.review } else { &mut member.available };
            let lot = Lot { expires, active: false, reinstated: true, made, points: points - repaid, waits: 0 };
            give_back(lots, vec![lot]);
        }
        Ok(())
    }

    /// Points that live as the program says, or until a stated date.
    fn grant(&mut self, work: &mut Work, points: i64) -> u64 {
        self.grant_until(work, points, (self.version == 0).then(|| expires_at(0, work.day)), 0)
    }

    /// The same, of points that wait until then; what is past is not waited for.
    fn grant_until(&mut self, work: &mut Work, points: i64, stated: Option<i64>, waits: i64) -> u64 {
        self.lots_made += 1;
        let made = self.lots_made;
        let review = work.review;
        let member = self.member(work.who);
        member.used_wallet |= points > 0;
        let waits = if waits > work.counted_at { waits } else { 0 };
        let repaid = if waits > 0 { 0 } else { points.min(member.debt) };
        member.debt -= repaid;
        if points > repaid {
            let active = stated.is_none();
            if active && member.alive_until <= work.counted_at {
                member.alive_until = expires_at(1, work.day);
            }
            let expires = stated.unwrap_or(member.alive_until);
            let lots = match (review, waits > 0) {
                (true, _) => &mut member.review,
                (false, true) => &mut member.pending,
                (false, false) => &mut member.available,
            };
            give_back(lots, vec![Lot { expires, active, reinstated: false, made, points: points - repaid, waits }]);
        }
        work.earned += points;
        self.totals[0] += points;
        made
    }

    /// Something of a purchase goes back, if it is there.
    fn take_back(&mut self, work: &Work, at: usize, act: &Act) -> Result<(), &'static str> {
        if let Act::Settle { .. } = act {
            self.member(work.who).purchase_settled(at);
            return Ok(());
        }
        let bought = &mut self.member(work.who).bought[at];
        let (left, was_gone) = (bought.paid - bought.refunded, bought.is_gone());
        let amount = match act {
            Act::Cancel { .. } if left > 0 => left,
            Act::Refund { amount, .. } if *amount <= left => *amount,
            Act::RefundLine { line, amount, .. } => {
                let (price, there) = bought.lines.get_mut(*line).ok_or("LINE_UNKNOWN")?;
                if amount.map_or(!*there, |amount| amount > *price) {
                    return Err("REFUND_OVER_LINE");
                }
                let goes = amount.unwrap_or(*price);
                if goes > left {
                    return Err("REFUND_OVER_PAID");
                }
                (*price, *there) = (*price - goes, amount.is_some());
                goes
            }
            _ => return Err("REFUND_OVER_PAID"),
        };
        self.refund(work, at, amount, was_gone);
        Ok(())
    }

    fn refund(&mut self, work: &Work, at: usize, amount: i64, was_gone: bool) {
        let member = self.member(work.who);
        let bought = &mut member.bought[at];
        let worth = |bought: &Bought, gone: bool| -> Vec<i64> {
            let kept = bought.paid - bought.refunded;
            let base_of = |granted: i64| granted.min(kept / 100 * Rules::of(bought.version).give);
            let base = bought.granted.first().map_or(0, |(_, granted, _)| base_of(*granted));
            let worth = |(rule, granted, _): &(&str, i64, u64)| match *rule {
                "base" => base,
                "birthday" => base.min(*granted),
                "midweek" if kept < 4_000 => 0,
                "midweek" => quarter(base).min(*granted),
                "drops" => (kept / DROP).min(*granted),
                _ if gone => 0,
                _ => *granted,
            };
            bought.granted.iter().map(worth).collect()
        };
        let kept = bought.paid - bought.refunded;
        let before = worth(bought, was_gone);
        bought.refunded += amount;
        let after = worth(bought, bought.is_gone());
        let charity = |kept: i64| bought.charity.min(kept / 700 * Rules::of(bought.version).charity);
        let from_trees = charity(kept) - charity(kept - amount);
        let day = bought.day;
        let own: Vec<u64> = bought.granted.iter().map(|(_, _, lot)| *lot).collect();
        let mut missing: Vec<i64> = before.iter().zip(&after).map(|(before, after)| before - after).collect();
        if bought.carries {
            // Cent by cent from what waits; at its end a point goes back, and three euros wait again.
            let (mut waits, mut back) = (member.carried - amount, 0);
            while waits < 0 {
                waits += DROP;
                back += 1;
            }
            member.carried = waits;
            *missing.last_mut().expect("drops is the last rule") = back;
        }
        let all: i64 = missing.iter().sum();
        member.measure(day, work.today, -amount);
        // Each rule from its own lot, then from the purchase's others, then from whatever is there.
        for (missing, lot) in missing.iter_mut().zip(&own) {
            *missing -= member.take_from(&[*lot], *missing);
        }
        for missing in &mut missing {
            *missing -= member.take_from(&own, *missing);
        }
        let rest: i64 = missing.iter().sum();
        let there = sum(&member.available.iter().filter(|lot| !own.contains(&lot.made)).cloned().collect::<Vec<_>>());
        let (mut others, mine) = member.available.drain(..).partition(|lot| !own.contains(&lot.made));
        take(&mut others, rest.min(there)).expect("as many as there are");
        member.available = mine;
        give_back(&mut member.available, others);
        member.debt += rest - rest.min(there);
        self.totals[CLAWED_BACK] += all + from_trees;
        self.totals[DONATED] -= from_trees;
    }

    /// The tier after an event.
    fn stand(&mut self, work: &Work) {
        let rules = self.rules();
        let member = self.member(work.who);
        let mut rank = member.tier.unwrap_or(0);
        let natural = member.natural(&rules, work.today);
        if let Some(granted) = work.granted_rank.filter(|granted| *granted > rank) {
            rank = granted;
            member.unmet_since = None;
        }
        if natural > rank {
            rank = natural;
            member.unmet_since = None;
        }
        member.settle(&rules, rank, natural, work.today);
    }

    /// What check-ins and referrals gave in a month.
    pub fn visits_in_month_of(&self, at: i64) -> i64 {
        let (year, month, _) = civil(day_of(at));
        self.visits.iter().filter(|(when, _)| *when == (year, month)).map(|(_, points)| points).sum()
    }

    /// A case is resolved.
    pub fn resolve(&mut self, case: usize, fraud: bool) -> Answer {
        let answer = |refusal| Answer { refusal, earned: 0, available: 0 };
        let at = self.now;
        let Some(known) = self.cases.get_mut(case) else { return answer(Some("CASE_UNKNOWN")) };
        if known.fraud.is_some() {
            return answer(Some("CASE_CLOSED"));
        }
        known.fraud = Some(fraud);
        for who in self.cases[case].members.clone() {
            let kept =
                |case: &Case| case.fraud.is_none() && case.action == Action::Review && case.members.contains(&who);
            let kept = self.cases.iter().any(kept);
            let member = self.member(who);
            if fraud {
                let voided: i64 = member.review.drain(..).map(|lot| lot.points).sum();
                self.totals[VOIDED] += voided;
            } else if !kept {
                let (waits, free) = member.review.drain(..).partition(|lot| lot.waits > at);
                give_back(&mut member.pending, waits);
                member.have(free);
            }
        }
        answer(None)
    }

    /// How firmly somebody stands now: the metric, when it falls short, and when the tier is lost.
    pub fn footing(&self, who: Who) -> (i64, Option<i64>, Option<i64>) {
        let (rules, today) = (self.rules(), day_of(self.now));
        let member = &self.members[who];
        let (rank, metric) = (member.tier.unwrap_or(0), member.spent_in_window(today));
        let lost_on = member.unmet_since.map(|since| since + rules.patience_days);
        let stands = lost_on.is_none() && metric >= rules.least[rank];
        let falls_short_on = if stands { member.next_look(&rules, rank, today) } else { None };
        (metric, falls_short_on, lost_on)
    }

    /// What a counter says of a key at an instant, in its window and ever, by counting everything again.
    pub fn counter(&self, index: usize, key: Key, at: i64) -> (i64, i64) {
        let ever = self.counted.iter().filter(|(of, whose, ..)| *of == index && *whose == key);
        (recount(&self.counted, index, key, at).0, ever.map(|(_, _, _, amount, _)| amount).sum())
    }

    /// Every key that a counter has counted.
    pub fn keys(&self, index: usize) -> BTreeSet<Key> {
        self.counted.iter().filter(|(of, ..)| *of == index).map(|(_, key, ..)| *key).collect()
    }
}

impl Proposed {
    pub fn is_open(&self, now: i64) -> bool {
        !self.over && now < self.lapses
    }
}

impl CounterRule {
    fn bucket(&self, at: i64) -> i64 {
        if self.buckets == 0 { 0 } else { at.div_euclid(self.bucket_ms) }
    }
}

/// The running bucket and as many full ones as the window has.
fn recount(counted: &[(usize, Key, i64, i64, Who)], index: usize, key: Key, at: i64) -> (i64, BTreeSet<Who>) {
    let rule = &COUNTERS[index];
    let from = rule.bucket(at) - rule.buckets;
    let inside = counted.iter().filter(|(of, whose, bucket, ..)| *of == index && *whose == key && *bucket >= from);
    let members: BTreeSet<Who> = inside.clone().map(|(.., who)| *who).collect();
    let amount = inside.map(|(_, _, _, amount, _)| amount).sum();
    (if rule.measure == Measure::Members { members.len() as i64 } else { amount }, members)
}

impl Member {
    fn settle(&mut self, rules: &Rules, rank: usize, natural: usize, today: i64) {
        self.tier = Some(rank);
        self.unmet_since = if natural < rank { self.unmet_since.or(Some(today)) } else { None };
        self.tier_due = self.next_look(rules, rank, today);
    }

    /// Gives back what was held; answers how much of it died with the member's activity meanwhile.
    fn release(&mut self, hold: Hold, now: i64) -> i64 {
        let (gone, back): (Vec<Lot>, _) = hold.lots.into_iter().partition(|lot| lot.active && lot.expires <= now);
        give_back(&mut self.available, back);
        self.closed.push(hold.name);
        self.lapse(&gone, now)
    }

    /// The member was active: everything that is still alive by it lives on, wherever it is.
    fn live_on(&mut self, until: i64, now: i64) {
        if self.alive_until <= now || until <= self.alive_until {
            return;
        }
        self.alive_until = until;
        let held = self.holds.iter_mut().map(|hold| &mut hold.lots);
        let spent = self.spent_points.iter_mut().map(|spent| &mut spent.lots);
        for lots in [&mut self.available, &mut self.review, &mut self.pending].into_iter().chain(held).chain(spent) {
            for lot in lots.iter_mut().filter(|lot| lot.active && lot.expires > now) {
                lot.expires = until;
            }
        }
        for lots in [&mut self.available, &mut self.review, &mut self.pending] {
            give_back(lots, Vec::new());
        }
    }

    /// Repays what is owed from these lots, in their order; the rest can be spent.
    fn have(&mut self, mut lots: Vec<Lot>) {
        for lot in &mut lots {
            let repaid = lot.points.min(self.debt);
            self.debt -= repaid;
            (lot.points, lot.waits) = (lot.points - repaid, 0);
        }
        lots.retain(|lot| lot.points > 0);
        give_back(&mut self.available, lots);
    }

    /// What of the lots that wait has waited enough can be spent.
    fn activate(&mut self, enough: impl Fn(&Lot) -> bool) {
        let (free, waits) = self.pending.drain(..).partition(enough);
        self.pending = waits;
        self.have(free);
    }

    /// A purchase is settled: nothing of it waits for that any more.
    fn purchase_settled(&mut self, at: usize) {
        let made: Vec<u64> = self.bought[at].granted.iter().map(|(_, _, lot)| *lot).collect();
        let waits = |lot: &Lot| lot.waits == UNSETTLED && made.contains(&lot.made);
        self.review.iter_mut().filter(|lot| waits(lot)).for_each(|lot| lot.waits = 0);
        self.activate(waits);
    }

    /// The place of a proposal that can still be approved.
    fn open_proposal(&self, nth: usize, now: i64) -> Result<usize, &'static str> {
        let at = nth % (self.proposed.len() + 1);
        let open = self.proposed.get(at).is_some_and(|one| one.is_open(now));
        if open { Ok(at) } else { Err("PROPOSAL_NOT_OPEN") }
    }

    /// Takes an open hold out of the books.
    fn open_hold(&mut self, name: &str) -> Result<Hold, &'static str> {
        let closed = if self.closed.iter().any(|closed| closed == name) { "HOLD_CLOSED" } else { "HOLD_UNKNOWN" };
        let at = self.holds.iter().position(|hold| hold.name == name).ok_or(closed)?;
        Ok(self.holds.remove(at))
    }

    /// Takes up to `points` from certain lots, wherever they are; answers how many it were.
    fn take_from(&mut self, made: &[u64], points: i64) -> i64 {
        let mut missing = points;
        for made in made {
            for lots in [&mut self.available, &mut self.review, &mut self.pending] {
                for lot in lots.iter_mut().filter(|lot| lot.made == *made) {
                    let some = lot.points.min(missing);
                    lot.points -= some;
                    missing -= some;
                }
                lots.retain(|lot| lot.points > 0);
            }
        }
        points - missing
    }
}
