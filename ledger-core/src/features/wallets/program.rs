//! Wallets: the kinds of points, and how they are spent, capped and owed.

use crate::features::expiry::program::Expiry;
use crate::features::pending::program::Pending;
use crate::features::spending::program::RedeemRules;
use crate::features::transfer::program::TransferRules;
use crate::kernel::units::{Money, Points, TermNo};
use alloc::vec::Vec;

/// Most wallets of a program.
pub const WALLETS_MAX: usize = 16;

/// A kind of points.
#[derive(Clone, Debug)]
pub struct Wallet {
    /// Its name.
    pub id: TermNo,
    /// What its points are.
    pub kind: WalletKind,
    /// Decimal digits its amounts are shown with; they are whole numbers all the same.
    pub scale: u32,
    /// How long what rules give to it waits before it can be spent.
    pub pending: Option<Pending>,
    /// How long its lots live.
    pub expiry: Expiry,
    /// How many days before its points die their member is reminded.
    pub remind: Vec<i32>,
    /// For how many days after they died its points can be reinstated; not at all if absent.
    pub reinstate_days: Option<i32>,
    /// Which lots are spent first.
    pub spend: SpendOrder,
    /// What happens when more must go back than there is.
    pub negative: Negative,
    /// The most a member may have, whatever it waits for or is held by.
    pub max_balance: Option<Points>,
    /// What its points cost the program.
    pub cost: Option<Cost>,
    /// How long a hold lasts unless it says so itself, in milliseconds.
    pub hold_ms: i64,
    /// What redemptions and holds from it must keep to.
    pub redeem: RedeemRules,
    /// How members may give its points to each other, if they may.
    pub transfer: Option<TransferRules>,
}

/// What the points of a wallet are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletKind {
    /// Points to spend.
    Points,
    /// Points that only measure: they cannot be spent, held or given.
    Tier,
    /// Stamps, so many of which are worth something.
    Stamp,
    /// Things the member is entitled to: a cup, a night.
    Entitlement,
    /// Money, in the minor unit that its scale says.
    Money,
    /// Miles.
    Miles,
}

/// Which lots of a wallet are spent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpendOrder {
    /// The ones that expire first, and of those the oldest.
    SoonestExpiry,
    /// The oldest, whenever they expire.
    Oldest,
}

/// What happens when a refund takes back more than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negative {
    /// The member owes it, and what is earned next repays it.
    Debt,
    /// What is missing is let go.
    Clamp,
    /// The refund is refused: whoever pays it must ask first.
    Forbid,
}

/// So many points cost so much money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The money, in minor units.
    pub money: Money,
    /// The points, more than 0.
    pub points: Points,
}

impl Cost {
    /// What so many points cost, a begun minor unit counted whole. `None` if it does not fit 64 bits.
    pub fn of(self, points: i64) -> Option<Money> {
        let cost = i128::from(points).checked_mul(i128::from(self.money.0))?;
        let per = i128::from(self.points.0);
        let up = per.checked_sub(1)?;
        let whole = cost.checked_add(up)?.checked_div_euclid(per)?;
        i64::try_from(whole).ok().map(Money)
    }
}

impl WalletKind {
    /// All of them, in order of declaration.
    pub const ALL: [WalletKind; 6] = [
        WalletKind::Points,
        WalletKind::Tier,
        WalletKind::Stamp,
        WalletKind::Entitlement,
        WalletKind::Money,
        WalletKind::Miles,
    ];

    /// The trade's word, as in program files.
    pub fn name(self) -> &'static str {
        match self {
            WalletKind::Points => "points",
            WalletKind::Tier => "tier",
            WalletKind::Stamp => "stamp",
            WalletKind::Entitlement => "entitlement",
            WalletKind::Money => "money",
            WalletKind::Miles => "miles",
        }
    }
}
