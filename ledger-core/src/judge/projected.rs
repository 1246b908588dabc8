//! Projected: a member as it stands at an instant, with what is due by then and not recorded.

use crate::decide::decide_timer;
use crate::kernel::sealed::Hiding;
use crate::kernel::units::{At, MemberNo, Position};
use crate::tables::desk::{Inputs, Subject};
use crate::tables::fold::fold_member;
use crate::tables::member::Member;
use crate::tables::program::Program;
use crate::tables::record::{VerdictPart, Why};
use crate::tables::state::State;

/// Most timers that one member may have at one call; more is a bug that would loop for ever.
pub(super) const TIMERS_MAX: usize = 1_000_000;

/// The member as it stands at `at`: everything due by then has happened, though nothing is recorded.
/// Position, version and history stay those of the row.
pub fn projected_to(state: &State, program: Option<&Program>, no: MemberNo, member: &Member, at: At) -> Member {
    let mut member = member.clone();
    let Some(program) = program else { return member };
    let (position, records, history) = (member.position, member.records, member.history.clone());
    for _ in 0..TIMERS_MAX {
        let next = member.next_due;
        if next.at > at {
            break;
        }
        // Lots made here are never spent: their number only has to differ from all others.
        let desk = Inputs {
            state,
            program: Some(program),
            position: Position::UNRECORDED,
            at,
            prepared: None,
            hiding: Hiding::NOTHING,
        };
        let verdict = decide_timer(&desk, Subject::new(no, &member, None), next.at, next.timer);
        let idle = verdict.postings.is_empty() && verdict.changes.is_empty();
        let why = Why::Timer { member: no, due: next.at, timer: next.timer };
        let record = VerdictPart { at, program: 0, why, verdict };
        // A timer that does nothing would fire for ever: the row is damaged.
        if idle || fold_member(&mut member, no, position, &record).is_err() {
            break;
        }
    }
    (member.position, member.records, member.history) = (position, records, history);
    member
}
