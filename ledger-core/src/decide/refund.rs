//! Refunds: what is kept earns what it would have earned alone, by the purchase's own program version
//! and facts; the difference goes back. The lots of the purchase give first, then the member's other
//! lots of the same wallet in their order; what is then missing is the wallet's to say.

use super::basket::Basket;
use super::earn::{Facts, is_whole};
use super::{Draft, Purchase};
use crate::lots::{Lot, SLICES_MAX, Slice};
use crate::program::{Amount, EarnRule, Negative, Wallet};
use crate::record::{Account, Cause, Change, Cut, Trace};
use crate::refusal::Refusal;
use crate::units::{At, LotId, Money, Points, TermNo};
use alloc::vec::Vec;

/// What was paid for a purchase.
pub(super) fn paid(purchase: &Purchase<'_>) -> Money {
    facts(purchase).basket.net()
}

/// The facts of a purchase as they were.
fn facts<'a>(purchase: &Purchase<'a>) -> Facts<'a> {
    let basket = match &purchase.record.cause {
        Cause::Event(event) => Basket::of(event),
        Cause::Timer { due, .. } => Basket::empty(*due),
    };
    let counted = purchase.record.verdict.changes.iter().find_map(|change| match change {
        Change::TierCounted { tier, .. } => Some(*tier),
        _ => None,
    });
    Facts { program: purchase.program, basket, tier: counted.unwrap_or(TermNo::NONE) }
}

/// What each rule that applied to the purchase would have been granted for what is kept alone: never
/// more than it was. Of a group, whichever rule is best for what is kept; never more than the group was.
fn earned_by(facts: &Facts<'_>, trace: &[Trace]) -> Vec<Trace> {
    let mut lines: Vec<Trace> = Vec::with_capacity(trace.len());
    for line in trace {
        let rule = facts.program.earn_rule(line.rule);
        let most = line.granted.max(match line.cut {
            Cut::Beaten { by } => trace.iter().find(|best| best.rule == by).map_or(Points::ZERO, |best| best.granted),
            _ => Points::ZERO,
        });
        let computed = match rule {
            Some(rule) if is_lost(rule, facts) => Some(Points::ZERO),
            Some(rule) => facts.compute(rule, brought(rule, line, facts), &lines),
            None => Some(line.granted),
        };
        let mut granted = computed.unwrap_or(line.granted).min(most);
        let group = rule.and_then(|rule| rule.group);
        let is_mate = |other: &Trace| facts.program.earn_rule(other.rule).is_some_and(|rule| rule.group == group);
        for mate in lines.iter_mut().filter(|mate| group.is_some() && is_mate(mate)) {
            if mate.granted < granted {
                mate.granted = Points::ZERO;
            } else {
                granted = Points::ZERO;
            }
        }
        lines.push(Trace { granted, ..*line });
    }
    lines
}

/// The least that earlier purchases must have brought to a rule, given what it came to: for the rules that
/// build on its points, the purchase is worked out again as if that was all.
fn brought(rule: &EarnRule, line: &Trace, facts: &Facts<'_>) -> i64 {
    let Amount::Per { unit, give, carry: Some(_) } = &rule.amount else { return 0 };
    if !is_whole(line.cut) {
        return 0;
    }
    let whole = Facts { basket: facts.basket.keeping(facts.basket.net()), ..*facts };
    let units = line.computed.0.checked_div(whole.value(give, rule)).unwrap_or(0);
    units.saturating_mul(unit.0).saturating_sub(whole.basket.base(rule).0).max(0)
}

/// Whether a rule would not have applied to what is kept.
fn is_lost(rule: &EarnRule, facts: &Facts<'_>) -> bool {
    (facts.basket.kept().0 == 0 && matches!(rule.amount, Amount::Fixed(_))) || !facts.reaches(rule)
}

/// What a refund takes back of one rule.
struct Back {
    rule: TermNo,
    wallet: TermNo,
    points: Points,
}

/// Points of a group are those of the rule that gave them, whichever is best for what is kept.
fn settle_groups(trace: &[Trace], back: &mut [Back]) {
    for (at, line) in trace.iter().enumerate() {
        let Cut::Beaten { by } = line.cut else { continue };
        let points = back.get_mut(at).map_or(0, |back| core::mem::take(&mut back.points.0));
        if let Some(best) = back.iter_mut().find(|back| back.rule == by) {
            best.points.0 = best.points.0.saturating_add(points);
        }
    }
}

/// A lot that the purchase made, and where it is.
struct Own {
    rule: TermNo,
    wallet: TermNo,
    account: Account,
    lot: Lot,
}

impl Draft<'_> {
    pub(super) fn refund(&mut self, purchase: &Purchase<'_>, amount: Money) -> Result<(), Refusal> {
        let whole = facts(purchase);
        let kept = whole.basket.net().0.saturating_sub(purchase.known.refunded.0);
        let keeping = |kept: i64| Facts { basket: whole.basket.keeping(Money(kept)), ..whole };
        let (before, after) = (keeping(kept), keeping(kept.saturating_sub(amount.0)));
        let trace = &purchase.record.verdict.trace;
        let mut back: Vec<Back> = Vec::with_capacity(trace.len());
        for (line, (had, has)) in trace.iter().zip(earned_by(&before, trace).iter().zip(earned_by(&after, trace))) {
            let rule = purchase.program.earn_rule(line.rule);
            let carrying = rule.filter(|rule| rule.amount.carry().is_some() && is_whole(line.cut));
            let points = match carrying {
                Some(rule) => self.uncarry(rule, &before, &after),
                None => had.granted.0.saturating_sub(has.granted.0),
            };
            let wallet = rule.map_or(purchase.program.wallet.id, |rule| rule.wallet);
            back.push(Back { rule: line.rule, wallet, points: Points(points) });
        }
        settle_groups(trace, &mut back);
        for Back { rule, points, .. } in &back {
            if let Some(rule) = purchase.program.earn_rule(*rule) {
                self.count_taken_back(rule, purchase.known.day, *points, purchase.program.refund_reopens);
            }
        }
        self.change(Change::Refunded { member: self.no, purchase: purchase.known.position, amount });
        self.measure(purchase.known.day, amount.0.saturating_neg());
        self.claw_back(purchase, back)
    }

    /// Takes from what waits for the next purchase, and, as far as that does not reach, whole units: so all
    /// that a member keeps earns as if it were one purchase, whatever was given back in which order.
    fn uncarry(&mut self, rule: &EarnRule, before: &Facts<'_>, after: &Facts<'_>) -> i64 {
        let Amount::Per { unit, give, carry: Some(carry) } = &rule.amount else { return 0 };
        let counted = |facts: &Facts<'_>| if facts.reaches(rule) { facts.basket.base(rule).0 } else { 0 };
        let gone = counted(before).saturating_sub(counted(after));
        let left = self.carried(*carry).saturating_sub(gone);
        // Rounded down, so as many units as bring what is left to 0 or more.
        let units = left.div_euclid(unit.0).min(0).saturating_neg();
        self.keep(*carry, units.saturating_mul(unit.0).saturating_sub(gone));
        units.saturating_mul(before.value(give, rule))
    }

    fn claw_back(&mut self, purchase: &Purchase<'_>, mut back: Vec<Back>) -> Result<(), Refusal> {
        let issued = purchase.record.verdict.postings.iter().filter(|posting| posting.from == Account::Issued);
        let mut own: Vec<Own> = issued
            .filter_map(|posting| {
                let purse = self.member.purses.of(posting.wallet);
                let available = purse.lots.find(posting.lot).map(|lot| (Account::Available, *lot));
                let found = available.or_else(|| purse.review().find(posting.lot).map(|lot| (Account::Review, *lot)));
                found.map(|(account, lot)| Own { rule: posting.rule, wallet: posting.wallet, account, lot })
            })
            .collect();
        let own_ids: Vec<LotId> = own.iter().map(|own| own.lot.id).collect();
        for back in &mut back {
            let rule = back.rule;
            self.take_own(&mut own, back, |own| own.rule == rule);
        }
        for back in &mut back {
            self.take_own(&mut own, back, |_| true);
        }
        let program = self.program;
        program.wallets().try_for_each(|wallet| self.take_others(wallet, &own_ids, &back))
    }

    /// Takes from the purchase's own lots.
    fn take_own(&mut self, own: &mut [Own], back: &mut Back, of: impl Fn(&Own) -> bool) {
        for own in own.iter_mut().filter(|own| own.wallet == back.wallet && of(own)) {
            let taken = own.lot.left.min(back.points);
            self.post(own.wallet, (own.account, Account::ClawedBack), Slice { left: taken, ..own.lot }, back.rule);
            own.lot.left = Points(own.lot.left.0.saturating_sub(taken.0));
            back.points = Points(back.points.0.saturating_sub(taken.0));
        }
    }

    /// Takes what is still missing from a wallet's other lots; what they do not have is owed, let go or
    /// forbidden, as the wallet says.
    fn take_others(&mut self, wallet: &Wallet, own: &[LotId], back: &[Back]) -> Result<(), Refusal> {
        let back = || back.iter().filter(|back| back.wallet == wallet.id && !back.points.is_zero());
        let all = Points(back().fold(0, |sum, back| back.points.0.saturating_add(sum)));
        if all.is_zero() {
            return Ok(());
        }
        let is_own = |lot: &Lot| own.contains(&lot.id);
        let purse = self.member.purses.of(wallet.id);
        let others = match purse.quote(all, is_own) {
            Ok(slices) => slices,
            Err(_) if wallet.negative == Negative::Forbid => return Err(Refusal::NotEnoughPoints),
            Err(fewer) => purse.quote(fewer, is_own).unwrap_or_default(),
        };
        let mut others = others.into_iter().take(SLICES_MAX);
        let mut slice: Option<Slice> = None;
        for Back { rule, points, .. } in back() {
            let mut points = *points;
            while !points.is_zero() {
                let Some(current) = slice.take().or_else(|| others.next()) else { break };
                let taken = current.left.min(points);
                let way = (Account::Available, Account::ClawedBack);
                self.post(wallet.id, way, Slice { left: taken, ..current }, *rule);
                points = Points(points.0.saturating_sub(taken.0));
                let left = Points(current.left.0.saturating_sub(taken.0));
                slice = (!left.is_zero()).then_some(Slice { left, ..current });
            }
            if wallet.negative == Negative::Clamp && !points.is_zero() {
                self.trace(*rule, Points(points.0.saturating_neg()), Points::ZERO, Cut::Clamped);
                continue;
            }
            let owed = Slice { expires_at: At::NEVER, id: LotId::default(), left: points };
            self.post(wallet.id, (Account::Debt, Account::ClawedBack), owed, *rule);
        }
        Ok(())
    }
}
