//! Commands that were told before what they speak of, as sources may overtake each other.

use crate::features::risk::rules as risk;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, MemberNo, Points};
use crate::tables::change::{self, Change};
use crate::tables::desk::Inputs;
use crate::tables::draft::Draft;
use crate::tables::event::{Event, MemberRef};
use crate::tables::member::{Deferred, OVERTAKEN_MAX};
use crate::tables::program::Program;
use crate::tables::record::{Record, Verdict};

/// A command of a member waits for what has this short name.
pub(crate) fn overtake(draft: &mut Draft<'_>, event: &Event<MemberRef>, name: u64) -> Result<(), Refusal> {
    let waiting = draft.member().returns.as_ref().map_or(0, |returns| returns.overtaken.len());
    if waiting >= OVERTAKEN_MAX {
        return Err(Refusal::MemberLimitReached);
    }
    risk::observe(draft, event, Points::ZERO)?;
    let (member, day, until) = (draft.no(), draft.today(), until(draft.program(), draft.at()));
    draft.change(Change::Overtook(change::Overtook { member, name, day, until }));
    Ok(())
}

/// A command that is of no member waits.
pub(crate) fn overtake_of_nobody(desk: &Inputs<'_>, program: &Program, name: u64) -> Result<Verdict, Refusal> {
    if desk.state.shared.waiting.len() >= OVERTAKEN_MAX {
        return Err(Refusal::LedgerFull);
    }
    let (day, until) = (program.calendar.day_of(desk.at), until(program, desk.at));
    let overtook = change::Overtook { member: MemberNo::NOBODY, name, day, until };
    Ok(Verdict { changes: [Change::Overtook(overtook)].into(), ..Verdict::default() })
}

/// The first instant at which what comes now waits no more.
fn until(program: &Program, at: At) -> At {
    program.calendar.start_of(program.calendar.day_of(at).plus(program.wait_days.saturating_add(1)))
}

/// What waited, as if it had come right behind what this record says: if it is refused then, the record says why.
pub(crate) fn resume<'a>(
    draft: &mut Draft<'a>,
    (whose, waiting): (MemberNo, &Deferred),
    catch_up: impl FnOnce(&mut Draft<'a>) -> Result<(), Refusal>,
) {
    let refusal = draft.attempt(catch_up);
    draft.lend_to_no(whose, |owner| end(owner, waiting, refusal));
}

/// What waited waits no more.
pub(crate) fn end(draft: &mut Draft<'_>, waiting: &Deferred, refusal: Option<Refusal>) {
    let (member, event) = (draft.no(), waiting.position);
    draft.change(Change::DeferredApplied(change::DeferredApplied { member, event, refusal }));
}

/// What never came is waited for no more.
pub(crate) fn lapse(draft: &mut Draft<'_>, due: At) {
    let Some(returns) = &draft.member().returns else { return };
    for waiting in returns.waiting().filter(|waiting| waiting.until <= due) {
        end(draft, waiting, Some(Refusal::NeverCame));
    }
}

/// The same of what is of no member.
pub(crate) fn lapse_of_nobody(waiting: &[Deferred], due: At) -> Verdict {
    let over = waiting.iter().filter(|waiting| waiting.until <= due);
    let ended = |waiting: &Deferred| {
        let (member, event, refusal) = (MemberNo::NOBODY, waiting.position, Some(Refusal::NeverCame));
        Change::DeferredApplied(change::DeferredApplied { member, event, refusal })
    };
    Verdict { changes: over.map(ended).collect(), ..Verdict::default() }
}

/// What was told before the event of this record, with its record.
pub(crate) type Waited = (MemberNo, Deferred, Record);
