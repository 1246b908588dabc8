//! Items: what points are redeemed for, and who may have how many of them, when and for how much.
//!
//! Pieces are counted under the item's name with `.taken`, for everybody and for each member, whatever the program says
//! of stock and limits. So a version may change either, and what was given counts on.
//! How they are given is `decide/item.rs`.

use crate::features::earning::program::Window;
use crate::kernel::calendar::Calendar;
use crate::kernel::counter::Counter;
use crate::kernel::units::{Day, Points, TermNo};
use alloc::vec::Vec;

/// For how many days it is known on which of them a member took pieces: any year, and any span a limit may name.
pub const PIECES_DAYS: i32 = 366;

/// Something that points are redeemed for.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name.
    pub id: TermNo,
    /// The counter of its pieces: those that were redeemed and are held, for everybody and by day for each member.
    pub taken: TermNo,
    /// Whose points it costs.
    pub wallet: TermNo,
    /// What a piece costs, more than 0.
    pub points: Points,
    /// How many pieces there are for all members together; any number if absent.
    pub stock: Option<i64>,
    /// Not before this local date.
    pub from: Option<Day>,
    /// Not after this local date.
    pub until: Option<Day>,
    /// For members in one of these tiers; any, if empty.
    pub tiers: Vec<TermNo>,
    /// At most how many a member may have.
    pub limits: Vec<PieceLimit>,
    /// Whether pieces are there again once the points of their redemption were given back whole.
    pub restock: bool,
}

/// At most so many pieces of an item for each member in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PieceLimit {
    /// At most how many.
    pub pieces: i64,
    /// In which time; never that of an order.
    pub window: Window,
}

impl Item {
    /// What so many pieces cost.
    pub fn cost(&self, pieces: i64) -> Points {
        Points(self.points.0.saturating_mul(pieces))
    }

    /// Whether it can be had on `day`.
    pub fn is_on(&self, day: Day) -> bool {
        self.from.is_none_or(|from| day >= from) && self.until.is_none_or(|until| day <= until)
    }

    /// Whether members in `tier` may have it.
    pub fn is_for(&self, tier: TermNo) -> bool {
        self.tiers.is_empty() || self.tiers.contains(&tier)
    }
}

impl PieceLimit {
    /// How many pieces of a member's counter count against it on `today`.
    pub fn used(&self, counter: &Counter, calendar: &Calendar, today: Day) -> i64 {
        let first = match self.window {
            Window::Days(days) => today.0.saturating_sub(days).saturating_add(1),
            Window::Week => calendar.week_start(today).0,
            Window::Month => calendar.month_start(today).0,
            Window::Year => calendar.year_start(today).0,
            Window::Ever | Window::Order | Window::Visit => return counter.total,
        };
        counter.sum_from(first)
    }
}
