//! Totals: the one row that every record touches.

use crate::kernel::account::Account;
use crate::kernel::units::{At, Money, Position, TermNo};
use crate::tables::member::Deferred;
use crate::tables::program::Program;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The one row that every record touches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// The last record folded.
    pub position: Position,
    /// The ledger time of that record.
    pub at: At,
    /// Balance of each kind of account by wallet, in order of the wallets' first posting.
    pub wallets: Vec<WalletTotals>,
    /// The vocabulary: term n is the n-th word.
    pub terms: Vec<Box<str>>,
    /// How many members stand in each tier, in order of terms.
    pub tiers: Vec<(TermNo, u64)>,
    /// How many events were refused.
    pub refused: u64,
    /// What is of no member and waits for what it speaks of, oldest first.
    pub waiting: Vec<Deferred>,
}

/// The trial balance of one wallet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletTotals {
    /// The wallet.
    pub wallet: TermNo,
    /// Balance of each kind of account; the sum is 0.
    pub accounts: [i64; Account::KINDS],
}

impl Shared {
    /// The balance of an account of a wallet.
    pub fn balance(&self, wallet: TermNo, account: Account) -> i64 {
        let totals = self.wallets.iter().find(|totals| totals.wallet == wallet);
        totals.and_then(|totals| totals.accounts.get(account.kind())).copied().unwrap_or(0)
    }
}

impl WalletTotals {
    /// What members have, less what they owe: the points the program may still have to honour.
    pub fn owed_to_members(&self) -> i64 {
        let owed = |account: &&Account| account.is_spendable_later() || **account == Account::Debt;
        let balance = |account: &Account| self.accounts.get(account.kind()).copied().unwrap_or(0);
        Account::ALL.iter().filter(owed).map(balance).fold(0, i64::saturating_add)
    }

    /// What honouring them costs, if the program says what points of this wallet cost.
    pub fn liability(&self, program: &Program) -> Option<Money> {
        let wallet = program.wallets().find(|wallet| wallet.id == self.wallet)?;
        wallet.cost?.of(self.owed_to_members())
    }

    /// What the points that expired would have cost, a begun minor unit left out, if the program says what points
    /// of this wallet cost: breakage.
    pub fn breakage(&self, program: &Program) -> Option<Money> {
        let wallet = program.wallets().find(|wallet| wallet.id == self.wallet)?;
        let expired = self.accounts.get(Account::Expired.kind())?;
        // Rounded up below zero is rounded down above.
        let cost = wallet.cost?.of(expired.checked_neg()?)?;
        cost.0.checked_neg().map(Money)
    }

    /// The totals of a wallet, made if there are none yet.
    pub(crate) fn find_or_add(all: &mut Vec<WalletTotals>, wallet: TermNo) -> Option<&mut WalletTotals> {
        let at = all.iter().position(|totals| totals.wallet == wallet).unwrap_or_else(|| {
            all.push(WalletTotals { wallet, ..WalletTotals::default() });
            all.len().saturating_sub(1)
        });
        all.get_mut(at)
    }
}
