//! Points that wait: earned, and not to be spent before a date, or before their purchase is settled.
//!
//! What waits is in a lot like any other, with the date on which it dies: it can be taken back, die, and move with its
//! member. It repays no debt and becomes nothing else before it can be spent. A lot that waits in review as well keeps
//! its own date: let go of too early, it waits on.

use crate::kernel::account::Account;
use crate::kernel::lots::{SLICES_MAX, Slice};
use crate::kernel::units::{At, LotId, MemberNo, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use crate::tables::member::Purse;
use crate::tables::program::{EarnRule, PendingUntil, Trigger, Wallet};

/// Until when so many points of a rule wait; `None` if they do not.
pub(crate) fn waits_until(draft: &Draft<'_>, rule: &EarnRule, wallet: &Wallet, points: Points) -> Option<At> {
    let pending = rule.pending.or(wallet.pending).filter(|pending| points > pending.over)?;
    match pending.until {
        PendingUntil::Settled => (rule.on == Trigger::PURCHASE).then_some(At::NEVER),
        PendingUntil::Days(days) => {
            let until = draft.program().calendar.start_of(draft.day().plus(days));
            (until > draft.counted_at()).then_some(until)
        }
    }
}

/// Gives new points that wait.
pub(crate) fn grant_waiting(
    draft: &mut Draft<'_>,
    rule: TermNo,
    wallet: TermNo,
    points: Points,
    (expires_at, until): (At, At),
) {
    let to = if draft.in_review() { Account::Review } else { Account::Pending };
    let lot = Slice { expires_at, id: draft.new_lot(), left: points };
    draft.post(wallet, (Account::Issued, to), lot, rule);
    wait(draft, wallet, lot.id, until);
}

/// Says until when a lot waits.
pub(crate) fn wait(draft: &mut Draft<'_>, wallet: TermNo, lot: LotId, until: At) {
    let member = draft.no();
    let said = draft.find_change(|change| waits(change, member, lot));
    match said {
        Some(said) => *said = until,
        None => draft.change(Change::PendingUntil(change::PendingUntil { member, wallet, lot, until })),
    }
}

/// Until when a lot waits, this record included; `None` if it does not.
fn waiting_until(draft: &mut Draft<'_>, purse: &Purse, lot: LotId) -> Option<At> {
    let member = draft.no();
    let said = draft.find_change(|change| waits(change, member, lot));
    said.copied().or_else(|| purse.waits_until(lot))
}

/// What has waited long enough can be spent.
pub(crate) fn activate_due(draft: &mut Draft<'_>, due: At) {
    let member = draft.member();
    for purse in member.purses.iter() {
        for lot in purse.waited(due).take(SLICES_MAX) {
            activate(draft, purse.wallet, lot);
        }
    }
}

/// Repays what is owed; the rest can be spent.
fn activate(draft: &mut Draft<'_>, wallet: TermNo, lot: Slice) {
    let left = draft.repay(wallet, Account::Pending, TermNo::NONE, lot.left, Some(lot));
    draft.post(wallet, (Account::Pending, Account::Available), Slice { left, ..lot }, TermNo::NONE);
}

/// A purchase is settled: what of its lots waited for that can be spent. What is in review besides waits for that
/// alone.
pub(crate) fn settle(draft: &mut Draft<'_>, lots: impl Iterator<Item = (TermNo, LotId)>) {
    let row = draft.row();
    for (wallet, lot) in lots {
        let purse = row.purses.of(wallet);
        if waiting_until(draft, purse, lot) != Some(At::NEVER) {
            continue;
        }
        match purse.pending().pieces(lot).next() {
            Some(waiting) => activate(draft, wallet, *waiting),
            None => wait(draft, wallet, lot, draft.at()),
        }
    }
}

/// What a change says of how long a lot waits.
fn waits(change: &mut Change, no: MemberNo, of: LotId) -> Option<&mut At> {
    match change {
        Change::PendingUntil(change::PendingUntil { member, lot, until, .. }) if (*member, *lot) == (no, of) => {
            Some(until)
        }
        _ => None,
    }
}
