//! Explanations: of every record of every story, every rule that might have applied is told, and why.

use crate::ledger;
use ledger_core::explain::{Explanation, RuleOutcome, explain};
use ledger_core::fold::fold_member;
use ledger_core::member::Member;
use ledger_core::memory::Memory;
use ledger_core::program::Trigger;
use ledger_core::record::{Cause, Record, Timer};
use ledger_stories::run;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Plays a story.
fn played(folder: &str, name: &str) -> Memory {
    let path = ledger::root().join(folder).join(name).with_extension("txt");
    let program = |name: &str| fs::read_to_string(path.with_file_name(name).with_extension("toml")).ok();
    let mut memory = Memory::new();
    run(&fs::read_to_string(&path).expect("the story is there"), &mut memory, &program).expect("it can be played");
    memory
}

/// Every record of a ledger with its explanation.
fn explained(memory: &Memory) -> Vec<(Record, Explanation)> {
    let mut members: BTreeMap<_, Member> = BTreeMap::new();
    let mut all = Vec::new();
    for (position, record) in ledger::log(memory) {
        let no = record.member();
        let before = members.get(&no).cloned().unwrap_or_default();
        for no in record.members() {
            fold_member(members.entry(no).or_default(), no, position, &record).expect("it folds");
        }
        if let Some(program) = memory.programs.version(record.program) {
            let why = explain(
                (&memory.state, memory.hiding()),
                program,
                no,
                &before,
                (&record, memory.named(&record).expect("a memory")),
            );
            all.push((record, why));
        }
    }
    all
}

fn waits_for(record: &Record) -> Option<Trigger> {
    match record.cause() {
        Cause::Event(event) => Some(event.body.kind()).filter(|kind| kind.is_earning()).map(Trigger::Event),
        Cause::Timer { timer, .. } => (timer == Timer::Inactivity).then_some(Trigger::Inactive),
        Cause::HeldBack => None,
    }
}

#[test]
fn every_rule_of_every_record_is_told_and_every_condition_once_fails() {
    let mut failed = BTreeSet::new();
    let stories = [
        ("programs", "community"),
        ("ledger-core/tests/stories", "market"),
        ("ledger-core/tests/stories", "drops"),
        ("ledger-core/tests/stories", "sale"),
        ("ledger-core/tests/stories", "conditions"),
        ("ledger-core/tests/stories", "actions"),
    ];
    for (folder, name) in stories {
        let memory = played(folder, name);
        for (record, Explanation { rules, factors }) in explained(&memory) {
            let program = memory.programs.version(record.program).expect("it judged");
            let waiting = waits_for(&record).filter(|_| record.verdict.refusal.is_none());
            let waiting = waiting.map(|on| program.earn_on(on).iter().map(|rule| rule.id).collect::<Vec<_>>());
            let told: Vec<_> = rules.iter().map(|(rule, _)| *rule).collect();
            assert_eq!(told, waiting.unwrap_or_default(), "{name}: {record:?}");
            let applied: Vec<_> =
                rules.iter().filter(|(_, rule_outcome)| matches!(rule_outcome, RuleOutcome::Applied(_))).collect();
            let is_earning = |line: &&ledger_core::trace::Trace| told.contains(&line.rule);
            assert_eq!(applied.len(), record.verdict.trace.iter().filter(is_earning).count(), "{name}: {record:?}");
            assert!(record.verdict.refusal.is_some() || factors.is_empty());
            failed.extend(rules.iter().filter_map(|(_, rule_outcome)| match rule_outcome {
                RuleOutcome::Unmet(condition) => Some(condition.name()),
                RuleOutcome::Applied(_) => None,
            }));
        }
    }
    let all = "at_least, attributes, birthday, channels, first, from, until, hours, kinds, partners, \
        skus, categories, tags, except, stores, tiers, weekdays";
    assert_eq!(failed.into_iter().collect::<Vec<_>>().join(", "), all);
}

#[test]
fn a_refused_capture_tells_of_the_wallet_of_its_hold() {
    let program = ledger::root().join("ledger-core/tests/stories/cups.toml");
    let program = |_: &str| fs::read_to_string(&program).ok();
    let story = "publish cups -> ok\nat 2026-03-01 09:00\n  enrol Eve -> earned 0, available 0\n  \
        credit Eve 4 card wallet stamps -> earned 4, available 4\n  \
        credit Eve 3 card wallet cups -> earned 0 + 3 cups, available 4\n  \
        hold Eve h-1 2 wallet cups -> earned 0, available 4\n  \
        capture Eve h-1 3 -> refused CAPTURE_OVER_HOLD\n  extend Eve h-2 for 3h -> refused HOLD_UNKNOWN\n";
    let mut memory = Memory::new();
    run(story, &mut memory, &program).expect("it can be played");
    let refused = explained(&memory).into_iter().filter_map(|(record, why)| {
        let refusal = record.verdict.refusal?;
        let told: Vec<_> = why.factors.iter().map(|(name, points)| format!("{name} {points}")).collect();
        Some(format!("{} {}", refusal.reason(), told.join(", ")).trim_end().to_owned() + "\n")
    });
    expect_test::expect![[r#"
        CAPTURE_OVER_HOLD asked 3, available 1, held 2, in_review 0, pending 0, exchanging 0, debt 0
        HOLD_UNKNOWN
    "#]]
    .assert_eq(&refused.collect::<String>());
}

#[test]
fn a_refusal_tells_the_numbers_it_rests_on() {
    let memory = played("programs", "mall");
    let mut told = BTreeMap::new();
    for (record, why) in explained(&memory) {
        if let Some(refusal) = record.verdict.refusal.filter(|_| !why.factors.is_empty()) {
            let factors: Vec<_> = why.factors.iter().map(|(name, points)| format!("{name} {points}")).collect();
            told.entry(refusal.reason()).or_insert_with(|| factors.join(", "));
        }
    }
    let told: String = told.into_iter().map(|(reason, factors)| format!("{reason}: {factors}\n")).collect();
    expect_test::expect![[r#"
        REDEEM_BELOW_MIN: asked 40, available 14349, held 0, in_review 0, pending 0, exchanging 0, debt 0, limit 50
        REDEEM_MAX_PER_MONTH: asked 5000, available 14349, held 0, in_review 0, pending 0, exchanging 0, debt 0, limit 8000, counted 4200
        REDEEM_MAX_PER_ORDER: asked 6000, available 18549, held 0, in_review 0, pending 0, exchanging 0, debt 0, limit 5000, counted 0
        REDEEM_NOT_MULTIPLE: asked 55, available 14349, held 0, in_review 0, pending 0, exchanging 0, debt 0, limit 10
    "#]]
    .assert_eq(&told);
}
