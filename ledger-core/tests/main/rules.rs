//! Rules that once were broken, or easily could be: each a short story under a program of its own.

use crate::ledger::{self, event};
use ledger_core::change;
use ledger_core::change::Change;
use ledger_core::event::{self, AMOUNT_MAX, Body, Currency, Event, Finding, Line};
use ledger_core::memory::Memory;
use ledger_core::record::{Cause, Timer};
use ledger_core::totals::tallies;
use ledger_core::units::{At, MemberNo, Money, Points, Position, TermNo};
use ledger_stories::run;
use proptest::prelude::*;

/// The story comes out as it is written. `programs` are the files it may publish.
fn tells(programs: &[(&str, &str)], story: &str) -> Memory {
    let mut memory = Memory::new();
    let program = |name: &str| {
        let (_, rules) = programs.iter().find(|(known, _)| *known == name)?;
        Some(format!("id = \"test\"\ntimezone = \"Asia/Shanghai\"\ncurrency = \"CNY\"\n{rules}"))
    };
    let played = run(story, &mut memory, &program).expect("the story can be played");
    assert_eq!(played, story, "\n{played}");
    ledger::check(&memory);
    memory
}

const WALLET: &str = "[[wallet]]\nid = \"points\"\n";

#[test]
fn an_event_and_its_consequence_count_once_each_on_one_key() {
    let rules = format!(
        r#"{WALLET}
[[earn]]
id = "check_in"
on = "check_in"
fixed = 5
limit = {{ times = 1, per = "1d" }}
[[counter]]
id = "by_device"
on = ["check_in", "limit_hit"]
key = "device"
measure = "count"
[[counter]]
id = "by_member"
on = ["check_in", "limit_hit"]
key = "member"
measure = "count"
[[risk]]
id = "greedy_device"
counter = "by_device"
at_least = 3
action = "flag"
"#
    );
    let story = "\
publish p
at 2026-01-01 09:00
  check-in  M1 device d    -> earned 5, available 5
  cases                    -> \n  check-in  M1 device d    -> earned 0, available 5
  counter   M1 by_member   -> 3 now, 3 ever
  cases                    -> greedy_device open at 3: M1
";
    let memory = tells(&[("p", &rules)], story);
    let row = memory.state.counters.values().next().expect("the device was counted");
    assert_eq!(row.counter.total, 3, "two check-ins and a hit");
}

#[test]
fn a_record_names_a_member_once_when_it_joins_a_case() {
    let rules = format!(
        r#"{WALLET}
[[earn]]
id = "check_in"
on = "check_in"
fixed = 5
limit = {{ times = 1, per = "1d" }}
[[counter]]
id = "by_device"
on = ["check_in", "limit_hit"]
key = "device"
measure = "members"
[[risk]]
id = "shared_device"
counter = "by_device"
at_least = 2
action = "flag"
"#
    );
    let story = "\
publish p
at 2026-01-01 09:00
  check-in  M1 device d
  check-in  M2 device d
  check-in  M3
  check-in  M3 device d    -> earned 0, available 5
  cases                    -> shared_device open at 2: M1 M2 M3
";
    let memory = tells(&[("p", &rules)], story);
    let joined = memory.state.member(MemberNo(3)).expect("M3 is a member");
    assert_eq!(joined.cases.len(), 1, "M3 checked in and hit a limit, and joined the case once");
}

const WIN_BACK: &str = r#"
[[earn]]
id = "win_back"
on = "inactive"
fixed = 50
limit = { times = 1, per = "90d" }
[inactivity]
after = "30d"
activity = ["check_in"]
[[counter]]
id = "dormant"
on = ["inactive"]
key = "member"
measure = "count"
window = "10d"
bucket = "1d"
[[counter]]
id = "won_back"
on = ["inactive"]
key = "member"
measure = "points"
window = "10d"
bucket = "1d"
[[counter]]
id = "hits"
on = ["limit_hit"]
key = "member"
measure = "count"
window = "10d"
bucket = "1d"
"#;

#[test]
fn a_dormancy_is_counted_when_it_was_due_however_late_the_timer_fires() {
    let rules = format!("{WALLET}{WIN_BACK}");
    let prompt = "\
publish p
at 2026-01-01 09:00
  check-in  M1
at 2026-01-31 00:00
  tick
  counter   M1 dormant   -> 1 now, 1 ever
  counter   M1 won_back  -> 50 now, 50 ever
at 2026-02-05 00:00
  check-in  M1
at 2026-03-07 00:00
  tick
  counter   M1 dormant   -> 1 now, 2 ever
  counter   M1 won_back  -> 0 now, 50 ever
  counter   M1 hits      -> 1 now, 1 ever
at 2026-03-25 00:00
  tick
  balance   M1           -> available 50, held 0, review 0, debt 0
";
    let late = "\
publish p
at 2026-01-01 09:00
  check-in  M1
at 2026-02-05 00:00
  check-in  M1
at 2026-03-25 00:00
  tick
  counter   M1 dormant   -> 0 now, 2 ever
  counter   M1 won_back  -> 0 now, 50 ever
  counter   M1 hits      -> 0 now, 1 ever
  balance   M1           -> available 50, held 0, review 0, debt 0
";
    let counters = |memory: &Memory| memory.state.member(MemberNo(1)).expect("M1 is a member").counters.clone();
    let (prompt, late) = (tells(&[("p", &rules)], prompt), tells(&[("p", &rules)], late));
    assert_eq!(counters(&prompt), counters(&late));
}

#[test]
fn what_was_due_before_a_program_is_published_is_judged_by_the_one_before() {
    let old = format!("{WALLET}{WIN_BACK}");
    let new = old.replace("fixed = 50", "fixed = 70");
    let story = "\
publish old
at 2026-01-01 09:00
  check-in  M1
at 2026-02-10 09:00
publish new
  balance   M1                       -> available 50, held 0, review 0, debt 0
  balance   M1 as-of 2026-01-30      -> available 0, held 0, review 0, debt 0
  balance   M1 as-of 2026-01-31      -> available 50, held 0, review 0, debt 0
at 2026-04-10 09:00
  check-in  M1
at 2026-05-10 00:00
  balance   M1                       -> available 120, held 0, review 0, debt 0
  tick
  balance   M1 as-of 2026-01-31      -> available 50, held 0, review 0, debt 0
";
    tells(&[("old", &old), ("new", &new)], story);
}

#[test]
fn what_was_due_before_a_case_is_not_under_review() {
    let rules = format!(
        r#"{WALLET}{WIN_BACK}
[[counter]]
id = "check_ins_by_device"
on = ["check_in"]
key = "device"
measure = "members"
[[risk]]
id = "shared_device"
counter = "check_ins_by_device"
at_least = 2
action = "review"
"#
    );
    let story = "\
publish p
at 2026-01-01 09:00
  check-in  M1 device d
# M1's dormancy was due on 31 January, though nobody ticked; the case is opened by another, days later.
at 2026-02-05 09:00
  check-in  M2 device d
  cases                    -> shared_device open at 2: M1 M2
  balance   M1             -> available 50, held 0, review 0, debt 0
# M2's dormancy comes while the case is open.
at 2026-03-07 00:00
  tick
  balance   M1             -> available 50, held 0, review 0, debt 0
  balance   M2             -> available 0, held 0, review 50, debt 0
";
    tells(&[("p", &rules)], story);
}

#[test]
fn points_in_review_repay_debt_when_the_case_ends_well_and_are_void_when_it_does_not() {
    let rules = format!(
        r#"{WALLET}
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
[[counter]]
id = "purchases_by_device"
on = ["purchase"]
key = "device"
measure = "count"
[[risk]]
id = "busy_device"
counter = "purchases_by_device"
at_least = 1
action = "review"
"#
    );
    let story = |finding: &str, after: &str| {
        format!(
            "\
publish p
at 2026-01-01 09:00
  purchase  M1 a 100.00             -> earned 100, available 100
  redeem    M1 80                   -> earned 0, available 20
  purchase  M1 b 50.00 device d     -> earned 50, available 20
# Points in review are no one's to take for another order: 20 go back, 80 are owed.
  cancel    M1 a                    -> earned 0, available 0
  balance   M1                      -> available 0, held 0, review 50, debt 80
  resolve   1 {finding}
  balance   M1                      -> {after}
  purchase  M1 c 100.00             -> earned 100, available 70
"
        )
    };
    let well = story("legitimate", "available 0, held 0, review 0, debt 30");
    tells(&[("p", &rules)], &well);
    let badly = story("fraud", "available 0, held 0, review 0, debt 80").replace("available 70", "available 20");
    tells(&[("p", &rules)], &badly);
}

#[test]
fn a_purchase_past_the_horizon_is_unknown_whether_or_not_another_came_since() {
    let rules = r#"
[[wallet]]
id = "points"
[refund]
horizon = "60d"
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
"#;
    let story = "\
publish p
at 2026-01-01 09:00
  purchase  M1 a 9.00      -> earned 9, available 9
  purchase  M2 a 9.00      -> earned 9, available 9
at 2026-03-02 23:59
  refund    M1 a 1.00      -> earned 0, available 8
at 2026-03-03 00:00
  purchase  M2 b 9.00      -> earned 9, available 18
  refund    M1 a 1.00      -> earned 0, available 8, parked
  refund    M2 a 1.00      -> earned 0, available 18, parked
  cancel    M1 a           -> earned 0, available 8, parked
# Past the horizon an order number may be used again, and then means the new order: what came back on earlier dates is
# none of it.
at 2026-03-04 00:00
  purchase  M1 a 5.00      -> earned 5, available 13
  purchase  M2 a 5.00      -> earned 5, available 23
  purchase  M2 a 5.00      -> refused ORDER_EXISTS
  cancel    M1 a           -> earned 0, available 8
  cancel    M2 a           -> earned 0, available 18
";
    tells(&[("p", rules)], story);
}

#[test]
fn of_two_orders_of_one_number_the_later_is_meant() {
    let rules = r#"
[[wallet]]
id = "points"
[refund]
horizon = "60d"
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
"#;
    let story = "\
publish p
at 2026-03-10 09:00
  purchase  M1 first 1.00                     -> earned 1, available 1
  purchase  M1 a 9.00 occurred 2026-01-01     -> earned 9, available 10
  cancel    M1 a                              -> earned 0, available 10, parked
at 2026-03-11 09:00
  purchase  M1 a 5.00                         -> earned 5, available 15
  cancel    M1 a                              -> earned 0, available 10
";
    tells(&[("p", rules)], story);
}

#[test]
fn every_rule_of_a_campaign_counts_against_its_budget() {
    let rules = format!(
        r#"{WALLET}
[refund]
reopens_limits = true
[[campaign]]
id = "summer"
budget = {{ points = 100 }}
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
campaign = "summer"
[[earn]]
id = "bonus"
on = "purchase"
fixed = 20
campaign = "summer"
"#
    );
    let story = "\
publish p
at 2026-01-01 09:00
  purchase  M1 a 20.00     -> earned 40, available 40
  purchase  M2 a 20.00     -> earned 40, available 40
# Twenty are left: the rule that comes first has them.
  purchase  M3 a 30.00     -> earned 20, available 20
  purchase  M4 a 9.00      -> earned 0, available 0
# A refund that came before its purchase makes room in the same record.
  cancel    M1 a           -> earned 0, available 0
  refund    M5 a 10.00     -> earned 0, available 0, parked
  purchase  M5 a 20.00     -> earned 40, available 30
  purchase  M6 a 30.00     -> earned 10, available 10
  purchase  M7 a 1.00      -> earned 0, available 0
";
    tells(&[("p", &rules)], story);
}

#[test]
fn before_a_program_is_published_nothing_is_judged() {
    let mut memory = Memory::new();
    let mut say = |id: &str, member: &str, body| {
        let outcome = memory.submit(event(id, member, At(0), body), At(0)).expect("the record folds");
        outcome.refusal.map(|refusal| refusal.reason())
    };
    assert_eq!(say("1", "M1", Body::Enrolled(event::Enrolled { birthday: None })), Some("NO_PROGRAM"));
    assert_eq!(say("2", "M1", Body::Referral(event::Referral { referee: "M2".into() })), Some("NO_PROGRAM"));
    assert_eq!(say("3", "M1", Body::redeem(Points(1))), Some("NO_PROGRAM"));
    let resolved =
        Body::CaseResolved(event::CaseResolved { case: Position(1).into(), finding: Finding::Fraud, note: "".into() });
    assert_eq!(say("4", "", resolved), Some("CASE_UNKNOWN"));
    assert_eq!(
        say("5", "", Body::ProgramPublished(event::ProgramPublished { text: "id = 1".into() })),
        Some("PROGRAM_INVALID")
    );
    assert_eq!(say("6", "", Body::Tick(event::Tick { up_to: At(0) })), None);
    assert_eq!(memory.state.members_len(), 0);
    assert_eq!(memory.state.shared.refused, 5);
    ledger::check(&memory);
}

#[test]
fn a_name_is_in_the_log_once_and_never_if_its_event_is_refused() {
    let text = format!("id = \"t\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n{WALLET}");
    let mut memory = ledger::publish(&text, At(0));
    let mut say = |id: &str, member: &str, body| {
        let outcome = memory.submit(event(id, member, At(0), body), At(0)).expect("the record folds");
        outcome.refusal.map(|refusal| refusal.reason())
    };
    let alice = "alice@example.org";
    let bob = "bob@example.org";
    assert_eq!(say("1", bob, Body::redeem(Points(1))), Some("MEMBER_UNKNOWN"));
    assert_eq!(say("3", bob, Body::Referral(event::Referral { referee: bob.into() })), Some("SELF_REFERRAL"));
    assert_eq!(say("4", alice, Body::Enrolled(event::Enrolled { birthday: None })), None);
    assert_eq!(say("5", alice, Body::CheckIn(event::CheckIn)), None);
    assert_eq!(say("4", alice, Body::CheckIn(event::CheckIn)), Some("ID_REUSED"));
    assert_eq!(say("4", bob, Body::CheckIn(event::CheckIn)), Some("ID_REUSED"));
    assert_eq!(say("4", alice, Body::Referral(event::Referral { referee: bob.into() })), Some("ID_REUSED"));
    let times = |name: &str| {
        let holds = |part: &&Vec<u8>| part.windows(name.len()).any(|window| window == name.as_bytes());
        memory.log().iter().flat_map(|stored| [&stored.verdict, &stored.cause]).filter(holds).count()
    };
    assert_eq!((times(alice), times(bob)), (1, 0));
    assert_eq!(memory.state.members_len(), 1);
    ledger::check(&memory);
}

#[test]
fn the_weightiest_reason_is_told_first() {
    let text = format!("id = \"t\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\nfuture_tolerance = \"1h\"\n{WALLET}");
    let mut memory = ledger::publish(&text, At(0));
    let mut say = |id: &str, member: &str, occurred_at: i64, body| {
        let event = Event { occurred_at: At(occurred_at), ..event(id, member, At(0), body) };
        let outcome = memory.submit(event, At(0)).expect("the record folds");
        outcome.refusal.map(|refusal| refusal.reason())
    };
    let redeem = || Body::redeem(Points(1));
    let refund = |code: &[u8; 3], amount| Body::refund("o", Currency(*code), Money(amount));
    // Each event has several faults; its sender is told the one that makes the others pointless.
    assert_eq!(say("1", "M1", 3_600_001, redeem()), Some("IN_THE_FUTURE"), "and of nobody we know");
    assert_eq!(say("2", "M1", 3_600_000, redeem()), Some("MEMBER_UNKNOWN"), "and without a point");
    assert_eq!(say("3", "M1", 0, ledger::purchase("o", 100)), None);
    assert_eq!(say("3", "M2", 9_999_999, refund(b"USD", 999)), Some("ID_REUSED"), "and in the future, and so on");
    assert_eq!(say("4", "M2", 0, refund(b"USD", 999)), Some("CURRENCY_MISMATCH"), "and of no order");
    assert_eq!(say("5", "M1", 0, refund(b"USD", 999)), Some("CURRENCY_MISMATCH"), "and too much");
    assert_eq!(say("6", "M1", 0, refund(b"EUR", 101)), None, "what is too much takes what there is");
    let cancelled = Body::Cancelled(event::Cancelled { order: "o".into() });
    assert_eq!(say("7", "M1", 0, cancelled), Some("REFUND_OVER_PAID"));
    ledger::check(&memory);
}

#[test]
fn a_purchase_too_large_to_reckon_is_refused_whole() {
    let rules = format!("{WALLET}[[earn]]\nid = \"all\"\non = \"purchase\"\nper = \"0.01\"\ngive = 1000000\n");
    let text = format!("id = \"t\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n{rules}");
    let mut memory = ledger::publish(&text, At(0));
    let mut say = |id: &str, net| {
        let event = event(id, "M1", At(0), ledger::purchase(id, net));
        memory.submit(event, At(0)).expect("the record folds").refusal.map(|refusal| refusal.reason())
    };
    // 10^12 cents at a million points each are 10^18, the most there can be; a cent more is over.
    assert_eq!(say("1", AMOUNT_MAX), None);
    assert_eq!(say("2", 1), Some("MEMBER_LIMIT_REACHED"));
    let lines = vec![Line::plain("", 1, Money(AMOUNT_MAX)); 500];
    let huge = Body::purchase("3", Currency(*b"EUR"), lines);
    let outcome = memory.submit(event("3", "M2", At(0), huge), At(0)).expect("the record folds");
    assert_eq!(outcome.refusal.map(|refusal| refusal.reason()), Some("MEMBER_LIMIT_REACHED"));
    assert_eq!(memory.state.members_len(), 1, "M2 did not become a member by it");
    ledger::check(&memory);
}

/// What anybody was reminded of: when, of which date and of how many points.
fn reminders(memory: &Memory) -> Vec<String> {
    let calendar = &memory.programs.current().expect("a program").calendar;
    let mut told = Vec::new();
    for (_, record) in ledger::log(memory) {
        let Cause::Timer { due, timer: Timer::Reminder, .. } = record.cause() else { continue };
        let of = record.verdict.changes.iter().filter_map(|change| match change {
            Change::Expiring(change::Expiring { member, expires_at, points, .. }) => {
                Some(format!("{member}: {points} until {}", calendar.show(*expires_at)))
            }
            _ => None,
        });
        told.push(format!("{} {}", calendar.show(due), of.collect::<Vec<_>>().join(" and ")));
    }
    told
}

#[test]
fn a_date_on_which_points_die_is_reminded_of_once_for_each_lead() {
    let v1 = "[[wallet]]\nid = \"points\"\nexpiry = { after = \"40d\" }\n";
    let v2 = v1.replace("40d\"", "40d\", remind = [\"30d\", \"7d\"]");
    let v3 = v1.replace("40d\"", "40d\", activity = [\"check_in\"], remind = [\"10d\"]");
    let story = "\
publish v1 -> ok
at 2026-01-01 10:00
  enrol     M1
  credit    M1 10 first
publish v2 -> ok
at 2026-01-02 10:00
# From the first event under a version that reminds.
  check-in  M1
at 2026-01-05 10:00
  credit    M1 20 second
  credit    M1 5 third
at 2026-01-15 10:00
# Spent before its second reminder, which comes and finds the rest of that day.
  redeem    M1 27
# Six days are too few for any, ten for the longer one.
  enrol     M2
  open      M2 lot 3/2025-12-01/2026-01-21 lot 4/2025-12-02/2026-01-25
at 2026-02-14 00:00
  balance   M1 -> available 0, held 0, review 0, debt 0
  tick
publish v3 -> ok
at 2026-03-01 10:00
# The whole purse: each activity puts off the reminder as well.
  enrol     M3
  credit    M3 7 first
at 2026-03-20 10:00
  check-in  M3
  credit    M3 8 second
at 2026-06-01 00:00
  balance   M3 -> available 0, held 0, review 0, debt 0
  tick
";
    let memory = tells(&[("v1", v1), ("v2", &v2), ("v3", &v3)], story);
    let expected = [
        "2026-01-11 00:00 1: 10 until 2026-02-10 00:00",
        "2026-01-15 00:00 1: 25 until 2026-02-14 00:00",
        "2026-01-18 00:00 2: 4 until 2026-01-25 00:00",
        // All of the first were spent: nothing is said, and the next date looked for.
        "2026-02-03 00:00 ",
        "2026-02-07 00:00 1: 8 until 2026-02-14 00:00",
        "2026-03-31 00:00 ",
        "2026-04-19 00:00 3: 15 until 2026-04-29 00:00",
    ];
    assert_eq!(reminders(&memory), expected);
}

const CUPS: &str = r#"
[[wallet]]
id = "stamps"
kind = "stamp"
[[wallet]]
id = "cups"
kind = "entitlement"
[[convert]]
id = "free_cup"
from = { wallet = "stamps", points = 10 }
to = { wallet = "cups", points = 2 }
[transfer]
wallet = "stamps"
"#;

/// Somebody with a card, counted on fingers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Card {
    stamps: i64,
    held: i64,
    cups: i64,
}

impl Card {
    fn gets(&mut self, stamps: i64) {
        self.stamps += stamps;
        self.cups += self.stamps / 10 * 2;
        self.stamps %= 10;
    }
}

proptest! {
    #![proptest_config(crate::properties::config(200))]

    #[test]
    fn every_ten_stamps_are_two_cups_however_they_came(
        story in prop::collection::vec((0usize..2, 0u8..6, 1i64..25), 1..60),
    ) {
        let (mut memory, at) = (Memory::new(), At(1_800_000_000_000));
        let text = format!("id = \"test\"\ntimezone = \"Europe/Berlin\"\ncurrency = \"EUR\"\n{CUPS}");
        memory.submit(event("p", "", at, Body::ProgramPublished(event::ProgramPublished { text: text.into() })), at).expect("it folds");
        for who in ["A", "B"] {
            memory.submit(event(who, who, at, Body::Enrolled(event::Enrolled { birthday: None })), at).expect("it folds");
        }
        let (mut cards, mut holds) = ([Card::default(); 2], [const { String::new() }; 2]);
        for (n, (who, what, points)) in story.into_iter().enumerate() {
            let (name, other) = (["A", "B"][who], ["B", "A"][who]);
            let (wallet, few) = ("stamps".into(), Points(points.min(9)));
            if what == 4 && cards[who].held > 0 {
                continue;
            }
            if what == 4 {
                holds[who] = format!("h-{n}");
            }
            let body = match what {
                0 | 1 => Body::Credit(event::Credit { wallet, points: Points(points), reason: "card".into(), by: "".into() }),
                2 => Body::Redeem(event::Redeem { wallet, points: few, order: "".into(), total: None, item: None }),
                3 => Body::Transfer(event::Transfer { to: other.into(), wallet, points: few, note: "".into() }),
                4 => Body::Hold(event::Hold {
                    wallet, hold: holds[who].as_str().into(), points: few, ttl_ms: None, order: "".into(), total: None,
 item: None,
                }),
                5 if holds[who].is_empty() => continue,
                _ => Body::Void(event::Void { hold: holds[who].as_str().into() }),
            };
            let outcome = memory.submit(event(&n.to_string(), name, at, body), at).expect("it folds");
            let is_there = few.0 <= cards[who].stamps;
            match what {
                0 | 1 => cards[who].gets(points),
                2 if is_there => cards[who].stamps -= few.0,
                3 if is_there => {
                    cards[who].stamps -= few.0;
                    cards[1 - who].gets(few.0);
                }
                4 if is_there => {
                    cards[who].stamps -= few.0;
                    cards[who].held = few.0;
                }
                5 if cards[who].held > 0 => {
                    let held = std::mem::take(&mut cards[who].held);
                    cards[who].gets(held);
                }
                // What is given up of a hold that was refused waits for another of its name.
                5 => prop_assert!(outcome.refusal.is_some() || outcome.deferred, "{points} by {name}"),
                _ => prop_assert!(outcome.refusal.is_some(), "{what} of {points} by {name}"),
            }
            for (name, card) in ["A", "B"].into_iter().zip(&cards) {
                let row = memory.member_no(name).and_then(|no| memory.state.member(no)).expect("a member");
                let term = |word| memory.state.shared.terms.iter().position(|term| &**term == word).map(|at| at + 1);
                let of = |word| row.balances(TermNo(term(word).expect("a wallet") as u16));
                let told = Card { stamps: of("stamps").available.0, held: of("stamps").held.0, cups: of("cups").available.0 };
                prop_assert_eq!(told, *card, "{} after {} of {}", name, what, points);
            }
        }
        ledger::check(&memory);
    }
}

proptest! {
    #![proptest_config(crate::properties::config(200))]

    #[test]
    fn a_household_has_its_share_of_what_each_purchase_keeps(
        story in prop::collection::vec((0usize..3, 0usize..8, 1i64..30_000), 1..60),
        percent in 1i64..=100,
    ) {
        let (mut memory, at) = (Memory::new(), At(1_800_000_000_000));
        let text = format!(
            "id = \"test\"\ntimezone = \"Europe/Berlin\"\ncurrency = \"EUR\"\n{WALLET}[household]\nshare = \"{percent}%\"\n\
             [[earn]]\nid = \"base\"\non = \"purchase\"\nper = \"1.00\"\ngive = 1\n"
        );
        memory.submit(event("p", "", at, Body::ProgramPublished(event::ProgramPublished { text: text.into() })), at).expect("it folds");
        let eur = Currency(*b"EUR");
        for who in ["home", "A", "B", "C"] {
            memory.submit(event(who, who, at, Body::Enrolled(event::Enrolled { birthday: None })), at).expect("it folds");
        }
        for who in ["A", "B", "C"] {
            let join = Body::HouseholdJoined(event::HouseholdJoined { household: "home".into() });
            let joined = memory.submit(event(&format!("{who}+"), who, at, join), at).expect("it folds");
            prop_assert_eq!(joined.refusal, None);
        }
        // What is kept of every purchase, by who bought it.
        let mut kept: Vec<(usize, i64)> = Vec::new();
        for (n, (who, of, money)) in story.into_iter().enumerate() {
            let back = kept.get(of).copied().filter(|(_, kept)| *kept > 0);
            let (who, body) = match back {
                Some((who, left)) if n % 2 == 1 => {
                    kept[of].1 -= money.min(left);
                    (who, Body::refund(&format!("o-{of}"), eur, Money(money.min(left))))
                }
                _ => {
                    kept.push((who, money));
                    let lines = vec![Line::plain("", 1, Money(money))];
                    (who, Body::purchase(&format!("o-{}", kept.len() - 1), eur, lines))
                }
            };
            let outcome = memory.submit(event(&n.to_string(), ["A", "B", "C"][who], at, body), at).expect("it folds");
            prop_assert_eq!(outcome.refusal, None);
        }
        let share = |cents: &i64| (cents / 100) * percent / 100;
        let has = |name: &str| {
            let row = memory.member_no(name).and_then(|no| memory.state.member(no)).expect("a member");
            ledger::balances(row).available.0 - ledger::balances(row).debt.0
        };
        prop_assert_eq!(has("home"), kept.iter().map(|(_, cents)| share(cents)).sum::<i64>());
        for (n, name) in ["A", "B", "C"].into_iter().enumerate() {
            let own = kept.iter().filter(|(who, _)| *who == n);
            prop_assert_eq!(has(name), own.map(|(_, cents)| cents / 100 - share(cents)).sum::<i64>(), "{}", name);
        }
        ledger::check(&memory);
    }
}

const EXCHANGE: &str = r#"
[[wallet]]
id = "points"
expiry = { after = "6d" }
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
[[exchange]]
id = "sky"
out = { points = 3, units = 2 }
in = { units = 5, points = 4 }
per_day = 90
within = "36h"
"#;

/// What is promised to or by a partner: point by point with its date, if it goes out.
struct Promise {
    out: Vec<i64>,
    inward: i64,
    lapses: i64,
}

/// A member's points by the day they die on, one by one, and what partners had and gave.
#[derive(Default)]
struct Traveller {
    points: Vec<i64>,
    open: std::collections::BTreeMap<usize, Promise>,
    today: (i64, i64),
    settled: [i64; 4],
}

const DAY_MS: i64 = 86_400_000;

impl Traveller {
    /// What lapses comes back, and what is old dies, by then.
    fn go_to(&mut self, now: i64) {
        let late = |promise: &mut Promise| promise.lapses <= now;
        let undone: Vec<Promise> = self.open.extract_if(.., |_, promise| late(promise)).map(|(_, one)| one).collect();
        undone.into_iter().for_each(|promise| self.points.extend(promise.out));
        self.points.retain(|dies| *dies > now);
        self.points.sort_unstable();
    }

    fn gets(&mut self, points: i64, now: i64) {
        let dies = (now.div_euclid(DAY_MS) + 6) * DAY_MS;
        self.points.extend(std::iter::repeat_n(dies, points as usize));
        self.points.sort_unstable();
    }

    /// Whether what is asked for is done, as it then is.
    fn hears(&mut self, n: usize, (what, number): (u8, i64), now: i64) -> bool {
        let day = now.div_euclid(DAY_MS);
        let there = self.points.len() as i64;
        match what {
            0 | 1 => self.gets(number, now),
            2 => {
                let today = if self.today.0 == day { self.today.1 } else { 0 };
                if number % 3 != 0 || today + number > 90 || number > there {
                    return false;
                }
                self.today = (day, today + number);
                let out = self.points.drain(..number as usize).collect();
                self.open.insert(n, Promise { out, inward: 0, lapses: now + 36 * 3_600_000 });
            }
            3 => {
                if number % 5 != 0 {
                    return false;
                }
                self.open.insert(n, Promise { out: Vec::new(), inward: number, lapses: now + 36 * 3_600_000 });
            }
            4 | 5 => {
                let Some(promise) = self.open.remove(&(number as usize % (n + 1))) else { return false };
                if what == 5 {
                    // What died meanwhile comes back to nobody.
                    self.points.extend(promise.out.into_iter().filter(|dies| *dies > now));
                    self.points.sort_unstable();
                    return true;
                }
                let (out, inward) = (promise.out.len() as i64, promise.inward);
                let more = [out, out / 3 * 2, inward / 5 * 4, inward];
                self.settled.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
                self.gets(inward / 5 * 4, now);
            }
            _ => {
                if number > there {
                    return false;
                }
                self.points.drain(..number as usize);
            }
        }
        true
    }
}

#[test]
fn what_is_exchanged_is_no_earning_that_a_household_shares() {
    let rules = format!("{EXCHANGE}[household]\nshare = \"50%\"\n");
    tells(
        &[("sky", &rules)],
        "publish sky -> ok
at 2026-03-01 10:00
  enrol    home -> earned 0, available 0
  enrol    Ada -> earned 0, available 0
  join     Ada home -> earned 0, available 0
  purchase Ada a-1 10.00 -> earned 10, available 5
  exchange Ada in 10 from sky x-1 -> earned 0, available 5
  exchange Ada accepted sky x-1 -> earned 8, available 13
  balance  home -> available 5, held 0, review 0, debt 0
",
    );
}

proptest! {
    #![proptest_config(crate::properties::config(200))]

    #[test]
    fn what_is_exchanged_is_settled_or_comes_back_to_the_point(
        story in prop::collection::vec((0u8..7, 1i64..60, 0i64..20), 1..60),
        ticks in any::<bool>(),
    ) {
        let (mut memory, mut at) = (Memory::new(), At(1_800_000_000_000 / DAY_MS * DAY_MS));
        let text = format!("id = \"test\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n{EXCHANGE}");
        memory.submit(event("p", "", at, Body::ProgramPublished(event::ProgramPublished { text: text.into() })), at).expect("it folds");
        memory.submit(event("e", "A", at, Body::Enrolled(event::Enrolled { birthday: None })), at).expect("it folds");
        let mut clerk = Traveller::default();
        for (n, (what, number, hours)) in story.into_iter().enumerate() {
            at = At(at.0 + hours * 3_600_000);
            clerk.go_to(at.0);
            if ticks {
                memory.submit(event(&format!("t-{n}"), "", at, Body::Tick(event::Tick { up_to: at })), at).expect("it folds");
            }
            let (exchange, reference) = (|| "sky".into(), |n: usize| format!("x-{n}").into());
            let body = match what {
                0 | 1 => ledger::purchase(&format!("o-{n}"), number * 100),
                2 => Body::ExchangeOut(event::ExchangeOut { exchange: exchange(), reference: reference(n), points: Points(number) }),
                3 => Body::ExchangeIn(event::ExchangeIn { exchange: exchange(), reference: reference(n), units: number }),
                4 | 5 => {
                    let reference = reference(number as usize % (n + 1));
                    Body::ExchangeSettled(event::ExchangeSettled { exchange: exchange(), reference, accepted: what == 4 })
                }
                _ => Body::redeem(Points(number)),
            };
            let outcome = memory.submit(event(&n.to_string(), "A", at, body), at).expect("it folds");
            let done = clerk.hears(n, (what, number), at.0);
            prop_assert_eq!(outcome.refusal.is_none(), done, "{} of {}: {:?}", what, number, outcome.refusal);
            let row = memory.member_no("A").and_then(|no| memory.state.member(no)).expect("a member");
            let told = ledger::balances(row);
            prop_assert_eq!(told.available.0, clerk.points.len() as i64);
            prop_assert_eq!(told.exchanging.0, clerk.open.values().map(|one| one.out.len() as i64).sum::<i64>());
            let lots = row.purses.first().lots.iter().flat_map(|lot| vec![lot.expires_at.0; lot.left.0 as usize]);
            prop_assert!(lots.eq(clerk.points.iter().copied()), "the dates of what comes back are those it had");
            let program = memory.programs.current().expect("a program").clone();
            let all = tallies(&memory.state, &program);
            let partner = all.iter().find(|tally| tally.kind == "exchange").expect("the program has one");
            let told = ["points_out", "units_out", "points_in", "units_in"].map(|name| partner.figure(name));
            prop_assert_eq!(told, clerk.settled.map(Some));
        }
        ledger::check(&memory);
    }
}
