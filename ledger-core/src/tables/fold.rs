//! Fold: adds and subtracts what a record says. No rule, no program, no clock.
//!
//! What postings move is here; what a change does is its feature's, and holds close after the postings.
//!
//! It serves the live path, recovery, rebuild, `verify`, as-of reads and scenarios: there is one of
//! it. Each row knows the last position folded into it and skips what it has, so folding a stretch of
//! the log twice is folding it once. What cannot be added up is [`Corrupt`]: the log and the state
//! contradict each other, and the shard stops.

use crate::kernel::account::{Account, Posting};
use crate::kernel::lots::{Lot, Slice};
use crate::kernel::units::{MemberNo, Points, Position, TermNo};
use crate::tables::here::{Here, Rows};
use crate::tables::member::{HistoryPage, Hold, Member, Purse};
use crate::tables::record::VerdictPart;
use crate::tables::state::State;
use crate::tables::totals::{Shared, WalletTotals};
use alloc::vec::Vec;

pub use crate::kernel::corrupt::Corrupt;

/// Folds the record at `position` into the state: its verdict part is all there is to fold.
///
/// # Errors
/// [`Corrupt::Fold`] names the record, the member and what does not add up. The state is then of no
/// more use.
pub fn fold(state: &mut State, position: Position, record: &VerdictPart) -> Result<(), Corrupt> {
    let mut last = MemberNo::NOBODY;
    for no in record.mentions() {
        // Whoever is mentioned again later has the record already, by its position.
        if core::mem::replace(&mut last, no) == no {
            continue;
        }
        let corrupt = |what| Corrupt::Fold { position, member: no, what };
        let member = state.member_for_fold(no).ok_or_else(|| corrupt("member number out of turn"))?;
        if member.position >= position {
            continue;
        }
        let page = fold_member(member, no, position, record)?;
        state.schedule(no);
        if let Some(page) = page {
            state.page(page);
        }
    }
    fold_shared(state, position, record).map_err(|what| Corrupt::Fold { position, member: MemberNo::NOBODY, what })
}

/// Folds into one member what the record at `position` says of it; a member's own records, folded in
/// order, are the member. Returns the page of history this fills, if it does.
///
/// # Errors
/// As [`fold`].
pub fn fold_member(
    member: &mut Member,
    no: MemberNo,
    position: Position,
    record: &VerdictPart,
) -> Result<Option<HistoryPage>, Corrupt> {
    let corrupt = |what| Corrupt::Fold { position, member: no, what };
    let verdict = &record.verdict;
    let here = Here { position, at: record.at };
    for change in &verdict.changes {
        change.apply(no, member, &here).map_err(corrupt)?;
    }
    move_points(member, no, &verdict.postings).map_err(corrupt)?;
    for change in &verdict.changes {
        change.close(no, member).map_err(corrupt)?;
    }
    member.purses.iter_mut().for_each(Purse::sweep);
    if record.member() == no && member.available(verdict.wallet) != verdict.available {
        return Err(corrupt("the available balance differs from the record's"));
    }
    member.position = position;
    member.records = member.records.saturating_add(1);
    member.next_due = member.due();
    Ok(member.history.remember(no, position))
}

/// Moves a member's points as postings say.
pub(crate) fn move_points(member: &mut Member, no: MemberNo, postings: &[Posting]) -> Result<(), &'static str> {
    let mut coming = Coming::default();
    for posting in postings.iter().filter(|posting| posting.member == no) {
        post(member, posting, &mut coming)?;
    }
    take_in(member, &mut coming)
}

/// Points on their way back to the available lots of one wallet: there may be thousands in one record.
#[derive(Default)]
struct Coming {
    wallet: TermNo,
    lots: Vec<Lot>,
}

fn post(member: &mut Member, posting: &Posting, coming: &mut Coming) -> Result<(), &'static str> {
    let Posting { wallet, points, lot, expires_at, .. } = *posting;
    if wallet == TermNo::NONE {
        return Err("a posting names no wallet");
    }
    if posting.is_of_funds() {
        return Ok(());
    }
    if posting.from == Account::Available || coming.wallet != wallet {
        take_in(member, coming)?;
    }
    let purse = member.purses.of_mut(wallet);
    match posting.from {
        Account::Available => purse.lots.take(lot, expires_at, points).ok_or("lot overdrawn"),
        Account::Review => purse.review_mut().take(lot, expires_at, points).ok_or("lot in review overdrawn"),
        Account::Pending => purse.pending_mut().take(lot, expires_at, points).ok_or("lot that waits overdrawn"),
        Account::Held(no) => {
            let hold = Hold::find(&mut member.holds, no, wallet).ok_or("no such hold")?;
            hold.take(lot, points).ok_or("hold overdrawn")
        }
        Account::Debt => purse.debt.plus(points).map(|debt| purse.debt = debt).ok_or("debt overflows"),
        // What was spent may be given back, what died may live again, and a refund may not have happened.
        Account::Issued | Account::Redeemed | Account::Moved | Account::Expired | Account::ClawedBack => Ok(()),
        // What is on its way to a partner is told by the changes of its life.
        Account::Exchanging => Ok(()),
        Account::Fees | Account::Voided | Account::Debited | Account::Donated | Account::Exchanged => {
            Err("points cannot come back from this account")
        }
    }?;
    match posting.to {
        Account::Available if posting.from == Account::Issued => {
            purse.lots.put(lot, expires_at, points).ok_or("balance overflows")
        }
        Account::Available => {
            coming.wallet = wallet;
            coming.lots.push(Lot { expires_at, id: lot, left: points });
            Ok(())
        }
        Account::Review => purse.review_mut().put(lot, expires_at, points).ok_or("balance in review overflows"),
        Account::Pending => purse.pending_mut().put(lot, expires_at, points).ok_or("balance that waits overflows"),
        Account::Held(no) => {
            let hold = Hold::find(&mut member.holds, no, wallet).ok_or("no such hold")?;
            hold.slices.push(Slice { expires_at, id: lot, left: points });
            Ok(())
        }
        Account::Debt => match purse.debt.less(points) {
            Some(debt) if debt >= Points::ZERO => {
                purse.debt = debt;
                Ok(())
            }
            _ => Err("more debt repaid than owed"),
        },
        Account::Redeemed
        | Account::Expired
        | Account::ClawedBack
        | Account::Voided
        | Account::Debited
        | Account::Moved
        | Account::Fees
        | Account::Donated
        | Account::Exchanging
        | Account::Exchanged => Ok(()),
        Account::Issued => Err("points cannot go back to issued"),
    }
}

fn take_in(member: &mut Member, coming: &mut Coming) -> Result<(), &'static str> {
    if coming.lots.is_empty() {
        return Ok(());
    }
    let lots = core::mem::take(&mut coming.lots);
    member.purses.of_mut(coming.wallet).lots.put_all(lots).ok_or("balance overflows")
}

fn fold_shared(state: &mut State, position: Position, record: &VerdictPart) -> Result<(), &'static str> {
    let here = Here { position, at: record.at };
    let mut rows = Rows { state, counted: Vec::new() };
    for change in &record.verdict.changes {
        change.apply_shared(&mut rows, &here)?;
    }
    if state.shared.position < position {
        fold_totals(&mut state.shared, position, record)?;
    }
    Ok(())
}

fn fold_totals(shared: &mut Shared, position: Position, record: &VerdictPart) -> Result<(), &'static str> {
    if record.at < shared.at {
        return Err("time runs backwards");
    }
    for posting in &record.verdict.postings {
        if posting.points <= Points::ZERO {
            return Err("a posting moves nothing");
        }
        let totals = WalletTotals::find_or_add(&mut shared.wallets, posting.wallet).ok_or("no such wallet")?;
        for (account, points) in [(posting.from, posting.points.0.saturating_neg()), (posting.to, posting.points.0)] {
            let balance = totals.accounts.get_mut(account.kind()).ok_or("unknown account")?;
            *balance = balance.checked_add(points).ok_or("total overflows")?;
        }
    }
    let kept = |totals: &WalletTotals| totals.accounts.get(Account::Moved.kind()) != Some(&0);
    if shared.wallets.iter().any(kept) {
        return Err("points are given and not taken");
    }
    for change in &record.verdict.changes {
        change.add_up(shared, &Here { position, at: record.at })?;
    }
    if record.verdict.refusal.is_some() {
        shared.refused = shared.refused.saturating_add(1);
    }
    shared.position = position;
    shared.at = record.at;
    Ok(())
}
