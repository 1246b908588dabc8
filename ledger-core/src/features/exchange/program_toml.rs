//! Reads `[[exchange]]`: at which rates points become a partner's, and a partner's become points.

use crate::features::exchange::program::{Exchange, Rate, Tallied};
use crate::features::wallets::program::{Wallet, WalletKind};
use crate::features::wallets::program_toml::wallet_of;
use crate::kernel::fields::AMOUNT_MAX;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::{Points, TermNo};
use crate::kernel::words::{DURATION, Form, GIVE_MAX, Takes, Word};
use alloc::vec::Vec;

/// `[[exchange]]`.
pub(crate) static EXCHANGE: Form = Form {
    about: include_str!("exchange.md"),
    example: include_str!("exchange.toml"),
    frame: "[[exchange]]\nid = \"skyhigh\"\nwithin = \"7d\"\n",
    words: &[
        Word::id("id = \"skyhigh\""),
        Word::new("wallet", Takes::Name("wallet"), "The wallet that gives and gets.", "wallet = \"points\"")
            .means("the first wallet"),
        Word::new(
            "out",
            Takes::Table(&OUT),
            "At which rate points become the partner's.",
            "out = { points = 3, units = 2 }",
        )
        .means("none go out"),
        Word::new(
            "in",
            Takes::Table(&IN),
            "At which rate the partner's units become points.",
            "in = { units = 5, points = 4 }",
        )
        .means("none come in"),
        Word::new(
            "per_day",
            Takes::Integer(1, AMOUNT_MAX, "points"),
            "At most so many points of a member go out on a local day.",
            "per_day = 600",
        )
        .means("any number"),
        Word::new("within", DURATION, "What the partner has not settled by then is undone.", "within = \"7d\""),
    ],
};

static OUT: Form = Form::within(
    "So many points become so many units of the partner. Only multiples are exchanged.",
    "[[exchange]]\nid = \"skyhigh\"\nwithin = \"7d\"\n[exchange.out]\npoints = 3\nunits = 2\n",
    RATE,
);

static IN: Form = Form::within(
    "So many units of the partner become so many points. Only multiples are exchanged.",
    "[[exchange]]\nid = \"skyhigh\"\nwithin = \"7d\"\n[exchange.in]\nunits = 5\npoints = 4\n",
    RATE,
);

const RATE: &[Word] = &[
    Word::new("points", Takes::Integer(1, GIVE_MAX, "points"), "So many points …", "points = 3"),
    Word::new("units", Takes::Integer(1, GIVE_MAX, "units"), "… for so many units of the partner.", "units = 2"),
];

pub(crate) fn exchanges(reading: &mut Reading<'_>, root: &mut Section<'_>, wallets: &[Wallet]) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    for mut section in reading.sections(root, "exchange") {
        let id = reading.id(&mut section);
        let wallet = wallet_of(reading, &mut section, wallets);
        if wallets.iter().any(|one| Some(one.id) == wallet && one.kind == WalletKind::Tier) {
            reading.object(&section, "wallet", "points of this wallet only measure: they are not exchanged");
        }
        let (out, inward) = (rate(reading, &mut section, "out"), rate(reading, &mut section, "in"));
        let per_day = reading.int(&mut section, "per_day").map(|(most, _)| Points(most));
        if per_day.zip(out).is_some_and(|(most, rate)| most < rate.points) {
            reading.object(&section, "per_day", "allows nothing: less than one unit of `out`");
        }
        let within_ms = reading.duration_ms(&mut section, "within");
        let day = reading.counter_of(id, "day");
        let (gone, come) = (tallied(reading, id, "out"), tallied(reading, id, "in"));
        reading.end(&section);
        let read = || {
            let (id, wallet, within_ms) = (id?, wallet?, within_ms?.0);
            Some(Exchange { id, wallet, out, inward, per_day, within_ms, day: day?, gone: gone?, come: come? })
        };
        exchanges.extend(read());
    }
    exchanges
}

fn rate(reading: &mut Reading<'_>, section: &mut Section<'_>, key: &'static str) -> Option<Rate> {
    let mut rate = reading.table(section, key)?;
    let points = reading.int(&mut rate, "points");
    let units = reading.int(&mut rate, "units");
    reading.end(&rate);
    Some(Rate { points: Points(points?.0), units: units?.0 })
}

fn tallied(reading: &mut Reading<'_>, id: Option<TermNo>, way: &str) -> Option<Tallied> {
    let mut counter = |what| reading.counter_of(id, &alloc::format!("{way}.{what}"));
    Some(Tallied { points: counter("points")?, units: counter("units")? })
}
