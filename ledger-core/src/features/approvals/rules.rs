//! Four eyes: points that are given or taken by hand, where the program asks for several people.
//!
//! A credit or debit for which fewer people stand than the program asks for moves nothing: it is a proposal, kept in
//! the member's row. Each approval is another person, and with the one that suffices the points move, judged by the
//! program and the state of then. A proposal that nobody completes lapses by its own date, without a record: nothing
//! has to happen for nothing to happen.

use crate::features::approvals::state::{ByHand, PROPOSALS_MAX, Proposal};
use crate::features::membership::state::Scope;
use crate::kernel::account::Account;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{Points, Position, TermNo};
use crate::tables::change;
use crate::tables::change::LifeChange;
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, Who};
use crate::tables::program::Wallet;
use alloc::vec::Vec;

impl<'a> Draft<'a> {
    /// A credit or debit as it is said: carried out, or proposed.
    pub(crate) fn by_hand(
        &mut self,
        event: &Event<Who>,
        hand: ByHand,
        wallet: &str,
        points: Points,
        by: &str,
    ) -> Result<(), Refusal> {
        let wallet = self.spendable(wallet)?;
        if self.program.approvals.quorum(hand, points).is_none() {
            return self.carry_out(event, hand, wallet, points);
        }
        if by.is_empty() {
            return Err(Refusal::NobodyStands);
        }
        if self.member.open_proposals(self.desk.at).count() >= PROPOSALS_MAX {
            return Err(Refusal::MemberFull);
        }
        self.observe(event)?;
        let (wallet, by) = (wallet.id, by.into());
        let lapses_at = self.desk.at.plus_ms(self.program.approvals.lapse_ms);
        self.live(LifeChange::Proposed(change::Proposed { hand, wallet, points, by, lapses_at }));
        Ok(())
    }

    pub(crate) fn approve(&mut self, event: &Event<Who>, proposal: Position, by: &str) -> Result<(), Refusal> {
        let open = self.proposal(proposal).ok_or(Refusal::ProposalNotOpen)?;
        let Proposal { hand, wallet, points, .. } = *open;
        if hand == ByHand::Credit && self.member.freezes(Scope::Earn) {
            return Err(Refusal::MemberFrozen);
        }
        if open.by.iter().any(|one| **one == *by) {
            return Err(Refusal::ApprovedAlready);
        }
        let stand = open.by.len().saturating_add(1);
        if self.program.approvals.quorum(hand, points).is_some_and(|quorum| stand < quorum.people) {
            self.observe(event)?;
            self.live(LifeChange::Approved(change::Approved { proposal, by: by.into() }));
            return Ok(());
        }
        self.carry_out(event, hand, self.program.wallet(wallet), points)?;
        self.live(LifeChange::ProposalEnded(change::ProposalEnded { proposal }));
        Ok(())
    }

    pub(crate) fn withdraw(&mut self, event: &Event<Who>, proposal: Position) -> Result<(), Refusal> {
        self.proposal(proposal).ok_or(Refusal::ProposalNotOpen)?;
        self.observe(event)?;
        self.live(LifeChange::ProposalEnded(change::ProposalEnded { proposal }));
        Ok(())
    }

    /// The member's open proposal of this record.
    pub(crate) fn proposal(&self, position: Position) -> Option<&'a Proposal> {
        self.member.open_proposals(self.desk.at).find(|open| open.position == position)
    }

    fn carry_out(&mut self, event: &Event<Who>, hand: ByHand, wallet: &Wallet, points: Points) -> Result<(), Refusal> {
        match hand {
            ByHand::Credit => {
                if wallet.expiry.is_over(self.day) {
                    return Err(Refusal::LotExpired);
                }
                if self.room(wallet).is_some_and(|room| room < points) {
                    return Err(Refusal::OverMaxBalance);
                }
                self.observe(event)?;
                let expires_at = self.expires_at(wallet);
                self.grant(TermNo::NONE, wallet.id, points, expires_at);
            }
            ByHand::Debit => {
                let slices = self.quote(wallet, points)?;
                self.observe(event)?;
                self.post_all(wallet.id, (Account::Available, Account::Debited), &slices, TermNo::NONE);
            }
        }
        Ok(())
    }

    /// The numbers that a proposal rests on once the event has left it open.
    pub(crate) fn stands(&self, event: &Event<Who>) -> Vec<(&'static str, i64)> {
        let asked = match &event.body {
            Body::Credit(event::Credit { points, by, .. }) => {
                Some((ByHand::Credit, *points, usize::from(!by.is_empty())))
            }
            Body::Debit(event::Debit { points, by, .. }) => Some((ByHand::Debit, *points, usize::from(!by.is_empty()))),
            Body::Approved(event::Approved { proposal, .. }) => {
                self.proposal(*proposal).map(|open| (open.hand, open.points, open.by.len().saturating_add(1)))
            }
            _ => None,
        };
        let Some((hand, points, stand)) = asked else { return Vec::new() };
        let Some(quorum) = self.program.approvals.quorum(hand, points) else { return Vec::new() };
        let count = |people: usize| i64::try_from(people).unwrap_or(i64::MAX);
        let (stand, people) = (("stand", count(stand)), ("people", count(quorum.people)));
        [("asked", points.0), ("limit", quorum.over.0), stand, people].into()
    }
}
