//! Earn rules as typed tables: what a rule waits for, what must hold, what it counts, and what it gives.
//!
//! A rule without conditions asks nothing and reads nothing but what was paid. Conditions name the words
//! of events (channel, SKU, tag …) as text and the program's own words (tiers, attributes) as terms.
//! How they are judged is `decide/earn.rs` and `decide/basket.rs`.

use crate::features::earning::condition::Said;
use crate::features::pending::program::Pending;
use crate::kernel::calendar::Calendar;
use crate::kernel::counter::Counter;
use crate::kernel::units::{Day, Money, Rounding, TermNo};
use alloc::boxed::Box;
use alloc::vec::Vec;

pub use crate::features::earning::trigger::Trigger;

/// A rule that gives points.
#[derive(Clone, Debug)]
pub struct EarnRule {
    /// Its name.
    pub id: TermNo,
    /// What it waits for.
    pub on: Trigger,
    /// The wallet it gives to.
    pub wallet: TermNo,
    /// The fund it gives to instead of to the member, if it does.
    pub fund: Option<TermNo>,
    /// What must hold for it to apply; nothing if absent.
    pub when: Option<Box<When>>,
    /// Which money it counts.
    pub base: Base,
    /// How much it gives.
    pub amount: Amount,
    /// What becomes of a part of a unit, or of a point.
    pub round: Rounding,
    /// Of which money a part of a unit is left.
    pub round_at: RoundAt,
    /// The group of rules of which only the best gives, if it is in one.
    pub group: Option<TermNo>,
    /// At most how much: its own limits, then those of its campaign, then those of all rules.
    pub limits: Vec<Limit>,
    /// Where its campaigns count what is given: [`Campaign::given`].
    pub campaigns: Vec<TermNo>,
    /// How long its points wait, if not as long as its wallet says.
    pub pending: Option<Pending>,
}

/// Rules whose points are counted together, and perhaps limited.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its name.
    pub id: TermNo,
    /// The wallet its rules give to.
    pub wallet: TermNo,
    /// Whether every rule that gives to the wallet belongs to it.
    pub all: bool,
    /// The counter of what it gave, less what refunds took back.
    pub given: TermNo,
    /// At most how much.
    pub limits: Vec<Limit>,
}

/// What must hold for a rule to apply: all that is said.
#[derive(Clone, Debug, Default)]
pub struct When {
    /// It is the member's birthday.
    pub birthday: bool,
    /// Not before this local date.
    pub from: Option<Day>,
    /// Not after this local date.
    pub until: Option<Day>,
    /// One of these days of the week.
    pub weekdays: Option<Weekdays>,
    /// A time of the local day.
    pub hours: Option<Hours>,
    /// What the event says: one of these words, for each of [`Said::ALL`] that is asked.
    pub said: Vec<(Said, Words)>,
    /// The member stood in one of these tiers before it; any, if empty.
    pub tiers: Vec<TermNo>,
    /// What the member's attributes are.
    pub attributes: Vec<AttributeTest>,
    /// The base is no less than this.
    pub at_least: Option<Money>,
    /// Which lines of a purchase count, if not all: at least one must.
    pub lines: Option<Lines>,
    /// Nothing like it happened to the member before, as far as this counter of the rule knows.
    pub first: Option<TermNo>,
}

impl When {
    /// Whether it asks for the first event of its kind and nothing else.
    pub fn is_first_of_all(&self) -> bool {
        let timeless = self.from.is_none() && self.until.is_none() && self.weekdays.is_none() && self.hours.is_none();
        let anyone = !self.birthday && self.tiers.is_empty() && self.attributes.is_empty();
        self.first.is_some()
            && self.said.is_empty()
            && timeless
            && anyone
            && self.at_least.is_none()
            && self.lines.is_none()
    }
}

/// Days of the week: Monday is bit 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weekdays(pub u8);

impl Weekdays {
    /// The names in program files, Monday first.
    pub const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    /// Whether `day` is one of them.
    pub fn has(self, day: Day) -> bool {
        // 1970-01-01 was a Thursday.
        let weekday = day.0.rem_euclid(7).saturating_add(3).rem_euclid(7);
        u32::try_from(weekday).ok().and_then(|weekday| self.0.checked_shr(weekday)).is_some_and(|bits| bits & 1 == 1)
    }
}

/// A time of the local day, in minutes since its midnight; over the next one if it ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The first minute.
    pub from: i32,
    /// The first minute that is past.
    pub until: i32,
}

impl Hours {
    /// Whether `minute` lies in it.
    pub fn has(self, minute: i32) -> bool {
        let (begun, over) = (minute >= self.from, minute >= self.until);
        if self.from < self.until { begun && !over } else { begun || !over }
    }
}

/// Words of events, in order; empty: any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<Box<str>>);

impl Words {
    /// These words, each once.
    pub fn new(mut words: Vec<Box<str>>) -> Words {
        words.sort();
        words.dedup();
        Words(words)
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `word` is one of them.
    pub fn has(&self, word: &str) -> bool {
        self.0.binary_search_by(|known| (**known).cmp(word)).is_ok()
    }

    /// Whether `word` is one of them, or any word would do.
    pub fn accepts(&self, word: &str) -> bool {
        self.is_empty() || self.has(word)
    }
}

/// A test of an attribute; one that was never set passes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeTest {
    /// Which.
    pub name: TermNo,
    /// At least this.
    pub least: i64,
    /// At most this.
    pub most: i64,
}

/// Which lines of a purchase count: those that every list knows, less those that one of `except` knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// One of these.
    pub of: Goods,
    /// None of these.
    pub except: Goods,
}

/// Kinds of goods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goods {
    /// By stock-keeping unit.
    pub skus: Words,
    /// By category.
    pub categories: Words,
    /// By any of their tags.
    pub tags: Words,
}

impl Goods {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.skus.is_empty() && self.categories.is_empty() && self.tags.is_empty()
    }
}

/// Which money of a purchase counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The price of a line.
    pub price: Price,
    /// Whether what was paid for delivery counts.
    pub shipping: bool,
    /// Whether the share that was paid with points does not count.
    pub ex_points_paid: bool,
}

/// The price of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Price {
    /// What was paid, tax included.
    #[default]
    Net,
    /// What it costs without discounts.
    Gross,
    /// What was paid, less the tax in it.
    ExTax,
}

/// What a rule that gives for money counts units in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoundAt {
    /// The whole base.
    #[default]
    Event,
    /// Each line, and the delivery, by itself.
    Line,
}

/// How much a rule gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many points.
    Fixed(Value),
    /// So many for every unit of money.
    Per {
        /// The unit.
        unit: Money,
        /// The points.
        give: Value,
        /// The counter in which what is short of a unit waits for the next purchase; it is lost if absent.
        carry: Option<TermNo>,
    },
    /// So many for every so many items.
    PerItems {
        /// The items, in millionths of one, more than 0.
        items: i64,
        /// The points.
        give: Value,
        /// The counter in which what is short of so many items waits for the next purchase; it is lost if absent.
        carry: Option<TermNo>,
    },
    /// So many times what an earlier rule gave, on top of it.
    Times {
        /// The earlier rule.
        of: TermNo,
        /// The factor less one.
        extra: i64,
    },
    /// A share of what an earlier rule gave, on top of it.
    Percent {
        /// The earlier rule.
        of: TermNo,
        /// Hundredths of a percent.
        rate: Value,
    },
}

impl Amount {
    /// The counter in which what is short of a unit waits.
    pub fn carry(&self) -> Option<TermNo> {
        self.carrying().map(|(.., carry)| carry)
    }

    /// Of what is short of a unit and waits: the unit, in minor units of money or millionths of items, what is given
    /// for it, and the counter.
    pub fn carrying(&self) -> Option<(i64, &Value, TermNo)> {
        match self {
            Amount::Per { unit, give, carry } => Some((unit.0, give, (*carry)?)),
            Amount::PerItems { items, give, carry } => Some((*items, give, (*carry)?)),
            Amount::Fixed(_) | Amount::Times { .. } | Amount::Percent { .. } => None,
        }
    }

    /// The number that a table may say instead.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Amount::Fixed(value) | Amount::Per { give: value, .. } | Amount::PerItems { give: value, .. } => {
                Some(value)
            }
            Amount::Percent { rate, .. } => Some(rate),
            Amount::Times { .. } => None,
        }
    }
}

/// A number of a rule, be it points or a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Always the same.
    Flat(i64),
    /// That of the highest step that the base reaches; 0 below the first. Ascending.
    ByBase(Box<[(Money, i64)]>),
    /// That of the highest step that the member's tier reaches; 0 below the first. Ascending by rank.
    ByTier(Box<[(TermNo, i64)]>),
}

/// At most so much of a rule, or of several together, in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name, by which it is counted: that of its rule or campaign, and which of its limits it is.
    pub id: TermNo,
    /// Whose points count together.
    pub whose: Whose,
    /// What is limited.
    pub measure: Measure,
    /// At most how much.
    pub max: i64,
    /// In which time.
    pub window: Window,
    /// What is given of that for which there is no room.
    pub over: Over,
}

impl Limit {
    /// The bucket in which it counts what happens on `day`.
    pub fn bucket(&self, calendar: &Calendar, day: Day) -> i32 {
        match self.window {
            Window::Days(_) => day.0,
            Window::Week => calendar.week_start(day).0,
            Window::Month => calendar.month_start(day).0,
            Window::Year => calendar.year_start(day).0,
            Window::Ever | Window::Order | Window::Visit => 0,
        }
    }

    /// The first bucket that has to do with what happens on `day`.
    pub fn since(&self, calendar: &Calendar, day: Day) -> i32 {
        match self.window {
            Window::Days(days) => day.0.saturating_sub(days).saturating_add(1),
            _ => self.bucket(calendar, day),
        }
    }

    /// How much of it is used up on `day`: of all the windows of days in which that day is, in the one in which most
    /// is. So it is never exceeded in any of them, in whatever order things are told. Nothing of what is not counted
    /// by day.
    pub fn used(&self, counter: &Counter, calendar: &Calendar, day: Day) -> i64 {
        let bucket = self.bucket(calendar, day);
        match self.window {
            Window::Days(days) => counter.fullest(bucket, days),
            Window::Week | Window::Month | Window::Year => counter.at(bucket),
            Window::Ever => counter.total,
            Window::Order | Window::Visit => 0,
        }
    }
}

/// Whose points count together against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Each member's own.
    Member,
    /// All members': a budget.
    Everyone,
}

/// A time in which a limit counts. Periods are those of the local calendar; weeks begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// One event.
    Order,
    /// Events of a member at one place, each no more than the program's gap behind the one before.
    Visit,
    /// So many days, the day of the event being the last.
    Days(i32),
    /// The week.
    Week,
    /// The month.
    Month,
    /// The year.
    Year,
    /// All time.
    Ever,
}

/// What is given of more than a limit has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// As much as there is room for.
    Adjustment,
    /// Nothing.
    Nothing,
}

/// What limits and counters count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Events.
    Count,
    /// Points granted.
    Points,
    /// Distinct members.
    Members,
}

/// The rules of a program that wait for one trigger, in the order of the file: a stretch of rules that
/// are sorted by trigger.
pub(crate) fn waiting_for(rules: &[EarnRule], on: Trigger) -> &[EarnRule] {
    let from = rules.partition_point(|rule| rule.on < on);
    let until = rules.partition_point(|rule| rule.on <= on);
    rules.get(from..until).unwrap_or_default()
}
