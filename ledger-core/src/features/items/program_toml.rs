//! Reads `[[item]]`: what points are redeemed for.

use crate::kernel::units::{Points, TermNo};
use crate::program_file::{Reading, Section};
use crate::tables::event::AMOUNT_MAX;
use crate::tables::program::{Item, PIECES_DAYS, PieceLimit, Wallet, WalletKind, Window};
use alloc::format;
use alloc::vec::Vec;

impl Reading<'_> {
    pub(crate) fn items(&mut self, root: &mut Section<'_>, wallets: &[Wallet]) -> Vec<Item> {
        let sections = self.sections(root, "item");
        sections.into_iter().filter_map(|section| self.item(section, wallets)).collect()
    }

    pub(crate) fn item(&mut self, mut section: Section<'_>, wallets: &[Wallet]) -> Option<Item> {
        let id = self.id(&mut section, "id");
        let taken = self.counter_of(id, "taken");
        let wallet = self.paying_wallet(&mut section, wallets);
        let points = self.int(&mut section, "points", 1, AMOUNT_MAX, true);
        let stock = self.int(&mut section, "stock", 0, AMOUNT_MAX, false);
        let (from, until) = self.dates(&mut section);
        let tiers = self.tier_list(&mut section);
        if tiers.is_empty() && section.table.get("tiers").is_some_and(|value| value.get_ref().is_array()) {
            self.fault(section.place("tiers"), &section.field("tiers"), "is empty: nobody could have it".into());
        }
        let limits = self.piece_limits(&mut section);
        let restock = self.flag(&mut section, "restock");
        if restock && stock.is_none() && limits.is_empty() {
            let problem = "there is no `stock` and no `limit` for pieces to come back to";
            self.fault(section.place("restock"), &section.field("restock"), problem.into());
        }
        self.end(&section);
        Some(Item {
            id: id?,
            taken: taken?,
            wallet: wallet?,
            points: Points(points?.0),
            stock: stock.map(|(stock, _)| stock),
            from,
            until,
            tiers,
            limits,
            restock,
        })
    }

    /// The wallet an item costs points of: the first of kind points unless it names another.
    fn paying_wallet(&mut self, section: &mut Section<'_>, wallets: &[Wallet]) -> Option<TermNo> {
        let is_named = section.table.get("wallet").is_some();
        let named = self.wallet_of(section, wallets).filter(|_| is_named);
        let measures = |id: &TermNo| wallets.iter().any(|one| one.id == *id && one.kind == WalletKind::Tier);
        if named.as_ref().is_some_and(measures) {
            let problem = "the points of this wallet only measure: nothing is bought with them";
            self.fault(section.place("wallet"), &section.field("wallet"), problem.into());
        }
        let first = || wallets.iter().find(|wallet| wallet.kind == WalletKind::Points).map(|wallet| wallet.id);
        let found = if is_named { named } else { first() };
        if found.is_none() && !is_named {
            let problem = "no wallet is of kind \"points\"; name the one that is meant with `wallet`";
            self.fault(section.at, &section.field("wallet"), problem.into());
        }
        found
    }

    /// `limit` of an item, a table or a list of them.
    fn piece_limits(&mut self, section: &mut Section<'_>) -> Vec<PieceLimit> {
        let mut limits: Vec<PieceLimit> = Vec::new();
        for mut table in self.tables(section, "limit") {
            let pieces = self.int(&mut table, "pieces", 1, AMOUNT_MAX, true);
            let window = self.window(&mut table, true).map(|(window, _)| window);
            self.end(&table);
            let problem = match window {
                Some(Window::Order | Window::Visit) => Some("pieces are counted over days: write 1d".into()),
                Some(Window::Days(days)) if days > PIECES_DAYS => {
                    Some(format!("days are counted up to {PIECES_DAYS}d; write that, year or ever"))
                }
                Some(window) if limits.iter().any(|known| known.window == window) => {
                    Some("there is a limit over such a window already".into())
                }
                _ => None,
            };
            if let Some(problem) = problem {
                self.fault(table.place("per"), &table.field("per"), problem);
            }
            if let (Some((pieces, _)), Some(window)) = (pieces, window) {
                limits.push(PieceLimit { pieces, window });
            }
        }
        limits
    }
}
