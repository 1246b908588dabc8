//! Reads `[[convert]]`: so many points of one wallet that become points of another.

use crate::kernel::units::{Points, TermNo};
use crate::program_file::{Reading, Section};
use crate::tables::program::{Conversion, GIVE_MAX, Wallet, WalletKind};
use alloc::format;
use alloc::vec::Vec;

impl Reading<'_> {
    pub(crate) fn conversions(&mut self, root: &mut Section<'_>, wallets: &[Wallet]) -> Vec<Conversion> {
        let mut conversions: Vec<Conversion> = Vec::new();
        for mut section in self.sections(root, "convert") {
            let id = self.id(&mut section, "id");
            let from = self.side(&mut section, "from", wallets);
            let to = self.side(&mut section, "to", wallets);
            self.end(&section);
            let (Some(id), Some((from, takes)), Some((to, gives))) = (id, from, to) else { continue };
            let conversion = Conversion { id, from, takes, to, gives };
            if let Some((key, problem)) = self.objection(&conversion, &conversions, wallets) {
                self.fault(section.place(key), &section.field(key), problem.into());
            }
            conversions.push(conversion);
        }
        conversions
    }

    /// One side: a wallet, and how many of its points.
    fn side(&mut self, section: &mut Section<'_>, key: &'static str, wallets: &[Wallet]) -> Option<(TermNo, Points)> {
        let Some(mut side) = self.table(section, key) else {
            if section.table.get(key).is_none() {
                let problem = format!("is missing; write {key} = {{ wallet = \"stamps\", points = 10 }}");
                self.fault(section.at, &section.field(key), problem);
            }
            return None;
        };
        if side.table.get("wallet").is_none() {
            self.fault(side.at, &side.field("wallet"), "is missing".into());
        }
        let wallet = self.wallet_of(&mut side, wallets);
        let points = self.int(&mut side, "points", 1, GIVE_MAX, true);
        self.end(&side);
        Some((wallet?, Points(points?.0)))
    }

    /// Why such a conversion cannot be, behind the earlier ones.
    fn objection(
        &self,
        conversion: &Conversion,
        earlier: &[Conversion],
        wallets: &[Wallet],
    ) -> Option<(&'static str, &'static str)> {
        let measures = |of: TermNo| wallets.iter().any(|wallet| wallet.id == of && wallet.kind == WalletKind::Tier);
        if conversion.from == conversion.to {
            Some(("to", "is the wallet that it takes from; name another"))
        } else if measures(conversion.from) {
            Some(("from", "points of this wallet only measure: they become nothing else"))
        } else if earlier.iter().any(|one| one.from == conversion.from) {
            Some(("from", "points of this wallet become something else already"))
        } else if earlier.iter().any(|one| one.from == conversion.to) {
            Some(("to", "points of this wallet are converted above; write what brings them before it"))
        } else {
            None
        }
    }
}
