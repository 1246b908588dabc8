//! Program files as large as they may be: whatever is in them, reading them is done in a moment, since a published
//! program is read by the thread that judges.

use ledger_core::event::PROGRAM_BYTES_MAX;
use ledger_core::kernel::fault::FAULTS_MAX;
use ledger_core::program::{Fault, Program};
use std::time::{Duration, Instant};

/// What reading the largest file may take here, on a machine that has other things to do: every file of these took from
/// 10 to 45 seconds once. `benches/` has the figures.
const MOMENT: Duration = Duration::from_secs(2);

const HEAD: &str = "id = \"t\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n";
const WALLET: &str = "[[wallet]]\nid = \"points\"\n";

/// As many lines as fit into a file.
fn filled(head: &str, line: impl Fn(usize) -> String, tail: &str) -> String {
    let mut text = head.to_string();
    for n in 0.. {
        let line = line(n);
        if text.len() + line.len() + tail.len() > PROGRAM_BYTES_MAX {
            break;
        }
        text.push_str(&line);
    }
    text + tail
}

/// As many words as a ledger can have, but for a few.
fn vocabulary() -> Vec<Box<str>> {
    (0..60_000).map(|n| format!("a-word-of-an-earlier-version-{n:05}").into()).collect()
}

fn timed(what: &str, text: &str) -> Result<Program, Vec<Fault>> {
    assert!(text.len() <= PROGRAM_BYTES_MAX, "{what} may be sent");
    let began = Instant::now();
    let read = Program::read(text, &mut vocabulary());
    let took = began.elapsed();
    eprintln!("{what}: {} bytes in {took:?}", text.len());
    assert!(took < MOMENT, "{what} took {took:?}");
    read
}

#[test]
fn no_file_of_faults_takes_long_and_few_of_them_are_told() {
    let files = [
        ("no keys", filled("", |_| "=\n".into(), "")),
        ("no lines", filled("", |_| "=".into(), "")),
        ("one key again and again", filled("", |_| "a=1\n".into(), "")),
        ("unknown keys", filled(&format!("{HEAD}{WALLET}"), |n| format!("k{n}=1\n"), "")),
        ("open brackets", filled("a=", |_| "[".into(), "")),
        ("open tables", filled("a=", |_| "{a=".into(), "")),
        ("quotes", filled("", |_| "\"".into(), "")),
        ("tables of tables", filled("", |_| "[[a]]\n".into(), "")),
        ("dotted keys", filled("", |_| "a.".into(), "")),
        ("deep headers", filled("[", |_| "a.".into(), "a]\n")),
        ("attributes", filled(&format!("{HEAD}attributes=["), |n| format!("\"{n}\","), &format!("]\n{WALLET}"))),
        ("one attribute", filled(&format!("{HEAD}attributes=["), |_| "\"a\",".into(), &format!("]\n{WALLET}"))),
        ("empty rules", filled(&format!("{HEAD}{WALLET}"), |_| "[[earn]]\n".into(), "")),
        ("twice the same rule", filled(&format!("{HEAD}{WALLET}"), |_| "[[earn]]\nid=\"a\"\n".into(), "")),
        ("not a number", filled(&format!("{HEAD}{WALLET}"), |_| "[[earn]]\nfixed=\"x\"\n".into(), "")),
        ("one long text", filled(&format!("{HEAD}note=\""), |_| "x".into(), &format!("\"\n{WALLET}"))),
    ];
    for (what, text) in files {
        let faults = timed(what, &text).expect_err("it is no program");
        assert!(faults.len() <= FAULTS_MAX + 1, "{what}: {} faults", faults.len());
        if let Some(last) = faults.get(FAULTS_MAX) {
            assert!(last.problem.contains(" more faults"), "{what}: {last}");
        }
    }
}

#[test]
fn the_number_of_faults_is_told() {
    let rule = |n| format!("[[earn]]\nid = \"r{n}\"\non = \"purchase\"\n");
    let text: String = (0..FAULTS_MAX + 7).map(rule).collect();
    let faults = Program::read(&format!("{HEAD}{WALLET}{text}"), &mut Vec::new()).expect_err("no rule gives anything");
    assert_eq!(faults.len(), FAULTS_MAX + 1);
    let lines: Vec<u32> = faults.iter().map(|fault| fault.line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    assert_eq!(faults[FAULTS_MAX].to_string(), "line 327: file: has 7 more faults; mend these first");
}

#[test]
fn the_largest_programs_are_read_in_a_moment() {
    let items: String = (0..500).map(|n| format!("[[item]]\nid=\"item-{n}\"\npoints={}\n", n + 1)).collect();
    let rules = filled(
        &format!("{HEAD}{WALLET}{items}"),
        |n| {
            if n >= 500 {
                return "#\n".into();
            }
            let skus: Vec<String> = (0..30).map(|sku| format!("\"s{n}-{sku}\"")).collect();
            format!("[[earn]]\nid=\"rule-{n}\"\non=\"purchase\"\nfixed=1\nwhen={{categories=[{}]}}\n", skus.join(","))
        },
        "",
    );
    timed("a program of many rules", &rules).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let counters: String = (0..100)
        .map(|n| format!("[[counter]]\nid=\"c{n}\"\non=[\"purchase\"]\nkey=\"member\"\nmeasure=\"count\"\n"))
        .collect();
    let comments = filled(&format!("{HEAD}{WALLET}{counters}"), |n| format!("#{n}\n"), "");
    timed("a program of many lines", &comments).unwrap_or_else(|faults| panic!("{}", faults[0]));
}
