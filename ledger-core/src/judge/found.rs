//! Found: what an event speaks of besides members, fetched for the decision.

use crate::features::spending::redemption::of_capture;
use crate::judge::{LogAccess, Resolved};
use crate::kernel::names::{Found, RecordRef};
use crate::kernel::units::{At, MemberNo, Position};
use crate::tables::change::{self, Change};
use crate::tables::desk::Subject;
use crate::tables::event::{self, Body, Event, MemberRef, SpentRef};
use crate::tables::member::{Deferred, Member, PurchaseRef, RedemptionRef};
use crate::tables::record::{Cause, Record};
use crate::tables::state::State;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// The rows of a member: its own, and those of the members merged into it, which are nearly always none.
#[derive(Default)]
pub(super) struct Rows<'a> {
    own: Option<(MemberNo, &'a Member)>,
    merged: Vec<(MemberNo, &'a Member)>,
    /// Whose name was said: one of these.
    named: Option<MemberNo>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(state: &'a State, no: MemberNo, row: &'a Member, named: Option<MemberNo>) -> Rows<'a> {
        let merged = row.absorbed().iter().filter_map(|one| Some((one.member, state.member(one.member)?)));
        Rows { own: Some((no, row)), merged: merged.collect(), named }
    }

    /// All of them, first the one whose name was said: the numbers of its orders are its own.
    fn named_first(&self) -> impl Iterator<Item = (MemberNo, &'a Member)> {
        let is_named = |(no, _): &(MemberNo, _)| Some(*no) == self.named;
        self.iter().filter(is_named).chain(self.iter().filter(move |row| !is_named(row)))
    }

    /// Those in which a purchase that is said by this name may be known already.
    fn own_and_named(&self) -> impl Iterator<Item = (MemberNo, &'a Member)> {
        let is_own = |no: MemberNo| self.own.is_some_and(|(own, _)| own == no);
        self.named_first().filter(move |(no, _)| is_own(*no) || Some(*no) == self.named)
    }

    fn iter(&self) -> impl Iterator<Item = (MemberNo, &'a Member)> {
        self.own.into_iter().chain(self.merged.iter().copied())
    }

    /// One of the members merged into it, as a party.
    pub(super) fn merged(&self, no: MemberNo) -> Option<Subject<'a>> {
        let found = self.merged.iter().find(|(other, _)| *other == no);
        found.map(|(no, member)| Subject::new(*no, member, None))
    }
}

/// The most redemptions that are looked at for one order or hold: the last ones.
const SPENT_FOR_MAX: usize = 64;

/// A refund or cancellation, and whose row it waits in for its purchase, if it does.
type FoundRefund = (Record, Option<(MemberNo, Deferred)>);

/// The record that what is said speaks of, if it names one by position or by its event.
fn spoken_of(body: &Body<MemberRef>) -> Option<&RecordRef> {
    match body {
        Body::RedeemRefunded(event::RedeemRefunded { redemption: SpentRef::Record(record), .. })
        | Body::Approved(event::Approved { proposal: record, .. })
        | Body::Withdrawn(event::Withdrawn { proposal: record, .. })
        | Body::CaseResolved(event::CaseResolved { case: record, .. })
        | Body::RefundReversed(event::RefundReversed { refund: record, .. }) => Some(record),
        _ => None,
    }
}

/// The record that the event of a record names, if it names one and that is there.
///
/// # Errors
/// If the log cannot be read.
pub fn named<B: LogAccess>(book: &B, record: &Record) -> Result<Option<Position>, B::Error> {
    let Cause::Event(event) = record.cause() else { return Ok(None) };
    match spoken_of(&event.body) {
        Some(RecordRef::Position(position)) => Ok(Some(*position)),
        Some(RecordRef::Event(event)) => book.answered(&event.source, &event.id),
        None => Ok(None),
    }
}

/// The record that is named, if it is there; of a case, the one that opened it, which a member may have joined by the
/// event that is named.
pub(super) fn named_record<B: LogAccess>(
    state: &State,
    book: &B,
    body: &Body<MemberRef>,
) -> Result<Option<Position>, B::Error> {
    let there = Position(1)..=state.shared.position;
    let position = match spoken_of(body) {
        Some(RecordRef::Position(position)) => return Ok(Some(*position).filter(|position| there.contains(position))),
        Some(RecordRef::Event(event)) => book.answered(&event.source, &event.id)?,
        None => None,
    };
    match (position, body) {
        (Some(position), Body::CaseResolved(..)) => Ok(Some(case_of(state, book, position)?.unwrap_or(position))),
        (position, _) => Ok(position),
    }
}

/// The case that a record opened, or that somebody joined by it.
pub(super) fn case_of<B: LogAccess>(state: &State, book: &B, position: Position) -> Result<Option<Position>, B::Error> {
    if state.cases.contains_key(&position) {
        return Ok(Some(position));
    }
    let joined = |change: &Change| match change {
        Change::CaseJoined(change::CaseJoined { case, .. }) => Some(*case),
        _ => None,
    };
    Ok(book.record(position)?.verdict.changes.iter().find_map(joined))
}

/// Whether a record waits in these rows for what it speaks of.
pub(super) fn is_waiting(rows: &Rows<'_>, position: Position) -> bool {
    let waits = |member: &Member| member.waiting(At(i64::MIN)).any(|waiting| waiting.position == position);
    rows.iter().any(|(_, member)| waits(member))
}

/// The refund or cancellation at the position that is named, if it is one of these members'.
pub(super) fn find_refund<B: LogAccess>(
    book: &B,
    rows: &Rows<'_>,
    body: &Body<MemberRef>,
    named: Option<Position>,
) -> Result<Option<FoundRefund>, B::Error> {
    let (Body::RefundReversed(..), Some(position)) = (body, named) else { return Ok(None) };
    let record = book.record(position)?;
    let is_refund = match record.cause() {
        Cause::Event(event) => {
            let is_theirs = rows.iter().any(|(no, _)| event.member.no() == Some(no));
            is_theirs && matches!(event.body, Body::Refunded(..) | Body::Cancelled(..))
        }
        Cause::Timer { .. } | Cause::HeldBack => false,
    };
    if !is_refund || record.verdict.refusal.is_some() {
        return Ok(None);
    }
    let waiting = rows.iter().find_map(|(no, member)| {
        let waiting = member.waiting(At(i64::MIN)).find(|waiting| waiting.position == position)?;
        Some((no, *waiting))
    });
    Ok(Some((record, waiting)))
}

/// The purchase of this order among the member's, with its record. Order numbers are hashed in the
/// row, so the record decides.
pub(super) fn find_purchase<B: LogAccess>(
    book: &B,
    rows: &Rows<'_>,
    body: &Body<MemberRef>,
    refund: Option<&Record>,
) -> Result<Option<(MemberNo, PurchaseRef, Record)>, B::Error> {
    // What is reversed names its order itself, and its record the purchase, unless it waited for that.
    let of = match refund.map(Record::cause) {
        Some(Cause::Event(event)) => &event.body,
        _ => body,
    };
    let (Body::Purchase(event::Purchase { order, .. })
    | Body::Cancelled(event::Cancelled { order })
    | Body::Refunded(event::Refunded { order, .. })
    | Body::Settled(event::Settled { order })) = of
    else {
        return Ok(None);
    };
    let made_by = refund.into_iter().flat_map(|record| &record.verdict.changes).find_map(|change| match change {
        Change::Refunded(change::Refunded { purchase, .. }) => Some(*purchase),
        _ => None,
    });
    let hash = book.hiding().key.short(Found::Order, order);
    let is_new = matches!(body, Body::Purchase(..));
    let theirs = rows.named_first().filter(|_| !is_new);
    for (no, member) in theirs.chain(rows.own_and_named().filter(|_| is_new)) {
        // Past the refund horizon a number may be used again: the latest is meant.
        let is_meant = |known: &&PurchaseRef| made_by.is_none_or(|purchase| known.position == purchase);
        for known in member.purchases.of_order(hash).filter(is_meant) {
            let record = book.record(known.position)?;
            let is_it = match record.cause() {
                Cause::Event(Event { body: Body::Purchase(event::Purchase { order: recorded, .. }), .. }) => {
                    recorded == order
                }
                // It cannot be compared: another purchase of it is refused, and what speaks of it waits.
                Cause::HeldBack => matches!(body, Body::Purchase(..)),
                Cause::Event(_) | Cause::Timer { .. } => false,
            };
            if is_it {
                return Ok(Some((no, *known, record)));
            }
        }
    }
    Ok(None)
}

/// What waits for this event in these rows, oldest first, with its records; of a hold, what waits for its redemption
/// last.
pub(super) fn find_parked<B: LogAccess>(
    book: &B,
    rows: &Rows<'_>,
    event: &Event<MemberRef>,
    at: At,
) -> Result<Vec<(MemberNo, Deferred, Record)>, B::Error> {
    if rows.iter().all(|(_, member)| member.waiting(at).next().is_none()) {
        return Ok(Vec::new());
    }
    let key = book.hiding().key;
    let own = key.short_event(&event.source, &event.id);
    let names = match &event.body {
        Body::Purchase(event::Purchase { order, .. }) => [key.short(Found::Order, order), 0, 0],
        Body::Redeem(event::Redeem { order, .. }) => [own, key.short(Found::Order, order), 0],
        Body::Hold(event::Hold { hold, order, .. }) => {
            [key.short(Found::Hold, hold), key.short(Found::Order, order), 0]
        }
        Body::Capture(event::Capture { hold, .. }) => {
            let hold = key.short(Found::Hold, hold);
            let order = rows.iter().find_map(|(_, member)| member.hold(hold)).map_or(0, |hold| hold.order);
            [own, hold, order]
        }
        Body::Credit(..) | Body::Debit(..) | Body::Refunded(..) | Body::Cancelled(..) => [own, 0, 0],
        _ => return Ok(Vec::new()),
    };
    let mut found = waiting_for(book, rows, &names, at)?;
    found.retain(|(.., record)| matches!(record.cause(), Cause::Event(late) if waits_for(event, late)));
    found.sort_by_key(|(_, deferred, _)| deferred.position);
    if let Body::Hold(..) = &event.body {
        let captures = found.iter().filter_map(|(.., record)| match record.cause() {
            Cause::Event(capture @ Event { body: Body::Capture(..), .. }) => Some(capture.clone()),
            _ => None,
        });
        let (mut behind, captures): (Vec<_>, Vec<_>) = (Vec::new(), captures.collect());
        for capture in &captures {
            let name = key.short_event(&capture.source, &capture.id);
            let mut waiting = waiting_for(book, rows, &[name], at)?;
            waiting.retain(|(.., record)| matches!(record.cause(), Cause::Event(late) if waits_for(capture, late)));
            behind.extend(waiting);
        }
        behind.sort_by_key(|(_, deferred, _)| deferred.position);
        found.extend(behind);
    }
    Ok(found)
}

/// What waits in these rows for something of one of these short names.
fn waiting_for<B: LogAccess>(
    book: &B,
    rows: &Rows<'_>,
    names: &[u64],
    at: At,
) -> Result<Vec<(MemberNo, Deferred, Record)>, B::Error> {
    let waiting = rows.iter().flat_map(|(no, member)| member.waiting(at).map(move |waiting| (no, *waiting)));
    let meant = waiting.filter(|(_, waiting)| waiting.name != 0 && names.contains(&waiting.name));
    meant.map(|(no, waiting)| Ok((no, waiting, book.record(waiting.position)?))).collect()
}

/// Whether what was said early waits for this event. What is spent for the order of a hold tells of the order by its
/// short name alone.
fn waits_for(event: &Event<MemberRef>, late: &Event<MemberRef>) -> bool {
    let is_it = |record: &RecordRef| record.as_event().is_some_and(|name| name.is(&event.source, &event.id));
    match (&event.body, &late.body) {
        (Body::Purchase(said), Body::Cancelled(event::Cancelled { order: of }))
        | (Body::Purchase(said), Body::Refunded(event::Refunded { order: of, .. }))
        | (Body::Purchase(said), Body::Settled(event::Settled { order: of })) => *of == said.order,
        (Body::Hold(said), Body::Capture(event::Capture { hold: of, .. }))
        | (Body::Hold(said), Body::Void(event::Void { hold: of })) => *of == said.hold,
        (Body::Credit(..) | Body::Debit(..), Body::Approved(event::Approved { proposal, .. }))
        | (Body::Credit(..) | Body::Debit(..), Body::Withdrawn(event::Withdrawn { proposal, .. })) => is_it(proposal),
        (Body::Refunded(..) | Body::Cancelled(..), Body::RefundReversed(said)) => is_it(&said.refund),
        (body, Body::RedeemRefunded(event::RedeemRefunded { redemption, .. })) => match (body, redemption) {
            (Body::Redeem(..) | Body::Capture(..), SpentRef::Record(record)) => is_it(record),
            (Body::Redeem(said), SpentRef::Order(of)) => *of == said.order,
            (Body::Hold(said), SpentRef::Order(of)) => *of == said.order,
            (Body::Capture(..), SpentRef::Order(..)) => true,
            (Body::Hold(said), SpentRef::Hold(of)) => *of == said.hold,
            (Body::Capture(said), SpentRef::Hold(of)) => *of == said.hold,
            _ => false,
        },
        _ => false,
    }
}

/// The redemptions that are named among the members', with their records, the last first.
pub(super) fn find_redemptions<B: LogAccess>(
    book: &B,
    rows: &Rows<'_>,
    body: &Body<MemberRef>,
    named: Option<Position>,
) -> Result<Vec<(MemberNo, RedemptionRef, Record)>, B::Error> {
    let Body::RedeemRefunded(event::RedeemRefunded { redemption, .. }) = body else { return Ok(Vec::new()) };
    let key = book.hiding().key;
    let all = || rows.iter().flat_map(|(no, member)| member.redemptions.iter().map(move |known| (no, *known)));
    let mut known: Vec<(MemberNo, RedemptionRef)> = match redemption {
        SpentRef::Record(_) => all().filter(|(_, known)| Some(known.position) == named).collect(),
        SpentRef::Order(order) => {
            let order = key.short(Found::Order, order);
            all().filter(|(_, known)| known.order == order).collect()
        }
        SpentRef::Hold(hold) => {
            let hold = key.short(Found::Hold, hold);
            all().filter(|(_, known)| known.hold == hold).collect()
        }
    };
    known.sort_by_key(|(_, known)| Reverse(known.position));
    known.truncate(SPENT_FOR_MAX);
    if let (true, Some(capture)) = (known.is_empty(), named) {
        return captured_late(book, rows, capture);
    }
    known.into_iter().map(|(no, known)| Ok((no, known, book.record(known.position)?))).collect()
}

/// The redemption by a capture that had waited for its hold: it is in the hold's record.
fn captured_late<B: LogAccess>(
    book: &B,
    rows: &Rows<'_>,
    capture: Position,
) -> Result<Vec<(MemberNo, RedemptionRef, Record)>, B::Error> {
    let late = book.record(capture)?;
    let Cause::Event(Event { body: Body::Capture(said), .. }) = late.cause() else { return Ok(Vec::new()) };
    let hold = book.hiding().key.short(Found::Hold, &said.hold);
    for (no, member) in rows.iter() {
        for known in member.redemptions.iter().filter(|known| known.hold == hold).take(SPENT_FOR_MAX) {
            let record = book.record(known.position)?;
            let applied = |change: &Change| match change {
                Change::DeferredApplied(applied) => applied.event == capture && applied.refusal.is_none(),
                _ => false,
            };
            if record.verdict.changes.iter().any(applied) {
                return Ok(Vec::from([(no, of_capture(*known, said), record)]));
            }
        }
    }
    Ok(Vec::new())
}

/// The record that merged the member whose purchase is meant, or who is to stand for itself again.
pub(super) fn find_merge<B: LogAccess>(
    book: &B,
    rows: &Rows<'_>,
    body: &Body<MemberRef>,
    other: Resolved,
    owner: Option<MemberNo>,
) -> Result<Option<Record>, B::Error> {
    let of = if let Body::Unmerged(..) = body { other.no() } else { owner };
    let merged = rows.own.and_then(|(_, row)| row.absorbed().iter().find(|one| Some(one.member) == of));
    merged.map(|one| book.record(one.position)).transpose()
}
