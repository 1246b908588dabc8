//! Spending: redeem at once, or hold, extend, capture and void. Which lots go first is the wallet's to say.

use crate::features::expiry::rules as expiry;
use crate::features::items::rules::{self as items, Bought};
use crate::features::risk::rules as risk;
use crate::features::spending::redemption;
use crate::features::waiting::rules::{self as waiting, Waited};
use crate::features::wallets::rules as wallets;
use crate::kernel::account::Account;
use crate::kernel::lots::{Slice, split_slices};
use crate::kernel::names::Found;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Money, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, ItemRequest, MemberRef};
use crate::tables::member::{HOLDS_MAX, Hold};
use crate::tables::program::Wallet;
use crate::tables::record::{Cause, Record};
use alloc::vec::Vec;

/// Points that may be spent, and what for.
struct Spending<'a> {
    wallet: &'a Wallet,
    points: Points,
    order: u64,
    item: Option<Bought<'a>>,
}

/// What may be spent, whatever the balance: as the item and the wallet ask for.
fn spending<'a>(
    draft: &mut Draft<'a>,
    (wallet, points): (&str, Points),
    order: &str,
    (total, item_request): (Option<Money>, Option<&ItemRequest>),
) -> Result<Spending<'a>, Refusal> {
    let item = item_request.map(|item_request| items::buys(draft, wallet, points, item_request)).transpose()?;
    let (wallet, points) = match &item {
        Some(bought) => (draft.program().wallet(bought.item.wallet), bought.cost()),
        None => (wallets::spendable(draft, wallet)?, points),
    };
    redemption::redeemable(draft, wallet, points, order, total)?;
    Ok(Spending { wallet, points, order: draft.short(Found::Order, order), item })
}

/// A command: spend points at once.
pub(crate) fn redeem(draft: &mut Draft<'_>, event: &Event<MemberRef>, said: &event::Redeem) -> Result<(), Refusal> {
    let Spending { wallet, points, order, item } =
        spending(draft, (&said.wallet, said.points), &said.order, (said.total, said.item.as_deref()))?;
    let slices = wallets::quote(draft, wallet, points)?;
    risk::observe(draft, event, points)?;
    draft.post_all(wallet.id, (Account::Available, Account::Redeemed), &slices, TermNo::NONE);
    item.iter().for_each(|bought| items::take_pieces(draft, bought));
    let today = draft.today();
    redemption::redeemed(draft, (wallet.id, order, today), points, (item.as_ref().map(Bought::piece), 0));
    Ok(())
}

/// A command: reserve points.
pub(crate) fn hold(draft: &mut Draft<'_>, event: &Event<MemberRef>, said: &event::Hold) -> Result<(), Refusal> {
    let Spending { wallet, points, order, item } =
        spending(draft, (&said.wallet, said.points), &said.order, (said.total, said.item.as_deref()))?;
    let name = draft.hiding().hold(draft.no(), &said.hold);
    if draft.member().hold(name.short).is_some() || was_held(draft, name.short) {
        return Err(Refusal::HoldExists);
    }
    if draft.member().holds.len() >= HOLDS_MAX || draft.member().holds_made == u32::MAX {
        return Err(Refusal::MemberLimitReached);
    }
    let slices = wallets::quote(draft, wallet, points)?;
    risk::observe(draft, event, points)?;
    item.iter().for_each(|bought| items::take_pieces(draft, bought));
    let no = draft.member().holds_made.saturating_add(1);
    let (expires_at, day) = (held_until(draft, wallet, said.ttl_ms), draft.today());
    let (member, wallet, item) = (draft.no(), wallet.id, item.as_ref().map(Bought::piece));
    draft.change(Change::HoldOpened(change::HoldOpened { member, no, wallet, name, expires_at, order, day, item }));
    draft.post_all(wallet, (Account::Available, Account::Held(no)), &slices, TermNo::NONE);
    Ok(())
}

/// A command: spend reserved points. Told before its hold, it waits for it.
pub(crate) fn capture(draft: &mut Draft<'_>, event: &Event<MemberRef>, said: &event::Capture) -> Result<(), Refusal> {
    let Some(hold) = open_hold(draft, &said.hold)? else { return defer(draft, event, &said.hold) };
    let points = to_capture(draft, hold, said)?;
    risk::observe(draft, event, Points::ZERO)?;
    spend_held(draft, hold, points, said.last);
    Ok(())
}

/// How many points of a hold are to be spent, if it has as many.
fn to_capture(draft: &mut Draft<'_>, hold: &Hold, said: &event::Capture) -> Result<Points, Refusal> {
    let held = hold.points();
    let points = said.points.unwrap_or(held);
    if points > held {
        return Err(Refusal::CaptureOverHold);
    }
    items::is_whole(draft, hold, points)?;
    Ok(points)
}

fn spend_held(draft: &mut Draft<'_>, hold: &Hold, points: Points, last: bool) {
    let held = hold.points();
    let (spent, rest) = split(hold, points);
    draft.post_all(hold.wallet, (Account::Held(hold.no), Account::Redeemed), &spent, TermNo::NONE);
    if last {
        expiry::let_go(draft, (hold.wallet, Account::Held(hold.no)), &rest);
        items::let_pieces_go(draft, hold, Points(held.0.saturating_sub(points.0)));
    }
    redemption::redeemed(draft, (hold.wallet, hold.order, hold.day), points, (hold.item, hold.name.short));
    if last || rest.is_empty() {
        draft.change(Change::HoldClosed(change::HoldClosed { member: draft.no(), no: hold.no }));
    }
}

/// A command: keep a hold for longer, or shorter.
pub(crate) fn extend(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::HoldExtended,
) -> Result<(), Refusal> {
    let hold = open_hold(draft, &said.hold)?.ok_or(Refusal::HoldUnknown)?;
    risk::observe(draft, event, Points::ZERO)?;
    let expires_at = held_until(draft, draft.program().wallet(hold.wallet), said.ttl_ms);
    draft.change(Change::HoldExtended(change::HoldExtended { member: draft.no(), no: hold.no, expires_at }));
    Ok(())
}

fn held_until(draft: &Draft<'_>, wallet: &Wallet, ttl_ms: Option<i64>) -> At {
    draft.at().plus_ms(ttl_ms.unwrap_or(wallet.hold_ms))
}

/// A command: release reserved points. Told before its hold, it waits for it.
pub(crate) fn void(draft: &mut Draft<'_>, event: &Event<MemberRef>, said: &event::Void) -> Result<(), Refusal> {
    let Some(hold) = open_hold(draft, &said.hold)? else { return defer(draft, event, &said.hold) };
    risk::observe(draft, event, Points::ZERO)?;
    release(draft, hold);
    Ok(())
}

/// Lets go of every hold that is over by then.
pub(crate) fn release_due(draft: &mut Draft<'_>, due: At) {
    draft.member().holds.iter().filter(|hold| hold.expires_at <= due).for_each(|hold| release(draft, hold));
}

/// Lets go of everything held.
fn release(draft: &mut Draft<'_>, hold: &Hold) {
    let (_, rest) = split(hold, Points::ZERO);
    expiry::let_go(draft, (hold.wallet, Account::Held(hold.no)), &rest);
    items::let_pieces_go(draft, hold, hold.points());
    draft.change(Change::HoldClosed(change::HoldClosed { member: draft.no(), no: hold.no }));
}

/// The open hold of this name; `None` if there never was one, as far as is known.
fn open_hold<'a>(draft: &Draft<'a>, name: &str) -> Result<Option<&'a Hold>, Refusal> {
    let name = draft.short(Found::Hold, name);
    let open = draft.member().hold(name);
    if open.is_none() && was_held(draft, name) { Err(Refusal::HoldClosed) } else { Ok(open) }
}

/// A command that overtook its hold waits for it.
fn defer(draft: &mut Draft<'_>, event: &Event<MemberRef>, hold: &str) -> Result<(), Refusal> {
    let name = draft.short(Found::Hold, hold);
    waiting::overtake(draft, event, name)
}

/// What waited for the hold in this very record, as if each had come right behind it.
pub(crate) fn resume_deferred(draft: &mut Draft<'_>, name: &str, deferred: &[Waited]) {
    let of_hold =
        |late: &Record| matches!(late.cause(), Cause::Event(Event { body: Body::Capture(..) | Body::Void(..), .. }));
    for (whose, waited, late) in deferred.iter().filter(|(.., late)| of_hold(late)) {
        waiting::resume(draft, (*whose, waited), |draft| catch_up(draft, name, late));
    }
}

fn catch_up(draft: &mut Draft<'_>, name: &str, late: &Record) -> Result<(), Refusal> {
    let short = draft.short(Found::Hold, name);
    let hold = draft.row().hold(short).cloned().ok_or(Refusal::HoldUnknown)?;
    let closes = |change: &Change| matches!(change, Change::HoldClosed(closed) if closed.no == hold.no);
    if draft.changes().iter().any(closes) {
        return Err(Refusal::HoldClosed);
    }
    match late.cause() {
        Cause::Event(Event { body: Body::Capture(said), .. }) => {
            let points = to_capture(draft, &hold, said)?;
            spend_held(draft, &hold, points, said.last);
        }
        _ => release(draft, &hold),
    }
    Ok(())
}

/// Whether a hold of this short name was open, as far as is known.
pub(super) fn was_held(draft: &Draft<'_>, name: u64) -> bool {
    draft.member().closed_holds.contains(&name)
}

/// The first `points` of what a hold still holds, and the rest.
fn split(hold: &Hold, points: Points) -> (Vec<Slice>, Vec<Slice>) {
    split_slices(hold.slices.iter().filter(|slice| !slice.left.is_zero()), points)
}
