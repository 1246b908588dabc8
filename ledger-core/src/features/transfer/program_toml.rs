//! Reads `[transfer]`: how members may give points to each other.

use crate::features::spending::program_toml::{check_least, spent_wallet};
use crate::features::transfer::program::TransferRules;
use crate::features::wallets::program::Wallet;
use crate::kernel::fields::AMOUNT_MAX;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::Points;
use crate::kernel::words::{DURATION, Form, Takes, Word};

const POINTS: Takes = Takes::Integer(1, AMOUNT_MAX, "points");

/// `[transfer]`.
pub(crate) static TRANSFER: Form = Form {
    about: include_str!("transfer.md"),
    example: include_str!("transfer.toml"),
    frame: "[transfer]\n",
    words: &[
        Word::new("wallet", Takes::Name("wallet"), "Points of which wallet may be given.", "wallet = \"points\"")
            .means("the first wallet of kind `points`"),
        Word::new("min", POINTS, "At least so many at once.", "min = 10").means("one"),
        Word::new("max", POINTS, "At most so many at once.", "max = 1000").means("any number"),
        Word::new("per_day", POINTS, "At most so many of a member on a local day.", "per_day = 2000")
            .means("any number"),
        Word::new("fee", Takes::Percent(1, 99), "What the program takes of them; rounded down.", "fee = \"5%\"")
            .means("nothing"),
        Word::new("cooling", DURATION, "For how long whoever got points may give none.", "cooling = \"24h\"")
            .means("they may at once"),
    ],
};

pub(crate) fn transfer(reading: &mut Reading<'_>, root: &mut Section<'_>, wallets: &mut [Wallet]) {
    let Some(mut section) = reading.table(root, "transfer") else { return };
    let wallet = spent_wallet(reading, &mut section, wallets);
    let rules = transfer_rules(reading, section);
    if let Some(wallet) = wallet {
        wallet.transfer = Some(rules);
    }
}

fn transfer_rules(reading: &mut Reading<'_>, mut section: Section<'_>) -> TransferRules {
    let mut points = |key| reading.int(&mut section, key).map(|(points, _)| Points(points));
    let (min, max, per_day) = (points("min"), points("max"), points("per_day"));
    check_least(reading, &section, min, &[("max", max), ("per_day", per_day)]);
    let fee_basis_points = reading.percent(&mut section, "fee").unwrap_or(0);
    let cooling_ms = reading.duration_ms(&mut section, "cooling").map_or(0, |(ms, _)| ms);
    reading.end(&section);
    TransferRules { min, max, per_day, fee_basis_points, cooling_ms }
}
