//! Reads `[[fund]]`, and the `to` of a rule that gives to one.

use crate::kernel::units::TermNo;
use crate::program_file::{Reading, Section};
use crate::tables::program::{EarnRule, Fund, Wallet, WalletKind};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A fund that a rule names, and where.
pub(crate) struct FundWord {
    term: TermNo,
    at: usize,
    field: String,
}

impl Reading<'_> {
    pub(crate) fn funds(&mut self, root: &mut Section<'_>, wallets: &[Wallet]) -> Vec<Fund> {
        let mut funds = Vec::new();
        for mut section in self.sections(root, "fund") {
            let id = self.id(&mut section, "id");
            let wallet = self.wallet_of(&mut section, wallets);
            if wallets.iter().any(|one| Some(one.id) == wallet && one.kind == WalletKind::Tier) {
                let problem = "the points of this wallet only measure: there is nothing in them to give";
                self.fault(section.place("wallet"), &section.field("wallet"), problem.into());
            }
            let given = self.counter_of(id, "given");
            self.end(&section);
            if let (Some(id), Some(wallet), Some(given)) = (id, wallet, given) {
                funds.push(Fund { id, wallet, given });
            }
        }
        funds
    }

    /// `to = { fund = "trees" }`: whom a rule gives to, if not to the member.
    pub(crate) fn fund_word(&mut self, section: &mut Section<'_>, funds: &[Fund]) -> Option<FundWord> {
        let mut to = self.table(section, "to")?;
        let (name, at) = self.text_of(&mut to, "fund", true)?;
        self.end(&to);
        let (term, field) = (self.term(&name), to.field("fund"));
        if !funds.iter().any(|fund| fund.id == term) {
            self.fault(at, &field, format!("no fund is called {name:?}; add [[fund]] with this id"));
            return None;
        }
        Some(FundWord { term, at, field })
    }

    /// Lets a rule give to the fund it names. What is shared or waits between purchases is the member's own.
    pub(crate) fn give_to_fund(&mut self, rule: &mut EarnRule, word: FundWord, funds: &[Fund]) {
        let FundWord { term, at, field } = word;
        if funds.iter().any(|fund| fund.id == term && fund.wallet != rule.wallet) {
            self.fault(at, &field, "is a fund of another wallet; give the rule the same".into());
        }
        if rule.group.is_some() {
            self.fault(at, &field, "a rule of a group gives to the member".into());
        }
        if rule.amount.carry().is_some() {
            self.fault(at, &field, "what is given to a fund is not carried on; leave out `carry`".into());
        }
        if rule.pending.is_some() {
            self.fault(at, &field, "what is given to a fund waits for nothing; leave out `pending`".into());
        }
        rule.fund = Some(term);
    }
}
