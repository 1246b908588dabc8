//! One question has one answer, whoever is asked: a directory or the server that has it open.

use super::{Place, Ran, Server, event, say};

/// Everything that the answer about a member can speak of, in one program.
const EVERYTHING: &str = r#"
id = "everything"
timezone = "Europe/Berlin"
currency = "EUR"
attributes = ["churn"]

[approvals]
credit = { over = 1000, people = 2 }
lapse = "7d"

[household]
share = "50%"
members = 3

[[wallet]]
id = "points"
expiry = { after = "12M" }
hold_ttl = "7d"
cost = { money = "0.01", points = 1 }

[[wallet]]
id = "miles"
kind = "miles"
pending = { on = "settled" }

[[wallet]]
id = "stamps"
kind = "stamp"

[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1

[[earn]]
id = "mile"
on = "purchase"
per = "1.00"
give = 2
wallet = "miles"

[[earn]]
id = "visit"
on = "check_in"
fixed = 1
wallet = "stamps"

[[earn]]
id = "brought"
on = "referral"
fixed = 20

[[exchange]]
id = "skyhigh"
out = { points = 3, units = 2 }
in = { units = 5, points = 4 }
within = "30d"

[tiers]
window = "365d"
downgrade_after = "90d"

[[tier]]
id = "blue"

[[tier]]
id = "gold"
at_least = "150.00"

[[streak]]
id = "days"
on = "check_in"
days = 7
grant = "gold"

[[counter]]
id = "by_device"
on = ["check_in"]
key = "device"
measure = "members"
window = "24h"

[[counter]]
id = "by_ip"
on = ["check_in"]
key = "ip"
measure = "count"

[[counter]]
id = "by_phone"
on = ["check_in"]
key = "phone"
measure = "count"

[[counter]]
id = "by_ip_prefix"
on = ["check_in"]
key = "ip_prefix"
measure = "count"

[[counter]]
id = "by_payment"
on = ["check_in"]
key = "payment"
measure = "count"

[[counter]]
id = "by_address"
on = ["check_in"]
key = "address"
measure = "count"

[[counter]]
id = "visits"
on = ["check_in"]
key = "member"
measure = "count"

[[risk]]
id = "farm"
counter = "by_device"
at_least = 2
action = "review"
"#;

/// A key of each kind of risk.
const KEYS: [(&str, &str); 6] = [
    ("device", "d-1"),
    ("ip", "10.0.0.7"),
    ("phone", "+49"),
    ("ip_prefix", "10.0.0.0/24"),
    ("payment", "iban"),
    ("address", "Berlin"),
];

/// Two of everything: members who share, are merged, hold, exchange, propose, wait and are in review.
fn everything() -> String {
    let keys = KEYS.map(|(kind, value)| format!("{kind:?}:{value:?}")).join(",");
    let seen = format!(r#"{keys},"check_in":{{}}"#);
    let buys = |order: &str| {
        format!(r#""purchase":{{"order":"{order}","currency":"EUR","lines":[{{"quantity":1,"net":20000}}]}}"#)
    };
    let rows: Vec<(&str, String)> = vec![
        ("home", r#""enrolled":{}"#.into()),
        ("Ada", r#""enrolled":{"birthday":{"month":3,"day":15}}"#.into()),
        ("Old", r#""enrolled":{}"#.into()),
        ("Old", buys("o-1")),
        ("Ada", r#""merged":{"other":"Old"}"#.into()),
        ("Ada", r#""household_joined":{"household":"home"}"#.into()),
        ("Ada", r#""attributes_set":{"attributes":[{"name":"churn","value":7}]}"#.into()),
        ("Ada", buys("a-1")),
        ("Ada", r#""alias_linked":{"kind":"card","name":"4711"}"#.into()),
        ("Ada", r#""hold":{"hold":"h-1","points":10,"order":"o-1"}"#.into()),
        ("Ada", r#""exchange_out":{"exchange":"skyhigh","reference":"r-1","points":30}"#.into()),
        ("Ada", r#""credit":{"points":2000,"reason":"sorry","by":"ann"}"#.into()),
        ("Ada", r#""settled":{"order":"a-1"}"#.into()),
        ("Ada", buys("a-2")),
        ("Ada", r#""refunded":{"order":"later","currency":"EUR","amount":100}"#.into()),
        ("Ben", r#""enrolled":{}"#.into()),
        ("Ada", r#""referral":{"referee":"Ben"}"#.into()),
        ("Ben", seen.clone()),
        ("Cy", seen.clone()),
        ("Cy", buys("c-1")),
        ("Ben", r#""frozen":{"scope":"FREEZE_SCOPE_REDEEM","reason":"stolen"}"#.into()),
        ("Ben", r#""redeem":{"points":1}"#.into()),
    ];
    let line =
        |(n, (member, said)): (usize, &(&str, String))| event(n as u32 + 1, "2026-01-05T09:00:00Z", member, said);
    rows.iter().enumerate().map(line).collect()
}

#[test]
fn every_question_has_one_answer_whoever_asks() {
    let place = Place::new();
    let program = place.file("everything.toml", EVERYTHING);
    let file = place.file("events.jsonl", &everything());
    let ran = place.ask(&format!("import {file} --program {program}"));
    assert!(ran.err.contains("21 accepted, 1 refused") || ran.out.contains("21 accepted, 1 refused"), "{ran:?}");
    let members = ["home", "Ada", "Old", "card:4711", "Ben", "Cy"];
    let ada = place.ask("member Ada --json").exits(0).json();
    assert_eq!((&ada["household"], &ada["merged"][0]["name"]), (&"home".into(), &"Old".into()), "{ada}");
    for list in ["holds", "exchanges", "proposals", "parked_events", "aliases", "attributes", "open_cases"] {
        let of = if list == "open_cases" { place.ask("member Cy --json").exits(0).json() } else { ada.clone() };
        assert!(of[list].as_array().is_some_and(|list| !list.is_empty()), "{list} is tried: {of}");
    }
    let some = |member: &str, points: &str| {
        let told = place.ask(&format!("member {member} --json")).exits(0).json();
        let purses = told["purses"].as_array().expect("a list").clone();
        assert!(purses.iter().any(|purse| purse[points].as_i64() > Some(0)), "{points} of {member}: {told}");
    };
    for points in ["available", "held", "pending", "exchanging"] {
        some("Ada", points);
    }
    some("Cy", "in_review");
    assert_eq!(place.ask("member home --json").exits(0).json()["household_members"][0], "Ada");
    assert_eq!(place.ask("member Ben --json").exits(0).json()["referrer"], "Ada");
    let mut questions: Vec<String> = Vec::new();
    for member in members {
        for about in ["member", "member --as-of 20", "member --as-of 2026-01-06", "replay", "explain", "counters"] {
            questions.push(format!("{about} {member}"));
        }
        questions.push(format!("explain {member} --wallet miles"));
        questions.push(format!("quote {member} 1"));
    }
    questions.extend((0..30).map(|position| format!("explain --position {position}")));
    questions.extend((0..30).map(|id| format!("explain --event till {id}")));
    for (kind, value) in KEYS {
        let counted = place.ask(&format!("counters --key {kind} {value} --json")).exits(0).json();
        assert_eq!(counted["counters"][0]["name"], format!("by_{kind}"), "{counted}");
        questions.push(format!("counters --key {kind} {value}"));
    }
    say("counters").exits(2);
    place.ask("counters --key shoe 43").exits(2).has(&["device, ip, phone, ip_prefix, payment, address"]);
    questions.extend(["totals", "cases", "cases --open", "member nobody", "counters nobody"].map(String::from));
    let questions: Vec<String> = questions.iter().flat_map(|one| [one.clone(), format!("{one} --json")]).collect();
    let told = |ran: Ran| (ran.code, ran.out, ran.err);
    let offline: Vec<_> = questions.iter().map(|question| told(place.ask(question))).collect();
    let server = Server::start(&place);
    for (question, offline) in questions.iter().zip(offline) {
        assert_eq!(told(say(&format!("{question} --server {}", server.address))), offline, "{question}");
    }
    server.stop();
    place.ask("verify").exits(0);
}
