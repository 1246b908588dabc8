//! Refunds: what is kept earns what it would have earned alone, by the purchase's own program version
//! and facts; the difference goes back. The lots of the purchase give first, then the member's other
//! lots of the same wallet in their order; what is then missing is the wallet's to say.

use super::{Draft, Purchase, earn};
use crate::event::{Body, Event};
use crate::lots::{Lot, SLICES_MAX, Slice};
use crate::program::{Amount, Negative, Wallet};
use crate::record::{Account, Cause, Change, Cut, Trace};
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

/// What a refund takes back of one rule.
struct Back {
    rule: TermNo,
    wallet: TermNo,
    points: Points,
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
        let kept = Money(paid(purchase).0.saturating_sub(purchase.known.refunded.0));
        let before = earned_by(purchase, kept);
        let after = earned_by(purchase, Money(kept.0.saturating_sub(amount.0)));
        let wallet_of = |term: TermNo| {
            let rule = purchase.program.earn.iter().find(|rule| rule.id == term);
            rule.map_or(purchase.program.wallet.id, |rule| rule.wallet)
        };
        let back = before.iter().zip(&after).map(|(before, after)| Back {
            rule: before.rule,
            wallet: wallet_of(before.rule),
            points: Points(before.granted.0.saturating_sub(after.granted.0)),
        });
        self.change(Change::Refunded { member: self.no, purchase: purchase.known.position, amount });
        self.measure(purchase.known.day, amount.0.saturating_neg());
        self.claw_back(purchase, back.collect())
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
        let lots = &self.member.purses.of(wallet.id).lots;
        let others = match lots.quote(all, is_own) {
            Ok(slices) => slices,
            Err(_) if wallet.negative == Negative::Forbid => return Err(Refusal::NotEnoughPoints),
            Err(fewer) => lots.quote(fewer, is_own).unwrap_or_default(),
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
