//! Overtakes: commands and what they speak of, told in whatever order within the time they wait, come to the same.

use crate::ledger::{self, event, publish};
use crate::properties::config;
use ledger_core::change::{self, Change};
use ledger_core::event::{
    self, Body, Currency, Event, Finding, LineName, LinePart, LineRefund, Name, RecordRef, ReversalWhy, RiskKind,
    SpentRef,
};
use ledger_core::memory::{Memory, hash_key};
use ledger_core::quantity::Quantity;
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, Money, Points};
use proptest::prelude::*;
use std::collections::BTreeMap;

const DAY: i64 = 86_400_000;
/// Monday, 5 January 2026.
const START: i64 = 20_458 * DAY;
/// B is merged into A, D is closed.
const WHO: [&str; 4] = ["A", "B", "C", "D"];
const EUR: Currency = Currency(*b"EUR");

const PROGRAM: &str = r#"id = "overtakes"
timezone = "UTC"
currency = "EUR"
waits = "10d"
[[wallet]]
id = "points"
[[wallet]]
id = "stamps"
pending = { on = "settled" }
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
[[earn]]
id = "teas"
wallet = "stamps"
on = "purchase"
per_items = 2
give = 1
[[earn]]
id = "visit"
on = "check_in"
fixed = 7
[tiers]
window = "365d"
[[tier]]
id = "guest"
[[tier]]
id = "silver"
at_least = "100.00"
[approvals]
credit = { over = 10, people = 3 }
debit = { over = 10, people = 2 }
[[counter]]
id = "check_ins"
on = ["check_in"]
key = "device"
measure = "count"
[[risk]]
id = "farm"
counter = "check_ins"
at_least = 1
action = "review"
"#;

/// What is told together, in its right order: each speaks of the ones before it.
#[derive(Clone, Debug)]
enum Group {
    /// Points are redeemed, and some are given back, by whatever name.
    Redeem { points: i64, back: Option<i64>, by: usize },
    /// A hold is captured in two parts, and one of them is given back.
    Captures { parts: [i64; 2], of: usize, back: Option<i64> },
    /// A hold is captured, the rest let go, and some given back, by whatever name.
    Capture { points: i64, last: bool, by: usize },
    /// A hold is given up.
    Void,
    /// Points are given or taken by hand, and several people stand for it; or it is withdrawn.
    ByHand { points: i64, gives: bool, approvals: usize, withdrawn: bool },
    /// A purchase is refunded in two parts, of which some are reversed.
    Refunds { paid: i64, first: i64, reversed: [bool; 2], by_line: bool },
    /// A check-in opens a case, which is resolved.
    Case { fraud: bool },
}

/// Whose, and what.
type Told = (usize, Group);

fn groups() -> impl Strategy<Value = Vec<Told>> {
    let some = || proptest::option::of(1..=12i64);
    let group = prop_oneof![
        (1..=30i64, some(), 0..2usize).prop_map(|(points, back, by)| Group::Redeem { points, back, by }),
        ([1..=12i64, 1..=12i64], 0..2usize, some()).prop_map(|(parts, of, back)| Group::Captures { parts, of, back }),
        (1..=30i64, any::<bool>(), 0..3usize).prop_map(|(points, last, by)| Group::Capture { points, last, by }),
        Just(Group::Void),
        (5..=25i64, any::<bool>(), 0..=2usize, any::<bool>()).prop_map(|(points, gives, approvals, withdrawn)| {
            Group::ByHand { points, gives, approvals, withdrawn: withdrawn && approvals == 0 }
        }),
        (200..=9_000i64, 1..=100i64, any::<[bool; 2]>(), any::<bool>())
            .prop_map(|(paid, first, reversed, by_line)| Group::Refunds { paid, first, reversed, by_line }),
        any::<bool>().prop_map(|fraud| Group::Case { fraud }),
    ];
    proptest::collection::vec((0..WHO.len(), group), 1..8)
}

/// The events of a group, in their right order. Cases are of members of their own: what is in review is no debt.
fn events_of(n: usize, (who, group): &Told) -> Vec<Event<Name>> {
    let mut events: Vec<Event<Name>> = Vec::new();
    let id = |nth: usize| format!("{n}-{nth}");
    let (order, hold) = (format!("o-{n}"), format!("h-{n}"));
    let named = |nth: usize| RecordRef::event("test", &format!("{n}-{nth}"));
    let mut say = |body: Body<Name>| {
        let id = id(events.len());
        events.push(event(&id, WHO[*who], At(START), body));
    };
    let held = |points| {
        Body::Hold(event::Hold {
            hold: hold.as_str().into(),
            wallet: "".into(),
            points: Points(points),
            ttl_ms: None,
            order: order.as_str().into(),
            total: None,
            item: None,
        })
    };
    let captured = |points, last| Body::Capture(event::Capture { hold: hold.as_str().into(), points, last });
    let back = |redemption, points: Option<i64>| {
        Body::RedeemRefunded(event::RedeemRefunded { redemption, points: points.map(Points) })
    };
    match group {
        Group::Redeem { points, back: some, by } => {
            let (wallet, total, item) = ("".into(), None, None);
            let order: Box<str> = order.as_str().into();
            say(Body::Redeem(event::Redeem { wallet, points: Points(*points), order: order.clone(), total, item }));
            let redemption = if *by == 0 { SpentRef::Record(named(0)) } else { SpentRef::Order(order) };
            say(back(redemption, *some));
        }
        Group::Captures { parts, of, back: some } => {
            say(held(40));
            say(captured(Some(Points(parts[0])), false));
            say(captured(Some(Points(parts[1])), false));
            say(back(SpentRef::Record(named(1 + of)), *some));
        }
        Group::Capture { points, last, by } => {
            say(held(40));
            say(captured(Some(Points(*points)), *last));
            let redemption = match by {
                0 => SpentRef::Record(named(1)),
                1 => SpentRef::Order(order.as_str().into()),
                _ => SpentRef::Hold(hold.as_str().into()),
            };
            say(back(redemption, None));
        }
        Group::Void => {
            say(held(40));
            say(Body::Void(event::Void { hold: hold.as_str().into() }));
        }
        Group::ByHand { points, gives, approvals, withdrawn } => {
            let (wallet, points, reason, by) = ("".into(), Points(*points), "why".into(), "ann".into());
            say(match gives {
                true => Body::Credit(event::Credit { wallet, points, reason, by }),
                false => Body::Debit(event::Debit { wallet, points, reason, by }),
            });
            for by in ["ben", "cid"].iter().take(*approvals) {
                say(Body::Approved(event::Approved { proposal: named(0), by: (*by).into() }));
            }
            if *withdrawn {
                let (by, reason) = ("dan".into(), "why".into());
                say(Body::Withdrawn(event::Withdrawn { proposal: named(0), by, reason }));
            }
        }
        Group::Refunds { paid, first, reversed, by_line } => {
            let line = |sku, net| event::Line::plain(sku, 4, Money(net));
            say(Body::purchase(&order, EUR, vec![line("tea", paid / 2), line("cake", paid - paid / 2)]));
            let first = if *by_line {
                let line = LineRefund { line: LineName::Sku("tea".into()), part: LinePart::Items(Quantity::ONE) };
                let (amount, lines) = (Money(0), vec![line]);
                Body::Refunded(event::Refunded {
                    order: order.as_str().into(),
                    currency: EUR,
                    amount,
                    lines,
                    so_far: false,
                })
            } else {
                Body::refund(&order, EUR, Money(*first))
            };
            say(first);
            say(Body::refund(&order, EUR, Money(paid / 3)));
            for (nth, _) in reversed.iter().enumerate().filter(|(_, reversed)| **reversed) {
                say(Body::RefundReversed(event::RefundReversed { refund: named(1 + nth), why: ReversalWhy::Failed }));
            }
        }
        Group::Case { fraud } => {
            let mut check_in = event(&id(0), &format!("case {n}"), At(START), Body::CheckIn(event::CheckIn));
            check_in.keys.set(RiskKind::Device, hash_key("device", &n.to_string()));
            events.push(check_in);
            let finding = if *fraud { Finding::Fraud } else { Finding::Legitimate };
            let resolved = Body::CaseResolved(event::CaseResolved { case: named(0), finding, note: "".into() });
            events.push(event(&id(1), "", At(START), resolved));
        }
    }
    events
}

/// Four members with enough points for all, of whom one is merged into another and one is closed.
fn begun() -> Memory {
    let mut memory = publish(PROGRAM, At(START - DAY));
    let mut say = |id: &str, who: &str, body| {
        let outcome = memory.submit(event(id, who, At(START - DAY), body), At(START - DAY)).expect("it folds");
        assert_eq!(outcome.refusal, None, "{id}");
    };
    for who in WHO {
        let line = event::Line::plain("book", 1, Money(100_000));
        say(&format!("first {who}"), who, Body::purchase("first", EUR, vec![line]));
    }
    say("merge", "A", Body::Merged(event::Merged { from: "B".into() }));
    say("close", "D", Body::Closed(event::Closed { reason: "".into() }));
    memory
}

/// What everybody has, and what is open, but for where it stands.
fn told(memory: &Memory) -> BTreeMap<String, String> {
    let state = &memory.state;
    let word = |no| state.term(no).to_string();
    let rows = ledger::members(state).map(|(no, member)| {
        let purses: BTreeMap<String, String> = member
            .purses
            .iter()
            .map(|purse| (word(purse.wallet), format!("{:?}", member.balances(purse.wallet))))
            .collect();
        let refunded: Vec<_> = member.purchases.iter().map(|known| known.refunded).collect();
        let refunded = refunded.iter().fold(0, |sum, money| sum + money.0);
        let open: usize = member.open_proposals(At(START)).map(|open| open.by.len()).sum();
        let metric = member.counters.iter().map(|counter| (word(counter.term), counter.total));
        let metric: BTreeMap<String, i64> = metric.filter(|(_, total)| *total != 0).collect();
        let tier = word(member.tier.tier);
        let lines = member.returns.iter().map(|returns| returns.lines.iter().len()).sum::<usize>();
        let row =
            format!("{purses:?} holds {} {refunded} {lines} proposed {open} {metric:?} {tier}", member.holds.len());
        (memory.name(no).to_string(), row)
    });
    let mut all: BTreeMap<String, String> = rows.collect();
    let mut cases: Vec<_> = state.cases.values().map(|case| format!("{:?}", case.finding)).collect();
    cases.sort();
    all.insert("cases".into(), format!("{cases:?}"));
    all
}

fn play(events: &[Event<Name>]) -> Memory {
    let mut memory = begun();
    for (n, event) in events.iter().enumerate() {
        let at = At(START + 60_000 * n as i64);
        memory.submit(event.clone(), at).expect("every record folds");
        // Told twice is told once.
        assert!(memory.submit(event.clone(), at).expect("it folds").duplicate);
    }
    memory
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn what_overtakes_comes_to_the_same(groups in groups(), keys in proptest::collection::vec(any::<u32>(), 48)) {
        let right: Vec<Event<Name>> = groups.iter().enumerate().flat_map(|(n, told)| events_of(n, told)).collect();
        let mut order: Vec<usize> = (0..right.len()).collect();
        order.sort_by_key(|n| keys[*n % keys.len()]);
        let any: Vec<Event<Name>> = order.iter().map(|n| right[*n].clone()).collect();
        let (right, any) = (play(&right), play(&any));
        prop_assert_eq!(told(&right), told(&any));
        for memory in [&right, &any] {
            ledger::check(memory);
            // Nothing waits for what has come, but of a member that is closed and gets nothing any more.
            for (no, member) in ledger::members(&memory.state) {
                let waits = member.waiting(At(START)).count();
                prop_assert!(waits == 0 || member.closed_at().is_some(), "{no} waits for {waits}");
            }
            prop_assert!(memory.state.shared.waiting.is_empty());
        }
    }
}

/// What never comes is told once its time is over, whoever ticks and when, and of whomever it is.
#[test]
fn what_never_comes_is_told_when_its_time_is_over() {
    let says = || {
        let named = RecordRef::event("test", "never");
        let case =
            Body::CaseResolved(event::CaseResolved { case: named.clone(), finding: Finding::Fraud, note: "".into() });
        [
            ("", case),
            ("A", Body::Approved(event::Approved { proposal: named.clone(), by: "ben".into() })),
            (
                "B",
                Body::RedeemRefunded(event::RedeemRefunded {
                    redemption: SpentRef::Record(named.clone()),
                    points: None,
                }),
            ),
            ("C", Body::RefundReversed(event::RefundReversed { refund: named, why: ReversalWhy::WonBack })),
            ("C", Body::refund("never", EUR, Money(100))),
        ]
    };
    let over = START + 11 * DAY;
    for ticks in [vec![over - 1, over], vec![over + 40 * DAY], vec![over, over + 390 * DAY]] {
        let mut memory = begun();
        let mut waiting = Vec::new();
        for (n, (who, body)) in says().into_iter().enumerate() {
            let outcome = memory.submit(event(&format!("w-{n}"), who, At(START), body), At(START)).expect("it folds");
            assert!(outcome.deferred && outcome.refusal.is_none(), "{outcome:?}");
            waiting.push(outcome.position);
        }
        for tick in &ticks {
            memory.tick(At(*tick)).expect("it folds");
        }
        let is_refund_over = *ticks.last().unwrap() > START + 400 * DAY;
        let ended: Vec<_> = ledger::log(&memory)
            .into_iter()
            .flat_map(|(_, record)| record.verdict.changes.clone())
            .filter_map(|change| match change {
                Change::DeferredApplied(change::DeferredApplied { event, refusal, .. }) => Some((event, refusal)),
                _ => None,
            })
            .collect();
        let mut events: Vec<_> = ended.iter().map(|(event, _)| *event).collect();
        events.sort();
        let all = if is_refund_over { 5 } else { 4 };
        assert_eq!(events, waiting[..all], "each once");
        assert!(ended.iter().all(|(_, refusal)| *refusal == Some(Refusal::NeverCame)));
        ledger::check(&memory);
    }
}

/// As many wait as there is room for; one more is refused, and room is again once some have come or are over.
#[test]
fn so_many_wait_and_no_more() {
    let mut memory = begun();
    let mut n = 0;
    let mut say = |memory: &mut Memory, at: i64, who: &str, body: Body<Name>| {
        n += 1;
        memory.submit(event(&format!("e-{n}"), who, At(at), body), At(at)).expect("it folds").refusal
    };
    let void = |n: usize| Body::Void(event::Void { hold: format!("h-{n}").into() });
    let case = |n: usize| {
        let case = RecordRef::event("test", &format!("c-{n}"));
        Body::CaseResolved(event::CaseResolved { case, finding: Finding::Fraud, note: "".into() })
    };
    for n in 0..64 {
        assert_eq!(say(&mut memory, START, "A", void(n)), None);
        assert_eq!(say(&mut memory, START, "", case(n)), None);
    }
    assert_eq!(say(&mut memory, START, "A", void(64)), Some(Refusal::MemberLimitReached));
    assert_eq!(say(&mut memory, START, "", case(64)), Some(Refusal::LedgerFull));
    assert_eq!(say(&mut memory, START, "C", void(64)), None, "of another member");
    assert_eq!(say(&mut memory, START, "A", Body::hold("h-0", Points(1))), None);
    assert_eq!(say(&mut memory, START, "A", void(65)), None);
    assert_eq!(say(&mut memory, START + 11 * DAY, "A", void(66)), None);
    assert_eq!(say(&mut memory, START + 11 * DAY, "", case(66)), None);
    ledger::check(&memory);
}
