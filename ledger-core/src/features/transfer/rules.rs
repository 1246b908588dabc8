//! From member to member, and from other systems: points keep the dates they were earned with.
//!
//! A transfer is one record of two members: what one gives and the other gets meet in the account
//! `moved` of their wallet, which is empty after every record. The program's fee is taken of what is given.

use crate::decide::BALANCE_MAX;
use crate::features::membership::rules as life;
use crate::features::spending::rules::split_slices;
use crate::kernel::account::Account;
use crate::kernel::lots::{LOTS_MAX, Slice};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{Points, TermNo};
use crate::tables::change;
use crate::tables::change::LifeChange;
use crate::tables::draft::{Draft, Party};
use crate::tables::event::{Event, OpeningLot, Who};
use crate::tables::member::Purse;
use crate::tables::program::{TransferRules, Wallet};
use alloc::vec::Vec;

impl<'a> Draft<'a> {
    pub(crate) fn transfer(
        &mut self,
        event: &Event<Who>,
        recipient: Option<Party<'a>>,
        wallet: &str,
        points: Points,
    ) -> Result<(), Refusal> {
        let wallet = self.spendable(wallet)?;
        let rules = wallet.transfer.ok_or(Refusal::TransferNotAllowed)?;
        let recipient = recipient.ok_or(Refusal::RecipientUnknown)?;
        if recipient.no == self.no {
            return Err(Refusal::TransferToSelf);
        }
        if life::earns_nothing(recipient.member).is_some() {
            return Err(Refusal::RecipientBlocked);
        }
        self.may_give(wallet, &rules, points)?;
        let (slices, purse) = (self.quote(wallet, points)?, self.member.purses.of(wallet.id));
        let (fee, given) = split_slices(slices.iter(), fee(&rules, points));
        let mut other = Draft::new(self.desk, self.program, recipient, self.desk.at);
        other.may_receive(wallet, &given)?;
        self.observe(event)?;
        self.post_all(wallet.id, (Account::Available, Account::Fees), &fee, TermNo::NONE);
        self.post_all(wallet.id, (Account::Available, Account::Moved), &given, TermNo::NONE);
        self.live(LifeChange::Gave(change::Gave { wallet: wallet.id, day: self.today, points }));
        // A gift has the date that it had, whatever the recipient's own points live by.
        let given: Vec<Slice> = given.iter().map(|lot| Slice { expires_at: purse.dies_at(lot), ..*lot }).collect();
        self.lend(&mut other, |other| {
            other.receive(wallet, &given);
            other.settle();
        });
        Ok(())
    }

    fn may_give(&self, wallet: &Wallet, rules: &TransferRules, points: Points) -> Result<(), Refusal> {
        if rules.min.is_some_and(|min| points < min) {
            return Err(Refusal::TransferBelowMin);
        }
        if rules.max.is_some_and(|max| points > max) {
            return Err(Refusal::TransferAboveMax);
        }
        let gifts = self.member.gifts_of(wallet.id);
        let received_at = gifts.and_then(|gifts| gifts.received_at);
        if received_at.is_some_and(|at| self.desk.at < at.plus_ms(rules.cooling_ms)) {
            return Err(Refusal::TransferCooling);
        }
        let given = gifts.map_or(Points::ZERO, |gifts| gifts.given_on(self.today));
        let today = Points(given.0.saturating_add(points.0));
        if rules.per_day.is_some_and(|most| today > most) { Err(Refusal::TransferMaxPerDay) } else { Ok(()) }
    }

    /// Whether what is given finds room here. Debt it would repay is not looked at: what is full stays so.
    pub(crate) fn may_receive(&self, wallet: &Wallet, given: &[Slice]) -> Result<(), Refusal> {
        let points = given.iter().fold(0i64, |sum, slice| sum.saturating_add(slice.left.0));
        if self.room(wallet).is_some_and(|room| room.0 < points) {
            return Err(Refusal::OverMaxBalance);
        }
        let lots = self.member.purses.iter().map(Purse::lots_len).fold(given.len(), usize::saturating_add);
        let purse = self.member.purses.of(wallet.id);
        let most = purse.lots.total().0.max(purse.review().total().0);
        let full = lots > LOTS_MAX || most.saturating_add(points) > BALANCE_MAX;
        if full { Err(Refusal::MemberFull) } else { Ok(()) }
    }

    fn receive(&mut self, wallet: &Wallet, given: &[Slice]) {
        self.put_down(wallet, given);
        self.live(LifeChange::Received(change::Received { wallet: wallet.id }));
    }

    /// What another gave: debt is repaid first, and what is under review waits. The lots are new ones with the
    /// old dates: the numbers of two members' lots say nothing about each other.
    pub(crate) fn put_down(&mut self, wallet: &Wallet, given: &[Slice]) {
        let to = if self.review { Account::Review } else { Account::Available };
        for slice in given {
            let left = self.repay(wallet.id, Account::Moved, TermNo::NONE, slice.left, Some(*slice));
            let lot = Slice { expires_at: slice.expires_at, id: self.new_lot(), left };
            self.post(wallet.id, (Account::Moved, to), lot, TermNo::NONE);
        }
    }

    /// Points of another system, each lot as old as it was there, into a wallet that was never used.
    pub(crate) fn import(&mut self, event: &Event<Who>, wallet: &str, lots: &[OpeningLot]) -> Result<(), Refusal> {
        let wallet = self.spendable(wallet)?;
        if self.member.purses.of(wallet.id).wallet == wallet.id {
            return Err(Refusal::WalletInUse);
        }
        if lots.iter().any(|lot| lot.earned_at > self.desk.at) {
            return Err(Refusal::InTheFuture);
        }
        let expires_at = |lot: &OpeningLot| {
            let as_if_earned_here =
                || self.program.expires_at(wallet, self.program.calendar.day_of(lot.earned_at), self.earner());
            lot.expires_at.unwrap_or_else(as_if_earned_here)
        };
        let mut dated: Vec<_> = lots.iter().map(|lot| (lot.earned_at, expires_at(lot), lot.points)).collect();
        if dated.iter().any(|(_, expires_at, _)| *expires_at <= self.desk.at) {
            return Err(Refusal::LotExpired);
        }
        let sum = dated.iter().fold(0i64, |sum, (_, _, points)| sum.saturating_add(points.0));
        if self.room(wallet).is_some_and(|room| room.0 < sum) {
            return Err(Refusal::OverMaxBalance);
        }
        // A lot is as old as its number says: spending the oldest first asks for nothing else.
        dated.sort_by_key(|(earned_at, ..)| *earned_at);
        self.observe(event)?;
        for (_, expires_at, points) in dated {
            self.grant(TermNo::NONE, wallet.id, points, expires_at);
        }
        Ok(())
    }
}

/// What the program takes of so many points: always less than they are.
fn fee(rules: &TransferRules, points: Points) -> Points {
    let fee = i128::from(points.0).saturating_mul(i128::from(rules.fee_basis_points)).checked_div(10_000);
    Points(fee.and_then(|fee| i64::try_from(fee).ok()).unwrap_or(0))
}
