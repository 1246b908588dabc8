//! Reads `[[earn]]`: what a rule waits for, what must hold (`when`), which money counts (`base`), and what
//! it gives. Tiers stand further down in a file than rules: their names are looked up at the end.

use crate::features::earning::amount_toml::{PERCENT, STEP, TIMES, amount};
use crate::features::earning::limits_toml::{OF_BUDGETS, OF_LIMITS, campaigns_of, check_visiting, limits};
use crate::features::earning::program::{Amount, Campaign, EarnRule, RoundAt, Trigger, When};
use crate::features::earning::trigger_toml::{TRIGGERS, trigger, trigger_of};
use crate::features::earning::when_toml::{BASE, PRICES, WHEN, base, when};
use crate::features::funds::program::Fund;
use crate::features::funds::program_toml::{TO, fund_word, give_to_fund};
use crate::features::pending::program::PendingUntil;
use crate::features::pending::program_toml::{OF_RULE, pending};
use crate::features::wallets::program::Wallet;
use crate::features::wallets::program_toml::wallet_of;
use crate::kernel::fields::NAME_BYTES_MAX;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::{Rounding, TermNo};
use crate::kernel::words::{Form, GIVE_MAX, RULES_MAX, Takes, Word};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// Most items of a unit.
const ITEMS_MAX: i64 = 1_000_000;
/// Fields of a rule that only a purchase can answer, and what it has that others have not.
const OF_PURCHASES: [(&str, &str); 3] = [("per", "money; use `fixed`"), ("per_items", "items"), ("base", "money")];
/// Conditions that only a purchase can answer.
const WHEN_OF_PURCHASES: [&str; 5] = ["at_least", "skus", "categories", "tags", "except"];

/// `[[earn]]`.
pub(crate) static EARN: Form = Form {
    about: include_str!("earn.md"),
    example: include_str!("earn.toml"),
    frame: "[tiers]\nwindow = \"365d\"\n[[tier]]\nid = \"guest\"\n[[tier]]\nid = \"gold\"\nat_least = \"100.00\"\n\
            [[fund]]\nid = \"trees\"\n[[campaign]]\nid = \"summer\"\n\
            [[earn]]\nid = \"base\"\non = \"purchase\"\nper = \"1.00\"\ngive = 1\n\
            [[earn]]\nid = \"more\"\non = \"purchase\"\n",
    words: &[
        Word::id("id = \"fruit\"\nfixed = 5"),
        Word::new(
            "on",
            TRIGGERS,
            "What it waits for. Of a `referral` the referrer earns; `inactive` needs `[inactivity]`.",
            "on = \"purchase\"\nfixed = 5",
        ),
        Word::new("wallet", Takes::Name("wallet"), "The wallet it gives to.", "wallet = \"points\"\nfixed = 5")
            .means("the first wallet"),
        Word::new("fixed", Takes::Integer(0, GIVE_MAX, "points"), "It gives so many points.", "fixed = 5")
            .means("another way to give is said"),
        Word::new(
            "per",
            Takes::Money(1),
            "It gives `give` points for every so much of the base.",
            "per = \"1.00\"\ngive = 1",
        )
        .means("another way to give is said"),
        Word::new(
            "per_items",
            Takes::Integer(1, ITEMS_MAX, "items"),
            "It gives `give` points for every so many items of the lines that count.",
            "per_items = 6\ngive = 1",
        )
        .means("another way to give is said"),
        Word::new(
            "give",
            Takes::Integer(1, GIVE_MAX, "points"),
            "With `per` or `per_items`: how many points, unless a `table` says so.",
            "per = \"5.00\"\ngive = 2",
        )
        .means("another way to give is said"),
        Word::new(
            "times",
            Takes::Table(&TIMES),
            "It gives what an earlier rule was granted, as often again as makes it `factor` times.",
            "times = { of = \"base\", factor = 2 }",
        )
        .means("another way to give is said"),
        Word::new(
            "percent",
            Takes::Table(&PERCENT),
            "It gives a share of what an earlier rule was granted, on top of it.",
            "percent = { of = \"base\", rate = \"12.5%\" }",
        )
        .means("another way to give is said"),
        Word::new(
            "table",
            Takes::Tables(&STEP, RULES_MAX),
            "It gives the points of the highest step that the base or the member's tier reaches; below the first, \
             none. It may also stand in place of `give`, or of the `rate` of `percent`.",
            "table = [{ at_least = \"20.00\", give = 2 }, { at_least = \"50.00\", give = 5 }]",
        )
        .means("it gives the same at any step"),
        Word::new(
            "base",
            Takes::Either(&[PRICES, Takes::Table(&BASE)]),
            "Which money of a purchase counts: what was paid, tax included (`net`), the price without discounts \
             (`gross`) or what was paid less tax (`ex_tax`).",
            "per = \"1.00\"\ngive = 1\nbase = \"gross\"",
        )
        .same("\"net\""),
        Word::new(
            "carry",
            Takes::Flag,
            "Whether what is short of `per` or `per_items` waits for the member's next purchase.",
            "per = \"1.00\"\ngive = 1\ncarry = true",
        )
        .same("false"),
        Word::new(
            "round",
            Takes::OneOf(|| vec!["down", "half_up", "up"]),
            "What becomes of a part of a unit (`per`, `per_items`) or of a point (`percent`).",
            "per = \"5.00\"\ngive = 1\nround = \"half_up\"",
        )
        .same("\"down\""),
        Word::new(
            "round_at",
            Takes::OneOf(|| vec!["event", "line"]),
            "With `per`: whether the whole base is counted and rounded, or every line by itself, and the delivery like \
             one line more.",
            "per = \"5.00\"\ngive = 1\nround_at = \"line\"",
        )
        .same("\"event\""),
        Word::new(
            "when",
            Takes::Either(&[Takes::OneOf(|| vec!["birthday"]), Takes::Table(&WHEN)]),
            "What must hold for the rule to apply: all that is said. `when = \"birthday\"` is short for a table with \
             `birthday = true`.",
            "fixed = 5\nwhen = { weekdays = [\"saturday\"], hours = \"07:00-12:00\" }",
        )
        .means("it always applies"),
        Word::new(
            "group",
            Takes::Text(1, NAME_BYTES_MAX),
            "Of the rules of a group only the one that gives most does, the first of equals. They follow each other, \
             wait for the same event and give to the same wallet.",
            "fixed = 5\ngroup = \"promotion\"",
        )
        .means("it gives whatever others do"),
        Word::new(
            "limit",
            OF_LIMITS,
            "At most so much for each member; one table, or a list of them.",
            "fixed = 5\nlimit = { points = 500, per = \"7d\" }",
        )
        .means("no limit"),
        Word::new(
            "budget",
            OF_BUDGETS,
            "At most so much for all members together; one table, or a list of them.",
            "fixed = 5\nbudget = { points = 100000 }",
        )
        .means("no limit"),
        Word::new(
            "campaign",
            Takes::Name("campaign"),
            "The campaign it belongs to, beside those of all rules.",
            "fixed = 5\ncampaign = \"summer\"",
        )
        .means("none"),
        Word::new(
            "to",
            Takes::Table(&TO),
            "Whom it gives to: a fund instead of the member.",
            "fixed = 5\nto = { fund = \"trees\" }",
        )
        .means("to the member"),
        Word::new(
            "pending",
            Takes::Table(&OF_RULE),
            "How long what it gives waits before it can be spent.",
            "fixed = 5\npending = { on = \"settled\" }",
        )
        .means("as long as the wallet says"),
    ],
};

/// What rules may name.
pub(crate) struct Known<'a> {
    pub(crate) wallets: &'a [Wallet],
    pub(crate) attributes: &'a [(TermNo, usize)],
    pub(crate) campaigns: &'a [Campaign],
    pub(crate) funds: &'a [Fund],
    /// Whether the file says what a visit is.
    pub(crate) visits: bool,
}

pub(crate) fn earn(reading: &mut Reading<'_>, root: &mut Section<'_>, known: &Known<'_>) -> Vec<EarnRule> {
    let mut rules: Vec<EarnRule> = Vec::new();
    for mut section in reading.sections(root, "earn") {
        let its = campaigns_of(reading, &mut section, known.wallets, known.campaigns);
        let fund = fund_word(reading, &mut section, known.funds);
        let (at, field) = (section.place("on"), section.field("on"));
        let Some(mut rule) = earn_rule(reading, section, known, &rules) else { continue };
        rule.limits.extend(its.iter().flat_map(|campaign| &campaign.limits));
        check_visiting(reading, &rule, at, &field);
        if let Some(fund) = fund {
            give_to_fund(reading, &mut rule, fund, known.funds);
        }
        rule.campaigns = its.iter().map(|campaign| campaign.given).collect();
        rules.push(rule);
    }
    rules
}

fn earn_rule(
    reading: &mut Reading<'_>,
    mut section: Section<'_>,
    known: &Known<'_>,
    rules: &[EarnRule],
) -> Option<EarnRule> {
    let id = reading.id(&mut section);
    let on = trigger(reading, &mut section);
    let wallet = wallet_of(reading, &mut section, known.wallets);
    let when = when(reading, &mut section, id, known.attributes);
    let base = base(reading, &mut section);
    let amount = amount(reading, &mut section, id, rules);
    let carries = amount.as_ref().is_some_and(|amount| amount.carry().is_some());
    let round = match reading.choice(&mut section, "round") {
        Some(1) => Rounding::HalfUp,
        Some(2) => Rounding::Up,
        _ => Rounding::Down,
    };
    if carries && round != Rounding::Down {
        reading.object(&section, "round", "what is carried on is not rounded");
    }
    let round_at = round_at(reading, &mut section, amount.as_ref());
    let group = group(reading, &mut section, wallet, rules);
    if group.is_some() && carries {
        reading.object(&section, "carry", "a rule of a group carries nothing on");
    }
    let limits = limits(reading, &mut section, id, known.visits);
    let pending = pending(reading, &mut section);
    if pending.is_some_and(|pending| pending.until == PendingUntil::Settled) && on != Some(Trigger::PURCHASE) {
        let problem = "only a purchase is settled; let it wait with `after`";
        reading.fault(section.place("pending"), &section.field("pending.on"), problem.into());
    }
    if on.is_some_and(|on| on != Trigger::PURCHASE) {
        purchases_only(reading, &section);
    }
    asks_its_own(reading, &section, on, when.as_deref());
    reading.end(&section);
    let (id, on, wallet, amount) = (id?, on?, wallet?, amount?);
    let (fund, campaigns) = (None, Vec::new());
    Some(EarnRule { id, on, wallet, fund, when, base, amount, round, round_at, group, limits, campaigns, pending })
}

/// `round_at = "line"`: each line is counted by itself.
fn round_at(reading: &mut Reading<'_>, section: &mut Section<'_>, amount: Option<&Amount>) -> RoundAt {
    let Some(1) = reading.choice(section, "round_at") else { return RoundAt::Event };
    match amount {
        Some(Amount::Per { carry: Some(_), .. }) => {
            let problem = "what is short of `per` in a line is lost: nothing is carried on";
            reading.object(section, "round_at", problem);
        }
        Some(Amount::Per { .. }) | None => {}
        Some(_) => reading.object(section, "round_at", "only money is counted line by line: by `per`"),
    }
    RoundAt::Line
}

/// The group of a rule: its rules follow each other, wait for the same and give to the same wallet.
fn group(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    wallet: Option<TermNo>,
    rules: &[EarnRule],
) -> Option<TermNo> {
    let (name, _) = reading.text_of(section, "group")?;
    let group = reading.term(&name);
    let Some(known) = rules.iter().rfind(|rule| rule.group == Some(group)) else { return Some(group) };
    if rules.last().is_none_or(|last| last.id != known.id) {
        reading.object(section, "group", format!("the rules of {name:?} must follow each other"));
    }
    if Some(known.on) != trigger_of(section) || Some(known.wallet) != wallet {
        let problem = format!("the rules of {name:?} must wait for one event and give to one wallet");
        reading.object(section, "group", problem);
    }
    let mates = rules.iter().filter(|rule| rule.group == Some(group));
    let mates: Vec<String> = mates.filter_map(|rule| reading.word_of(rule.id)).map(str::to_string).collect();
    let builds_on = ["times", "percent"].into_iter().find(|way| {
        let of = section.table.get(*way).and_then(|way| way.get_ref().as_table()?.get("of")?.get_ref().as_str());
        of.is_some_and(|of| mates.iter().any(|mate| *mate == of))
    });
    if let Some(way) = builds_on {
        let field = section.field(&format!("{way}.of"));
        let problem = "of the rules of a group only one gives: none builds on another";
        reading.fault(section.place(way), &field, problem.into());
    }
    Some(group)
}

/// Complains about conditions on words that only another kind of event says.
fn asks_its_own(reading: &mut Reading<'_>, section: &Section<'_>, on: Option<Trigger>, when: Option<&When>) {
    for (said, _) in when.into_iter().flat_map(|when| &when.said) {
        if let (Some(of), Some(on)) = (said.of(), on)
            && Trigger::of(of) != Some(on)
        {
            let field = section.field(&format!("when.{}", said.name()));
            reading.fault(section.place("when"), &field, format!("only `on = \"{of}\"` says it"));
        }
    }
}

/// Complains about fields that mean something for purchases alone.
fn purchases_only(reading: &mut Reading<'_>, section: &Section<'_>) {
    for (key, what) in OF_PURCHASES.into_iter().filter(|(key, _)| section.has(key)) {
        reading.object(section, key, format!("only a purchase has {what}"));
    }
    let Some(when) = section.table.get("when").and_then(|when| when.get_ref().as_table()) else { return };
    for key in WHEN_OF_PURCHASES {
        if let Some(value) = when.get(key) {
            let field = section.field(&format!("when.{key}"));
            reading.fault(value.span().start, &field, "only a purchase has lines and money".into());
        }
    }
}
