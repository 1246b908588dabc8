//! Exchange: points that become a partner's, and a partner's that become points, in two phases.
//!
//! First the ledger promises: points that go out are set aside, points that come in are only told. Then the partner
//! says whether it did its part. If it did, what was set aside is gone, or what was told is given; if it did not, or
//! said nothing for as long as the program waits, everything is as it was. Only whole units of a rate are exchanged, so
//! nothing is rounded. A partner's reference stands for one exchange of a member, open or closed.

use crate::features::counting::rules::{Counting, count};
use crate::features::exchange::state::{EXCHANGES_MAX, OpenExchange};
use crate::features::expiry::rules as expiry;
use crate::features::risk::rules as risk;
use crate::features::wallets::rules as wallets;
use crate::kernel::account::Account;
use crate::kernel::counter::Key;
use crate::kernel::lots::Slice;
use crate::kernel::names::Found;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Points};
use crate::tables::change;
use crate::tables::change::LifeChange;
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, MemberRef};
use crate::tables::program::{Exchange, Rate};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A command: points of the member are to become a partner's.
pub(crate) fn exchange_out(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::ExchangeOut,
) -> Result<(), Refusal> {
    let event::ExchangeOut { exchange: name, reference, points } = said;
    let (points, (exchange, rate)) = (*points, going(draft, name, |exchange| exchange.out)?);
    let units = rate.units_for(points).ok_or(Refusal::ExchangeNotInUnits)?;
    is_new_reference(draft, exchange, reference)?;
    if exchange.per_day.is_some_and(|most| exchanged_today(draft, exchange).0.saturating_add(points.0) > most.0) {
        return Err(Refusal::ExchangeMaxPerDay);
    }
    let slices = wallets::quote(draft, draft.program().wallet(exchange.wallet), points)?;
    risk::observe(draft, event, points)?;
    draft.post_all(exchange.wallet, (Account::Available, Account::Exchanging), &slices, exchange.id);
    if exchange.per_day.is_some() {
        let today = draft.today().0;
        count(
            draft,
            (Key::Member(draft.no()), exchange.day),
            Counting::Limited { bucket: today, keep_from: today },
            points.0,
        );
    }
    open_exchange(draft, exchange, reference, (false, points, units), slices);
    Ok(())
}

/// A command: a partner's units are to become points of the member.
pub(crate) fn exchange_in(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::ExchangeIn,
) -> Result<(), Refusal> {
    let event::ExchangeIn { exchange: name, reference, units } = said;
    let (units, (exchange, rate)) = (*units, going(draft, name, |exchange| exchange.inward)?);
    let points = rate.points_for(units).ok_or(Refusal::ExchangeNotInUnits)?;
    is_new_reference(draft, exchange, reference)?;
    let wallet = draft.program().wallet(exchange.wallet);
    let coming = open_ones(draft).filter(|open| open.inward && open.wallet == wallet.id);
    let coming = coming.fold(points.0, |sum, open| sum.saturating_add(open.points.0));
    if draft.room(wallet).is_some_and(|room| room.0 < coming) {
        return Err(Refusal::OverMaxBalance);
    }
    risk::observe(draft, event, Points::ZERO)?;
    open_exchange(draft, exchange, reference, (true, points, units), Vec::new());
    Ok(())
}

/// The partner did its part, or did not.
pub(crate) fn settle(
    draft: &mut Draft<'_>,
    event: &Event<MemberRef>,
    said: &event::ExchangeSettled,
) -> Result<(), Refusal> {
    let event::ExchangeSettled { exchange: name, reference, accepted } = said;
    let short = draft.short(Found::Reference, reference);
    let is_meant = |open: &&OpenExchange| open.reference.short == short && draft.term(open.exchange) == &**name;
    let open = open_ones(draft).find(is_meant).ok_or(Refusal::ExchangeNotOpen)?;
    risk::observe(draft, event, Points::ZERO)?;
    if *accepted {
        carry_out(draft, open);
    } else {
        undo(draft, open);
    }
    Ok(())
}

/// Undoes what no partner settled in time.
pub(crate) fn lapse(draft: &mut Draft<'_>, due: At) {
    let late: Vec<&OpenExchange> = open_ones(draft).filter(|open| open.lapses_at <= due).collect();
    late.into_iter().for_each(|open| undo(draft, open));
}

fn carry_out(draft: &mut Draft<'_>, open: &OpenExchange) {
    let exchange = draft.program().exchanges.iter().find(|exchange| exchange.id == open.exchange);
    if open.inward {
        let wallet = draft.program().wallet(open.wallet);
        let expires_at = expiry::expires_at(draft, wallet);
        draft.grant(open.exchange, open.wallet, open.points, expires_at);
    } else {
        let way = (Account::Exchanging, Account::Exchanged);
        draft.post_all(open.wallet, way, &open.slices, open.exchange);
    }
    if let Some(exchange) = exchange {
        let side = if open.inward { exchange.come } else { exchange.gone };
        count(draft, (Key::EVERYONE, side.points), Counting::Sum, open.points.0);
        count(draft, (Key::EVERYONE, side.units), Counting::Sum, open.units);
    }
    close_exchange(draft, open);
}

fn undo(draft: &mut Draft<'_>, open: &OpenExchange) {
    expiry::let_go(draft, (open.wallet, Account::Exchanging), &open.slices);
    close_exchange(draft, open);
}

/// The exchange of this name.
pub(crate) fn find<'a>(draft: &Draft<'a>, name: &str) -> Option<&'a Exchange> {
    draft.program().exchanges.iter().find(|exchange| draft.term(exchange.id) == name)
}

/// What a refused exchange rests on: the limit it broke and what counted against it, or how many go at once.
pub(crate) fn rate_factor(
    draft: &Draft<'_>,
    refusal: Refusal,
    event: &Body<MemberRef>,
    exchange: &Exchange,
) -> (Option<Points>, Option<Points>) {
    match (refusal, event) {
        (Refusal::ExchangeMaxPerDay, _) => (exchange.per_day, Some(exchanged_today(draft, exchange))),
        (Refusal::ExchangeNotInUnits, Body::ExchangeIn(..)) => (exchange.inward.map(|rate| Points(rate.units)), None),
        (Refusal::ExchangeNotInUnits, _) => (exchange.out.map(|rate| rate.points), None),
        (Refusal::OverMaxBalance, _) => (draft.program().wallet(exchange.wallet).max_balance, None),
        _ => (None, None),
    }
}

/// The exchange of this name, if it goes this way.
fn going<'a>(
    draft: &Draft<'a>,
    name: &str,
    way: fn(&Exchange) -> Option<Rate>,
) -> Result<(&'a Exchange, Rate), Refusal> {
    let exchange = find(draft, name).ok_or(Refusal::ExchangeUnknown)?;
    Ok((exchange, way(exchange).ok_or(Refusal::ExchangeUnknown)?))
}

fn open_ones<'a>(draft: &Draft<'a>) -> impl Iterator<Item = &'a OpenExchange> {
    draft.member().exchanges().iter()
}

fn is_new_reference(draft: &Draft<'_>, exchange: &Exchange, reference: &str) -> Result<(), Refusal> {
    let member = draft.member();
    let mut open = member.exchanges().iter().map(|open| (open.exchange, open.reference.short));
    let meant = (exchange.id, draft.short(Found::Reference, reference));
    if open.any(|known| known == meant) || member.closed_exchanges().contains(&meant) {
        return Err(Refusal::ExchangeExists);
    }
    if member.exchanges().len() >= EXCHANGES_MAX { Err(Refusal::MemberLimitReached) } else { Ok(()) }
}

/// How many points went out by it today, whatever became of them.
pub(crate) fn exchanged_today(draft: &Draft<'_>, exchange: &Exchange) -> Points {
    let counter = draft.member().counter(exchange.day);
    Points(counter.map_or(0, |counter| counter.at(draft.today().0)))
}

fn open_exchange(
    draft: &mut Draft<'_>,
    exchange: &Exchange,
    reference: &str,
    (inward, points, units): (bool, Points, i64),
    slices: Vec<Slice>,
) {
    let lapses_at = draft.at().plus_ms(exchange.within_ms);
    let reference = draft.hiding().reference(draft.no(), reference);
    let (wallet, exchange) = (exchange.wallet, exchange.id);
    let open = OpenExchange { exchange, reference, inward, wallet, points, units, slices, lapses_at };
    draft.live(LifeChange::ExchangeOpened(Box::new(open)));
}

fn close_exchange(draft: &mut Draft<'_>, open: &OpenExchange) {
    draft.live(LifeChange::ExchangeClosed(change::ExchangeClosed {
        exchange: open.exchange,
        reference: open.reference.clone(),
    }));
}
