//! Reads `[household]`: what members share with theirs.

use crate::features::household::state::HOUSEHOLD_MAX;
use crate::program_file::{Reading, Section, number_and_unit};
use crate::tables::program::{Expiry, Household, Wallet, WalletKind};
use alloc::format;

impl Reading<'_> {
    pub(crate) fn household(&mut self, root: &mut Section<'_>, wallets: &[Wallet]) -> Option<Household> {
        let mut section = self.table(root, "household")?;
        let wallet = self.shared_wallet(&mut section, wallets);
        let basis_points = self.text_of(&mut section, "share", true).and_then(|(text, at)| {
            let percent = number_and_unit(&text).filter(|(percent, unit)| *unit == "%" && (1..=100).contains(percent));
            if percent.is_none() {
                self.fault(at, &section.field("share"), format!("{text:?} is no share; write 1% to 100%"));
            }
            percent?.0.checked_mul(100)
        });
        let most = i64::try_from(HOUSEHOLD_MAX).unwrap_or(i64::MAX);
        let members = self.int(&mut section, "members", 1, most, false).map_or(most, |(members, _)| members);
        self.end(&section);
        let members = usize::try_from(members).unwrap_or(HOUSEHOLD_MAX);
        Some(Household { wallet: wallet?.id, basis_points: basis_points?, members })
    }

    /// The wallet that is shared.
    fn shared_wallet<'w>(&mut self, section: &mut Section<'_>, wallets: &'w [Wallet]) -> Option<&'w Wallet> {
        let at = section.place("wallet");
        let id = match section.table.get("wallet") {
            Some(_) => self.wallet_of(section, wallets)?,
            None => {
                section.used.push("wallet");
                let first = wallets.iter().find(|wallet| wallet.kind == WalletKind::Points);
                if first.is_none() {
                    let problem = "no wallet is of kind \"points\"; name the one that is meant with `wallet`";
                    self.fault(at, &section.field("wallet"), problem.into());
                }
                first?.id
            }
        };
        let wallet = wallets.iter().find(|wallet| wallet.id == id)?;
        let problem = match &wallet.expiry {
            _ if wallet.kind == WalletKind::Tier => "points of this wallet only measure: they cannot be shared",
            Expiry::Activity { .. } => "points of this wallet die with the activity of who earned them: share others",
            _ if wallet.pending.is_some() => "points of this wallet wait before they can be spent: share others",
            _ => return Some(wallet),
        };
        self.fault(at, &section.field("wallet"), problem.into());
        None
    }
}
