//! The built `ledgerd` as people and scripts run it: what it prints, where, and how it exits.
//!
//! 0 done, 1 the answer is "no", 2 the command line is wrong, 3 it could not be done. Nothing here
//! looks at a clock or waits for one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "cli/baskets.rs"]
mod baskets;
#[path = "cli/messages.rs"]
mod messages;
#[path = "cli/moving.rs"]
mod moving;
#[path = "cli/proofs.rs"]
mod proofs;
#[path = "cli/questions.rs"]
mod questions;

use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;
use tempfile::TempDir;

/// What a run of `ledgerd` came to.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect("the answer is JSON")
    }

    fn has(self, words: &[&str]) -> Ran {
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "no {word:?} in {self:#?}");
        }
        self
    }
}

fn ledgerd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledgerd"));
    command.env_remove("LEDGERD_DATA").env_remove("LEDGERD_SERVER").env_remove("RUST_LOG");
    command
}

fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Ran {
    let output = ledgerd().args(args).output().expect("ledgerd runs");
    let text = |bytes| String::from_utf8(bytes).expect("ledgerd writes UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a command line, written as one; no path here has a space in it.
fn say(line: &str) -> Ran {
    run(line.split_whitespace())
}

fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs")
}

/// A directory for one test: files in it, and a ledger.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().expect("a directory for a test"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).expect("a file for a test");
        path
    }

    /// The command on the ledger of this place.
    fn ask(&self, line: &str) -> Ran {
        say(&format!("{line} --data {}", self.path("ledger")))
    }

    fn import(&self, file: &str, program: &str, more: &str) -> Ran {
        let program = programs().join(program);
        self.ask(&format!("import {file} --program {} {more}", program.display()))
    }

    /// The secret of ledgers that are to be the same: orders are known by hashes under it.
    fn secret(&self) -> String {
        format!("--secret-file {}", self.file("secret", &"5a".repeat(32)))
    }

    /// Everything that must be the same of ledgers of one secret, however the events came in.
    fn truth(&self) -> (Value, String) {
        let mut totals = self.ask("totals --json").exits(0).json();
        // Each ledger's tokens are its own.
        totals.as_object_mut().expect("an object").remove("token");
        let verified = self.ask("verify --json").exits(0).json();
        (totals, verified["digest"].as_str().expect("a digest").to_owned())
    }
}

/// Purchases of some members on days of 1997; each earns as many points as it costs dollars.
fn purchases(count: u32) -> String {
    let mut text = "member_id,timestamp,amount_minor_units,order_id\n".to_owned();
    for n in 0..count {
        let (month, day) = (1 + n * 12 / count, 1 + n % 28);
        writeln!(text, "C{},1997-{month:02}-{day:02}T12:00:00Z,{},o-{n}", n % 37, 100 * (n % 90)).unwrap();
    }
    text
}

// ---- programs --------------------------------------------------------------------------------

const TEN_FAULTS: &str = r#"id = "shop"
timezone = "Mars/Olympus"
currency = "dollars"
colour = "red"

[[wallet]]
id = "points"
expiry = { after = "12 moons" }
hold_ttl = "soon"

[[earn]]
id = "base"
on = "purchased"
per = "1.00"
give = 0

[[earn]]
id = "base"
on = "check_in"
fixed = 5

[[risk]]
id = "farm"
counter = "nobody"
at_least = 3
action = "jail"
"#;

#[test]
fn ten_faults_are_named_at_once_each_with_its_line() {
    let place = Place::new();
    let path = place.file("shop.toml", TEN_FAULTS);
    let ran = say(&format!("program check {path}")).exits(1);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 11, "{ran:#?}");
    let expected = [
        (2, "timezone"),
        (3, "currency"),
        (4, "colour"),
        (8, "wallet[0].expiry.after"),
        (9, "wallet[0].hold_ttl"),
        (13, "earn[0].on"),
        (15, "earn[0].give"),
        (18, "earn[1].id"),
        (24, "risk[0].counter"),
        (26, "risk[0].action"),
    ];
    for (line, (number, field)) in lines.iter().zip(expected) {
        assert!(line.starts_with(&format!("{path}:{number}: {field}: ")), "{line}");
    }
    assert_eq!(lines[10], format!("{path}: 10 faults"));

    let told = say(&format!("program check {path} --json")).exits(1).json();
    assert_eq!(told["faults"].as_array().map(Vec::len), Some(10));
    assert_eq!(told["faults"][0]["line"], 2);
}

#[test]
fn the_example_programs_are_sound_and_tell_their_stories() {
    for name in ["cafe", "community", "music"] {
        let path = programs().join(name).with_extension("toml");
        say(&format!("program check {}", path.display())).exits(0).has(&[&format!("ok, program {name}")]);
        say(&format!("program test {}", path.display())).exits(0).has(&["all as written"]);
    }
    say("program check /nowhere/shop.toml").exits(3).has(&["cannot read /nowhere/shop.toml"]);
    say("program test /nowhere/shop.toml").exits(3);
}

#[test]
fn a_scenario_that_differs_is_shown_line_by_line_and_can_be_written_anew() {
    let place = Place::new();
    let music = fs::read_to_string(programs().join("music.toml")).unwrap();
    let program = place.file("shop.toml", &music);
    let told = "publish shop -> ok\nat 1997-01-12 07:00\n  purchase C2 o-1 12.00 -> earned 13, available 13\n";
    let scenario = place.file("shop.txt", told);
    let ran = say(&format!("program test {program}")).exits(1);
    let difference = "- \u{20} purchase C2 o-1 12.00 -> earned 13, available 13\n\
                      + \u{20} purchase C2 o-1 12.00 -> earned 12, available 12, listener\n";
    assert!(ran.out.starts_with(&format!("{scenario}:3:\n{difference}")), "{ran:#?}");
    assert_eq!(fs::read_to_string(&scenario).unwrap(), told, "a test writes nothing unless it is told to");

    say(&format!("program test {program} --update")).exits(0);
    say(&format!("program test {program}")).exits(0).has(&["2 answers, all as written"]);

    place.file("shop.txt", "publish shop\npurchase C2\n");
    say(&format!("program test {program}")).exits(1).has(&[&format!("{scenario}:2: cannot be played")]);
    place.file("shop.txt", "publish ../shop\n");
    say(&format!("program test {program}")).exits(1).has(&["there is no program"]);
    say(&format!("program test {scenario}")).exits(2);
}

// ---- import ----------------------------------------------------------------------------------

#[test]
fn an_import_goes_on_where_it_stopped_and_twice_is_as_good_as_once() {
    let (whole, halved) = (Place::new(), Place::new());
    let file = whole.file("purchases.csv", &purchases(1_000));
    whole.import(&file, "music.toml", &whole.secret()).exits(0).has(&["1,000 rows", "1,000 accepted", "0 rejected"]);

    let program = programs().join("music.toml").display().to_string();
    let secret = halved.secret();
    halved.ask(&format!("import {file} --rows 700 {secret}")).exits(3).has(&["no program"]);
    halved.ask(&format!("import {file} --rows 700 --program {program}")).exits(0).has(&["700 accepted"]);
    halved.ask(&format!("import {file}")).exits(0).has(&["700 rows were imported before", "300 rows", "300 accepted"]);
    let truth = whole.truth();
    assert_eq!(truth, halved.truth());

    whole.ask(&format!("import {file}")).exits(0).has(&["nothing to import"]);
    let renamed = whole.file("more.csv", &(purchases(1_000) + "C1,1998-01-01T12:00:00Z,500,o-1000\n"));
    whole.ask(&format!("import {renamed}")).exits(0).has(&["1 accepted", "1,000 had come before"]);
    assert_ne!(truth, whole.truth(), "one purchase more");
}

#[test]
fn an_import_that_is_killed_is_finished_by_the_next() {
    let (whole, killed) = (Place::new(), Place::new());
    let file = whole.file("purchases.csv", &purchases(60_000));
    whole.import(&file, "music.toml", &whole.secret()).exits(0);

    let program = programs().join("music.toml").display().to_string();
    let ledger = killed.path("ledger");
    let secret = killed.secret();
    let args = ["import", &file, "--program", &program, "--data", &ledger].into_iter().chain(secret.split(' '));
    let mut import = ledgerd().args(args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    // It has begun when the program is published; how far it gets does not matter.
    let published = BufReader::new(import.stderr.take().unwrap()).lines().next();
    assert!(published.expect("a line").expect("that can be read").starts_with("published"));
    import.kill().unwrap();
    import.wait().unwrap();

    killed.ask(&format!("import {file}")).exits(0);
    assert_eq!(whole.truth(), killed.truth());
}

#[test]
fn rows_that_are_no_events_are_named_and_the_others_imported() {
    let place = Place::new();
    let mut text = purchases(10);
    text.push_str("C1,1998-01-01,500,o-10\n");
    text.push_str("C1,1998-01-01T12:00:00Z,5.00,o-11\n");
    text.push_str("C1,1998-01-01T12:00:00Z,500\n");
    text.push_str(",1998-01-01T12:00:00Z,500,o-12\n");
    text.push_str("C1,1998-01-01T12:00:00Z,-1000000000001,o-13\n");
    text.push_str("C1,1998-01-02T12:00:00Z,500,o-14\n");
    let file = place.file("purchases.csv", &text);
    let rejects = place.path("rejects.jsonl");
    let ran = place.import(&file, "music.toml", &format!("--rejects {rejects}")).exits(1);
    let ran = ran.has(&["16 rows", "11 accepted", "5 rejected"]);
    let ran = ran.has(&["line 12: timestamp \"1998-01-01\"", "line 13: amount_minor_units \"5.00\""]);
    ran.has(&[
        "line 14: has 3 fields",
        "line 15: member must not be empty",
        "line 16: amount_minor_units is -1000000000001, below 0",
    ]);
    let rejects = fs::read_to_string(rejects).unwrap();
    let rejects: Vec<Value> = rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rejects.len(), 5);
    assert_eq!((&rejects[0]["line"], &rejects[0]["text"]), (&12.into(), &"C1,1998-01-01,500,o-10".into()));

    let many: String = (0..50).map(|n| format!("C1,soon,1,o-{n}\n")).collect();
    let file = place.file("many.csv", &format!("{}{many}", purchases(0)));
    let ran = place.ask(&format!("import {file}")).exits(1).has(&["50 rejected", "and 30 more"]);
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("line ")).count(), 20);

    let file = place.file("wrong.csv", "member_id,amount\nC1,5\n");
    place.ask(&format!("import {file}")).exits(3).has(&["the columns are member_id,amount"]);
    place.ask("import events.xyz").exits(2);
}

/// An event of one member of the till, as a line of a file.
fn event(id: u32, at: &str, member: &str, said: &str) -> String {
    format!(r#"{{"source":"till","id":"{id}","occurred_at":"{at}","member":"{member}",{said}}}"#) + "\n"
}

/// Nine rows, of which one is refused and two are none; the fourth line is blank.
fn events() -> String {
    let purchase = r#""purchase":{"order":"o-1","currency":"CNY","lines":[{"net":123450}]}"#;
    let rows = [
        (1, "2026-01-03T09:00:00Z", r#""enrolled":{"birthday":{"month":3,"day":15}}"#),
        (2, "2026-01-03T09:00:00Z", r#""device":"d-1","check_in":{}"#),
        (3, "2026-01-04T09:00:00+08:00", purchase),
        (4, "2026-01-05T09:00:00Z", r#""redeem":{"points":100000}"#),
        (5, "2026-01-05T09:00:00Z", r#""redeme":{"points":10}"#),
        (6, "2026-01-05T09:00:00Z", r#""hold":{"hold":"h","points":-10}"#),
        (7, "2026-01-05T09:00:00Z", r#""hold":{"hold":"h","points":10,"ttl":"3600s"}"#),
        (8, "2026-01-05T09:10:00Z", r#""capture":{"hold":"h"}"#),
        (9, "2026-01-06T09:10:00Z", r#""refunded":{"order":"o-1","currency":"CNY","amount":23450}"#),
    ];
    let mut lines: Vec<String> = rows.map(|(id, at, said)| event(id, at, "M1", said)).into();
    lines.insert(3, "\n".to_owned());
    lines.concat()
}

#[test]
fn json_lines_say_anything_and_refusals_are_told_apart_from_rejects() {
    let place = Place::new();
    let file = place.file("events.jsonl", &events());
    place.ask(&format!("import {file}")).exits(3).has(&["does not begin with one"]);
    let rejects = place.path("rejects.jsonl");
    let ran = place.import(&file, "community.toml", &format!("--rejects {rejects}")).exits(1);
    let ran = ran.has(&["9 rows", "6 accepted, 1 refused", "2 rejected", "refused NOT_ENOUGH_POINTS: 1"]);
    ran.has(&["line 5: refused NOT_ENOUGH_POINTS", "line 6: unknown field `redeme`", "line 7: hold.points is -10"]);
    assert_eq!(fs::read_to_string(rejects).unwrap().lines().count(), 3);

    let member = place.ask("member M1 --json").exits(0).json();
    assert_eq!(member["purses"][0]["available"], 5 + 1234 - 10 - 234);
    assert_eq!(member["tier"]["tier"], "silver");
    place.ask("member M1").exits(0).has(&["available 995", "tier silver: 1,000.00 CNY in 365 days"]);
    place.ask("member M1 --as-of 3").exits(0).has(&["position 3", "available 5,"]);
    let as_of = run(["member", "M1", "--as-of", "2026-01-05 17:05", "--data", &place.path("ledger")]);
    as_of.exits(0).has(&["available 1,229, held 10"]);
    place.ask("member M1 --as-of soon").exits(2);
    // Eight digits are a date, or a record that is not there; they are never asked for as what stands today.
    assert_eq!(place.ask("member M1 --as-of 20260105").out, place.ask("member M1 --as-of 2026-01-05").out);
    place.ask("member M1 --as-of 20261399").exits(2);
}

#[test]
fn totals_show_a_table_of_each_kind_of_tally() {
    let place = Place::new();
    let program = r#"
        id = "shop"
        timezone = "Europe/Vienna"
        currency = "EUR"
        [[wallet]]
        id = "points"
        cost = { money = "0.01", points = 1 }
        [[campaign]]
        id = "summer"
        budget = { points = 1000, per = "month" }
        [[earn]]
        id = "base"
        on = "purchase"
        per = "1.00"
        give = 1
        campaign = "summer"
        [[earn]]
        id = "visit"
        on = "check_in"
        fixed = 5
        budget = { times = 3 }
        [[earn]]
        id = "charity"
        on = "purchase"
        per = "100.00"
        give = 1
        to = { fund = "trees" }
        [[fund]]
        id = "trees"
        [[item]]
        id = "cup"
        points = 20
        stock = 2
        [[item]]
        id = "kiss"
        points = 1
        [[exchange]]
        id = "sky"
        out = { points = 3, units = 2 }
        within = "3d"
    "#;
    let program = place.file("shop.toml", program);
    let said = [
        r#""purchase":{"order":"o","currency":"EUR","lines":[{"net":123456}]}"#,
        r#""check_in":{}"#,
        r#""hold":{"hold":"h","item":"cup","pieces":1}"#,
        r#""exchange_out":{"exchange":"sky","reference":"r","points":30}"#,
        r#""exchange_settled":{"exchange":"sky","reference":"r","accepted":true}"#,
    ];
    let lines = (1..).zip(said).map(|(id, said)| event(id, "2026-01-04T09:00:00Z", "M1", said));
    let file = place.file("events.jsonl", &lines.collect::<String>());
    place.ask(&format!("import {file} --program {program}")).exits(0).has(&["5 accepted"]);

    let shown = place.ask("totals").exits(0).out;
    let rows: Vec<String> = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let tables = [
        "campaign wallet given cost",
        "summer points 1,000 10.00 EUR",
        "budget wallet since used all left",
        "summer.budget.month points 2026-01-01 1,000 1,000 0",
        "visit.budget.ever points - 1 times 3 times 2 times",
        "fund wallet given",
        "trees points 12",
        "item wallet taken price all left",
        "cup points 1 20 2 1",
        "kiss points 0 1 - -",
        "exchange wallet points out units out units in points in",
        "sky points 30 20 0 0",
    ];
    let begin = rows.iter().position(|row| row == tables[0]).unwrap_or_else(|| panic!("no campaigns in {shown}"));
    assert_eq!(rows[begin..begin + tables.len()], tables, "{shown}");

    let told = place.ask("totals --json").exits(0).json();
    let kinds: Vec<&str> =
        told["tallies"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["campaign", "budget", "budget", "fund", "item", "item", "exchange"]);
    let cup = &told["tallies"][4];
    assert_eq!((&cup["max"], &cup["left"], &cup["figures"][0]["unit"]), (&2.into(), &1.into(), &"UNIT_PIECES".into()));
}

#[test]
fn a_file_may_begin_with_its_program_and_what_is_shown_can_be_imported_again() {
    let (place, other) = (Place::new(), Place::new());
    let text = fs::read_to_string(programs().join("community.toml")).unwrap();
    let published = serde_json::json!({
        "source": "till", "id": "0", "occurred_at": "2026-01-01T00:00:00Z", "program_published": { "text": text }
    });
    let file = place.file("events.jsonl", &format!("{published}\n{}", events()));
    place.ask(&format!("import {file}")).exits(1).has(&["7 accepted"]);

    let shown = place.ask("replay M1 --json").exits(0).out;
    let events = shown.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["record"]["event"].to_string());
    let events: Vec<String> = events.collect();
    let file = other.file("again.jsonl", &format!("{published}\n{}\n", events.join("\n")));
    other.ask(&format!("import {file}")).exits(0);
    let available = |place: &Place| place.ask("member M1 --json").exits(0).json()["purses"][0]["available"].clone();
    assert_eq!(available(&place), available(&other));
}

// ---- reading ---------------------------------------------------------------------------------

#[test]
fn a_replay_gives_the_reasons() {
    let place = Place::new();
    let file = place.file("events.jsonl", &events());
    place.import(&file, "community.toml", "").exits(1);
    let ran = place.ask("replay M1").exits(0);
    let ran = ran.has(&["becomes a member", "check_in 5", "week_of_check_ins day 1"]);
    let ran =
        ran.has(&["purchase o-1 1,234.50 CNY", "1,234 issued -> available, usable before 2027-02-01", "base 1,234"]);
    let ran = ran.has(&["tier explorer -> silver: earned", "refused NOT_ENOUGH_POINTS: not enough points"]);
    ran.has(&[
        "5 available -> held L3.0",
        "5 held -> redeemed L3.0",
        "234 available -> clawed back L4.0",
        "earned by base",
    ]);

    let ran = place.ask("replay M1 --json").exits(0);
    let steps: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(steps.len(), 7);
    assert_eq!(steps[2]["record"]["trace"][0]["rule"], "base");
    assert_eq!(steps[2]["record"]["event"]["purchase"]["lines"][0]["net"], 123_450);
    assert_eq!(steps[3]["record"]["refused"]["reason"], "NOT_ENOUGH_POINTS");
    assert_eq!(steps[6]["after"]["purses"][0]["available"], 995);

    place.ask("replay M2").exits(1).has(&["no member \"M2\""]);
    place.ask("member M2").exits(1);
    place.ask("cases").exits(0).has(&["no cases"]);
}

#[test]
fn what_is_told_late_counts_on_its_day_and_what_is_told_too_late_says_so() {
    let place = Place::new();
    let program = place.file(
        "late.toml",
        "id = \"late\"\ntimezone = \"Europe/Berlin\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n[[earn]]\n\
         id = \"base\"\non = \"purchase\"\nper = \"1.00\"\ngive = 1\nlimit = { points = 500, per = \"7d\" }\n",
    );
    let rows = [("2026-03-02", 100_000), ("2026-03-09", 100), ("2026-03-02", 100_000), ("2026-04-24", 100)];
    let rows = rows.into_iter().chain([("2026-03-03", 1_000), ("1970-01-01", 1_000)]);
    let row = |(id, (day, net))| {
        let said = format!(r#""purchase":{{"order":"o-{id}","currency":"EUR","lines":[{{"net":{net}}}]}}"#);
        event(id, &format!("{day}T09:00:00Z"), "M1", &said)
    };
    let file = place.file("events.jsonl", &(1..).zip(rows).map(row).collect::<String>());
    place.ask(&format!("import {file} --program {program} --max-jump none")).exits(0).has(&["6 accepted"]);
    place.ask("member M1").exits(0).has(&["available 502,"]);
    let ran = place.ask("replay M1").exits(0).has(&["base 0 of 1,000: base.limit reached"]);
    let ran = ran.has(&["base 0 of 10: told too late, base.limit is not known any more"]);
    ran.has(&["told late: happened on 2026-03-03, before 2026-03-25", "told late: happened on 1970-01-01"]);
    let ran = place.ask("replay M1 --json").exits(0);
    let last: Value = ran.out.lines().last().map(|line| serde_json::from_str(line).unwrap()).unwrap();
    assert_eq!(last["record"]["trace"][0]["adjustment"], "ADJUSTMENT_LATE");
    assert_eq!(last["record"]["trace"][0]["limit"], "base.limit");
    place.ask("verify").exits(0);
}

#[test]
fn cases_come_with_their_evidence() {
    let place = Place::new();
    let enrolled =
        |n| event(n, &format!("2026-01-03T09:0{n}:00Z"), &format!("M{n}"), r#""device":"phone-1","enrolled":{}"#);
    let file = place.file("events.jsonl", &(1..=4).map(enrolled).collect::<String>());
    place.import(&file, "community.toml", "").exits(0);
    place.ask("cases").exits(0).has(&[
        "device_farm",
        "review",
        "enrolments_by_device 3, from 3 on",
        "M1 M2 M3",
        "open",
    ]);
    let case = place.ask("cases --open --json").exits(0).json();
    assert_eq!(case["evidence"]["rule"], "device_farm");
    assert_eq!(case["finding"], "FINDING_UNSPECIFIED");
}

/// Turns a bit in each table of rows. Straight after an import these hold folded state and ids alone;
/// the log is in the write-ahead log.
fn damage_rows(ledger: &str) {
    for table in fs::read_dir(ledger).unwrap().map(|entry| entry.unwrap().path()) {
        if table.extension().is_some_and(|ending| ending == "sst") {
            let mut bytes = fs::read(&table).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&table, bytes).unwrap();
        }
    }
}

#[test]
fn a_ledger_is_found_damaged_and_rebuilt_from_its_log() {
    let (sound, damaged) = (Place::new(), Place::new());
    let file = sound.file("purchases.csv", &purchases(1_000));
    sound.import(&file, "music.toml", &sound.secret()).exits(0);
    sound.ask("verify").exits(0).has(&["verified: the log, the state folded from it and the trial balance agree"]);

    damaged.import(&file, "music.toml", &damaged.secret()).exits(0);
    damage_rows(&damaged.path("ledger"));
    damaged.ask("totals").exits(3).has(&["`ledgerd verify` says more"]);
    damaged.ask("verify").exits(1).has(&["DIVERGES: the ledger cannot be opened"]);
    assert_eq!(damaged.ask("verify --json").exits(1).json()["agrees"], false);

    damaged.ask("rebuild").exits(0).has(&["folded state is dropped", "rebuilt: "]);
    assert_eq!(damaged.truth(), sound.truth());
    sound.ask("rebuild").exits(0);
    assert_eq!(damaged.truth(), sound.truth());
}

#[test]
fn a_copy_that_was_put_back_is_refused_until_it_says_that_it_is_one() {
    let place = Place::new();
    let file = place.file("purchases.csv", &purchases(200));
    place.import(&file, "music.toml", "").exits(0);
    let known = place.ask("verify --json").exits(0).json();
    let held = |root: &str| format!("verify --at-least {}:{root}", known["records"]);
    let root = known["root"].as_str().expect("a root");
    let copy = place.path("copy");
    fs::create_dir(&copy).expect("a directory");
    for file in fs::read_dir(place.path("ledger")).expect("readable").map(|file| file.expect("readable").path()) {
        fs::copy(&file, Path::new(&copy).join(file.file_name().expect("a name"))).expect("copied");
    }
    let more = place.file("more.csv", &purchases(300));
    place.import(&more, "music.toml", "").exits(0);
    let now = place.ask("verify --json").exits(0).json();
    place.ask(&held(root)).exits(0).has(&["verified"]);
    place.ask(&held(&"0".repeat(64))).exits(1).has(&["another root"]);
    place
        .ask(&format!("verify --at-least {}", now["records"].as_u64().expect("a number") + 1))
        .exits(1)
        .has(&["before"]);
    place.ask("verify --at-least nowhere").exits(2);

    // An older log beside the mark that knows better.
    let mark = Path::new(&place.path("ledger")).join("mark");
    let of_copy = Path::new(&copy).join("mark");
    fs::copy(&mark, &of_copy).expect("copied");
    let ask = |line: &str| say(&format!("{line} --data {copy}"));
    let durable = format!("{} records were durable", now["records"]);
    ask("totals").exits(3).has(&[&durable, "`ledgerd restore`"]);
    ask("verify").exits(1).has(&["DIVERGES", &durable]);
    ask("rebuild").exits(3).has(&[&durable]);
    ask("restore").exits(0).has(&["lineage 2 goes on from position", "lost: positions"]);
    ask("verify").exits(0).has(&["lineage 2", "verified"]);
    ask("totals").exits(0);
    fs::remove_file(&of_copy).expect("removed");
    ask("totals").exits(3).has(&["the mark is missing", "`ledgerd restore`"]);
    ask("restore").exits(0).has(&["lineage 3", "nothing is known to be lost"]);
    ask("totals").exits(0);
}

#[test]
fn who_looks_leaves_every_file_as_it_is() {
    let place = Place::new();
    let file = place.file("events.jsonl", &events());
    place.import(&file, "community.toml", "").exits(1);
    let ledger = place.path("ledger");
    let files = || -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
        let paths = fs::read_dir(&ledger).unwrap().map(|entry| entry.unwrap().path());
        let about = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        let mut files: BTreeMap<_, _> =
            paths.map(|path| (path.clone(), (fs::read(&path).unwrap(), about(&path)))).collect();
        files.insert(".".into(), (Vec::new(), about(Path::new(&ledger))));
        files
    };
    let before = files();
    let verdicts = place.path("verdicts");
    for line in [
        "member M1",
        "member M1 --as-of 2026-01-05",
        "totals",
        "totals --at 3",
        "replay M1",
        "explain M1",
        "cases",
        "counters M1",
        "verify",
        &format!("export --verdicts {verdicts}"),
    ] {
        place.ask(line).exits(0);
        assert!(files() == before, "{line} changes {:?}", files().keys());
    }
    place.ask("quote M1 1").exits(0);
    place.ask("checkpoint").exits(1);
    assert!(files() == before);
}

#[test]
fn what_is_not_there_is_not_made() {
    let place = Place::new();
    for command in ["totals", "cases", "replay M1", "member M1", "verify", "rebuild", "restore"] {
        place.ask(command).exits(3).has(&["there is no ledger in"]);
    }
    assert!(!Path::new(&place.path("ledger")).exists());
    say("totals --server http://127.0.0.1:1").exits(3).has(&["cannot reach a server"]);
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    say("").exits(2);
    say("explode").exits(2);
    say("verify").exits(2);
    say("totals --data a --server b").exits(2);
    say("--help").exits(0).has(&["Exit codes"]);
    say("import --help").exits(0).has(&["\"purchase\": {\"order\": \"o-1\""]);
}

// ---- serve and demo --------------------------------------------------------------------------

#[test]
fn a_purchases_life_in_the_readme_runs_as_it_stands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).expect("there is a README");
    let (_, life) = readme.split_once("## A purchase's life").expect("it tells a purchase's life");
    let script = life.split("```").nth(1).and_then(|block| block.strip_prefix("sh\n")).expect("in commands");
    let place = Place::new();
    std::os::unix::fs::symlink(root.join("programs"), place.path("programs")).expect("beside the programs");
    let (bin, path) = (Path::new(env!("CARGO_BIN_EXE_ledgerd")), std::env::var("PATH").unwrap_or_default());
    let path = format!("{}:{path}", bin.parent().expect("a directory").display());
    let mut shell = Command::new("sh");
    let ran = shell.args(["-ec", script]).current_dir(place.0.path()).env("PATH", path).output().expect("it runs");
    let (told, problems) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{told}{problems}");
    for part in [
        "6 accepted, 0 refused",
        "600 available -> clawed back",
        "600 available -> clawed back L2.0, by base",
        "400 held -> redeemed",
        "available 300",
        "100 redeemed -> available",
        "300 available -> expired",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
}

#[test]
fn totals_are_told_as_they_were_at_any_position() {
    let place = Place::new();
    let all = purchases(900);
    let first: String = all.lines().take(401).map(|line| format!("{line}\n")).collect();
    place.import(&place.file("first.csv", &first), "music.toml", "").exits(0);
    let then = place.ask("totals --json").exits(0).json();
    let position = then["position"].as_u64().expect("a position");
    place.import(&place.file("all.csv", &all), "music.toml", "").exits(0);
    let now = place.ask("totals --json").exits(0).json();
    assert!(now["position"].as_u64() > Some(position), "{now}");
    let again = |at: u64| place.ask(&format!("totals --json --at {at}")).exits(0).json();
    assert_eq!(again(position), then);
    assert_eq!(again(u64::MAX), now);
    assert_eq!((again(0)["position"].as_u64(), again(0)["wallets"].as_array().map(Vec::len)), (Some(0), Some(0)));
    say("totals --at 5").exits(2).has(&["--data"]);
    place.ask("totals --at 5").exits(0).has(&["totals at position 5"]);
}

#[test]
fn a_server_tells_what_its_directory_tells_and_stops_when_asked() {
    let place = Place::new();
    let file = place.file("events.jsonl", &events());
    place.import(&file, "community.toml", "").exits(1);
    let questions = [
        "totals --json",
        "member M1 --json",
        "replay M1 --json",
        "cases --json",
        "replay M1",
        "member M1",
        "explain M1",
        "explain M1 --json",
        "explain --event till 4",
        "explain --event till 3 --json",
        "explain --position 5",
    ];
    let quotes = ["quote M1 1 --order o-1 --total 500 --json", "quote M1 1", "quote M1 1000000", "quote M2 1 --json"];
    let offline = questions.map(|question| place.ask(question).exits(0).out);
    assert!(offline[6].contains("base") && offline[6].contains("till/3"), "{}", offline[6]);
    assert!(offline[8].contains("refused NOT_ENOUGH_POINTS") && offline[8].contains("100,000"), "{}", offline[8]);
    for unknown in ["explain M2", "explain M1 --wallet no", "explain --event till 99", "explain --position 99"] {
        place.ask(unknown).exits(1);
    }
    say("explain").exits(2);
    let quoted = quotes.map(|question| (place.ask(question).code, place.ask(question).out));
    assert_eq!(quoted.each_ref().map(|(code, _)| *code), [0, 0, 1, 1].map(Some));
    assert!(quoted[1].1.contains("\nat most ") && quoted[2].1.contains("\nat most "), "{quoted:?}");
    assert!(quoted[2].1.contains("NOT_ENOUGH_POINTS") && quoted[3].1.contains("MEMBER_UNKNOWN"), "{quoted:?}");

    let server = Server::start(&place);
    let address = &server.address;
    let online = questions.map(|question| say(&format!("{question} --server {address}")).exits(0).out);
    assert_eq!(offline, online);
    let asked = quotes.map(|question| say(&format!("{question} --server {address}")));
    assert_eq!(asked.map(|said| (said.code, said.out)), quoted);
    say(&format!("member M2 --server {address}")).exits(1);
    say(&format!("replay M2 --server {address}")).exits(1);
    // Its directory is read beside it, and is its own to write.
    assert_eq!(place.ask("totals --json").exits(0).out, offline[0]);
    place.ask("verify").exits(0);
    place.ask("rebuild").exits(3).has(&["another process has the ledger open"]);
    let log = server.stop();
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
    place.ask("verify").exits(0);
}

/// A server of the ledger of a place.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(place: &Place) -> Server {
        Server::start_with(place, &[])
    }

    fn start_with(place: &Place, more: &[&str]) -> Server {
        let ledger = place.path("ledger");
        let args = ["serve", "--data", &ledger, "--listen", "127.0.0.1:0", "--time", "events", "--log-json"];
        let mut process =
            ledgerd().args(args).args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = said.next().expect("a line").expect("that can be read");
        let address = said.strip_prefix("listening on ").expect("it says where it listens").to_owned();
        Server { process, address }
    }

    /// Asks it to stop, and answers what it logged.
    fn stop(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(0), "{log}");
        log
    }
}

#[test]
fn a_secret_is_the_ledgers_for_ever() {
    let place = Place::new();
    let file = place.file("purchases.csv", &purchases(10));
    let (secret, other) = (place.file("secret", &"5a".repeat(32)), place.file("other", &"a5".repeat(32)));
    place.import(&file, "music.toml", &format!("--secret-file {secret}")).exits(0);
    place.ask(&format!("import {file} --secret-file {secret}")).exits(0);
    place.ask(&format!("import {file} --secret-file {other}")).exits(3).has(&["not the one this ledger was made with"]);
    let short = place.file("short", "5a5a");
    place.ask(&format!("import {file} --salts-file {short}")).exits(3).has(&["16 bytes or 32 hexadecimal digits"]);
    let salts = place.file("salts", &"5a".repeat(16));
    place.ask(&format!("import {file} --salts-file {salts}")).exits(3).has(&["not the one this ledger was made with"]);
    place.ask(&format!("import {file} --secret-file {short}")).exits(3).has(&["32 bytes or 64 hexadecimal digits"]);
}

#[test]
fn the_demo_ends_with_a_verified_ledger() {
    let place = Place::new();
    let file = place.file("purchases.csv", &purchases(3_000));
    let ran = place.ask(&format!("demo {file}")).exits(0);
    let ran = ran.has(&[
        "3,000 purchases by 37 customers",
        "3,000 accepted, 0 refused",
        "events per second",
        "timers were due",
    ]);
    let ran = ran.has(&["Trial balance", "Tiers: 37 members", "base ", "3,000 had come before, 0 are new"]);
    ran.has(&["verified: ", "serve --data", "grpcurl -plaintext"]);
    let ledger = place.path("ledger");
    say(&format!("demo {file} --data {ledger}")).exits(3).has(&["is there already"]);
    place.ask("verify").exits(0);
}
