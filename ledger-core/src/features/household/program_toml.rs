//! Reads `[household]`: what members share with theirs.

use crate::features::expiry::program::Expiry;
use crate::features::household::program::Household;
use crate::features::household::state::HOUSEHOLD_MAX;
use crate::features::wallets::program::{Wallet, WalletKind};
use crate::features::wallets::program_toml::points_wallet;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::words::{Form, Takes, Word};

/// `[household]`.
pub(crate) static HOUSEHOLD: Form = Form {
    about: include_str!("household.md"),
    example: include_str!("household.toml"),
    frame: "[household]\nshare = \"50%\"\n",
    words: &[
        Word::new(
            "wallet",
            Takes::Name("wallet"),
            "Points of which wallet are shared: none that waits before it can be spent or lives by activity.",
            "wallet = \"points\"",
        )
        .means("the first wallet of kind `points`"),
        Word::new(
            "share",
            Takes::Percent(1, 100),
            "Which share of what rules give for each event; rounded down, the rest stays with the member.",
            "share = \"50%\"",
        ),
        Word::new(
            "members",
            Takes::Integer(1, HOUSEHOLD_MAX, "members"),
            "At most so many share with one household.",
            "members = 6",
        )
        .same("16"),
    ],
};

pub(crate) fn household(reading: &mut Reading<'_>, root: &mut Section<'_>, wallets: &[Wallet]) -> Option<Household> {
    let mut section = reading.table(root, "household")?;
    let wallet = shared_wallet(reading, &mut section, wallets);
    let basis_points = reading.percent(&mut section, "share");
    let members = reading.int(&mut section, "members").map_or(HOUSEHOLD_MAX, |(members, _)| members);
    reading.end(&section);
    Some(Household { wallet: wallet?.id, basis_points: basis_points?, members: usize::try_from(members).ok()? })
}

/// The wallet that is shared.
fn shared_wallet<'w>(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    wallets: &'w [Wallet],
) -> Option<&'w Wallet> {
    let id = points_wallet(reading, section, wallets)?;
    let wallet = wallets.iter().find(|wallet| wallet.id == id)?;
    let problem = match &wallet.expiry {
        _ if wallet.kind == WalletKind::Tier => "points of this wallet only measure: they cannot be shared",
        Expiry::Activity { .. } => "points of this wallet die with the activity of who earned them: share others",
        _ if wallet.pending.is_some() => "points of this wallet wait before they can be spent: share others",
        _ => return Some(wallet),
    };
    reading.object(section, "wallet", problem);
    None
}
