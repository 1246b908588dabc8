//! Reads `limit`, `budget` and `[[campaign]]`: at most how much rules give, alone and together.
//!
//! A limit is counted under the name of its rule or campaign and the kind of its window: `base.limit` for a
//! window of days, `base.limit.month` for a month. So a version may change how much, or how many days, and what
//! was counted counts on; another kind of window begins anew.

use crate::features::earning::program::{Campaign, EarnRule, Limit, Measure, Over, Whose, Window};
use crate::features::wallets::program::Wallet;
use crate::features::wallets::program_toml::wallet_of;
use crate::kernel::amounts::days_in;
use crate::kernel::toml_reader::{Declared, Reading, Section};
use crate::kernel::units::TermNo;
use crate::kernel::words::{DAYS, DAYS_MAX, Form, RULES_MAX, Takes, Word};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Campaigns, as rules name them.
pub(crate) const CAMPAIGN_NAME: Declared = Declared { section: "campaign", called: "campaign", above: false };

/// The windows that have names, and what their kind adds to the name of a limit.
const WINDOWS: [(Window, &str); 6] = [
    (Window::Order, "order"),
    (Window::Visit, "visit"),
    (Window::Week, "week"),
    (Window::Month, "month"),
    (Window::Year, "year"),
    (Window::Ever, "ever"),
];

/// `[[campaign]]`.
pub(crate) static CAMPAIGN: Form = Form {
    about: include_str!("campaign.md"),
    example: include_str!("campaign.toml"),
    frame: "[[campaign]]\nid = \"summer\"\n",
    words: &[
        Word::id("id = \"summer\""),
        Word::new("wallet", Takes::Name("wallet"), "The wallet its rules give to.", "wallet = \"points\"")
            .means("the first wallet"),
        Word::new("all", Takes::Flag, "Whether every rule that gives to the wallet belongs to it.", "all = true")
            .same("false"),
        Word::new(
            "limit",
            OF_LIMITS,
            "At most so much for each member, of all its rules together; one table, or a list of them.",
            "limit = { points = 600, per = \"month\" }",
        )
        .means("it is counted and not limited"),
        Word::new(
            "budget",
            OF_BUDGETS,
            "At most so much for all members together; one table, or a list of them.",
            "budget = { points = 100000, per = \"month\" }",
        )
        .means("it is counted and not limited"),
    ],
};

/// `limit`, of a rule or campaign.
pub(crate) const OF_LIMITS: Takes = Takes::Either(&[Takes::Table(&LIMIT), Takes::Tables(&LIMIT, RULES_MAX)]);
/// `budget`, of a rule or campaign.
pub(crate) const OF_BUDGETS: Takes = Takes::Either(&[Takes::Table(&BUDGET), Takes::Tables(&BUDGET, RULES_MAX)]);

const TIMES: Word = Word::new(
    "times",
    Takes::Integer(1, TIMES_MAX, "times"),
    "How often rules may give; either this or `points`.",
    "times = 3\nper = \"1d\"",
)
.means("`points` says it");
const POINTS: Word = Word::new(
    "points",
    Takes::Integer(1, i64::MAX, "points"),
    "How many points may be given.",
    "points = 500\nper = \"7d\"",
)
.means("`times` says it");
const OVER: Word = Word::new(
    "over",
    Takes::OneOf(|| vec!["cut", "nothing"]),
    "Whether points that do not all fit are cut to what fits, or not given at all.",
    "points = 500\nper = \"7d\"\nover = \"nothing\"",
)
.same("\"cut\"");
const TIMES_MAX: i64 = 2_147_483_647;

static LIMIT: Form = Form::within(
    "At most so much for each member in a window of time.",
    "[visit]\ngap = \"10m\"\n[[earn]]\nid = \"hello\"\non = \"purchase\"\nfixed = 20\n[[earn.limit]]\n",
    &[
        TIMES,
        POINTS,
        Word::new(
            "per",
            Takes::Either(&[DAYS, Takes::OneOf(|| WINDOWS.map(|(_, name)| name).to_vec())]),
            "In so many local days, today being the last; in one event (`order`, of `points` alone), one `visit`, the \
             week (from Monday), the month, the year; or ever.",
            "times = 1\nper = \"visit\"",
        ),
        OVER,
    ],
);

static BUDGET: Form = Form::within(
    "At most so much for all members together in a window of time.",
    "[[earn]]\nid = \"hello\"\non = \"purchase\"\nfixed = 20\n[[earn.budget]]\n",
    &[
        TIMES,
        POINTS,
        Word::new(
            "per",
            Takes::Either(&[DAYS, Takes::OneOf(|| vec!["week", "month", "year", "ever"])]),
            "In so many local days, today being the last; in the week (from Monday), the month, the year; or ever.",
            "points = 100000\nper = \"month\"",
        )
        .same("\"ever\""),
        OVER,
    ],
);

/// Complains about a limit by the visit of a rule that waits for something else.
pub(crate) fn check_visiting(reading: &mut Reading<'_>, rule: &EarnRule, at: usize, field: &str) {
    if !rule.on.is_visit() && rule.limits.iter().any(|limit| limit.window == Window::Visit) {
        let problem = "is part of no visit, and a limit of the rule or its campaign counts by the visit";
        reading.fault(at, field, problem.into());
    }
}

pub(crate) fn campaigns(
    reading: &mut Reading<'_>,
    root: &mut Section<'_>,
    wallets: &[Wallet],
    visits: bool,
) -> Vec<Campaign> {
    let mut campaigns = Vec::new();
    for mut section in reading.sections(root, "campaign") {
        let id = reading.id(&mut section);
        let wallet = wallet_of(reading, &mut section, wallets);
        let all = reading.flag(&mut section, "all");
        let limits = limits(reading, &mut section, id, visits);
        let given = reading.counter_of(id, "given");
        reading.end(&section);
        if let (Some(id), Some(wallet), Some(given)) = (id, wallet, given) {
            campaigns.push(Campaign { id, wallet, all, given, limits });
        }
    }
    campaigns
}

/// The campaigns that a rule belongs to: the one it names, then those of all rules.
pub(crate) fn campaigns_of<'c>(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    wallets: &[Wallet],
    campaigns: &'c [Campaign],
) -> Vec<&'c Campaign> {
    let named = reading.text_of(section, "campaign").map(|(name, at)| (reading.term(&name), name, at));
    let wallet = match section.text("wallet") {
        Some(name) => Some(reading.term(name)),
        None => wallets.first().map(|wallet| wallet.id),
    };
    if let Some((term, name, at)) = &named {
        let field = section.field("campaign");
        match campaigns.iter().find(|campaign| campaign.id == *term) {
            None => reading.unknown(*at, &field, CAMPAIGN_NAME, name),
            Some(campaign) if campaign.all => reading.fault(*at, &field, format!("every rule belongs to {name:?}")),
            Some(campaign) if Some(campaign.wallet) != wallet => {
                reading.fault(*at, &field, format!("{name:?} is a campaign of another wallet"));
            }
            Some(_) => {}
        }
    }
    let own = campaigns.iter().filter(|campaign| named.as_ref().is_some_and(|(term, ..)| campaign.id == *term));
    let all = campaigns.iter().filter(|campaign| campaign.all && Some(campaign.wallet) == wallet);
    own.chain(all).collect()
}

/// `limit` and `budget` of a rule or campaign, each a table or a list of them.
pub(crate) fn limits(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    of: Option<TermNo>,
    visits: bool,
) -> Vec<Limit> {
    let mut limits: Vec<Limit> = Vec::new();
    for (key, whose) in [("limit", Whose::Member), ("budget", Whose::Everyone)] {
        for mut table in reading.tables(section, key) {
            let limit = one_limit(reading, &mut table, of, (key, whose), visits);
            reading.end(&table);
            let Some(limit) = limit else { continue };
            if limits.iter().any(|known| known.id == limit.id) {
                reading.object(&table, "per", "there is a limit over such a window already");
            }
            limits.push(limit);
        }
    }
    limits
}

fn one_limit(
    reading: &mut Reading<'_>,
    table: &mut Section<'_>,
    of: Option<TermNo>,
    (key, whose): (&'static str, Whose),
    visits: bool,
) -> Option<Limit> {
    let times = reading.int(table, "times");
    let points = reading.int(table, "points");
    let window = window(reading, table);
    let over = match reading.choice(table, "over") {
        Some(1) => Over::Nothing,
        _ => Over::Adjustment,
    };
    let (measure, max) = match (times, points) {
        (Some((max, _)), None) => (Measure::Count, max),
        (None, Some((max, _))) => (Measure::Points, max),
        _ => {
            reading.fault(table.at, &table.path, "limits either `times` or `points`".into());
            return None;
        }
    };
    let (window, name) = window?;
    if window == Window::Order && (measure, whose) != (Measure::Points, Whose::Member) {
        reading.object(table, "per", "one order has a limit of `points`, and that is each member's own");
    }
    if window == Window::Visit && whose == Whose::Everyone {
        reading.object(table, "per", "a visit is one member's: write a `limit`");
    }
    if window == Window::Visit && !visits {
        reading.object(table, "per", "what is a visit? add [visit] with `gap`");
    }
    let what = if name.is_empty() { key.into() } else { format!("{key}.{name}") };
    Some(Limit { id: reading.counter_of(of, &what)?, whose, measure, max, window, over })
}

/// A window and what its kind adds to the name of a limit; ever, if it may be left out and is.
pub(crate) fn window(reading: &mut Reading<'_>, table: &mut Section<'_>) -> Option<(Window, &'static str)> {
    let Some((text, at)) = reading.text_of(table, "per") else {
        return (!table.must("per")).then_some((Window::Ever, "ever"));
    };
    let known = WINDOWS.into_iter().find(|(_, name)| *name == text);
    let found = known.or_else(|| days_in(&text, (1, DAYS_MAX)).map(|days| (Window::Days(days), "")));
    if found.is_none() {
        let problem = format!("{text:?} is no window; write 1d or 90d, or order, visit, week, month, year or ever");
        reading.fault(at, &table.field("per"), problem);
    }
    found
}
