//! What earn rules may ask of an event: where it happened, and what was bought.
//!
//! The base of a rule is the price of the lines that count, with delivery and without the share that was
//! paid with points, as the rule says; lines below zero take off. Of a basket of which only part is kept (a refund) the
//! lines and the delivery count as far as they are kept: see `kept`.

use crate::features::earning::kept::{Kept, KeptLine, Paid};
use crate::features::visits::rules::{Place, place_of};
use crate::kernel::units::{At, Money, Rounding, share};
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, Line, MemberRef};
use crate::tables::program::{EarnRule, Goods, Lines, Price};

/// An event as earn rules see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Basket<'e> {
    /// When it happened.
    pub(crate) at: At,
    /// What was said, if it is an event.
    pub(crate) event: Option<&'e Event<MemberRef>>,
    /// What was paid, and for what.
    pub(crate) paid: Paid<'e>,
    /// The net price of all lines, and how much of it is kept.
    net: Money,
    kept: Money,
    /// What is kept, if anything went back.
    rest: Option<&'e Kept>,
}

impl<'e> Basket<'e> {
    /// Something that happened, of which nothing more is known.
    pub(crate) fn empty(at: At) -> Basket<'e> {
        let nothing = Money(0);
        let paid = Paid { lines: &[], shipping: nothing, points_paid: nothing };
        Basket { at, event: None, paid, net: nothing, kept: nothing, rest: None }
    }

    /// An event.
    pub(crate) fn of(event: &'e Event<MemberRef>) -> Basket<'e> {
        let empty = Basket { event: Some(event), ..Basket::empty(event.occurred_at) };
        let Body::Purchase(event::Purchase { lines, shipping, points_paid, .. }) = &event.body else { return empty };
        let paid = Paid { lines, shipping: *shipping, points_paid: *points_paid };
        // What lines below zero take off beyond the goods is no money of the shop's.
        let net = Money(paid.net().max(0));
        Basket { paid, net, kept: net, ..empty }
    }

    /// The same basket, of which so much is kept.
    pub(crate) fn keeping<'k>(self, kept: &'k Kept) -> Basket<'k>
    where
        'e: 'k,
    {
        Basket { kept: Money(kept.net.0.max(0)), rest: Some(kept), ..self }
    }

    /// The same basket, of which nothing went back.
    pub(crate) fn whole(self) -> Basket<'e> {
        Basket { kept: self.net, rest: None, ..self }
    }

    /// Where and when it happened, as visits see it.
    pub(crate) fn place(&self, draft: &Draft<'_>) -> Place {
        place_of(draft, self.event.and_then(|event| event.origin.as_deref()), self.at)
    }

    /// What was paid for the lines.
    pub(crate) fn net(&self) -> Money {
        self.net
    }

    /// What is kept of that.
    pub(crate) fn kept(&self) -> Money {
        self.kept
    }

    /// Whether all of it went back.
    pub(crate) fn is_gone(&self) -> bool {
        self.rest.is_some_and(Kept::is_nothing)
    }

    /// The money that counts for a rule.
    #[inline]
    pub(crate) fn base(&self, rule: &EarnRule) -> Money {
        let lines = rule.when.as_ref().and_then(|when| when.lines.as_ref());
        if lines.is_none() && rule.base == Default::default() {
            return self.kept;
        }
        let mut goods = 0i64;
        for (line, left) in self.counting(lines) {
            goods = goods.saturating_add(left_of(price(line, rule.base.price), left, rule.round));
        }
        let shipping = if rule.base.shipping { self.shipping(rule.round) } else { 0 };
        Money(self.with_money(rule, self.of_goods(goods, rule.round).saturating_add(shipping)).max(0))
    }

    /// The same, line by line as far as each counts, and the delivery behind them: each rounded by itself.
    pub(crate) fn bases<'b>(&'b self, rule: &'b EarnRule) -> impl Iterator<Item = Money> + use<'b, 'e> {
        let lines = self.counting(rule.when.as_ref().and_then(|when| when.lines.as_ref()));
        let prices = lines
            .map(|(line, left)| self.of_goods(left_of(price(line, rule.base.price), left, rule.round), rule.round));
        let shipping = rule.base.shipping.then(|| self.shipping(rule.round));
        prices.chain(shipping).map(|base| Money(self.with_money(rule, base)))
    }

    /// What counts of some of the price, once what was paid with points is left out.
    fn with_money(&self, rule: &EarnRule, base: i64) -> i64 {
        let Paid { shipping, points_paid, .. } = self.paid;
        let all = self.net.0.saturating_add(shipping.0);
        if rule.base.ex_points_paid && points_paid.0 > 0 {
            let with_money = all.saturating_sub(points_paid.0).max(0);
            return share(base, with_money, all, Rounding::Down).unwrap_or(0);
        }
        base
    }

    /// What is kept of the delivery.
    fn shipping(&self, rounding: Rounding) -> i64 {
        let whole = self.paid.shipping.0;
        self.rest.map_or(whole, |kept| kept.of_shipping(whole, rounding))
    }

    /// What is kept of a figure of goods of which anything is left.
    fn of_goods(&self, whole: i64, rounding: Rounding) -> i64 {
        self.rest.map_or(whole, |kept| kept.of_goods(whole, rounding))
    }

    /// How many items count for a rule, in millionths of one.
    pub(crate) fn items(&self, rule: &EarnRule) -> i64 {
        let lines = self.counting(rule.when.as_ref().and_then(|when| when.lines.as_ref()));
        let goods = lines.filter(|(line, _)| line.net.0 >= 0);
        let items = goods
            .fold(0i64, |sum, (line, left)| sum.saturating_add(left_of(line.quantity.millionths(), left, rule.round)));
        self.of_goods(items, rule.round)
    }

    /// Whether any line counts.
    pub(crate) fn has(&self, lines: &Lines) -> bool {
        self.counting(Some(lines)).next().is_some()
    }

    /// The lines that count, with what is left of each if refunds named lines.
    fn counting<'l>(&'l self, lines: Option<&'l Lines>) -> impl Iterator<Item = (&'l Line, Option<&'l KeptLine>)> {
        let left = |place: usize| self.rest.and_then(|kept| kept.line(place));
        self.paid.lines.iter().enumerate().map(move |(place, line)| (line, left(place))).filter(move |(line, left)| {
            left.is_none_or(KeptLine::is_left)
                && lines.is_none_or(|lines| every(&lines.of, line) && !any(&lines.except, line))
        })
    }
}

/// What is left of a figure of a line.
fn left_of(whole: i64, left: Option<&KeptLine>, rounding: Rounding) -> i64 {
    left.map_or(whole, |left| left.share(whole, rounding))
}

fn price(line: &Line, price: Price) -> i64 {
    let detail = line.detail.as_deref();
    match price {
        Price::Net => line.net.0,
        Price::Gross => line.net.0.saturating_add(detail.map_or(0, |detail| detail.discount.0)),
        Price::ExTax => line.net.0.saturating_sub(detail.map_or(0, |detail| detail.tax.0)),
    }
}

/// Whether every list that says something knows the line.
fn every(goods: &Goods, line: &Line) -> bool {
    goods.skus.accepts(&line.sku)
        && goods.categories.accepts(line.detail.as_ref().map_or("", |detail| &detail.category))
        && (goods.tags.is_empty() || is_tagged(goods, line))
}

/// Whether any list knows the line.
fn any(goods: &Goods, line: &Line) -> bool {
    let category = || line.detail.as_ref().is_some_and(|detail| goods.categories.has(&detail.category));
    goods.skus.has(&line.sku) || category() || is_tagged(goods, line)
}

fn is_tagged(goods: &Goods, line: &Line) -> bool {
    line.detail.as_ref().is_some_and(|detail| detail.tags.iter().any(|tag| goods.tags.has(tag)))
}
