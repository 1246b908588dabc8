//! Baskets and amounts as shops write them, from a line of a file to what is shown.

use super::{Place, Ran};
use std::fmt::Write;

const SHOP: &str = r#"id = "shop"
timezone = "Europe/Berlin"
currency = "EUR"

[[wallet]]
id = "points"
cost = { money = "1.00", points = 20 }

[redeem]
min = 100
step = 50
per_order = 470

[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
"#;

/// Imports events of a till, each of a member, with consecutive ids.
fn import(place: &Place, program: &str, said: &[(&str, String)]) -> Ran {
    let mut text = String::new();
    for (n, (member, body)) in said.iter().enumerate() {
        let head = format!(r#""source":"till","id":"{n}","occurred_at":"2026-01-05T10:00:00Z","member":"{member}""#);
        writeln!(text, "{{{head},{body}}}").expect("a text grows");
    }
    let (program, file) = (place.file("program.toml", program), place.file("events.jsonl", &text));
    place.ask(&format!("import {file} --program {program}"))
}

fn purchase(currency: &str, lines: &str) -> String {
    format!(r#""purchase":{{"order":"o","currency":"{currency}","lines":[{lines}]}}"#)
}

#[test]
fn goods_are_sold_by_weight_and_money_is_in_cents() {
    let place = Place::new();
    let said = [
        ("M1", purchase("EUR", r#"{"sku":"cheese","quantity":0.345,"net":689}"#)),
        ("M2", purchase("EUR", r#"{"sku":"tea","quantity":1.0,"net":689}"#)),
        ("M3", purchase("EUR", r#"{"sku":"tea","quantity":2,"net":6.89}"#)),
        ("M4", purchase("EUX", r#"{"net":689}"#)),
        ("M1", r#""refunded":{"order":"o","currency":"EUR","lines":[{"sku":"cheese","quantity":0.145}]}"#.into()),
    ];
    import(&place, SHOP, &said).exits(1).has(&[
        "line 3: purchase.lines[0].net: 6.89 is not a whole number; points are whole, and money is in cents",
        "line 4: purchase.currency EUX is no money of ISO 4217; send the code of one, such as EUR",
    ]);
    place.ask("member M1").exits(0).has(&["available 3,"]);
    place.ask("member M2").exits(0).has(&["available 6,"]);
    place.ask("explain --event till 4").exits(0).has(&["refunded o 0.145 items of cheese"]);
    place.ask("verify").exits(0);
}

#[test]
fn amounts_are_shown_in_the_currency_of_the_event() {
    let place = Place::new();
    let yen = SHOP.replace("EUR", "JPY").replace("\"1.00\"", "\"100\"");
    let refund = r#""refunded":{"order":"o","currency":"GBP","amount":100000}"#.to_owned();
    let said = [("M1", purchase("JPY", r#"{"net":1250}"#)), ("M1", refund), ("M2", purchase("KWD", r#"{"net":1250}"#))];
    import(&place, &yen, &said).exits(0).has(&["refused CURRENCY_MISMATCH: 2"]);
    place
        .ask("explain --event till 0")
        .exits(0)
        .has(&["purchase o 1,250 JPY", "12 issued -> available, usable for ever"]);
    place.ask("explain --event till 1").exits(0).has(&["refunded o 1,000.00 GBP", "CURRENCY_MISMATCH"]);
    place.ask("explain --event till 2").exits(0).has(&["purchase o 1.250 KWD"]);
    place.ask("totals").exits(0).has(&["all points at 100 JPY for 20 as the program says now"]);
}

#[test]
fn an_order_may_have_ten_thousand_lines_and_one_more_is_told() {
    let place = Place::new();
    let lines = |count: usize| {
        let line = |n: usize| format!(r#"{{"sku":"https://shop.example/goods/with/a/name/{n:05}","net":100}}"#);
        (0..count).map(line).collect::<Vec<_>>().join(",")
    };
    let said = [
        ("M1", purchase("EUR", &lines(10_000))),
        ("M2", purchase("EUR", &lines(10_001))),
        ("M3", purchase("EUR", r#"{"quantity":13000,"net":1300000}"#)),
        ("M1", r#""cancelled":{"order":"o"}"#.into()),
    ];
    import(&place, SHOP, &said).exits(1).has(&["line 2: purchase.lines has 10001 lines; send 1 to 10000"]);
    place.ask("member M1 --as-of 2").exits(0).has(&["available 10,000,"]);
    place.ask("member M1").exits(0).has(&["available 0,"]);
    place.ask("member M3").exits(0).has(&["available 13,000,"]);
    place.ask("replay M1 --json").exits(0);
    place.ask("verify").exits(0);
}

#[test]
fn a_quote_says_the_most_that_could_be_redeemed() {
    let place = Place::new();
    let given = |points: i64| format!(r#""credit":{{"points":{points},"reason":"r"}}"#);
    let enrolled = || r#""enrolled":{}"#.to_owned();
    let said = [("M1", given(999)), ("M2", given(99)), ("M3", given(349))];
    let said = said.into_iter().flat_map(|(member, given)| [(member, enrolled()), (member, given)]);
    import(&place, SHOP, &said.collect::<Vec<_>>()).exits(0);
    // 470 for one order, in steps of 50: 450.
    place.ask("quote M1 500 --order o-1").exits(1).has(&["(REDEEM_MAX_PER_ORDER)", "at most 450 could be redeemed"]);
    place.ask("quote M1 100").exits(0).has(&["it would take", "at most 450 could be redeemed"]);
    place.ask("quote M2 50").exits(1).has(&["(REDEEM_BELOW_MIN)", "at most 0 could be redeemed"]);
    place.ask("quote M3 400").exits(1).has(&["(NOT_ENOUGH_POINTS)", "at most 300 could be redeemed"]);
}
