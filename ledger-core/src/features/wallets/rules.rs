//! Wallets: which one is meant, in which order its points are spent, and what it takes in.

use crate::kernel::account::Account;
use crate::kernel::lots::{BALANCE_MAX, LOTS_MAX, SLICES_MAX, Slice};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{LotId, Points, TermNo};
use crate::tables::change::{self, Change};
use crate::tables::draft::Draft;
use crate::tables::member::Purse;
use crate::tables::program::{SpendOrder, Wallet, WalletKind};
use alloc::vec::Vec;

/// The wallet of this name, the first if it is empty.
pub(crate) fn named<'a>(draft: &Draft<'a>, name: &str) -> Result<&'a Wallet, Refusal> {
    let is_meant = |wallet: &&Wallet| name.is_empty() || draft.term(wallet.id) == name;
    draft.program().wallets().find(is_meant).ok_or(Refusal::WalletUnknown)
}

/// The same, if its points can be spent.
pub(crate) fn spendable<'a>(draft: &Draft<'a>, name: &str) -> Result<&'a Wallet, Refusal> {
    let wallet = named(draft, name)?;
    if wallet.kind == WalletKind::Tier { Err(Refusal::WalletNotSpendable) } else { Ok(wallet) }
}

/// The slices that spending `points` takes, in the order of their wallet, or how many points there are if too few.
pub(crate) fn in_spend_order(wallet: &Wallet, purse: &Purse, points: Points) -> Result<Vec<Slice>, Points> {
    match wallet.spend {
        SpendOrder::SoonestExpiry => purse.quote(points, |_| false),
        SpendOrder::Oldest => purse.lots.quote_oldest(points),
    }
}

/// The slices that spending so many of the member's points takes.
pub(crate) fn quote(draft: &Draft<'_>, wallet: &Wallet, points: Points) -> Result<Vec<Slice>, Refusal> {
    let slices = in_spend_order(wallet, draft.member().purses.of(wallet.id), points);
    let slices = slices.map_err(|_| Refusal::NotEnoughPoints)?;
    if slices.len() > SLICES_MAX { Err(Refusal::TooManyLots) } else { Ok(slices) }
}

/// Whether what is given finds room here. Debt it would repay is not looked at: what is full stays so.
pub(crate) fn may_receive(draft: &Draft<'_>, wallet: &Wallet, given: &[Slice]) -> Result<(), Refusal> {
    let points = given.iter().fold(0i64, |sum, slice| sum.saturating_add(slice.left.0));
    if draft.room(wallet).is_some_and(|room| room.0 < points) {
        return Err(Refusal::OverMaxBalance);
    }
    let lots = draft.member().purses.iter().map(Purse::lots_len).fold(given.len(), usize::saturating_add);
    let purse = draft.member().purses.of(wallet.id);
    let most = purse.lots.total().0.max(purse.review().total().0);
    let full = lots > LOTS_MAX || most.saturating_add(points) > BALANCE_MAX;
    if full { Err(Refusal::MemberLimitReached) } else { Ok(()) }
}

/// What another gave: what is under review waits, else debt is repaid first. The lots are new ones with the
/// old dates: the numbers of two members' lots say nothing about each other.
pub(crate) fn put_down(draft: &mut Draft<'_>, wallet: &Wallet, given: &[Slice], giver: &Purse) {
    for slice in given {
        let lot = draft.bring(wallet.id, Account::Moved, TermNo::NONE, *slice);
        remember_death(draft, wallet.id, (slice.id, lot), giver);
    }
}

/// What died once and was reinstated is known as such where it goes.
pub(crate) fn remember_death(draft: &mut Draft<'_>, wallet: TermNo, (old, new): (LotId, LotId), giver: &Purse) {
    if giver.is_reinstated(old) {
        let member = draft.no();
        draft.change(Change::DiedOnce(change::DiedOnce { member, wallet, lot: new }));
    }
}
