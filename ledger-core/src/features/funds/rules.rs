//! Funds: what rules give to a good cause instead of to the member, and what members give of their own.
//!
//! What a fund has is counted for everybody, as what a campaign gave is, and equals what it has of the account
//! `donated`. It is no member's: no lot is made, nothing of it expires, waits for a case or repays a debt. A refund
//! takes back what its purchase gave too much; what a member gave is given.

use crate::features::counting::rules::{Counting, count};
use crate::features::risk::rules as risk;
use crate::features::wallets::rules as wallets;
use crate::kernel::account::Account;
use crate::kernel::counter::Key;
use crate::kernel::lots::Slice;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{Points, TermNo};
use crate::tables::draft::Draft;
use crate::tables::event::{self, Event, MemberRef};
use crate::tables::program::Fund;

/// A command: what the member has goes to a fund, in the order of spending of the fund's wallet.
pub(crate) fn donate(draft: &mut Draft<'_>, event: &Event<MemberRef>, said: &event::Donate) -> Result<(), Refusal> {
    let points = said.points;
    let fund = find(draft, &said.fund).ok_or(Refusal::FundUnknown)?;
    let slices = wallets::quote(draft, draft.program().wallet(fund.wallet), points)?;
    risk::observe(draft, event, points)?;
    draft.post_all(fund.wallet, (Account::Available, Account::Donated), &slices, TermNo::NONE);
    count_fund(draft, fund, points.0);
    Ok(())
}

/// The fund of this name.
pub(crate) fn find<'a>(draft: &Draft<'a>, name: &str) -> Option<&'a Fund> {
    draft.program().funds.iter().find(|fund| draft.term(fund.id) == name)
}

/// What a rule gives to its fund.
pub(crate) fn endow(draft: &mut Draft<'_>, rule: TermNo, fund: &Fund, points: Points) {
    draft.post(fund.wallet, (Account::Issued, Account::Donated), Slice::in_no_lot(points), rule);
    count_fund(draft, fund, points.0);
}

/// Takes from a fund what a purchase gave it too much.
pub(crate) fn take_back(draft: &mut Draft<'_>, rule: TermNo, fund: &Fund, points: Points) {
    draft.post(fund.wallet, (Account::Donated, Account::ClawedBack), Slice::in_no_lot(points), rule);
    count_fund(draft, fund, points.0.saturating_neg());
}

/// Gives a fund again what a refund took from it that did not happen.
pub(crate) fn give_again(draft: &mut Draft<'_>, rule: TermNo, fund: &Fund, points: Points) {
    draft.post(fund.wallet, (Account::ClawedBack, Account::Donated), Slice::in_no_lot(points), rule);
    count_fund(draft, fund, points.0);
}

fn count_fund(draft: &mut Draft<'_>, fund: &Fund, amount: i64) {
    count(draft, (Key::EVERYONE, fund.given), Counting::Sum, amount);
}
