//! Reads how much a rule gives: by `fixed`, `per`, `per_items`, `times`, `percent` or `table`.

use crate::features::earning::program::{Amount, EarnRule, Trigger, Value};
use crate::features::earning::trigger_toml::trigger_of;
use crate::kernel::quantity::MILLIONTHS;
use crate::kernel::toml_reader::{Declared, Reading, Section};
use crate::kernel::units::{Money, TermNo};
use crate::kernel::words::{Form, GIVE_MAX, Takes, Word};
use alloc::format;
use alloc::vec::Vec;

/// Rules of whose points others give a part, as those name them.
pub(crate) const EARLIER: Declared = Declared { section: "earn", called: "earlier rule", above: true };

/// The ways to give, beside a table alone.
const WAYS: [&str; 5] = ["fixed", "per", "per_items", "times", "percent"];
/// Largest rate, in hundredths of a percent.
const RATE_MAX: i64 = 1_000_000;

const OF: Word = Word::new(
    "of",
    Takes::Name("earn"),
    "The earlier rule, which stands above and waits for the same event.",
    "of = \"base\"",
);

/// `times` of a rule.
pub(crate) static TIMES: Form = Form::within(
    "So many times what an earlier rule was granted, that rule's own points counted.",
    "[[earn]]\nid = \"base\"\non = \"purchase\"\nper = \"1.00\"\ngive = 1\n\
     [[earn]]\nid = \"double\"\non = \"purchase\"\n[earn.times]\nof = \"base\"\nfactor = 2\n",
    &[OF, Word::new("factor", Takes::Integer(2, 1_000, "times"), "How many times.", "factor = 3")],
);

/// `percent` of a rule.
pub(crate) static PERCENT: Form = Form::within(
    "A share of what an earlier rule was granted, on top of it.",
    "[[earn]]\nid = \"base\"\non = \"purchase\"\nper = \"1.00\"\ngive = 1\n\
     [[earn]]\nid = \"extra\"\non = \"purchase\"\n[earn.percent]\nof = \"base\"\nrate = \"10%\"\n",
    &[
        OF,
        Word::new("rate", Takes::Rate(1, RATE_MAX), "Which share; a `table` may say it instead.", "rate = \"12.5%\"")
            .means("a `table` says it"),
    ],
);

/// A step of a rule's `table`.
pub(crate) static STEP: Form = Form::within(
    "A step: from where on it counts (`at_least` or `tier`, the same in all steps of the table), and what is given \
     from there. No step of the base gives less than the one before, so what is kept of a purchase never earns more \
     than all of it.",
    "[tiers]\nwindow = \"365d\"\n[[tier]]\nid = \"guest\"\n[[tier]]\nid = \"gold\"\nat_least = \"100.00\"\n\
     [[earn]]\nid = \"base\"\non = \"purchase\"\nper = \"1.00\"\ngive = 1\n\
     [[earn]]\nid = \"steps\"\non = \"purchase\"\n[[earn.table]]\n",
    &[
        Word::new("at_least", Takes::Money(0), "From so much of the base on.", "at_least = \"50.00\"\ngive = 5")
            .means("`tier` says it"),
        Word::new(
            "tier",
            Takes::Name("tier"),
            "From this tier on, as the member stood in it before the event.",
            "tier = \"gold\"\ngive = 5",
        )
        .means("`at_least` says it"),
        Word::new("give", Takes::Integer(0, GIVE_MAX, "points"), "How many points.", "at_least = \"50.00\"\ngive = 5")
            .means("`rate` says it"),
        Word::new(
            "rate",
            Takes::Rate(1, RATE_MAX),
            "Beside `percent`: which share.",
            "rate = \"5%\"\nat_least = \"50.00\"\n[earn.percent]\nof = \"base\"",
        )
        .means("`give` says it"),
    ],
);

/// What a rule says of how much it gives.
struct Ways {
    tabled: bool,
    fixed: Option<i64>,
    per: Option<Money>,
    items: Option<i64>,
    give: Option<i64>,
    carry: bool,
    times: Option<Amount>,
    percent: Option<(TermNo, Option<Value>)>,
}

pub(crate) fn amount(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    id: Option<TermNo>,
    rules: &[EarnRule],
) -> Option<Amount> {
    let asked: Vec<&str> = WAYS.iter().copied().filter(|way| section.has(way)).collect();
    let tabled = section.has("table");
    let table = value_table(reading, section, asked.contains(&"percent"));
    if asked.len() > 1 || (asked.is_empty() && !tabled) {
        let problem = "a rule gives by exactly one of `fixed`, `per`, `per_items`, `times`, `percent` or `table`";
        reading.fault(section.at, &section.field("fixed"), problem.into());
    }
    let ways = ways(reading, section, rules, tabled);
    check_ways(reading, section, &ways, table.as_ref());
    let number = |number: Option<i64>| table.clone().or_else(|| number.map(Value::Flat));
    match asked.as_slice() {
        [] => table.map(Amount::Fixed),
        ["fixed"] => number(ways.fixed).map(Amount::Fixed),
        ["per" | "per_items"] => {
            let carry = if ways.carry { reading.counter_of(id, "carry") } else { None };
            let give = number(ways.give)?;
            Some(match (ways.per, ways.items) {
                (Some(unit), _) => Amount::Per { unit, give, carry },
                (None, items) => Amount::PerItems { items: items?, give, carry },
            })
        }
        ["times"] => ways.times,
        ["percent"] => ways.percent.and_then(|(of, rate)| Some(Amount::Percent { of, rate: table.or(rate)? })),
        _ => None,
    }
}

fn ways(reading: &mut Reading<'_>, section: &mut Section<'_>, rules: &[EarnRule], tabled: bool) -> Ways {
    let fixed = reading.int(section, "fixed").map(|(fixed, _)| fixed);
    let per = reading.money(section, "per").map(|(unit, _)| unit);
    let items = reading.int(section, "per_items").map(|(items, _)| items.saturating_mul(MILLIONTHS));
    if !tabled && (per.is_some() || items.is_some()) {
        reading.require(section, "give");
    }
    let give = reading.int(section, "give").map(|(give, _)| give);
    let carry = reading.flag(section, "carry");
    let times = times(reading, section, rules);
    let percent = percent(reading, section, rules, tabled);
    Ways { tabled, fixed, per, items, give, carry, times, percent }
}

/// Complains about what is said twice, and of what carries nothing on.
fn check_ways(reading: &mut Reading<'_>, section: &Section<'_>, ways: &Ways, table: Option<&Value>) {
    if ways.tabled && (ways.fixed.is_some() || ways.give.is_some() || ways.times.is_some()) {
        reading.object(section, "table", "says what the rule gives: leave out the number");
    }
    if ways.carry && ways.per.is_none() && ways.items.is_none() {
        reading.object(section, "carry", "only what is short of `per` or `per_items` is carried on");
    }
    if ways.carry && matches!(table, Some(Value::ByBase(_))) {
        let problem = "what is carried on counts alike in every purchase: steps go by `tier`";
        reading.object(section, "table", problem);
    }
}

/// The earlier rule that `of` names.
fn earlier(
    reading: &mut Reading<'_>,
    table: &mut Section<'_>,
    rules: &[EarnRule],
    on: Option<Trigger>,
) -> Option<TermNo> {
    let (of, at) = reading.text_of(table, "of")?;
    let term = reading.term(&of);
    match rules.iter().find(|rule| rule.id == term) {
        None => {
            reading.unknown(at, &table.field("of"), EARLIER, &of);
            return None;
        }
        Some(rule) if on.is_some_and(|on| on != rule.on) => {
            reading.fault(at, &table.field("of"), "is a rule that waits for another event".into());
        }
        Some(_) => {}
    }
    Some(term)
}

fn times(reading: &mut Reading<'_>, section: &mut Section<'_>, rules: &[EarnRule]) -> Option<Amount> {
    let on = trigger_of(section);
    let mut times = reading.table(section, "times")?;
    let of = earlier(reading, &mut times, rules, on);
    let factor = reading.int(&mut times, "factor");
    reading.end(&times);
    Some(Amount::Times { of: of?, extra: factor?.0.saturating_sub(1) })
}

fn percent(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    rules: &[EarnRule],
    tabled: bool,
) -> Option<(TermNo, Option<Value>)> {
    let on = trigger_of(section);
    let mut percent = reading.table(section, "percent")?;
    let of = earlier(reading, &mut percent, rules, on);
    if !tabled {
        reading.require(&percent, "rate");
    }
    let rate = reading.rate(&mut percent, "rate");
    if let (true, Some((_, at))) = (tabled, rate) {
        reading.fault(at, &percent.field("rate"), "is what the table says: leave it out".into());
    }
    reading.end(&percent);
    Some((of?, rate.map(|(rate, _)| Value::Flat(rate))))
}

/// What a rule gives, in steps: by what was paid, or by tier.
fn value_table(reading: &mut Reading<'_>, section: &mut Section<'_>, rates: bool) -> Option<Value> {
    let steps = reading.sections(section, "table");
    let by_tier = steps.first()?.has("tier");
    let mut of_base: Vec<(Money, i64)> = Vec::new();
    let mut of_tier: Vec<(TermNo, i64)> = Vec::new();
    for mut step in steps {
        let key = if rates { "rate" } else { "give" };
        reading.require(&step, key);
        let value = if rates { reading.rate(&mut step, key) } else { reading.int(&mut step, key) };
        let value = value.map(|(value, _)| value);
        let from = if by_tier { "tier" } else { "at_least" };
        reading.require(&step, from);
        if by_tier {
            tier_step(reading, &mut step, value, &mut of_tier);
        } else {
            base_step(reading, &mut step, (key, value), &mut of_base);
        }
        reading.end(&step);
    }
    Some(if by_tier { Value::ByTier(of_tier.into()) } else { Value::ByBase(of_base.into()) })
}

fn tier_step(reading: &mut Reading<'_>, step: &mut Section<'_>, value: Option<i64>, steps: &mut Vec<(TermNo, i64)>) {
    let Some((word, at)) = reading.text_of(step, "tier") else { return };
    let term = reading.mention("tier", &word, at, step.field("tier"));
    if steps.iter().any(|(known, _)| *known == term) {
        reading.fault(at, &step.field("tier"), format!("{word:?} has a step already"));
    }
    steps.push((term, value.unwrap_or(0)));
}

fn base_step(
    reading: &mut Reading<'_>,
    step: &mut Section<'_>,
    (key, value): (&'static str, Option<i64>),
    steps: &mut Vec<(Money, i64)>,
) {
    let Some((least, at)) = reading.money(step, "at_least") else { return };
    if steps.last().is_some_and(|(below, _)| *below >= least) {
        reading.fault(at, &step.field("at_least"), "must be more than that of the step before".into());
    }
    let value_or_none = value.unwrap_or(0);
    if value.is_some() && steps.last().is_some_and(|(_, below)| *below > value_or_none) {
        let problem = "is less than that of the step before: what is kept of a purchase would earn more than all";
        reading.object(step, key, problem);
    }
    steps.push((least, value_or_none));
}
