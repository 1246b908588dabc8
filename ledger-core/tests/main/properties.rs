//! Properties: whatever is said, in whatever order, the ledger adds up, folds to the same bytes, and
//! agrees with a clerk who counts everything afresh (`naive/`).
//!
//! `PROPTEST_CASES` scales the number of stories; a failure prints its story and the line to keep in
//! `proptest-regressions`, which is played first the next time.

use crate::ledger::{self, event};
use crate::naive::{self, Act, DAY, HOUR, Keys};
use crate::story::{Op, Said, WHO, World};
use ledger_core::change;
use ledger_core::change::Change;
use ledger_core::event::{self, Body, Currency, Line, LineDetail, LineName, LinePart, LineRefund};
use ledger_core::features::risk::in_window;
use ledger_core::fold::fold;
use ledger_core::member::{Balances, Member};
use ledger_core::memory::Memory;
use ledger_core::quantity::Quantity;
use ledger_core::record::{Cause, Record};
use ledger_core::state::State;
use ledger_core::trace::Adjustment;
use ledger_core::units::{At, MemberNo, Money, Position};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FailurePersistence, FileFailurePersistence, TestRunner};
use std::collections::{BTreeMap, BTreeSet};

fn an_act() -> impl Strategy<Value = Act> {
    let order = || (0..5u8).prop_map(|n| format!("o-{n}"));
    let hold = || (0..4u8).prop_map(|n| format!("h-{n}"));
    let birthday = prop::option::of(prop::sample::select(vec![(2, 29), (12, 25), (1, 1), (3, 1)]));
    let paid = prop_oneof![4 => 0..30_000i64, 1 => Just(0), 1 => Just(4_999), 1 => Just(15_000)];
    prop_oneof![
        2 => birthday.prop_map(|birthday| Act::Enrol { birthday }),
        1 => (prop::bool::weighted(0.8), 5..15i64).prop_map(|(known, value)| Act::Attribute { known, value }),
        10 => (order(), paid).prop_map(|(order, paid)| Act::Purchase { order, paid }),
        2 => order().prop_map(|order| Act::Cancel { order }),
        2 => order().prop_map(|order| Act::Settle { order }),
        6 => (order(), 1..20_000i64).prop_map(|(order, amount)| Act::Refund { order, amount }),
        3 => (order(), prop::sample::select(vec![0, 0, 1, 1, 1, 2]), prop::option::weighted(0.7, 1..8_000i64))
            .prop_map(|(order, line, amount)| Act::RefundLine { order, line, amount }),
        8 => Just(Act::CheckIn),
        3 => prop::sample::select(&WHO[..]).prop_map(|referee| Act::Refer { referee }),
        6 => (1..100i64).prop_map(|points| Act::Redeem { points }),
        5 => (hold(), 1..100i64, prop::option::of(prop_oneof![1..100 * HOUR, 1..200 * DAY]))
            .prop_map(|(name, points, ttl)| Act::Hold { name, points, ttl }),
        8 => (hold(), prop::option::of(1..60i64), any::<bool>())
            .prop_map(|(name, points, last)| Act::Capture { name, points, last }),
        2 => hold().prop_map(|name| Act::Void { name }),
        1 => (hold(), prop::option::of(1..100 * HOUR)).prop_map(|(name, ttl)| Act::Extend { name, ttl }),
        6 => (any::<u8>(), prop::option::of(1..60i64))
            .prop_map(|(nth, points)| Act::GiveBack { nth: nth.into(), points }),
        4 => (1..300i64, a_person()).prop_map(|(points, by)| Act::Credit { points, by }),
        2 => (1..100i64, a_person()).prop_map(|(points, by)| Act::Debit { points, by }),
        5 => (any::<u8>(), a_person())
            .prop_map(|(nth, by)| Act::Approve { nth: nth.into(), by: if by.is_empty() { "eve" } else { by } }),
        1 => any::<u8>().prop_map(|nth| Act::Withdraw { nth: nth.into() }),
        3 => (prop::bool::weighted(0.9), 1..80i64).prop_map(|(known, points)| Act::Donate { known, points }),
        7 => (prop::sample::select(&WHO[..]), 1..130i64).prop_map(|(to, points)| Act::Give { to, points }),
        2 => a_member_of_another_system(),
        3 => (prop::option::of(1..80i64), prop::sample::select(vec![-1, 1, 10, 40]))
            .prop_map(|(points, days)| Act::Reinstate { points, days }),
        3 => (prop::option::of(1..80i64), prop::sample::select(vec![0, 5, 30, 60]))
            .prop_map(|(points, days)| Act::Prolong { points, days }),
        1 => a_scope().prop_map(|(earn, redeem)| Act::Freeze { earn, redeem }),
        2 => a_scope().prop_map(|(earn, redeem)| Act::Unfreeze { earn, redeem }),
        1 => prop::bool::weighted(0.3).prop_map(|close| if close { Act::Close } else { Act::CheckIn }),
    ]
}

fn a_person() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "ann", "ann", "bob", "cid"])
}

fn a_member_of_another_system() -> impl Strategy<Value = Act> {
    let lots = prop::collection::vec((1..60i64, -1..70i64, prop::option::weighted(0.3, -1..90i64)), 0..5);
    let spent = prop::collection::vec((prop::sample::select(vec![-1, 0, 1, 9, 30, 80, 200]), 1..12_000i64), 0..3);
    (lots, prop::option::weighted(0.2, 1..90i64), spent).prop_map(|(lots, debt, spent)| Act::Open { lots, debt, spent })
}

fn a_scope() -> impl Strategy<Value = (bool, bool)> {
    prop::sample::select(vec![(true, false), (false, true), (true, true)])
}

fn a_saying() -> impl Strategy<Value = Said> {
    let key = || prop::option::weighted(0.3, 0..2u8);
    // A has the most to tell.
    let who = prop_oneof![3 => Just(WHO[0]), 2 => prop::sample::select(&WHO[..])];
    let ago = prop_oneof![
        8 => Just(0),
        2 => 0..2 * DAY,
        1 => 0..80 * DAY,
        1 => -DAY..0i64,
        1 => Just(-2 * DAY),
    ];
    (who, key(), key(), key(), ago, an_act()).prop_map(|(who, device, ip, phone, ago, act)| Said {
        who,
        keys: Keys { device, ip, phone },
        ago,
        act,
    })
}

pub fn an_op() -> impl Strategy<Value = Op> {
    let wait = prop_oneof![
        6 => 0..HOUR,
        4 => 0..2 * DAY,
        2 => (1..12i64).prop_map(|days| days * DAY),
        1 => 0..60 * DAY,
        1 => 0..3 * 365 * DAY,
    ];
    prop_oneof![
        24 => a_saying().prop_map(Op::Say),
        2 => any::<usize>().prop_map(Op::Again),
        1 => (any::<usize>(), a_saying()).prop_map(|(of, said)| Op::Reuse(of, said)),
        3 => (0..6usize, any::<bool>()).prop_map(|(case, fraud)| Op::Resolve(case, fraud)),
        1 => (0..2usize).prop_map(Op::Publish),
        1 => Just(Op::Tick),
        12 => wait.prop_map(Op::Wait),
    ]
}

fn a_story() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(an_op(), 1..80)
}

/// So many stories, or `PROPTEST_CASES`. What failed once is kept and played first.
pub fn config(cases: u32) -> ProptestConfig {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/main/proptest-regressions");
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { cases };
    let failure_persistence: Option<Box<dyn FailurePersistence>> = Some(Box::new(FileFailurePersistence::Direct(kept)));
    ProptestConfig { cases, failure_persistence, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn the_ledger_agrees_with_a_clerk_who_counts_everything_afresh(story in a_story()) {
        let mut world = World::new();
        for op in &story {
            world.play(op);
            ledger::check_balances(&world.memory.state);
            world.compare();
            world.look();
        }
        world.play(&Op::Tick);
        world.compare();
        world.compare_reminders();
        ledger::check(&world.memory);
        world.look_back();
    }
}

/// The rows as they are apart from how the log came about: positions become the names of what stands
/// there, and what counts records is left out.
fn apart_from_positions(memory: &Memory) -> Vec<String> {
    let mut names = BTreeMap::new();
    let mut fired = BTreeMap::new();
    for (position, record) in ledger::log(memory) {
        let name = match record.cause() {
            Cause::Event(event) => format!("{}", event.id),
            Cause::HeldBack => panic!("nothing is held back here"),
            Cause::Timer { member, due, timer } => {
                let nth = fired.entry((member, due, timer)).and_modify(|nth| *nth += 1).or_insert(0);
                format!("{timer:?} of {member} at {due}, {nth}")
            }
        };
        names.insert(position, name);
    }
    let name = |position: &Position| names.get(position).cloned().unwrap_or_default();
    let state = &memory.state;
    let mut rows = vec![format!("{:?} {:?}", state.shared.wallets, state.shared.tiers)];
    for (no, member) in ledger::members(state) {
        let lots = |lots: &ledger_core::lots::Lots| -> Vec<String> {
            lots.iter().map(|lot| format!("{} {} of {}", lot.left, lot.expires_at, name(&lot.id.position))).collect()
        };
        let waiting = |purse: &ledger_core::member::Purse| -> Vec<Option<At>> {
            let all = purse.pending().iter().chain(purse.review().iter());
            all.map(|lot| purse.waits_until(lot.id)).collect()
        };
        let hold = |hold: &ledger_core::member::Hold| {
            let slice = |slice: &ledger_core::lots::Slice| format!("{} of {}", slice.left, name(&slice.id.position));
            let slices: Vec<_> = hold.slices.iter().map(slice).collect();
            format!("{} {} {} {} {slices:?}", hold.name.short, hold.expires_at, hold.order, hold.day)
        };
        let known = |known: &ledger_core::member::PurchaseRef| {
            format!("{} {} {} {}", known.order, name(&known.position), known.day, known.refunded)
        };
        let spent = |known: &ledger_core::member::RedemptionRef| {
            format!("{} {} {} {}", name(&known.position), known.day, known.points, known.refunded)
        };
        let back = |back: ledger_core::member::LineReturned| {
            format!("{} of {} of line {} of {}", back.items, back.amount, back.line, name(&back.purchase))
        };
        let returns = member.returns.as_deref().cloned().unwrap_or_default();
        let mut rule_outcome: Vec<String> = returns.lines.iter().map(back).collect();
        rule_outcome
            .extend(returns.waiting().map(|waiting| format!("{} since {}", name(&waiting.position), waiting.day)));
        let mut life = member.life.as_deref().cloned();
        let proposals = life.as_mut().map(|life| std::mem::take(&mut life.proposals)).unwrap_or_default();
        rule_outcome.extend(
            proposals.iter().map(|open| format!("{} by {:?} until {}", name(&open.position), open.by, open.lapses_at)),
        );
        let rest = Member {
            returns: None,
            position: Position(0),
            records: 0,
            history: Default::default(),
            purses: Default::default(),
            holds: Vec::new(),
            purchases: ledger_core::member::Purchases::default(),
            redemptions: Vec::new(),
            cases: Vec::new(),
            life: life.map(Box::new),
            ..member.clone()
        };
        rows.push(format!(
            "{no} {:?} {:?} {:?} {:?} {} {:?} {:?} {:?} {:?} {:?} {rule_outcome:?} {rest:?}",
            lots(&member.purses.first().lots),
            lots(member.purses.first().review()),
            lots(member.purses.first().pending()),
            waiting(member.purses.first()),
            member.purses.first().debt,
            member.purses.first().spell().map(|spell| (name(&spell.since), spell.until)),
            member.holds.iter().map(hold).collect::<Vec<_>>(),
            member.purchases.iter().map(known).collect::<Vec<_>>(),
            member.redemptions.iter().map(spent).collect::<Vec<_>>(),
            member.cases.iter().map(name).collect::<Vec<_>>(),
        ));
    }
    rows.extend(state.counters.iter().map(|(key, row)| format!("{key:?} {:?}", row.counter)));
    rows.extend(
        state.cases.iter().map(|(position, case)| format!("{} {:?} {:?}", name(position), case.opened, case.finding)),
    );
    rows
}

/// Plays the story with ticks at every so many milliseconds of its waiting, each `times` over.
fn ticked(story: &[Op], every: Option<i64>, times: usize) -> Vec<String> {
    let mut world = World::new();
    let mut ticks = 0;
    let mut tick = |world: &mut World| {
        for _ in 0..times {
            ticks += 1;
            let tick =
                event(&format!("tick-{ticks}"), "", At(world.now), Body::Tick(event::Tick { up_to: At(world.now) }));
            world.memory.submit(tick, At(world.now)).expect("a tick folds");
        }
    };
    for op in story {
        match op {
            Op::Wait(ms) => {
                let until = world.now + ms;
                // Not more than a hundred ticks in a wait of years.
                let step = every.map_or(*ms, |every| every.max(ms / 100)).max(1);
                while every.is_some() && world.now + step < until {
                    world.now += step;
                    tick(&mut world);
                }
                world.now = until;
            }
            Op::Say(said) => {
                let said = world.event(said);
                world.submit(said);
            }
            Op::Resolve(case, fraud) => {
                let resolved = world.resolution(*case, *fraud);
                world.submit(resolved);
            }
            Op::Publish(version) => {
                let published = world
                    .control(Body::ProgramPublished(event::ProgramPublished { text: naive::program(*version).into() }));
                world.submit(published);
            }
            Op::Again(_) | Op::Reuse(..) | Op::Tick => {}
        }
    }
    // What is released or earned too late on a tick is gone with the next.
    tick(&mut world);
    tick(&mut world);
    ledger::check(&world.memory);
    apart_from_positions(&world.memory)
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn ticks_may_come_early_late_twice_or_never(story in a_story(), every in 1..40 * DAY) {
        let leap = ticked(&story, None, 1);
        prop_assert_eq!(&ticked(&story, Some(every), 1), &leap, "one tick now and then");
        prop_assert_eq!(&ticked(&story, Some(HOUR), 2), &leap, "ticks by the hour, each of them twice");
    }

    #[test]
    fn folding_a_record_twice_is_folding_it_once(story in a_story()) {
        let mut world = World::new();
        story.iter().for_each(|op| world.play(op));
        let mut state = State::new();
        for (position, record) in ledger::log(&world.memory) {
            prop_assert_eq!(fold(&mut state, position, &record), Ok(()));
            let once = ledger::rows(&state);
            prop_assert_eq!(fold(&mut state, position, &record), Ok(()));
            prop_assert!(ledger::rows(&state) == once, "record {} folds in twice", position);
        }
        prop_assert!(ledger::rows(&state) == ledger::rows(&world.memory.state));
    }

    #[test]
    fn whatever_changed_is_to_be_written(story in a_story(), at in any::<prop::sample::Index>()) {
        let mut world = World::new();
        let (before, after) = story.split_at(at.index(story.len()));
        before.iter().for_each(|op| world.play(op));
        let written = ledger::rows(&world.memory.state);
        let programs = world.memory.state.programs.len();
        let staff = world.memory.state.staff_len();
        world.memory.state.take_dirty();
        after.iter().for_each(|op| world.play(op));
        let state = &world.memory.state;
        let dirty = state.dirty();
        let mut named: BTreeSet<String> = BTreeSet::from(["shared".to_string()]);
        named.extend(dirty.members.iter().map(|no| format!("member {no}")));
        named.extend(dirty.counters.iter().map(|(key, term)| format!("counter {key} {term}")));
        named.extend(dirty.cases.iter().map(|position| format!("case {position}")));
        prop_assert_eq!(dirty.programs_from, programs);
        named.extend(state.programs.iter().skip(programs).map(|program| format!("program {}", program.position)));
        prop_assert_eq!(dirty.staff_from, staff as usize);
        named.extend((staff..state.staff_len()).map(|before| format!("staff {}", before + 1)));
        let once: BTreeSet<MemberNo> = dirty.members.iter().copied().collect();
        prop_assert_eq!(once.len(), dirty.members.len(), "each member once");
        let written: BTreeMap<String, Vec<u8>> = written.into_iter().collect();
        for (name, row) in ledger::rows(state) {
            prop_assert!(written.get(&name) == Some(&row) || named.contains(&name), "{} changed unnoticed", name);
        }
    }

    #[test]
    fn counters_are_what_the_log_counted(story in a_story(), later in 0..3 * DAY) {
        let mut world = World::new();
        story.iter().for_each(|op| world.play(op));
        let log = ledger::log(&world.memory);
        let mut state = State::new();
        let mut counted = Vec::new();
        for (position, record) in &log {
            fold(&mut state, *position, record).expect("the log folds");
            counted.extend(record.verdict.changes.iter().filter_map(|change| match change {
                Change::Counted(change::Counted { key, term, bucket, amount, seen, .. }) => Some((*key, *term, *bucket, *amount, *seen)),
                _ => None,
            }));
            let version = world.memory.programs.version(state.programs.len() as u32);
            let Some(program) = version else { continue };
            let at = record.at.plus_ms(later);
            for rule in &program.counters {
                let of_rule = || counted.iter().filter(|(_, term, ..)| *term == rule.id);
                for key in of_rule().map(|(key, ..)| *key).collect::<BTreeSet<_>>() {
                    let counter = match key {
                        ledger_core::counter::Key::Member(no) => state.member(no).and_then(|member| member.counter(rule.id)),
                        ledger_core::counter::Key::Risk(risk) => {
                            state.counters.get(&(risk, rule.id)).map(|row| &row.counter)
                        }
                    };
                    let counter = counter.expect("what was counted has a counter");
                    let of_key = || of_rule().filter(|(whose, ..)| *whose == key);
                    // The running bucket and as many full ones as the window has; all of them without one.
                    let from = if rule.buckets == 0 { 0 } else { at.0.div_euclid(rule.bucket_ms) - i64::from(rule.buckets) };
                    let inside = || of_key().filter(|(_, _, bucket, ..)| i64::from(*bucket) >= from);
                    let amount: i64 = inside().map(|(_, _, _, amount, _)| amount).sum();
                    let seen: BTreeSet<MemberNo> = inside().map(|(.., seen)| *seen).filter(|seen| seen.0 != 0).collect();
                    let (value, members) = in_window(rule, counter, at);
                    let members: BTreeSet<MemberNo> = members.into_iter().collect();
                    prop_assert_eq!(&members, &seen, "{} of {:?} at record {}", state.term(rule.id), key, position);
                    let expected = if seen.is_empty() { amount } else { seen.len() as i64 };
                    prop_assert_eq!(value, expected, "{} of {:?} at record {}", state.term(rule.id), key, position);
                    let ever: i64 = of_key().map(|(_, _, _, amount, _)| amount).sum();
                    prop_assert_eq!(counter.total, ever, "{} of {:?}, ever", state.term(rule.id), key);
                }
            }
        }
    }

    #[test]
    fn refunds_in_any_order_leave_what_the_kept_part_earns(
        paid in 1..2_000_000i64,
        shares in prop::collection::vec((1..100u32, 0..3usize), 1..8),
        item in prop::option::weighted(0.3, 0..2usize),
        order in any::<prop::sample::Index>(),
        birthday in any::<bool>(),
        spend in 0..20_000i64,
        cancel in any::<bool>(),
    ) {
        // Parts that add up to no more than was paid, nor than each line cost: of the first line, of the second,
        // and of the purchase as a whole. A line whose item goes back is named by it alone.
        let prices = [paid / 3, paid - paid / 3, paid / 4];
        let whole: u32 = shares.iter().map(|(share, _)| share).sum::<u32>() + 10;
        let mut parts: Vec<(usize, i64)> = Vec::new();
        for (share, of) in shares {
            if item != Some(of) && !(item.is_some() && of == 2) {
                parts.push((of, prices[of] * i64::from(share) / i64::from(whole) / if of == 2 { 1 } else { 2 }));
            }
        }
        parts.retain(|(_, part)| *part > 0);
        let item_price = item.map_or(0, |line| prices[line]);
        let refunded: i64 = parts.iter().map(|(_, part)| part).sum::<i64>() + item_price;
        let mut acts: Vec<Act> = item.map(|line| Act::RefundLine { order: "o".into(), line, amount: None }).into_iter().collect();
        acts.extend(parts.iter().map(|(of, part)| match of {
            2 => Act::Refund { order: "o".into(), amount: *part },
            line => Act::RefundLine { order: "o".into(), line: *line, amount: Some(*part) },
        }));
        let play = |acts: &[Act], spend: i64| {
            let mut world = World::new();
            let mut say = |act: Act| {
                let said = Said { who: "A", keys: Keys::default(), ago: 0, act };
                world.play(&Op::Say(said));
            };
            // 20 December is the first day.
            say(Act::Enrol { birthday: birthday.then_some((12, 20)) });
            say(Act::Purchase { order: "o".into(), paid });
            say(Act::Redeem { points: spend });
            acts.iter().for_each(|act| say(act.clone()));
            if cancel {
                say(Act::Cancel { order: "o".into() });
            }
            let member = world.memory.state.member(MemberNo(1)).expect("A is a member").clone();
            (ledger::balances(&member), member.counters, member.tier)
        };
        let straight = play(&acts, spend + 1);
        let at = order.index(acts.len().max(1));
        let mut turned = acts.clone();
        turned.rotate_left(at.min(acts.len()));
        turned.reverse();
        prop_assert_eq!(&play(&turned, spend + 1), &straight);
        let at_once = Act::Refund { order: "o".into(), amount: refunded };
        let at_once: Vec<Act> = if refunded > 0 { vec![at_once] } else { vec![] };
        prop_assert_eq!(&play(&at_once, spend + 1), &straight);
        // The clerk's own sum: a point a euro of what is kept, at most 300; as much again on the birthday; and
        // one for every three euros.
        let kept = if cancel { 0 } else { paid - refunded };
        let base = (kept / 100).min(300);
        let earned = base * (1 + i64::from(birthday)) + kept / 300 + if kept > 0 { 3 } else { 0 } + 7;
        // What the last of these gave cannot be spent yet.
        let had = (paid / 100).min(300) * (1 + i64::from(birthday)) + 3 + 7;
        let spent = if spend < had { spend + 1 } else { 0 };
        let (balances, ..) = straight;
        prop_assert_eq!(balances.available.0 + balances.pending.0 - balances.debt.0, earned - spent);
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn refunds_that_come_before_their_purchase_are_as_if_they_came_behind_it(
        paid in prop_oneof![Just(0), 1..40_000i64],
        parts in prop::collection::vec((0..4usize, 1..15_000i64), 1..7),
        cancel in prop::option::of(any::<prop::sample::Index>()),
        birthday in any::<bool>(),
        spent in 1..300i64,
    ) {
        let order = || "o".to_string();
        let mut backs: Vec<Act> = parts.iter().map(|(of, part)| match of {
            0 | 1 => Act::RefundLine { order: order(), line: *of, amount: Some(*part).filter(|part| part % 4 > 0) },
            _ => Act::Refund { order: order(), amount: *part },
        }).collect();
        if let Some(at) = cancel {
            backs.insert(at.index(backs.len()), Act::Cancel { order: order() });
        }
        let play = |early: bool| {
            let mut world = World::new();
            let mut say = |act: Act| world.play(&Op::Say(Said { who: "A", keys: Keys::default(), ago: 0, act }));
            say(Act::Enrol { birthday: birthday.then_some((12, 20)) });
            // What was spent is owed once what was earned before goes back.
            say(Act::Purchase { order: "before".into(), paid: 10_000 });
            say(Act::Redeem { points: spent });
            say(Act::Cancel { order: "before".into() });
            let purchase = Act::Purchase { order: order(), paid };
            let (first, last) = if early { (None, Some(purchase)) } else { (Some(purchase), None) };
            first.into_iter().chain(backs.clone()).chain(last).for_each(&mut say);
            world.compare();
            let member = world.memory.state.member(MemberNo(1)).expect("A is a member").clone();
            let bought: Vec<_> = member.purchases.iter().map(|known| (known.order, known.day, known.refunded)).collect();
            let lines = member.returns.map(|returns| returns.lines).unwrap_or_default();
            let lines: Vec<_> = lines.iter().map(|back| (back.line, back.items, back.amount)).collect();
            (member.purses.first().lots.iter().map(|lot| lot.left).collect::<Vec<_>>(), member.purses.first().debt,
             member.counters, bought, lines)
        };
        prop_assert_eq!(play(true), play(false));
    }
}

/// A line of so many items, each with these prices: net, discount, tax.
fn line_of(sku: usize, items: i64, (net, discount, tax): (i64, i64, i64)) -> Line {
    let (sku, category, tags) = [("tea", "", &["new"][..]), ("beans", "coffee", &[]), ("gift-card", "", &[])][sku];
    let detail = LineDetail {
        category: category.into(),
        tags: tags.iter().map(|tag| Box::from(*tag)).collect(),
        discount: Money(discount * items),
        tax: Money(tax.min(net) * items),
    };
    Line { detail: Some(Box::new(detail)), ..Line::plain(sku, items as u32, Money(net * items)) }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn refunds_by_line_leave_what_the_kept_basket_earns(
        lines in prop::collection::vec((0..3usize, 1..6i64, (0..4_000i64, 0..2_000i64, 0..500i64), 0..6i64), 1..6),
        shipping in 0..900i64,
        order in any::<prop::sample::Index>(),
        program in prop::sample::select(vec!["returns", "lines"]),
    ) {
        let eur = Currency(*b"EUR");
        let program = ledger::root().join("ledger-core/tests/stories").join(program).with_extension("toml");
        // What waits from items that are short of three is part of it.
        let third = "[[earn]]\nid = \"third\"\non = \"purchase\"\nper_items = 3\ngive = 5\ncarry = true\n";
        let program = std::fs::read_to_string(program).map(|text| format!("{text}{third}"));
        let bought: Vec<Line> = lines.iter().map(|(sku, items, price, _)| line_of(*sku, *items, *price)).collect();
        let kept = lines.iter().filter(|(_, items, _, back)| back < items);
        let kept: Vec<Line> = kept.map(|(sku, items, price, back)| line_of(*sku, items - back, *price)).collect();
        // Item by item, in any order.
        let place = |(place, (_, items, _, back)): (usize, &(usize, i64, _, i64))| vec![place; *back.min(items) as usize];
        let mut back: Vec<usize> = lines.iter().enumerate().flat_map(place).collect();
        let at = order.index(back.len().max(1));
        back.rotate_left(at);
        let turned = back.iter().rev().copied().collect::<Vec<_>>();
        let purchase = |lines: &[Line], shipping| Body::Purchase(event::Purchase {
            order: "o".into(),
            currency: eur,
            lines: lines.to_vec(),
            shipping: Money(shipping),
            points_paid: Money(0),
        });
        let play = |lines: &[Line], shipping, back: &[usize]| {
            let mut memory = ledger::publish(program.as_ref().expect("the program is there"), At(0));
            let mut says = vec![purchase(lines, shipping)];
            says.extend(back.iter().map(|place| Body::Refunded(event::Refunded {
                order: "o".into(),
                currency: eur,
                amount: Money(0),
                lines: vec![LineRefund { line: LineName::Place(*place as u16), part: LinePart::Items(Quantity::ONE) }],
                so_far: false,
            })));
            for (n, said) in says.into_iter().enumerate() {
                let outcome = memory.submit(event(&format!("e-{n}"), "A", At(0), said), At(0)).expect("it folds");
                assert_eq!(outcome.refusal, None, "refund {n}");
            }
            ledger::check(&memory);
            let member = memory.state.member(MemberNo(1)).expect("A is a member");
            let all = member.purses.iter().map(|purse| (purse.wallet, member.balances(purse.wallet)));
            all.filter(|(_, balances)| *balances != Balances::default()).collect::<BTreeMap<_, _>>()
        };
        let alone = if kept.is_empty() { Default::default() } else { play(&kept, shipping, &[]) };
        prop_assert_eq!(&play(&bought, shipping, &back), &alone);
        prop_assert_eq!(&play(&bought, shipping, &turned), &alone);
    }
}

/// Says to the ledger alone that two members are one, or are not; answers what it said.
fn unite(world: &mut World, id: &str, apart: bool) -> Option<&'static str> {
    let from = WHO[1].into();
    let body = if apart { Body::Unmerged(event::Unmerged { from }) } else { Body::Merged(event::Merged { from }) };
    let outcome = world.memory.submit(event(id, WHO[0], At(world.now), body), At(world.now)).expect("it folds");
    outcome.refusal.map(|refusal| refusal.reason())
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn merged_and_unmerged_is_never_merged(story in a_story(), at in any::<prop::sample::Index>()) {
        let mut world = World::new();
        let (before, after) = story.split_at(at.index(story.len()));
        before.iter().for_each(|op| world.play(op));
        // Every event looks at the tier by the program in force, the merge too: so does the clerk.
        let act = Act::Attribute { known: true, value: 1 };
        world.play(&Op::Say(Said { who: WHO[0], keys: Keys::default(), ago: 0, act }));
        world.compare();
        let a = world.memory.member_no(WHO[0]).and_then(|no| world.memory.state.member(no));
        // Holds stand in the way of unmerging, and a wallet that is opened stays opened.
        let fits = a.is_some_and(|a| a.holds.is_empty() && a.purses.iter().next().is_some());
        if fits && unite(&mut world, "merge", false).is_none() {
            prop_assert_eq!(unite(&mut world, "unmerge", true), None);
        }
        world.compare();
        // The clerk never heard of it, and goes on agreeing.
        for op in after {
            world.play(op);
            world.compare();
        }
        world.play(&Op::Tick);
        world.compare();
        ledger::check(&world.memory);
    }

    #[test]
    fn two_that_are_one_add_up(story in a_story(), at in any::<prop::sample::Index>(), until in any::<prop::sample::Index>()) {
        let mut world = World::new();
        let (before, after) = story.split_at(at.index(story.len()));
        before.iter().for_each(|op| world.play(op));
        unite(&mut world, "merge", false);
        let until = until.index(after.len() + 1);
        for (n, op) in after.iter().enumerate() {
            if n == until {
                unite(&mut world, "unmerge", true);
            }
            match op {
                Op::Wait(ms) => world.now += ms,
                Op::Say(said) => {
                    let said = world.event(said);
                    world.submit(said);
                }
                Op::Resolve(case, fraud) => {
                    let resolved = world.resolution(*case, *fraud);
                    world.submit(resolved);
                }
                _ => {
                    let tick = world.control(Body::Tick(event::Tick { up_to: At(world.now) }));
                    world.submit(tick);
                }
            }
            ledger::check_balances(&world.memory.state);
        }
        ledger::check(&world.memory);
    }
}

/// A property is worth what its stories reach.
#[test]
fn stories_reach_every_rule() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    let note = |record: &Record, state: &State, reached: &mut BTreeSet<String>| {
        let first_word = |text: String| text.chars().take_while(|c| c.is_alphanumeric()).collect::<String>();
        if let Cause::Timer { timer, .. } = record.cause() {
            reached.insert(format!("timer {timer:?}"));
        }
        if let Some(refusal) = record.verdict.refusal {
            reached.insert(refusal.reason().to_string());
        }
        for posting in &record.verdict.postings {
            reached.insert(format!("{} to {}", posting.from.name(), posting.to.name()));
        }
        for change in &record.verdict.changes {
            reached.insert(first_word(format!("{change:?}")));
            if let Change::Life(change::Life { change, .. }) = change {
                reached.insert(first_word(format!("{change:?}")));
            }
            if let Change::TierSet(change::TierSet { why, .. }) = change {
                reached.insert(format!("tier {why:?}"));
            }
            if let Change::CaseOpened(opened) = change {
                reached.insert(format!("case {:?}", opened.action));
            }
        }
        for line in &record.verdict.trace {
            reached.insert(format!("cut {}", first_word(format!("{:?}", line.adjustment))));
            if let Adjustment::Limit { limit } = line.adjustment {
                reached.insert(format!("cut by {}", state.term(limit)));
            }
        }
    };
    for _ in 0..4_000 {
        let story = a_story().new_tree(&mut runner).expect("a story").current();
        let mut world = World::new();
        story.iter().for_each(|op| world.play(op));
        for (apart, united) in [(false, "merged"), (true, "unmerged")] {
            reached.insert(unite(&mut world, united, apart).unwrap_or(united).to_string());
        }
        ledger::log(&world.memory).iter().for_each(|(_, record)| note(record, &world.memory.state, &mut reached));
    }
    let expected = "timer Activation, timer Expiry, timer HoldExpiry, timer Tier, timer Inactivity, timer Reminder, \
        ID_REUSED, IN_THE_FUTURE, MEMBER_UNKNOWN, ALREADY_ENROLLED, ATTRIBUTE_UNKNOWN, ORDER_EXISTS, \
        REFUND_OVER_PAID, SELF_REFERRAL, REFERRAL_EXISTS, RISK_DENIED, HOLD_EXISTS, HOLD_UNKNOWN, HOLD_CLOSED, \
        CAPTURE_OVER_HOLD, NOT_ENOUGH_POINTS, CASE_UNKNOWN, CASE_CLOSED, \
        RECIPIENT_UNKNOWN, TRANSFER_TO_SELF, RECIPIENT_BLOCKED, TRANSFER_BELOW_MIN, TRANSFER_ABOVE_MAX, \
        TRANSFER_COOLING, TRANSFER_MAX_PER_DAY, OPENED_ALREADY, LOT_EXPIRED, NOT_ENOUGH_EXPIRED, LINE_UNKNOWN, \
        APPROVER_REQUIRED, PROPOSAL_NOT_OPEN, APPROVED_ALREADY, FUND_UNKNOWN, Proposed, Approved, ProposalEnded, \
        merged, unmerged, MERGE_PRECONDITION, NOT_MERGED, \
        issued to available, issued to review, issued to debt, available to redeemed, available to expired, \
        available to clawed_back, available to debited, available to held, review to available, review to expired, \
        review to clawed_back, review to voided, held to available, held to redeemed, \
        debt to clawed_back, available to moved, available to fees, moved to available, moved to review, \
        issued to pending, pending to available, pending to debt, pending to expired, pending to clawed_back, \
        review to pending, pending to moved, moved to pending, PendingUntil, \
        issued to donated, available to donated, donated to clawed_back, \
        expired to available, expired to review, held to expired, redeemed to expired, \
        Registered, Opened, Enrolled, AttributeSet, Purchased, Refunded, LineReturned, Deferred, DeferredApplied, ReferredBy, Counted, TierSet, Streak, Active, \
        HoldOpened, HoldClosed, CaseOpened, CaseJoined, CaseClosed, TermsAdded, ProgramSet, ActivityExpirySet, Expiring, ReminderSet, ExpiredRecently, Reinstated, \
        tier Joined, tier Earned, tier Granted, tier Progress, tier Lapsed, case Flag, case Review, case Deny, \
        cut None, cut Limit, cut Review, cut Denied, cut by base.limit, cut by check_in.limit, \
        cut by visits.budget.month, ToldLate, cut Late";
    let missed: Vec<&str> = expected.split(", ").map(str::trim).filter(|what| !reached.contains(*what)).collect();
    assert!(missed.is_empty(), "no story came to {missed:?}; they came to {reached:?}");
}
