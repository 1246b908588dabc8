//! Reads `when`, what must hold for a rule to apply, and `base`, which money counts.

use crate::features::earning::condition::Said;
use crate::features::earning::program::{AttributeTest, Base, Goods, Hours, Lines, Price, Weekdays, When, Words};
use crate::features::membership::program_toml::declared;
use crate::features::tiers::named_toml::{TIERS_NAMED, tiers_named};
use crate::kernel::fields::NAME_BYTES_MAX;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::TermNo;
use crate::kernel::words::{DATE, Form, RULES_MAX, Takes, Word};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Words of events.
const SAID: Takes = Takes::List(&Takes::Text(1, NAME_BYTES_MAX), 1, RULES_MAX);
/// Any number.
const NUMBER: Takes = Takes::Integer(i64::MIN, i64::MAX, "");
/// The prices of a line.
pub(crate) const PRICES: Takes = Takes::OneOf(|| vec!["net", "gross", "ex_tax"]);

/// `base` of a rule, as a table.
pub(crate) static BASE: Form = Form::within(
    "Which money of a purchase counts.",
    "[[earn]]\nid = \"base\"\non = \"purchase\"\nper = \"1.00\"\ngive = 1\n[earn.base]\n",
    &[
        Word::new("price", PRICES, "The price of a line.", "price = \"gross\"").same("\"net\""),
        Word::new("shipping", Takes::Flag, "Whether what was paid for delivery counts.", "shipping = true")
            .same("false"),
        Word::new(
            "ex_points_paid",
            Takes::Flag,
            "Whether the share of lines and delivery that was paid with points does not count.",
            "ex_points_paid = true",
        )
        .same("false"),
    ],
);

/// `when` of a rule, as a table.
pub(crate) static WHEN: Form = Form::within(
    "All that is said must hold; a rule that does not apply leaves no trace.",
    "[tiers]\nwindow = \"365d\"\n[[tier]]\nid = \"guest\"\n[[tier]]\nid = \"gold\"\nat_least = \"100.00\"\n\
     [[earn]]\nid = \"more\"\non = \"purchase\"\nfixed = 5\n[earn.when]\n",
    &[
        Word::new(
            "birthday",
            Takes::True,
            "It is the member's birthday, by the local date; 29 February is 1 March in common years.",
            "birthday = true",
        )
        .means("on any day"),
        Word::new("from", DATE, "The local date is no earlier.", "from = \"2026-06-01\"").means("at any time"),
        Word::new("until", DATE, "The local date is no later.", "until = \"2026-06-16\"").means("at any time"),
        Word::new(
            "weekdays",
            Takes::List(&Takes::OneOf(|| Weekdays::NAMES.to_vec()), 1, RULES_MAX),
            "It is one of these days.",
            "weekdays = [\"saturday\", \"sunday\"]",
        )
        .means("on any day"),
        Word::new(
            "hours",
            Takes::Shape("^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$", "a time of the day such as \"07:00-09:30\""),
            "So the clock on the wall stood; the end is past, and may lie beyond midnight.",
            "hours = \"22:00-02:00\"",
        )
        .means("at any hour"),
        Word::new("channels", SAID, "The event says one of these channels.", "channels = [\"app\"]").means("any"),
        Word::new("stores", SAID, "The event says one of these stores.", "stores = [\"s-1\", \"s-2\"]").means("any"),
        Word::new("partners", SAID, "The event says one of these partners.", "partners = [\"bakery\"]").means("any"),
        Word::new("kinds", SAID, "The `action` is of one of these kinds.", ACTED).means("any"),
        Word::new("tiers", TIERS_NAMED, "The member stood in one of these before the event.", "tiers = [\"gold\"]")
            .means("any"),
        Word::new(
            "attributes",
            Takes::Tables(&TEST, RULES_MAX),
            "The member's attributes are set so.",
            "attributes = [{ name = \"stage\", at_least = 3 }]",
        )
        .means("whatever they are"),
        Word::new("at_least", Takes::Money(0), "The rule's base is no less.", "at_least = \"20.00\"").means("any"),
        SKUS,
        CATEGORIES,
        TAGS,
        Word::new(
            "except",
            Takes::Table(&EXCEPT),
            "Lines of any of these do not count; a line must be left.",
            "except = { tags = [\"tobacco\"] }",
        )
        .means("none"),
        Word::new(
            "first",
            Takes::True,
            "Nothing for which the rule would have applied happened to the member before. A rule can only know what it \
             has seen; one that asks for nothing else also knows the purchases within the refund horizon.",
            "first = true",
        )
        .means("whatever happened before"),
    ],
);

const ACTED: &str = "[[earn]]\nid = \"act\"\non = \"action\"\nfixed = 5\n[earn.when]\nkinds = [\"posted\"]";
const SKUS: Word =
    Word::new("skus", SAID, "Lines of one of these. Only those lines count.", "skus = [\"4711\"]").means("any");
const CATEGORIES: Word =
    Word::new("categories", SAID, "Lines of one of these. Only those lines count.", "categories = [\"fruit\"]")
        .means("any");
const TAGS: Word =
    Word::new("tags", SAID, "Lines with one of these. Only those lines count.", "tags = [\"organic\"]").means("any");

static EXCEPT: Form = Form::within(
    "Lines of any of these do not count.",
    "[[earn]]\nid = \"more\"\non = \"purchase\"\nfixed = 5\n[earn.when.except]\n",
    &[
        Word::new("skus", SAID, "Not these stock-keeping units.", "skus = [\"4711\"]").means("none"),
        Word::new("categories", SAID, "Not these categories.", "categories = [\"fuel\"]").means("none"),
        Word::new("tags", SAID, "Not with any of these tags.", "tags = [\"tobacco\"]").means("none"),
    ],
);

static TEST: Form = Form::within(
    "A test of an attribute: `equal`, or `at_least`, `at_most` or both. One that was never set passes none.",
    "[[earn]]\nid = \"more\"\non = \"purchase\"\nfixed = 5\n[[earn.when.attributes]]\nname = \"stage\"\n",
    &[
        Word::new(
            "name",
            Takes::Name("attribute"),
            "Which one; `attributes` declares it.",
            "name = \"stage\"\nequal = 1",
        ),
        Word::new("equal", NUMBER, "It is this.", "equal = 1").means("others say it"),
        Word::new("at_least", NUMBER, "It is no less.", "at_least = 3").means("others say it"),
        Word::new("at_most", NUMBER, "It is no more.", "at_most = 10").means("others say it"),
    ],
);

pub(crate) fn base(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Base {
    let price = |chosen: Option<usize>| match chosen {
        Some(1) => Price::Gross,
        Some(2) => Price::ExTax,
        _ => Price::Net,
    };
    if !section.has("base") || section.text("base").is_some() {
        return Base { price: price(reading.choice(section, "base")), ..Base::default() };
    }
    let Some(mut base) = reading.table(section, "base") else { return Base::default() };
    let price = price(reading.choice(&mut base, "price"));
    let shipping = reading.flag(&mut base, "shipping");
    let ex_points_paid = reading.flag(&mut base, "ex_points_paid");
    reading.end(&base);
    Base { price, shipping, ex_points_paid }
}

pub(crate) fn when(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    id: Option<TermNo>,
    attributes: &[(TermNo, usize)],
) -> Option<Box<When>> {
    if section.text("when").is_some() {
        let birthday = reading.choice(section, "when").is_some();
        return Some(Box::new(When { birthday, ..When::default() }));
    }
    let mut when = reading.table(section, "when")?;
    let birthday = reading.flag(&mut when, "birthday");
    let (from, until) = reading.dates(&mut when);
    let first = reading.flag(&mut when, "first");
    let read = When {
        birthday,
        from,
        until,
        weekdays: weekdays(reading, &mut when),
        hours: hours(reading, &mut when),
        said: said(reading, &mut when),
        tiers: tiers_named(reading, &mut when),
        attributes: attribute_tests(reading, &mut when, attributes),
        at_least: reading.money(&mut when, "at_least").map(|(money, _)| money),
        lines: lines(reading, &mut when),
        first: if first { reading.counter_of(id, "first") } else { None },
    };
    reading.end(&when);
    Some(Box::new(read))
}

fn lines(reading: &mut Reading<'_>, when: &mut Section<'_>) -> Option<Lines> {
    let of = goods(reading, when);
    let except = reading.table(when, "except").map_or_else(Goods::default, |mut except| {
        let goods = goods(reading, &mut except);
        reading.end(&except);
        goods
    });
    let lines = Lines { of, except };
    (lines != Lines::default()).then_some(lines)
}

fn goods(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Goods {
    Goods {
        skus: words(reading, section, "skus"),
        categories: words(reading, section, "categories"),
        tags: words(reading, section, "tags"),
    }
}

/// What the event must say.
fn said(reading: &mut Reading<'_>, when: &mut Section<'_>) -> Vec<(Said, Words)> {
    let asked = Said::ALL.iter().map(|said| (*said, words(reading, when, said.name())));
    asked.filter(|(_, words)| !words.is_empty()).collect()
}

/// A list of words that events may say.
fn words(reading: &mut Reading<'_>, section: &mut Section<'_>, key: &'static str) -> Words {
    Words::new(reading.texts(section, key).into_iter().map(|(word, _)| word.into()).collect())
}

fn attribute_tests(
    reading: &mut Reading<'_>,
    when: &mut Section<'_>,
    attributes: &[(TermNo, usize)],
) -> Vec<AttributeTest> {
    let mut tests = Vec::new();
    for mut section in reading.sections(when, "attributes") {
        let name = reading.text_of(&mut section, "name");
        let mut number = |key| reading.int(&mut section, key).map(|(number, _)| number);
        let (equal, least, most) = (number("equal"), number("at_least"), number("at_most"));
        reading.end(&section);
        if equal.is_some() == (least.is_some() || most.is_some()) {
            let problem = "needs either `equal`, or `at_least`, `at_most` or both";
            reading.fault(section.at, &section.field("equal"), problem.into());
        }
        let Some(name) = name else { continue };
        let name = declared(reading, &section, name, attributes);
        let (least, most) = (equal.or(least).unwrap_or(i64::MIN), equal.or(most).unwrap_or(i64::MAX));
        tests.push(AttributeTest { name, least, most });
    }
    tests
}

fn weekdays(reading: &mut Reading<'_>, when: &mut Section<'_>) -> Option<Weekdays> {
    let named = reading.choices(when, "weekdays");
    let days = named.into_iter().filter_map(|place| 1u8.checked_shl(u32::try_from(place).ok()?));
    when.has("weekdays").then(|| Weekdays(days.fold(0, |all, day| all | day)))
}

/// `07:00-09:30`, in minutes of the day.
fn hours(reading: &mut Reading<'_>, when: &mut Section<'_>) -> Option<Hours> {
    let (text, at) = reading.text_of(when, "hours")?;
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5)?;
        let (hour, minute) = (hour.parse::<u8>().ok()?, minute.parse::<u8>().ok().filter(|minute| *minute < 60)?);
        let minutes = i32::from(hour).saturating_mul(60).saturating_add(i32::from(minute));
        (minutes <= 24 * 60).then_some(minutes)
    };
    let hours =
        text.split_once('-').and_then(|(from, until)| Some(Hours { from: minute(from)?, until: minute(until)? }));
    let hours = hours.filter(|hours| hours.from != hours.until);
    if hours.is_none() {
        reading.fault(at, &when.field("hours"), format!("{text:?} is no time of the day; write 07:00-09:30"));
    }
    hours
}
