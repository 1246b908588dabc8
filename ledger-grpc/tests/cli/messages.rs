//! `ledgerd kafka check`: what a message becomes, without a broker. Messages as libraries of CloudEvents and shops
//! write them, and the files that say how they are read.

use super::{Place, Ran, run};
use serde_json::{Value, json};

const HEAD: &str = "brokers = \"b\"\ngroup = \"g\"\ndead_letters = \"d\"\n[properties]\n\
    \"sasl.password\" = { env = \"NOBODY_HAS_THIS\" }\n";
const CLOUD: &str = "[[topic]]\nname = \"cloud\"\nformat = \"cloudevents\"\n";
const SHOP: &str = r#"
[[topic]]
name = "shop"
format = "mapped"
unmatched = "skip"

[[topic.event]]
when = { "/customer" = { present = false } }
skip = "guests"

[[topic.event]]
when = { "/line_items" = { present = true } }
says = "purchase"
source = "shop"
id = "/id"
occurred_at = { local = "/created_at", timezone = "Europe/Berlin" }
member = "/customer/id"
channel = { text = "/source_name", map = { pos = "store", web = "online" }, otherwise = "other" }
store = "/location_id"
employee = "/cashier"
payment = "/card"

[topic.event.body]
order = "/name"
currency = "/currency"
lines = { each = "/line_items", quantity = { number = "/quantity" },
          net = { major = "/price", digits = 2, round = "half_up" } }
"#;

fn check(place: &Place, config: &str, message: &str, more: &[&str]) -> Ran {
    let config = place.file("kafka.toml", &format!("{HEAD}{config}"));
    let message = place.file("message", message);
    let mut line = vec!["kafka", "check", "--config", &config, "--message", &message];
    line.extend(more);
    run(line)
}

fn cloud(changes: &[(&str, Value)]) -> String {
    let mut event = json!({
        "specversion": "1.0", "type": "ledger.v1.purchase", "source": "shop", "id": "1",
        "time": "2026-01-05T10:00:00Z", "subject": "M1",
        "data": { "order": "1", "currency": "EUR", "lines": [{ "net": 1000 }] },
    });
    for (name, value) in changes {
        event[*name] = value.clone();
        if value == "-" {
            event.as_object_mut().unwrap().remove(*name);
        }
    }
    event.to_string()
}

fn order(field: &str, value: Value) -> String {
    let mut order = json!({
        "id": 1001, "created_at": "2026-01-05T10:00:00Z", "name": "#1", "currency": "EUR", "customer": { "id": "M1" },
        "line_items": [{ "quantity": 1, "price": "10.00" }],
    });
    match field {
        "price" | "quantity" => order["line_items"][0][field] = value,
        field => order[field] = value,
    }
    order.to_string()
}

#[test]
fn a_cloud_event_as_any_library_writes_it_is_an_event_or_names_the_attribute() {
    let place = Place::new();
    let check = |changes: &[(&str, Value)]| check(&place, CLOUD, &cloud(changes), &[]);
    let lines = json!([{ "quantity": 1, "net": 1000 }]);
    let plain = check(&[]).exits(0).json();
    let expected = json!({ "source": "shop", "id": "1", "occurred_at": "2026-01-05T10:00:00Z", "member": "M1",
        "purchase": { "order": "1", "currency": "EUR", "lines": lines } });
    assert_eq!(plain, expected);
    assert_eq!(check(&[("channel", "app".into())]).exits(0).json()["channel"], "app");
    let data = "eyJvcmRlciI6IjEiLCJjdXJyZW5jeSI6IkVVUiIsImxpbmVzIjpbeyJuZXQiOjEwMDB9XX0=";
    for same in [
        vec![("data", "-".into()), ("data_base64", data.into())],
        vec![("time", "2026-01-05t10:00:00z".into())],
        vec![("time", "2026-01-05T11:00:00+01:00".into())],
        vec![("datacontenttype", "application/vnd.shop.order+json; charset=utf-8".into())],
        vec![("partitionkey", "x".into()), ("traceparent", "00-1".into()), ("sequence", 7.into())],
    ] {
        assert_eq!(check(&same).exits(0).json(), expected, "{same:?}");
    }
    // Whoever adds an attribute for somebody else hears of it, and loses nothing.
    let unknown = check(&[("chanel", "app".into())]).exits(0).has(&["chanel", "left aside"]);
    assert_eq!(serde_json::from_str::<Value>(unknown.out.trim()).unwrap(), expected);
    for data in ["-".into(), Value::Null] {
        let told = check(&[("type", "ledger.v1.check_in".into()), ("data", data)]).exits(0).json();
        assert_eq!(told["check_in"], json!({}));
    }
    for (changes, told) in [
        ([("time", "-".into())], "no event: missing field `time`: send when it happened"),
        ([("subject", "-".into())], "no event: event.member must not be empty"),
        ([("time", "noon".into())], "no event: time: \"noon\" is not an instant"),
        ([("specversion", "1.0.2".into())], "specversion must be \"1.0\""),
        ([("type", "com.shop.order".into())], "type \"com.shop.order\" is no event"),
        (
            [("data", json!({ "order": "1", "currency": "EUR", "lines": [{ "net": "x" }] }))],
            "data.lines[0].net: \"x\" is",
        ),
    ] {
        check(&changes).exits(1).has(&[told]);
    }
    let batch = format!("[{},{}]", cloud(&[]), cloud(&[("id", "2".into()), ("time", "-".into())]));
    let told = super::messages::check(&place, CLOUD, &batch, &[]).exits(1).has(&["no event: [1] (id \"2\"): missing"]);
    assert_eq!(told.out.lines().count(), 2, "{told:?}");
}

#[test]
fn headers_say_how_a_message_is_written() {
    let place = Place::new();
    let headers = ["specversion=1.0", "type=ledger.v1.check_in", "source=shop", "id=1", "subject=M1", "channel=app"];
    let mut more: Vec<String> = headers.iter().map(|header| format!("--headers=ce_{header}")).collect();
    more.push("--headers=ce_time=2026-01-05T10:00:00Z".into());
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let told = check(&place, SHOP, "", &[&more[..], &["--key", "M2"]].concat()).exits(0);
    assert_eq!(told.json()["channel"], "app");
    told.has(&["note: the key is \"M2\" and the member \"M1\""]);
    check(&place, CLOUD, "", &["--headers", "nothing"]).exits(2).has(&["ce_type=ledger.v1.purchase"]);
}

#[test]
fn a_shops_own_json_is_an_event_or_says_which_rule_wants_what() {
    let place = Place::new();
    let check = |field: &str, value: Value| check(&place, SHOP, &order(field, value), &[]);
    let read = |field: &str, value: Value| check(field, value).exits(0).has(&["by event[1]"]).json();
    assert_eq!(read("source_name", "pos".into())["channel"], "store");
    assert_eq!(read("location_id", 17.into())["store"], "17");
    assert_eq!(read("cashier", 4.into())["employee"], "4");
    assert_eq!(read("card", "4711".into())["payment"], "4711");
    let net = |value: Value| read("price", value)["purchase"]["lines"][0]["net"].clone();
    assert_eq!(net("10.1250".into()), 1013);
    assert_eq!(net("-5.00".into()), -500);
    assert_eq!(net(json!(0.1 + 0.2)), 30);
    assert_eq!(net(1e2.into()), 10_000);
    for two in [json!(2), json!(2.0), json!("2")] {
        assert_eq!(read("quantity", two)["purchase"]["lines"][0]["quantity"], 2);
    }
    let at = |text: &str| read("created_at", text.into())["occurred_at"].clone();
    for text in ["2026-01-05 10:00:00", "2026-01-05T10:00:00", "2026-01-05T10:00:00+0100"] {
        assert_eq!(at(text), "2026-01-05T09:00:00Z", "{text}");
    }
    for (field, value, told) in [
        (
            "price",
            json!("10,00"),
            "by event[1]: purchase.lines[0].net: in /line_items/0, /price is \"10,00\", no number",
        ),
        ("price", json!("€10.00"), "no number"),
        ("quantity", json!(0.345), "/quantity is 0.345, with more than 0 digits behind the point; declare"),
        ("quantity", json!(0), "event.purchase.lines[0].quantity"),
        ("created_at", json!("Mon, 05 Jan 2026"), "occurred_at: /created_at is \"Mon, 05 Jan 2026\", no time such as"),
        ("customer", json!({ "id": null }), "event.member must not be empty"),
        ("name", json!(4711), "purchase.order: invalid type: integer `4711`"),
    ] {
        check(field, value).exits(1).has(&["by event[1]: ", told]);
    }
    assert_eq!(check("customer", Value::Null).exits(0).out, "skipped: guests\n");
    assert_eq!(check("line_items", Value::Null).exits(0).out, "skipped: unmatched\n");
}

#[test]
fn what_is_wrong_with_the_files_is_told_with_its_line() {
    let place = Place::new();
    check(&place, &format!("{CLOUD}{SHOP}"), "{}", &[]).exits(2).has(&["--topic", "cloud, shop"]);
    check(&place, &format!("{CLOUD}{SHOP}"), "{}", &["--topic", "shop"]).exits(0);
    check(&place, CLOUD, "{}", &["--topic", "shop"]).exits(2).has(&["no topic \"shop\"; write one of cloud"]);
    let wrong = SHOP.replace("net = {", "nett = {").replace("Europe/Berlin", "Berlin");
    let told = check(&place, &wrong, "{}", &[]).exits(2);
    let lines = HEAD.lines().count();
    for (line, part) in [
        (16, "topic[0].event[1].occurred_at.timezone: \"Berlin\" is no time zone; write one such as"),
        (27, "topic[0].event[1].body.lines.nett: is no field of Line; known are sku, quantity, net"),
    ] {
        let told_there = format!("kafka.toml:{}: {part}", lines + line);
        assert!(told.err.contains(&told_there), "no {told_there:?} in {told:?}");
    }
    run(["kafka", "check", "--config", "nowhere", "--message", "nowhere"]).exits(3).has(&["cannot read nowhere"]);
}
