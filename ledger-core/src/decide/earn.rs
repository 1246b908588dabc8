//! Earning: what facts give, by the program's rules in their order.

use super::Draft;
use crate::counter::Key;
use crate::program::{Amount, EarnRule, Limit, Measure, Program, Trigger, Wallet};
use crate::record::{Change, Cut, Trace, order_hash};
use crate::refusal::Refusal;
use crate::units::{MemberNo, Money, Points, TermNo, per};

impl Draft<'_> {
    pub(super) fn purchase(&mut self, order: &str, paid: Money) -> Result<(), Refusal> {
        self.change(Change::Purchased {
            member: self.no,
            order: order_hash(order),
            day: self.day,
            forget_before: self.horizon(),
        });
        self.measure(self.day, paid.0);
        self.earn(Trigger::Purchase, paid)
    }

    /// Adds to the tier metric on a date.
    pub(super) fn measure(&mut self, day: crate::units::Day, amount: i64) {
        let Some(tiers) = &self.program.tiers else { return };
        self.metric = (day, amount);
        self.change(Change::Counted {
            key: Key::Member(self.no),
            term: tiers.metric,
            bucket: day.0,
            keep_from: self.today.0.saturating_sub(tiers.window_days).saturating_add(1),
            amount,
            seen: MemberNo::NOBODY,
        });
    }

    /// Applies every rule that waits for `on`, then streaks and ladders.
    pub(super) fn earn(&mut self, on: Trigger, money: Money) -> Result<(), Refusal> {
        let program = self.program;
        let birthday = program.earn.iter().any(|rule| rule.birthday && rule.on == on)
            && self.member.birthday.is_some_and(|birthday| program.calendar.celebrates(birthday, self.day));
        let rules = program.earn.iter().filter(|rule| rule.on == on && (!rule.birthday || birthday));
        for rule in rules {
            let wallet = program.wallet(rule.wallet);
            let computed = compute(program, rule, money, &self.verdict.trace).ok_or(Refusal::MemberFull)?;
            let (granted, cut) = self.limited(rule, wallet, computed);
            self.trace(rule.id, computed, granted, cut);
            if !granted.is_zero() {
                let expires_at = self.expires_at(wallet);
                self.grant(rule.id, wallet.id, granted, expires_at);
            }
        }
        self.streaks(on);
        self.ladders(on);
        Ok(())
    }

    fn limited(&mut self, rule: &EarnRule, wallet: &Wallet, computed: Points) -> (Points, Cut) {
        if let Some(cut) = self.denied {
            return (Points::ZERO, cut);
        }
        let open = if self.review { Cut::Review } else { Cut::None };
        let (most, open) = match self.room(wallet) {
            Some(room) if room < computed => (room, Cut::MaxBalance),
            _ => (computed, open),
        };
        let Some(limit) = rule.limit else { return (most, open) };
        let used = self.member.counter(limit.id).map_or(0, |counter| counter.sum_from(self.limit_from(&limit)));
        let room = limit.max.saturating_sub(used).max(0);
        let (granted, amount) = match limit.measure {
            Measure::Count if room == 0 => (Points::ZERO, 0),
            Measure::Count => (most, 1),
            Measure::Points | Measure::Members => (most.min(Points(room)), most.0.min(room)),
        };
        if amount > 0 {
            self.change(Change::Counted {
                key: Key::Member(self.no),
                term: limit.id,
                bucket: self.day.0,
                keep_from: self.limit_from(&limit),
                amount,
                seen: MemberNo::NOBODY,
            });
        }
        if granted < most { (granted, Cut::Limit { limit: limit.id }) } else { (granted, open) }
    }

    fn limit_from(&self, limit: &Limit) -> i32 {
        self.day.0.saturating_sub(limit.days).saturating_add(1)
    }

    fn streaks(&mut self, on: Trigger) {
        for rule in self.program.streaks.iter().filter(|rule| rule.on == on) {
            let known = self.member.streaks.iter().find(|streak| streak.term == rule.id);
            let count = match known {
                // A day that is over neither lengthens nor breaks the streak.
                Some(streak) if self.day <= streak.last => continue,
                Some(streak) if self.day == streak.last.plus(1) => streak.count.saturating_add(1),
                _ => 1,
            };
            self.change(Change::Streak { member: self.no, term: rule.id, count, day: self.day });
            if count.checked_rem(rule.days) == Some(0) {
                self.granted = self.granted.max(Some(rule.grant));
            }
        }
    }

    fn ladders(&mut self, on: Trigger) {
        for rule in self.program.ladders.iter().filter(|rule| rule.on == on) {
            let count = self.member.counter(rule.id).map_or(0, |counter| counter.total).saturating_add(1);
            self.change(Change::Counted {
                key: Key::Member(self.no),
                term: rule.id,
                bucket: 0,
                keep_from: 0,
                amount: 1,
                seen: MemberNo::NOBODY,
            });
            if count.checked_rem(rule.every) == Some(0) {
                let rank = self.program.rank_of(self.member.tier.tier).saturating_add(rule.step);
                let top = self.program.tiers.as_ref().map_or(0, |tiers| tiers.ranks.len().saturating_sub(1));
                self.granted = self.granted.max(Some(rank.min(top)));
            }
        }
    }
}

/// What a rule comes to by itself; multipliers multiply what the earlier rule was granted.
/// `None` if it does not fit 64 bits.
pub(super) fn compute(program: &Program, rule: &EarnRule, money: Money, earlier: &[Trace]) -> Option<Points> {
    match rule.amount {
        Amount::Fixed(points) => Some(points),
        Amount::Per { unit, give } => per(money, unit, give),
        Amount::Times { of, extra } => {
            let base = granted(earlier, program.earn.get(of)?.id);
            base.0.checked_mul(extra).map(Points)
        }
    }
}

/// What a rule was granted.
pub(super) fn granted(trace: &[Trace], rule: TermNo) -> Points {
    trace.iter().find(|line| line.rule == rule).map_or(Points::ZERO, |line| line.granted)
}
