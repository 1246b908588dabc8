//! Moving in: files as shops and other systems write them, and members who come from there.

use super::{Place, Ran, event};
use serde_json::Value;
use std::fmt::Write;
use std::fs;

const SHOP: &str = r#"id = "shop"
timezone = "Europe/Berlin"
currency = "EUR"

[[wallet]]
id = "points"
expiry = { after = "12M" }

[tiers]
window = "365d"
downgrade_after = "90d"

[[tier]]
id = "basic"

[[tier]]
id = "gold"
at_least = "100.00"

[[earn]]
id = "base"
on = "purchase"
per = "1.00"
give = 1
"#;

const HEADER: &str = "member_id,timestamp,amount_minor_units,order_id\n";

/// Imports a file into the ledger of the place.
fn import(place: &Place, file: &str, more: &str) -> Ran {
    let program = place.file("shop.toml", SHOP);
    place.ask(&format!("import {file} --program {program} {more}"))
}

fn available(place: &Place, member: &str) -> Value {
    place.ask(&format!("member {member} --json")).exits(0).json()["purses"][0]["available"].clone()
}

/// A purchase of a file of events.
fn purchase(id: u32, at: &str, member: &str, cents: i64) -> String {
    let said = format!(r#""purchase":{{"order":"o-{id}","currency":"EUR","lines":[{{"net":{cents}}}]}}"#);
    event(id, at, member, &said)
}

#[test]
fn two_members_and_two_shops_may_number_their_orders_alike() {
    let place = Place::new();
    let berlin = format!("{HEADER}M1,2026-01-05T10:00:00Z,1000,1001\nM2,2026-01-06T10:00:00Z,2000,1001\n");
    import(&place, &place.file("berlin.csv", &berlin), "").exits(0).has(&["2 accepted, 0 refused"]);
    let hamburg = format!("{HEADER}M3,2026-01-07T10:00:00Z,3000,1001\nM1,2026-01-07T10:00:00Z,700,1002\n");
    import(&place, &place.file("hamburg.csv", &hamburg), "").exits(0).has(&["2 accepted, 0 refused"]);
    // What is sold twice under one number to one member is told, with its money.
    let bremen = format!("{HEADER}M1,2026-01-08T10:00:00Z,900,1001\n");
    let ran = import(&place, &place.file("bremen.csv", &bremen), "--source bremen").exits(0);
    ran.has(&["refused ORDER_EXISTS: M1: this order was recorded before", "not recorded: 1 purchases of 9.00 EUR"]);
    for (member, points) in [("M1", 17), ("M2", 20), ("M3", 30)] {
        assert_eq!(available(&place, member), points);
    }
}

#[test]
fn rows_that_are_lines_become_orders_and_none_is_lost_without_a_word() {
    let place = Place::new();
    let rows = "17850,2010-12-01T08:26:00Z,1530,536365\n17850,2010-12-01T08:26:00Z,2034,536365\n\
                17850,2010-12-01T08:26:00Z,1530,536365\n17850,2010-12-01T08:26:00Z,2200,536365\n\
                14527,2010-12-01T09:41:00Z,-2750,C536379\n,2010-12-01T11:52:00Z,0,536414\n";
    let file = place.file("lines.csv", &format!("{HEADER}17850,2010-12-01T08:00:00Z,100,536364\n{rows}"));
    let stopped = import(&place, &file, "").exits(3);
    stopped.has(&["line 4: order 536365 of 17850 is on line 3 already", "--lines-by order_id", "1 accepted"]);
    let ran = place.ask(&format!("import {file} --lines-by order_id")).exits(1);
    let ran = ran.has(&["1 rows were imported before", "1 accepted, 0 refused, 0 had come before, 2 rejected"]);
    let ran = ran.has(&["line 7: amount_minor_units is -2750, below 0; tell what came back as `refunded`"]);
    ran.has(&["line 8: member must not be empty", "4 rows became 1 orders", "not recorded: 1 purchases of -27.50 EUR"]);
    assert_eq!(available(&place, "17850"), 1 + 72);

    // A line that is none takes its order with it; a fifth column may say which rows are one order.
    let header = "member_id,timestamp,amount_minor_units,order_id,basket\n";
    let rows = "M1,2010-12-02T08:26:00Z,1000,a,1\nM1,2010-12-02T08:26:00Z,oops,b,1\nM1,2010-12-02T08:27:00Z,500,c,2\n";
    let file = place.file("baskets.csv", &format!("{header}{rows}"));
    let ran = place.ask(&format!("import {file} --lines-by basket")).exits(1);
    ran.has(&[
        "line 2: its line 3: amount_minor_units \"oops\"",
        "1 accepted",
        "not recorded: 1 purchases of 10.00 EUR",
    ]);
    assert_eq!(available(&place, "M1"), 5);
    place.ask(&format!("import {file}")).exits(3).has(&["the columns are", "they must be"]);
}

#[test]
fn a_row_that_repeats_another_of_its_file_is_told_with_its_money() {
    let place = Place::new();
    let text = format!(
        "{HEADER}M1,2026-01-05T10:00:00Z,1000,a\nM2,2026-01-05T10:00:00Z,500,b\nM1,2026-01-05T10:00:00Z,1000,a\n"
    );
    import(&place, &place.file("twice.csv", &text), "--rows 2").exits(0).has(&["2 accepted"]);
    let ran = place.ask(&format!("import {}", place.path("twice.csv"))).exits(1);
    ran.has(&[
        "line 4: says what a row before it says",
        "0 had come before",
        "repeated: 1 rows",
        "1 purchases of 10.00",
    ]);
    // In another file it had come before.
    let ran = place.ask(&format!("import {}", place.file("more.csv", &text.replace(",b\n", ",c\n")))).exits(0);
    ran.has(&["1 accepted, 0 refused, 2 had come before"]);
}

#[test]
fn files_are_read_as_editors_and_spreadsheets_save_them() {
    let rows = "M1,2026-01-05T10:00:00Z,1000,o-1\nM2,2026-01-06T10:00:00Z,2000,o-2\n";
    let plain = format!("{HEADER}{rows}");
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(bytes).collect() };
    let marked = format!("\u{feff}{plain}");
    let events = purchase(1, "2026-01-05T10:00:00Z", "M1", 1000) + &purchase(2, "2026-01-06T10:00:00Z", "M2", 2000);
    for (name, bytes) in [
        ("bom.csv", marked.clone().into_bytes()),
        ("little.csv", utf16(&marked, u16::to_le_bytes)),
        ("big.csv", utf16(&marked, u16::to_be_bytes)),
        ("semicolon.csv", plain.replace(',', ";").into_bytes()),
        ("sep.csv", format!("sep=;\r\n{}", plain.replace(',', ";")).into_bytes()),
        ("tab.tsv", plain.replace(',', "\t").into_bytes()),
        ("crlf.csv", plain.replace('\n', "\r\n").into_bytes()),
        ("bom.jsonl", format!("\u{feff}{events}").into_bytes()),
        ("little.jsonl", utf16(&format!("\u{feff}{events}"), u16::to_le_bytes)),
    ] {
        let place = Place::new();
        let file = place.path(name);
        fs::write(&file, bytes).unwrap();
        import(&place, &file, "").exits(0).has(&["2 accepted"]);
        assert_eq!(available(&place, "M2"), 20, "{name}");
    }
    let list = format!("[\n{}]", events.replacen("}}\n", "}},\n", 1));
    let spread = "{\n  \"source\": \"s\",\n  \"id\": \"1\"\n}\n";
    for (name, bytes, told) in [
        ("list.json", list.into_bytes(), "is a JSON list; write one event on each line, as `jq -c '.[]'` does"),
        ("spread.json", spread.into(), "go on over several lines; write each on one line, as `jq -c .` does"),
        ("unmarked.csv", utf16(&plain, u16::to_le_bytes), "UTF-16 without a byte order mark has; save it as UTF-8"),
        ("unmarked.jsonl", utf16(&events, u16::to_be_bytes), "UTF-16 without a byte order mark has"),
        ("sep.csv", b"sep=x\nmember_id".to_vec(), "sep=x is no delimiter"),
    ] {
        let place = Place::new();
        let file = place.path(name);
        fs::write(&file, bytes).unwrap();
        let ran = import(&place, &file, "").exits(3).has(&[told]);
        assert_eq!(ran.err.lines().count(), 2, "one message beside that of the program: {ran:#?}");
    }
}

#[test]
fn one_wrong_year_is_told_before_anything_behind_it_is_judged() {
    let place = Place::new();
    let rows = [
        purchase(1, "2024-01-10T10:00:00Z", "M1", 10_000),
        purchase(2, "2024-02-10T10:00:00Z", "M2", 20_000),
        purchase(3, "2026-01-20T10:00:00Z", "M3", 500),
        event(4, "2024-02-12T10:00:00Z", "M1", r#""redeem":{"points":60,"order":"r-1"}"#),
        purchase(5, "2024-03-01T10:00:00Z", "M2", 3_000),
    ];
    let wrong = place.file("history.jsonl", &rows.concat());
    let ran = import(&place, &wrong, "").exits(3).has(&["2 accepted, 0 refused", "the ledger has 3 records"]);
    ran.has(&["line 3: 2026-01-20T10:00:00Z is 710 days ahead of line 2", "2 rows behind it lie before it"]);
    let mended = place.file("mended.jsonl", &rows.concat().replace("2026-01-20", "2024-02-11"));
    let ran = place.ask(&format!("import {mended}")).exits(0);
    ran.has(&["3 accepted, 0 refused, 2 had come before"]);
    assert_eq!(place.ask("member M1 --as-of 2024-02-13 --json").exits(0).json()["purses"][0]["available"], 40);

    // The first row has none before it: the one behind it shows that one of both is wrong.
    let place = Place::new();
    let file = place.file("first.jsonl", &[&rows[2], &rows[0], &rows[1]].map(String::as_str).concat());
    let ran = import(&place, &file, "").exits(3);
    ran.has(&["line 2: 2024-01-10T10:00:00Z is 741 days before line 1", "mend the time, sort the file"]);
    // Whoever wants it so is told how many rows were judged late.
    let ran = place.ask(&format!("import {file} --max-jump none")).exits(0);
    ran.has(&["3 accepted", "judged late: 2 rows, the first on line 2, by up to 741 days"]);
    place.ask(&format!("import {file} --max-jump soon")).exits(2).has(&["write 1d to 36500d, or none"]);
    // The next file goes on where the ledger stands: what is older may have come before, and is late if not.
    let older = place.file("older.jsonl", &rows[4]);
    place.ask(&format!("import {older}")).exits(0).has(&["1 accepted", "judged late: 1 rows, the first on line 1"]);
    let newer = place.file("newer.jsonl", &purchase(6, "2026-06-20T10:00:00Z", "M3", 500));
    place.ask(&format!("import {newer}")).exits(3).has(&["151 days ahead of the ledger's time 2026-01-20T10:00:00Z"]);

    // By the clock nothing moves, and what is late is counted.
    let place = Place::new();
    let file = place.file("till.jsonl", &purchase(1, "1970-01-01T00:00:12Z", "M1", 10_000));
    import(&place, &file, "--time wall").exits(0).has(&["1 accepted", "judged late: 1 rows, the first on line 1"]);
    place.ask("replay M1").exits(0).has(&["told late: happened on 1970-01-01"]);
}

/// A member as another system left it.
fn opened(id: u32, at: &str, more: &str) -> String {
    let lot = r#"{"points":500,"earned_at":"2025-11-05T00:00:00Z"}"#;
    let said = format!(r#""opened":{{"enrolled_at":"2019-04-01T00:00:00Z","lots":[{lot}]{more}}}"#);
    event(id, at, &format!("M{id}"), &said)
}

#[test]
fn members_come_from_another_system_with_their_levels_and_the_report_says_who_did_not() {
    let (whole, halved) = (Place::new(), Place::new());
    let mut text = String::new();
    for id in 0..200 {
        let until =
            if id % 2 == 0 { r#","tier":{"tier":"gold","until":"2026-09-30T21:59:59Z","reason":"old"}"# } else { "" };
        text += &opened(id, "2026-01-10T10:00:00Z", until);
    }
    text += &opened(500, "2026-01-10T10:00:00Z", r#","tier":{"tier":"platinum"}"#);
    text += &opened(7, "2026-01-10T10:00:00Z", "").replacen(r#""id":"7""#, r#""id":"again""#, 1);
    let file = whole.file("members.jsonl", &text);
    let rejects = whole.path("rejects.jsonl");
    let secret = whole.secret();
    let ran = import(&whole, &file, &format!("--rejects {rejects} {secret}")).exits(0);
    let ran = ran.has(&["200 accepted, 2 refused", "came from another system: 200 members; 2 did not"]);
    ran.has(&["line 201: refused TIER_UNKNOWN: M500: the program has no such tier", "OPENED_ALREADY: M7"]);
    let rejects = fs::read_to_string(rejects).unwrap();
    let rejects: Vec<Value> = rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&rejects[0]["member"], &rejects[0]["refused"]), (&"M500".into(), &"TIER_UNKNOWN".into()));
    let member = whole.ask("member M8 --json").exits(0).json();
    assert_eq!((&member["tier"]["tier"], &member["tier"]["falls_on"]), (&"gold".into(), &"2026-10-01".into()));
    assert_eq!(member["purses"][0]["available"], 500);

    let secret = halved.secret();
    import(&halved, &file, &format!("--rows 120 {secret}")).exits(0).has(&["120 accepted"]);
    halved.ask(&format!("import {file}")).exits(0).has(&["came from another system: 80 members; 2 did not"]);
    assert_eq!(whole.truth(), halved.truth());

    // What they did there before counts, and gives nothing.
    let mut history = String::new();
    for id in 0..3u32 {
        writeln!(history, "M{id},2026-01-0{}T10:00:00Z,12000,h-{id}", 9 - id).unwrap();
    }
    let file = whole.file("history.csv", &format!("{HEADER}{history}"));
    whole.ask(&format!("import {file} --history")).exits(0).has(&["3 accepted"]);
    let member = whole.ask("member M1 --json").exits(0).json();
    assert_eq!((&member["tier"]["tier"], &member["purses"][0]["available"]), (&"gold".into(), &500.into()));
    let file = whole
        .file("redeemed.jsonl", &event(900, "2026-01-10T10:00:00Z", "M1", r#""history":true,"redeem":{"points":5}"#));
    whole.ask(&format!("import {file}")).exits(1).has(&["line 1: history must be left out: only enrolled, purchase"]);
}
