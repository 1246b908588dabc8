//! Purchases that can be refunded, what came back of them, and what came before them.

use crate::kernel::units::{Day, Money, Position};
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most refunds and settlements of one member that wait for their purchases.
pub const DEFERRED_MAX: usize = 64;

/// Most captures and voids of one member that wait for their holds; one more, and the oldest is forgotten.
pub const OVERTAKEN_MAX: usize = 16;

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

/// What came back, other than a share of the money of a purchase that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returns {
    /// Parts of lines of purchases that can still be refunded, each line once, in order of the first time.
    pub lines: Vec<LineReturned>,
    /// Refunds and settlements that wait for their purchase, oldest first.
    pub deferred: Vec<Deferred>,
    /// Captures and voids that wait for their hold, oldest first: the last that came.
    pub overtaken: Vec<Deferred>,
}

/// A refund, cancellation or settlement that came before its purchase, or a capture or void before its hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// Short name of the order or hold, by [`NameKey`](crate::kernel::names::NameKey).
    pub order: u64,
    /// The record of it.
    pub position: Position,
    /// The local date on which it came.
    pub day: Day,
}

/// What came back of a line of a purchase, by refunds that named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineReturned {
    /// The record of the purchase.
    pub purchase: Position,
    /// Place of the line in it; the first is 0.
    pub line: u16,
    /// How many items.
    pub items: u32,
    /// How much money beside the price of these items, in minor units.
    pub amount: Money,
}

impl Returns {
    /// Adds what came back of a line. `None` on overflow.
    pub(crate) fn take_back(&mut self, back: LineReturned) -> Option<()> {
        match self.lines.iter_mut().find(|known| (known.purchase, known.line) == (back.purchase, back.line)) {
            Some(known) => {
                known.items = known.items.checked_add(back.items)?;
                known.amount.0 = known.amount.0.checked_add(back.amount.0)?;
            }
            None => self.lines.push(back),
        }
        Some(())
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

    /// A command waits for its hold.
    pub(crate) fn overtake(&mut self, waiting: Deferred) {
        if self.overtaken.len() >= OVERTAKEN_MAX {
            self.overtaken.remove(0);
        }
        self.overtaken.push(waiting);
    }

    /// Forgets what came back of purchases that are no longer known, and what waited since before `from`; nothing at
    /// all is kept if nothing is left.
    pub(crate) fn forget(kept: &mut Option<Box<Returns>>, purchases: &[PurchaseRef], from: Day) {
        let Some(returns) = kept else { return };
        returns.lines.retain(|back| purchases.iter().any(|known| known.position == back.purchase));
        returns.deferred.retain(|deferred| deferred.day >= from);
        returns.overtaken.retain(|deferred| deferred.day >= from);
        if **returns == Returns::default() {
            *kept = None;
        }
    }
}
