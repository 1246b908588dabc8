//! Waits: what is of no member and waits for what it speaks of: what was found out about a case, before the case.

use crate::decide::resolve;
use crate::features::waiting::due::first;
use crate::features::waiting::rules::lapse_of_nobody;
use crate::judge::{LogAccess, Programs, append, fire_case, found};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, MemberNo, Position};
use crate::tables::change::{self, Change};
use crate::tables::desk::Inputs;
use crate::tables::event::{Body, Event, Finding};
use crate::tables::record::{Cause, CausePart, Record, Timer, Verdict, Why};
use crate::tables::state::State;
use alloc::vec::Vec;

/// What never came is waited for no more.
pub(super) fn end_waits_of_nobody<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    at: At,
) -> Result<(), B::Error> {
    while let Some(due) = first(&state.shared.waiting).filter(|until| *until <= at) {
        let verdict = lapse_of_nobody(&state.shared.waiting, due);
        let why = Why::Timer { member: MemberNo::NOBODY, due, timer: Timer::WaitOver };
        append(state, programs, book, at, (why, CausePart::None), verdict)?;
    }
    Ok(())
}

/// What waited for the event of a record, oldest first, and what it found.
pub(super) fn met<B: LogAccess>(
    state: &State,
    book: &B,
    record: &Record,
) -> Result<Vec<(Position, Finding)>, B::Error> {
    let Cause::Event(event) = record.cause() else { return Ok(Vec::new()) };
    let was_judged = !matches!(record.verdict.refusal, Some(Refusal::IdReused | Refusal::EventQuarantined));
    if state.shared.waiting.is_empty() || !was_judged {
        return Ok(Vec::new());
    }
    let name = book.hiding().key.short_event(&event.source, &event.id);
    let mut met = Vec::new();
    for waiting in state.shared.waiting.iter().filter(|waiting| waiting.name == name) {
        let late = book.record(waiting.position)?;
        if let Cause::Event(Event { body: Body::CaseResolved(said), .. }) = late.cause()
            && said.case.as_event().is_some_and(|case| case.is(&event.source, &event.id))
        {
            met.push((waiting.position, said.finding));
        }
    }
    Ok(met)
}

/// What waited for the event of the record at `position`, each in a record of its own right behind it: it concerns all
/// members of a case.
pub(super) fn resume_cases<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    position: Position,
    met: &[(Position, Finding)],
    at: At,
) -> Result<(), B::Error> {
    for (event, finding) in met {
        let case = found::case_of(state, book, position)?;
        if let Some(case) = case {
            fire_case(state, programs, book, case, at)?;
        }
        let program = programs.current().cloned();
        let desk = Inputs {
            state,
            program: program.as_deref(),
            position: state.shared.position.next(),
            at,
            prepared: None,
            hiding: book.hiding(),
        };
        let resolved = case.ok_or(Refusal::CaseUnknown).and_then(|case| resolve(&desk, case, *finding));
        let (mut verdict, refusal) = match resolved {
            Ok(verdict) => (verdict, None),
            Err(refusal) => (Verdict::default(), Some(refusal)),
        };
        let (member, event) = (MemberNo::NOBODY, *event);
        verdict.changes.push(Change::DeferredApplied(change::DeferredApplied { member, event, refusal }));
        let why = Why::Timer { member, due: at, timer: Timer::Resumption };
        append(state, programs, book, at, (why, CausePart::None), verdict)?;
    }
    Ok(())
}
