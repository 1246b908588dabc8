//! What is kept of a purchase: line by line as far as refunds name lines, and of what then is left as much as its
//! money.
//!
//! Refunds are added up, by line and as a whole, and what is kept follows from the sums alone: so the order in
//! which parts go back decides nothing. Of a line go whole items, or money, with which its items go in proportion;
//! money that names no line is of the delivery first, and then taken from all that is left in proportion.
//!
//! What goes back is money, and what was paid with points, or taken off by lines below zero, was not paid in money:
//! so goods are worth their share of the money.

use crate::kernel::units::{Money, Rounding, share};
use crate::tables::event::Line;
use crate::tables::member::LineReturned;
use alloc::vec::Vec;

/// What was paid for a purchase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paid<'e> {
    /// What was bought.
    pub(crate) lines: &'e [Line],
    /// For delivery.
    pub(crate) shipping: Money,
    /// Of all that, with points.
    pub(crate) points_paid: Money,
}

/// What is kept of a purchase of which something went back.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// What is kept of the net price.
    pub(crate) net: Money,
    /// What is kept of the money that was paid, delivery included.
    pub(crate) money: Money,
    /// What is left of that money once the lines that were named are taken out: no less than `money`.
    pub(crate) left: Money,
    /// What is kept of the money of goods of which anything is left, and that money.
    goods: (i64, i64),
    /// The same of the delivery.
    shipping: (i64, i64),
    /// What is left of each line; empty if refunds named none.
    lines: Vec<KeptLine>,
}

/// What is left of a line by the refunds that named it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptLine {
    /// Millionths of items that were bought, and that did not go back.
    bought: i64,
    pub(crate) items: i64,
    /// The net price of those, and what is left of it.
    price: i64,
    pub(crate) net: i64,
}

impl Paid<'_> {
    /// The net price of all lines.
    pub(crate) fn net(&self) -> i64 {
        self.lines.iter().fold(0, |sum, line| line.net.0.saturating_add(sum))
    }

    /// The price of the goods: of what is not taken off by lines below zero.
    fn goods(&self) -> i64 {
        self.lines.iter().fold(0, |sum, line| line.net.0.max(0).saturating_add(sum))
    }

    /// What was paid in money.
    pub(crate) fn money(&self) -> i64 {
        self.net().saturating_add(self.shipping.0).saturating_sub(self.points_paid.0).max(0)
    }

    /// How much money goods of this price are: their share of it.
    fn worth(&self, goods: i64) -> i64 {
        let all = self.goods().saturating_add(self.shipping.0);
        if all == self.money() { goods } else { share(goods, self.money(), all, Rounding::Down).unwrap_or(0) }
    }
}

impl Kept {
    /// What is kept of what was paid once `refunded` and, of that, `returned` have gone back. `None` if that is more
    /// of a line than was bought.
    pub(crate) fn of(paid: &Paid<'_>, refunded: Money, returned: &[LineReturned]) -> Option<Kept> {
        let lines = if returned.is_empty() { Vec::new() } else { KeptLine::all(paid, returned)? };
        let (goods, net) = match lines.is_empty() {
            true => (paid.goods(), paid.net()),
            false => lines.iter().fold((0i64, 0i64), |(goods, net), line| {
                (goods.saturating_add(line.net.max(0)), net.saturating_add(line.net))
            }),
        };
        let (all, money) = (paid.worth(paid.goods()), paid.money());
        let named = paid.worth(paid.goods().saturating_sub(goods));
        let (left, of_goods, of_shipping) =
            (money.saturating_sub(named), all.saturating_sub(named), money.saturating_sub(all));
        let kept = money.saturating_sub(refunded.0).clamp(0, left);
        let unnamed = left.saturating_sub(kept);
        let shipping = (of_shipping.saturating_sub(unnamed).max(0), of_shipping);
        let from_goods = unnamed.saturating_sub(of_shipping).max(0);
        let goods = (of_goods.saturating_sub(from_goods).max(0), of_goods);
        let net = part(net, goods, Rounding::Down);
        let all = Kept { net: Money(net), money: Money(kept), left: Money(left), goods, shipping, lines };
        Some(if all.is_nothing() { Kept { net: Money(0), ..all } } else { all })
    }

    /// Whether nothing is kept: no money of what cost some, or no item of any line.
    pub(crate) fn is_nothing(&self) -> bool {
        let no_money = self.money.0 == 0 && self.left.0 > 0;
        let is_goods = |line: &KeptLine| line.price >= 0 && line.is_left();
        no_money || (!self.lines.is_empty() && !self.lines.iter().any(is_goods))
    }

    /// Millionths of items that are left of a line, and their price.
    pub(crate) fn left_of(&self, place: usize, line: &Line) -> (i64, i64) {
        self.line(place).map_or_else(|| (line.quantity.millionths(), line.net.0), |left| (left.items, left.net))
    }

    /// What is left of a line, if refunds named any.
    pub(crate) fn line(&self, place: usize) -> Option<&KeptLine> {
        self.lines.get(place)
    }

    /// What is kept of a figure of goods of which anything is left.
    pub(crate) fn of_goods(&self, whole: i64, rounding: Rounding) -> i64 {
        part(whole, self.goods, rounding)
    }

    /// What is kept of the delivery.
    pub(crate) fn of_shipping(&self, whole: i64, rounding: Rounding) -> i64 {
        part(whole, self.shipping, rounding)
    }
}

impl KeptLine {
    /// What is left of each line; of what lines below zero take off, the share of the goods that are left.
    fn all(paid: &Paid<'_>, returned: &[LineReturned]) -> Option<Vec<KeptLine>> {
        let mut gone = Vec::new();
        gone.resize(paid.lines.len(), (0i64, 0i64));
        for back in returned {
            let (items, amount) = gone.get_mut(usize::from(back.line))?;
            *items = items.saturating_add_unsigned(back.items);
            *amount = amount.saturating_add(back.amount.0);
        }
        let lines: Option<Vec<KeptLine>> =
            paid.lines.iter().zip(gone).map(|(line, (items, amount))| KeptLine::of(line, items, amount)).collect();
        let mut lines = lines?;
        let goods = lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.net.max(0)));
        for line in lines.iter_mut().filter(|line| line.net < 0) {
            line.net = part(line.net, (goods, paid.goods()), Rounding::Down);
        }
        Some(lines)
    }

    /// What is left of a line of which so many items and so much money went back. `None` if that is more than was
    /// bought.
    pub(crate) fn of(line: &Line, items: i64, amount: i64) -> Option<KeptLine> {
        let bought = line.quantity.millionths();
        let items = bought.saturating_sub(items);
        if items == 0 {
            // What was given back of its price before is in what went back with the last item.
            return Some(KeptLine { bought, items, price: 0, net: 0 });
        }
        let price = if items < 0 { None } else { share(line.net.0, items, bought, Rounding::Down) }?;
        let net = price.saturating_sub(amount);
        (net >= 0 || line.net.0 < 0).then_some(KeptLine { bought, items, price, net })
    }

    /// Whether anything is left.
    pub(crate) fn is_left(&self) -> bool {
        self.items > 0 && (self.net != 0 || self.price == 0)
    }

    /// What is left of a figure of the whole line.
    pub(crate) fn share(&self, whole: i64, rounding: Rounding) -> i64 {
        let of_items = part(whole, (self.items, self.bought), rounding);
        part(of_items, (self.net, self.price), rounding)
    }
}

/// So much of `whole` as the first of two figures is of the second; all of it if there is nothing to go by.
fn part(whole: i64, (kept, all): (i64, i64), rounding: Rounding) -> i64 {
    if kept == all || all == 0 { whole } else { share(whole, kept, all, rounding).unwrap_or(0) }
}
