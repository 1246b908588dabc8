//! Risk: counters over sliding windows, by member, device, address and phone, and the rules on them.
//! They cross members, which is why the ledger is one totally ordered log.

use crate::features::counting::happening::Happening;
use crate::features::counting::rules::{Counting, count};
use crate::features::risk::change::Action;
use crate::features::risk::change::CaseOpened;
use crate::kernel::account::Account;
use crate::kernel::counter::{Counter, Key};
use crate::kernel::lots::Slice;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::Adjustment;
use crate::kernel::units::{At, DAY_MS, MemberNo, Points, Position, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use crate::tables::event::{Class, Event, Finding, MemberRef, RiskKeys};
use crate::tables::program::{CounterRule, KeyKind, Measure, Program, RiskRule};
use alloc::vec::Vec;

/// Most members of one case.
const CASE_MEMBERS_MAX: usize = 1_000;

/// The line from which the event succeeds: makes a newcomer a member, counts the event, in which so many points were
/// asked for, and looks at the risk rules. What trips now already concerns its points.
///
/// # Errors
/// [`Refusal::RiskDenied`] for a command that a rule denies.
pub(crate) fn observe(draft: &mut Draft<'_>, event: &Event<MemberRef>, asked: Points) -> Result<(), Refusal> {
    let kind = event.body.kind();
    draft.register();
    if kind.class() == Class::Fact {
        draft.happened(event.occurred_at);
    }
    count_kind(draft, kind.into(), &event.keys, asked.0);
    if draft.denied() == Some(Adjustment::Denied) && kind.class() == Class::Command {
        return Err(Refusal::RiskDenied);
    }
    Ok(())
}

/// Counts that something of this kind happened, in which so many points were asked for.
pub(crate) fn count_kind(draft: &mut Draft<'_>, kind: Happening, keys: &RiskKeys, asked: i64) {
    for (index, rule) in counters_on(draft.program(), kind) {
        match rule.measure {
            Measure::Points if asked == 0 => {}
            Measure::Points => count_keys(draft, index, rule, keys, asked),
            Measure::Count | Measure::Members => count_keys(draft, index, rule, keys, 1),
        }
    }
}

/// Counts what came of a fact: points earned, and limits that were hit.
pub(crate) fn count_consequences(draft: &mut Draft<'_>, kind: Happening, keys: &RiskKeys) {
    let hits = draft.traced().iter().filter(|line| matches!(line.adjustment, Adjustment::Limit { .. })).count();
    if hits > 0 {
        let hits = i64::try_from(hits).unwrap_or(i64::MAX);
        for (index, rule) in counters_on(draft.program(), Happening::LimitHit) {
            count_keys(draft, index, rule, keys, hits);
        }
    }
    let earned = draft.traced().iter().fold(0i64, |sum, line| sum.saturating_add(line.granted.0));
    // What went to funds is not the member's.
    let endowed = draft.postings().iter().filter(|one| (one.from, one.to) == (Account::Issued, Account::Donated));
    let earned = endowed.fold(earned, |sum, posting| sum.saturating_sub(posting.points.0));
    if earned > 0 {
        for (index, rule) in counters_on(draft.program(), kind).filter(|(_, rule)| rule.measure == Measure::Points) {
            count_keys(draft, index, rule, keys, earned);
        }
    }
}

fn count_keys(draft: &mut Draft<'_>, index: usize, rule: &CounterRule, keys: &RiskKeys, amount: i64) {
    let risk = match rule.key {
        KeyKind::Member => return count_by(draft, index, rule, Key::Member(draft.no()), amount),
        KeyKind::Risk(kind) => keys.get(kind),
    };
    if let Some(key) = risk {
        count_by(draft, index, rule, Key::Risk(key), amount);
    }
}

fn count_by(draft: &mut Draft<'_>, index: usize, rule: &CounterRule, key: Key, amount: i64) {
    let (bucket, width) = (rule.bucket(draft.happened_at()), rule.buckets.saturating_add(1));
    let members = rule.measure == Measure::Members;
    // A record counts once per key and counter; an event and its consequence are added up.
    let counted = draft.find_change(|change| match change {
        Change::Counted(change::Counted { key: whose, term, amount, .. }) if *whose == key && *term == rule.id => {
            Some(amount)
        }
        _ => None,
    });
    let amount = match counted {
        Some(counted) => {
            *counted = counted.saturating_add(amount);
            *counted
        }
        None => {
            let keep_from = rule.window_from(oldest(draft));
            let seen = draft.no();
            let counting = match members {
                true => Counting::Distinct { bucket, keep_from, seen },
                false => Counting::Limited { bucket, keep_from },
            };
            count(draft, (key, rule.id), counting, amount);
            amount
        }
    };
    if draft.is_history() {
        return;
    }
    let counter = draft.counter(key, rule.id);
    let rules = draft.program().risks.iter().filter(|risk| risk.counter == index);
    if members {
        let concerned = match counter {
            Some(counter) => counter.most_members(draft.no(), bucket, width),
            None => Vec::from([draft.no()]),
        };
        let value = i64::try_from(concerned.len()).unwrap_or(i64::MAX);
        rules.filter(|risk| value >= risk.at_least).for_each(|risk| trip(draft, risk, rule, key, value, &concerned));
    } else {
        let value = || counter.map_or(0, |counter| counter.fullest(bucket, width)).saturating_add(amount);
        for risk in rules {
            let value = value();
            if value >= risk.at_least {
                trip(draft, risk, rule, key, value, &[draft.no()]);
            }
        }
    }
}

/// Counts what another system counted of the member, which opens no case.
pub(crate) fn count_brought(draft: &mut Draft<'_>, rule: &CounterRule, at: At, amount: i64) {
    let (bucket, keep_from) = (rule.bucket(at), rule.window_from(oldest(draft)));
    count(draft, (Key::Member(draft.no()), rule.id), Counting::Limited { bucket, keep_from }, amount);
}

/// What happened before this is told too late. Two days more than the program says: the first of them is not over yet,
/// and not all are of one length.
fn oldest(draft: &Draft<'_>) -> At {
    let late_days = i64::from(draft.program().late_days).saturating_add(2);
    draft.counted_at().plus_ms(late_days.saturating_mul(DAY_MS).saturating_neg())
}

/// A rule's counter has reached its threshold: opens a case, or adds to the open one.
fn trip(draft: &mut Draft<'_>, risk: &RiskRule, counter: &CounterRule, key: Key, value: i64, members: &[MemberNo]) {
    draft.under(risk.action);
    let Some((position, case)) = draft.open_case(risk.id, key) else {
        let opened = CaseOpened {
            rule: risk.id,
            action: risk.action,
            counter: counter.id,
            key,
            value,
            at_least: risk.at_least,
            members: members.to_vec(),
        };
        return open_case(draft, opened);
    };
    let known = &case.opened.members;
    let new: Vec<MemberNo> = members.iter().copied().filter(|member| !known.contains(member)).collect();
    let joined = |change: &Change| matches!(change, Change::CaseJoined(joined) if joined.case == position);
    let room = known.len() < CASE_MEMBERS_MAX && !draft.changes().iter().any(joined);
    if !new.is_empty() && room {
        draft.change(Change::CaseJoined(change::CaseJoined { case: position, members: new }));
    }
}

/// A record opens one case, which is named by it; of two, the stronger. The other rule trips again.
fn open_case(draft: &mut Draft<'_>, opened: CaseOpened) {
    let other = draft.find_change(|change| match change {
        Change::CaseOpened(case) => Some(case),
        _ => None,
    });
    match other {
        Some(other) if other.action < opened.action => *other = opened,
        Some(_) => {}
        None => draft.change(Change::CaseOpened(opened)),
    }
}

/// What becomes of the member's points in review when `case` is resolved: void at once if it was
/// fraud; available if it was the last case that keeps them, or pending if they wait besides.
pub(crate) fn end_review(draft: &mut Draft<'_>, case: Position, finding: Finding) {
    let rule = draft.case(case).map_or(TermNo::NONE, |case| case.opened.rule);
    let mut others = draft.member().cases.iter().filter(|other| **other != case).filter_map(|other| draft.case(*other));
    let is_kept = others.any(|other| other.opened.action == Action::Review);
    let member = draft.member();
    for purse in member.purses.iter() {
        let lots: Vec<Slice> = purse.review().iter().copied().collect();
        match finding {
            Finding::Fraud => draft.post_all(purse.wallet, (Account::Review, Account::Voided), &lots, rule),
            Finding::Legitimate if is_kept => {}
            Finding::Legitimate => {
                for lot in lots {
                    if purse.waits_until(lot.id).is_some_and(|until| until > draft.counted_at()) {
                        draft.post(purse.wallet, (Account::Review, Account::Pending), lot, rule);
                        continue;
                    }
                    let left = draft.repay(purse.wallet, Account::Review, rule, lot.left, Some(lot));
                    let rest = Slice { left, ..lot };
                    draft.post(purse.wallet, (Account::Review, Account::Available), rest, rule);
                }
            }
        }
    }
}

fn counters_on(program: &Program, kind: Happening) -> impl Iterator<Item = (usize, &CounterRule)> {
    program.counters.iter().enumerate().filter(move |(_, rule)| rule.on.contains(kind))
}

/// What a counter says at `at`: the amount in its window, and the distinct members in it.
pub fn in_window(rule: &CounterRule, counter: &Counter, at: At) -> (i64, Vec<MemberNo>) {
    let from = rule.window_from(at);
    let members = counter.members_in(from, i32::MAX);
    match rule.measure {
        Measure::Members => (i64::try_from(members.len()).unwrap_or(i64::MAX), members),
        Measure::Count | Measure::Points => (counter.sum_from(from), members),
    }
}
