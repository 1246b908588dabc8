//! What the ledger tells of all members together: trial balances, campaigns, budgets, funds, items and exchanges.

use super::Words;
use super::told::{account, stamp};
use crate::proto;
use ledger_core::account::Account;
use ledger_core::budget::{BudgetLeft, Exchanged, Given, Raised, Shelf};
use ledger_core::calendar::show_day;
use ledger_core::program::{Measure, Program};
use ledger_core::state::WalletTotals;
use ledger_core::units::TermNo;
use ledger_store::Totals;
use std::sync::Arc;

/// Tells the totals. How many events came again is not in the ledger: the server adds it.
pub fn totals(totals: &Totals) -> proto::GetTotalsResponse {
    let Totals { shared, campaigns, budgets, funds, items, exchanges, .. } = totals;
    let program = totals.program.as_deref();
    let words = Words { terms: Arc::new(shared.terms.clone()), ..Words::default() };
    let tier = |(term, members): &(TermNo, u64)| proto::TierCount { tier: words.term(*term), members: *members };
    proto::GetTotalsResponse {
        position: totals.position.0,
        at: stamp(totals.at),
        wallets: shared.wallets.iter().map(|one| wallet_totals(one, program, &words)).collect(),
        members: totals.members.into(),
        tiers: shared.tiers.iter().map(tier).collect(),
        refused: shared.refused,
        duplicates: 0,
        campaigns: campaigns.iter().map(|given| campaign(given, program, &words)).collect(),
        budgets: budgets.iter().map(|left| budget(left, &words)).collect(),
        funds: funds.iter().map(|raised| fund(raised, &words)).collect(),
        items: items.iter().map(|shelf| item(shelf, &words)).collect(),
        exchanges: exchanges.iter().map(|one| exchange(one, &words)).collect(),
    }
}

fn campaign(given: &Given, program: Option<&Program>, words: &Words) -> proto::CampaignTotals {
    proto::CampaignTotals {
        campaign: words.term(given.campaign),
        wallet: words.term(given.wallet),
        given: given.points.0,
        cost: program.and_then(|program| given.cost(program)).map(|cost| cost.0),
    }
}

fn fund(raised: &Raised, words: &Words) -> proto::FundTotals {
    let Raised { fund, wallet, points } = *raised;
    proto::FundTotals { fund: words.term(fund), wallet: words.term(wallet), points: points.0 }
}

fn item(shelf: &Shelf, words: &Words) -> proto::ItemTotals {
    proto::ItemTotals {
        item: words.term(shelf.item),
        wallet: words.term(shelf.wallet),
        points: shelf.points.0,
        stock: shelf.stock,
        taken: shelf.taken,
        left: shelf.left(),
    }
}

fn exchange(told: &Exchanged, words: &Words) -> proto::ExchangeTotals {
    let (points_out, units_out) = told.out;
    let (points_in, units_in) = told.inward;
    proto::ExchangeTotals {
        exchange: words.term(told.exchange),
        wallet: words.term(told.wallet),
        points_out: points_out.0,
        units_out,
        units_in,
        points_in: points_in.0,
    }
}

fn budget(left: &BudgetLeft, words: &Words) -> proto::BudgetLeft {
    proto::BudgetLeft {
        budget: words.term(left.budget),
        wallet: words.term(left.wallet),
        times: left.measure == Measure::Count,
        since: left.since.map(show_day).unwrap_or_default(),
        max: left.max,
        used: left.used,
        left: left.left(),
    }
}

fn wallet_totals(totals: &WalletTotals, program: Option<&Program>, words: &Words) -> proto::WalletTotals {
    let balance = |account: Account| totals.accounts[account.kind()];
    let accounts =
        Account::ALL.map(|one| proto::AccountBalance { account: account(one).into(), balance: balance(one) });
    proto::WalletTotals {
        wallet: words.term(totals.wallet),
        accounts: accounts.into(),
        sum: totals.accounts.iter().fold(0, |sum: i64, one| sum.saturating_add(*one)),
        outstanding: Account::ALL.iter().filter(|one| one.is_spendable_later()).map(|one| balance(*one)).sum(),
        debt: -balance(Account::Debt),
        liability: program.and_then(|program| totals.liability(program)).map(|cost| cost.0),
        breakage: program.and_then(|program| totals.breakage(program)).map(|cost| cost.0),
    }
}
