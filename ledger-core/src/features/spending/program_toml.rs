//! Reads `[redeem]` and `[transfer]`: what spending from a wallet and giving must keep to; the first wallet of
//! points unless they name another.

use crate::kernel::units::{Money, Points};
use crate::program_file::{Reading, Section, number_and_unit};
use crate::tables::event::AMOUNT_MAX;
use crate::tables::program::{RedeemRules, Share, TransferRules, Wallet, WalletKind};
use alloc::format;

impl Reading<'_> {
    pub(crate) fn redeem(&mut self, root: &mut Section<'_>, digits: i64, wallets: &mut [Wallet]) {
        let Some(mut section) = self.table(root, "redeem") else { return };
        let wallet = self.spent_wallet(&mut section, wallets);
        let rules = self.redeem_rules(section, digits);
        if let Some(wallet) = wallet {
            wallet.redeem = rules;
        }
    }

    /// The wallet that such rules are of.
    fn spent_wallet<'w>(&mut self, section: &mut Section<'_>, wallets: &'w mut [Wallet]) -> Option<&'w mut Wallet> {
        let Some(at) = section.table.get("wallet").map(|value| value.span().start) else {
            let first = wallets.iter_mut().find(|wallet| wallet.kind == WalletKind::Points);
            if first.is_none() {
                let problem = "no wallet is of kind \"points\"; name the one that is meant with `wallet`";
                self.fault(section.at, &section.field("wallet"), problem.into());
            }
            return first;
        };
        let id = self.wallet_of(section, wallets)?;
        let wallet = wallets.iter_mut().find(|wallet| wallet.id == id)?;
        if wallet.kind == WalletKind::Tier {
            let problem = "the points of this wallet only measure: they are neither spent nor given";
            self.fault(at, &section.field("wallet"), problem.into());
        }
        Some(wallet)
    }

    fn redeem_rules(&mut self, mut section: Section<'_>, digits: i64) -> RedeemRules {
        let mut points = |key| self.int(&mut section, key, 1, AMOUNT_MAX, false).map(|(most, at)| (Points(most), at));
        let (min, max, step) = (points("min"), points("max"), points("step"));
        let (per_order, per_day, per_month) = (points("per_order"), points("per_day"), points("per_month"));
        let most = [("max", max), ("per_order", per_order), ("per_day", per_day), ("per_month", per_month)];
        self.at_least(&section, min.or(step), &most);
        let share = self.share(&mut section, digits);
        let grace_days = self.days(&mut section, "grace", false);
        self.end(&section);
        let points = |read: Option<(Points, usize)>| read.map(|(points, _)| points);
        RedeemRules {
            min: points(min),
            max: points(max),
            step: points(step),
            per_order: points(per_order),
            per_day: points(per_day),
            per_month: points(per_month),
            share,
            grace_days,
        }
    }

    pub(crate) fn transfer(&mut self, root: &mut Section<'_>, wallets: &mut [Wallet]) {
        let Some(mut section) = self.table(root, "transfer") else { return };
        let wallet = self.spent_wallet(&mut section, wallets);
        let rules = self.transfer_rules(section);
        if let Some(wallet) = wallet {
            wallet.transfer = Some(rules);
        }
    }

    fn transfer_rules(&mut self, mut section: Section<'_>) -> TransferRules {
        let mut points = |key| self.int(&mut section, key, 1, AMOUNT_MAX, false).map(|(most, at)| (Points(most), at));
        let (min, max, per_day) = (points("min"), points("max"), points("per_day"));
        self.at_least(&section, min, &[("max", max), ("per_day", per_day)]);
        let fee = self.text_of(&mut section, "fee", false).map(|(text, at)| {
            let percent = number_and_unit(&text).filter(|(percent, unit)| *unit == "%" && (1..=99).contains(percent));
            if percent.is_none() {
                self.fault(at, &section.field("fee"), format!("{text:?} is no fee; write 1% to 99%"));
            }
            percent.and_then(|(percent, _)| percent.checked_mul(100)).unwrap_or(0)
        });
        let cooling = self.duration_ms(&mut section, "cooling", false);
        self.end(&section);
        let points = |read: Option<(Points, usize)>| read.map(|(points, _)| points);
        TransferRules {
            min: points(min),
            max: points(max),
            per_day: points(per_day),
            fee_basis_points: fee.unwrap_or(0),
            cooling_ms: cooling.map_or(0, |(ms, _)| ms),
        }
    }

    /// Complains of what allows less than the least that goes at once.
    fn at_least(
        &mut self,
        section: &Section<'_>,
        least: Option<(Points, usize)>,
        most: &[(&str, Option<(Points, usize)>)],
    ) {
        let Some((least, _)) = least else { return };
        for (key, most) in most {
            if let Some((most, at)) = most
                && *most < least
            {
                self.fault(*at, &section.field(key), format!("allows nothing: at least {least} go at once"));
            }
        }
    }

    /// `share = "50%"` of an order, where points have a `worth`.
    pub(crate) fn share(&mut self, section: &mut Section<'_>, digits: i64) -> Option<Share> {
        let share = self.text_of(section, "share", false);
        let worth = self.table(section, "worth");
        let basis_points = share.as_ref().and_then(|(text, at)| {
            let percent = number_and_unit(text).filter(|(percent, unit)| *unit == "%" && (1..=100).contains(percent));
            if percent.is_none() {
                self.fault(*at, &section.field("share"), format!("{text:?} is no share; write 1% to 100%"));
            }
            percent.and_then(|(percent, _)| percent.checked_mul(100))
        });
        let Some(mut worth) = worth else {
            if let Some((_, at)) = share {
                let problem = "needs what points are worth; add worth = { points = 100, money = \"1.00\" }";
                self.fault(at, &section.field("share"), problem.into());
            }
            return None;
        };
        let points = self.int(&mut worth, "points", 1, AMOUNT_MAX, true);
        let money = self.money(&mut worth, "money", digits, true);
        if let Some((Money(money), at)) = money
            && !(1..=AMOUNT_MAX).contains(&money)
        {
            self.fault(at, &worth.field("money"), "must be more than 0".into());
        }
        self.end(&worth);
        if share.is_none() {
            self.fault(worth.at, &section.field("worth"), "is used by no rule; add `share`".into());
        }
        Some(Share { points: Points(points?.0), worth: money?.0, basis_points: basis_points? })
    }
}
