//! What is counted, and the cases that come of it.

use super::*;

impl CounterRule {
    pub(super) fn bucket(&self, at: i64) -> i64 {
        if self.buckets == 0 { 0 } else { at.div_euclid(self.bucket_ms) }
    }
}

/// The running bucket and as many full ones as the window has, and what lies ahead.
pub(super) fn recount(
    counted: &[(usize, Key, i64, i64, MemberRef)],
    index: usize,
    key: Key,
    at: i64,
) -> (i64, BTreeSet<MemberRef>) {
    let rule = &COUNTERS[index];
    count_in(counted, index, key, rule.bucket(at) - rule.buckets..=i64::MAX)
}

/// What these buckets have.
fn count_in(
    counted: &[(usize, Key, i64, i64, MemberRef)],
    index: usize,
    key: Key,
    buckets: std::ops::RangeInclusive<i64>,
) -> (i64, BTreeSet<MemberRef>) {
    let rule = &COUNTERS[index];
    let is_inside = |(of, whose, bucket, ..): &&(usize, Key, i64, i64, MemberRef)| {
        *of == index && *whose == key && buckets.contains(bucket)
    };
    let inside = counted.iter().filter(is_inside);
    let members: BTreeSet<MemberRef> = inside.clone().map(|(.., who)| *who).collect();
    let amount = inside.map(|(_, _, _, amount, _)| amount).sum();
    (if rule.measure == Measure::Members { members.len() as i64 } else { amount }, members)
}

impl Books {
    /// Counts the event; a command that a rule denies ends here.
    pub(super) fn observe(&mut self, work: &mut Work, act: &Act) -> Result<(), &'static str> {
        let asked = match act {
            Act::Redeem { points }
            | Act::Hold { points, .. }
            | Act::Credit { points, .. }
            | Act::Debit { points, .. }
            | Act::Donate { points, .. }
            | Act::Give { points, .. } => *points,
            _ => 0,
        };
        self.count_kind(work, act.kind(), asked);
        if work.denied && act.is_command() {
            let opens = work.opens.take();
            self.cases.extend(opens);
            self.counted.append(&mut work.counted);
            return Err("RISK_DENIED");
        }
        Ok(())
    }

    pub(super) fn count_kind(&mut self, work: &mut Work, kind: &str, asked: i64) {
        for (index, rule) in COUNTERS.iter().enumerate().filter(|(_, rule)| rule.on.contains(&kind)) {
            match rule.measure {
                Measure::Points if asked > 0 => self.count(work, index, asked),
                Measure::Points => {}
                Measure::Count | Measure::Members => self.count(work, index, 1),
            }
        }
    }

    pub(super) fn count_consequences(&mut self, work: &mut Work, kind: &str) {
        if work.hits > 0 {
            for (index, _) in COUNTERS.iter().enumerate().filter(|(_, rule)| rule.on.contains(&"limit_hit")) {
                self.count(work, index, work.hits);
            }
        }
        if work.points > 0 {
            let points = |rule: &CounterRule| rule.measure == Measure::Points && rule.on.contains(&kind);
            for (index, _) in COUNTERS.iter().enumerate().filter(|(_, rule)| points(rule)) {
                self.count(work, index, work.points);
            }
        }
    }

    pub(super) fn count(&mut self, work: &mut Work, index: usize, amount: i64) {
        let rule = &COUNTERS[index];
        let key = match rule.key {
            'm' => Some(Key::Member(work.who)),
            'd' => work.keys.device.map(Key::Device),
            'i' => work.keys.ip.map(Key::Ip),
            _ => work.keys.phone.map(Key::Phone),
        };
        let Some(key) = key else { return };
        let bucket = rule.bucket(work.happened_at);
        work.counted.push((index, key, bucket, amount, work.who));
        let so_far: Vec<_> = self.counted.iter().chain(&work.counted).copied().collect();
        // Each window in which it is.
        let windows =
            (bucket..=bucket + rule.buckets).rev().map(|end| count_in(&so_far, index, key, end - rule.buckets..=end));
        let (value, members) = windows.max_by_key(|(value, _)| *value).expect("there is a window");
        let fast = self.rules().fast_at_least;
        let at_least = [3, 3, 200, fast, 2, 6];
        for (risk, (name, counter, action)) in RISKS.into_iter().enumerate() {
            if counter != index || value < at_least[risk] {
                continue;
            }
            match action {
                Action::Flag => {}
                Action::Review => work.review = true,
                Action::Deny => work.denied = true,
            }
            let concerned = if rule.measure == Measure::Members { members.clone() } else { [work.who].into() };
            let open = |case: &Case| case.rule == name && case.key == key && case.fraud.is_none();
            match self.cases.iter().rposition(open) {
                Some(at) if work.joined.contains(&at) => {}
                Some(at) => {
                    let known = &mut self.cases[at].members;
                    let new: Vec<MemberRef> = concerned.into_iter().filter(|who| !known.contains(who)).collect();
                    known.extend(new);
                    work.joined.push(at);
                }
                None if work.opens.as_ref().is_none_or(|other| other.action < action) => {
                    let members = concerned.into_iter().collect();
                    work.opens = Some(Case { rule: name, key, action, members, fraud: None });
                }
                None => {}
            }
        }
    }

    /// Enters what was counted, and the case, into the books.
    pub(super) fn keep(&mut self, work: Work) {
        self.counted.extend(work.counted);
        self.cases.extend(work.opens);
    }

    /// A case is resolved.
    pub fn resolve(&mut self, case: usize, fraud: bool) -> Answer {
        let answer = |refusal| Answer { refusal, earned: 0, available: 0 };
        let at = self.now;
        let Some(known) = self.cases.get_mut(case) else { return answer(Some("CASE_UNKNOWN")) };
        if known.fraud.is_some() {
            return answer(Some("CASE_CLOSED"));
        }
        known.fraud = Some(fraud);
        for who in self.cases[case].members.clone() {
            let kept =
                |case: &Case| case.fraud.is_none() && case.action == Action::Review && case.members.contains(&who);
            let kept = self.cases.iter().any(kept);
            let member = self.member(who);
            if fraud {
                let voided: i64 = member.review.drain(..).map(|lot| lot.points).sum();
                self.totals[VOIDED] += voided;
            } else if !kept {
                let (waits, free) = member.review.drain(..).partition(|lot| lot.waits > at);
                give_back(&mut member.pending, waits);
                member.have(free);
            }
        }
        answer(None)
    }

    /// What a counter says of a key at an instant, in its window and ever, by counting everything again.
    pub fn counter(&self, index: usize, key: Key, at: i64) -> (i64, i64) {
        let ever = self.counted.iter().filter(|(of, whose, ..)| *of == index && *whose == key);
        (recount(&self.counted, index, key, at).0, ever.map(|(_, _, _, amount, _)| amount).sum())
    }

    /// Every key that a counter has counted.
    pub fn keys(&self, index: usize) -> BTreeSet<Key> {
        self.counted.iter().filter(|(of, ..)| *of == index).map(|(_, key, ..)| *key).collect()
    }
}
