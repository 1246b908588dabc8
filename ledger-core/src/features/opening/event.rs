//! Events: members that come from another system.

use crate::kernel::fields::{Fields, NOTE_BYTES_MAX, OPENING_COUNTS_MAX, OPENING_LOTS_MAX, Payload};
use crate::kernel::units::{At, MonthDay, Points};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Longest row of days that a streak begins with.
pub const OPENING_DAYS_MAX: u32 = 36_500;

/// Control: the member comes from another system, as that left it; once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// When it joined there, if that is known.
    pub enrolled_at: Option<At>,
    /// Birthday without the year, if that is known.
    pub birthday: Option<MonthDay>,
    /// Its points, by lot.
    pub lots: Vec<OpeningLot>,
    /// What it owes, by wallet.
    pub debts: Vec<OpeningDebt>,
    /// Where it stands, if the other system had tiers.
    pub tier: Option<Box<OpeningTier>>,
    /// What was counted of it.
    pub counts: Vec<OpeningCount>,
    /// Days in a row.
    pub streaks: Vec<OpeningStreak>,
}

/// Points of another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningLot {
    /// In which wallet; the program's first if empty.
    pub wallet: Box<str>,
    /// How many, greater than 0.
    pub points: Points,
    /// When they were earned there.
    pub earned_at: At,
    /// The first instant at which they are gone; as if earned here on that date if absent.
    pub expires_at: Option<At>,
}

/// Points that were owed to another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningDebt {
    /// In which wallet; the program's first if empty.
    pub wallet: Box<str>,
    /// How many, greater than 0.
    pub points: Points,
}

/// A tier that another system gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningTier {
    /// Which of the program's.
    pub tier: Box<str>,
    /// The member has it until the end of this local day, whatever its metric says; as the metric says if absent.
    pub until: Option<At>,
    /// Why it has it. Up to 512 bytes.
    pub reason: Box<str>,
}

/// What another system counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningCount {
    /// By which metric, counter, ladder or limit of the program.
    pub counter: Box<str>,
    /// When it happened.
    pub at: At,
    /// How much, greater than 0.
    pub amount: i64,
}

/// Days in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningStreak {
    /// Which streak of the program.
    pub streak: Box<str>,
    /// On how many local days.
    pub days: u32,
    /// When the last of them was.
    pub last_at: At,
}

impl Payload for Opened {
    fn limits(&mut self, found: &mut Fields) {
        if let Some(enrolled_at) = self.enrolled_at {
            found.instant("enrolled_at", enrolled_at);
        }
        found.birthday("birthday", self.birthday);
        for (n, lot) in within(found, "lots", &mut self.lots, OPENING_LOTS_MAX) {
            found.name(&format!("lots[{n}].wallet"), &mut lot.wallet, 0);
            found.amount(&format!("lots[{n}].points"), lot.points.0, 1);
            found.instant(&format!("lots[{n}].earned_at"), lot.earned_at);
            if let Some(expires_at) = lot.expires_at {
                found.instant(&format!("lots[{n}].expires_at"), expires_at);
            }
        }
        for (n, debt) in within(found, "debts", &mut self.debts, OPENING_LOTS_MAX) {
            found.name(&format!("debts[{n}].wallet"), &mut debt.wallet, 0);
            found.amount(&format!("debts[{n}].points"), debt.points.0, 1);
        }
        if let Some(tier) = &mut self.tier {
            found.name("tier.tier", &mut tier.tier, 1);
            found.text("tier.reason", &tier.reason, 0, NOTE_BYTES_MAX);
            if let Some(until) = tier.until {
                found.instant("tier.until", until);
            }
        }
        for (n, count) in within(found, "counts", &mut self.counts, OPENING_COUNTS_MAX) {
            found.name(&format!("counts[{n}].counter"), &mut count.counter, 1);
            found.instant(&format!("counts[{n}].at"), count.at);
            found.amount(&format!("counts[{n}].amount"), count.amount, 1);
        }
        for (n, streak) in within(found, "streaks", &mut self.streaks, OPENING_LOTS_MAX) {
            found.name(&format!("streaks[{n}].streak"), &mut streak.streak, 1);
            found.instant(&format!("streaks[{n}].last_at"), streak.last_at);
            if !(1..=OPENING_DAYS_MAX).contains(&streak.days) {
                found
                    .add(&format!("streaks[{n}].days"), format!("is {}; must be 1 to {OPENING_DAYS_MAX}", streak.days));
            }
        }
    }
}

/// The entries of a list, as far as it may be long.
fn within<'e, T>(
    found: &mut Fields,
    field: &str,
    list: &'e mut [T],
    most: usize,
) -> impl Iterator<Item = (usize, &'e mut T)> + use<'e, T> {
    if list.len() > most {
        found.add(field, format!("has {} entries; at most {most} are allowed", list.len()));
    }
    list.iter_mut().take(most).enumerate()
}
