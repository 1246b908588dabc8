//! Reversals: refunds that did not happen after all, since the money never left or was won back.
//!
//! What the purchase keeps is worked out again without the refund, and each rule gives what it then gives more: to
//! where the refund took it from, last taken first, so that a refund that is the only one leaves nothing behind; what
//! another refund took goes to the lots of the purchase. What would have died meanwhile dies now.

use crate::features::expiry::rules as expiry;
use crate::features::funds::rules as funds;
use crate::features::pending::rules as pending;
use crate::features::returns::clawback::Clawback;
use crate::features::returns::rules::{PurchaseState, RefundAmount, differ, found};
use crate::features::risk::rules as risk;
use crate::features::waiting::rules as waiting;
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::Slice;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::Adjustment;
use crate::kernel::units::{At, LotId, Money, Points, TermNo};
use crate::tables::change::{self, Change};
use crate::tables::desk::{Purchase, References, Refund};
use crate::tables::draft::{Draft, Effect};
use crate::tables::event::{self, Body, Event, MemberRef};
use crate::tables::member::LineReturned;
use crate::tables::record::{Cause, Record};
use alloc::vec::Vec;

/// A fact: a refund did not happen after all. Told before the refund, it waits for it.
pub(crate) fn reverse<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    said: &event::RefundReversed,
    parties: &References<'a>,
) -> Result<(), Refusal> {
    if parties.record.is_none() {
        let name = said.refund.short(draft.hiding().key).ok_or(Refusal::RefundUnknown)?;
        return waiting::overtake(draft, event, name);
    }
    let refund = parties.refund.ok_or(Refusal::RefundUnknown)?;
    let is_reversal = |change: &Change| matches!(change, Change::RefundReversed(..));
    if refund.record.verdict.changes.iter().any(is_reversal) {
        return Err(Refusal::RefundReversed);
    }
    // It waits for its purchase: it does so no more.
    if let Some((whose, waited)) = refund.waiting {
        risk::observe(draft, event, Points::ZERO)?;
        draft.lend_to_no(whose, |owner| waiting::end(owner, &waited, Some(Refusal::RefundReversed)));
        return Ok(());
    }
    let purchase = found(draft, parties).ok_or(Refusal::RefundUnknown)?;
    let buyer = purchase.owner.map_or_else(|| draft.member(), |owner| draft.beside(owner).member());
    if buyer.is_reversed(refund.position) {
        return Err(Refusal::RefundReversed);
    }
    let (effect, back) = went_back(&refund, &purchase).ok_or(Refusal::RefundUnknown)?;
    risk::observe(draft, event, Points::ZERO)?;
    let sold = PurchaseState::new(draft, purchase, parties.merge);
    let due = match purchase.owner {
        None => keep_again(draft, &sold, &refund, &back)?,
        // What was counted was counted for whoever bought; the points are the member's now.
        Some(owner) => {
            let mut buyer = draft.beside(owner);
            let due = draft.lend(&mut buyer, |buyer| keep_again(buyer, &sold, &refund, &back))?;
            draft.affects(buyer, Effect::Measured);
            due
        }
    };
    for due in due.iter().filter(|due| due.points.0 > 0) {
        give_again(draft, &sold, effect, due);
    }
    Ok(())
}

/// A refund arrives that was reversed before it came: nothing goes back. Answers whether it is one.
pub(super) fn came_before(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    parties: &References<'_>,
) -> Result<bool, Refusal> {
    let is_reversal =
        |late: &Record| matches!(late.cause(), Cause::Event(Event { body: Body::RefundReversed(..), .. }));
    let mut reversals = parties.deferred.iter().filter(|(.., late)| is_reversal(late)).peekable();
    if reversals.peek().is_none() {
        return Ok(false);
    }
    risk::observe(draft, event, Points::ZERO)?;
    let (member, refund, amount) = (draft.no(), draft.position(), Money(0));
    draft.change(Change::RefundReversed(change::RefundReversed { member, refund, purchase: refund, amount }));
    let mut refusal = None;
    for (whose, waited, _) in reversals {
        draft.lend_to_no(*whose, |owner| waiting::end(owner, waited, refusal));
        refusal = Some(Refusal::RefundReversed);
    }
    Ok(true)
}

/// What went back by a refund, and the record in which it did: its own, or the purchase's if it had waited for that.
fn went_back<'a>(refund: &Refund<'a>, purchase: &Purchase<'a>) -> Option<(&'a Record, RefundAmount)> {
    let position = purchase.known.position;
    let is_its = |change: &Change| matches!(change, Change::Refunded(refunded) if refunded.purchase == position);
    let is_own = refund.record.verdict.changes.iter().any(is_its);
    let effect = if is_own { refund.record } else { purchase.record };
    let mut back: Option<RefundAmount> = None;
    for change in &effect.verdict.changes {
        match change {
            Change::Refunded(refunded) if refunded.purchase == position => {
                back = Some(RefundAmount { amount: refunded.amount, ..RefundAmount::default() });
            }
            Change::LineReturned(line) => {
                let change::LineReturned { purchase, line, items, amount, .. } = *line;
                back.iter_mut().for_each(|back| back.lines.push(LineReturned { purchase, line, items, amount }));
            }
            Change::DeferredApplied(applied) if !is_own && applied.event == refund.position => {
                return back.map(|back| (effect, back));
            }
            Change::DeferredApplied(..) if !is_own => back = None,
            _ => {}
        }
    }
    back.filter(|_| is_own).map(|back| (effect, back))
}

/// Counts what is kept again; answers how much more each rule gives for that.
fn keep_again(
    draft: &mut Draft<'_>,
    sold: &PurchaseState<'_>,
    refund: &Refund<'_>,
    back: &RefundAmount,
) -> Result<Vec<Clawback>, Refusal> {
    let nothing = RefundAmount::default();
    let before = sold.keeping(&nothing).ok_or(Refusal::RefundOverLine)?;
    let mut known = sold.purchase.known;
    known.refunded.0 = known.refunded.0.saturating_sub(back.amount.0);
    let mut returned = sold.returned.clone();
    for kept in &back.lines {
        if let Some(line) = returned.iter_mut().find(|line| line.line == kept.line) {
            line.items = line.items.saturating_sub(kept.items);
            line.amount.0 = line.amount.0.saturating_sub(kept.amount.0);
        }
    }
    returned.retain(|line| line.items > 0 || line.amount.0 > 0);
    let without = PurchaseState { purchase: Purchase { known, ..sold.purchase }, returned, merge: sold.merge };
    let after = without.keeping(&nothing).ok_or(Refusal::RefundOverLine)?;
    let due = differ(draft, &sold.purchase, &before, &after);
    let (member, refund, purchase, amount) = (draft.no(), refund.position, known.position, back.amount);
    draft.change(Change::RefundReversed(change::RefundReversed { member, refund, purchase, amount }));
    for LineReturned { purchase, line, items, amount } in back.lines.iter().copied() {
        draft.change(Change::LineKept(change::LineKept { member, purchase, line, items, amount }));
    }
    let more = |due: Clawback| Clawback { points: Points(due.points.0.saturating_neg()), ..due };
    Ok(due.into_iter().map(more).collect())
}

/// Gives what a rule gives more: where the refund took it, last taken first, and the rest to the lots of the purchase.
/// What a wallet let go was never taken.
fn give_again<'a>(draft: &mut Draft<'a>, sold: &PurchaseState<'a>, effect: &'a Record, due: &Clawback) {
    let program = sold.purchase.program;
    if let Some(fund) = program.earn_rule(due.rule).and_then(|rule| program.fund_of(rule)) {
        return funds::give_again(draft, due.rule, fund, due.points);
    }
    let is_its =
        |posting: &&Posting| (posting.to, posting.rule, posting.wallet) == (Account::ClawedBack, due.rule, due.wallet);
    let mut left = due.points;
    for posting in effect.verdict.postings.iter().rev().filter(is_its) {
        let now = left.min(posting.points);
        put_again(draft, sold, &Posting { points: now, ..*posting });
        left = Points(left.0.saturating_sub(now.0));
    }
    let clamped =
        effect.verdict.trace.iter().any(|line| line.rule == due.rule && line.adjustment == Adjustment::Clamped);
    if !clamped {
        put_into_own(draft, sold, (due.wallet, due.rule), left);
    }
}

/// Gives points of a posting of the refund to where it took them from; what was owed and is repaid by now is the
/// member's.
fn put_again<'a>(draft: &mut Draft<'a>, sold: &PurchaseState<'a>, posting: &Posting) {
    let Posting { wallet, rule, points, from, lot, expires_at, .. } = *posting;
    if from == Account::Debt {
        let left = draft.repay(wallet, Account::ClawedBack, rule, points, None);
        return put_into_own(draft, sold, (wallet, rule), left);
    }
    let slice = Slice { expires_at, id: sold.lots(lot).last().unwrap_or(lot), left: points };
    let until = waits_until(sold.purchase.record, lot).filter(|_| from == Account::Pending);
    let whose = if posting.member == sold.buyer(draft) { draft.no() } else { posting.member };
    draft.lend_to_no(whose, |draft| put_back(draft, (wallet, rule), slice, until));
}

/// Gives points to the last lot that the rule made of the purchase; to a new one if it made none.
fn put_into_own<'a>(draft: &mut Draft<'a>, sold: &PurchaseState<'a>, (wallet, rule): (TermNo, TermNo), points: Points) {
    if points.is_zero() {
        return;
    }
    let is_its = |posting: &&Posting| (posting.rule, posting.wallet) == (rule, wallet);
    match sold.made(sold.buyer(draft)).filter(is_its).last() {
        Some(made) => {
            let until = waits_until(sold.purchase.record, made.lot);
            let id = sold.lots(made.lot).last().unwrap_or(made.lot);
            put_back(draft, (wallet, rule), Slice { expires_at: made.expires_at, id, left: points }, until);
        }
        None => {
            let kind = draft.program().wallet(wallet);
            let expires_at = draft.program().expires_at(kind, sold.purchase.known.day, expiry::earner(draft));
            draft.bring(wallet, Account::ClawedBack, rule, Slice { expires_at, ..Slice::in_no_lot(points) });
        }
    }
}

/// Until when a lot of the purchase was to wait.
fn waits_until(purchase: &Record, of: LotId) -> Option<At> {
    purchase.verdict.changes.iter().find_map(|change| match change {
        Change::PendingUntil(change::PendingUntil { lot, until, .. }) if *lot == of => Some(*until),
        _ => None,
    })
}

/// Gives points to a lot with its first expiry, as they would be by now: in review, dead, waiting, or to spend.
fn put_back(draft: &mut Draft<'_>, (wallet, rule): (TermNo, TermNo), slice: Slice, until: Option<At>) {
    let from = Account::ClawedBack;
    if draft.in_review() {
        return draft.post(wallet, (from, Account::Review), slice, rule);
    }
    if expiry::is_dead(draft, draft.member().purses.of(wallet), &slice) {
        return draft.post(wallet, (from, Account::Expired), slice, rule);
    }
    if let Some(until) = until.filter(|until| *until > draft.counted_at()) {
        draft.post(wallet, (from, Account::Pending), slice, rule);
        return pending::wait(draft, wallet, slice.id, until);
    }
    let left = draft.repay(wallet, from, rule, slice.left, Some(slice));
    draft.post(wallet, (from, Account::Available), Slice { left, ..slice }, rule);
}
