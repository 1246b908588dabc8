//! Balance: whether the totals sum to zero, and are those of the members.

use super::Report;
use ledger_core::account::Account;
use ledger_core::state::{State, WalletTotals};
use ledger_core::units::{MemberNo, TermNo};
use std::collections::BTreeMap;

/// The trial balance: each wallet sums to zero, and its members' accounts to the members.
pub(super) fn balance(state: &State, report: &mut Report) {
    let mut members: BTreeMap<TermNo, [i128; 6]> = BTreeMap::new();
    for member in (1..=state.members_len()).filter_map(|no| state.member(MemberNo(no))) {
        for purse in member.purses.iter() {
            let balances = member.balances(purse.wallet);
            let own = [
                balances.available.0,
                balances.review.0,
                balances.pending.0,
                balances.exchanging.0,
                balances.held.0,
                -balances.debt.0,
            ];
            let sums = members.entry(purse.wallet).or_default();
            sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += i128::from(own));
        }
    }
    let kinds =
        [Account::Available, Account::Review, Account::Pending, Account::Exchanging, Account::Held(0), Account::Debt];
    for WalletTotals { wallet, accounts } in &state.shared.wallets {
        let name = state.term(*wallet);
        let sum: i128 = accounts.iter().map(|balance| i128::from(*balance)).sum();
        if sum != 0 {
            report.finding(format!("the trial balance of {name} is off by {sum}"));
        }
        let members = members.remove(wallet).unwrap_or_default();
        for (kind, members) in kinds.into_iter().zip(members) {
            let total = accounts[kind.kind()];
            if i128::from(total) != members {
                report.finding(format!("{name} {} is {total} in total, {members} over members", kind.name()));
            }
        }
    }
    for (wallet, _) in members.into_iter().filter(|(_, sums)| *sums != [0; 6]) {
        report.finding(format!("members have {}, of which no total is kept", state.term(wallet)));
    }
}
