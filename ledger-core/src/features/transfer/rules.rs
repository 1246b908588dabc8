//! From member to member: points keep the dates they were earned with.
//!
//! A transfer is one record of two members: what one gives and the other gets meet in the account
//! `moved` of their wallet, which is empty after every record. The program's fee is taken of what is given.

use crate::features::risk::rules as risk;
use crate::features::wallets::rules as wallets;
use crate::kernel::account::Account;
use crate::kernel::lots::{Slice, split_slices};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{Points, TermNo};
use crate::tables::change;
use crate::tables::change::LifeChange;
use crate::tables::desk::Subject;
use crate::tables::draft::{Draft, Effect};
use crate::tables::event::{self, Event, MemberRef};
use crate::tables::program::{TransferRules, Wallet};
use alloc::vec::Vec;

/// A command: give points to another member.
pub(crate) fn transfer<'a>(
    draft: &mut Draft<'a>,
    event: &Event<MemberRef>,
    said: &event::Transfer<MemberRef>,
    recipient: Option<Subject<'a>>,
) -> Result<(), Refusal> {
    let (points, wallet) = (said.points, wallets::spendable(draft, &said.wallet)?);
    let rules = wallet.transfer.ok_or(Refusal::TransferNotAllowed)?;
    let mut other = draft.beside(recipient.ok_or(Refusal::RecipientUnknown)?);
    if other.no() == draft.no() {
        return Err(Refusal::TransferToSelf);
    }
    if other.barred().is_some() {
        return Err(Refusal::RecipientBlocked);
    }
    may_give(draft, wallet, &rules, points)?;
    let (slices, purse) = (wallets::quote(draft, wallet, points)?, draft.member().purses.of(wallet.id));
    let (fee, given) = split_slices(slices.iter(), fee(&rules, points));
    wallets::may_receive(&other, wallet, &given)?;
    risk::observe(draft, event, points)?;
    draft.post_all(wallet.id, (Account::Available, Account::Fees), &fee, TermNo::NONE);
    draft.post_all(wallet.id, (Account::Available, Account::Moved), &given, TermNo::NONE);
    draft.live(LifeChange::Gave(change::Gave { wallet: wallet.id, day: draft.today(), points }));
    // A gift has the date that it had, whatever the recipient's own points live by.
    let given: Vec<Slice> = given.iter().map(|lot| Slice { expires_at: purse.dies_at(lot), ..*lot }).collect();
    draft.lend(&mut other, |other| {
        wallets::put_down(other, wallet, &given, purse);
        other.live(LifeChange::Received(change::Received { wallet: wallet.id }));
    });
    draft.affects(other, Effect::Received);
    Ok(())
}

fn may_give(draft: &Draft<'_>, wallet: &Wallet, rules: &TransferRules, points: Points) -> Result<(), Refusal> {
    if rules.min.is_some_and(|min| points < min) {
        return Err(Refusal::TransferBelowMin);
    }
    if rules.max.is_some_and(|max| points > max) {
        return Err(Refusal::TransferAboveMax);
    }
    let gifts = draft.member().gifts_of(wallet.id);
    let received_at = gifts.and_then(|gifts| gifts.received_at);
    if received_at.is_some_and(|at| draft.at() < at.plus_ms(rules.cooling_ms)) {
        return Err(Refusal::TransferCooling);
    }
    let given = gifts.map_or(Points::ZERO, |gifts| gifts.given_on(draft.today()));
    let today = Points(given.0.saturating_add(points.0));
    if rules.per_day.is_some_and(|most| today > most) { Err(Refusal::TransferMaxPerDay) } else { Ok(()) }
}

/// What the program takes of so many points: always less than they are.
fn fee(rules: &TransferRules, points: Points) -> Points {
    let fee = i128::from(points.0).saturating_mul(i128::from(rules.fee_basis_points)).checked_div(10_000);
    Points(fee.and_then(|fee| i64::try_from(fee).ok()).unwrap_or(0))
}
