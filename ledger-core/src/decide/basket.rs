//! What earn rules may ask of an event: where it happened, and what was bought.
//!
//! The base of a rule is the price of the lines that count, with delivery and without the share that was
//! paid with points, as the rule says. A basket of which only part is kept (a refund) counts every line, and
//! delivery, in proportion to what is kept of its net price: an amount says nothing of lines.

use crate::event::{Body, Event, Line, Origin, Who};
use crate::program::{EarnRule, Goods, Lines, Price};
use crate::units::{At, Money, Rounding, share};

/// An event as earn rules see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Basket<'e> {
    /// When it happened.
    pub(super) at: At,
    /// Where, if the source says.
    pub(super) origin: Option<&'e Origin>,
    lines: &'e [Line],
    shipping: Money,
    points_paid: Money,
    /// The net price of all lines, and how much of it is kept.
    net: Money,
    kept: Money,
}

impl<'e> Basket<'e> {
    /// Something that happened, of which nothing more is known.
    pub(super) fn empty(at: At) -> Basket<'e> {
        let nothing = Money(0);
        Basket { at, origin: None, lines: &[], shipping: nothing, points_paid: nothing, net: nothing, kept: nothing }
    }

    /// An event.
    pub(super) fn of(event: &'e Event<Who>) -> Basket<'e> {
        let empty = Basket { origin: event.origin.as_deref(), ..Basket::empty(event.occurred_at) };
        let Body::Purchase { lines, shipping, points_paid, .. } = &event.body else { return empty };
        let net = Money(lines.iter().fold(0, |sum, line| line.net.0.saturating_add(sum)));
        Basket { lines, shipping: *shipping, points_paid: *points_paid, net, kept: net, ..empty }
    }

    /// The same basket, of which so much is kept.
    pub(super) fn keeping(self, kept: Money) -> Basket<'e> {
        Basket { kept, ..self }
    }

    /// What was paid for the lines.
    pub(super) fn net(&self) -> Money {
        self.net
    }

    /// How much of that is kept.
    pub(super) fn kept(&self) -> Money {
        self.kept
    }

    /// The money that counts for a rule.
    #[inline]
    pub(super) fn base(&self, rule: &EarnRule) -> Money {
        let lines = rule.when.as_ref().and_then(|when| when.lines.as_ref());
        if lines.is_none() && rule.base == Default::default() {
            return self.kept;
        }
        let mut base = if rule.base.shipping { self.shipping.0 } else { 0 };
        for line in self.counting(lines) {
            base = base.saturating_add(price(line, rule.base.price));
        }
        let paid = self.net.0.saturating_add(self.shipping.0);
        if rule.base.ex_points_paid && self.points_paid.0 > 0 {
            let with_money = paid.saturating_sub(self.points_paid.0).max(0);
            base = share(base, with_money, paid, Rounding::Down).unwrap_or(0);
        }
        Money(self.kept_of(base))
    }

    /// How many items count for a rule.
    pub(super) fn items(&self, rule: &EarnRule) -> i64 {
        let lines = self.counting(rule.when.as_ref().and_then(|when| when.lines.as_ref()));
        self.kept_of(lines.fold(0i64, |sum, line| sum.saturating_add(line.quantity.into())))
    }

    /// Whether any line counts.
    pub(super) fn has(&self, lines: &Lines) -> bool {
        self.counting(Some(lines)).next().is_some()
    }

    fn kept_of(&self, all: i64) -> i64 {
        if self.kept == self.net {
            return all;
        }
        share(all, self.kept.0, self.net.0, Rounding::Down).unwrap_or(0)
    }

    fn counting<'l>(&'l self, lines: Option<&'l Lines>) -> impl Iterator<Item = &'l Line> {
        self.lines
            .iter()
            .filter(move |line| lines.is_none_or(|lines| every(&lines.of, line) && !any(&lines.except, line)))
    }
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
