//! Exchange: points that become a partner's, and a partner's that become points, in two phases.
//!
//! First the ledger promises: points that go out are set aside, points that come in are only told. Then the partner
//! says whether it did its part. If it did, what was set aside is gone, or what was told is given; if it did not, or
//! said nothing for as long as the program waits, everything is as it was. Only whole units of a rate are exchanged, so
//! nothing is rounded. A partner's reference stands for one exchange of a member, open or closed.

use crate::features::counting::rules::{Counting, count};
use crate::features::exchange::state::{EXCHANGES_MAX, OpenExchange};
use crate::kernel::account::Account;
use crate::kernel::counter::Key;
use crate::kernel::lots::Slice;
use crate::kernel::refusal::Refusal;
use crate::kernel::units::{At, Points};
use crate::tables::change;
use crate::tables::change::LifeChange;
use crate::tables::draft::Draft;
use crate::tables::event::{Body, Event, Who};
use crate::tables::program::{Exchange, Rate};
use alloc::boxed::Box;
use alloc::vec::Vec;

impl<'a> Draft<'a> {
    /// A command: points of the member are to become a partner's.
    pub(crate) fn exchange_out(
        &mut self,
        event: &Event<Who>,
        name: &str,
        reference: &str,
        points: Points,
    ) -> Result<(), Refusal> {
        let (exchange, rate) = self.exchange(name, |exchange| exchange.out)?;
        let units = rate.units_for(points).ok_or(Refusal::ExchangeNotInUnits)?;
        self.is_new_reference(exchange, reference)?;
        if exchange.per_day.is_some_and(|most| self.exchanged_today(exchange).0.saturating_add(points.0) > most.0) {
            return Err(Refusal::ExchangeMaxPerDay);
        }
        let slices = self.quote(self.program.wallet(exchange.wallet), points)?;
        self.observe(event)?;
        self.post_all(exchange.wallet, (Account::Available, Account::Exchanging), &slices, exchange.id);
        if exchange.per_day.is_some() {
            let today = Counting::Limited { bucket: self.today.0, keep_from: self.today.0 };
            count(self, (Key::Member(self.no), exchange.day), today, points.0);
        }
        self.open_exchange(exchange, reference, (false, points, units), slices);
        Ok(())
    }

    /// A command: a partner's units are to become points of the member.
    pub(crate) fn exchange_in(
        &mut self,
        event: &Event<Who>,
        name: &str,
        reference: &str,
        units: i64,
    ) -> Result<(), Refusal> {
        let (exchange, rate) = self.exchange(name, |exchange| exchange.inward)?;
        let points = rate.points_for(units).ok_or(Refusal::ExchangeNotInUnits)?;
        self.is_new_reference(exchange, reference)?;
        let wallet = self.program.wallet(exchange.wallet);
        let coming = self.open_exchanges().filter(|open| open.inward && open.wallet == wallet.id);
        let coming = coming.fold(points.0, |sum, open| sum.saturating_add(open.points.0));
        if self.room(wallet).is_some_and(|room| room.0 < coming) {
            return Err(Refusal::OverMaxBalance);
        }
        self.observe(event)?;
        self.open_exchange(exchange, reference, (true, points, units), Vec::new());
        Ok(())
    }

    /// The partner did its part, or did not.
    pub(crate) fn settle_exchange(
        &mut self,
        event: &Event<Who>,
        name: &str,
        reference: &str,
        accepted: bool,
    ) -> Result<(), Refusal> {
        let is_meant =
            |open: &&OpenExchange| *open.reference == *reference && self.desk.state.term(open.exchange) == name;
        let open = self.open_exchanges().find(is_meant).ok_or(Refusal::ExchangeNotOpen)?;
        self.observe(event)?;
        if accepted {
            self.carry_out_exchange(open);
        } else {
            self.undo_exchange(open);
        }
        Ok(())
    }

    /// Undoes what no partner settled in time.
    pub(crate) fn lapse_exchanges(&mut self, due: At) {
        let late: Vec<&OpenExchange> = self.open_exchanges().filter(|open| open.lapses_at <= due).collect();
        late.into_iter().for_each(|open| self.undo_exchange(open));
    }

    fn carry_out_exchange(&mut self, open: &OpenExchange) {
        let exchange = self.program.exchanges.iter().find(|exchange| exchange.id == open.exchange);
        if open.inward {
            let wallet = self.program.wallet(open.wallet);
            let expires_at = self.expires_at(wallet);
            self.grant(open.exchange, open.wallet, open.points, expires_at);
        } else {
            let way = (Account::Exchanging, Account::Exchanged);
            self.post_all(open.wallet, way, &open.slices, open.exchange);
        }
        if let Some(exchange) = exchange {
            let side = if open.inward { exchange.come } else { exchange.gone };
            count(self, (Key::EVERYONE, side.points), Counting::Sum, open.points.0);
            count(self, (Key::EVERYONE, side.units), Counting::Sum, open.units);
        }
        self.close_exchange(open);
    }

    fn undo_exchange(&mut self, open: &OpenExchange) {
        self.let_go((open.wallet, Account::Exchanging), &open.slices);
        self.close_exchange(open);
    }

    /// The exchange of this name.
    pub(crate) fn exchange_of(&self, name: &str) -> Option<&'a Exchange> {
        self.program.exchanges.iter().find(|exchange| self.desk.state.term(exchange.id) == name)
    }

    /// What a refused exchange rests on: the limit it broke and what counted against it, or how many go at once.
    pub(crate) fn rate_behind(
        &self,
        refusal: Refusal,
        event: &Body<Who>,
        exchange: &Exchange,
    ) -> (Option<Points>, Option<Points>) {
        match (refusal, event) {
            (Refusal::ExchangeMaxPerDay, _) => (exchange.per_day, Some(self.exchanged_today(exchange))),
            (Refusal::ExchangeNotInUnits, Body::ExchangeIn(..)) => {
                (exchange.inward.map(|rate| Points(rate.units)), None)
            }
            (Refusal::ExchangeNotInUnits, _) => (exchange.out.map(|rate| rate.points), None),
            (Refusal::OverMaxBalance, _) => (self.program.wallet(exchange.wallet).max_balance, None),
            _ => (None, None),
        }
    }

    /// The exchange of this name, if it goes this way.
    fn exchange(&self, name: &str, way: fn(&Exchange) -> Option<Rate>) -> Result<(&'a Exchange, Rate), Refusal> {
        let exchange = self.exchange_of(name).ok_or(Refusal::ExchangeUnknown)?;
        Ok((exchange, way(exchange).ok_or(Refusal::ExchangeUnknown)?))
    }

    fn open_exchanges(&self) -> impl Iterator<Item = &'a OpenExchange> {
        self.member.exchanges().iter()
    }

    fn is_new_reference(&self, exchange: &Exchange, reference: &str) -> Result<(), Refusal> {
        let member = self.member;
        let open = member.exchanges().iter().map(|open| (open.exchange, &open.reference));
        let closed = member.closed_exchanges().iter().map(|(exchange, reference)| (*exchange, reference));
        if open.chain(closed).any(|(of, known)| of == exchange.id && **known == *reference) {
            return Err(Refusal::ExchangeExists);
        }
        if member.exchanges().len() >= EXCHANGES_MAX { Err(Refusal::MemberFull) } else { Ok(()) }
    }

    /// How many points went out by it today, whatever became of them.
    pub(crate) fn exchanged_today(&self, exchange: &Exchange) -> Points {
        let counter = self.member.counter(exchange.day);
        Points(counter.map_or(0, |counter| counter.at(self.today.0)))
    }

    fn open_exchange(
        &mut self,
        exchange: &Exchange,
        reference: &str,
        (inward, points, units): (bool, Points, i64),
        slices: Vec<Slice>,
    ) {
        let lapses_at = self.desk.at.plus_ms(exchange.within_ms);
        let (wallet, reference, exchange) = (exchange.wallet, reference.into(), exchange.id);
        let open = OpenExchange { exchange, reference, inward, wallet, points, units, slices, lapses_at };
        self.live(LifeChange::ExchangeOpened(Box::new(open)));
    }

    fn close_exchange(&mut self, open: &OpenExchange) {
        self.live(LifeChange::ExchangeClosed(change::ExchangeClosed {
            exchange: open.exchange,
            reference: open.reference.clone(),
        }));
    }
}
