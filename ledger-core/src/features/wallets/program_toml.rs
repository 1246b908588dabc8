//! Reads `[[wallet]]`: the kinds of points, and which of them a rule means.

use crate::features::expiry::program_toml::{Death, EXPIRY, expiry};
use crate::features::pending::program_toml::{OF_WALLET, pending};
use crate::features::spending::program::RedeemRules;
use crate::features::wallets::program::{Cost, Negative, SpendOrder, Wallet, WalletKind};
use crate::kernel::toml_reader::{Declared, Reading, Section};
use crate::kernel::units::{DAY_MS, Points, TermNo};
use crate::kernel::words::{DURATION, Form, GIVE_MAX, Takes, Word};
use alloc::vec;
use alloc::vec::Vec;

/// Wallets, as others name them.
pub(crate) const WALLET_NAME: Declared = Declared { section: "wallet", called: "wallet", above: false };

/// `[[wallet]]`.
pub(crate) static WALLET: Form = Form {
    about: include_str!("wallet.md"),
    example: include_str!("wallet.toml"),
    frame: "[[wallet]]\nid = \"stars\"\n",
    words: &[
        Word::id("id = \"stars\""),
        Word::new(
            "kind",
            Takes::OneOf(|| WalletKind::ALL.map(WalletKind::name).to_vec()),
            "What its points are. Those of a `tier` only measure: they cannot be spent, held or given.",
            "kind = \"stamp\"",
        )
        .same("\"points\""),
        Word::new(
            "scale",
            Takes::Integer(0, 4, "digits"),
            "With `kind = \"money\"`: decimal digits its amounts are shown with; they are whole numbers all the same.",
            "kind = \"money\"\nscale = 2",
        )
        .same("0"),
        Word::new(
            "expiry",
            Takes::Table(&EXPIRY),
            "How long its points live.",
            "expiry = { after = \"12M\", round = \"month_end\" }",
        )
        .means("for ever"),
        Word::new(
            "pending",
            Takes::Table(&OF_WALLET),
            "How long what rules give to it waits before it can be spent.",
            "pending = { after = \"14d\" }",
        )
        .means("not at all"),
        Word::new(
            "spend",
            Takes::OneOf(|| vec!["soonest_expiry", "oldest"]),
            "Which points are spent first: those that expire first, and of those the oldest; or simply the oldest.",
            "spend = \"oldest\"",
        )
        .same("\"soonest_expiry\""),
        Word::new(
            "negative",
            Takes::OneOf(|| vec!["debt", "clamp", "forbid"]),
            "What happens when a refund takes back more than there is: the member owes it, and what is earned next \
             repays it; or it is let go; or the refund is refused.",
            "negative = \"clamp\"",
        )
        .same("\"debt\""),
        Word::new(
            "max_balance",
            Takes::Integer(1, i64::MAX, "points"),
            "The most a member may have, pending and held points counted.",
            "max_balance = 100000",
        )
        .means("any number"),
        Word::new(
            "cost",
            Takes::Table(&COST),
            "What its points cost the program; totals tell it of campaigns, funds and liabilities.",
            "cost = { money = \"1.00\", points = 100 }",
        )
        .means("no cost is told"),
        Word::new("hold_ttl", DURATION, "How long a hold lasts unless it says so itself.", "hold_ttl = \"2h\"")
            .same("\"7d\""),
    ],
};

static COST: Form = Form::within(
    "What so many points cost: all that there are, whenever they were given, by the version that is in force.",
    "[[wallet]]\nid = \"stars\"\n[wallet.cost]\nmoney = \"1.00\"\npoints = 100\n",
    &[
        Word::new("money", Takes::Money(0), "So much money …", "money = \"1.00\""),
        Word::new("points", Takes::Integer(1, GIVE_MAX, "points"), "… for so many points.", "points = 100"),
    ],
);

pub(crate) fn wallets(reading: &mut Reading<'_>, root: &mut Section<'_>) -> Vec<Wallet> {
    let sections = reading.sections(root, "wallet");
    if sections.is_empty() && root.has("wallet") {
        reading.fault(0, "wallet", "is missing; add [[wallet]] with id = \"points\"".into());
    }
    sections.into_iter().filter_map(|section| wallet(reading, section)).collect()
}

fn wallet(reading: &mut Reading<'_>, mut section: Section<'_>) -> Option<Wallet> {
    let id = reading.id(&mut section);
    let kind = reading.choice(&mut section, "kind").and_then(|at| WalletKind::ALL.get(at));
    let kind = kind.copied().unwrap_or(WalletKind::Points);
    let scale = reading.int(&mut section, "scale").map_or(0, |(scale, _)| scale);
    if scale > 0 && kind != WalletKind::Money {
        reading.object(&section, "scale", "only a wallet of kind \"money\" has a scale");
    }
    let spend = match reading.choice(&mut section, "spend") {
        Some(1) => SpendOrder::Oldest,
        _ => SpendOrder::SoonestExpiry,
    };
    let negative = match reading.choice(&mut section, "negative") {
        Some(1) => Negative::Clamp,
        Some(2) => Negative::Forbid,
        _ => Negative::Debt,
    };
    let max_balance = reading.int(&mut section, "max_balance").map(|(most, _)| Points(most));
    let cost = cost(reading, &mut section);
    let hold_ms = reading.duration_ms(&mut section, "hold_ttl").map_or(7 * DAY_MS, |(ms, _)| ms);
    let pending = pending(reading, &mut section);
    let Death { expiry, remind, reinstate_days } = expiry(reading, &mut section);
    reading.end(&section);
    Some(Wallet {
        id: id?,
        kind,
        scale: u32::try_from(scale).unwrap_or(0),
        pending,
        expiry,
        remind,
        reinstate_days,
        spend,
        negative,
        max_balance,
        cost,
        hold_ms,
        redeem: RedeemRules::default(),
        transfer: None,
    })
}

fn cost(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Cost> {
    let mut cost = reading.table(section, "cost")?;
    let money = reading.money(&mut cost, "money");
    let points = reading.int(&mut cost, "points");
    reading.end(&cost);
    Some(Cost { money: money?.0, points: Points(points?.0) })
}

/// The wallet a rule names; the first if it names none.
pub(crate) fn wallet_of(reading: &mut Reading<'_>, section: &mut Section<'_>, wallets: &[Wallet]) -> Option<TermNo> {
    let Some((name, at)) = reading.text_of(section, "wallet") else {
        return wallets.first().map(|wallet| wallet.id);
    };
    let term = reading.term(&name);
    let known = wallets.iter().any(|wallet| wallet.id == term);
    if !known {
        reading.unknown(at, &section.field("wallet"), WALLET_NAME, &name);
    }
    known.then_some(term)
}

/// The wallet a section names; the first of kind points if it names none.
pub(crate) fn points_wallet(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    wallets: &[Wallet],
) -> Option<TermNo> {
    let named = wallet_of(reading, section, wallets);
    if section.has("wallet") {
        return named;
    }
    let first = wallets.iter().find(|wallet| wallet.kind == WalletKind::Points).map(|wallet| wallet.id);
    if first.is_none() {
        let problem = "no wallet is of kind \"points\"; name the one that is meant with `wallet`";
        reading.fault(section.at, &section.field("wallet"), problem.into());
    }
    first
}
