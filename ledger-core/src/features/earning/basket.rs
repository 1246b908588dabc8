//! What earn rules may ask of an event: where it happened, and what was bought.
//!
//! The base of a rule is the price of the lines that count, with delivery and without the share that was
//! paid with points, as the rule says. Of a basket of which only part is kept (a refund) the lines count as far as
//! they are left, and delivery in proportion to what is kept of the net price: see `kept`.

use crate::features::earning::kept::{Kept, KeptLine, part};
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
    lines: &'e [Line],
    shipping: Money,
    points_paid: Money,
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
        let (shipping, points_paid, net, kept) = (nothing, nothing, nothing, nothing);
        Basket { at, event: None, lines: &[], shipping, points_paid, net, kept, rest: None }
    }

    /// An event.
    pub(crate) fn of(event: &'e Event<MemberRef>) -> Basket<'e> {
        let empty = Basket { event: Some(event), ..Basket::empty(event.occurred_at) };
        let Body::Purchase(event::Purchase { lines, shipping, points_paid, .. }) = &event.body else { return empty };
        let net = Money(lines.iter().fold(0, |sum, line| line.net.0.saturating_add(sum)));
        Basket { lines, shipping: *shipping, points_paid: *points_paid, net, kept: net, ..empty }
    }

    /// The same basket, of which so much is kept.
    pub(crate) fn keeping<'k>(self, kept: &'k Kept) -> Basket<'k>
    where
        'e: 'k,
    {
        Basket { kept: kept.net, rest: Some(kept), ..self }
    }

    /// The same basket, of which nothing went back.
    pub(crate) fn whole(self) -> Basket<'e> {
        Basket { kept: self.net, rest: None, ..self }
    }

    /// Where and when it happened, as visits see it.
    pub(crate) fn place(&self, draft: &Draft<'_>) -> Place {
        place_of(draft, self.event.and_then(|event| event.origin.as_deref()), self.at)
    }

    /// The lines as they were bought.
    pub(crate) fn lines(&self) -> &'e [Line] {
        self.lines
    }

    /// What was paid for the lines.
    pub(crate) fn net(&self) -> Money {
        self.net
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
        let mut base = if rule.base.shipping { part(self.shipping.0, self.left().0, self.net.0) } else { 0 };
        for (line, left) in self.counting(lines) {
            base = base.saturating_add(left_of(price(line, rule.base.price), left));
        }
        self.counting_part(rule, base)
    }

    /// The same, line by line as far as each counts, and the delivery behind them: each rounded down by itself.
    pub(crate) fn bases<'b>(&'b self, rule: &'b EarnRule) -> impl Iterator<Item = Money> + use<'b, 'e> {
        let lines = self.counting(rule.when.as_ref().and_then(|when| when.lines.as_ref()));
        let prices = lines.map(|(line, left)| left_of(price(line, rule.base.price), left));
        let shipping = rule.base.shipping.then(|| part(self.shipping.0, self.left().0, self.net.0));
        prices.chain(shipping).map(|base| self.counting_part(rule, base))
    }

    /// What counts of some of the money, once what was paid with points and what went back of no line are left out.
    fn counting_part(&self, rule: &EarnRule, mut base: i64) -> Money {
        let paid = self.net.0.saturating_add(self.shipping.0);
        if rule.base.ex_points_paid && self.points_paid.0 > 0 {
            let with_money = paid.saturating_sub(self.points_paid.0).max(0);
            base = share(base, with_money, paid, Rounding::Down).unwrap_or(0);
        }
        Money(part(base, self.kept.0, self.left().0))
    }

    /// How many items count for a rule.
    pub(crate) fn items(&self, rule: &EarnRule) -> i64 {
        let lines = self.counting(rule.when.as_ref().and_then(|when| when.lines.as_ref()));
        let items = lines.fold(0i64, |sum, (line, left)| sum.saturating_add(left_of(line.quantity.into(), left)));
        part(items, self.kept.0, self.left().0)
    }

    /// Whether any line counts.
    pub(crate) fn has(&self, lines: &Lines) -> bool {
        self.counting(Some(lines)).next().is_some()
    }

    /// The net price of what is left of the lines.
    fn left(&self) -> Money {
        self.rest.map_or(self.net, |kept| kept.left)
    }

    /// The lines that count, with what is left of each if refunds named lines.
    fn counting<'l>(&'l self, lines: Option<&'l Lines>) -> impl Iterator<Item = (&'l Line, Option<&'l KeptLine>)> {
        let left = |place: usize| self.rest.and_then(|kept| kept.line(place));
        self.lines.iter().enumerate().map(move |(place, line)| (line, left(place))).filter(move |(line, left)| {
            left.is_none_or(KeptLine::is_left)
                && lines.is_none_or(|lines| every(&lines.of, line) && !any(&lines.except, line))
        })
    }
}

/// What is left of a figure of a line.
fn left_of(whole: i64, left: Option<&KeptLine>) -> i64 {
    left.map_or(whole, |left| left.share(whole))
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
