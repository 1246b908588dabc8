//! Rules: what a large program costs. The same purchases are judged, folded and encoded in memory under
//! five earn rules and under fifty: those five and forty-five promotions with conditions of every kind.

use crate::workload::{START, Workload, event};
use crate::{Figures, Plan};
use ledger_core::event::{self, Body, Currency, Event, Line, LineDetail, Name, Origin};
use ledger_core::memory::Memory;
use ledger_core::units::{At, Money};
use std::fmt::Write as _;
use std::time::Instant;

const MEMBERS_MAX: u64 = 100_000;
const EVENTS_MAX: u64 = 300_000;

/// Rules that most programs have: per money, by tier, a share on a weekend, a remainder carried on, a limit.
const FIVE: &str = r#"id = "shop"
timezone = "Europe/Berlin"
currency = "EUR"
[[wallet]]
id = "points"
expiry = { after = "12M", round = "month_end" }
[tiers]
window = "365d"
[[tier]]
id = "bronze"
[[tier]]
id = "silver"
at_least = "300.00"
[[tier]]
id = "gold"
at_least = "900.00"
[[campaign]]
id = "promotions"
limit = { points = 5000, per = "month" }
budget = { points = 1000000000, per = "year" }
[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
[[earn]]
id = "tier_bonus"
on = "purchase"
percent = { of = "base" }
table = [{ tier = "silver", rate = "10%" }, { tier = "gold", rate = "25%" }]
[[earn]]
id = "weekend"
on = "purchase"
percent = { of = "base", rate = "20%" }
when = { weekdays = ["saturday", "sunday"] }
[[earn]]
id = "drops"
on = "purchase"
per = "7.00"
give = 1
carry = true
[[earn]]
id = "hello"
on = "purchase"
fixed = 3
limit = { times = 1, per = "7d" }
"#;

/// Forty-five promotions, of nine kinds in turn.
fn promotions() -> String {
    let mut text = String::new();
    for n in 0..45 {
        let which = n / 9;
        let (amount, when) = match n % 9 {
            0 => ("fixed = 5".to_owned(), format!("skus = [\"sku-{n}\", \"sku-{}\"]", n + 100)),
            1 => ("per = \"2.00\"\ngive = 1".to_owned(), format!("categories = [\"category-{which}\"]")),
            2 => ("fixed = 2".to_owned(), format!("channels = [\"app\"], stores = [\"store-{which}\"]")),
            3 => ("fixed = 9".to_owned(), format!("from = \"2025-0{}-01\", until = \"2025-09-30\"", which + 1)),
            4 => ("per_items = 6\ngive = 1".to_owned(), format!("tags = [\"tag-{which}\"], hours = \"07:00-11:00\"")),
            5 => (
                format!("table = [{{ at_least = \"50.00\", give = {n} }}, {{ at_least = \"150.00\", give = 50 }}]"),
                format!("tiers = [\"gold\"], stores = [\"store-{which}\"]"),
            ),
            6 => ("times = { of = \"base\", factor = 2 }".to_owned(), format!("partners = [\"partner-{which}\"]")),
            7 => (
                "percent = { of = \"base\", rate = \"5%\" }\nround = \"half_up\"".to_owned(),
                format!("weekdays = [\"monday\"], at_least = \"{}0.00\"", which + 5),
            ),
            _ => {
                ("fixed = 1".to_owned(), format!("except = {{ categories = [\"category-9\"] }}, skus = [\"sku-{n}\"]"))
            }
        };
        let campaign = if n % 3 == 0 { "campaign = \"promotions\"\n" } else { "" };
        let _ = write!(text, "[[earn]]\nid = \"p-{n}\"\non = \"purchase\"\n{amount}\n{campaign}when = {{ {when} }}\n");
    }
    text
}

/// A purchase of one to four lines, said as a shop says it.
fn purchase(workload: &mut Workload, members: u64, made: u64) -> Event<Name> {
    let random = &mut workload.random;
    let member = random.below(members);
    let mut line = || {
        let sku = format!("sku-{}", random.below(200));
        let category = format!("category-{}", random.below(20)).into();
        let tags = vec![format!("tag-{}", random.below(20)).into()];
        let (discount, tax) = (Money(0), Money(100));
        let net = Money(100 + random.below(6_000) as i64);
        let detail = Some(Box::new(LineDetail { category, tags, discount, tax }));
        Line { detail, ..Line::plain(&sku, 1 + random.below(3) as u32, net) }
    };
    let lines = (0..=made % 4).map(|_| line()).collect();
    let channel = if random.below(2) == 0 { "app" } else { "store" };
    let store = format!("store-{}", random.below(20));
    let body = Body::purchase(&format!("o{made}"), Currency(*b"EUR"), lines);
    let id = format!("{:016x}", random.next());
    // Over a month, so that hours and weekdays change.
    let at = At(START.0 + made as i64 * 9_000);
    let origin = Origin { channel: channel.into(), store: store.into(), ..Origin::default() };
    Event { origin: Some(Box::new(origin)), ..event(id, &Workload::name(member), at, body) }
}

/// The program of fifty rules.
fn fifty() -> String {
    format!("{FIVE}{}", promotions())
}

/// Judges the purchases under a program; answers how long that took, and how many rules applied.
fn judged(program: &str, members: u64, events: u64) -> (std::time::Duration, u64) {
    let mut workload = Workload::new(members, 17);
    let mut memory = Memory::new();
    let publish =
        event("publish".into(), "", START, Body::ProgramPublished(event::ProgramPublished { text: program.into() }));
    let published = memory.submit(publish, START).expect("publishes");
    assert_eq!(published.refusal, None, "the program is in order");
    let mut made = 0;
    let mut purchases = |count: u64| -> Vec<Event<Name>> {
        let from = made;
        made += count;
        (from..made).map(|n| purchase(&mut workload, members, n)).collect()
    };
    let (warm, events) = (purchases(members), purchases(events));
    let mut applied = 0;
    let mut submit = |event: Event<Name>| {
        let at = event.occurred_at;
        applied += memory.submit(event, at).expect("folds").trace.len() as u64;
    };
    warm.into_iter().for_each(&mut submit);
    let start = Instant::now();
    events.into_iter().for_each(&mut submit);
    (start.elapsed(), applied)
}

pub(crate) fn rules(plan: &Plan, figures: &mut Figures) {
    let (members, events) = (plan.members.min(MEMBERS_MAX), plan.events.min(EVENTS_MAX));
    let fifty = fifty();
    let (few, few_applied) = judged(FIVE, members, events);
    let (many, many_applied) = judged(&fifty, members, events);
    let all = (members + events) as f64;
    figures.rate("rules: decide + fold + encode, 5 earn rules", events, few);
    figures.add("rules: of 5, apply to a purchase", few_applied as f64 / all, "rules");
    figures.rate("rules: decide + fold + encode, 50 earn rules", events, many);
    figures.add("rules: of 50, apply to a purchase", many_applied as f64 / all, "rules");
    figures.add("rules: 50 to 5", few.as_secs_f64() / many.as_secs_f64(), "times the rate");
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger_core::program::Program;

    #[test]
    fn the_measured_programs_are_in_order() {
        for (text, rules) in [(FIVE.to_owned(), 5), (fifty(), 50)] {
            let program = Program::read(&text, &mut Vec::new()).expect("no faults");
            assert_eq!(program.earn.len(), rules);
        }
    }
}
