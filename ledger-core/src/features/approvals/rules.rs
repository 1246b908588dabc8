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
use crate::features::waiting::rules::{self as waiting, Waited};
use crate::features::wallets::rules as wallets;
use crate::kernel::account::Account;
use crate::kernel::names::RecordRef;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{Points, Position, StaffNo, TermNo};
use crate::tables::change;
use crate::tables::change::{Change, LifeChange};
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, MemberRef};
use crate::tables::program::Wallet;
use crate::tables::record::Cause;
use alloc::vec::Vec;

/// A command: points are given or taken by hand; and what waited for that.
pub(crate) fn by_hand(draft: &mut Draft<'_>, event: &Event<MemberRef>, deferred: &[Waited]) -> Result<(), Refusal> {
    match &event.body {
        Body::Credit(said) => {
            carry_out_or_propose(draft, event, ManualAdjustment::Credit, (&said.wallet, said.points), said.by)?;
        }
        Body::Debit(said) => {
            carry_out_or_propose(draft, event, ManualAdjustment::Debit, (&said.wallet, said.points), said.by)?;
        }
        _ => {}
    }
    resume_deferred(draft, deferred);
    Ok(())
}

/// A credit or debit as it is said: carried out, or proposed.
fn carry_out_or_propose(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    adjustment: ManualAdjustment,
    (wallet, points): (&str, Points),
    by: StaffNo,
) -> Result<(), Refusal> {
    let wallet = wallets::spendable(draft, wallet)?;
    if draft.program().approvals.quorum(adjustment, points).is_none() {
        return carry_out(draft, Some(event), adjustment, wallet, points);
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

/// A command: one more stands for what was proposed. Told before the proposal, it waits for it.
pub(crate) fn approve(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Approved<StaffNo>,
    proposal: Option<Position>,
) -> Result<(), Refusal> {
    let Some(proposal) = proposal else { return wait(draft, event, &said.proposal) };
    let open = find(draft, proposal).ok_or(Refusal::ProposalNotOpen)?;
    stand_for(draft, Some(event), open, said.by)
}

/// One more stands for an open proposal; `event` says so, if that is not told already.
fn stand_for(
    draft: &mut Draft<'_>,
    event: Option<&Event<MemberRef>>,
    open: &Proposal,
    by: StaffNo,
) -> Result<(), Refusal> {
    let Proposal { position: proposal, adjustment, wallet, points, .. } = *open;
    if adjustment == ManualAdjustment::Credit && draft.member().freezes(Scope::Earn) {
        return Err(Refusal::MemberFrozen);
    }
    if open.by.contains(&by) {
        return Err(Refusal::ApprovedAlready);
    }
    let stand = open.by.len().saturating_add(1);
    if draft.program().approvals.quorum(adjustment, points).is_some_and(|quorum| stand < quorum.people) {
        observe(draft, event, points)?;
        draft.live(LifeChange::Approved(change::Approved { proposal, by }));
        return Ok(());
    }
    carry_out(draft, event, adjustment, draft.program().wallet(wallet), points)?;
    draft.live(LifeChange::ProposalEnded(change::ProposalEnded { proposal }));
    Ok(())
}

/// A control: what was proposed is not to be done. Told before the proposal, it waits for it.
pub(crate) fn withdraw(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::Withdrawn<StaffNo>,
    proposal: Option<Position>,
) -> Result<(), Refusal> {
    let Some(proposal) = proposal else { return wait(draft, event, &said.proposal) };
    find(draft, proposal).ok_or(Refusal::ProposalNotOpen)?;
    risk::observe(draft, event, Points::ZERO)?;
    draft.live(LifeChange::ProposalEnded(change::ProposalEnded { proposal }));
    Ok(())
}

/// What speaks of a proposal waits for the event that proposes it; no record that is to come has a name yet.
fn wait(draft: &mut Draft<'_>, event: &Event<MemberRef>, proposal: &RecordRef) -> Result<(), Refusal> {
    let name = proposal.short(draft.hiding().key).ok_or(Refusal::ProposalNotOpen)?;
    waiting::overtake(draft, event, name)
}

/// What waited for the proposal in this very record, as if each had come right behind it.
fn resume_deferred(draft: &mut Draft<'_>, deferred: &[Waited]) {
    for (whose, waited, late) in deferred {
        waiting::resume(draft, (*whose, waited), |draft| {
            let open = proposed(draft).ok_or(Refusal::ProposalNotOpen)?;
            match late.cause() {
                Cause::Event(Event { body: Body::Approved(said), .. }) => stand_for(draft, None, &open, said.by),
                _ => {
                    let proposal = open.position;
                    draft.live(LifeChange::ProposalEnded(change::ProposalEnded { proposal }));
                    Ok(())
                }
            }
        });
    }
}

/// The proposal that this record makes, and that is still open.
fn proposed(draft: &Draft<'_>) -> Option<Proposal> {
    let mut open = None;
    for change in draft.changes() {
        match change {
            Change::Life(change::Life { change: LifeChange::Proposed(made), .. }) => {
                let change::Proposed { adjustment, wallet, points, by, lapses_at } = *made;
                let (position, by) = (draft.position(), [by].into());
                open = Some(Proposal { position, adjustment, wallet, points, by, lapses_at });
            }
            Change::Life(change::Life { change: LifeChange::Approved(one), .. }) => {
                open.iter_mut().for_each(|open| open.by.push(one.by));
            }
            Change::Life(change::Life { change: LifeChange::ProposalEnded(..), .. }) => open = None,
            _ => {}
        }
    }
    open
}

/// The member's open proposal of this record.
pub(crate) fn find<'a>(draft: &Draft<'a>, position: Position) -> Option<&'a Proposal> {
    draft.member().open_proposals(draft.at()).find(|open| open.position == position)
}

/// Counts what is asked for, if that is not counted already.
fn observe(draft: &mut Draft<'_>, event: Option<&Event<MemberRef>>, points: Points) -> Result<(), Refusal> {
    event.map_or(Ok(()), |event| risk::observe(draft, event, points))
}

fn carry_out(
    draft: &mut Draft<'_>,
    event: Option<&Event<MemberRef>>,
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
            observe(draft, event, points)?;
            let expires_at = expiry::expires_at(draft, wallet);
            draft.grant(TermNo::NONE, wallet.id, points, expires_at);
        }
        ManualAdjustment::Debit => {
            let slices = wallets::quote(draft, wallet, points)?;
            observe(draft, event, points)?;
            draft.post_all(wallet.id, (Account::Available, Account::Debited), &slices, TermNo::NONE);
        }
    }
    Ok(())
}

/// The numbers that a proposal rests on once the event, which may name an earlier record, has left it open.
pub(crate) fn stands(draft: &Draft<'_>, event: &Event<MemberRef>, named: Option<Position>) -> Vec<(&'static str, i64)> {
    let asked = match &event.body {
        Body::Credit(event::Credit { points, by, .. }) => {
            Some((ManualAdjustment::Credit, *points, usize::from(*by != StaffNo::NOBODY)))
        }
        Body::Debit(event::Debit { points, by, .. }) => {
            Some((ManualAdjustment::Debit, *points, usize::from(*by != StaffNo::NOBODY)))
        }
        Body::Approved(..) => {
            let open = named.and_then(|proposal| find(draft, proposal));
            open.map(|open| (open.adjustment, open.points, open.by.len().saturating_add(1)))
        }
        _ => None,
    };
    let Some((adjustment, points, stand)) = asked else { return Vec::new() };
    let Some(quorum) = draft.program().approvals.quorum(adjustment, points) else { return Vec::new() };
    let count = |people: usize| i64::try_from(people).unwrap_or(i64::MAX);
    let (stand, people) = (("stand", count(stand)), ("people", count(quorum.people)));
    [("asked", points.0), ("limit", quorum.over.0), stand, people].into()
}
