//! Earning: what facts give, by the program's rules in their order.
//!
//! A rule applies if all its conditions hold; what it then comes to by itself is [`Facts::compute`], which a
//! refund asks again for what is kept. Rules that do not apply leave no trace and cost no memory.

use crate::features::counting::rules::{Counting, count};
use crate::features::earning::basket::Basket;
use crate::features::earning::condition::{Condition, Said};
use crate::features::earning::limits::{self, Allowed};
use crate::features::expiry::rules as expiry;
use crate::features::funds::rules as funds;
use crate::features::pending::rules as pending;
use crate::features::risk::rules::observe;
use crate::features::tiers::change::TierWhy;
use crate::features::tiers::rules as tiers;
use crate::features::tiers::state::{Joined, Streak};
use crate::features::visits::rules as visits;
use crate::kernel::counter::Key;
use crate::kernel::names::Found;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::{Adjustment, Trace};
use crate::kernel::units::{Day, Money, Points, TermNo, WHOLE, share, units_of};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::desk::Subject;
use crate::tables::draft::{Draft, Granted};
use crate::tables::event::{self, Event, MemberRef};
use crate::tables::member::PURCHASES_MAX;
use crate::tables::program::{Amount, EarnRule, Program, RoundAt, Trigger, Value, When, Words};

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

/// A fact: a purchase was paid; `known` if one of that order is known already.
pub(crate) fn purchase(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Purchase,
    known: bool,
) -> Result<(), Refusal> {
    if said.currency != draft.program().currency {
        return Err(Refusal::CurrencyMismatch);
    }
    if known {
        return Err(Refusal::OrderExists);
    }
    observe(draft, event, Points::ZERO)?;
    let (basket, forget_before) = (Basket::of(event), forget_before(draft));
    let (member, order, day) = (draft.no(), draft.short(Found::Order, &said.order), draft.day());
    draft.change(Change::Purchased(change::Purchased { member, order, day, forget_before }));
    measure(draft, day, basket.net().0);
    earn(draft, Trigger::PURCHASE, basket)
}

/// Purchases of earlier days are forgotten: those past the horizon, and the oldest of a member who has too many.
fn forget_before(draft: &Draft<'_>) -> Day {
    let purchases = &draft.member().purchases;
    let oldest = purchases.first().filter(|_| purchases.len() >= PURCHASES_MAX);
    let horizon = draft.horizon();
    oldest.map_or(horizon, |oldest| horizon.max(oldest.day.plus(1)))
}

/// A fact that earns, and of which nothing else is judged.
pub(crate) fn only_earn(draft: &mut Draft<'_>, event: &Event<MemberRef>) -> Result<(), Refusal> {
    observe(draft, event, Points::ZERO)?;
    earn(draft, Trigger::Event(event.body.kind()), Basket::of(event))
}

/// A fact: somebody the member invited has qualified.
pub(crate) fn refer<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    referee: Option<Subject<'a>>,
) -> Result<(), Refusal> {
    let mut referee = draft.beside(referee.ok_or(Refusal::MemberUnknown)?);
    if referee.no() == draft.no() {
        return Err(Refusal::SelfReferral);
    }
    if referee.member().referrer.is_some() {
        return Err(Refusal::ReferralExists);
    }
    observe(draft, event, Points::ZERO)?;
    let referrer = draft.no();
    draft.lend(&mut referee, |referee| {
        tiers::welcome(referee);
        referee.change(Change::ReferredBy(change::ReferredBy { member: referee.no(), referrer }));
    });
    earn(draft, Trigger::REFERRAL, Basket::of(event))
}

/// Adds to the tier metric on a date.
pub(crate) fn measure(draft: &mut Draft<'_>, day: Day, amount: i64) {
    if draft.program().tiers.is_some() {
        draft.measured(day, amount);
        count_metric(draft, day, amount);
    }
}

/// Counts by the tier metric on a date.
pub(crate) fn count_metric(draft: &mut Draft<'_>, day: Day, amount: i64) {
    let Some(tiers) = &draft.program().tiers else { return };
    let keep_from = draft.late_horizon().0.saturating_sub(tiers.window_days).saturating_add(1);
    count(draft, (Key::Member(draft.no()), tiers.metric), Counting::Limited { bucket: day.0, keep_from }, amount);
}

/// Applies every rule that waits for `on`, then streaks and ladders.
pub(crate) fn earn(draft: &mut Draft<'_>, on: Trigger, basket: Basket<'_>) -> Result<(), Refusal> {
    let program = draft.program();
    if let Some(gap_ms) = program.visit_gap_ms.filter(|_| on.is_visit()) {
        visits::visit(draft, basket.place(draft), gap_ms);
    }
    let facts = Facts { program, basket, tier: draft.member().tier.tier };
    let mut tier_counts = false;
    let mut rest = program.earn_on(on);
    while let Some(rule) = rest.first() {
        let mates = rest.iter().take_while(|mate| rule.group.is_some() && mate.group == rule.group).count();
        let (now, later) = rest.split_at_checked(mates.max(1)).unwrap_or_default();
        if rule.group.is_some() {
            best_of(draft, now, &facts)?;
        } else if applies(draft, rule, &facts) {
            apply(draft, rule, &facts)?;
        }
        let looks_at_tier = |rule: &EarnRule| matches!(rule.amount.value(), Some(Value::ByTier(_)));
        tier_counts |= now.iter().any(looks_at_tier);
        rest = later;
    }
    if tier_counts && on == Trigger::PURCHASE {
        draft.change(Change::TierCounted(change::TierCounted { member: draft.no(), tier: facts.tier }));
    }
    streaks(draft, on);
    ladders(draft, on);
    Ok(())
}

#[inline]
pub(crate) fn applies(draft: &Draft<'_>, rule: &EarnRule, facts: &Facts<'_>) -> bool {
    unmet(draft, rule, facts).is_none()
}

/// The first of a rule's conditions that does not hold; `None`: it applies.
#[inline]
pub(crate) fn unmet(draft: &Draft<'_>, rule: &EarnRule, facts: &Facts<'_>) -> Option<Condition> {
    unmet_of(draft, rule.when.as_deref()?, rule, facts)
}

fn unmet_of(draft: &Draft<'_>, when: &When, rule: &EarnRule, facts: &Facts<'_>) -> Option<Condition> {
    let (calendar, basket) = (&draft.program().calendar, &facts.basket);
    let is_said =
        |said: Said, words: &Words| basket.event.and_then(|event| said.read(event)).is_some_and(|word| words.has(word));
    let is = |name: TermNo, least: i64, most: i64| {
        draft.attribute(name).is_some_and(|value| (least..=most).contains(&value))
    };
    if when.from.is_some_and(|from| draft.day() < from) || when.until.is_some_and(|until| draft.day() > until) {
        Some(Condition::Dates)
    } else if when.weekdays.is_some_and(|days| !days.has(draft.day())) {
        Some(Condition::Weekdays)
    } else if let Some((said, _)) = when.said.iter().find(|(said, words)| !is_said(*said, words)) {
        Some(Condition::Said(*said))
    } else if !(when.tiers.is_empty() || when.tiers.contains(&facts.standing())) {
        Some(Condition::Tiers)
    } else if !when.attributes.iter().all(|test| is(test.name, test.least, test.most)) {
        Some(Condition::Attributes)
    } else if when.first.is_some_and(|counter| !is_first(draft, when, rule, counter)) {
        Some(Condition::First)
    } else if when.birthday && !draft.member().celebrates(calendar, draft.day()) {
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
fn is_first(draft: &Draft<'_>, when: &When, rule: &EarnRule, counter: TermNo) -> bool {
    let bought = rule.on == Trigger::PURCHASE && when.is_first_of_all() && !draft.member().purchases.is_empty();
    !bought && draft.member().counter(counter).is_none_or(|counter| counter.total == 0)
}

/// The rules of a group that apply: the one that gives most does, the first of equals.
fn best_of(draft: &mut Draft<'_>, rules: &[EarnRule], facts: &Facts<'_>) -> Result<(), Refusal> {
    let mut best: Option<(&EarnRule, Points)> = None;
    for rule in rules.iter().filter(|rule| applies(draft, rule, facts)) {
        let computed = facts.compute(rule, 0, draft.traced()).ok_or(Refusal::MemberLimitReached)?;
        let given = limits::allowed(draft, rule, facts.program.wallet(rule.wallet), computed).granted;
        if best.is_none_or(|(_, most)| given > most) {
            best = Some((rule, given));
        }
    }
    let Some((best, _)) = best else { return Ok(()) };
    for rule in rules {
        if rule.id == best.id {
            apply(draft, rule, facts)?;
        } else if applies(draft, rule, facts) {
            let computed = facts.compute(rule, 0, draft.traced()).ok_or(Refusal::MemberLimitReached)?;
            draft.trace(rule.id, computed, Points::ZERO, Adjustment::Beaten { by: best.id });
        }
    }
    Ok(())
}

pub(crate) fn apply(draft: &mut Draft<'_>, rule: &EarnRule, facts: &Facts<'_>) -> Result<(), Refusal> {
    let wallet = facts.program.wallet(rule.wallet);
    let carried = rule.amount.carry().map_or(0, |carry| carried(draft, carry));
    let computed = facts.compute(rule, carried, draft.traced()).ok_or(Refusal::MemberLimitReached)?;
    let Allowed { granted, adjustment, counts } = limits::allowed(draft, rule, wallet, computed);
    if counts {
        limits::count_given(draft, rule, &facts.basket, granted);
    }
    draft.trace(rule.id, computed, granted, adjustment);
    match facts.program.fund_of(rule) {
        _ if granted.is_zero() => {}
        Some(fund) => funds::endow(draft, rule.id, fund, granted),
        None => {
            let expires_at = expiry::expires_at(draft, wallet);
            match pending::waits_until(draft, rule, wallet, granted) {
                Some(until) => pending::grant_waiting(draft, rule.id, wallet.id, granted, (expires_at, until)),
                None => draft.grant(rule.id, wallet.id, granted, expires_at),
            }
        }
    }
    if let Some((unit, _, carry)) = rule.amount.carrying().filter(|_| is_whole(adjustment)) {
        let all = facts.counted(rule).saturating_add(carried);
        keep(draft, carry, all.rem_euclid(unit).saturating_sub(carried));
    }
    if let Some(first) =
        rule.when.as_ref().and_then(|when| when.first).filter(|_| draft.denied().is_none() || draft.is_history())
    {
        keep(draft, first, 1);
    }
    Ok(())
}

/// What waits for the next purchase, in minor units or millionths of items.
pub(crate) fn carried(draft: &Draft<'_>, carry: TermNo) -> i64 {
    let before = draft.member().counter(carry).map_or(0, |counter| counter.total);
    draft.changes().iter().fold(before, |sum, change| match change {
        Change::Counted(change::Counted { key: Key::Member(_), term, amount, .. }) if *term == carry => {
            sum.saturating_add(*amount)
        }
        _ => sum,
    })
}

/// Adds to a counter of the member that has no window.
pub(crate) fn keep(draft: &mut Draft<'_>, term: TermNo, amount: i64) {
    count(draft, (Key::Member(draft.no()), term), Counting::Sum, amount);
}

fn streaks(draft: &mut Draft<'_>, on: Trigger) {
    for rule in draft.program().streaks.iter().filter(|rule| rule.on == on) {
        let known = draft.member().streaks.iter().find(|streak| streak.term == rule.id).copied();
        let before = known.unwrap_or_else(|| Streak::new(rule.id, draft.day()));
        if !before.knows(draft.day()) {
            draft.told_late();
            continue;
        }
        // A day that counted already neither lengthens nor breaks the streak.
        let Some(Joined { streak, behind, ahead }) = before.with(draft.day()) else { continue };
        let (count, day) = (streak.count(), draft.day());
        draft.change(Change::Streak(change::Streak { member: draft.no(), term: rule.id, count, day }));
        let goals = |days: u32| days.checked_div(rule.days).unwrap_or(0);
        let all = behind.saturating_add(ahead).saturating_add(1);
        if goals(all) > goals(behind).saturating_add(goals(ahead)) {
            grant_rank(draft, rule.grant);
        }
    }
}

fn ladders(draft: &mut Draft<'_>, on: Trigger) {
    for rule in draft.program().ladders.iter().filter(|rule| rule.on == on) {
        let count = draft.member().counter(rule.id).map_or(0, |counter| counter.total).saturating_add(1);
        keep(draft, rule.id, 1);
        if count.checked_rem(rule.every) == Some(0) {
            let rank = draft.program().rank_of(draft.member().tier.tier).saturating_add(rule.step);
            let top = draft.program().tiers.as_ref().map_or(0, |tiers| tiers.ranks.len().saturating_sub(1));
            grant_rank(draft, rank.min(top));
        }
    }
}

/// A streak or ladder lifts the member to a rank, unless what happened gives nothing any more.
fn grant_rank(draft: &mut Draft<'_>, rank: usize) {
    if !draft.is_history() {
        draft.grant_tier(Granted { rank, why: TierWhy::Granted, unmet_since: None });
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
                        .try_fold(0i64, |sum, base| sum.checked_add(units_of(base, *unit, rule.round)?))?
                        .max(0),
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

    /// What a rule that gives by units counts: money in minor units, or millionths of items.
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

/// Whether nothing was kept from a rule's points for good: what was short of a unit is then carried on.
pub(crate) fn is_whole(adjustment: Adjustment) -> bool {
    matches!(adjustment, Adjustment::None | Adjustment::Review)
}

/// What a rule was granted.
pub(crate) fn granted(trace: &[Trace], rule: TermNo) -> Points {
    trace.iter().find(|line| line.rule == rule).map_or(Points::ZERO, |line| line.granted)
}
