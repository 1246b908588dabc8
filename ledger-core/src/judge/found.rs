//! Found: what an event speaks of besides members, fetched for the decision.

use crate::judge::{LogAccess, Resolved};
use crate::kernel::names::Found;
use crate::kernel::units::MemberNo;
use crate::tables::desk::Subject;
use crate::tables::event::{self, Body, Event, MemberRef};
use crate::tables::member::{Deferred, Member, PurchaseRef, RedemptionRef};
use crate::tables::record::{Cause, Record};
use crate::tables::state::State;
use alloc::vec::Vec;

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

/// The purchase of this order among the member's, with its record. Order numbers are hashed in the
/// row, so the record decides.
pub(super) fn find_purchase<B: LogAccess>(
    book: &B,
    rows: &Rows<'_>,
    body: &Body<MemberRef>,
) -> Result<Option<(MemberNo, PurchaseRef, Record)>, B::Error> {
    let (Body::Purchase(event::Purchase { order, .. })
    | Body::Cancelled(event::Cancelled { order })
    | Body::Refunded(event::Refunded { order, .. })
    | Body::Settled(event::Settled { order })) = body
    else {
        return Ok(None);
    };
    let hash = book.hiding().key.short(Found::Order, order);
    let is_new = matches!(body, Body::Purchase(..));
    let theirs = rows.named_first().filter(|_| !is_new);
    for (no, member) in theirs.chain(rows.own_and_named().filter(|_| is_new)) {
        // Past the refund horizon a number may be used again: the latest is meant.
        for known in member.purchases.of_order(hash) {
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

/// What waits for this purchase or hold, oldest first, with its records.
pub(super) fn find_parked<B: LogAccess>(
    book: &B,
    rows: &Rows<'_>,
    body: &Body<MemberRef>,
) -> Result<Vec<(MemberNo, Deferred, Record)>, B::Error> {
    let (kind, name) = match body {
        Body::Purchase(event::Purchase { order, .. }) => (Found::Order, order),
        Body::Hold(event::Hold { hold, .. }) => (Found::Hold, hold),
        _ => return Ok(Vec::new()),
    };
    let waits_for = |late: &Body<MemberRef>| match (body, late) {
        (Body::Purchase(..), Body::Cancelled(event::Cancelled { order: of }))
        | (Body::Purchase(..), Body::Refunded(event::Refunded { order: of, .. }))
        | (Body::Purchase(..), Body::Settled(event::Settled { order: of }))
        | (Body::Hold(..), Body::Capture(event::Capture { hold: of, .. }))
        | (Body::Hold(..), Body::Void(event::Void { hold: of })) => of == name,
        _ => false,
    };
    let mut found = Vec::new();
    for (no, returns) in rows.iter().filter_map(|(no, member)| Some((no, member.returns.as_ref()?))) {
        let hash = book.hiding().key.short(kind, name);
        let waiting = returns.deferred.iter().chain(&returns.overtaken);
        for deferred in waiting.filter(|deferred| deferred.order == hash) {
            let record = book.record(deferred.position)?;
            if let Cause::Event(Event { body: late, .. }) = record.cause()
                && waits_for(late)
            {
                found.push((no, *deferred, record));
            }
        }
    }
    found.sort_by_key(|(_, deferred, _)| deferred.position);
    Ok(found)
}

/// The redemption at this position among the member's, with its record.
pub(super) fn find_redemption<B: LogAccess>(
    book: &B,
    rows: &Rows<'_>,
    body: &Body<MemberRef>,
) -> Result<Option<(MemberNo, RedemptionRef, Record)>, B::Error> {
    let Body::RedeemRefunded(event::RedeemRefunded { redemption, .. }) = body else { return Ok(None) };
    for (no, member) in rows.iter() {
        if let Some(known) = member.redemptions.iter().find(|known| known.position == *redemption) {
            return Ok(Some((no, *known, book.record(*redemption)?)));
        }
    }
    Ok(None)
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
