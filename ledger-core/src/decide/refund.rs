//! Refunds: what is kept earns what it would have earned alone, by the purchase's own program version
//! and facts; the difference goes back. The lots of the purchase give first, then the member's other
//! lots in their order, then debt.

use super::{Draft, Purchase, earn};
use crate::event::{Body, Event};
use crate::lots::{Lot, SLICES_MAX, Slice};
use crate::program::Amount;
use crate::record::{Account, Cause, Change, Trace};
use crate::refusal::Refusal;
use crate::units::{At, LotId, Money, Points, TermNo};
use alloc::vec::Vec;

/// What was paid for a purchase.
pub(super) fn paid(purchase: &Purchase<'_>) -> Money {
    let Cause::Event(Event { body: Body::Purchase { lines, .. }, .. }) = &purchase.record.cause else {
        return Money(0);
    };
    Money(lines.iter().fold(0, |sum, line| line.net.0.saturating_add(sum)))
}

/// What each rule that applied to the purchase would have been granted for `kept` alone: never more
/// than it was.
fn earned_by(purchase: &Purchase<'_>, kept: Money) -> Vec<Trace> {
    let mut lines: Vec<Trace> = Vec::with_capacity(purchase.record.verdict.trace.len());
    for line in &purchase.record.verdict.trace {
        let rule = purchase.program.earn.iter().find(|rule| rule.id == line.rule);
        let computed = match rule.map(|rule| (rule, rule.amount)) {
            Some((_, Amount::Fixed(_))) if kept.0 == 0 => Some(Points::ZERO),
            Some((rule, _)) => earn::compute(purchase.program, rule, kept, &lines),
            None => Some(line.granted),
        };
        let granted = computed.unwrap_or(line.granted).min(line.granted);
        lines.push(Trace { granted, ..*line });
    }
    lines
}

impl Draft<'_> {
    pub(super) fn refund(&mut self, purchase: &Purchase<'_>, amount: Money) -> Result<(), Refusal> {
        let kept = Money(paid(purchase).0.saturating_sub(purchase.known.refunded.0));
        let before = earned_by(purchase, kept);
        let after = earned_by(purchase, Money(kept.0.saturating_sub(amount.0)));
        let back = before
            .iter()
            .zip(&after)
            .map(|(before, after)| (before.rule, Points(before.granted.0.saturating_sub(after.granted.0))));
        self.change(Change::Refunded { member: self.no, purchase: purchase.known.position, amount });
        self.measure(purchase.known.day, amount.0.saturating_neg());
        self.claw_back(purchase, back);
        Ok(())
    }

    fn claw_back(&mut self, purchase: &Purchase<'_>, back: impl Iterator<Item = (TermNo, Points)>) {
        let issued = purchase.record.verdict.postings.iter().filter(|posting| posting.from == Account::Issued);
        let mut own: Vec<(TermNo, Account, Lot)> = issued
            .filter_map(|posting| {
                let id = posting.lot;
                let available = self.member.lots.find(id).map(|lot| (posting.rule, Account::Available, *lot));
                available.or_else(|| self.member.review.find(id).map(|lot| (posting.rule, Account::Review, *lot)))
            })
            .collect();
        let mut missing = Vec::new();
        for (rule, points) in back {
            let rest = self.take_own(&mut own, rule, points, |lot_rule| lot_rule == rule);
            missing.push((rule, rest));
        }
        let own_ids: Vec<LotId> = own.iter().map(|(_, _, lot)| lot.id).collect();
        for (rule, points) in &mut missing {
            *points = self.take_own(&mut own, *rule, *points, |_| true);
        }
        let all = Points(missing.iter().fold(0, |sum, (_, points)| points.0.saturating_add(sum)));
        let is_own = |lot: &Lot| own_ids.contains(&lot.id);
        let others = match self.member.lots.quote(all, is_own) {
            Ok(slices) => slices,
            Err(fewer) => self.member.lots.quote(fewer, is_own).unwrap_or_default(),
        };
        let mut others = others.into_iter().take(SLICES_MAX);
        let mut slice: Option<Slice> = None;
        for (rule, mut points) in missing {
            while !points.is_zero() {
                let Some(current) = slice.take().or_else(|| others.next()) else { break };
                let taken = current.left.min(points);
                self.post(Account::Available, Account::ClawedBack, Slice { left: taken, ..current }, rule);
                points = Points(points.0.saturating_sub(taken.0));
                let left = Points(current.left.0.saturating_sub(taken.0));
                slice = (!left.is_zero()).then_some(Slice { left, ..current });
            }
            let owed = Slice { expires_at: At::NEVER, id: LotId::default(), left: points };
            self.post(Account::Debt, Account::ClawedBack, owed, rule);
        }
    }

    /// Takes from the purchase's own lots; answers what is still missing.
    fn take_own(
        &mut self,
        own: &mut [(TermNo, Account, Lot)],
        rule: TermNo,
        points: Points,
        of: impl Fn(TermNo) -> bool,
    ) -> Points {
        let mut missing = points;
        for (_, account, lot) in own.iter_mut().filter(|(lot_rule, _, _)| of(*lot_rule)) {
            let taken = lot.left.min(missing);
            self.post(*account, Account::ClawedBack, Slice { left: taken, ..*lot }, rule);
            lot.left = Points(lot.left.0.saturating_sub(taken.0));
            missing = Points(missing.0.saturating_sub(taken.0));
        }
        missing
    }
}
