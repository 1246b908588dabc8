//! Reads `[[item]]`: what points are redeemed for.

use crate::features::earning::limits_toml::window;
use crate::features::earning::program::Window;
use crate::features::items::program::{Item, PIECES_DAYS, PieceLimit};
use crate::features::tiers::named_toml::{TIERS_NAMED, tiers_named};
use crate::features::wallets::program::{Wallet, WalletKind};
use crate::features::wallets::program_toml::points_wallet;
use crate::kernel::fields::AMOUNT_MAX;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::Points;
use crate::kernel::words::{DATE, Form, RULES_MAX, Takes, Word};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// `[[item]]`.
pub(crate) static ITEM: Form = Form {
    about: include_str!("item.md"),
    example: include_str!("item.toml"),
    frame: "[[tier]]\nid = \"guest\"\n[[tier]]\nid = \"gold\"\nat_least = \"100.00\"\n[tiers]\nwindow = \"365d\"\n\
            [[item]]\nid = \"cup\"\npoints = 300\n",
    words: &[
        Word::id("id = \"cup\""),
        Word::new("wallet", Takes::Name("wallet"), "Whose points it costs.", "wallet = \"points\"")
            .means("the first wallet of kind `points`"),
        Word::new("points", Takes::Integer(1, AMOUNT_MAX, "points"), "What a piece costs.", "points = 300"),
        Word::new(
            "stock",
            Takes::Integer(0, AMOUNT_MAX, "pieces"),
            "How many pieces there are for all members together.",
            "stock = 100",
        )
        .means("any number"),
        Word::new("from", DATE, "Not before this local date.", "from = \"2026-03-01\"").means("at any time"),
        Word::new("until", DATE, "Not after this local date.", "until = \"2026-03-31\"").means("at any time"),
        Word::new("tiers", TIERS_NAMED, "For members in these tiers.", "tiers = [\"gold\"]").means("for all"),
        Word::new(
            "limit",
            Takes::Either(&[Takes::Table(&LIMIT), Takes::Tables(&LIMIT, RULES_MAX)]),
            "At most how many pieces each member may have; one table, or a list of them.",
            "limit = { pieces = 2, per = \"month\" }",
        )
        .means("any number"),
        Word::new(
            "restock",
            Takes::Flag,
            "Whether pieces are there again, for `stock` and `limit`, once all points of their redemption were given \
             back.",
            "stock = 100\nrestock = true",
        )
        .same("false"),
    ],
};

static LIMIT: Form = Form::within(
    "At most so many pieces for each member in a window of time.",
    "[[item]]\nid = \"cup\"\npoints = 300\n[[item.limit]]\npieces = 2\nper = \"month\"\n",
    &[
        Word::new("pieces", Takes::Integer(1, AMOUNT_MAX, "pieces"), "At most so many.", "pieces = 2"),
        Word::new(
            "per",
            Takes::Either(&[Takes::Days(1, PIECES_DAYS), Takes::OneOf(|| vec!["week", "month", "year", "ever"])]),
            "In so many local days, today being the last; in the week (from Monday), the month, the year; or ever.",
            "per = \"month\"",
        ),
    ],
);

pub(crate) fn items(reading: &mut Reading<'_>, root: &mut Section<'_>, wallets: &[Wallet]) -> Vec<Item> {
    let sections = reading.sections(root, "item");
    sections.into_iter().filter_map(|section| item(reading, section, wallets)).collect()
}

fn item(reading: &mut Reading<'_>, mut section: Section<'_>, wallets: &[Wallet]) -> Option<Item> {
    let id = reading.id(&mut section);
    let taken = reading.counter_of(id, "taken");
    let wallet = points_wallet(reading, &mut section, wallets);
    if wallets.iter().any(|one| Some(one.id) == wallet && one.kind == WalletKind::Tier) {
        let problem = "the points of this wallet only measure: nothing is bought with them";
        reading.object(&section, "wallet", problem);
    }
    let points = reading.int(&mut section, "points");
    let stock = reading.int(&mut section, "stock").map(|(stock, _)| stock);
    let (from, until) = reading.dates(&mut section);
    let tiers = tiers_named(reading, &mut section);
    let limits = piece_limits(reading, &mut section);
    let restock = reading.flag(&mut section, "restock");
    if restock && stock.is_none() && limits.is_empty() {
        let problem = "there is no `stock` and no `limit` for pieces to come back to";
        reading.object(&section, "restock", problem);
    }
    reading.end(&section);
    let (id, taken, wallet, points) = (id?, taken?, wallet?, Points(points?.0));
    Some(Item { id, taken, wallet, points, stock, from, until, tiers, limits, restock })
}

/// `limit` of an item, a table or a list of them.
fn piece_limits(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Vec<PieceLimit> {
    let mut limits: Vec<PieceLimit> = Vec::new();
    for mut table in reading.tables(section, "limit") {
        let pieces = reading.int(&mut table, "pieces");
        let window = window(reading, &mut table).map(|(window, _)| window);
        reading.end(&table);
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
            reading.object(&table, "per", problem);
        }
        if let (Some((pieces, _)), Some(window)) = (pieces, window) {
            limits.push(PieceLimit { pieces, window });
        }
    }
    limits
}
