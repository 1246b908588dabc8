//! What the ledger tells of all members together: trial balances and tallies.

use super::Words;
use super::told::{account, stamp};
use crate::proto;
use ledger_core::account::Account;
use ledger_core::calendar::show_day;
use ledger_core::program::Program;
use ledger_core::state::WalletTotals;
use ledger_core::tally::{Figure, Tally, Unit};
use ledger_core::units::TermNo;
use ledger_store::Totals;
use std::sync::Arc;

/// Tells the totals. How many events came again is not in the ledger: the server adds it.
pub fn totals(totals: &Totals) -> proto::GetTotalsResponse {
    let Totals { shared, tallies, .. } = totals;
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
        tallies: tallies.iter().map(|one| tally(one, &words)).collect(),
    }
}

fn tally(tally: &Tally, words: &Words) -> proto::Tally {
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
        name: words.term(tally.name),
        wallet: words.term(tally.wallet),
        since: tally.since.map(show_day).unwrap_or_default(),
        figures: tally.figures.iter().map(figure).collect(),
        max: tally.max,
        left: tally.left(),
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
