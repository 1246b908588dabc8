//! Budgets, campaigns, funds, items and exchanges read back: what is left of budgets and items, what the others gave
//! and were given.
//!
//! All are counters under [`Key::EVERYONE`](crate::kernel::counter::Key::EVERYONE), which the features count; here they
//! are only looked at, as of the last record, by the program in force.

use crate::kernel::counter::{Counter, Key};
use crate::kernel::units::{Day, Money, Points, TermNo};
use crate::tables::program::{Limit, Measure, Program, Tallied, Whose, Window};
use crate::tables::state::State;
use alloc::vec::Vec;

/// What is left of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetLeft {
    /// Its name: that of its rule or campaign with `.budget` and the kind of its window.
    pub budget: TermNo,
    /// The wallet that is given to.
    pub wallet: TermNo,
    /// Whether points are counted, or how often rules apply.
    pub measure: Measure,
    /// The first day that is counted; `None`: every day.
    pub since: Option<Day>,
    /// All of it.
    pub max: i64,
    /// How much of it is used up. A version may set `max` below it.
    pub used: i64,
}

impl BudgetLeft {
    /// What is left: 0 or more.
    pub fn left(&self) -> i64 {
        self.max.saturating_sub(self.used).max(0)
    }
}

/// What a campaign gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// The campaign.
    pub campaign: TermNo,
    /// The wallet it gave to.
    pub wallet: TermNo,
    /// Points, less those that refunds took back.
    pub points: Points,
}

impl Given {
    /// What they cost, if the program says what points of the wallet cost.
    pub fn cost(&self, program: &Program) -> Option<Money> {
        program.wallet(self.wallet).cost?.of(self.points.0)
    }
}

/// What a fund was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The fund.
    pub fund: TermNo,
    /// The wallet it was given points of.
    pub wallet: TermNo,
    /// Points, less those that refunds took back.
    pub points: Points,
}

/// What was exchanged with a partner, and settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchanged {
    /// The exchange.
    pub exchange: TermNo,
    /// The wallet it takes from and gives to.
    pub wallet: TermNo,
    /// Points that went out, and the partner's units they became.
    pub out: (Points, i64),
    /// Points that came in, and the partner's units they were.
    pub inward: (Points, i64),
}

/// What is left of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shelf {
    /// The item.
    pub item: TermNo,
    /// The wallet it costs points of.
    pub wallet: TermNo,
    /// What a piece costs.
    pub points: Points,
    /// How many pieces there are for all members together; any number if absent. A version may set it below `taken`.
    pub stock: Option<i64>,
    /// How many were redeemed and are held.
    pub taken: i64,
}

impl Shelf {
    /// How many pieces are left: 0 or more; any number if absent.
    pub fn left(&self) -> Option<i64> {
        self.stock.map(|stock| stock.saturating_sub(self.taken).max(0))
    }
}

fn counter(state: &State, term: TermNo) -> Option<&Counter> {
    let Key::Risk(key) = Key::EVERYONE else { return None };
    state.counters.get(&(key, term)).map(|row| &row.counter)
}

/// Every budget of a program, those of campaigns first, on the local day of the last record.
pub fn budgets(state: &State, program: &Program) -> Vec<BudgetLeft> {
    let of_campaigns = program.campaigns.iter().flat_map(|one| one.limits.iter().map(|limit| (one.wallet, limit)));
    let is_shared = |limit: &Limit| program.campaigns.iter().flat_map(|one| &one.limits).any(|one| one.id == limit.id);
    let of_rules = program.earn.iter().flat_map(|rule| {
        let own = rule.limits.iter().filter(|limit| !is_shared(limit));
        own.map(|limit| (rule.wallet, limit))
    });
    let today = program.calendar.day_of(state.shared.at);
    let all = of_campaigns.chain(of_rules).filter(|(_, limit)| limit.whose == Whose::Everyone);
    all.map(|(wallet, limit)| {
        let bucket = limit.bucket(&program.calendar, today);
        let since = match limit.window {
            Window::Days(days) => Some(Day(bucket.saturating_sub(days).saturating_add(1))),
            Window::Week | Window::Month | Window::Year => Some(Day(bucket)),
            Window::Ever | Window::Order | Window::Visit => None,
        };
        let used = counter(state, limit.id).map_or(0, |counter| limit.used(counter, &program.calendar, today));
        BudgetLeft { budget: limit.id, wallet, measure: limit.measure, since, max: limit.max, used }
    })
    .collect()
}

/// What every campaign of a program gave since it is counted.
pub fn campaigns(state: &State, program: &Program) -> Vec<Given> {
    let given = program.campaigns.iter().map(|campaign| Given {
        campaign: campaign.id,
        wallet: campaign.wallet,
        points: Points(state.counted(campaign.given)),
    });
    given.collect()
}

/// What every fund of a program was given by rules and members.
pub fn funds(state: &State, program: &Program) -> Vec<Raised> {
    let raised = program.funds.iter().map(|fund| Raised {
        fund: fund.id,
        wallet: fund.wallet,
        points: Points(state.counted(fund.given)),
    });
    raised.collect()
}

/// What is left of every item of a program.
pub fn items(state: &State, program: &Program) -> Vec<Shelf> {
    let shelves = program.items.iter().map(|item| Shelf {
        item: item.id,
        wallet: item.wallet,
        points: item.points,
        stock: item.stock,
        taken: state.counted(item.taken),
    });
    shelves.collect()
}

/// What every exchange of a program took and gave.
pub fn exchanges(state: &State, program: &Program) -> Vec<Exchanged> {
    let sum = |side: Tallied| (Points(state.counted(side.points)), state.counted(side.units));
    let told = program.exchanges.iter().map(|one| Exchanged {
        exchange: one.id,
        wallet: one.wallet,
        out: sum(one.gone),
        inward: sum(one.come),
    });
    told.collect()
}
