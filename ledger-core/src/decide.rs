//! Decide: every rule of the ledger, and nothing else.
//!
//! A decision reads a program, the state and one event, and answers with a [`Verdict`]. Refusals come
//! first, most fundamental first; from the line that calls `observe` on, the event succeeds. Nothing
//! here changes state, asks a clock or can fail: `fold` does what the verdict says.
//!
//! The neighbours: `earn` (what facts give), `basket` (what rules ask of an event) and `kept` (what is left of it),
//! `refund` (what refunds take back), `redeem` (what redemptions must keep to, and giving them back), `item` (what they
//! are for), `spend` (redeem, hold, capture), `convert` (stamps into cups), `household` (what members share), `approve`
//! (by hand, and how many must agree), `transfer` (from member to member, and from other systems), `fund` (to good
//! causes), `exchange` (with partners), `merge` (two members that are one), `pending` (points that wait), `expiry` (how
//! points die), `tier` (standing), `risk` (counters and cases), `life` (freeze, close, aliases), `timer` (what happens
//! by itself), `limit` (at most how much), `visit` (split purchases that are one), `explain` (why, asked afterwards).

use crate::tables::change;
use crate::tables::draft::Desk;
use crate::tables::draft::Draft;
use crate::tables::draft::Parties;
use crate::tables::draft::Party;

use crate::kernel::lots::SLICES_MAX;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Points, Position, TermNo};
use crate::tables::change::Change;
use crate::tables::event::{self, Body, Event, Finding, Who};
use crate::tables::member::Member;
use crate::tables::program::Program;
use crate::tables::record::{Timer, Verdict};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Largest balance of a member, and largest total of a ledger, in points: 10^18.
pub const BALANCE_MAX: i64 = 1_000_000_000_000_000_000;
/// Most members of one ledger.
pub const MEMBERS_MAX: u32 = 1 << 31;

/// Judges one event.
pub fn decide(desk: &Desk<'_>, event: &Event<Who>, parties: &Parties<'_>) -> Verdict {
    match &event.body {
        Body::ProgramPublished(event::ProgramPublished { text }) => publish(desk, text),
        Body::Tick(..) => Verdict::default(),
        Body::CaseResolved(event::CaseResolved { case, finding, .. }) => resolve(desk, *case, *finding),
        _ => concerning_member(desk, event, parties),
    }
}

/// Judges what is due by itself for one member.
pub fn decide_timer(desk: &Desk<'_>, party: Party<'_>, due: At, timer: Timer) -> Verdict {
    match desk.program {
        Some(program) => crate::timers::fire(Draft::new(desk, program, party, due), due, timer),
        None => Verdict::default(),
    }
}

/// The verdict of an event whose id was used before with another body.
pub fn id_reused(program: Option<&Program>, subject: Option<&Member>) -> Verdict {
    refused(Refusal::IdReused, program, subject)
}

fn refused(refusal: Refusal, program: Option<&Program>, subject: Option<&Member>) -> Verdict {
    let wallet = program.map_or(TermNo::NONE, |program| program.wallet.id);
    let available = subject.map_or(Points::ZERO, |member| member.available(wallet));
    Verdict { refusal: Some(refusal), wallet, available, ..Verdict::default() }
}

fn concerning_member(desk: &Desk<'_>, event: &Event<Who>, parties: &Parties<'_>) -> Verdict {
    let member = parties.subject.filter(|party| party.newcomer.is_none()).map(|party| party.member);
    let Some(program) = desk.program else { return refused(Refusal::NoProgram, None, member) };
    let no = |refusal, member| refused(refusal, Some(program), member);
    if event.occurred_at > desk.at.plus_ms(program.future_ms) {
        return no(Refusal::InTheFuture, member);
    }
    let Some(subject) = parties.subject else { return no(Refusal::MemberUnknown, None) };
    if subject.newcomer.is_some() && subject.no.0 > MEMBERS_MAX {
        return no(Refusal::LedgerFull, None);
    }
    if let Some(refusal) = crate::features::membership::rules::forbids(subject.member, &event.body) {
        return no(refusal, member);
    }
    let mut draft = Draft::new(desk, program, subject, event.occurred_at);
    match draft.body(event, parties).and_then(|()| draft.finish(event)) {
        Ok(()) => draft.verdict,
        Err(Refusal::RiskDenied) => draft.denied_verdict(),
        Err(refusal) => Verdict { trace: draft.lacking.into_iter().collect(), ..no(refusal, member) },
    }
}

fn publish(desk: &Desk<'_>, text: &str) -> Verdict {
    let mut terms = desk.state.shared.terms.clone();
    let known = terms.len();
    let Ok(program) = Program::read(text, &mut terms) else {
        return refused(Refusal::ProgramInvalid, None, None);
    };
    if desk.program.is_some_and(|current| !program.follows(current)) {
        return refused(Refusal::ProgramInvalid, None, None);
    }
    let mut verdict = Verdict::default();
    let new: Vec<Box<str>> = terms.get(known..).unwrap_or_default().to_vec();
    if !new.is_empty() {
        verdict.changes.push(Change::TermsAdded(change::TermsAdded { terms: new }));
    }
    verdict.changes.push(Change::ProgramSet(change::ProgramSet));
    verdict
}

fn resolve(desk: &Desk<'_>, position: Position, finding: Finding) -> Verdict {
    let Some(case) = desk.state.cases.get(&position) else { return refused(Refusal::CaseUnknown, None, None) };
    if case.finding.is_some() {
        return refused(Refusal::CaseClosed, None, None);
    }
    let Some(program) = desk.program else { return refused(Refusal::NoProgram, None, None) };
    let mut verdict = Verdict::default();
    for no in &case.opened.members {
        let Some(member) = desk.state.member(*no) else { continue };
        let mut draft = Draft::new(desk, program, Party { no: *no, member, newcomer: None }, desk.at);
        core::mem::swap(&mut draft.verdict, &mut verdict);
        draft.look_at_cases(Some(position));
        draft.end_review(position, finding);
        draft.settle();
        core::mem::swap(&mut draft.verdict, &mut verdict);
    }
    if verdict.postings.len() > SLICES_MAX {
        return refused(Refusal::TooManyLots, None, None);
    }
    verdict.changes.push(Change::CaseClosed(change::CaseClosed {
        case: position,
        finding,
        members: case.opened.members.clone(),
    }));
    verdict.available = Points::ZERO;
    verdict
}
