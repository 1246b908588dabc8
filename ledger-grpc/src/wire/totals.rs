//! Totals: what all members have and did together: trial balances and tallies.

use super::record::account;
use super::values::stamp;
use super::{Names, token};
use crate::proto;
use ledger_core::account::Account;
use ledger_core::calendar::show_day;
use ledger_core::program::Program;
use ledger_core::state::WalletTotals;
use ledger_core::tally::{Figure, Tally, Unit};
use ledger_core::units::TermNo;
use ledger_store::Totals;
use std::sync::Arc;

/// The totals.
pub fn totals(totals: &Totals) -> proto::GetTotalsResponse {
    let Totals { shared, tallies, .. } = totals;
    let program = totals.program.as_deref();
    let names = Names::of_terms(totals.identity, Arc::new(shared.terms.clone()));
    let tier = |(term, members): &(TermNo, u64)| proto::TierCount { tier: names.term(*term), members: *members };
    proto::GetTotalsResponse {
        position: totals.position.0,
        token: token(totals.position, &names),
        at: stamp(totals.at),
        wallets: shared.wallets.iter().map(|one| wallet_totals(one, program, &names)).collect(),
        members: totals.members.into(),
        tiers: shared.tiers.iter().map(tier).collect(),
        refused: shared.refused,
        duplicates: totals.duplicates,
        tallies: tallies.iter().map(|one| tally(one, &names)).collect(),
    }
}

fn tally(tally: &Tally, names: &Names) -> proto::Tally {
    let unit = |unit| match unit {
        Unit::Points => proto::Unit::Points,
        Unit::Money => proto::Unit::Money,
        Unit::Times => proto::Unit::Times,
        Unit::Pieces => proto::Unit::Pieces,
        Unit::PartnerUnits => proto::Unit::PartnerUnits,
    };
    let figure =
        |one: &Figure| proto::Figure { name: one.name.into(), amount: one.amount, unit: unit(one.unit).into() };
    proto::Tally {
        kind: tally.kind.into(),
        name: names.term(tally.name),
        wallet: names.term(tally.wallet),
        since: tally.since.map(show_day).unwrap_or_default(),
        figures: tally.figures.iter().map(figure).collect(),
        max: tally.max,
        left: tally.left(),
    }
}

fn wallet_totals(totals: &WalletTotals, program: Option<&Program>, names: &Names) -> proto::WalletTotals {
    let balance = |account: Account| totals.accounts[account.kind()];
    let accounts =
        Account::ALL.map(|one| proto::AccountBalance { account: account(one).into(), balance: balance(one) });
    let cost = program.and_then(|program| program.wallets().find(|wallet| wallet.id == totals.wallet)?.cost);
    proto::WalletTotals {
        wallet: names.term(totals.wallet),
        accounts: accounts.into(),
        sum: totals.accounts.iter().fold(0, |sum: i64, one| sum.saturating_add(*one)),
        outstanding: Account::ALL.iter().filter(|one| one.is_spendable_later()).map(|one| balance(*one)).sum(),
        debt: -balance(Account::Debt),
        liability: program.and_then(|program| totals.liability(program)).map(|cost| cost.0),
        breakage: program.and_then(|program| totals.breakage(program)).map(|cost| cost.0),
        cost_money: cost.map(|cost| cost.money.0),
        cost_points: cost.map(|cost| cost.points.0),
    }
}
