//! Programs: the rules of one loyalty scheme, read from TOML as a person would write it.
//!
//! A file is checked whole: every fault with its line, its field and what to write instead, not only
//! the first. What passes is a [`Program`] of typed tables, which cannot be built wrong. Rules refer
//! to each other by index and to the ledger's vocabulary by [`TermNo`], never by text.
//!
//! `decide` asks a program; `fold` never does.

pub use crate::features::earning::program::{
    Amount, AttributeTest, Base, Campaign, EarnRule, Fund, Goods, Hours, Limit, Lines, Measure, Over, Price, RoundAt,
    Trigger, Value, Weekdays, When, Whose, Window, Words,
};
pub use crate::features::expiry::program::{Earner, Expiry, Round, Span};
pub use crate::features::items::program::{Item, PIECES_DAYS, PieceLimit};
pub(crate) use crate::program_file::read_money;

use crate::features::approvals::state::ByHand;
use crate::features::counting::happening::Happenings;
use crate::features::risk::change::Action;
use crate::kernel::calendar::Calendar;
use crate::kernel::units::{At, DAY_MS, Day, Money, Points, TermNo};
use crate::tables::event::{AMOUNT_MAX, Currency, RiskKind};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Most rules of one kind in a program.
pub const RULES_MAX: usize = 500;
/// Most wallets of a program.
pub const WALLETS_MAX: usize = 16;
/// Most people that must stand for something.
pub const PEOPLE_MAX: usize = 8;
/// Largest `give`, `factor` or `fixed` of a rule.
pub const GIVE_MAX: i64 = 1_000_000;

/// A checked program.
#[derive(Clone, Debug)]
pub struct Program {
    /// The scheme's name; the same in all versions.
    pub id: Box<str>,
    /// Time zone and dates.
    pub calendar: Calendar,
    /// The money of purchases.
    pub currency: Currency,
    /// Decimal digits of that money's minor unit.
    pub minor_digits: u32,
    /// The first wallet: the one that is meant where no other is named.
    pub wallet: Wallet,
    /// The other wallets.
    pub more_wallets: Vec<Wallet>,
    /// How many days a purchase can be refunded.
    pub refund_days: i32,
    /// Whether what a refund takes back makes room again in the limits that were counted with it.
    pub refund_reopens: bool,
    /// How much time may lie between two events of one visit, in milliseconds; there are no visits if absent.
    pub visit_gap_ms: Option<i64>,
    /// Earn rules by trigger, and of one trigger in the order they apply.
    pub earn: Vec<EarnRule>,
    /// Rules that are counted together.
    pub campaigns: Vec<Campaign>,
    /// Good causes that are given to.
    pub funds: Vec<Fund>,
    /// What points are redeemed for.
    pub items: Vec<Item>,
    /// When a member counts as dormant.
    pub inactivity: Option<Inactivity>,
    /// What becomes of enough points, each behind those that bring its points.
    pub conversions: Vec<Conversion>,
    /// With whom points are exchanged.
    pub exchanges: Vec<Exchange>,
    /// What members share with their households, if they may.
    pub household: Option<Household>,
    /// Days in a row that grant a tier.
    pub streaks: Vec<StreakRule>,
    /// Counts of events that lift the tier.
    pub ladders: Vec<Ladder>,
    /// Tiers, if there are any.
    pub tiers: Option<Tiers>,
    /// How many people must stand for what is done by hand.
    pub approvals: Approvals,
    /// Attributes that events may set.
    pub attributes: Vec<TermNo>,
    /// Risk counters.
    pub counters: Vec<CounterRule>,
    /// Risk rules.
    pub risks: Vec<RiskRule>,
    /// How far in the future an event may lie, in milliseconds.
    pub future_ms: i64,
    /// What is legal but probably not meant.
    pub warnings: Vec<Fault>,
}

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

/// How long new points wait before they can be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Only if they are more than so many at once.
    pub over: Points,
    /// Until when.
    pub until: PendingUntil,
}

/// What new points wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingUntil {
    /// The start of the local date so many days behind the one they were earned on.
    Days(i32),
    /// Their purchase is settled; of anything else, nothing.
    Settled,
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

/// What a redemption or a hold must keep to; what is absent asks nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct RedeemRules {
    /// At least so many points at once.
    pub min: Option<Points>,
    /// At most so many points at once.
    pub max: Option<Points>,
    /// In multiples of so many points.
    pub step: Option<Points>,
    /// At most so many points for one order, captured and held.
    pub per_order: Option<Points>,
    /// At most so many points a local day, captured and held.
    pub per_day: Option<Points>,
    /// At most so many points a calendar month, captured and held.
    pub per_month: Option<Points>,
    /// What points are worth, and at most which share of an order they may pay.
    pub share: Option<Share>,
    /// For how many days points live that are given back after they expired; not at all if absent.
    pub grace_days: Option<i32>,
}

/// How members may give points to each other; what is absent asks nothing.
#[derive(Clone, Copy, Debug)]
pub struct TransferRules {
    /// At least so many points at once.
    pub min: Option<Points>,
    /// At most so many points at once.
    pub max: Option<Points>,
    /// At most so many points a local day.
    pub per_day: Option<Points>,
    /// What the program takes of them, in hundredths of a percent; rounded down.
    pub fee_basis_points: i64,
    /// For how long whoever got points may give none, in milliseconds.
    pub cooling_ms: i64,
}

/// At most which share of an order may be paid with points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// So many points ...
    pub points: Points,
    /// ... are worth so much.
    pub worth: Money,
    /// The share, in hundredths of a percent.
    pub basis_points: i64,
}

impl Share {
    /// Whether `points` may pay towards an order of `total`.
    pub fn allows(&self, points: Points, total: Money) -> bool {
        let paid = i128::from(points.0).saturating_mul(i128::from(self.worth.0)).saturating_mul(10_000);
        let most = i128::from(total.0).saturating_mul(i128::from(self.basis_points));
        paid <= most.saturating_mul(i128::from(self.points.0))
    }
}

/// How many people must stand for points that are given or taken by hand; where nothing is said, one.
#[derive(Clone, Copy, Debug)]
pub struct Approvals {
    /// For points that are given.
    pub credit: Option<Quorum>,
    /// For points that are taken.
    pub debit: Option<Quorum>,
    /// After how long a proposal has lapsed, in milliseconds.
    pub lapse_ms: i64,
}

/// From how many points on how many people must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// For more points than these ...
    pub over: Points,
    /// ... so many people: 2 to [`PEOPLE_MAX`].
    pub people: usize,
}

impl Default for Approvals {
    fn default() -> Approvals {
        Approvals { credit: None, debit: None, lapse_ms: 30 * DAY_MS }
    }
}

impl Approvals {
    /// The quorum for so many points, if more than one must agree.
    pub fn quorum(&self, hand: ByHand, points: Points) -> Option<&Quorum> {
        let quorum = match hand {
            ByHand::Credit => self.credit.as_ref(),
            ByHand::Debit => self.debit.as_ref(),
        };
        quorum.filter(|quorum| points > quorum.over)
    }
}

/// So many points of one wallet become points of another as soon as they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Its name.
    pub id: TermNo,
    /// The wallet it takes from.
    pub from: TermNo,
    /// How many points it takes at once, more than 0.
    pub takes: Points,
    /// The wallet it gives to.
    pub to: TermNo,
    /// How many points it gives for them, more than 0.
    pub gives: Points,
}

/// A partner with whose points those of a wallet are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its name.
    pub id: TermNo,
    /// The wallet that gives and gets.
    pub wallet: TermNo,
    /// At which rate points become the partner's, if they do. One that goes neither way settles what is open.
    pub out: Option<Rate>,
    /// At which rate the partner's become points, if they do.
    pub inward: Option<Rate>,
    /// At most so many points of a member go out on a local day.
    pub per_day: Option<Points>,
    /// After how long an exchange that is not settled is undone, in milliseconds.
    pub within_ms: i64,
    /// Each member's counter of points that went out.
    pub day: TermNo,
    /// The counters of what went out and was settled.
    pub gone: Tallied,
    /// The counters of what came in and was settled.
    pub come: Tallied,
}

/// Counters over all members, of both sides of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tallied {
    /// The points.
    pub points: TermNo,
    /// The partner's units.
    pub units: TermNo,
}

/// So many points for so many of a partner's units; only whole multiples are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The points, more than 0.
    pub points: Points,
    /// The partner's units, more than 0.
    pub units: i64,
}

impl Rate {
    /// The units for so many points. `None` if the points are no multiple of the rate's, or the units do not fit 64
    /// bits.
    pub fn units_for(&self, points: Points) -> Option<i64> {
        multiple(points.0, self.points.0)?.checked_mul(self.units)
    }

    /// The points for so many units. `None` as for units.
    pub fn points_for(&self, units: i64) -> Option<Points> {
        let points = multiple(units, self.units)?.checked_mul(self.points.0)?;
        (points <= AMOUNT_MAX).then_some(Points(points))
    }
}

fn multiple(all: i64, one: i64) -> Option<i64> {
    (all.checked_rem(one)? == 0).then(|| all.checked_div(one)).flatten()
}

/// What members share with their households.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Household {
    /// Points of which wallet.
    pub wallet: TermNo,
    /// Which share of what rules give, in hundredths of a percent, 100 to 10,000; rounded down once for each event.
    pub basis_points: i64,
    /// How many may share with one household, 1 to
    /// [`HOUSEHOLD_MAX`](crate::features::household::state::HOUSEHOLD_MAX).
    pub members: usize,
}

/// When a member counts as dormant.
#[derive(Clone, Debug)]
pub struct Inactivity {
    /// After how many days without activity.
    pub days: i32,
    /// What counts as activity, by kind of event.
    pub activity: Happenings,
}

/// Days in a row that grant a tier.
#[derive(Clone, Copy, Debug)]
pub struct StreakRule {
    /// Its name.
    pub id: TermNo,
    /// What must happen each day.
    pub on: Trigger,
    /// How many days.
    pub days: u32,
    /// The tier granted, by rank.
    pub grant: usize,
}

/// Every so many events lift the tier.
#[derive(Clone, Copy, Debug)]
pub struct Ladder {
    /// Its name.
    pub id: TermNo,
    /// What is counted.
    pub on: Trigger,
    /// How many.
    pub every: i64,
    /// By how many tiers.
    pub step: usize,
}

/// The tiers and how they are kept.
#[derive(Clone, Debug)]
pub struct Tiers {
    /// The metric: money spent, in minor units.
    pub metric: TermNo,
    /// In how many days, today included.
    pub window_days: i32,
    /// After how many days short of its standard a tier falls by one; never if absent.
    pub patience_days: Option<i32>,
    /// From the lowest, which everyone has, to the highest.
    pub ranks: Vec<Tier>,
}

/// A tier.
#[derive(Clone, Copy, Debug)]
pub struct Tier {
    /// Its name.
    pub id: TermNo,
    /// The least metric that earns it.
    pub least: i64,
    /// An attribute that must not exceed a value.
    pub attribute: Option<(TermNo, i64)>,
}

/// A risk counter.
#[derive(Clone, Debug)]
pub struct CounterRule {
    /// Its name.
    pub id: TermNo,
    /// Which kinds of events it counts.
    pub on: Happenings,
    /// By what.
    pub key: KeyKind,
    /// What.
    pub measure: Measure,
    /// Width of a bucket of time, in milliseconds.
    pub bucket_ms: i64,
    /// How many full buckets the window has; the one that is running comes on top, so a window is
    /// never shorter than declared and at most one bucket longer. 0: for ever.
    pub buckets: i32,
}

/// By what a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The member.
    Member,
    /// A risk key of this kind.
    Risk(RiskKind),
}

/// A risk rule.
#[derive(Clone, Copy, Debug)]
pub struct RiskRule {
    /// Its name.
    pub id: TermNo,
    /// Which counter, by index.
    pub counter: usize,
    /// From which value on.
    pub at_least: i64,
    /// What it does.
    pub action: Action,
}

/// Something wrong in a program file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: u32,
    /// Field, as a path: `earn[2].limit.per`.
    pub field: String,
    /// What is wrong and what to write instead.
    pub problem: String,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.field, self.problem)
    }
}

impl Program {
    /// Reads and checks a program file. Words it uses are looked up in `terms` and added if new.
    ///
    /// # Errors
    /// Every fault of the file, in order of lines.
    pub fn read(text: &str, terms: &mut Vec<Box<str>>) -> Result<Program, Vec<Fault>> {
        crate::program_file::program(text, terms)
    }

    /// The wallets, the first of them first.
    pub fn wallets(&self) -> impl Iterator<Item = &Wallet> {
        core::iter::once(&self.wallet).chain(&self.more_wallets)
    }

    /// A wallet by its name; the first if there is none of that name.
    #[inline]
    pub fn wallet(&self, id: TermNo) -> &Wallet {
        if self.wallet.id == id {
            return &self.wallet;
        }
        self.more_wallets.iter().find(|wallet| wallet.id == id).unwrap_or(&self.wallet)
    }

    /// Whether this may follow `earlier` as a version of the same program: the same scheme and money, every wallet
    /// still there as what it was, no fund of another wallet than it was, and every exchange still there with its
    /// wallet.
    pub fn follows(&self, earlier: &Program) -> bool {
        let keeps =
            |old: &Wallet| self.wallets().any(|new| (new.id, new.kind, new.scale) == (old.id, old.kind, old.scale));
        let is_known = |old: &Exchange| self.exchanges.iter().any(|new| (new.id, new.wallet) == (old.id, old.wallet));
        self.id == earlier.id
            && earlier.exchanges.iter().all(is_known)
            && self.currency == earlier.currency
            && self.wallet.id == earlier.wallet.id
            && earlier.wallets().all(keeps)
            && self.funds.iter().all(|new| earlier.funds.iter().all(|old| old.id != new.id || old.wallet == new.wallet))
    }

    /// The first date whose purchases, and whose refunds that came before theirs, still count at `at`.
    pub fn refund_horizon(&self, at: At) -> Day {
        self.calendar.day_of(at).plus(self.refund_days.saturating_neg())
    }

    /// The earn rules that wait for `on`, in the order they apply.
    #[inline]
    pub fn earn_on(&self, on: Trigger) -> &[EarnRule] {
        crate::features::earning::program::waiting_for(&self.earn, on)
    }

    /// The earn rule of this name.
    pub fn earn_rule(&self, id: TermNo) -> Option<&EarnRule> {
        self.earn.iter().find(|rule| rule.id == id)
    }

    /// The fund that a rule gives to, if it gives to one.
    pub fn fund_of(&self, rule: &EarnRule) -> Option<&Fund> {
        let id = rule.fund?;
        self.funds.iter().find(|fund| fund.id == id)
    }

    /// The rank of a tier; of one that is none, the lowest.
    pub fn rank_of(&self, tier: TermNo) -> usize {
        let ranks = self.tiers.as_ref().map(|tiers| tiers.ranks.as_slice()).unwrap_or_default();
        ranks.iter().position(|rank| rank.id == tier).unwrap_or(0)
    }
}

impl CounterRule {
    /// The bucket in which `at` lies.
    pub fn bucket(&self, at: At) -> i32 {
        if self.buckets == 0 {
            return 0;
        }
        i32::try_from(at.0.div_euclid(self.bucket_ms.max(1))).unwrap_or(i32::MAX)
    }

    /// The first bucket of the window that ends at `at`.
    pub fn window_from(&self, at: At) -> i32 {
        self.bucket(at).saturating_sub(self.buckets)
    }
}
