//! Programs: the rules of one loyalty scheme, read from TOML as a person would write it.
//!
//! A file is checked whole: every fault with its line, its field and what to write instead, not only
//! the first. What passes is a [`Program`] of typed tables, which cannot be built wrong. Rules refer
//! to each other by index and to the ledger's vocabulary by [`TermNo`], never by text.
//!
//! `decide` asks a program; `fold` never does.

pub use crate::features::approvals::program::*;
pub use crate::features::conversion::program::*;
pub use crate::features::earning::program::*;
pub use crate::features::exchange::program::*;
pub use crate::features::expiry::program::*;
pub use crate::features::funds::program::*;
pub use crate::features::household::program::*;
pub use crate::features::items::program::*;
pub use crate::features::pending::program::*;
pub use crate::features::risk::program::*;
pub use crate::features::spending::program::*;
pub use crate::features::tiers::program::*;
pub use crate::features::transfer::program::*;
pub use crate::features::wallets::program::*;
pub use crate::kernel::amounts::read_money;
pub use crate::kernel::fault::Fault;
pub use crate::kernel::words::{GIVE_MAX, RULES_MAX};

use crate::kernel::calendar::Calendar;
use crate::kernel::names::Currency;
use crate::kernel::units::{At, Day, TermNo};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A checked program.
#[derive(Clone, Debug)]
pub struct Program {
    /// The scheme's name; the same in all versions.
    pub id: Box<str>,
    /// Time zone and dates.
    pub calendar: Calendar,
    /// The money of purchases.
    pub currency: Currency,
    /// Decimal digits of that money's minor unit.
    pub minor_digits: u32,
    /// The first wallet: the one that is meant where no other is named.
    pub wallet: Wallet,
    /// The other wallets.
    pub more_wallets: Vec<Wallet>,
    /// How many days a purchase can be refunded.
    pub refund_days: i32,
    /// Whether what a refund takes back makes room again in the limits that were counted with it.
    pub refund_reopens: bool,
    /// How much time may lie between two events of one visit, in milliseconds; there are no visits if absent.
    pub visit_gap_ms: Option<i64>,
    /// Earn rules by trigger, and of one trigger in the order they apply.
    pub earn: Vec<EarnRule>,
    /// Rules that are counted together.
    pub campaigns: Vec<Campaign>,
    /// Good causes that are given to.
    pub funds: Vec<Fund>,
    /// What points are redeemed for.
    pub items: Vec<Item>,
    /// When a member counts as dormant.
    pub inactivity: Option<Inactivity>,
    /// What becomes of enough points, each behind those that bring its points.
    pub conversions: Vec<Conversion>,
    /// With whom points are exchanged.
    pub exchanges: Vec<Exchange>,
    /// What members share with their households, if they may.
    pub household: Option<Household>,
    /// Days in a row that grant a tier.
    pub streaks: Vec<StreakRule>,
    /// Counts of events that lift the tier.
    pub ladders: Vec<Ladder>,
    /// Tiers, if there are any.
    pub tiers: Option<Tiers>,
    /// How many people must stand for what is done by hand.
    pub approvals: Approvals,
    /// Attributes that events may set.
    pub attributes: Vec<TermNo>,
    /// Risk counters.
    pub counters: Vec<CounterRule>,
    /// Risk rules.
    pub risks: Vec<RiskRule>,
    /// How far in the future an event may lie, in milliseconds.
    pub future_ms: i64,
    /// For how many local days what happened may be told late and comes to the same.
    pub late_days: i32,
    /// For how many local days a command waits that came before what it speaks of.
    pub wait_days: i32,
    /// What is legal but probably not meant.
    pub warnings: Vec<Fault>,
}

/// A program file that was read before its event is judged, by whoever had the time: the thread that judges has not.
#[derive(Clone, Debug)]
pub struct PreparedProgram {
    text: Box<str>,
    /// How many words there were then.
    known: usize,
    /// The program and its new words; nothing if it has faults.
    read: Option<ReadProgram>,
}

/// A program and its new words.
type ReadProgram = (Arc<Program>, Vec<Box<str>>);

impl PreparedProgram {
    /// Reads a file with the words that there are.
    pub fn new(text: &str, terms: &[Box<str>]) -> PreparedProgram {
        let (known, mut terms) = (terms.len(), terms.to_vec());
        let read = Program::read(text, &mut terms).ok();
        let read = read.map(|program| (Arc::new(program), terms.split_off(known.min(terms.len()))));
        PreparedProgram { text: text.into(), known, read }
    }

    /// Whether it is this file; if so, with which words it was read may differ.
    pub fn is_of(&self, text: &str) -> bool {
        *self.text == *text
    }

    /// What reading the file with so many words comes to, if it is known: none are ever taken away.
    pub(crate) fn read_with(&self, known: usize) -> Option<&Option<ReadProgram>> {
        (self.known == known).then_some(&self.read)
    }

    /// The program that was set by a record, behind which there are so many words.
    pub(crate) fn program_behind(&self, known: usize) -> Option<&Arc<Program>> {
        let (program, new) = self.read.as_ref()?;
        (self.known.saturating_add(new.len()) == known).then_some(program)
    }
}

impl Program {
    /// The wallets, the first of them first.
    pub fn wallets(&self) -> impl Iterator<Item = &Wallet> {
        core::iter::once(&self.wallet).chain(&self.more_wallets)
    }

    /// A wallet by its name; the first if there is none of that name.
    #[inline]
    pub fn wallet(&self, id: TermNo) -> &Wallet {
        if self.wallet.id == id {
            return &self.wallet;
        }
        self.more_wallets.iter().find(|wallet| wallet.id == id).unwrap_or(&self.wallet)
    }

    /// Whether this may follow `earlier` as a version of the same program: the same scheme and money, every wallet
    /// still there as what it was, no fund of another wallet than it was, and every exchange still there with its
    /// wallet.
    pub fn follows(&self, earlier: &Program) -> bool {
        let keeps =
            |old: &Wallet| self.wallets().any(|new| (new.id, new.kind, new.scale) == (old.id, old.kind, old.scale));
        let is_known = |old: &Exchange| self.exchanges.iter().any(|new| (new.id, new.wallet) == (old.id, old.wallet));
        self.id == earlier.id
            && earlier.exchanges.iter().all(is_known)
            && self.currency == earlier.currency
            && self.wallet.id == earlier.wallet.id
            && earlier.wallets().all(keeps)
            && self.funds.iter().all(|new| earlier.funds.iter().all(|old| old.id != new.id || old.wallet == new.wallet))
    }

    /// The first date whose purchases, and whose refunds that came before theirs, still count at `at`.
    pub fn refund_horizon(&self, at: At) -> Day {
        self.calendar.day_of(at).plus(self.refund_days.saturating_neg())
    }

    /// The earn rules that wait for `on`, in the order they apply.
    #[inline]
    pub fn earn_on(&self, on: Trigger) -> &[EarnRule] {
        crate::features::earning::program::waiting_for(&self.earn, on)
    }

    /// The earn rule of this name.
    pub fn earn_rule(&self, id: TermNo) -> Option<&EarnRule> {
        self.earn.iter().find(|rule| rule.id == id)
    }

    /// The fund that a rule gives to, if it gives to one.
    pub fn fund_of(&self, rule: &EarnRule) -> Option<&Fund> {
        let id = rule.fund?;
        self.funds.iter().find(|fund| fund.id == id)
    }

    /// The rank of a tier; of one that is none, the lowest.
    pub fn rank_of(&self, tier: TermNo) -> usize {
        let ranks = self.tiers.as_ref().map(|tiers| tiers.ranks.as_slice()).unwrap_or_default();
        ranks.iter().position(|rank| rank.id == tier).unwrap_or(0)
    }
}
