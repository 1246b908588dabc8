//! Earning: what facts give, by the program's rules in their order.
//!
//! A rule applies if all its conditions hold; what it then comes to by itself is [`Facts::compute`], which a
//! refund asks again for what is kept. Rules that do not apply leave no trace and cost no memory.

use crate::explain::Condition;
use crate::features::counting::rules::{Counting, count};
use crate::features::earning::basket::Basket;
use crate::features::earning::limits::Allowed;
use crate::kernel::counter::Key;
use crate::kernel::names::order_hash;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::{Cut, Trace};
use crate::kernel::units::{Money, Points, TermNo, share, units_of};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, Who};
use crate::tables::program::{Amount, EarnRule, Program, RoundAt, Trigger, Value, When};

/// What rules are worked out from.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The program that judges.
    pub(crate) program: &'a Program,
    /// What happened.
    pub(crate) basket: Basket<'a>,
    /// The tier in which the member stood before.
    pub(crate) tier: TermNo,
}

impl Draft<'_> {
    pub(crate) fn purchase(&mut self, event: &Event<Who>) -> Result<(), Refusal> {
        let Body::Purchase(event::Purchase { order, .. }) = &event.body else { return Ok(()) };
        let basket = Basket::of(event);
        self.change(Change::Purchased(change::Purchased {
            member: self.no,
            order: order_hash(order),
            day: self.day,
            forget_before: self.horizon(),
        }));
        self.measure(self.day, basket.net().0);
        self.earn(Trigger::Purchase, basket)
    }

    /// Adds to the tier metric on a date.
    pub(crate) fn measure(&mut self, day: crate::kernel::units::Day, amount: i64) {
        let Some(tiers) = &self.program.tiers else { return };
        // A purchase and the refunds that came before it are of one date.
        self.metric = (day, self.metric.1.saturating_add(amount));
        let keep_from = self.today.0.saturating_sub(tiers.window_days).saturating_add(1);
        let counting = Counting::Limited { bucket: day.0, keep_from };
        count(self, (Key::Member(self.no), tiers.metric), counting, amount);
    }

    /// Applies every rule that waits for `on`, then streaks and ladders.
    pub(crate) fn earn(&mut self, on: Trigger, basket: Basket<'_>) -> Result<(), Refusal> {
        let program = self.program;
        if let Some(gap_ms) = program.visit_gap_ms.filter(|_| on.is_visit()) {
            self.visit(&basket, gap_ms);
        }
        let facts = Facts { program, basket, tier: self.member.tier.tier };
        let mut tier_counts = false;
        let mut rest = program.earn_on(on);
        while let Some(rule) = rest.first() {
            let mates = rest.iter().take_while(|mate| rule.group.is_some() && mate.group == rule.group).count();
            let (now, later) = rest.split_at_checked(mates.max(1)).unwrap_or_default();
            if rule.group.is_some() {
                self.best_of(now, &facts)?;
            } else if self.applies(rule, &facts) {
                self.apply(rule, &facts)?;
            }
            let looks_at_tier = |rule: &EarnRule| matches!(rule.amount.value(), Some(Value::ByTier(_)));
            tier_counts |= now.iter().any(looks_at_tier);
            rest = later;
        }
        if tier_counts && on == Trigger::Purchase {
            self.change(Change::TierCounted(change::TierCounted { member: self.no, tier: facts.tier }));
        }
        self.streaks(on);
        self.ladders(on);
        Ok(())
    }

    #[inline]
    pub(crate) fn applies(&self, rule: &EarnRule, facts: &Facts<'_>) -> bool {
        self.unmet(rule, facts).is_none()
    }

    /// The first of a rule's conditions that does not hold; `None`: it applies.
    #[inline]
    pub(crate) fn unmet(&self, rule: &EarnRule, facts: &Facts<'_>) -> Option<Condition> {
        self.unmet_of(rule.when.as_deref()?, rule, facts)
    }

    fn unmet_of(&self, when: &When, rule: &EarnRule, facts: &Facts<'_>) -> Option<Condition> {
        let (calendar, basket) = (&self.program.calendar, &facts.basket);
        let said = |words: &crate::tables::program::Words, word: fn(&crate::tables::event::Origin) -> &str| {
            words.is_empty() || basket.origin.is_some_and(|origin| words.has(word(origin)))
        };
        let is = |name: TermNo, least: i64, most: i64| {
            self.attribute(name).is_some_and(|value| (least..=most).contains(&value))
        };
        if when.from.is_some_and(|from| self.day < from) || when.until.is_some_and(|until| self.day > until) {
            Some(Condition::Dates)
        } else if when.weekdays.is_some_and(|days| !days.has(self.day)) {
            Some(Condition::Weekdays)
        } else if !said(&when.channels, |origin| &origin.channel) {
            Some(Condition::Channels)
        } else if !said(&when.stores, |origin| &origin.store) {
            Some(Condition::Stores)
        } else if !said(&when.partners, |origin| &origin.partner) {
            Some(Condition::Partners)
        } else if !(when.tiers.is_empty() || when.tiers.contains(&facts.standing())) {
            Some(Condition::Tiers)
        } else if !when.attributes.iter().all(|test| is(test.name, test.least, test.most)) {
            Some(Condition::Attributes)
        } else if when.first.is_some_and(|counter| !self.is_first(when, rule, counter)) {
            Some(Condition::First)
        } else if when.birthday && !self.member.birthday.is_some_and(|born| calendar.celebrates(born, self.day)) {
            Some(Condition::Birthday)
        } else if when.hours.is_some_and(|hours| !hours.has(calendar.minute_of(basket.at))) {
            Some(Condition::Hours)
        } else if when.lines.as_ref().is_some_and(|lines| !basket.has(lines)) {
            Some(Condition::Lines)
        } else if !facts.reaches(rule) {
            Some(Condition::AtLeast)
        } else {
            None
        }
    }

    /// Whether a rule has seen nothing like it; of purchases as such, the member's row knows more.
    fn is_first(&self, when: &When, rule: &EarnRule, counter: TermNo) -> bool {
        let bought = rule.on == Trigger::Purchase && when.is_first_of_all() && !self.member.purchases.is_empty();
        !bought && self.member.counter(counter).is_none_or(|counter| counter.total == 0)
    }

    /// The rules of a group that apply: the one that gives most does, the first of equals.
    fn best_of(&mut self, rules: &[EarnRule], facts: &Facts<'_>) -> Result<(), Refusal> {
        let mut best: Option<(&EarnRule, Points)> = None;
        for rule in rules.iter().filter(|rule| self.applies(rule, facts)) {
            let computed = facts.compute(rule, 0, &self.verdict.trace).ok_or(Refusal::MemberFull)?;
            let given = self.allowed(rule, facts.program.wallet(rule.wallet), computed).granted;
            if best.is_none_or(|(_, most)| given > most) {
                best = Some((rule, given));
            }
        }
        let Some((best, _)) = best else { return Ok(()) };
        for rule in rules {
            if rule.id == best.id {
                self.apply(rule, facts)?;
            } else if self.applies(rule, facts) {
                let computed = facts.compute(rule, 0, &self.verdict.trace).ok_or(Refusal::MemberFull)?;
                self.trace(rule.id, computed, Points::ZERO, Cut::Beaten { by: best.id });
            }
        }
        Ok(())
    }

    pub(crate) fn apply(&mut self, rule: &EarnRule, facts: &Facts<'_>) -> Result<(), Refusal> {
        let wallet = facts.program.wallet(rule.wallet);
        let carried = rule.amount.carry().map_or(0, |carry| self.carried(carry));
        let computed = facts.compute(rule, carried, &self.verdict.trace).ok_or(Refusal::MemberFull)?;
        let Allowed { granted, cut, counts } = self.allowed(rule, wallet, computed);
        if counts {
            self.count_given(rule, &facts.basket, granted);
        }
        self.trace(rule.id, computed, granted, cut);
        match facts.program.fund_of(rule) {
            _ if granted.is_zero() => {}
            Some(fund) => self.endow(rule.id, fund, granted),
            None => {
                let expires_at = self.expires_at(wallet);
                match self.waits_until(rule, wallet, granted) {
                    Some(until) => self.grant_waiting(rule.id, wallet.id, granted, (expires_at, until)),
                    None => self.grant(rule.id, wallet.id, granted, expires_at),
                }
            }
        }
        if let Some((unit, _, carry)) = rule.amount.carrying().filter(|_| is_whole(cut)) {
            let all = facts.counted(rule).saturating_add(carried);
            self.keep(carry, all.rem_euclid(unit).saturating_sub(carried));
        }
        if let Some(first) = rule.when.as_ref().and_then(|when| when.first).filter(|_| self.denied.is_none()) {
            self.keep(first, 1);
        }
        Ok(())
    }

    /// What waits for the next purchase, in minor units or items.
    pub(crate) fn carried(&self, carry: TermNo) -> i64 {
        let before = self.member.counter(carry).map_or(0, |counter| counter.total);
        self.verdict.changes.iter().fold(before, |sum, change| match change {
            Change::Counted(change::Counted { key: Key::Member(_), term, amount, .. }) if *term == carry => {
                sum.saturating_add(*amount)
            }
            _ => sum,
        })
    }

    /// Adds to a counter of the member that has no window.
    pub(crate) fn keep(&mut self, term: TermNo, amount: i64) {
        count(self, (Key::Member(self.no), term), Counting::Sum, amount);
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
            self.change(Change::Streak(change::Streak { member: self.no, term: rule.id, count, day: self.day }));
            if count.checked_rem(rule.days) == Some(0) {
                self.granted = self.granted.max(Some(rule.grant));
            }
        }
    }

    fn ladders(&mut self, on: Trigger) {
        for rule in self.program.ladders.iter().filter(|rule| rule.on == on) {
            let times = self.member.counter(rule.id).map_or(0, |counter| counter.total).saturating_add(1);
            self.keep(rule.id, 1);
            if times.checked_rem(rule.every) == Some(0) {
                let rank = self.program.rank_of(self.member.tier.tier).saturating_add(rule.step);
                let top = self.program.tiers.as_ref().map_or(0, |tiers| tiers.ranks.len().saturating_sub(1));
                self.granted = self.granted.max(Some(rank.min(top)));
            }
        }
    }
}

impl Facts<'_> {
    /// What a rule comes to by itself; multipliers multiply what the earlier rule was granted. `carried`
    /// is what the rule's base brings from earlier purchases. `None` if it does not fit 64 bits.
    pub(crate) fn compute(&self, rule: &EarnRule, carried: i64, earlier: &[Trace]) -> Option<Points> {
        let points = match &rule.amount {
            Amount::Fixed(points) => self.value(points, rule),
            Amount::Per { unit, give, .. } => {
                let units = match rule.round_at {
                    RoundAt::Event => units_of(Money(self.counted(rule).checked_add(carried)?), *unit, rule.round)?,
                    RoundAt::Line => self
                        .basket
                        .bases(rule)
                        .try_fold(0i64, |sum, base| sum.checked_add(units_of(base, *unit, rule.round)?))?,
                };
                units.checked_mul(self.value(give, rule))?
            }
            Amount::PerItems { items, give, .. } => {
                let all = self.counted(rule).checked_add(carried)?;
                let items = units_of(Money(all), Money(*items), rule.round)?;
                items.checked_mul(self.value(give, rule))?
            }
            Amount::Times { of, extra } => granted(earlier, *of).0.checked_mul(*extra)?,
            Amount::Percent { of, rate } => share(granted(earlier, *of).0, self.value(rate, rule), WHOLE, rule.round)?,
        };
        Some(Points(points))
    }

    /// What a rule that gives by units counts: money in minor units, or items.
    pub(crate) fn counted(&self, rule: &EarnRule) -> i64 {
        match rule.amount {
            Amount::PerItems { .. } => self.basket.items(rule),
            _ => self.basket.base(rule).0,
        }
    }

    /// Whether the base of a rule is as large as it asks for.
    pub(crate) fn reaches(&self, rule: &EarnRule) -> bool {
        let least = rule.when.as_ref().and_then(|when| when.at_least);
        least.is_none_or(|least| self.basket.base(rule) >= least)
    }

    /// A number of a rule, by what it depends on.
    pub(crate) fn value(&self, value: &Value, rule: &EarnRule) -> i64 {
        match value {
            Value::Flat(value) => *value,
            Value::ByBase(steps) => {
                let base = self.basket.base(rule);
                let reached = steps.iter().rev().find(|(least, _)| base >= *least);
                reached.map_or(0, |(_, value)| *value)
            }
            Value::ByTier(steps) => {
                let rank = self.program.rank_of(self.tier);
                let reached = steps.iter().map(|(tier, value)| (self.program.rank_of(*tier), *value));
                reached.filter(|(least, _)| rank >= *least).max().map_or(0, |(_, value)| value)
            }
        }
    }

    /// The tier in which the member stood: the lowest if it is new.
    fn standing(&self) -> TermNo {
        let lowest = || self.program.tiers.as_ref().and_then(|tiers| tiers.ranks.first()).map(|lowest| lowest.id);
        if self.tier == TermNo::NONE { lowest().unwrap_or(TermNo::NONE) } else { self.tier }
    }
}

/// A hundred percent, in hundredths of a percent.
pub(crate) const WHOLE: i64 = 10_000;

/// Whether nothing was kept from a rule's points for good: what was short of a unit is then carried on.
pub(crate) fn is_whole(cut: Cut) -> bool {
    matches!(cut, Cut::None | Cut::Review)
}

/// What a rule was granted.
pub(crate) fn granted(trace: &[Trace], rule: TermNo) -> Points {
    trace.iter().find(|line| line.rule == rule).map_or(Points::ZERO, |line| line.granted)
}
