//! Purchases that can be refunded, what came back of them, and what came before them.

use crate::kernel::units::{At, Day, Money, Position};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Deref;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// So many purchases of a member are looked through; of more there is an index.
const PURCHASES_FEW: usize = 64;
/// So many purchases of one member are known: beyond that, the oldest days are forgotten as if past the refund
/// horizon.
pub const PURCHASES_MAX: usize = 1_000_000;
/// Most refunds and settlements of one member that wait for their purchases.
pub const DEFERRED_MAX: usize = 64;

/// Most other commands of one member that wait for what they speak of; as many of nobody.
pub const OVERTAKEN_MAX: usize = 64;

/// A purchase that can still be refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseRef {
    /// Short name of the order, by [`NameKey`](crate::kernel::names::NameKey).
    pub order: u64,
    /// The record of the purchase.
    pub position: Position,
    /// Its local date.
    pub day: Day,
    /// What was refunded so far, in minor units.
    pub refunded: Money,
}

/// Purchases that can still be refunded, in order of their records.
#[derive(Clone, Debug, Default)]
pub struct Purchases {
    known: Vec<PurchaseRef>,
    /// Orders and records, once there are more than [`PURCHASES_FEW`]; not stored.
    // Boxed: nearly no member has one, and every row has room for it.
    #[allow(clippy::box_collection)]
    by_order: Option<Box<BTreeSet<(u64, Position)>>>,
}

impl PartialEq for Purchases {
    fn eq(&self, other: &Purchases) -> bool {
        self.known == other.known
    }
}

impl Eq for Purchases {}

impl Serialize for Purchases {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.known.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Purchases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Purchases, D::Error> {
        let mut read = Purchases { known: Vec::deserialize(deserializer)?, by_order: None };
        read.index();
        Ok(read)
    }
}

impl Deref for Purchases {
    type Target = [PurchaseRef];

    #[inline]
    fn deref(&self) -> &[PurchaseRef] {
        &self.known
    }
}

impl Purchases {
    /// Those of an order, the latest first.
    pub(crate) fn of_order(&self, order: u64) -> impl Iterator<Item = &PurchaseRef> {
        let few = if self.by_order.is_none() { self.known.as_slice() } else { &[] };
        let few = few.iter().rev().filter(move |known| known.order == order);
        let many = self.by_order.as_ref().map(|index| index.range((order, Position(0))..=(order, Position(u64::MAX))));
        few.chain(many.into_iter().flatten().rev().filter_map(|(_, position)| self.at(*position)))
    }

    /// The one that a record made.
    pub(crate) fn at(&self, position: Position) -> Option<&PurchaseRef> {
        let at = self.known.binary_search_by_key(&position, |known| known.position).ok()?;
        self.known.get(at)
    }

    /// The same, to be changed.
    pub(crate) fn at_mut(&mut self, position: Position) -> Option<&mut PurchaseRef> {
        let at = self.known.binary_search_by_key(&position, |known| known.position).ok()?;
        self.known.get_mut(at)
    }

    /// Adds the latest.
    #[inline]
    pub(crate) fn push(&mut self, purchase: PurchaseRef) {
        self.known.push(purchase);
        match &mut self.by_order {
            Some(index) => {
                index.insert((purchase.order, purchase.position));
            }
            None => self.index(),
        }
    }

    /// Forgets those of days before `from`, if the oldest is one; answers whether there were any.
    #[inline]
    pub(crate) fn forget(&mut self, from: Day) -> bool {
        if self.known.first().is_none_or(|oldest| oldest.day >= from) {
            return false;
        }
        if let Some(index) = &mut self.by_order {
            for gone in self.known.iter().filter(|known| known.day < from) {
                index.remove(&(gone.order, gone.position));
            }
        }
        self.known.retain(|known| known.day >= from);
        true
    }

    /// Notes where the orders are, if there are many.
    fn index(&mut self) {
        if self.known.len() > PURCHASES_FEW && self.by_order.is_none() {
            self.by_order = Some(Box::new(self.known.iter().map(|known| (known.order, known.position)).collect()));
        }
    }
}

/// What came back, other than a share of the money of a purchase that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returns {
    /// Parts of lines of purchases that can still be refunded, each line once, in order of purchases and places.
    pub lines: LinesReturned,
    /// Refunds and settlements that wait for their purchase, oldest first.
    pub deferred: Vec<Deferred>,
    /// Other commands that wait for what they speak of, oldest first.
    pub overtaken: Vec<Deferred>,
    /// Refunds that were reversed, of purchases that can still be refunded, in order of their reversal.
    pub reversed: Vec<ReversedRefund>,
}

/// A refund, cancellation or settlement that came before its purchase, or another command before what it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// Short name of the order, hold or event, by [`NameKey`](crate::kernel::names::NameKey).
    pub name: u64,
    /// The record of it.
    pub position: Position,
    /// The local date on which it came.
    pub day: Day,
    /// The first instant at which it waits no more.
    pub until: At,
}

/// A refund that was reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReversedRefund {
    /// The record of the purchase.
    pub purchase: Position,
    /// The record of the refund.
    pub refund: Position,
}

/// What came back of a line of a purchase, by refunds that named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineReturned {
    /// The record of the purchase.
    pub purchase: Position,
    /// Place of the line in it; the first is 0.
    pub line: u16,
    /// How many items, in millionths of one.
    pub items: u64,
    /// How much money beside the price of these items, in minor units.
    pub amount: Money,
}

/// What came back of lines, found by purchase and line: a refund may name thousands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinesReturned(BTreeMap<(Position, u16), (u64, Money)>);

impl Serialize for LinesReturned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for LinesReturned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LinesReturned, D::Error> {
        let lines = Vec::<LineReturned>::deserialize(deserializer)?;
        Ok(LinesReturned(
            lines.into_iter().map(|back| ((back.purchase, back.line), (back.items, back.amount))).collect(),
        ))
    }
}

impl LinesReturned {
    /// All of them, in order of purchases and lines.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = LineReturned> {
        self.0.iter().map(returned)
    }

    /// Those of one purchase.
    pub(crate) fn of(&self, purchase: Position) -> impl Iterator<Item = LineReturned> {
        self.0.range((purchase, 0)..=(purchase, u16::MAX)).map(returned)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds what came back of a line. `None` on overflow.
    pub(crate) fn add(&mut self, back: LineReturned) -> Option<()> {
        let (items, amount) = self.0.entry((back.purchase, back.line)).or_default();
        *items = items.checked_add(back.items)?;
        amount.0 = amount.0.checked_add(back.amount.0)?;
        Some(())
    }

    /// Takes from what came back of a line what is kept after all. `None` if that is more.
    pub(crate) fn keep_again(&mut self, kept: LineReturned) -> Option<()> {
        let place = (kept.purchase, kept.line);
        let (items, amount) = self.0.get_mut(&place)?;
        *items = items.checked_sub(kept.items)?;
        amount.0 = amount.0.checked_sub(kept.amount.0).filter(|left| *left >= 0)?;
        if (*items, amount.0) == (0, 0) {
            self.0.remove(&place);
        }
        Some(())
    }
}

fn returned((place, part): (&(Position, u16), &(u64, Money))) -> LineReturned {
    let ((purchase, line), (items, amount)) = (*place, *part);
    LineReturned { purchase, line, items, amount }
}

impl Returns {
    /// All that waits: first for purchases, then for something else, each oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Deferred> {
        self.deferred.iter().chain(&self.overtaken)
    }

    /// What waited for its purchase or hold waits no more. `None` if it did not.
    pub(crate) fn resume_deferred(&mut self, event: Position) -> Option<()> {
        let waits = |deferred: &Deferred| deferred.position == event;
        if let Some(at) = self.deferred.iter().position(waits) {
            self.deferred.remove(at);
        } else {
            self.overtaken.remove(self.overtaken.iter().position(waits)?);
        }
        Some(())
    }

    /// Forgets what came back and was reversed of purchases that are no longer known, if any was forgotten; nothing at
    /// all is kept if nothing is left.
    pub(crate) fn forget(kept: &mut Option<Box<Returns>>, purchases: &Purchases, forgot: bool) {
        let Some(returns) = kept else { return };
        if forgot {
            returns.lines.0.retain(|(purchase, _), _| purchases.at(*purchase).is_some());
            returns.reversed.retain(|reversed| purchases.at(reversed.purchase).is_some());
        }
        if **returns == Returns::default() {
            *kept = None;
        }
    }
}
