//! Program files: the sections, in the order in which they are read, and what they say together.
//!
//! A new section is a line of [`PROGRAM`], a line of [`Program`] and a line of the reader. What a section says stands
//! with its feature.

use crate::features::approvals::program_toml::{APPROVALS, approvals};
use crate::features::conversion::program_toml::{CONVERT, conversions};
use crate::features::earning::limits_toml::{CAMPAIGN, campaigns};
use crate::features::earning::program::{EarnRule, Trigger};
use crate::features::earning::program_toml::{EARN, Known, earn};
use crate::features::exchange::program_toml::{EXCHANGE, exchanges};
use crate::features::funds::program_toml::{FUND, funds};
use crate::features::household::program::Household;
use crate::features::household::program_toml::{HOUSEHOLD, household};
use crate::features::items::program_toml::{ITEM, items};
use crate::features::membership::program_toml::{ATTRIBUTES, attributes, check_attributes};
use crate::features::returns::program_toml::{REFUND, refund};
use crate::features::risk::program_toml::{COUNTER, RISK, counters, risks};
use crate::features::spending::program_toml::{REDEEM, redeem};
use crate::features::tiers::program_toml::{
    INACTIVITY, LADDER, SPEND, STREAK, TIER, TIER_NAME, TIERS, inactivity, ladders, streaks, tiers,
};
use crate::features::transfer::program_toml::{TRANSFER, transfer};
use crate::features::visits::program_toml::{VISIT, check_visits, visit};
use crate::features::wallets::program::WALLETS_MAX;
use crate::features::wallets::program_toml::{WALLET, wallets};
use crate::kernel::calendar::Calendar;
use crate::kernel::currencies::minor_digits;
use crate::kernel::fault::Fault;
use crate::kernel::fields::NAME_BYTES_MAX;
use crate::kernel::names::Currency;
use crate::kernel::toml_reader::{Reading, Section, read};
use crate::kernel::units::{DAY_MS, TermNo};
use crate::kernel::words::{DURATION, Form, LATENESS_MAX, Takes, Word};
use crate::tables::program::Program;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use unicode_normalization::UnicodeNormalization;

/// How many days late things may be told, unless the program says so.
const LATENESS: i32 = 30;
/// For how many days commands wait, unless the program says so.
const WAITS: i32 = 30;
/// For how many days they may.
const WAITS_MAX: i32 = 400;

/// The file itself.
pub static PROGRAM: Form = Form {
    about: include_str!("program.md"),
    example: include_str!("program.toml"),
    frame: "id = \"club\"\ntimezone = \"Europe/Berlin\"\ncurrency = \"EUR\"\nattributes = [\"stage\"]\n",
    words: &[
        Word::new(
            "id",
            Takes::Text(1, NAME_BYTES_MAX),
            "The scheme's name; the same in all versions.",
            "id = \"club\"",
        ),
        Word::new(
            "timezone",
            Takes::Shape("^[A-Za-z0-9_+/-]+$", "an IANA time zone such as \"Europe/Berlin\""),
            "Where the program's dates are local.",
            "timezone = \"Europe/Berlin\"",
        ),
        Word::new(
            "currency",
            Takes::Shape("^[A-Z]{3}$", "a code of ISO 4217 such as \"EUR\""),
            "The money of purchases; the same in all versions.",
            "currency = \"EUR\"",
        ),
        Word::new(
            "minor_digits",
            Takes::Integer(0, 4, "digits"),
            "Decimal digits of that money's minor unit, where events count it otherwise than ISO 4217 does.",
            "minor_digits = 0",
        )
        .means("as ISO 4217 has it: 2 for EUR, 0 for JPY, 3 for KWD"),
        Word::new(
            "future_tolerance",
            DURATION,
            "How far in the future, by the ledger's clock, an event may lie.",
            "future_tolerance = \"1h\"",
        )
        .same("\"1d\""),
        Word::new(
            "lateness",
            Takes::Days(0, LATENESS_MAX),
            "For so many local days what happened may be told late, in any order, and comes to the same.",
            "lateness = \"14d\"",
        )
        .same("\"30d\""),
        Word::new(
            "waits",
            Takes::Days(0, WAITS_MAX),
            "For so many local days a command that came before what it speaks of waits for it: what is captured or \
             voided for its hold, points given back for their redemption, an approval for its proposal, what was found \
             for its case, a reversal for its refund.",
            "waits = \"7d\"",
        )
        .same("\"30d\""),
        Word::new(
            "attributes",
            ATTRIBUTES,
            "Whole numbers that events may set of members, and rules may ask for.",
            "attributes = [\"stage\"]",
        )
        .same("[]"),
        Word::new(
            "wallet",
            Takes::Tables(&WALLET, WALLETS_MAX),
            "The kinds of points; at least one.",
            "id = \"points\"",
        ),
        Word::sections("earn", &EARN, "What gives points."),
        Word::sections("campaign", &CAMPAIGN, "Rules that are counted, and limited, together."),
        Word::section("visit", &VISIT, "What one visit is."),
        Word::section("refund", &REFUND, "How long purchases can be refunded."),
        Word::section("redeem", &REDEEM, "What redemptions and holds must keep to."),
        Word::sections("item", &ITEM, "What points are redeemed for."),
        Word::section("transfer", &TRANSFER, "How members may give points to each other."),
        Word::sections("fund", &FUND, "Good causes that are given to."),
        Word::sections("convert", &CONVERT, "What becomes of enough points of a wallet."),
        Word::sections("exchange", &EXCHANGE, "Partners with whom points are exchanged."),
        Word::section("household", &HOUSEHOLD, "What members share."),
        Word::section("approvals", &APPROVALS, "How many people must stand for what is done by hand."),
        Word::section("tiers", &TIERS, "How tiers are earned and kept."),
        Word::sections("tier", &TIER, "The tiers, the lowest first."),
        Word::sections("streak", &STREAK, "Days in a row that grant a tier."),
        Word::sections("ladder", &LADDER, "Counts of events that lift the tier."),
        Word::section("inactivity", &INACTIVITY, "When a member counts as dormant."),
        Word::sections("counter", &COUNTER, "What risk rules look at."),
        Word::sections("risk", &RISK, "What is done when a counter reaches a value."),
    ],
};

impl Program {
    /// Reads and checks a program file. Words it uses are looked up in `terms` and added if new.
    ///
    /// # Errors
    /// Every fault of the file, in order of lines.
    pub fn read(text: &str, terms: &mut Vec<Box<str>>) -> Result<Program, Vec<Fault>> {
        // Names of events are in this form, and so are the words that they are compared with.
        let text = if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) };
        let (mut program, warnings) = read(&text, terms, (SPEND, "what tiers measure"), &PROGRAM, whole)?;
        program.warnings = warnings;
        Ok(program)
    }
}

/// What stands above the sections.
struct Head {
    id: Box<str>,
    calendar: Calendar,
    currency: Currency,
    future_ms: i64,
    late_days: i32,
    wait_days: i32,
}

fn head(reading: &mut Reading<'_>, root: &mut Section<'_>) -> Option<Head> {
    let id = reading.text_of(root, "id").map(|(id, _)| id.into_boxed_str());
    let calendar = reading.text_of(root, "timezone").and_then(|(zone, at)| {
        let calendar = Calendar::new(&zone);
        if calendar.is_none() {
            reading.fault(at, "timezone", format!("{zone:?} is no IANA time zone; write one such as Europe/Berlin"));
        }
        calendar
    });
    let currency = reading.text_of(root, "currency").and_then(|(code, at)| {
        let currency = Currency::read(&code).and_then(|known| Some((known, minor_digits(known)?)));
        if currency.is_none() {
            reading.fault(at, "currency", format!("{code:?} is no money of ISO 4217; write a code of it such as EUR"));
        }
        currency
    });
    let usual = currency.map_or(2, |(_, digits)| i64::from(digits));
    reading.digits = reading.int(root, "minor_digits").map_or(usual, |(digits, _)| digits);
    let future_ms = reading.duration_ms(root, "future_tolerance").map_or(DAY_MS, |(ms, _)| ms);
    let late_days = reading.days(root, "lateness").unwrap_or(LATENESS);
    let wait_days = reading.days(root, "waits").unwrap_or(WAITS);
    Some(Head { id: id?, calendar: calendar?, currency: currency?.0, future_ms, late_days, wait_days })
}

/// The whole file, section by section: what is named stands above what names it, but for tiers.
fn whole(reading: &mut Reading<'_>, mut root: Section<'_>) -> Option<Program> {
    let root = &mut root;
    let head = head(reading, root);
    let attributes = attributes(reading, root);
    let mut wallets = wallets(reading, root);
    redeem(reading, root, &mut wallets);
    transfer(reading, root, &mut wallets);
    let conversions = conversions(reading, root, &wallets);
    let exchanges = exchanges(reading, root, &wallets);
    let household = household(reading, root, &wallets);
    let (refund_days, refund_reopens) = refund(reading, root);
    let approvals = approvals(reading, root);
    let visit_gap_ms = visit(reading, root);
    let visits = root.is_table("visit");
    let campaigns = campaigns(reading, root, &wallets, visits);
    let funds = funds(reading, root, &wallets);
    let items = items(reading, root, &wallets);
    let known = Known { wallets: &wallets, attributes: &attributes, campaigns: &campaigns, funds: &funds, visits };
    let mut earn = earn(reading, root, &known);
    check_visits(reading, root, &earn);
    let inactivity = inactivity(reading, root);
    let tiers = tiers(reading, root, &attributes);
    let ranks: Vec<TermNo> = tiers.iter().flat_map(|tiers| tiers.ranks.iter().map(|tier| tier.id)).collect();
    let streaks = streaks(reading, root, &ranks);
    let ladders = ladders(reading, root, ranks.len());
    let counters = counters(reading, root);
    let risks = risks(reading, root, &counters);
    check_attributes(reading, &attributes);
    reading.check_mentions(TIER_NAME, |tier| ranks.contains(&tier));
    check_together(reading, &earn, household.as_ref(), inactivity.is_some());
    reading.end(root);
    earn.sort_by_key(|rule| rule.on);
    let mut wallets = wallets.into_iter();
    let head = head?;
    Some(Program {
        id: head.id,
        calendar: head.calendar,
        currency: head.currency,
        minor_digits: u32::try_from(reading.digits).unwrap_or(2),
        wallet: wallets.next()?,
        more_wallets: wallets.collect(),
        refund_days,
        refund_reopens,
        visit_gap_ms,
        earn,
        campaigns,
        funds,
        items,
        inactivity,
        conversions,
        exchanges,
        household,
        streaks,
        ladders,
        tiers,
        approvals,
        attributes: attributes.into_iter().map(|(term, _)| term).collect(),
        counters,
        risks,
        future_ms: head.future_ms,
        late_days: head.late_days,
        wait_days: head.wait_days,
        warnings: Vec::new(),
    })
}

/// What no section sees alone.
fn check_together(reading: &mut Reading<'_>, earn: &[EarnRule], household: Option<&Household>, inactivity: bool) {
    let is_shared = |rule: &&EarnRule| household.is_some_and(|shared| shared.wallet == rule.wallet);
    if earn.iter().filter(is_shared).any(|rule| rule.pending.is_some()) {
        let problem = "shares points that a rule lets wait before they can be spent: share others";
        reading.fault(0, "household.wallet", problem.into());
    }
    if !inactivity && let Some(rule) = earn.iter().position(|rule| rule.on == Trigger::Inactive) {
        let problem = "waits for inactivity; add [inactivity] with `after`";
        reading.fault(0, &format!("earn[{rule}].on"), problem.into());
    }
}
