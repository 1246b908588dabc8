//! What a refund takes back, and from where: funds and the household first, then the lots of the purchase, those that
//! wait before the others, then the member's other lots of the same wallet in their order; what is then missing is the
//! wallet's to say.

use crate::features::funds::rules as funds;
use crate::features::household::rules as household;
use crate::features::returns::rules::PurchaseState;
use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::{Lot, SLICES_MAX, Slice};
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::{Adjustment, Trace};
use crate::kernel::units::{LotId, MemberNo, Points, TermNo};
use crate::tables::desk::Purchase;
use crate::tables::draft::Draft;
use crate::tables::member::Member;
use crate::tables::program::{Negative, Program, Wallet};
use alloc::vec::Vec;

/// What a refund takes back of one rule.
pub(super) struct Clawback {
    pub(super) rule: TermNo,
    pub(super) wallet: TermNo,
    pub(super) points: Points,
    /// What the rule gives for what is kept.
    pub(super) kept: Points,
}

/// Points of a group are those of the rule that gave them, whichever is best for what is kept.
pub(super) fn settle_groups(trace: &[Trace], back: &mut [Clawback]) {
    for (at, line) in trace.iter().enumerate() {
        let Adjustment::Beaten { by } = line.adjustment else { continue };
        let points = back.get_mut(at).map_or(0, |back| core::mem::take(&mut back.points.0));
        if let Some(best) = back.iter_mut().find(|back| back.rule == by) {
            best.points.0 = best.points.0.saturating_add(points);
        }
    }
}

/// A lot that the purchase made, and where it is.
struct OwnLot {
    rule: TermNo,
    wallet: TermNo,
    account: Account,
    lot: Lot,
}

/// Takes what is due from wherever the purchase put it.
pub(super) fn claw_back(
    draft: &mut Draft<'_>,
    sold: &PurchaseState<'_>,
    mut back: Vec<Clawback>,
) -> Result<(), Refusal> {
    take_from_funds(draft, sold.purchase.program, &mut back);
    let buyer = sold.buyer(draft);
    take_contributed(draft, &sold.purchase, buyer, &mut back);
    let row = draft.row();
    let mut own: Vec<OwnLot> = Vec::new();
    for posting in sold.made(buyer) {
        let purse = row.purses.of(posting.wallet);
        let accounts =
            [(Account::Available, &purse.lots), (Account::Pending, purse.pending()), (Account::Review, purse.review())];
        for (account, lots) in accounts {
            let pieces = sold.lots(posting.lot).flat_map(|lot| lots.pieces(lot));
            let (rule, wallet) = (posting.rule, posting.wallet);
            own.extend(pieces.map(|lot| OwnLot { rule, wallet, account, lot: *lot }));
        }
    }
    let own_ids: Vec<LotId> = own.iter().map(|own| own.lot.id).collect();
    // What cannot be spent yet goes first, whichever rule gave it.
    let is_pending = |own: &OwnLot| own.account == Account::Pending;
    for due in &mut back {
        let rule = due.rule;
        take_own(draft, &mut own, due, |own| own.rule == rule && is_pending(own));
    }
    back.iter_mut().for_each(|due| take_own(draft, &mut own, due, is_pending));
    for due in &mut back {
        let rule = due.rule;
        take_own(draft, &mut own, due, |own| own.rule == rule);
    }
    back.iter_mut().for_each(|due| take_own(draft, &mut own, due, |_| true));
    let program = draft.program();
    program.wallets().try_for_each(|wallet| take_others(draft, &row, wallet, &own_ids, &back))
}

/// Takes from funds what a purchase gave them too much; what is due from the member stays due.
fn take_from_funds(draft: &mut Draft<'_>, program: &Program, back: &mut [Clawback]) {
    for due in back.iter_mut().filter(|due| !due.points.is_zero()) {
        let Some(fund) = program.earn_rule(due.rule).and_then(|rule| program.fund_of(rule)) else { continue };
        funds::take_back(draft, due.rule, fund, core::mem::take(&mut due.points));
    }
}

/// Takes from the household what it would not have got for what is kept: its share of that, less what repaid debt,
/// and never more than it did get.
fn take_contributed(draft: &mut Draft<'_>, purchase: &Purchase<'_>, buyer: MemberNo, back: &mut [Clawback]) {
    let Some(rules) = purchase.program.household else { return };
    let given = household::given(draft, purchase.record, rules.wallet);
    if given.is_zero() {
        return;
    }
    let postings = &purchase.record.verdict.postings;
    let own = |posting: &&Posting| (posting.member, posting.wallet) == (buyer, rules.wallet);
    let earned =
        |to: Account| postings.iter().filter(own).filter(move |one| (one.from, one.to) == (Account::Issued, to));
    let repaid = earned(Account::Debt).fold(0i64, |sum, posting| sum.saturating_add(posting.points.0));
    let is_shared = |due: &&Clawback| {
        let mut now = earned(Account::Available).chain(earned(Account::Debt));
        due.wallet == rules.wallet && now.any(|posting| posting.rule == due.rule)
    };
    let sum = |points: fn(&Clawback) -> i64| {
        back.iter().filter(is_shared).fold(0i64, |sum, due| sum.saturating_add(points(due)))
    };
    let share = |earned: i64| {
        let left = Points(earned.saturating_sub(repaid).max(0));
        household::share_of(&rules, left).min(given)
    };
    let had = share(sum(|due| due.kept.0.saturating_add(due.points.0)));
    let mut due = Points(had.0.saturating_sub(share(sum(|due| due.kept.0)).0));
    for back in back.iter_mut().filter(|back| back.wallet == rules.wallet) {
        let taken = household::take_back(draft, purchase.record, back.wallet, back.rule, back.points.min(due));
        back.points = Points(back.points.0.saturating_sub(taken.0));
        due = Points(due.0.saturating_sub(taken.0));
    }
}

/// Takes from the purchase's own lots.
fn take_own(draft: &mut Draft<'_>, own: &mut [OwnLot], back: &mut Clawback, of: impl Fn(&OwnLot) -> bool) {
    for own in own.iter_mut().filter(|own| own.wallet == back.wallet && of(own)) {
        let taken = own.lot.left.min(back.points);
        draft.post(own.wallet, (own.account, Account::ClawedBack), Slice { left: taken, ..own.lot }, back.rule);
        own.lot.left = Points(own.lot.left.0.saturating_sub(taken.0));
        back.points = Points(back.points.0.saturating_sub(taken.0));
    }
}

/// Takes what is still missing from a wallet's other lots; what they do not have is owed, let go or
/// forbidden, as the wallet says.
fn take_others(
    draft: &mut Draft<'_>,
    row: &Member,
    wallet: &Wallet,
    own: &[LotId],
    back: &[Clawback],
) -> Result<(), Refusal> {
    let back = || back.iter().filter(|back| back.wallet == wallet.id && !back.points.is_zero());
    let all = Points(back().fold(0, |sum, back| back.points.0.saturating_add(sum)));
    if all.is_zero() {
        return Ok(());
    }
    let is_own = |lot: &Lot| own.contains(&lot.id);
    let purse = row.purses.of(wallet.id);
    let others = match purse.quote(all, is_own) {
        Ok(slices) => slices,
        Err(_) if wallet.negative == Negative::Forbid => return Err(Refusal::NotEnoughPoints),
        Err(fewer) => purse.quote(fewer, is_own).unwrap_or_default(),
    };
    let mut others = others.into_iter().take(SLICES_MAX);
    let mut slice: Option<Slice> = None;
    for Clawback { rule, points, .. } in back() {
        let mut points = *points;
        while !points.is_zero() {
            let Some(current) = slice.take().or_else(|| others.next()) else { break };
            let taken = current.left.min(points);
            let way = (Account::Available, Account::ClawedBack);
            draft.post(wallet.id, way, Slice { left: taken, ..current }, *rule);
            points = Points(points.0.saturating_sub(taken.0));
            let left = Points(current.left.0.saturating_sub(taken.0));
            slice = (!left.is_zero()).then_some(Slice { left, ..current });
        }
        if wallet.negative == Negative::Clamp && !points.is_zero() {
            draft.trace(*rule, Points(points.0.saturating_neg()), Points::ZERO, Adjustment::Clamped);
            continue;
        }
        draft.post(wallet.id, (Account::Debt, Account::ClawedBack), Slice::in_no_lot(points), *rule);
    }
    Ok(())
}
