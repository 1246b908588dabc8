//! Reads `[redeem]`: what spending from a wallet must keep to; the first wallet of points unless it names another.

use crate::features::spending::program::{RedeemRules, Share};
use crate::features::wallets::program::{Wallet, WalletKind};
use crate::features::wallets::program_toml::points_wallet;
use crate::kernel::fields::AMOUNT_MAX;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::Points;
use crate::kernel::words::{DAYS, Form, Takes, Word};
use alloc::format;

const POINTS: Takes = Takes::Integer(1, AMOUNT_MAX, "points");

/// `[redeem]`.
pub(crate) static REDEEM: Form = Form {
    about: include_str!("redeem.md"),
    example: include_str!("redeem.toml"),
    frame: "[redeem]\n",
    words: &[
        Word::new("wallet", Takes::Name("wallet"), "Spending from which wallet.", "wallet = \"points\"")
            .means("the first wallet of kind `points`"),
        Word::new("min", POINTS, "At least so many at once.", "min = 100").means("one"),
        Word::new("max", POINTS, "At most so many at once.", "max = 5000").means("any number"),
        Word::new("step", POINTS, "In multiples of so many.", "step = 50").means("any number"),
        Word::new("per_order", POINTS, "At most so many for one order, captured and held.", "per_order = 5000")
            .means("any number"),
        Word::new("per_day", POINTS, "At most so many on a local day, captured and held.", "per_day = 8000")
            .means("any number"),
        Word::new("per_month", POINTS, "At most so many in a calendar month, captured and held.", "per_month = 20000")
            .means("any number"),
        Word::new(
            "share",
            Takes::Percent(1, 100),
            "At most this share of an order may be paid with points; it needs `worth`, and events that say `total`.",
            "share = \"50%\"\nworth = { points = 100, money = \"1.00\" }",
        )
        .means("all of it"),
        Word::new(
            "worth",
            Takes::Table(&WORTH),
            "What points are worth, for `share`.",
            "share = \"50%\"\nworth = { points = 100, money = \"1.00\" }",
        )
        .means("there is no `share`"),
        Word::new(
            "grace",
            DAYS,
            "For so many days points live that are given back after they expired.",
            "grace = \"30d\"",
        )
        .means("they are gone at once"),
    ],
};

static WORTH: Form = Form::within(
    "What points are worth in an order.",
    "[redeem]\nshare = \"50%\"\n[redeem.worth]\npoints = 100\nmoney = \"1.00\"\n",
    &[
        Word::new("points", POINTS, "So many points …", "points = 100"),
        Word::new("money", Takes::Money(1), "… are worth so much.", "money = \"1.00\""),
    ],
);

pub(crate) fn redeem(reading: &mut Reading<'_>, root: &mut Section<'_>, wallets: &mut [Wallet]) {
    let Some(mut section) = reading.table(root, "redeem") else { return };
    let wallet = spent_wallet(reading, &mut section, wallets);
    let rules = redeem_rules(reading, section);
    if let Some(wallet) = wallet {
        wallet.redeem = rules;
    }
}

/// The wallet that rules of spending and giving are of.
pub(crate) fn spent_wallet<'w>(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    wallets: &'w mut [Wallet],
) -> Option<&'w mut Wallet> {
    let id = points_wallet(reading, section, wallets)?;
    let wallet = wallets.iter_mut().find(|wallet| wallet.id == id)?;
    if wallet.kind == WalletKind::Tier {
        reading.object(section, "wallet", "the points of this wallet only measure: they are neither spent nor given");
    }
    Some(wallet)
}

fn redeem_rules(reading: &mut Reading<'_>, mut section: Section<'_>) -> RedeemRules {
    let mut points = |key| reading.int(&mut section, key).map(|(points, _)| Points(points));
    let (min, max, step) = (points("min"), points("max"), points("step"));
    let (per_order, per_day, per_month) = (points("per_order"), points("per_day"), points("per_month"));
    let most = [("max", max), ("per_order", per_order), ("per_day", per_day), ("per_month", per_month)];
    check_least(reading, &section, min.or(step), &most);
    let share = share(reading, &mut section);
    let grace_days = reading.days(&mut section, "grace");
    reading.end(&section);
    RedeemRules { min, max, step, per_order, per_day, per_month, share, grace_days }
}

/// Complains of what allows less than the least that goes at once.
pub(crate) fn check_least(
    reading: &mut Reading<'_>,
    section: &Section<'_>,
    least: Option<Points>,
    most: &[(&str, Option<Points>)],
) {
    let Some(least) = least else { return };
    for (key, _) in most.iter().filter(|(_, most)| most.is_some_and(|most| most < least)) {
        reading.object(section, key, format!("allows nothing: at least {least} go at once"));
    }
}

/// `share = "50%"` of an order, where points have a `worth`.
fn share(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Share> {
    let basis_points = reading.percent(section, "share");
    let Some(mut worth) = reading.table(section, "worth") else {
        if section.text("share").is_some() {
            let problem = "needs what points are worth; add worth = { points = 100, money = \"1.00\" }";
            reading.object(section, "share", problem);
        }
        return None;
    };
    let points = reading.int(&mut worth, "points");
    let money = reading.money(&mut worth, "money");
    if money.is_some_and(|(money, _)| money.0 > AMOUNT_MAX) {
        reading.object(&worth, "money", format!("must be at most {AMOUNT_MAX} minor units"));
    }
    reading.end(&worth);
    if !section.has("share") {
        reading.fault(worth.at, &section.field("worth"), "is used by no rule; add `share`".into());
    }
    Some(Share { points: Points(points?.0), worth: money?.0, basis_points: basis_points? })
}
