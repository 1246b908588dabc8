//! Events: points spent, reserved and given back.

use crate::kernel::fields::{Fields, HOLD_MS_MAX, PIECES_MAX, Payload};
use crate::kernel::names::RecordRef;
use crate::kernel::units::{Money, Points, Position};
use alloc::boxed::Box;
use alloc::format;
use serde::{Deserialize, Serialize};

/// Command: spend points at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeem {
    /// From which wallet; the item's, or the program's first, if empty.
    pub wallet: Box<str>,
    /// How many, greater than 0; 0 for what the item costs.
    pub points: Points,
    /// What for, in the caller's words; may be empty.
    pub order: Box<str>,
    /// What the whole order costs, for programs that limit the share paid with points.
    pub total: Option<Money>,
    /// What is bought with them, if the program sells it.
    pub item: Option<Box<ItemRequest>>,
}

impl Payload for Redeem {
    fn limits(&mut self, found: &mut Fields) {
        found.name("wallet", &mut self.wallet, 0);
        found.amount("points", self.points.0, i64::from(self.item.is_none()));
        found.name("order", &mut self.order, 0);
        found.money("total", self.total);
        if let Some(item_request) = &mut self.item {
            item_request.limits(found);
        }
    }
}

/// Command: reserve points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The caller's name for the hold, unique for the member.
    pub hold: Box<str>,
    /// From which wallet; the item's, or the program's first, if empty.
    pub wallet: Box<str>,
    /// How many, greater than 0; 0 for what the item costs.
    pub points: Points,
    /// How long, in milliseconds; the wallet's default if absent.
    pub ttl_ms: Option<i64>,
    /// What for, in the caller's words; may be empty.
    pub order: Box<str>,
    /// What the whole order costs, for programs that limit the share paid with points.
    pub total: Option<Money>,
    /// What is bought with them, if the program sells it.
    pub item: Option<Box<ItemRequest>>,
}

impl Payload for Hold {
    fn limits(&mut self, found: &mut Fields) {
        found.name("hold", &mut self.hold, 1);
        found.name("wallet", &mut self.wallet, 0);
        found.amount("points", self.points.0, i64::from(self.item.is_none()));
        ttl_limits(found, self.ttl_ms);
        found.name("order", &mut self.order, 0);
        found.money("total", self.total);
        if let Some(item_request) = &mut self.item {
            item_request.limits(found);
        }
    }
}

/// Command: spend reserved points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// The hold.
    pub hold: Box<str>,
    /// How many; all that is still held if absent.
    pub points: Option<Points>,
    /// Whether what remains held is released.
    pub last: bool,
}

impl Payload for Capture {
    fn limits(&mut self, found: &mut Fields) {
        found.name("hold", &mut self.hold, 1);
        found.points("points", self.points);
    }
}

/// Command: release reserved points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// The hold.
    pub hold: Box<str>,
}

impl Payload for Void {
    fn limits(&mut self, found: &mut Fields) {
        found.name("hold", &mut self.hold, 1);
    }
}

/// Command: keep a hold for longer, or shorter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldExtended {
    /// The hold.
    pub hold: Box<str>,
    /// How long from now, in milliseconds; the wallet's default if absent.
    pub ttl_ms: Option<i64>,
}

impl Payload for HoldExtended {
    fn limits(&mut self, found: &mut Fields) {
        found.name("hold", &mut self.hold, 1);
        ttl_limits(found, self.ttl_ms);
    }
}

/// Fact: what was paid with points was given back, and so are the points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedeemRefunded {
    /// What spent them.
    pub redemption: SpentRef,
    /// How many; all that were not given back yet if absent.
    pub points: Option<Points>,
}

/// Redemptions that an event speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpentRef {
    /// The one of this record.
    Record(RecordRef),
    /// All that were for this order, the last first.
    Order(Box<str>),
    /// All that were captured from this hold, the last first.
    Hold(Box<str>),
}

impl From<Position> for SpentRef {
    fn from(position: Position) -> SpentRef {
        SpentRef::Record(position.into())
    }
}

impl Payload for RedeemRefunded {
    fn limits(&mut self, found: &mut Fields) {
        match &mut self.redemption {
            SpentRef::Record(record) => found.record("event", record),
            SpentRef::Order(order) => found.name("order", order, 1),
            SpentRef::Hold(hold) => found.name("hold", hold, 1),
        }
        found.points("points", self.points);
    }
}

/// What points are spent on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRequest {
    /// The item, by its name in the program. 1 to 128 bytes.
    pub item: Box<str>,
    /// How many of it, 1 to [`PIECES_MAX`].
    pub pieces: u32,
}

impl ItemRequest {
    fn limits(&mut self, found: &mut Fields) {
        found.name("item", &mut self.item, 1);
        if !(1..=PIECES_MAX).contains(&self.pieces) {
            found.add("pieces", format!("is {}; must be 1 to {PIECES_MAX}", self.pieces));
        }
    }
}

fn ttl_limits(found: &mut Fields, ttl_ms: Option<i64>) {
    if ttl_ms.is_some_and(|ms| !(1..=HOLD_MS_MAX).contains(&ms)) {
        found.add("ttl", "must be longer than 0 and at most 400 days".into());
    }
}
