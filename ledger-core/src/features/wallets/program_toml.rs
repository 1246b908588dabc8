//! Reads `[[wallet]]`: the kinds of points, and which of them a rule means.

use crate::features::expiry::program_toml::Death;
use crate::kernel::units::{DAY_MS, Points, TermNo};
use crate::program_file::{Reading, Section};
use crate::tables::program::{Cost, GIVE_MAX, Negative, RedeemRules, SpendOrder, WALLETS_MAX, Wallet, WalletKind};
use alloc::format;
use alloc::vec::Vec;

impl Reading<'_> {
    pub(crate) fn wallets(&mut self, root: &mut Section<'_>, digits: i64) -> Vec<Wallet> {
        let sections = self.sections(root, "wallet");
        if sections.is_empty() {
            self.fault(0, "wallet", "is missing; add [[wallet]] with id = \"points\"".into());
        }
        if let Some(beyond) = sections.get(WALLETS_MAX) {
            self.fault(beyond.at, "wallet", format!("at most {WALLETS_MAX} wallets are allowed"));
        }
        sections.into_iter().filter_map(|section| self.wallet(section, digits)).collect()
    }

    fn wallet(&mut self, mut section: Section<'_>, digits: i64) -> Option<Wallet> {
        let id = self.id(&mut section, "id");
        let kinds = WalletKind::ALL.map(WalletKind::name);
        let kind = self.choice(&mut section, "kind", &kinds, false).and_then(|(at, _)| WalletKind::ALL.get(at));
        let kind = kind.copied().unwrap_or(WalletKind::Points);
        let scale = self.int(&mut section, "scale", 0, 4, false);
        if let Some((_, at)) = scale.filter(|(scale, _)| *scale > 0 && kind != WalletKind::Money) {
            self.fault(at, &section.field("scale"), "only a wallet of kind \"money\" has a scale".into());
        }
        let spend = match self.choice(&mut section, "spend", &["soonest_expiry", "oldest"], false) {
            Some((1, _)) => SpendOrder::Oldest,
            _ => SpendOrder::SoonestExpiry,
        };
        let negative = match self.choice(&mut section, "negative", &["debt", "clamp", "forbid"], false) {
            Some((1, _)) => Negative::Clamp,
            Some((2, _)) => Negative::Forbid,
            _ => Negative::Debt,
        };
        let max_balance = self.int(&mut section, "max_balance", 1, i64::MAX, false);
        let cost = self.cost(&mut section, digits);
        let hold_ms = self.duration_ms(&mut section, "hold_ttl", false).map_or(7 * DAY_MS, |(ms, _)| ms);
        let pending = self.pending(&mut section);
        let Death { expiry, remind, reinstate_days } = self.expiry(&mut section, digits);
        self.end(&section);
        Some(Wallet {
            id: id?,
            kind,
            scale: scale.and_then(|(scale, _)| u32::try_from(scale).ok()).unwrap_or(0),
            pending,
            expiry,
            remind,
            reinstate_days,
            spend,
            negative,
            max_balance: max_balance.map(|(most, _)| Points(most)),
            cost,
            hold_ms,
            redeem: RedeemRules::default(),
            transfer: None,
        })
    }

    pub(crate) fn cost(&mut self, section: &mut Section<'_>, digits: i64) -> Option<Cost> {
        let mut cost = self.table(section, "cost")?;
        let money = self.money(&mut cost, "money", digits, true);
        let points = self.int(&mut cost, "points", 1, GIVE_MAX, true);
        self.end(&cost);
        Some(Cost { money: money?.0, points: Points(points?.0) })
    }

    /// The wallet a rule names; the first if it names none.
    pub(crate) fn wallet_of(&mut self, section: &mut Section<'_>, wallets: &[Wallet]) -> Option<TermNo> {
        let Some((name, at)) = self.text_of(section, "wallet", false) else {
            return wallets.first().map(|wallet| wallet.id);
        };
        let term = self.term(&name);
        let known = wallets.iter().any(|wallet| wallet.id == term);
        if !known {
            self.fault(at, &section.field("wallet"), format!("no wallet is called {name:?}"));
        }
        known.then_some(term)
    }
}
