use super::*;
use crate::kafka::config::{Config, Format};
use serde_json::json;

const HEAD: &str =
    "brokers = \"b\"\ngroup = \"g\"\ndead_letters = \"d\"\n[[topic]]\nname = \"pos\"\nformat = \"mapped\"\n";

const POS: &str = r#"
    [[topic.event]]
    when = { "/kind" = "SALE" }
    says = "purchase"
    source = "pos"
    id = "/receipt/no"
    occurred_at = { millis = "/at" }
    member = "/customer/card"
    [topic.event.body]
    order = { text = "/receipt/no" }
    currency = "/receipt/currency"
    lines = { each = "/items", sku = "/code", quantity = { number = "/count" }, net = { major = "/total" } }
    [[topic.event]]
    when = { "/kind" = "VISIT", "/app" = true }
    says = "check_in"
    source = { literal = "/app" }
    id = "/visit"
    occurred_at = "/time"
    member = "/customer/card"
"#;

/// A shop's orders, with what shops have: prices by quantity, coupons, delivery, local times, names of their own.
const SHOP: &str = r#"
    unmatched = "skip"
    [[topic.event]]
    when = { "/status" = ["draft", "test"] }
    skip = "no sale yet"
    [[topic.event]]
    when = { "/customer" = { present = false } }
    skip = "guests"
    [[topic.event]]
    when = { "/status" = "paid", "/version" = 2 }
    says = "purchase"
    source = "shop"
    id = "/id"
    occurred_at = { local = "/created_at", timezone = "Europe/Berlin" }
    member = "/customer/id"
    channel = { text = "/source_name", map = { POS = "store", web = "online" }, otherwise = "other" }
    store = { text = "/location_id", map = { 7 = "berlin" } }
    employee = "/cashier"
    payment = "/card"
    terminal = 4
    [topic.event.body]
    order = { text = "/name" }
    currency = "/currency"
    lines = [
        { each = "/items", when = { "/gift" = false }, sku = "/sku", quantity = { number = "/qty", round = "up" },
          net = { major = "/price", times = "/qty", round = "half_up" } },
        { each = "/coupons", sku = "coupon", net = { major = "/off", negate = true } },
        { sku = "delivery", net = { major = "/delivery", digits = 2 } },
    ]
"#;

fn mapping(rules: &str) -> Mapping {
    let mut config = Config::read(&format!("{HEAD}{rules}"), &|_| None).expect("it has no faults");
    match config.topics.remove(0).format {
        Format::Mapped(mapping) => mapping,
        other => panic!("{other:?}"),
    }
}

fn faults(rules: &str) -> Vec<String> {
    let faults = Config::read(&format!("{HEAD}{rules}"), &|_| None).expect_err("it has faults");
    faults.iter().map(ToString::to_string).collect()
}

/// The event of a message.
fn event(rules: &str, message: &str) -> Result<Value, String> {
    match mapping(rules).event(message.as_bytes())? {
        Said::Event { event, .. } => event.map_err(String::from),
        Said::Nothing(why) => panic!("skipped: {why}"),
    }
}

fn skipped(rules: &str, message: &str) -> String {
    match mapping(rules).event(message.as_bytes()) {
        Ok(Said::Nothing(why)) => why,
        _ => panic!("it is not skipped"),
    }
}

#[test]
fn a_shops_own_json_is_read_by_rules() {
    let sale = json!({
        "kind": "SALE", "at": 1_767_225_600_123_i64, "customer": { "card": "M1" },
        "receipt": { "no": 4711, "currency": "EUR" },
        "items": [{ "code": "tea", "count": "2", "total": "19.90" }, { "code": null, "count": 2.0, "total": 3.5 }],
    });
    let read = json!({
        "source": "pos", "id": "4711", "occurred_at": "2026-01-01T00:00:00.123Z", "member": "M1",
        "purchase": { "order": "4711", "currency": "EUR", "lines": [
            { "sku": "tea", "quantity": 2, "net": 1990 }, { "quantity": 2, "net": 350 },
        ] },
    });
    assert_eq!(event(POS, &sale.to_string()), Ok(read));
    let visit = json!({ "kind": "VISIT", "app": true, "visit": "v-1", "time": "t", "customer": { "card": "M1" } });
    let read = json!({ "source": "/app", "id": "v-1", "occurred_at": "t", "member": "M1", "check_in": {} });
    assert_eq!(event(POS, &visit.to_string()), Ok(read));
}

#[test]
fn an_order_as_shops_write_it_is_a_purchase() {
    // Written as text: its numbers are not those of a floating-point number.
    let order = r##"{
        "id": 12345678901234567890123, "status": "paid", "version": 2.0, "name": "#1001", "currency": "EUR",
        "created_at": "2026-01-05 10:00:00", "customer": { "id": 77 }, "source_name": "POS", "location_id": 7,
        "cashier": 12, "card": "4711", "delivery": "4.90",
        "items": [
            { "sku": "tea", "qty": 3, "price": "19.99", "gift": false },
            { "sku": "bag", "qty": 1, "price": "0.00", "gift": true },
            { "sku": "ham", "qty": 0.345, "price": 19.90, "gift": false },
            { "sku": "bottle", "qty": "2", "price": -0.25, "gift": false }
        ],
        "coupons": [{ "off": "5.00" }]
    }"##;
    let read = json!({
        "source": "shop", "id": "12345678901234567890123", "occurred_at": "2026-01-05T09:00:00Z", "member": "77",
        "channel": "store", "store": "berlin", "terminal": "4", "employee": "12", "payment": "4711",
        "purchase": { "order": "#1001", "currency": "EUR", "lines": [
            { "sku": "tea", "quantity": 3, "net": 5997 },
            { "sku": "ham", "quantity": 1, "net": 687 },
            { "sku": "bottle", "quantity": 2, "net": -50 },
            { "sku": "coupon", "net": -500 },
            { "sku": "delivery", "net": 490 },
        ] },
    });
    assert_eq!(event(SHOP, order), Ok(read));
    let picked_up = order.replace(r#""delivery": "4.90","#, "");
    let lines = event(SHOP, &picked_up).map(|event| event["purchase"]["lines"].as_array().map_or(0, Vec::len));
    assert_eq!(lines, Ok(4), "what is not there is no line");
    let other = order.replace("\"POS\"", "\"fax\"");
    assert_eq!(event(SHOP, &other).expect("it is an event")["channel"], "other");
    let nowhere = order.replace("\"location_id\": 7", "\"location_id\": 8");
    let problem = "store: \"8\" is not in its map; add it, or say what any other value is: otherwise = …";
    assert_eq!(event(SHOP, &nowhere), Err(problem.to_owned()));
}

#[test]
fn what_is_to_be_passed_over_is_no_fault() {
    assert_eq!(skipped(SHOP, r#"{ "status": "draft" }"#), "no sale yet");
    assert_eq!(skipped(SHOP, r#"{ "status": "paid", "customer": null }"#), "guests");
    assert_eq!(skipped(SHOP, r#"{ "status": "paid", "customer": { "id": 1 }, "version": 3 }"#), "unmatched");
    assert_eq!(skipped(SHOP, "[]"), "guests", "what is no object has no customer");
}

#[test]
fn what_no_rule_can_read_says_why() {
    let problem = |rules: &str, message: Value| event(rules, &message.to_string()).expect_err("it cannot be read");
    assert_eq!(
        problem(POS, json!({ "kind": "VISIT", "app": false })),
        "no rule of the mapping matches: event[0] wants /kind = \"SALE\", and it is \"VISIT\"; \
         event[1] wants /app = true, and it is false"
    );
    let told = problem(POS, json!({ "kind": "x".repeat(9_000) }));
    assert!(told.len() < 300, "{told}");
    let item = |total: Value| json!({ "kind": "SALE", "items": [{ "total": 1 }, { "total": total }] });
    for total in ["1,00", "", ".5", "€10.00", " 10.00 ", "1,234.50"] {
        let told = problem(POS, item(total.into()));
        assert_eq!(told, format!("purchase.lines[1].net: in /items/1, /total is {total:?}, no number"));
    }
    let digits = problem(POS, item("10.1250".into()));
    assert!(
        digits.starts_with("purchase.lines[1].net: in /items/1, /total is \"10.1250\", with more than 2"),
        "{digits}"
    );
    assert!(digits.contains("round = \"half_up\""), "{digits}");
    assert!(problem(POS, item("1e30".into())).ends_with("too large a number"));
    assert_eq!(problem(POS, json!({ "kind": "SALE", "items": 7 })), "purchase.lines: /items is 7, no list");
    assert_eq!(
        problem(POS, json!({ "kind": "SALE", "at": "noon" })),
        "occurred_at: /at is \"noon\", no count since 1970"
    );
    let order = |field: &str, value: Value| {
        let mut order = json!({ "status": "paid", "version": 2, "customer": { "id": 1 } });
        order[field] = value;
        problem(SHOP, order)
    };
    let time = order("created_at", "5 January".into());
    assert_eq!(time, "occurred_at: /created_at is \"5 January\", no time such as 2026-01-31T09:00:00");
    let alone = order("items", json!([{ "gift": false, "price": 1 }]));
    assert_eq!(alone, "purchase.lines[0].net: in /items/0, /qty, by which /price counts, is not there");
    assert!(event(POS, "{").expect_err("no JSON").starts_with("is no JSON: EOF"));
    let twice = event(POS, r#"{"a":1,"a":1}"#).expect_err("twice");
    assert!(twice.contains("comes twice"), "{twice}");
}

#[test]
fn dates_without_a_zone_are_those_of_the_declared_one() {
    let at = |text: &str| {
        let order = json!({ "status": "paid", "version": 2, "customer": { "id": 1 }, "created_at": text });
        event(SHOP, &order.to_string()).map(|event| event["occurred_at"].as_str().unwrap_or_default().to_owned())
    };
    for text in [
        "2026-01-05T10:00:00",
        "2026-01-05 10:00:00",
        "2026-01-05 10:00",
        "2026-01-05T10:00:00+01:00",
        "2026-01-05T10:00:00+0100",
        "2026-01-05T09:00:00Z",
        "2026-01-05t09:00:00z",
    ] {
        assert_eq!(at(text), Ok("2026-01-05T09:00:00Z".to_owned()), "{text}");
    }
    assert_eq!(at("2026-01-05T10:00:00.250"), Ok("2026-01-05T09:00:00.250Z".to_owned()));
    assert_eq!(at("2026-07-05"), Ok("2026-07-04T22:00:00Z".to_owned()), "the first instant of the day");
    assert_eq!(at("2026-10-25T02:30:00"), Ok("2026-10-25T00:30:00Z".to_owned()), "the first of the two");
    assert_eq!(at("2026-03-29T02:30:00"), Ok("2026-03-29T01:30:00Z".to_owned()), "an hour that clocks leave out");
    for text in ["", "2026-01", "05.01.2026", "2026-13-01", "2026-01-05T10", "2026-01-05T10:00:00 Berlin", "20260105"] {
        assert!(at(text).is_err(), "{text}");
    }
    assert!(at("2026-01-05T10:00:00[Asia/Tokyo]").is_err());
}

#[test]
fn a_rule_with_faults_names_them_and_what_to_write() {
    let rules = r#"
        unmatched = "ignore"
        [[topic.event]]
        when = { "kind" = "SALE", "/n" = 1.5 }
        says = "bought"
        source = "pos"
        id = "/a~b"
        occurred_at = { milis = "/at" }
        [[topic.event]]
        says = "purchase"
        source = true
        id = { text = "receipt" }
        occurred_at = { local = "/at", timezone = "Berlin" }
        member = { each = "/members" }
        [topic.event.body]
        ordr = "/no"
        order = { major = "/no" }
        currency = 7
        lines = { each = "/items", when = { "/x" = [] }, sku = { number = "/s" }, kind = 1,
                  net = { major = "/t", digits = 12, round = "near", negate = "no" } }
        [[topic.event]]
        skip = ""
        says = "purchase"
    "#;
    let expected = expect_test::expect![[r#"
        line 8: topic[0].unmatched: must be "skip" or "dead_letter"
        line 10: topic[0].event[0].when./n: must be a pointer and what is there: "/kind" = "SALE", = ["SALE", "OR
        line 10: topic[0].event[0].when.kind: must be a pointer and what is there: "/kind" = "SALE", = ["SALE", "
        line 11: topic[0].event[0].says: "bought" is no event; write one of enrolled, attributes_set, purchase, c
        line 13: topic[0].event[0].id: must be a pointer such as "/receipt/no"; in it ~1 is a slash and ~0 a tild
        line 14: topic[0].event[0].occurred_at: must be one value; a table has one of text, number, major, millis
        line 17: topic[0].event[1].source: must be a text in quotes; true is none
        line 18: topic[0].event[1].id.text: must be a pointer such as "/receipt/no"; in it ~1 is a slash and ~0 a
        line 19: topic[0].event[1].occurred_at.timezone: "Berlin" is no time zone; write one such as "Europe/Berl
        line 20: topic[0].event[1].member: must be one value: member is no list
        line 22: topic[0].event[1].body.ordr: is no field of Purchase; known are order, currency, lines, shipping
        line 23: topic[0].event[1].body.order: is a number, and order is none; write text = …
        line 24: topic[0].event[1].body.currency: must be a text in quotes; 7 is none
        line 25: topic[0].event[1].body.lines.when./x: must be a pointer and what is there: "/kind" = "SALE", = [
        line 25: topic[0].event[1].body.lines.kind: is no field of Line; known are sku, quantity, net, category,
        line 25: topic[0].event[1].body.lines.sku: is a number, and sku is none; write text = …
        line 26: topic[0].event[1].body.lines.net.digits: must be 0 to 9
        line 26: topic[0].event[1].body.lines.net.round: must be one of "half_up", "half_even", "down", "up"
        line 26: topic[0].event[1].body.lines.net.negate: must be true or false
        line 27: topic[0].event[2]: is never asked: event[1] has no `when` and takes every message; put it last
        line 28: topic[0].event[2].skip: must be a text in quotes, and not empty
        line 29: topic[0].event[2].says: is not known here; known are when, skip
    "#]];
    // Cut where lines become long.
    let told = faults(rules)
        .iter()
        .map(|fault| fault.chars().take(105).collect::<String>().trim_end().to_owned() + "\n")
        .collect::<String>();
    expected.assert_eq(&told);
    let one = |body: &str| {
        let head = "[[topic.event]]\nsays = \"purchase\"\nsource = \"s\"\nid = \"/i\"\noccurred_at = \"/t\"\n";
        faults(&format!("{head}[topic.event.body]\n{body}")).join("\n")
    };
    assert!(one("lines = { sku = \"/s\" }").contains("must be a list"));
    assert!(one("lines = [\"/a\", { text = \"/b\" }, [1]]").contains("must be a table"));
    assert!(one("order = [\"/a\"]").contains("order is no list"));
    assert!(one("order = { text = \"/a\", otherwise = \"x\" }").contains("stands beside `map`"));
    assert!(one("order = { text = \"/a\", map = { x = 1 } }").contains("must be a text in quotes; 1 is none"));
    assert!(one("order = { text = \"/a\", digits = 2 }").contains("is not known here"));
}
