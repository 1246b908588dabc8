//! Judge: one event in, its records out.
//!
//! The order of things, in one place: what is due for the members concerned happens first, as records
//! of its own; then names become numbers, the purchase an event speaks of is fetched, `decide` judges,
//! `fold` carries out, and the record is appended. The store and the scenarios share this file; what
//! they keep differently (names, the log) is a [`LogAccess`].

use crate::decide::{decide, decide_timer};
use crate::features::risk::change::CaseOpened;
use crate::kernel::lots::Lot;
use crate::kernel::normal::normal;
use crate::kernel::refusal::Refusal;
use crate::kernel::sealed::Hiding;
use crate::kernel::units::{At, MemberNo, Position, RiskKey, StaffNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::desk::{Inputs, Purchase, Redemption, References, Refund, Subject};
use crate::tables::event::{Body, Event, MemberRef, Name};
use crate::tables::fold::{Corrupt, fold};
use crate::tables::member::{Member, Next};
use crate::tables::program::PreparedProgram;
use crate::tables::record::{CausePart, Record, Timer, Verdict, VerdictPart, Why};
use crate::tables::state::State;
use alloc::vec::Vec;
use core::cmp::Reverse;

mod aside;
mod found;
mod programs;
mod projected;
mod resolved;
mod waits;

pub use self::aside::{Failed, set_aside};
pub use self::found::named;
pub use self::programs::{Programs, Unreadable};
pub use self::projected::projected_to;

use self::projected::TIMERS_MAX;
use aside::{event_without_newcomers, refused_as};
use found::{Rows, find_merge, find_parked, find_purchase, find_redemptions, find_refund, is_waiting, named_record};
use resolved::{Resolved, Staff};
use waits::{end_waits_of_nobody, resume_cases};

/// What the judge needs beside the state: names, old records, and somewhere to append.
pub trait LogAccess {
    /// Why old records cannot be read or new ones appended.
    type Error: From<Corrupt>;

    /// The member whose own name this is.
    fn member_no(&self, name: &str) -> Option<MemberNo>;

    /// The member for whom this name is an alias.
    fn alias(&self, name: &str) -> Option<MemberNo>;

    /// Who of the staff has this name.
    fn staff_no(&self, name: &str) -> Option<StaffNo>;

    /// A keyed hash of a name that is not a member's own.
    fn keyed_hash(&self, name: &str) -> RiskKey;

    /// How names are hidden.
    fn hiding(&self) -> Hiding<'_>;

    /// The record that first answered the event of this source and id, if there is one.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn answered(&self, source: &str, id: &str) -> Result<Option<Position>, Self::Error>;

    /// A record of this log.
    ///
    /// # Errors
    /// If the log cannot be read, or has no such record.
    fn record(&self, position: Position) -> Result<Record, Self::Error>;

    /// Appends a record; it is folded already.
    ///
    /// # Errors
    /// If it cannot be.
    fn append(&mut self, position: Position, record: Record) -> Result<(), Self::Error>;

    /// Judging this event failed, which is a bug: the state is of no more use. Whoever keeps a ledger going may record
    /// it as refused once the state is as it was before; see [`set_aside`].
    fn failed(&mut self, _: Failed) {}

    /// A program file that was read before its event is judged.
    fn prepared(&self, _: &str) -> Option<&PreparedProgram> {
        None
    }

    /// Whether nothing more is to be judged of a member, since something of it did not fold.
    fn is_held(&self, _: MemberNo) -> bool {
        false
    }
}

/// Judges an event at ledger time `at` (or the last record's, if that is later), folds and appends its
/// records, and answers where the event's own stands. `reused`: its id was used before with another body. What concerns
/// a member of which nothing more is to be judged is refused. None of `programs` may be [`Unreadable`].
///
/// # Errors
/// What the book answers; the state is then of no more use.
pub fn judge<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    event: Event<Name>,
    at: At,
    reused: bool,
) -> Result<Position, B::Error> {
    let at = at.max(state.shared.at);
    let may_join = event.body.kind().makes_member() && !programs.is_empty() && !reused;
    let free = state.members_len().saturating_add(1);
    let subject = Resolved::find(state, book, &event.member, may_join, free);
    let other = match event.body.other() {
        // Who is to stand for itself again is asked for, not whom it stands for.
        Some(name) if matches!(event.body, Body::Unmerged(..)) => Resolved::of(book, name),
        Some(name) if *name == event.member => subject,
        Some(name) => Resolved::find(state, book, name, may_join, free.saturating_add(u32::from(subject.is_new()))),
        None => Resolved::Nobody,
    };
    let mut seats = [subject, other].into_iter();
    let mut names: [Name; 2] = Default::default();
    let mut slots = names.iter_mut();
    // No timer makes a member or gives one another name: who sits where stays as it is.
    let mut staff = Staff::of(state);
    let who = |name: Name| {
        let who = seats.next().unwrap_or(Resolved::Nobody).who(book, &name);
        if let Some(slot) = slots.next() {
            *slot = name;
        }
        who
    };
    let mut event = event.map(who, |name| staff.number(book, name));
    let registered = staff.registered(book.hiding());
    let [subject_name, other_name] = &names;
    let seated = [(subject, &**subject_name), (other, &**other_name)];
    let is_held = seated.iter().any(|(seat, _)| seat.no().is_some_and(|no| book.is_held(no)));
    let refusal = match () {
        () if reused => Some(Refusal::IdReused),
        () if is_held => Some(Refusal::EventQuarantined),
        () => staff.is_full().then_some(Refusal::LedgerFull),
    };
    let mut verdict = if let Some(refusal) = refusal {
        refused_as(state, programs, subject, refusal)
    } else {
        let verdict = said_by(state, programs, book, &event, seated, at);
        verdict.inspect_err(|_| book.failed(Failed::of(book, event.clone(), seated, registered.clone())))?
    };
    verdict.changes.splice(0..0, registered.iter().cloned());
    if verdict.refusal.is_some() && (subject.is_new() || other.is_new()) {
        event = event_without_newcomers(book, event, seated);
    }
    let record = Record::said(at, programs.len(), event, verdict);
    let position = state.shared.position.next();
    if let Err(corrupt) = fold(state, position, &record) {
        if let CausePart::Event(event) = record.cause_part {
            book.failed(Failed::of(book, event, seated, registered));
        }
        return Err(corrupt.into());
    }
    let resumed = waits::met(state, book, &record)?;
    file(state, programs, book, position, record)?;
    resume_cases(state, programs, book, position, &resumed, at)?;
    Ok(position)
}

/// Fires what is due before the event, and judges it; again, if somebody it affects was not brought up to date.
fn said_by<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    event: &Event<MemberRef>,
    seated: [(Resolved, &str); 2],
    at: At,
) -> Result<Verdict, B::Error> {
    let [(subject, _), (other, _)] = seated;
    end_waits_of_nobody(state, programs, book, at)?;
    fire_before(state, programs, book, (event, subject, other), at)?;
    loop {
        let rows = seated.map(|(seat, _)| seat.no().and_then(|no| state.member(no)));
        let verdict = evaluate(state, programs, book, event, seated, rows, at)?;
        let late = behind(state, subject.no(), &verdict, at);
        if late.is_empty() {
            return Ok(verdict);
        }
        late.into_iter().try_for_each(|no| fire_member(state, programs, book, no, at))?;
    }
}

/// Fetches what the event speaks of and lets `decide` judge.
fn evaluate<B: LogAccess>(
    state: &State,
    programs: &Programs,
    book: &B,
    event: &Event<MemberRef>,
    seated: [(Resolved, &str); 2],
    rows: [Option<&Member>; 2],
    at: At,
) -> Result<Verdict, B::Error> {
    let ([subject, other], [row, other_row]) = (seated, rows);
    let named = Resolved::of(book, subject.1).no();
    let rows = row.map(|row| Rows::of(state, subject.0.no().unwrap_or(MemberNo::NOBODY), row, named));
    let rows = rows.unwrap_or_default();
    let record = named_record(state, book, &event.body)?;
    let refund = find_refund(book, &rows, &event.body, record)?;
    let found = find_purchase(book, &rows, &event.body, refund.as_ref().map(|(refund, _)| refund))?;
    let spent = find_redemptions(book, &rows, &event.body, record)?;
    let deferred = find_parked(book, &rows, event, at)?;
    let merge = find_merge(book, &rows, &event.body, other.0, found.as_ref().map(|(owner, ..)| *owner))?;
    let judged_by = found.as_ref().and_then(|(.., record)| programs.version(record.program));
    let purchase = match (&found, judged_by) {
        (Some((owner, known, record)), Some(program)) => {
            let owner = rows.merged(*owner);
            Some(Purchase { known: *known, record, program, owner })
        }
        _ => None,
    };
    let blank = Member::default();
    let party = |(seat, name): (Resolved, _), row: Option<_>| {
        let member = row.unwrap_or(&blank);
        Some(Subject::new(seat.no()?, member, seat.is_new().then_some(name)))
    };
    let (subject, other) = (party(subject, row), party(other, other_row));
    let redemptions = spent.iter().map(|(owner, known, record)| Redemption { owner: *owner, known: *known, record });
    let redemptions: Vec<Redemption<'_>> = redemptions.collect();
    let refund =
        refund.as_ref().zip(record).map(|((record, waiting), position)| Refund { position, record, waiting: *waiting });
    let program = programs.current().map(|program| &**program);
    let prepared = match &event.body {
        Body::ProgramPublished(said) => book.prepared(&said.text),
        _ => None,
    };
    let desk = Inputs { state, program, position: state.shared.position.next(), at, prepared, hiding: book.hiding() };
    let parties = References {
        subject,
        other,
        purchase,
        record,
        is_waiting: record.is_some_and(|record| is_waiting(&rows, record)),
        redemptions: &redemptions,
        refund,
        deferred: &deferred,
        merge: merge.as_ref(),
    };
    Ok(decide(&desk, event, &parties))
}

/// What would come of a command now, if it were said: nothing is recorded, and everything due by then has
/// happened.
///
/// # Errors
/// What the book answers.
pub fn preview<B: LogAccess>(
    state: &State,
    programs: &Programs,
    book: &B,
    event: Event<Name>,
    at: At,
) -> Result<Verdict, B::Error> {
    let at = at.max(state.shared.at);
    let subject = Resolved::find(state, book, &event.member, false, 0);
    let program = programs.current().map(|program| &**program);
    let now = |seat: Resolved| {
        let no = seat.no()?;
        Some(projected_to(state, program, no, state.member(no)?, at))
    };
    let row = now(subject);
    let mut staff = Staff::of(state);
    let event = event
        .map(|name| Resolved::find(state, book, &name, false, 0).who(book, &name), |name| staff.number(book, name));
    let mut verdict =
        evaluate(state, programs, book, &event, [(subject, ""), (Resolved::Nobody, "")], [row.as_ref(), None], at)?;
    // Nothing is folded from it: lots may as well say when they die.
    for posting in &mut verdict.postings {
        let lot = Lot { expires_at: posting.expires_at, id: posting.lot, left: posting.points };
        let purse = row.as_ref().map(|row| row.purses.of(posting.wallet));
        posting.expires_at = purse.map_or(posting.expires_at, |purse| purse.dies_at(&lot));
    }
    Ok(verdict)
}

/// Members whom the verdict draws into a case, or whose points it moves beside the subject's, while something is still
/// due for them from before.
fn behind(state: &State, subject: Option<MemberNo>, verdict: &Verdict, at: At) -> Vec<MemberNo> {
    let drawn = verdict.changes.iter().flat_map(|change| match change {
        Change::CaseOpened(CaseOpened { members, .. }) | Change::CaseJoined(change::CaseJoined { members, .. }) => {
            members.as_slice()
        }
        _ => &[],
    });
    let moved = verdict.postings.iter().map(|posting| posting.member).filter(|no| Some(*no) != subject);
    let is_late = |no: &MemberNo| state.member(*no).is_some_and(|member| member.next_due.at <= at);
    drawn.copied().chain(moved).filter(is_late).collect()
}

/// Fires everything due at or before `at`, in order of time, then of [`Timer`], then of members.
///
/// # Errors
/// As [`judge`].
pub fn fire_due<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    at: At,
) -> Result<(), B::Error> {
    while fire_some(state, programs, book, at, usize::MAX)? {}
    Ok(())
}

/// Fires some of what is due at or before `at`, the first first: timers of so many members, or one more. Answers
/// whether there is more. Whatever is judged in between finds its members up to date, as ever.
///
/// # Errors
/// As [`judge`].
pub fn fire_some<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    at: At,
    most: usize,
) -> Result<bool, B::Error> {
    let at = at.max(state.shared.at);
    end_waits_of_nobody(state, programs, book, at)?;
    let mut later = Vec::new();
    for no in state.take_due(at) {
        match state.member(no).map(|member| member.next_due) {
            _ if book.is_held(no) => {}
            Some(next) if next.at <= at => state.firing.push(Reverse((next, no))),
            Some(_) => later.push(no),
            None => {}
        }
    }
    later.into_iter().for_each(|no| state.schedule(no));
    for _ in 0..most {
        let Some(Reverse((next, no))) = state.firing.pop() else { return Ok(false) };
        if book.is_held(no) || state.member(no).is_none_or(|member| member.next_due != next) {
            continue;
        }
        fire_one(state, programs, book, no, next, at)?;
        match state.member(no).map(|member| member.next_due) {
            Some(next) if next.at <= at => state.firing.push(Reverse((next, no))),
            _ => state.schedule(no),
        }
    }
    Ok(!state.firing.is_empty())
}

/// The member of this name, be it its own or an alias.
pub fn find<B: LogAccess>(book: &B, name: &str) -> Option<MemberNo> {
    let name = &*normal(name);
    book.member_no(name).or_else(|| book.alias(name))
}

/// Fires what is due for the members an event concerns, as far as they are known before it is judged.
fn fire_before<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    (event, subject, other): (&Event<MemberRef>, Resolved, Resolved),
    at: At,
) -> Result<(), B::Error> {
    let body = &event.body;
    match body {
        // What is due before a program is published is judged by the one before.
        Body::Tick(..) | Body::ProgramPublished(..) => fire_due(state, programs, book, at),
        Body::CaseResolved(..) => match named_record(state, book, body)? {
            Some(case) => fire_case(state, programs, book, case, at),
            None => Ok(()),
        },
        body => {
            if let Some(item_request) = body.item_request() {
                fire_holds_of(state, programs, book, &item_request.item, at)?;
            }
            let is_touched = matches!(body, Body::Transfer(..) | Body::Merged(..));
            let recipient = other.no().filter(|_| is_touched);
            // Its household gets its share, or gives it back, as it stands by now.
            let home = subject.no().and_then(|no| state.member(no)).and_then(Member::household);
            let concerned = subject.no().into_iter().chain(recipient).chain(home);
            concerned.into_iter().try_for_each(|no| fire_member(state, programs, book, no, at))
        }
    }
}

/// Fires what is due for the members of a case.
fn fire_case<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    case: Position,
    at: At,
) -> Result<(), B::Error> {
    let members = state.cases.get(&case).map(|case| case.opened.members.clone()).unwrap_or_default();
    members.into_iter().try_for_each(|no| fire_member(state, programs, book, no, at))
}

/// Fires what is due for whoever held pieces of an item until now: they can be had again.
fn fire_holds_of<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    item: &str,
    at: At,
) -> Result<(), B::Error> {
    let items = programs.current().map(|program| program.items.as_slice()).unwrap_or_default();
    let Some(item) = items.iter().find(|one| state.term(one.id) == item).map(|one| one.id) else { return Ok(()) };
    state.take_pieces_over(item, at).into_iter().try_for_each(|no| fire_member(state, programs, book, no, at))
}

fn fire_member<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    no: MemberNo,
    at: At,
) -> Result<(), B::Error> {
    for _ in 0..TIMERS_MAX {
        match state.member(no).map(|member| member.next_due) {
            Some(next) if next.at <= at => fire_one(state, programs, book, no, next, at)?,
            _ => return Ok(()),
        }
    }
    Err(Corrupt::Fold { position: state.shared.position, member: no, what: "timers without end" }.into())
}

fn fire_one<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    no: MemberNo,
    Next { at: due, timer }: Next,
    at: At,
) -> Result<(), B::Error> {
    let Some(member) = state.member(no) else { return Ok(()) };
    let program = programs.current().cloned();
    let (program, position) = (program.as_deref(), state.shared.position.next());
    let desk = Inputs { state, program, position, at, prepared: None, hiding: book.hiding() };
    let verdict: Verdict = decide_timer(&desk, Subject::new(no, member, None), due, timer);
    // So many lots may be due at once that they take several records.
    let more = matches!(timer, Timer::Activation | Timer::Expiry) && !verdict.postings.is_empty();
    append(state, programs, book, at, (Why::Timer { member: no, due, timer }, CausePart::None), verdict)?;
    let stuck = state.member(no).is_some_and(|member| member.next_due == Next { at: due, timer });
    if stuck && !more {
        return Err(
            Corrupt::Fold { position: state.shared.position, member: no, what: "a timer fires for ever" }.into()
        );
    }
    Ok(())
}

fn append<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    at: At,
    (why, cause_part): (Why, CausePart),
    verdict: Verdict,
) -> Result<Position, B::Error> {
    let position = state.shared.position.next();
    let verdict_part = VerdictPart { at, program: programs.len(), why, verdict };
    let record = Record { verdict_part, cause_part };
    fold(state, position, &record)?;
    file(state, programs, book, position, record)
}

/// Puts a record that is folded into the log.
fn file<B: LogAccess>(
    state: &State,
    programs: &mut Programs,
    book: &mut B,
    position: Position,
    record: Record,
) -> Result<Position, B::Error> {
    book.append(position, record)?;
    if state.programs.len() > usize::try_from(programs.len()).unwrap_or(usize::MAX) {
        let broken = Corrupt::Fold { position, member: MemberNo::NOBODY, what: "a published program has faults" };
        programs.take_over(state, state.programs.last().and_then(|row| book.prepared(&row.text)));
        programs.catch_up(state).map_err(|_| broken)?;
    }
    Ok(position)
}
