//! Reads `[[fund]]`, and the `to` of a rule that gives to one.

use crate::features::earning::program::EarnRule;
use crate::features::funds::program::Fund;
use crate::features::wallets::program::{Wallet, WalletKind};
use crate::features::wallets::program_toml::wallet_of;
use crate::kernel::toml_reader::{Declared, Reading, Section};
use crate::kernel::units::TermNo;
use crate::kernel::words::{Form, Takes, Word};
use alloc::string::String;
use alloc::vec::Vec;

/// Funds, as rules name them.
pub(crate) const FUND_NAME: Declared = Declared { section: "fund", called: "fund", above: false };

/// `[[fund]]`.
pub(crate) static FUND: Form = Form {
    about: include_str!("fund.md"),
    example: include_str!("fund.toml"),
    frame: "[[fund]]\nid = \"trees\"\n",
    words: &[
        Word::id("id = \"trees\""),
        Word::new("wallet", Takes::Name("wallet"), "The wallet whose points it gets.", "wallet = \"points\"")
            .means("the first wallet"),
    ],
};

/// `to` of a rule.
pub(crate) static TO: Form = Form::within(
    "Whom the rule gives to instead of to the member. Such a rule is in no `group` and has no `carry` or `pending`.",
    "[[fund]]\nid = \"trees\"\n[[earn]]\nid = \"charity\"\non = \"purchase\"\nper = \"0.10\"\ngive = 1\n[earn.to]\n\
     fund = \"trees\"\n",
    &[Word::new("fund", Takes::Name("fund"), "The fund, of the same wallet as the rule.", "fund = \"trees\"")],
);

/// A fund that a rule names, and where.
pub(crate) struct FundWord {
    term: TermNo,
    at: usize,
    field: String,
}

pub(crate) fn funds(reading: &mut Reading<'_>, root: &mut Section<'_>, wallets: &[Wallet]) -> Vec<Fund> {
    let mut funds = Vec::new();
    for mut section in reading.sections(root, "fund") {
        let id = reading.id(&mut section);
        let wallet = wallet_of(reading, &mut section, wallets);
        if wallets.iter().any(|one| Some(one.id) == wallet && one.kind == WalletKind::Tier) {
            let problem = "the points of this wallet only measure: there is nothing in them to give";
            reading.object(&section, "wallet", problem);
        }
        let given = reading.counter_of(id, "given");
        reading.end(&section);
        if let (Some(id), Some(wallet), Some(given)) = (id, wallet, given) {
            funds.push(Fund { id, wallet, given });
        }
    }
    funds
}

/// `to = { fund = "trees" }`: whom a rule gives to, if not to the member.
pub(crate) fn fund_word(reading: &mut Reading<'_>, section: &mut Section<'_>, funds: &[Fund]) -> Option<FundWord> {
    let mut to = reading.table(section, "to")?;
    let (name, at) = reading.text_of(&mut to, "fund")?;
    reading.end(&to);
    let (term, field) = (reading.term(&name), to.field("fund"));
    if !funds.iter().any(|fund| fund.id == term) {
        reading.unknown(at, &field, FUND_NAME, &name);
        return None;
    }
    Some(FundWord { term, at, field })
}

/// Lets a rule give to the fund it names. What is shared or waits between purchases is the member's own.
pub(crate) fn give_to_fund(reading: &mut Reading<'_>, rule: &mut EarnRule, word: FundWord, funds: &[Fund]) {
    let FundWord { term, at, field } = word;
    if funds.iter().any(|fund| fund.id == term && fund.wallet != rule.wallet) {
        reading.fault(at, &field, "is a fund of another wallet; give the rule the same".into());
    }
    if rule.group.is_some() {
        reading.fault(at, &field, "a rule of a group gives to the member".into());
    }
    if rule.amount.carry().is_some() {
        reading.fault(at, &field, "what is given to a fund is not carried on; leave out `carry`".into());
    }
    if rule.pending.is_some() {
        reading.fault(at, &field, "what is given to a fund waits for nothing; leave out `pending`".into());
    }
    rule.fund = Some(term);
}
