//! Risk: counters over sliding windows, by member, device, address and phone, and the rules on them.
//! They cross members, which is why the ledger is one totally ordered log.

use crate::features::counting::happening::Happening;
use crate::features::counting::rules::{Counting, count};
use crate::features::risk::change::Action;
use crate::features::risk::change::CaseOpened;
use crate::kernel::account::Account;
use crate::kernel::counter::{Counter, Key};
use crate::kernel::trace::Cut;
use crate::kernel::units::{At, MemberNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, RiskKeys, Who};
use crate::tables::program::{CounterRule, KeyKind, Measure, Program, RiskRule};
use alloc::vec::Vec;

/// Most members of one case.
const CASE_MEMBERS_MAX: usize = 1_000;

impl Draft<'_> {
    /// A case of this kind is open on the member.
    pub(crate) fn under(&mut self, action: Action) {
        match action {
            Action::Flag => {}
            Action::Review => self.review = true,
            Action::Deny => self.denied = Some(Cut::Denied),
        }
    }

    /// Counts the event itself, before it earns: what trips now already concerns its points.
    pub(crate) fn count_event(&mut self, event: &Event<Who>) {
        let asked = match &event.body {
            Body::Redeem(event::Redeem { points, item, .. }) | Body::Hold(event::Hold { points, item, .. }) => {
                self.asked(*points, item.as_deref()).0
            }
            Body::Transfer(event::Transfer { points, .. })
            | Body::Credit(event::Credit { points, .. })
            | Body::Debit(event::Debit { points, .. })
            | Body::Donate(event::Donate { points, .. })
            | Body::ExchangeOut(event::ExchangeOut { points, .. }) => points.0,
            Body::Approved(event::Approved { proposal, .. }) => {
                self.proposal(*proposal).map_or(0, |open| open.points.0)
            }
            _ => 0,
        };
        self.count_kind(event.body.kind().into(), &event.keys, asked);
    }

    /// Counts that something of this kind happened, in which so many points were asked for.
    pub(crate) fn count_kind(&mut self, kind: Happening, keys: &RiskKeys, asked: i64) {
        for (index, rule) in counters_on(self.program, kind) {
            match rule.measure {
                Measure::Points if asked == 0 => {}
                Measure::Points => self.count_keys(index, rule, keys, asked),
                Measure::Count | Measure::Members => self.count_keys(index, rule, keys, 1),
            }
        }
    }

    /// Counts what came of a fact: points earned, and limits that were hit.
    pub(crate) fn count_consequences(&mut self, kind: Happening, keys: &RiskKeys) {
        let hits = self.verdict.trace.iter().filter(|line| matches!(line.cut, Cut::Limit { .. })).count();
        if hits > 0 {
            let hits = i64::try_from(hits).unwrap_or(i64::MAX);
            for (index, rule) in counters_on(self.program, Happening::LimitHit) {
                self.count_keys(index, rule, keys, hits);
            }
        }
        let earned = self.verdict.trace.iter().fold(0i64, |sum, line| sum.saturating_add(line.granted.0));
        // What went to funds is not the member's.
        let endowed =
            self.verdict.postings.iter().filter(|one| (one.from, one.to) == (Account::Issued, Account::Donated));
        let earned = endowed.fold(earned, |sum, posting| sum.saturating_sub(posting.points.0));
        if earned > 0 {
            for (index, rule) in counters_on(self.program, kind).filter(|(_, rule)| rule.measure == Measure::Points) {
                self.count_keys(index, rule, keys, earned);
            }
        }
    }

    fn count_keys(&mut self, index: usize, rule: &CounterRule, keys: &RiskKeys, amount: i64) {
        let risk = match rule.key {
            KeyKind::Member => return self.count(index, rule, Key::Member(self.no), amount),
            KeyKind::Risk(kind) => keys.get(kind),
        };
        if let Some(key) = risk {
            self.count(index, rule, Key::Risk(key), amount);
        }
    }

    pub(crate) fn count(&mut self, index: usize, rule: &CounterRule, key: Key, amount: i64) {
        let (bucket, from) = (rule.bucket(self.counted_at), rule.window_from(self.counted_at));
        let members = rule.measure == Measure::Members;
        // A record counts once per key and counter; an event and its consequence are added up.
        let counted = self.verdict.changes.iter_mut().find_map(|change| match change {
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
                let counting = match members {
                    true => Counting::Distinct { bucket, keep_from: from, seen: self.no },
                    false => Counting::Limited { bucket, keep_from: from },
                };
                count(self, (key, rule.id), counting, amount);
                amount
            }
        };
        let counter = match key {
            Key::Member(_) => self.member.counter(rule.id),
            Key::Risk(risk) => self.desk.state.counters.get(&(risk, rule.id)).map(|row| &row.counter),
        };
        let rules = self.program.risks.iter().filter(|risk| risk.counter == index);
        if members {
            let seen = counter.into_iter().flat_map(|counter| counter.members_from(from));
            let mut concerned: Vec<MemberNo> = seen.collect();
            if !concerned.contains(&self.no) {
                concerned.push(self.no);
            }
            let value = i64::try_from(concerned.len()).unwrap_or(i64::MAX);
            rules.filter(|risk| value >= risk.at_least).for_each(|risk| self.trip(risk, rule, key, value, &concerned));
        } else {
            let value = || counter.map_or(0, |counter| counter.sum_from(from)).saturating_add(amount);
            for risk in rules {
                let value = value();
                if value >= risk.at_least {
                    self.trip(risk, rule, key, value, &[self.no]);
                }
            }
        }
    }

    /// A rule's counter has reached its threshold: opens a case, or adds to the open one.
    fn trip(&mut self, risk: &RiskRule, counter: &CounterRule, key: Key, value: i64, members: &[MemberNo]) {
        self.under(risk.action);
        let Some((position, case)) = self.desk.state.open_case(risk.id, key) else {
            let opened = CaseOpened {
                rule: risk.id,
                action: risk.action,
                counter: counter.id,
                key,
                value,
                at_least: risk.at_least,
                members: members.to_vec(),
            };
            return self.open_case(opened);
        };
        let known = &case.opened.members;
        let new: Vec<MemberNo> = members.iter().copied().filter(|member| !known.contains(member)).collect();
        let joined = |change: &Change| matches!(change, Change::CaseJoined(joined) if joined.case == position);
        let room = known.len() < CASE_MEMBERS_MAX && !self.verdict.changes.iter().any(joined);
        if !new.is_empty() && room {
            self.change(Change::CaseJoined(change::CaseJoined { case: position, members: new }));
        }
    }

    /// A record opens one case, which is named by it; of two, the stronger. The other rule trips again.
    fn open_case(&mut self, opened: CaseOpened) {
        let other = self.verdict.changes.iter_mut().find_map(|change| match change {
            Change::CaseOpened(case) => Some(case),
            _ => None,
        });
        match other {
            Some(other) if other.action < opened.action => *other = opened,
            Some(_) => {}
            None => self.change(Change::CaseOpened(opened)),
        }
    }
}

fn counters_on(program: &Program, kind: Happening) -> impl Iterator<Item = (usize, &CounterRule)> {
    program.counters.iter().enumerate().filter(move |(_, rule)| rule.on.contains(kind))
}

/// What a counter says at `at`: the amount in its window, and the distinct members in it.
pub fn in_window(rule: &CounterRule, counter: &Counter, at: At) -> (i64, Vec<MemberNo>) {
    let from = rule.window_from(at);
    let members: Vec<MemberNo> = counter.members_from(from).collect();
    match rule.measure {
        Measure::Members => (i64::try_from(members.len()).unwrap_or(i64::MAX), members),
        Measure::Count | Measure::Points => (counter.sum_from(from), members),
    }
}
