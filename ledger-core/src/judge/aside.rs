//! Aside: what is refused without being judged, and who is told of in it.

use crate::decide::refused;
use crate::judge::{LogAccess, Programs, Resolved, append};
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Position};
use crate::tables::change::Change;
use crate::tables::event::{Event, MemberRef};
use crate::tables::record::{CausePart, Verdict, Why};
use crate::tables::state::State;
use alloc::vec::Vec;

/// An event of which judging failed, as it is recorded once the state is as it was before.
#[derive(Clone, Debug)]
pub struct Failed {
    event: Event<MemberRef>,
    /// Who of the staff is new by it.
    registered: Vec<Change>,
}

impl Failed {
    pub(super) fn of<B: LogAccess>(
        book: &B,
        event: Event<MemberRef>,
        seated: [(Resolved, &str); 2],
        registered: Vec<Change>,
    ) -> Failed {
        Failed { event: event_without_newcomers(book, event, seated), registered }
    }
}

/// Records that an event was set aside: judging it failed, and the state is as it was before.
///
/// # Errors
/// As [`judge`](crate::judge::judge).
pub fn set_aside<B: LogAccess>(
    state: &mut State,
    programs: &mut Programs,
    book: &mut B,
    Failed { event, registered }: Failed,
    at: At,
) -> Result<Position, B::Error> {
    let at = at.max(state.shared.at);
    let subject = event.member.no().map_or(Resolved::Nobody, Resolved::Member);
    let mut verdict = refused_as(state, programs, subject, Refusal::EventQuarantined);
    verdict.changes = registered;
    append(state, programs, book, at, (Why::of(&event), CausePart::Event(event)), verdict)
}

/// The verdict of what is refused without being judged.
pub(super) fn refused_as(state: &State, programs: &Programs, subject: Resolved, refusal: Refusal) -> Verdict {
    let program = programs.current().map(|program| &**program);
    refused(refusal, program, subject.no().and_then(|no| state.member(no)))
}

/// Whoever was to become a member by an event did not.
pub(super) fn event_without_newcomers<B: LogAccess>(
    book: &B,
    event: Event<MemberRef>,
    seated: [(Resolved, &str); 2],
) -> Event<MemberRef> {
    let mut stay = seated.into_iter();
    let who = |who| match stay.next() {
        Some((Resolved::Newcomer(_), name)) => MemberRef::Unknown(book.keyed_hash(name)),
        _ => who,
    };
    event.map(who, |staff| staff)
}
