//! Events: what members do that may earn points.

use crate::kernel::fields::{AMOUNT_MAX, Fields, LINES_MAX, NAME_BYTES_MAX, Payload, TAGS_MAX};
use crate::kernel::names::{Currency, Name};
use crate::kernel::normal::is_plain;
use crate::kernel::quantity::Quantity;
use crate::kernel::units::Money;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Fact: a purchase was paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The shop's order number; one purchase per member and order.
    pub order: Box<str>,
    /// ISO 4217 code.
    pub currency: Currency,
    /// What was bought; the sum of their net prices is what earns.
    pub lines: Vec<Line>,
    /// What was paid for delivery, on top of the lines, in minor units, 0 or more.
    pub shipping: Money,
    /// How much of all that was paid with points, in minor units.
    pub points_paid: Money,
}

impl Payload for Purchase {
    fn limits(&mut self, found: &mut Fields) {
        found.name("order", &mut self.order, 1);
        found.currency("currency", self.currency);
        if self.lines.is_empty() || self.lines.len() > LINES_MAX {
            found.add("lines", format!("has {} lines; send 1 to {LINES_MAX}", self.lines.len()));
        }
        self.lines.iter_mut().take(LINES_MAX).enumerate().for_each(|(n, line)| line.limits(n, found));
        found.amount("shipping", self.shipping.0, 0);
        let paid = self.lines.iter().fold(self.shipping.0, |sum, line| sum.saturating_add(line.net.0)).max(0);
        if self.points_paid.0 < 0 || self.points_paid.0 > paid {
            found.add("points_paid", format!("is {}; must be 0 to what was paid in all, {paid}", self.points_paid));
        }
    }
}

/// Fact: the member checked in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckIn;

impl Payload for CheckIn {
    fn limits(&mut self, _: &mut Fields) {}
}

/// Fact: somebody the member invited has qualified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral<W> {
    /// The one who was invited.
    pub referee: W,
}

impl<W> Referral<W> {
    /// The same, speaking of somebody else.
    pub(crate) fn map<V>(self, mut who: impl FnMut(W) -> V) -> Referral<V> {
        let Referral { referee } = self;
        Referral { referee: who(referee) }
    }
}

impl Payload for Referral<Name> {
    fn limits(&mut self, found: &mut Fields) {
        found.name("referee", &mut self.referee, 1);
    }
}

/// A line of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Stock-keeping unit; may be empty.
    pub sku: Box<str>,
    /// How much of it, greater than 0: pieces, or what they weigh.
    pub quantity: Quantity,
    /// What was paid for the line, tax included, in minor units; below 0 what it takes off (a coupon, a deposit).
    pub net: Money,
    /// What else the source says of it.
    pub detail: Option<Box<LineDetail>>,
}

/// What a source may say of a line beside its price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineDetail {
    /// The category of goods; may be empty.
    pub category: Box<str>,
    /// Whatever else the goods are marked with.
    pub tags: Vec<Box<str>>,
    /// How much the price was reduced, in minor units: the gross price is the net one and this.
    pub discount: Money,
    /// How much of the net price is tax, in minor units.
    pub tax: Money,
}

impl Line {
    /// A line of which no more is said than what was paid for it.
    pub fn plain(sku: &str, pieces: u32, net: Money) -> Line {
        Line { sku: sku.into(), quantity: Quantity::whole(pieces), net, detail: None }
    }
}

impl Line {
    pub(crate) fn limits(&mut self, n: usize, found: &mut Fields) {
        // A plain line without a fault writes no name of a field.
        let field = |name: &str| format!("lines[{n}].{name}");
        if !is_plain(&self.sku) || self.sku.len() > NAME_BYTES_MAX {
            found.name(&field("sku"), &mut self.sku, 0);
        }
        if self.quantity.is_zero() {
            found.add(&field("quantity"), "must be more than 0".into());
        }
        if self.net.0 < AMOUNT_MAX.saturating_neg() || self.net.0 > AMOUNT_MAX {
            found.amount(&field("net"), self.net.0, AMOUNT_MAX.saturating_neg());
        }
        let Some(detail) = &mut self.detail else { return };
        found.name(&field("category"), &mut detail.category, 0);
        if detail.tags.len() > TAGS_MAX {
            found.add(&field("tags"), format!("has {} tags; send at most {TAGS_MAX}", detail.tags.len()));
        }
        detail.tags.iter_mut().take(TAGS_MAX).for_each(|tag| found.name(&field("tags"), tag, 1));
        found.amount(&field("discount"), detail.discount.0, 0);
        if !(self.net.0.min(0)..=self.net.0.max(0)).contains(&detail.tax.0) {
            found.add(&field("tax"), format!("is {}; must be 0 to the net price", detail.tax));
        }
    }
}
