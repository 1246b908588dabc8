//! Reads `[tiers]` and `[[tier]]`, what lifts a tier (`[[streak]]`, `[[ladder]]`), and `[inactivity]`.

use crate::features::counting::program_toml::{HAPPENINGS, happenings};
use crate::features::earning::trigger_toml::{TRIGGERS, trigger};
use crate::features::membership::program_toml::declared;
use crate::features::tiers::program::{Inactivity, Ladder, StreakRule, Tier, Tiers};
use crate::kernel::toml_reader::{Declared, Reading, Section};
use crate::kernel::units::TermNo;
use crate::kernel::words::{DAYS, Form, Takes, Word};
use alloc::vec::Vec;

/// Tiers, as others name them.
pub(crate) const TIER_NAME: Declared = Declared { section: "tier", called: "tier", above: false };

/// The word for the tier metric, which nothing else is called.
pub(crate) const SPEND: &str = "spend";

/// `[inactivity]`.
pub(crate) static INACTIVITY: Form = Form {
    about: include_str!("inactivity.md"),
    example: include_str!("inactivity.toml"),
    frame: "[inactivity]\nafter = \"60d\"\nactivity = [\"purchase\"]\n",
    words: &[
        Word::new("after", DAYS, "A member is dormant after so many days without activity.", "after = \"60d\""),
        Word::new("activity", HAPPENINGS, "What counts as activity.", "activity = [\"purchase\", \"check_in\"]"),
    ],
};

/// `[tiers]`.
pub(crate) static TIERS: Form = Form {
    about: include_str!("tiers.md"),
    example: include_str!("tiers.toml"),
    frame: "[[tier]]\nid = \"guest\"\n[tiers]\nwindow = \"365d\"\n",
    words: &[
        Word::new(
            "window",
            DAYS,
            "In how many days, today included, the money counts that a tier is measured by.",
            "window = \"365d\"",
        ),
        Word::new(
            "downgrade_after",
            DAYS,
            "After so many days short of its standard, a tier falls by one.",
            "downgrade_after = \"90d\"",
        )
        .means("it never falls"),
    ],
};

/// `[[tier]]`.
pub(crate) static TIER: Form = Form {
    about: include_str!("tier.md"),
    example: include_str!("tier.toml"),
    frame: "[tiers]\nwindow = \"365d\"\n[[tier]]\nid = \"guest\"\n[[tier]]\nid = \"gold\"\n",
    words: &[
        Word::id("id = \"gold\"\nat_least = \"100.00\""),
        Word::new(
            "at_least",
            Takes::Money(0),
            "The least money in the window that earns it. The first tier is everyone's and has none.",
            "at_least = \"100.00\"",
        )
        .means("`more_than` says it"),
        Word::new(
            "more_than",
            Takes::Money(0),
            "The money that must be exceeded, instead of `at_least`.",
            "more_than = \"100.00\"",
        )
        .means("`at_least` says it"),
        Word::new(
            "attribute",
            Takes::Table(&ATTRIBUTE),
            "An attribute of the member that must not exceed a value.",
            "at_least = \"100.00\"\nattribute = { name = \"stage\", at_most = 10 }",
        )
        .means("none is asked for"),
    ],
};

static ATTRIBUTE: Form = Form::within(
    "An attribute that must be set, and not exceed a value.",
    "[tiers]\nwindow = \"365d\"\n[[tier]]\nid = \"guest\"\n[[tier]]\nid = \"gold\"\nat_least = \"100.00\"\n\
     [tier.attribute]\nname = \"stage\"\nat_most = 10\n",
    &[
        Word::new("name", Takes::Name("attribute"), "Which one; `attributes` declares it.", "name = \"stage\""),
        Word::new("at_most", Takes::Integer(i64::MIN, i64::MAX, ""), "The most it may be.", "at_most = 10"),
    ],
);

/// `[[streak]]`.
pub(crate) static STREAK: Form = Form {
    about: include_str!("streak.md"),
    example: include_str!("streak.toml"),
    frame: "[tiers]\nwindow = \"365d\"\n[[tier]]\nid = \"guest\"\n[[tier]]\nid = \"gold\"\nat_least = \"100.00\"\n\
            [[streak]]\nid = \"week\"\non = \"check_in\"\ndays = 7\ngrant = \"gold\"\n",
    words: &[
        Word::id("id = \"week\""),
        Word::new("on", TRIGGERS, "What must happen each day.", "on = \"check_in\""),
        Word::new("days", Takes::Integer(2, 3_650, "days"), "On how many local days in a row.", "days = 7"),
        Word::new("grant", Takes::Name("tier"), "The tier it grants.", "grant = \"gold\""),
    ],
};

/// `[[ladder]]`.
pub(crate) static LADDER: Form = Form {
    about: include_str!("ladder.md"),
    example: include_str!("ladder.toml"),
    frame: "[tiers]\nwindow = \"365d\"\n[[tier]]\nid = \"guest\"\n[[tier]]\nid = \"gold\"\nat_least = \"100.00\"\n\
            [[ladder]]\nid = \"friends\"\non = \"referral\"\nevery = 3\ntier_step = 1\n",
    words: &[
        Word::id("id = \"friends\""),
        Word::new("on", TRIGGERS, "What is counted.", "on = \"referral\""),
        Word::new("every", Takes::Integer(1, 1_000_000, "events"), "Every so many of them …", "every = 3"),
        Word::new("tier_step", Takes::Integer(1, 100, "tiers"), "… lift the tier by so many.", "tier_step = 1"),
    ],
};

pub(crate) fn inactivity(reading: &mut Reading<'_>, root: &mut Section<'_>) -> Option<Inactivity> {
    let mut section = reading.table(root, "inactivity")?;
    let days = reading.days(&mut section, "after");
    let activity = happenings(reading, &mut section, "activity");
    reading.end(&section);
    Some(Inactivity { days: days?, activity })
}

pub(crate) fn tiers(
    reading: &mut Reading<'_>,
    root: &mut Section<'_>,
    attributes: &[(TermNo, usize)],
) -> Option<Tiers> {
    let sections = reading.sections(root, "tier");
    let table = reading.table(root, "tiers");
    let mut ranks: Vec<Tier> = Vec::new();
    for (rank, mut section) in sections.into_iter().enumerate() {
        let id = reading.id(&mut section);
        let least = least(reading, &mut section, rank, ranks.last());
        let attribute = tier_attribute(reading, &mut section, attributes);
        reading.end(&section);
        if let Some(id) = id {
            ranks.push(Tier { id, least, attribute });
        }
    }
    let Some(mut section) = table else {
        if !ranks.is_empty() {
            reading.fault(0, "tiers", "is missing; add [tiers] with `window`".into());
        }
        return None;
    };
    let window_days = reading.days(&mut section, "window");
    let patience_days = reading.days(&mut section, "downgrade_after");
    reading.end(&section);
    if ranks.is_empty() {
        reading.fault(section.at, "tier", "[tiers] needs at least one [[tier]]".into());
    }
    Some(Tiers { metric: reading.term(SPEND), window_days: window_days?, patience_days, ranks })
}

/// The least metric of a tier, in minor units.
fn least(reading: &mut Reading<'_>, section: &mut Section<'_>, rank: usize, below: Option<&Tier>) -> i64 {
    let field = section.field("at_least");
    let at_least = reading.money(section, "at_least");
    let more_than = reading.money(section, "more_than");
    let least = match (at_least, more_than) {
        (None, None) if rank == 0 => 0,
        (Some((money, _)), None) => money.0,
        (None, Some((money, _))) => money.0.saturating_add(1),
        // What is there and cannot be read is told already.
        (None, None) if section.has("at_least") != section.has("more_than") => 0,
        _ => {
            reading.fault(section.at, &field, "needs one of `at_least` or `more_than`".into());
            0
        }
    };
    if rank == 0 && least != 0 {
        reading.fault(section.at, &field, "the first tier is everyone's and has no threshold".into());
    }
    if below.is_some_and(|below| below.least >= least && least != 0) {
        reading.fault(section.at, &field, "must be higher than the tier below".into());
    }
    least
}

fn tier_attribute(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    attributes: &[(TermNo, usize)],
) -> Option<(TermNo, i64)> {
    let mut table = reading.table(section, "attribute")?;
    let name = reading.text_of(&mut table, "name");
    let at_most = reading.int(&mut table, "at_most");
    reading.end(&table);
    let term = declared(reading, &table, name?, attributes);
    Some((term, at_most?.0))
}

pub(crate) fn streaks(reading: &mut Reading<'_>, root: &mut Section<'_>, ranks: &[TermNo]) -> Vec<StreakRule> {
    let mut streaks = Vec::new();
    for mut section in reading.sections(root, "streak") {
        let id = reading.id(&mut section);
        let on = trigger(reading, &mut section);
        let days = reading.int(&mut section, "days");
        let grant = reading.text_of(&mut section, "grant").and_then(|(tier, at)| {
            let term = reading.term(&tier);
            let rank = ranks.iter().position(|rank| *rank == term);
            if rank.is_none() {
                reading.unknown(at, &section.field("grant"), TIER_NAME, &tier);
            }
            rank
        });
        reading.end(&section);
        if let (Some(id), Some(on), Some((days, _)), Some(grant)) = (id, on, days, grant) {
            streaks.push(StreakRule { id, on, days: u32::try_from(days).unwrap_or(u32::MAX), grant });
        }
    }
    streaks
}

pub(crate) fn ladders(reading: &mut Reading<'_>, root: &mut Section<'_>, ranks: usize) -> Vec<Ladder> {
    let mut ladders = Vec::new();
    for mut section in reading.sections(root, "ladder") {
        let id = reading.id(&mut section);
        let on = trigger(reading, &mut section);
        let every = reading.int(&mut section, "every");
        let step = reading.int(&mut section, "tier_step");
        if ranks == 0 {
            let field = section.field("tier_step");
            reading.fault(section.at, &field, "there are no tiers to climb; add [[tier]]".into());
        }
        reading.end(&section);
        if let (Some(id), Some(on), Some((every, _)), Some((step, _))) = (id, on, every, step) {
            ladders.push(Ladder { id, on, every, step: usize::try_from(step).unwrap_or(1) });
        }
    }
    ladders
}
