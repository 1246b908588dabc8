//! Visits against a clerk who keeps a list of all that happened at each place, and looks at the whole of it each time.

use crate::ledger::{self, event};
use crate::properties::config;
use ledger_core::event::{self, Body, Event, Name, Origin};
use ledger_core::memory::Memory;
use ledger_core::record::Record;
use ledger_core::units::At;
use ledger_core::visit::{VISITS_KEPT, VISITS_KEPT_MS, VISITS_MAX};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// The end of all that happens.
const NOW: i64 = 20_454 * DAY;
/// At most so many points a visit by the rules `tea` and, of both, `knock` and `ring`.
const TEA: i64 = 30;
const DOOR: i64 = 10;

fn program(gap: i64) -> String {
    format!(
        r#"id = "visits"
timezone = "UTC"
currency = "EUR"
[[wallet]]
id = "points"
[visit]
gap = "{gap}m"
[refund]
reopens_limits = true
[[campaign]]
id = "door"
limit = {{ points = {DOOR}, per = "visit" }}
[[earn]]
id = "hello"
on = "purchase"
fixed = 20
limit = {{ times = 1, per = "visit" }}
[[earn]]
id = "tea"
on = "purchase"
per = "1.00"
give = 1
limit = {{ points = {TEA}, per = "visit" }}
[[earn]]
id = "ring"
on = "purchase"
fixed = 3
campaign = "door"
[[earn]]
id = "knock"
on = "check_in"
fixed = 4
campaign = "door"
"#
    )
}

#[derive(Clone, Copy, Debug)]
enum Act {
    /// For so much money.
    Buy(i64),
    CheckIn,
    /// One of the purchases before goes back as a whole.
    Cancel(usize),
}

/// Somebody does something in a store, so many minutes before the end.
#[derive(Clone, Copy, Debug)]
struct Told {
    who: usize,
    store: usize,
    minutes: i64,
    act: Act,
}

/// What happened, and what was given for it: by the rule that gives once a visit, for tea, and at the door.
#[derive(Clone, Copy, Debug)]
struct Known {
    nth: usize,
    who: usize,
    store: usize,
    at: i64,
    is_back: bool,
    given: [i64; 3],
}

/// What a clerk knows, and what was reached.
#[derive(Default)]
struct Clerk {
    gap: i64,
    known: Vec<Known>,
    /// The most visits of each member that there ever were.
    most: [usize; 2],
    reached: BTreeSet<&'static str>,
}

impl Clerk {
    /// All that is one visit with something at that time: whoever is near enough, and whoever is near to those.
    fn visit_of(&self, told: &Told, at: i64) -> Vec<&Known> {
        let mut others: Vec<&Known> =
            self.known.iter().filter(|one| (one.who, one.store) == (told.who, told.store)).collect();
        let (mut visit, mut times) = (Vec::new(), vec![at]);
        while let Some(at) = times.pop() {
            let (near, far): (Vec<&Known>, Vec<&Known>) =
                others.into_iter().partition(|one| (one.at - at).abs() <= self.gap);
            times.extend(near.iter().map(|one| one.at));
            visit.extend(near);
            others = far;
        }
        visit
    }

    /// How many visits of a member there are.
    fn visits_len(&self, who: usize) -> usize {
        let mut all: Vec<(usize, i64)> =
            self.known.iter().filter(|one| one.who == who).map(|one| (one.store, one.at)).collect();
        all.sort_unstable();
        let starts = |(before, (store, at)): (Option<&(usize, i64)>, &(usize, i64))| {
            before.is_none_or(|(other, last)| other != store || at - last > self.gap)
        };
        let before = std::iter::once(None).chain(all.iter().map(Some));
        before.zip(&all).filter(|pair| starts(*pair)).count()
    }

    /// What may be given by each of the three, and what would be if there were no limits.
    fn allowed(&self, told: &Told, at: i64) -> [(i64, i64); 3] {
        let visit = self.visit_of(told, at);
        let used = |rule: usize| visit.iter().map(|one| one.given[rule]).sum::<i64>();
        let item_request = match told.act {
            Act::Buy(net) => [20, net / 100, 3],
            _ => [0, 0, 4],
        };
        // A bonus that went back was given all the same.
        let hello = if visit.iter().any(|one| one.given[0] > 0) { 0 } else { 20 };
        let room = [hello, TEA - used(1), DOOR - used(2)];
        [0, 1, 2].map(|rule| (item_request[rule].min(room[rule].max(0)), item_request[rule]))
    }

    /// Notes what the ledger gave, and asserts that it is right.
    fn note(&mut self, nth: usize, told: &Told, given: [i64; 3]) {
        let at = NOW - told.minutes * MINUTE;
        let allowed = self.allowed(told, at);
        for (given, (may, _)) in given.iter().zip(allowed) {
            assert!(*given <= may, "event {nth}: {given} of {may}");
        }
        let before = self.visits_len(told.who);
        self.known.push(Known { nth, who: told.who, store: told.store, at, is_back: false, given });
        let now = self.visits_len(told.who);
        self.most[told.who] = self.most[told.who].max(now);
        let own = || self.known.iter().filter(|one| one.who == told.who).map(|one| one.at);
        let span = own().max().unwrap_or(at) - own().min().unwrap_or(at);
        let most = self.most[told.who];
        let few = most <= VISITS_KEPT || (most <= VISITS_MAX && span <= VISITS_KEPT_MS - DAY);
        if few {
            assert_eq!(given, allowed.map(|(may, _)| may), "event {nth}");
        }
        let is_cut = |rule: usize| (1..allowed[rule].1).contains(&given[rule]);
        let is_purchase = matches!(told.act, Act::Buy(_));
        let and = [
            (is_purchase && given[0] == 0, "no bonus"),
            (is_purchase && given[0] > 0, "a bonus"),
            (!is_purchase, "a check-in"),
            (now < before, "two became one"),
            (given != allowed.map(|(may, _)| may), "may be of one that is forgotten"),
            (!few && given[0] > 0, "a bonus although some are forgotten"),
            (is_cut(1), "points of one rule cut"),
            (is_cut(2), "points of two rules cut"),
        ];
        self.reached.extend(and.into_iter().filter(|(is_so, _)| *is_so).map(|(_, what)| what));
    }

    /// A purchase goes back: what it had of limits of points is room again, in its visit.
    fn take_back(&mut self, of: usize) {
        let Some(one) = self.known.iter_mut().find(|one| one.nth == of) else { return };
        (one.is_back, one.given[1], one.given[2]) = (true, 0, 0);
        self.reached.insert("went back");
    }

    /// The purchases that did not go back yet.
    fn bought(&self, story: &[Told]) -> Vec<Known> {
        let is_bought = |one: &&Known| !one.is_back && matches!(story[one.nth].act, Act::Buy(_));
        self.known.iter().filter(is_bought).copied().collect()
    }
}

/// Says it, and answers what each of the three gave.
fn say(memory: &mut Memory, nth: usize, (who, store): (usize, usize), at: i64, body: Body<Name>) -> [i64; 3] {
    let origin = Origin { store: ["", "north", "south"][store].into(), ..Origin::default() };
    let origin = (store > 0).then(|| Box::new(origin));
    let said = Event { origin, ..event(&format!("e-{nth}"), ["A", "B"][who], At(at), body) };
    assert_eq!(memory.submit(said, At(NOW)).expect("the record folds").refusal, None, "event {nth}");
    let stored = memory.log().last().expect("there is a record");
    let record = Record::decode(&stored.verdict, &stored.cause).expect("it can be read");
    let granted = |rules: &[&str]| {
        let of_rules = record.verdict.trace.iter().filter(|line| rules.contains(&memory.state.term(line.rule)));
        of_rules.map(|line| line.granted.0).sum()
    };
    [granted(&["hello"]), granted(&["tea"]), granted(&["ring", "knock"])]
}

/// Plays it beside the clerk; answers what was reached.
fn play(gap: i64, story: &[Told]) -> BTreeSet<&'static str> {
    let mut memory = ledger::publish(&program(gap), At(NOW));
    let mut clerk = Clerk { gap: gap * MINUTE, ..Clerk::default() };
    for (nth, told) in story.iter().enumerate() {
        let place = (told.who, told.store);
        let at = NOW - told.minutes * MINUTE;
        match told.act {
            Act::Buy(net) => {
                let given = say(&mut memory, nth, place, at, ledger::purchase(&format!("o-{nth}"), net));
                clerk.note(nth, told, given);
            }
            Act::CheckIn => {
                let given = say(&mut memory, nth, place, at, Body::CheckIn(event::CheckIn));
                clerk.note(nth, told, given);
            }
            Act::Cancel(which) => {
                let bought = clerk.bought(story);
                let Some(of) = which.checked_rem(bought.len()).map(|place| bought[place]) else { continue };
                // Where it is said that something goes back is nothing to the visit.
                say(
                    &mut memory,
                    nth,
                    (of.who, told.store),
                    NOW,
                    Body::Cancelled(event::Cancelled { order: format!("o-{}", of.nth).into() }),
                );
                clerk.take_back(of.nth);
            }
        }
    }
    ledger::check(&memory);
    clerk.reached
}

fn a_story() -> impl Strategy<Value = (i64, Vec<Told>)> {
    // Minutes apart, or days; and in what order they are told is another thing. Some is older than what is remembered.
    let on = |days: std::ops::Range<i64>| (days, 0..30i64).prop_map(|(day, m)| day * 1440 + m);
    let ago = prop_oneof![6 => 0..90i64, 2 => 0..600i64, 4 => on(0..45)].boxed();
    let older = prop_oneof![6 => 0..90i64, 2 => 0..600i64, 2 => on(0..14), 4 => on(60..110)].boxed();
    prop_oneof![2 => a_story_of(ago), 1 => a_story_of(older)]
}

fn a_story_of(minutes: BoxedStrategy<i64>) -> impl Strategy<Value = (i64, Vec<Told>)> {
    let act = prop_oneof![
        6 => (1..4_000i64).prop_map(Act::Buy),
        3 => Just(Act::CheckIn),
        1 => any::<usize>().prop_map(Act::Cancel),
    ];
    let told = (
        prop_oneof![4 => Just(0usize), 1 => Just(1)],
        prop_oneof![3 => Just(1usize), 1 => Just(0), 1 => Just(2)],
        minutes,
        act,
    )
        .prop_map(|(who, store, minutes, act)| Told { who, store, minutes, act });
    (prop::sample::select(vec![1i64, 10, 10, 10, 60, 1440]), prop::collection::vec(told, 1..60), any::<bool>())
        .prop_map(|(gap, mut story, in_order)| {
            if in_order {
                story.sort_by_key(|told| -told.minutes);
            }
            (gap, story)
        })
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn a_clerk_who_looks_at_all_that_happened_gives_the_same((gap, story) in a_story()) {
        play(gap, &story);
    }

    /// Cut however one likes and told in whatever order: all within the gap, or each within it of the one before.
    #[test]
    fn one_visit_is_given_its_bonus_once(
        pieces in prop::collection::vec((0..3_000i64, 0..=10i64), 1..20),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let apart: i64 = pieces.iter().map(|(_, gap)| gap).sum();
        let mut minutes = 0;
        let in_time: Vec<Told> = pieces.iter().map(|(net, gap)| {
            minutes += gap;
            Told { who: 0, store: 1, minutes: apart - minutes, act: Act::Buy(*net) }
        }).collect();
        let mut together: Vec<Told> = pieces.iter().map(|(net, gap)| {
            Told { who: 0, store: 1, minutes: *gap, act: Act::Buy(*net) }
        }).collect();
        together.rotate_left(shuffled.index(pieces.len()));
        for story in [in_time, together] {
            let mut memory = ledger::publish(&program(10), At(NOW));
            let mut sum = [0; 3];
            for (nth, told) in story.iter().enumerate() {
                let Act::Buy(net) = told.act else { continue };
                let body = ledger::purchase(&format!("o-{nth}"), net);
                let given = say(&mut memory, nth, (0, 1), NOW - told.minutes * MINUTE, body);
                sum = [0, 1, 2].map(|rule| sum[rule] + given[rule]);
            }
            let tea: i64 = pieces.iter().map(|(net, _)| net / 100).sum();
            prop_assert_eq!(sum, [20, tea.min(TEA), (3 * pieces.len() as i64).min(DOOR)]);
        }
    }
}

/// As many as are remembered, and the one that then is not: what comes behind it may belong to that one.
#[test]
fn a_hundred_places_in_one_minute_are_not_all_remembered() {
    let mut memory = ledger::publish(&program(10), At(NOW));
    let mut bonuses = 0;
    for nth in 0..100 {
        let origin = Origin { store: format!("store {nth}").into(), ..Origin::default() };
        let body = ledger::purchase(&format!("o-{nth}"), 100);
        let said = Event { origin: Some(Box::new(origin)), ..event(&format!("e-{nth}"), "A", At(NOW), body) };
        bonuses += usize::from(memory.submit(said, At(NOW)).expect("the record folds").earned_first().0 >= 20);
    }
    assert_eq!(bonuses, VISITS_MAX + 1);
    ledger::check(&memory);
}

/// A property is worth what its stories reach.
#[test]
fn stories_of_visits_reach_both_sides() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..400 {
        let (gap, story) = a_story().new_tree(&mut runner).expect("a story").current();
        reached.extend(play(gap, &story));
    }
    let all = [
        "a bonus",
        "a bonus although some are forgotten",
        "a check-in",
        "may be of one that is forgotten",
        "no bonus",
        "points of one rule cut",
        "points of two rules cut",
        "two became one",
        "went back",
    ];
    assert_eq!(reached.into_iter().collect::<Vec<_>>(), all);
}
