//! Rules that once were broken, or easily could be: each a short story under a program of its own.

use crate::ledger;
use ledger_core::memory::Memory;
use ledger_core::scenario::run;
use ledger_core::units::MemberNo;

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
refund_horizon = "60d"
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
  refund    M1 a 1.00      -> refused ORDER_UNKNOWN
  refund    M2 a 1.00      -> refused ORDER_UNKNOWN
  cancel    M1 a           -> refused ORDER_UNKNOWN
# Past the horizon an order number may be used again, and then means the new order.
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
refund_horizon = "60d"
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
  cancel    M1 a                              -> refused ORDER_UNKNOWN
  purchase  M1 a 5.00                         -> earned 5, available 15
  cancel    M1 a                              -> earned 0, available 10
";
    tells(&[("p", rules)], story);
}
