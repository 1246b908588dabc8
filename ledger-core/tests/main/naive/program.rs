//! The program as the ledger reads it, and the same once more as the clerk understands it.

use super::*;

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

pub(super) struct Rules {
    pub(super) give: i64,
    pub(super) check_in: i64,
    pub(super) back: i64,
    pub(super) dormant_days: i64,
    pub(super) patience_days: i64,
    pub(super) base_most: i64,
    pub(super) hold_ms: i64,
    pub(super) least: [i64; 4],
    pub(super) fast_at_least: i64,
    pub(super) given_a_day: i64,
    pub(super) fee_percent: i64,
    pub(super) visits_a_month: i64,
    /// How many people must stand for more than 200 points that are given, and for more than 60 that are taken.
    pub(super) given_by: usize,
    pub(super) taken_by: usize,
    /// What seven euros give to the trees.
    pub(super) charity: i64,
}

impl Rules {
    pub(super) fn of(version: usize) -> Rules {
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

/// A counter as the clerk understands it: name, what it counts, by which kind of key, which measure,
/// width of a bucket and how many.
pub struct CounterRule {
    pub name: &'static str,
    pub(super) on: &'static [&'static str],
    pub(super) key: char,
    pub(super) measure: Measure,
    pub(super) bucket_ms: i64,
    pub(super) buckets: i64,
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
pub(super) const RISKS: [(&str, usize, Action); 6] = [
    ("farm", 0, Action::Review),
    ("busy", 1, Action::Flag),
    ("rich", 2, Action::Review),
    ("fast", 3, Action::Deny),
    ("brisk", 3, Action::Flag),
    ("eager", 5, Action::Deny),
];
