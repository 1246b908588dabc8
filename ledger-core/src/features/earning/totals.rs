//! What campaigns gave, and what is used up of budgets.

use crate::kernel::counter::{Counter, Key};
use crate::kernel::tally::{Figure, Tally, Unit};
use crate::kernel::units::{Day, TermNo};
use crate::tables::program::{Limit, Measure, Program, Whose, Window};
use crate::tables::state::State;
use alloc::vec::Vec;

/// What every campaign gave since it is counted, less what refunds took back, and what that costs if the program says
/// what points of its wallet cost.
pub(crate) fn campaigns(state: &State, program: &Program) -> Vec<Tally> {
    let given = program.campaigns.iter().map(|campaign| {
        let given = state.counted(campaign.given);
        let cost = program.wallet(campaign.wallet).cost.and_then(|cost| cost.of(given));
        let cost = cost.map(|cost| Figure { name: "cost", amount: cost.0, unit: Unit::Money });
        let figures = [Figure::points("given", given)].into_iter().chain(cost).collect();
        Tally { kind: "campaign", name: campaign.id, wallet: campaign.wallet, since: None, figures, max: None }
    });
    given.collect()
}

/// What is used up of every budget, those of campaigns first, on the local day of the last record. Its name is that of
/// its rule or campaign with `.budget` and the kind of its window.
pub(crate) fn budgets(state: &State, program: &Program) -> Vec<Tally> {
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
        let amount = counter(state, limit.id).map_or(0, |counter| limit.used(counter, &program.calendar, today));
        let unit = if limit.measure == Measure::Count { Unit::Times } else { Unit::Points };
        let figures = [Figure { name: "used", amount, unit }].into();
        Tally { kind: "budget", name: limit.id, wallet, since, figures, max: Some(limit.max) }
    })
    .collect()
}

fn counter(state: &State, term: TermNo) -> Option<&Counter> {
    let Key::Risk(key) = Key::EVERYONE else { return None };
    state.counters.get(&(key, term)).map(|row| &row.counter)
}
