//! The words of stories at the boundary their authors meet: every example is played, the page of the reference is
//! what the table says, and every word is accepted where the table says so and nowhere else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use ledger_core::event::RiskKind;
use ledger_core::memory::Memory;
use ledger_stories::{Detail, EXAMPLE_PROGRAM, EXAMPLE_START, Unplayable, Verb, details, help, page, run, verbs};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn play(story: &str) -> Result<String, Unplayable> {
    let program = |name: &str| (name == "example").then(|| EXAMPLE_PROGRAM.to_string());
    run(story, &mut Memory::new(), &program)
}

fn is_updating() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}

/// Writes an example anew in the file that has it.
fn rewrite(example: &str, played: &str) {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/verbs")).unwrap();
    let (written, played) = (format!("example: \"{example}\""), format!("example: \"{played}\""));
    let has = |path: &PathBuf| fs::read_to_string(path).unwrap().contains(&written);
    let path = files.map(|file| file.unwrap().path()).find(has).expect("an example is in a file");
    let text = fs::read_to_string(&path).unwrap().replace(&written, &played);
    fs::write(path, text).unwrap();
}

/// `UPDATE_EXPECT=1` writes what was played into the sources.
#[test]
fn every_example_is_played_and_answers_as_it_is_written() {
    let mut differing = Vec::new();
    for (_, verb) in verbs() {
        let story = format!("{EXAMPLE_START}{}", verb.example.trim_start());
        let played = play(&story).unwrap_or_else(|error| panic!("{}: {error}\n{story}", verb.word));
        let played = format!("\n{}", played.strip_prefix(EXAMPLE_START).expect("the start has no answers"));
        if played == verb.example {
            continue;
        }
        if is_updating() {
            rewrite(verb.example, &played);
        }
        differing.push(format!("{}:{played}", verb.word));
    }
    assert!(differing.is_empty(), "UPDATE_EXPECT=1 writes these answers:\n{}", differing.join("\n"));
}

#[test]
fn every_example_shows_its_verb_with_an_answer_and_every_line_of_syntax_begins_with_it() {
    let silent = ["publish", "at"];
    for (_, verb) in verbs() {
        let own = verb.example.lines().filter(|line| line.split_whitespace().next() == Some(verb.word));
        let told = own.filter(|line| line.contains("->")).count();
        assert!(told > 0 || silent.contains(&verb.word), "{} is not shown", verb.word);
        assert!(!verb.syntax.is_empty() && verb.meaning.ends_with('.'), "{}", verb.word);
        for way in verb.syntax {
            assert_eq!(way.split(' ').next(), Some(verb.word));
        }
    }
}

#[test]
fn a_word_has_one_entry() {
    let words: Vec<&str> = verbs().map(|(_, verb)| verb.word).collect();
    assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len(), "{words:?}");
    let words: Vec<&str> = details().map(|(_, detail)| detail.word).collect();
    assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len(), "{words:?}");
    let missing = RiskKind::ALL.into_iter().map(|kind| kind.name()).find(|name| !words.contains(name));
    assert_eq!(missing, None, "every kind of risk key can be said");
}

/// The example of the verb up to its first line, with the detail at the end of that line.
fn with(verb: &Verb, detail: &Detail) -> String {
    let is_own = |line: &&str| line.split_whitespace().next() == Some(verb.word);
    let lines: Vec<&str> = verb.example.trim_start().lines().collect();
    let at = lines.iter().position(is_own).expect("an example shows its verb");
    let before: String = lines[..at].iter().map(|line| format!("{line}\n")).collect();
    let own = lines[at].split("->").next().unwrap();
    // Pieces are of an item, which is named before.
    let item = if detail.word == "pieces" { "item cup " } else { "" };
    format!("{EXAMPLE_START}{before}{own} {item}{} {}\n", detail.word, detail.value)
}

#[test]
fn every_detail_may_follow_the_verbs_it_names_and_no_other_event() {
    for (_, detail) in details() {
        let named = |word: &&&str| verbs().all(|(_, verb)| verb.word != **word);
        assert_eq!(detail.of.iter().find(named), None, "{} names a verb that is none", detail.word);
        for (_, verb) in verbs() {
            let story = with(verb, detail);
            match (detail.is_of(verb), play(&story)) {
                // What is said so can be refused, and lines have to come to the amount.
                (true, Err(error))
                    if ["the lines come to ", "was refused "].iter().any(|begin| error.problem.starts_with(begin)) => {}
                (true, played) => assert!(played.is_ok(), "{} {}: {played:?}\n{story}", verb.word, detail.word),
                (false, played) => {
                    let taken = ["at", "extend"].contains(&verb.word) || detail.word == "item";
                    assert!(taken || played.is_err(), "{} takes {}\n{story}", verb.word, detail.word);
                }
            }
        }
    }
}

#[test]
fn a_line_that_is_not_understood_says_how_it_is_written() {
    let said = |line: &str| play(&format!("{EXAMPLE_START}{line}\n")).unwrap_err().to_string();
    assert_eq!(said("buy M1 o-1 20.00"), "line 5: \"buy\" is no verb of stories; docs/stories.md lists them");
    assert_eq!(said("purchase M1 o-1"), "line 5: purchase is written `purchase MEMBER ORDER AMOUNT`");
    assert_eq!(said("redeem"), "line 5: redeem is written `redeem MEMBER POINTS` or `redeem MEMBER item ITEM`");
    assert_eq!(said("purchase M1 o-1 2.0.0"), "line 5: \"2.0.0\" is no money");
    assert_eq!(said("check-in M1 wallet points"), "line 5: check-in has no \"wallet\"");
    assert_eq!(
        said("check-in M1 device"),
        "line 5: \"device\" has no value behind it; check-in is written `check-in MEMBER`"
    );
    assert_eq!(said("tick tock"), "line 5: \"tock\" is not understood; tick is written `tick`");
    assert_eq!(said("enrol M1 birthday 5"), "line 5: a birthday is MM-DD");
    assert_eq!(said("counter M1 heart"), "line 5: no counter \"heart\"");
    assert_eq!(play("campaigns ->").unwrap_err().problem, "publish a program first");
}

#[test]
fn the_page_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/stories.md");
    let (written, told) = (fs::read_to_string(&path).unwrap_or_default(), page());
    if written != told && is_updating() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &told).unwrap();
    }
    assert!(written == told, "docs/stories.md is not what the table says; UPDATE_EXPECT=1 writes it");
}

#[test]
fn the_help_has_every_word() {
    let help = help();
    let is_told = |line: &str| help.lines().any(|told| told == line);
    for (_, verb) in verbs() {
        assert!(verb.syntax.iter().all(|way| is_told(&format!("  {way}"))), "{}", verb.word);
    }
    for (_, detail) in details() {
        assert!(is_told(&format!("  {} {}", detail.word, detail.value)), "{}", detail.word);
    }
}
