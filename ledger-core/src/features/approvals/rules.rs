//! Four eyes: points that are given or taken by hand, where the program asks for several people.
//!
//! A credit or debit for which fewer people stand than the program asks for moves nothing: it is a proposal, kept in
//! the member's row. Each approval is another person, and with the one that suffices the points move, judged by the
//! program and the state of then. A proposal that nobody completes lapses by its own date, without a record: nothing
//! has to happen for nothing to happen.

use crate::features::approvals::state::{ManualAdjustment, PROPOSALS_MAX, Proposal};
use crate::features::expiry::rules as expiry;
use crate::features::membership::state::Scope;
use crate::features::risk::rules as risk;
use crate::features::wallets::rules as wallets;
use crate::kernel::account::Account;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{Points, Position, StaffNo, TermNo};
use crate::tables::change;
use crate::tables::change::LifeChange;
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, MemberRef};
use crate::tables::program::Wallet;
use alloc::vec::Vec;

/// A command: points are given by hand.
pub(crate) fn credit(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Credit<StaffNo>,
) -> Result<(), Refusal> {
    by_hand(draft, event, ManualAdjustment::Credit, (&said.wallet, said.points), said.by)
}

/// A command: points are taken by hand.
pub(crate) fn debit(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Debit<StaffNo>,
) -> Result<(), Refusal> {
    by_hand(draft, event, ManualAdjustment::Debit, (&said.wallet, said.points), said.by)
}

/// A credit or debit as it is said: carried out, or proposed.
fn by_hand(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    adjustment: ManualAdjustment,
    (wallet, points): (&str, Points),
    by: StaffNo,
) -> Result<(), Refusal> {
    let wallet = wallets::spendable(draft, wallet)?;
    if draft.program().approvals.quorum(adjustment, points).is_none() {
        return carry_out(draft, event, adjustment, wallet, points);
    }
    if by == StaffNo::NOBODY {
        return Err(Refusal::ApproverRequired);
    }
    if draft.member().open_proposals(draft.at()).count() >= PROPOSALS_MAX {
        return Err(Refusal::MemberLimitReached);
    }
    risk::observe(draft, event, points)?;
    let wallet = wallet.id;
    let lapses_at = draft.at().plus_ms(draft.program().approvals.lapse_ms);
    draft.live(LifeChange::Proposed(change::Proposed { adjustment, wallet, points, by, lapses_at }));
    Ok(())
}

/// A command: one more stands for what was proposed.
pub(crate) fn approve(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Approved<StaffNo>,
) -> Result<(), Refusal> {
    let (proposal, by) = (said.proposal, said.by);
    let open = find(draft, proposal).ok_or(Refusal::ProposalNotOpen)?;
    let Proposal { adjustment, wallet, points, .. } = *open;
    if adjustment == ManualAdjustment::Credit && draft.member().freezes(Scope::Earn) {
        return Err(Refusal::MemberFrozen);
    }
    if open.by.contains(&by) {
        return Err(Refusal::ApprovedAlready);
    }
    let stand = open.by.len().saturating_add(1);
    if draft.program().approvals.quorum(adjustment, points).is_some_and(|quorum| stand < quorum.people) {
        risk::observe(draft, event, points)?;
        draft.live(LifeChange::Approved(change::Approved { proposal, by }));
        return Ok(());
    }
    carry_out(draft, event, adjustment, draft.program().wallet(wallet), points)?;
    draft.live(LifeChange::ProposalEnded(change::ProposalEnded { proposal }));
    Ok(())
}

/// A control: what was proposed is not to be done.
pub(crate) fn withdraw(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Withdrawn<StaffNo>,
) -> Result<(), Refusal> {
    let proposal = said.proposal;
    find(draft, proposal).ok_or(Refusal::ProposalNotOpen)?;
    risk::observe(draft, event, Points::ZERO)?;
    draft.live(LifeChange::ProposalEnded(change::ProposalEnded { proposal }));
    Ok(())
}

/// The member's open proposal of this record.
pub(crate) fn find<'a>(draft: &Draft<'a>, position: Position) -> Option<&'a Proposal> {
    draft.member().open_proposals(draft.at()).find(|open| open.position == position)
}

fn carry_out(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    adjustment: ManualAdjustment,
    wallet: &Wallet,
    points: Points,
) -> Result<(), Refusal> {
    match adjustment {
        ManualAdjustment::Credit => {
            if wallet.expiry.is_over(draft.day()) {
                return Err(Refusal::LotExpired);
            }
            if draft.room(wallet).is_some_and(|room| room < points) {
                return Err(Refusal::OverMaxBalance);
            }
            risk::observe(draft, event, points)?;
            let expires_at = expiry::expires_at(draft, wallet);
            draft.grant(TermNo::NONE, wallet.id, points, expires_at);
        }
        ManualAdjustment::Debit => {
            let slices = wallets::quote(draft, wallet, points)?;
            risk::observe(draft, event, points)?;
            draft.post_all(wallet.id, (Account::Available, Account::Debited), &slices, TermNo::NONE);
        }
    }
    Ok(())
}

/// The numbers that a proposal rests on once the event has left it open.
pub(crate) fn stands(draft: &Draft<'_>, event: &Event<MemberRef>) -> Vec<(&'static str, i64)> {
    let asked = match &event.body {
        Body::Credit(event::Credit { points, by, .. }) => {
            Some((ManualAdjustment::Credit, *points, usize::from(*by != StaffNo::NOBODY)))
        }
        Body::Debit(event::Debit { points, by, .. }) => {
            Some((ManualAdjustment::Debit, *points, usize::from(*by != StaffNo::NOBODY)))
        }
        Body::Approved(event::Approved { proposal, .. }) => {
            find(draft, *proposal).map(|open| (open.adjustment, open.points, open.by.len().saturating_add(1)))
        }
        _ => None,
    };
    let Some((adjustment, points, stand)) = asked else { return Vec::new() };
    let Some(quorum) = draft.program().approvals.quorum(adjustment, points) else { return Vec::new() };
    let count = |people: usize| i64::try_from(people).unwrap_or(i64::MAX);
    let (stand, people) = (("stand", count(stand)), ("people", count(quorum.people)));
    [("asked", points.0), ("limit", quorum.over.0), stand, people].into()
}
