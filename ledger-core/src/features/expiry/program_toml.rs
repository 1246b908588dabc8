//! Reads a wallet's `expiry`: until when its points can be used, and what is done around that date.

use crate::features::counting::program_toml::{HAPPENINGS, happenings};
use crate::features::expiry::program::{Expiry, Round, Span};
use crate::kernel::amounts::{days_in, number_and_unit};
use crate::kernel::calendar::{read_day, read_month_day};
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::{Money, TermNo};
use crate::kernel::words::{DATE, DAYS, DAYS_MAX, Form, RULES_MAX, SPAN, Takes, Word};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Most years or anniversaries that points live.
const YEARS_MAX: i64 = 100;
/// Most months of a span.
const MONTHS_MAX: i64 = 1_200;
/// The earliest reminder, in days before the date.
const REMIND_DAYS_MAX: i32 = 366;
/// Most reminders of one date.
const REMINDERS_MAX: usize = 8;

/// `expiry` of a wallet.
pub(crate) static EXPIRY: Form = Form::within(
    "Exactly one of `after`, `until` and `anniversary` says how long points of the wallet live.",
    "[[tier]]\nid = \"guest\"\n[[tier]]\nid = \"gold\"\nat_least = \"100.00\"\n[tiers]\nwindow = \"365d\"\n\
     [[wallet]]\nid = \"stars\"\n[wallet.expiry]\n",
    &[
        Word::new("after", SPAN, "So long from the date of earning.", "after = \"12M\"").means("another word says it"),
        Word::new(
            "round",
            Takes::OneOf(|| vec!["day", "month_end", "year_end"]),
            "With `after`: through the last day of what.",
            "after = \"12M\"\nround = \"month_end\"",
        )
        .same("\"day\""),
        Word::new(
            "by_tier",
            Takes::Tables(&BY_TIER, RULES_MAX),
            "With `after`: for longer, if the member had reached the tier, or a higher one, before the event; of \
             several the highest counts.",
            "after = \"12M\"\nby_tier = [{ tier = \"gold\", after = \"24M\" }]",
        )
        .means("alike in all tiers"),
        Word::new(
            "activity",
            HAPPENINGS,
            "With `after`: so long after the member was last active. Each event of these kinds puts off the date of \
             all such lots.",
            "after = \"12M\"\nactivity = [\"purchase\", \"redeem\"]",
        )
        .means("from the date of earning"),
        Word::new(
            "at_least",
            Takes::Money(0),
            "With `activity`: of purchases only those of at least this amount are one.",
            "after = \"12M\"\nactivity = [\"purchase\"]\nat_least = \"5.00\"",
        )
        .means("any purchase is"),
        Word::new(
            "until",
            Takes::Either(&[DATE, MONTH_DAY]),
            "Through that date of a year, `02-29` being the last of February; or through that one date: what would be \
             earned later is not given.",
            "until = \"12-31\"",
        )
        .means("another word says it"),
        Word::new(
            "years",
            Takes::Integer(0, YEARS_MAX, "years"),
            "With `until = \"12-31\"`: so many years after that of earning.",
            "until = \"12-31\"\nyears = 2",
        )
        .same("1"),
        Word::new(
            "anniversary",
            Takes::Integer(1, YEARS_MAX, "anniversaries"),
            "Until the first, or n-th, anniversary of enrolment behind the date of earning; of 29 February that is 1 \
             March in common years.",
            "anniversary = 1",
        )
        .means("another word says it"),
        Word::new(
            "remind",
            Takes::List(&Takes::Days(1, REMIND_DAYS_MAX), 0, REMINDERS_MAX),
            "So many days before points die the member is reminded, once for each date and each of these.",
            "after = \"12M\"\nremind = [\"30d\", \"7d\"]",
        )
        .same("[]"),
        Word::new(
            "reinstate",
            DAYS,
            "For so many days after they died, points can live again by the event `reinstated`, once.",
            "after = \"12M\"\nreinstate = \"20d\"",
        )
        .means("they cannot"),
    ],
);

/// A date of any year.
const MONTH_DAY: Takes = Takes::Shape("^[0-9]{2}-[0-9]{2}$", "a date of any year such as \"12-31\"");

static BY_TIER: Form = Form::within(
    "How long points live that were earned in a tier, or a higher one.",
    "[[tier]]\nid = \"guest\"\n[[tier]]\nid = \"gold\"\nat_least = \"100.00\"\n[tiers]\nwindow = \"365d\"\n\
     [[wallet]]\nid = \"stars\"\n[wallet.expiry]\nafter = \"12M\"\n[[wallet.expiry.by_tier]]\n\
     tier = \"gold\"\nafter = \"24M\"\n",
    &[
        Word::new("tier", Takes::Name("tier"), "From this tier on.", "tier = \"gold\""),
        Word::new("after", SPAN, "So long from the date of earning.", "after = \"24M\""),
    ],
);

/// How the points of a wallet die, and what is said of it.
pub(crate) struct Death {
    pub(crate) expiry: Expiry,
    pub(crate) remind: Vec<i32>,
    pub(crate) reinstate_days: Option<i32>,
}

pub(crate) fn expiry(reading: &mut Reading<'_>, wallet: &mut Section<'_>) -> Death {
    let Some(mut section) = reading.table(wallet, "expiry") else {
        return Death { expiry: Expiry::Never, remind: Vec::new(), reinstate_days: None };
    };
    let words = ["after", "until", "anniversary"];
    let expiry = match words.map(|word| section.has(word)) {
        [true, false, false] => rolling(reading, &mut section),
        [false, true, false] => until(reading, &mut section),
        [false, false, true] => {
            let nth = reading.int(&mut section, "anniversary");
            nth.and_then(|(nth, _)| i32::try_from(nth).ok()).map(Expiry::Anniversary)
        }
        _ => {
            section.pass_over(&words);
            let problem = "needs one of `after`, `until` or `anniversary`";
            reading.fault(section.at, &section.path, problem.into());
            None
        }
    };
    let remind = reminders(reading, &mut section);
    let reinstate_days = reading.days(&mut section, "reinstate");
    reading.end(&section);
    Death { expiry: expiry.unwrap_or(Expiry::Never), remind, reinstate_days }
}

/// `remind = ["30d", "7d"]`.
fn reminders(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Vec<i32> {
    let mut remind: Vec<i32> = Vec::new();
    for (text, at) in reading.texts(section, "remind") {
        let problem = match days_in(&text, (1, REMIND_DAYS_MAX)) {
            None => format!("{text:?} is no number of days; write 1d to {REMIND_DAYS_MAX}d"),
            Some(days) if remind.contains(&days) => format!("{text:?} is said twice"),
            Some(_) if remind.len() >= REMINDERS_MAX => format!("at most {REMINDERS_MAX} are allowed"),
            Some(days) => {
                remind.push(days);
                continue;
            }
        };
        reading.fault(at, &section.field("remind"), problem);
    }
    remind
}

fn rolling(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Expiry> {
    let after = span(reading, section);
    let round = match reading.choice(section, "round") {
        Some(1) => Round::MonthEnd,
        Some(2) => Round::YearEnd,
        _ => Round::Day,
    };
    if section.has("activity") {
        let activity = happenings(reading, section, "activity");
        let least = reading.money(section, "at_least").map_or(Money(0), |(least, _)| least);
        return Some(Expiry::Activity { after: after?, round, activity, least });
    }
    let by_tier = spans_by_tier(reading, section);
    Some(Expiry::Rolling { after: after?, by_tier, round })
}

fn spans_by_tier(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Vec<(TermNo, Span)> {
    let mut spans = Vec::new();
    for mut step in reading.sections(section, "by_tier") {
        let tier = reading.text_of(&mut step, "tier");
        let tier = tier.map(|(word, at)| reading.mention("tier", &word, at, step.field("tier")));
        let after = span(reading, &mut step);
        reading.end(&step);
        spans.extend(tier.zip(after));
    }
    spans
}

/// `after`, in days or months.
fn span(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Span> {
    let (text, at) = reading.text_of(section, "after")?;
    let span = match number_and_unit(&text) {
        Some((_, "d")) => days_in(&text, (1, DAYS_MAX)).map(Span::Days),
        Some((months, "M")) if (1..=MONTHS_MAX).contains(&months) => i32::try_from(months).ok().map(Span::Months),
        _ => None,
    };
    if span.is_none() {
        reading.fault(at, &section.field("after"), format!("{text:?} is no span; write 90d or 12M"));
    }
    span
}

/// `until = "2027-06-30"`, or `until = "12-31"` of the year that comes `years` later.
fn until(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Expiry> {
    let (text, _) = reading.text_of(section, "until")?;
    if let Some(date) = read_day(&text) {
        return Some(Expiry::Until(date));
    }
    let years = reading.int(section, "years").map_or(1, |(years, _)| years);
    let Some(through) = read_month_day(&text) else {
        reading.object(section, "until", format!("{text:?} is no date; write 12-31 of some year, or 2027-06-30"));
        return None;
    };
    if years == 0 && (through.month, through.day) != (12, 31) {
        let problem = "points earned after the date would have expired; with `years = 0` it is 12-31";
        reading.object(section, "until", problem);
    }
    Some(Expiry::Calendar { through, years: i32::try_from(years).ok()? })
}
