//! From member to member, and from other systems: points keep the dates they were earned with.
//!
//! A transfer is one record of two members: what one gives and the other gets meet in the account
//! `moved`, which is empty after every record. The program's fee is taken of what is given.

use super::spend::split_slices;
use super::{BALANCE_MAX, Draft, Party, life};
use crate::event::{Event, OpeningLot, Who};
use crate::life::LifeChange;
use crate::lots::{LOTS_MAX, Slice};
use crate::program::TransferRules;
use crate::record::{Account, Change};
use crate::refusal::Refusal;
use crate::units::{Points, TermNo};

impl<'a> Draft<'a> {
    pub(super) fn transfer(
        &mut self,
        event: &Event<Who>,
        recipient: Option<Party<'a>>,
        points: Points,
    ) -> Result<(), Refusal> {
        let rules = self.program.transfer.ok_or(Refusal::TransferNotAllowed)?;
        let recipient = recipient.ok_or(Refusal::RecipientUnknown)?;
        if recipient.no == self.no {
            return Err(Refusal::TransferToSelf);
        }
        if life::earns_nothing(recipient.member).is_some() {
            return Err(Refusal::RecipientBlocked);
        }
        self.may_give(&rules, points)?;
        let slices = self.quote(points)?;
        let others = recipient.member.lots.len().saturating_add(recipient.member.review.len());
        let balance = recipient.member.lots.total().0.saturating_add(points.0);
        if others.saturating_add(slices.len()) > LOTS_MAX || balance > BALANCE_MAX {
            return Err(Refusal::MemberFull);
        }
        self.observe(event)?;
        let (fee, given) = split_slices(slices.iter(), fee(&rules, points));
        self.post_all(Account::Available, Account::Fees, &fee, TermNo::NONE);
        self.post_all(Account::Available, Account::Moved, &given, TermNo::NONE);
        self.live(LifeChange::Gave { day: self.today, points });
        self.receive(recipient, &given);
        Ok(())
    }

    fn may_give(&self, rules: &TransferRules, points: Points) -> Result<(), Refusal> {
        if rules.min.is_some_and(|min| points < min) {
            return Err(Refusal::TransferBelowMin);
        }
        if rules.max.is_some_and(|max| points > max) {
            return Err(Refusal::TransferAboveMax);
        }
        let Some(life) = &self.member.life else {
            return if rules.per_day.is_some_and(|most| points > most) {
                Err(Refusal::TransferMaxPerDay)
            } else {
                Ok(())
            };
        };
        if life.received_at.is_some_and(|at| self.desk.at < at.plus_ms(rules.cooling_ms)) {
            return Err(Refusal::TransferCooling);
        }
        let today = life.given_on(self.today).0.saturating_add(points.0);
        if rules.per_day.is_some_and(|most| today > most.0) { Err(Refusal::TransferMaxPerDay) } else { Ok(()) }
    }

    /// What another gave: debt is repaid first, and what is under review waits.
    fn receive(&mut self, recipient: Party<'a>, given: &[Slice]) {
        let mut other = Draft::new(self.desk, self.program, recipient, self.desk.at);
        core::mem::swap(&mut other.verdict, &mut self.verdict);
        let to = if other.review { Account::Review } else { Account::Available };
        for slice in given {
            let left = other.repay(Account::Moved, TermNo::NONE, slice.left, Some(*slice));
            other.post(Account::Moved, to, Slice { left, ..*slice }, TermNo::NONE);
        }
        other.change(Change::Life { member: recipient.no, change: LifeChange::Received });
        core::mem::swap(&mut other.verdict, &mut self.verdict);
    }

    /// Points of another system, each lot as old as it was there.
    pub(super) fn import(&mut self, event: &Event<Who>, lots: &[OpeningLot]) -> Result<(), Refusal> {
        self.observe(event)?;
        for lot in lots {
            let earned_on = self.program.calendar.day_of(lot.earned_at);
            let expires_at = lot.expires_at.unwrap_or_else(|| self.program.expires_at(earned_on));
            self.grant(TermNo::NONE, lot.points, expires_at);
        }
        Ok(())
    }
}

/// What the program takes of so many points: always less than they are.
fn fee(rules: &TransferRules, points: Points) -> Points {
    let fee = i128::from(points.0).saturating_mul(i128::from(rules.fee_basis_points)).checked_div(10_000);
    Points(fee.and_then(|fee| i64::try_from(fee).ok()).unwrap_or(0))
}
