//! Decide: which feature judges what, and what follows.
//!
//! A decision reads a program, the state and one event, and answers with a [`Verdict`]. Refusals come first, most
//! fundamental first; from the line that calls `observe` on, the event succeeds. Nothing here changes state, asks a
//! clock or can fail: `fold` does what the verdict says. The rules stand with their features, what follows from every
//! event in `consequences`, what happens by itself in `timers`.

use crate::consequences::{Asker, follow};
use crate::features::approvals::rules as approvals;
use crate::features::earning::rules as earning;
use crate::features::exchange::rules as exchange;
use crate::features::expiry::rules as expiry;
use crate::features::funds::rules as funds;
use crate::features::household::rules as household;
use crate::features::membership::rules as membership;
use crate::features::merge::rules as merge;
use crate::features::opening::rules as opening;
use crate::features::publishing::rules::publish;
use crate::features::returns::rules as returns;
use crate::features::risk::rules as risk;
use crate::features::spending::{redemption, rules as spending};
use crate::features::transfer::rules as transfer;
use crate::features::waiting::rules as waiting;
use crate::kernel::lots::SLICES_MAX;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Points, Position, TermNo};
use crate::tables::change::{self, Change};
use crate::tables::desk::{Inputs, References, Subject};
use crate::tables::draft::{Draft, fit};
use crate::tables::event::{self, Body, Event, Finding, MemberRef};
use crate::tables::member::Member;
use crate::tables::program::Program;
use crate::tables::record::{Timer, Verdict};

pub use crate::kernel::lots::BALANCE_MAX;

/// Most members of one ledger.
pub const MEMBERS_MAX: u32 = 1 << 31;

/// Judges one event.
pub fn decide(desk: &Inputs<'_>, event: &Event<MemberRef>, parties: &References<'_>) -> Verdict {
    match &event.body {
        Body::ProgramPublished(said) => publish(desk, said).unwrap_or_else(|refusal| refused(refusal, None, None)),
        Body::Tick(..) => Verdict::default(),
        Body::CaseResolved(said) => {
            find_case(desk, said, parties.record).unwrap_or_else(|refusal| refused(refusal, None, None))
        }
        _ => concerning_member(desk, event, parties),
    }
}

/// Judges what is due by itself for one member.
pub fn decide_timer(desk: &Inputs<'_>, party: Subject<'_>, due: At, timer: Timer) -> Verdict {
    match desk.program {
        Some(program) => crate::timers::fire(Draft::of_timer(desk, program, party, due), due, timer),
        None => Verdict::default(),
    }
}

/// The verdict of an event that is refused.
pub(crate) fn refused(refusal: Refusal, program: Option<&Program>, subject: Option<&Member>) -> Verdict {
    let wallet = program.map_or(TermNo::NONE, |program| program.wallet.id);
    let available = subject.map_or(Points::ZERO, |member| member.available(wallet));
    Verdict { refusal: Some(refusal), wallet, available, ..Verdict::default() }
}

fn concerning_member(desk: &Inputs<'_>, event: &Event<MemberRef>, parties: &References<'_>) -> Verdict {
    let member = parties.subject.and_then(|party| party.known());
    let Some(program) = desk.program else { return refused(Refusal::NoProgram, None, member) };
    let no = |refusal, member| refused(refusal, Some(program), member);
    if event.occurred_at > desk.at.plus_ms(program.future_ms) {
        return no(Refusal::InTheFuture, member);
    }
    let Some(subject) = parties.subject else { return no(Refusal::MemberUnknown, None) };
    if member.is_none() && subject.no.0 > MEMBERS_MAX {
        return no(Refusal::LedgerFull, None);
    }
    if let Some(refusal) = member.and_then(|member| membership::forbids(member, &event.body)) {
        return no(refusal, member);
    }
    let mut draft = Draft::new(desk, program, subject, event.occurred_at);
    if event.is_history() {
        draft.tell_as_history();
    }
    let said = judge(&mut draft, event, parties).and_then(|()| {
        follow(&mut draft, Asker::Event, Some(event));
        draft.check()
    });
    match said {
        Ok(()) => draft.verdict(),
        Err(Refusal::RiskDenied) => draft.denied_verdict(),
        Err(refusal) => Verdict { trace: draft.shortfall().into_iter().collect(), ..no(refusal, member) },
    }
}

/// Which feature judges what.
fn judge<'a>(draft: &mut Draft<'a>, event: &'a Event<MemberRef>, parties: &References<'a>) -> Result<(), Refusal> {
    let other = parties.other;
    match &event.body {
        Body::Enrolled(said) => membership::enroll(draft, event, said),
        Body::AttributesSet(said) => membership::set_attributes(draft, event, said),
        Body::Purchase(said) => {
            let known = returns::found(draft, parties).is_some();
            earning::purchase(draft, event, said, known)?;
            returns::resume_deferred(draft, event, said, parties.deferred);
            Ok(())
        }
        Body::Cancelled(said) => returns::cancel(draft, event, said, parties),
        Body::Refunded(said) => returns::refund(draft, event, said, parties),
        Body::Settled(said) => returns::settle(draft, event, said, parties),
        Body::CheckIn(..) | Body::Action(..) => earning::only_earn(draft, event),
        Body::Referral(..) => earning::refer(draft, event, other),
        Body::RefundReversed(said) => returns::reverse(draft, event, said, parties),
        Body::RedeemRefunded(said) => redemption::give_back(draft, event, said, parties),
        Body::Redeem(..) | Body::Hold(..) | Body::Capture(..) => spend(draft, event, parties),
        Body::HoldExtended(said) => spending::extend(draft, event, said),
        Body::Void(said) => spending::void(draft, event, said),
        Body::Transfer(said) => transfer::transfer(draft, event, said, other),
        Body::Opened(said) => opening::open(draft, event, said),
        Body::Reinstated(said) => expiry::reinstate(draft, event, said),
        Body::Extended(said) => expiry::extend_expiry(draft, event, said),
        Body::Credit(..) | Body::Debit(..) => approvals::by_hand(draft, event, parties.deferred),
        Body::Approved(said) => approvals::approve(draft, event, said, parties.record),
        Body::Withdrawn(said) => approvals::withdraw(draft, event, said, parties.record),
        Body::Donate(said) => funds::donate(draft, event, said),
        Body::Frozen(said) => membership::freeze(draft, event, said),
        Body::Unfrozen(said) => membership::unfreeze(draft, event, said),
        Body::Closed(..) => membership::close(draft, event),
        Body::AliasLinked(said) => membership::link(draft, event, said),
        Body::AliasUnlinked(said) => membership::unlink(draft, event, said),
        Body::Merged(..) => merge::merge(draft, event, other),
        Body::Unmerged(..) => merge::unmerge(draft, event, other, parties.merge),
        Body::HouseholdJoined(..) => household::join(draft, event, other),
        Body::HouseholdLeft(event::HouseholdLeft) => household::leave(draft, event),
        Body::ExchangeOut(said) => exchange::exchange_out(draft, event, said),
        Body::ExchangeIn(said) => exchange::exchange_in(draft, event, said),
        Body::ExchangeSettled(said) => exchange::settle(draft, event, said),
        Body::CaseResolved(..) | Body::ProgramPublished(..) | Body::Tick(..) => Ok(()),
    }
}

/// A command that spends points or sets them aside, and what waited for it.
fn spend(draft: &mut Draft<'_>, event: &Event<MemberRef>, parties: &References<'_>) -> Result<(), Refusal> {
    match &event.body {
        Body::Redeem(said) => spending::redeem(draft, event, said)?,
        Body::Capture(said) => spending::capture(draft, event, said)?,
        Body::Hold(said) => {
            spending::hold(draft, event, said)?;
            spending::resume_deferred(draft, &said.hold, parties.deferred);
        }
        _ => {}
    }
    redemption::resume_deferred(draft, event, parties.deferred);
    Ok(())
}

/// A control: close a risk case. Told before the event that opens it, it waits for that.
fn find_case(desk: &Inputs<'_>, said: &event::CaseResolved, case: Option<Position>) -> Result<Verdict, Refusal> {
    if let Some(case) = case {
        return resolve(desk, case, said.finding);
    }
    let name = said.case.short(desk.hiding.key).ok_or(Refusal::CaseUnknown)?;
    waiting::overtake_of_nobody(desk, desk.program.ok_or(Refusal::NoProgram)?, name)
}

/// Closes a risk case. What its members have in review is free, or void; the case names each of them.
pub(crate) fn resolve(desk: &Inputs<'_>, position: Position, finding: Finding) -> Result<Verdict, Refusal> {
    let case = desk.state.cases.get(&position).ok_or(Refusal::CaseUnknown)?;
    if case.finding.is_some() {
        return Err(Refusal::CaseClosed);
    }
    let program = desk.program.ok_or(Refusal::NoProgram)?;
    let mut verdict = Verdict::default();
    for no in &case.opened.members {
        let Some(member) = desk.state.member(*no) else { continue };
        let mut draft = Draft::new(desk, program, Subject::new(*no, member, None), desk.at);
        draft.write_into(&mut verdict, |draft| {
            draft.look_at_cases(Some(position));
            risk::end_review(draft, position, finding);
            follow(draft, Asker::Moved, None);
        });
    }
    if verdict.postings.len() > SLICES_MAX {
        return Err(Refusal::TooManyLots);
    }
    fit(desk.state, &verdict)?;
    let members = case.opened.members.clone();
    verdict.changes.push(Change::CaseClosed(change::CaseClosed { case: position, finding, members }));
    verdict.available = Points::ZERO;
    Ok(verdict)
}
