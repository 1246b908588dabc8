//! Order: what happened, told in whatever order within the lateness of the program, comes to the same. Each story is
//! told twice, as it happened and late, and both are held against a clerk who has the list of all that happened.

use crate::ledger::{self, event};
use crate::properties::config;
use ledger_core::change::{self, Change};
use ledger_core::counter::{Counter, Key};
use ledger_core::event::{self, Body, Event, Name, RiskKeys, RiskKind};
use ledger_core::features::risk::in_window;
use ledger_core::memory::{Memory, hash_key};
use ledger_core::record::{Cause, Record};
use ledger_core::units::At;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// Monday, 5 January 2026.
const START: i64 = 20_458 * DAY;
/// In how many days all happens.
const SPAN: i64 = 50;
const LATE: i64 = 20;
const WHO: [&str; 3] = ["A", "B", "C"];

/// Each rule has a limit of its own, each kind of window one; `base` has none.
const PROGRAM: &str = r#"id = "lateness"
timezone = "UTC"
currency = "EUR"
lateness = "20d"
[[wallet]]
id = "points"
expiry = { after = "400d" }
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
[[earn]]
id = "day"
on = "purchase"
per = "1.00"
give = 1
limit = { points = 60, per = "1d" }
[[earn]]
id = "span"
on = "purchase"
per = "1.00"
give = 1
limit = { points = 100, per = "6d" }
[[earn]]
id = "week"
on = "purchase"
per = "1.00"
give = 1
limit = { points = 90, per = "week" }
[[earn]]
id = "month"
on = "purchase"
per = "1.00"
give = 1
limit = { points = 150, per = "month" }
[[earn]]
id = "ever"
on = "purchase"
per = "1.00"
give = 1
limit = { points = 400, per = "ever" }
[[earn]]
id = "all-day"
on = "purchase"
per = "1.00"
give = 1
budget = { points = 80, per = "1d" }
[[earn]]
id = "all-span"
on = "purchase"
per = "1.00"
give = 1
budget = { points = 200, per = "4d" }
[[earn]]
id = "all-week"
on = "purchase"
per = "1.00"
give = 1
budget = { points = 250, per = "week" }
[[earn]]
id = "daily"
on = "check_in"
fixed = 5
limit = { times = 1, per = "1d" }
[[earn]]
id = "thrice"
on = "check_in"
fixed = 7
limit = { times = 3, per = "week" }
[visit]
gap = "60m"
[[earn]]
id = "visit"
on = "check_in"
fixed = 11
limit = { times = 1, per = "visit" }
[[streak]]
id = "row"
on = "check_in"
days = 4
grant = "silver"
[tiers]
window = "9d"
[[tier]]
id = "guest"
[[tier]]
id = "silver"
at_least = "80.00"
[[tier]]
id = "gold"
at_least = "150.00"
[[tier]]
id = "diamond"
at_least = "260.00"
[[counter]]
id = "busy"
on = ["check_in", "purchase"]
key = "device"
measure = "count"
window = "12h"
bucket = "1h"
[[counter]]
id = "faces"
on = ["check_in", "purchase"]
key = "device"
measure = "members"
window = "2d"
bucket = "1d"
[[counter]]
id = "own"
on = ["check_in", "purchase"]
key = "member"
measure = "count"
window = "3d"
bucket = "6h"
"#;

/// One at a time: of two that trip at once, the record opens one case.
const RISKS: [(&str, i64); 3] = [("busy", 4), ("faces", 3), ("own", 6)];

/// A limit by its rule: its most, whether it is everybody's, and its window.
const LIMITS: [(&str, i64, bool, Window); 8] = [
    ("day", 60, false, Window::Days(1)),
    ("span", 100, false, Window::Days(6)),
    ("week", 90, false, Window::Week),
    ("month", 150, false, Window::Month),
    ("ever", 400, false, Window::Ever),
    ("all-day", 80, true, Window::Days(1)),
    ("all-span", 200, true, Window::Days(4)),
    ("all-week", 250, true, Window::Week),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Window {
    Days(i64),
    Week,
    Month,
    Ever,
}

impl Window {
    /// The period in which a day is; of a span of days, the day itself.
    fn period(self, day: i64) -> i64 {
        match self {
            Window::Days(_) => day,
            // The first day is a Monday, and 27 days of its month are left.
            Window::Week => day.div_euclid(7),
            Window::Month => i64::from(day >= 27) + i64::from(day >= 27 + 28),
            Window::Ever => 0,
        }
    }
}

/// Something happens to somebody so many minutes after the start, and is told so many minutes later.
#[derive(Clone, Copy, Debug)]
struct Fact {
    who: usize,
    minute: i64,
    delay: i64,
    device: Option<u8>,
    /// For so many euros; a check-in if for none.
    euros: i64,
}

impl Fact {
    fn day(&self) -> i64 {
        self.minute / (24 * 60)
    }

    fn happened(&self) -> i64 {
        START + self.minute * MINUTE
    }

    /// When it is told: as it happens, or so much later.
    fn told(&self, late: bool) -> i64 {
        if late { self.happened() + self.delay * MINUTE } else { self.happened() }
    }
}

fn a_story() -> impl Strategy<Value = Vec<Fact>> {
    let minute = prop_oneof![
        2 => 0..SPAN * 24 * 60,
        1 => (0..SPAN, 0..90i64).prop_map(|(day, minute)| day * 24 * 60 + minute),
        1 => 0..5 * 24 * 60i64,
    ];
    let delay = prop_oneof![2 => 0..LATE * 24 * 60, 1 => Just(0), 1 => 0..24 * 60i64];
    let euros = prop_oneof![2 => Just(0), 2 => 1..40i64, 1 => 1..150i64];
    let fact = (0..WHO.len(), minute, delay, prop::option::weighted(0.6, 0..2u8), euros)
        .prop_map(|(who, minute, delay, device, euros)| Fact { who, minute, delay, device, euros });
    prop::collection::vec(fact, 1..70)
}

/// Tells a story.
fn tell(story: &[Fact], risk: usize, late: bool) -> Memory {
    let (counter, at_least) = RISKS[risk];
    let risk = format!("[[risk]]\nid = \"risk\"\ncounter = \"{counter}\"\nat_least = {at_least}\naction = \"flag\"\n");
    let mut memory = ledger::publish(&format!("{PROGRAM}{risk}"), At(START));
    let mut turns: Vec<(i64, usize)> = story.iter().enumerate().map(|(nth, fact)| (fact.told(late), nth)).collect();
    turns.sort_unstable();
    for (at, nth) in turns {
        let fact = &story[nth];
        let body = match fact.euros {
            0 => Body::CheckIn(event::CheckIn),
            euros => ledger::purchase(&format!("o-{nth}"), euros * 100),
        };
        let device = fact.device.map(|device| hash_key("device", &device.to_string()));
        let keys: RiskKeys = device.into_iter().map(|key| (RiskKind::Device, key)).collect();
        let said: Event<Name> = Event { keys, ..event(&format!("e-{nth}"), WHO[fact.who], At(fact.happened()), body) };
        let outcome = memory.submit(said, At(at)).expect("the record folds");
        assert_eq!(outcome.refusal, None, "event {nth}");
    }
    ledger::check(&memory);
    memory
}

/// What each rule gave for each fact.
fn given(memory: &Memory, story: &[Fact]) -> BTreeMap<String, Vec<(usize, i64)>> {
    let mut given: BTreeMap<String, Vec<(usize, i64)>> = BTreeMap::new();
    for (_, record) in ledger::log(memory) {
        let Cause::Event(event) = record.cause() else { continue };
        let Some(nth) = event.id.strip_prefix("e-").and_then(|nth| nth.parse::<usize>().ok()) else { continue };
        assert!(nth < story.len() && !is_told_late(&record), "event {nth} is within the lateness");
        for line in &record.verdict.trace {
            let rule = memory.state.term(line.rule).to_string();
            given.entry(rule).or_default().push((nth, line.granted.0));
        }
    }
    given
}

fn is_told_late(record: &Record) -> bool {
    record.verdict.changes.iter().any(|change| matches!(change, Change::ToldLate(change::ToldLate { .. })))
}

fn sum<'a>(given: impl Iterator<Item = &'a (usize, i64)>) -> i64 {
    given.map(|(_, points)| points).sum()
}

/// All of a rule, by whom it is limited together: each member, or everybody.
fn by_whom<'s>(story: &'s [Fact], shared: bool) -> impl Fn(&(usize, i64)) -> usize + 's {
    move |(nth, _)| if shared { 0 } else { story[*nth].who }
}

fn asked(story: &[Fact], shared: bool, whose: usize) -> impl Iterator<Item = &Fact> {
    story.iter().filter(move |fact| shared || fact.who == whose)
}

/// Holds what a rule gave, told late, against its limit, and against what it gives as it happens.
fn check_limit(
    story: &[Fact],
    (rule, most, shared, window): (&str, i64, bool, Window),
    late: &[(usize, i64)],
    in_time: &[(usize, i64)],
) {
    let whose = by_whom(story, shared);
    let groups = if shared { 0..1 } else { 0..WHO.len() };
    for group in groups {
        let own = |all: &[(usize, i64)]| -> Vec<(usize, i64)> {
            all.iter().filter(|one| whose(one) == group).copied().collect()
        };
        let (late, in_time) = (own(late), own(in_time));
        let (late_sum, sum_in_time) = (sum(late.iter()), sum(in_time.iter()));
        let Window::Days(width @ 2..) = window else {
            // The clerk: of each period, what was asked for, up to the most.
            let mut periods: BTreeMap<i64, i64> = BTreeMap::new();
            asked(story, shared, group)
                .for_each(|fact| *periods.entry(window.period(fact.day())).or_default() += fact.euros);
            let clerk: i64 = periods.values().map(|asked| most.min(*asked)).sum();
            assert_eq!((late_sum, sum_in_time), (clerk, clerk), "{rule} of {group}");
            continue;
        };
        let used = |all: &[(usize, i64)], end: i64| {
            sum(all.iter().filter(|(nth, _)| (end - width + 1..=end).contains(&story[*nth].day())))
        };
        for all in [&late, &in_time] {
            assert!((0..SPAN + width).all(|end| used(all, end) <= most), "{rule} of {group} is over its limit");
            // Whatever was cut has its reason in some span of days around it.
            for (nth, points) in all.iter().filter(|(nth, points)| *points < story[*nth].euros) {
                let day = story[*nth].day();
                let is_full = (day..day + width).any(|end| used(all, end) == most);
                assert!(is_full, "{rule} gave {points} for event {nth}, and there is room");
            }
        }
        // Of spans that overlap, the clerk that hears of everything in time can give most.
        assert!(late_sum <= sum_in_time, "{rule} of {group} gives more late than in time");
        let days = || asked(story, shared, group).filter(|fact| fact.euros > 0).map(Fact::day);
        let apart = days().max().unwrap_or(0) - days().min().unwrap_or(0);
        if apart < width || sum_in_time == asked(story, shared, group).map(|fact| fact.euros).sum::<i64>() {
            assert_eq!(late_sum, sum_in_time, "{rule} of {group}");
        }
    }
}

/// The length of the row of days that ends with the last one.
fn row_of(story: &[Fact], who: usize) -> Option<(u32, i64)> {
    let days: BTreeSet<i64> = story.iter().filter(|fact| fact.who == who && fact.euros == 0).map(Fact::day).collect();
    let last = *days.last()?;
    Some(((0..).take_while(|ago| days.contains(&(last - ago))).count() as u32, last))
}

/// What is the same whatever the order: what there is of each member, its counters, streak and tier.
fn same(memory: &Memory, who: usize, end: i64) -> Option<String> {
    let state = &memory.state;
    let member = state.member(memory.member_no(WHO[who])?)?;
    let program = memory.programs.current().expect("there is a program");
    let spend = program.tiers.as_ref().map(|tiers| tiers.metric).and_then(|metric| member.counter(metric));
    let since = ((end - START) / DAY) as i32 + (START / DAY) as i32 - LATE as i32;
    let metric = spend.map(|counter| (counter.sum_from(since), counter.total));
    let windows: Vec<_> = program
        .counters
        .iter()
        .map(|rule| {
            let value = |counter: &Counter| (in_window(rule, counter, At(end)).0, counter.total);
            member.counter(rule.id).map(value)
        })
        .collect();
    let streaks: Vec<_> = member.streaks.iter().map(|streak| (streak.count(), streak.last)).collect();
    let tier = state.term(member.tier.tier);
    Some(format!("{metric:?} {windows:?} {streaks:?} {tier}"))
}

proptest! {
    #![proptest_config(config(250))]

    #[test]
    fn windows_are_of_what_happened_not_of_when_it_was_told(story in a_story(), risk in 0..RISKS.len()) {
        let (mut late, mut in_time) = (tell(&story, risk, true), tell(&story, risk, false));
        let (given_late, given_in_time) = (given(&late, &story), given(&in_time, &story));
        let of = |given: &BTreeMap<String, Vec<(usize, i64)>>, rule: &str| given.get(rule).cloned().unwrap_or_default();
        // Where no limit cuts, every fact gives the same.
        let sorted = |mut all: Vec<(usize, i64)>| { all.sort_unstable(); all };
        prop_assert_eq!(sorted(of(&given_late, "base")), sorted(of(&given_in_time, "base")));
        for limit in LIMITS {
            check_limit(&story, limit, &of(&given_late, limit.0), &of(&given_in_time, limit.0));
        }
        // What is limited in times is given so often, whichever of them it is given for.
        for (rule, per, most) in [("daily", 1, 1), ("thrice", 7, 3)] {
            let mut told: BTreeMap<(usize, i64), i64> = BTreeMap::new();
            for fact in story.iter().filter(|fact| fact.euros == 0) {
                *told.entry((fact.who, fact.day() / per)).or_default() += 1;
            }
            let clerk: i64 = told.values().map(|times| most.min(*times)).sum::<i64>() * if per == 1 { 5 } else { 7 };
            let sums = [&given_late, &given_in_time].map(|given| sum(of(given, rule).iter()));
            prop_assert_eq!(sums, [clerk, clerk], "{}", rule);
        }
        let end = START + (SPAN + LATE + 1) * DAY;
        for memory in [&mut late, &mut in_time] {
            let tick = event("tick", "", At(end), Body::Tick(event::Tick { up_to: At(end) }));
            memory.submit(tick, At(end)).expect("it folds");
        }
        for (who, name) in WHO.iter().enumerate() {
            prop_assert_eq!(same(&late, who, end), same(&in_time, who, end), "{}", name);
            let streak = late.member_no(name).and_then(|no| late.state.member(no)).and_then(|member| {
                member.streaks.first().map(|streak| (streak.count(), i64::from(streak.last.0) - START / DAY))
            });
            prop_assert_eq!(streak, row_of(&story, who), "{}'s days in a row", name);
        }
        // The same flags, whoever was heard of first.
        let flags = |memory: &Memory| -> BTreeSet<String> {
            let name = |key: Key| match key {
                Key::Member(no) => WHO.iter().filter(|who| memory.member_no(who) == Some(no)).copied().collect(),
                Key::Risk(key) => key.to_string(),
            };
            memory.state.cases.values().map(|case| name(case.opened.key)).collect()
        };
        prop_assert_eq!(flags(&late), flags(&in_time));
    }
}
