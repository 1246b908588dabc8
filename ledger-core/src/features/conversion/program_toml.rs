//! Reads `[[convert]]`: so many points of one wallet that become points of another.

use crate::features::conversion::program::Conversion;
use crate::features::wallets::program::{Wallet, WalletKind};
use crate::features::wallets::program_toml::wallet_of;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::{Points, TermNo};
use crate::kernel::words::{Form, GIVE_MAX, Takes, Word};
use alloc::vec::Vec;

/// `[[convert]]`.
pub(crate) static CONVERT: Form = Form {
    about: include_str!("convert.md"),
    example: include_str!("convert.toml"),
    frame: "[[wallet]]\nid = \"stamps\"\nkind = \"stamp\"\n[[convert]]\nid = \"bonus\"\n\
            from = { wallet = \"stamps\", points = 10 }\nto = { wallet = \"points\", points = 50 }\n",
    words: &[
        Word::id("id = \"bonus\""),
        Word::new(
            "from",
            Takes::Table(&FROM),
            "What is taken: so many points of a wallet that becomes nothing else.",
            "from = { wallet = \"stamps\", points = 10 }",
        ),
        Word::new(
            "to",
            Takes::Table(&TO),
            "What is given for it. A wallet that is converted itself stands below what brings its points.",
            "to = { wallet = \"points\", points = 50 }",
        ),
    ],
};

static FROM: Form = Form::within(
    "What is taken.",
    "[[wallet]]\nid = \"stamps\"\nkind = \"stamp\"\n[[convert]]\nid = \"bonus\"\n\
     to = { wallet = \"points\", points = 50 }\n[convert.from]\nwallet = \"stamps\"\npoints = 10\n",
    &[
        Word::new("wallet", Takes::Name("wallet"), "The wallet that gives.", "wallet = \"stamps\""),
        Word::new("points", Takes::Integer(1, GIVE_MAX, "points"), "How many it gives at once.", "points = 10"),
    ],
);

static TO: Form = Form::within(
    "What is given.",
    "[[wallet]]\nid = \"stamps\"\nkind = \"stamp\"\n[[convert]]\nid = \"bonus\"\n\
     from = { wallet = \"stamps\", points = 10 }\n[convert.to]\nwallet = \"points\"\npoints = 50\n",
    &[
        Word::new("wallet", Takes::Name("wallet"), "The wallet that gets.", "wallet = \"points\""),
        Word::new("points", Takes::Integer(1, GIVE_MAX, "points"), "How many it gets at once.", "points = 50"),
    ],
);

pub(crate) fn conversions(reading: &mut Reading<'_>, root: &mut Section<'_>, wallets: &[Wallet]) -> Vec<Conversion> {
    let mut conversions: Vec<Conversion> = Vec::new();
    for mut section in reading.sections(root, "convert") {
        let id = reading.id(&mut section);
        let from = side(reading, &mut section, "from", wallets);
        let to = side(reading, &mut section, "to", wallets);
        reading.end(&section);
        let (Some(id), Some((from, takes)), Some((to, gives))) = (id, from, to) else { continue };
        let conversion = Conversion { id, from, takes, to, gives };
        if let Some((key, problem)) = objection(&conversion, &conversions, wallets) {
            reading.object(&section, key, problem);
        }
        conversions.push(conversion);
    }
    conversions
}

/// One side: a wallet, and how many of its points.
fn side(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    key: &'static str,
    wallets: &[Wallet],
) -> Option<(TermNo, Points)> {
    let mut side = reading.table(section, key)?;
    let wallet = wallet_of(reading, &mut side, wallets);
    let points = reading.int(&mut side, "points");
    reading.end(&side);
    Some((wallet?, Points(points?.0)))
}

/// Why such a conversion cannot be, behind the earlier ones.
fn objection(
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
