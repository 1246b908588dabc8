//! Events: purchases given back.

use crate::kernel::fields::{Fields, LINES_MAX, Payload};
use crate::kernel::names::{Currency, RecordRef};
use crate::kernel::quantity::Quantity;
use crate::kernel::units::Money;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Fact: all of a purchase that is not yet refunded was given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// The order of the purchase.
    pub order: Box<str>,
}

impl Payload for Cancelled {
    fn limits(&mut self, found: &mut Fields) {
        found.name("order", &mut self.order, 1);
    }
}

/// Fact: part of a purchase was given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// The order of the purchase.
    pub order: Box<str>,
    /// ISO 4217 code, that of the purchase.
    pub currency: Currency,
    /// How much money went back in all, 0 or more; at least what the lines come to goes back. What is more
    /// than that is of the delivery, then of the purchase as a whole.
    pub amount: Money,
    /// Which lines, as far as the source says; without any, the amount is greater than 0.
    pub lines: Vec<LineRefund>,
    /// The amount is the total of all refunds of the purchase so far, and names no lines.
    pub so_far: bool,
}

impl Payload for Refunded {
    fn limits(&mut self, found: &mut Fields) {
        found.name("order", &mut self.order, 1);
        found.currency("currency", self.currency);
        found.amount("amount", self.amount.0, i64::from(self.lines.is_empty()));
        if self.lines.len() > LINES_MAX {
            found.add("lines", format!("has {} lines; send at most {LINES_MAX}", self.lines.len()));
        }
        self.lines.iter_mut().take(LINES_MAX).enumerate().for_each(|(n, line)| line.limits(n, found));
        if self.so_far && !self.lines.is_empty() {
            found.add("so_far", "is of an amount alone; send the lines of each refund without it".into());
        }
    }
}

/// What went back of one line of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRefund {
    /// The line.
    pub line: LineName,
    /// How much of it.
    pub part: LinePart,
}

/// A line of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineName {
    /// Its place; the first is 0.
    Place(u16),
    /// Its stock-keeping unit, if no other line has the same. 1 to 128 bytes.
    Sku(Box<str>),
}

/// Part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinePart {
    /// So many items, greater than 0, or so much of what is weighed, with their share of the price.
    Items(Quantity),
    /// So much of the price, in minor units, greater than 0; the items in proportion.
    Amount(Money),
}

impl LineRefund {
    pub(crate) fn limits(&mut self, n: usize, found: &mut Fields) {
        let field = |name: &str| format!("lines[{n}].{name}");
        if let LineName::Sku(sku) = &mut self.line {
            found.name(&field("sku"), sku, 1);
        }
        match self.part {
            LinePart::Items(items) if items.is_zero() => found.add(&field("quantity"), "must be more than 0".into()),
            LinePart::Items(_) => {}
            LinePart::Amount(amount) => found.amount(&field("amount"), amount.0, 1),
        }
    }
}

/// Fact: a refund did not happen after all: its purchase is as if it had never been refunded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundReversed {
    /// The record of the refund or cancellation.
    pub refund: RecordRef,
    /// Why.
    pub why: ReversalWhy,
}

impl Payload for RefundReversed {
    fn limits(&mut self, found: &mut Fields) {
        found.record("event", &mut self.refund);
    }
}

/// Why a refund did not happen after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReversalWhy {
    /// The money never left.
    Failed,
    /// It was won back, as that of a chargeback in a dispute.
    WonBack,
}
