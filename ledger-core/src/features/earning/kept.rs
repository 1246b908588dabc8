//! What is kept of a purchase: line by line as far as refunds name lines, and of what then is left as much as its
//! money.
//!
//! Refunds are added up, by line and as a whole, and what is kept follows from the sums alone: so the order in
//! which parts go back decides nothing. Of a line go whole items, or money, with which its items go in proportion;
//! money that names no line is taken from all that is left in proportion.

use crate::kernel::units::{Money, Rounding, share};
use crate::tables::event::Line;
use crate::tables::member::LineReturned;
use alloc::vec::Vec;

/// What is kept of a purchase of which something went back.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// What is kept of the net price.
    pub(crate) net: Money,
    /// What is left of it once the lines that were named are taken out: no less than `net`.
    pub(crate) left: Money,
    /// What is left of each line; empty if refunds named none.
    lines: Vec<KeptLine>,
}

/// What is left of a line by the refunds that named it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptLine {
    /// Items that were bought, and that did not go back.
    bought: i64,
    items: i64,
    /// The net price of those, and what is left of it.
    price: i64,
    net: i64,
}

impl Kept {
    /// What is kept of `lines`, which came to `net`, once `refunded` and, of that, `returned` have gone back.
    /// `None` if that is more of a line than was bought.
    pub(crate) fn of(lines: &[Line], net: Money, refunded: Money, returned: &[LineReturned]) -> Option<Kept> {
        let kept = Money(net.0.saturating_sub(refunded.0));
        if returned.is_empty() {
            return Some(Kept { net: kept, left: net, lines: Vec::new() });
        }
        let mut gone = Vec::new();
        gone.resize(lines.len(), (0i64, 0i64));
        for back in returned {
            let (items, amount) = gone.get_mut(usize::from(back.line))?;
            *items = items.saturating_add(back.items.into());
            *amount = amount.saturating_add(back.amount.0);
        }
        let lines: Option<Vec<KeptLine>> =
            lines.iter().zip(gone).map(|(line, (items, amount))| KeptLine::of(line, items, amount)).collect();
        let lines = lines?;
        let left = lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.net));
        Some(Kept { net: kept, left: Money(left), lines })
    }

    /// Whether nothing is kept: no money of what cost some, or no item of any line.
    pub(crate) fn is_nothing(&self) -> bool {
        let no_money = self.net.0 == 0 && self.left.0 > 0;
        no_money || (!self.lines.is_empty() && !self.lines.iter().any(KeptLine::is_left))
    }

    /// What is left of the price of a line.
    pub(crate) fn price_of(&self, place: usize, line: &Line) -> i64 {
        self.line(place).map_or(line.net.0, |left| left.net)
    }

    /// What is left of a line, if refunds named any.
    pub(crate) fn line(&self, place: usize) -> Option<&KeptLine> {
        self.lines.get(place)
    }
}

impl KeptLine {
    pub(crate) fn of(line: &Line, items: i64, amount: i64) -> Option<KeptLine> {
        let bought = i64::from(line.quantity);
        let items = bought.saturating_sub(items);
        if items == 0 {
            // What was given back of its price before is in what went back with the last item.
            return Some(KeptLine { bought, items, price: 0, net: 0 });
        }
        let price = if items < 0 { None } else { share(line.net.0, items, bought, Rounding::Down) }?;
        let net = price.saturating_sub(amount);
        (net >= 0).then_some(KeptLine { bought, items, price, net })
    }

    /// Whether anything is left.
    pub(crate) fn is_left(&self) -> bool {
        self.items > 0 && (self.net > 0 || self.price == 0)
    }

    /// What is left of a figure of the whole line.
    pub(crate) fn share(&self, whole: i64) -> i64 {
        let of_items = part(whole, self.items, self.bought);
        part(of_items, self.net, self.price)
    }
}

/// So much of `whole` as `kept` is of `all`.
pub(crate) fn part(whole: i64, kept: i64, all: i64) -> i64 {
    if kept == all { whole } else { share(whole, kept, all, Rounding::Down).unwrap_or(0) }
}
