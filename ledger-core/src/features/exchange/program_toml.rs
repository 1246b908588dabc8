//! Reads `[[exchange]]`: at which rates points become a partner's, and a partner's become points.

use crate::kernel::units::{Points, TermNo};
use crate::program_file::{Reading, Section};
use crate::tables::event::AMOUNT_MAX;
use crate::tables::program::{Exchange, GIVE_MAX, Rate, Tallied, Wallet, WalletKind};
use alloc::vec::Vec;

impl Reading<'_> {
    pub(crate) fn exchanges(&mut self, root: &mut Section<'_>, wallets: &[Wallet]) -> Vec<Exchange> {
        let mut exchanges = Vec::new();
        for mut section in self.sections(root, "exchange") {
            let id = self.id(&mut section, "id");
            let wallet = self.wallet_of(&mut section, wallets);
            if wallets.iter().any(|one| Some(one.id) == wallet && one.kind == WalletKind::Tier) {
                let problem = "points of this wallet only measure: they are not exchanged";
                self.fault(section.place("wallet"), &section.field("wallet"), problem.into());
            }
            let (out, inward) = (self.exchange_rate(&mut section, "out"), self.exchange_rate(&mut section, "in"));
            let per_day = self.int(&mut section, "per_day", 1, AMOUNT_MAX, false);
            if let (Some((most, at)), Some(rate)) = (per_day, out)
                && Points(most) < rate.points
            {
                self.fault(at, &section.field("per_day"), "allows nothing: less than one unit of `out`".into());
            }
            let within_ms = self.duration_ms(&mut section, "within", true);
            let day = self.counter_of(id, "day");
            let (gone, come) = (self.tallied(id, "out"), self.tallied(id, "in"));
            self.end(&section);
            let read = || {
                let per_day = per_day.map(|(most, _)| Points(most));
                let (id, wallet, within_ms) = (id?, wallet?, within_ms?.0);
                Some(Exchange { id, wallet, out, inward, per_day, within_ms, day: day?, gone: gone?, come: come? })
            };
            exchanges.extend(read());
        }
        exchanges
    }

    fn exchange_rate(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<Rate> {
        let mut rate = self.table(section, key)?;
        let points = self.int(&mut rate, "points", 1, GIVE_MAX, true);
        let units = self.int(&mut rate, "units", 1, GIVE_MAX, true);
        self.end(&rate);
        Some(Rate { points: Points(points?.0), units: units?.0 })
    }

    fn tallied(&mut self, id: Option<TermNo>, way: &str) -> Option<Tallied> {
        let mut counter = |what| self.counter_of(id, &alloc::format!("{way}.{what}"));
        Some(Tallied { points: counter("points")?, units: counter("units")? })
    }
}
