//! Tallies: what all members did together, as the owner of a program asks for it.
//!
//! A campaign, a budget, a fund, an item and an exchange differ in what they are and are told alike: a name, a wallet,
//! figures, and perhaps how much there is in all. Each feature says in its `totals.rs` which it has.

use crate::kernel::units::{Day, TermNo};
use alloc::vec::Vec;

/// What all members did together under one name of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What it is of: the word of the program's section, or `budget`.
    pub kind: &'static str,
    /// Its name.
    pub name: TermNo,
    /// The wallet it concerns.
    pub wallet: TermNo,
    /// The first day that is counted; `None`: every day.
    pub since: Option<Day>,
    /// What was counted. If there is a most, it is one of the first figure.
    pub figures: Vec<Figure>,
    /// How much there is in all; any amount if absent. A version of the program may set it below what was counted.
    pub max: Option<i64>,
}

impl Tally {
    /// What is left of all there is: 0 or more; any amount if absent.
    pub fn left(&self) -> Option<i64> {
        let used = self.figures.first().map_or(0, |figure| figure.amount);
        self.max.map(|max| max.saturating_sub(used).max(0))
    }

    /// The amount of a figure, if it has one of this name.
    pub fn figure(&self, name: &str) -> Option<i64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.amount)
    }
}

/// One number of a tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it says, as `given`.
    pub name: &'static str,
    /// How much.
    pub amount: i64,
    /// Of what.
    pub unit: Unit,
}

impl Figure {
    /// Points of the wallet.
    pub const fn points(name: &'static str, amount: i64) -> Figure {
        Figure { name, amount, unit: Unit::Points }
    }
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Points of the wallet.
    Points,
    /// Minor units of the program's currency.
    Money,
    /// How often something happened.
    Times,
    /// Pieces of an item.
    Pieces,
    /// Units of a partner.
    PartnerUnits,
}
