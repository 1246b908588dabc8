//! Every word of a program file is tried: with its example, without it, and with what stands for its absence.

use crate::{form_of, forms};
use ledger_core::kernel::words::{Absent, Form, Takes, Word};
use ledger_core::program::{Fault, Program};
use ledger_core::program_file::PROGRAM;

const WALLET: &str = "[[wallet]]\nid = \"points\"\n";

/// The field that a line sets, if it does.
fn field(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(" = ")?;
    name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_').then_some(name)
}

/// A program with a fragment of a form in its place, instead of what the frame says of the same fields.
pub(crate) fn program(form: &Form, fragment: &str) -> String {
    let said: Vec<&str> = fragment.lines().filter_map(field).collect();
    let header = form.frame.rfind("\n[").map_or(0, |at| at + 1);
    let (before, table) = form.frame.split_at(header);
    let table: String = table
        .lines()
        .filter(|line| field(line).is_none_or(|name| !said.contains(&name)))
        .map(|line| format!("{line}\n"))
        .collect();
    match std::ptr::eq(form, &PROGRAM) {
        true => format!("{table}{fragment}\n{WALLET}"),
        false => format!("{}{WALLET}{before}{table}{fragment}\n", PROGRAM.frame),
    }
}

fn read(text: &str) -> Result<String, Vec<Fault>> {
    let program = Program::read(text, &mut Vec::new())?;
    Ok(format!("{program:?}").split(", warnings: ").next().unwrap_or_default().to_string())
}

/// The example without the line of its word, or with another in its place.
fn but(word: &Word, line: &str) -> String {
    let own = |one: &str| field(one) == Some(word.name);
    assert_eq!(word.example.lines().filter(|line| own(line)).count(), 1, "{}: {}", word.name, word.example);
    let lines = word.example.lines().map(|one| if own(one) { line } else { one });
    lines.filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

/// A program of the frame alone, without what it says of a field.
fn without(form: &Form, word: &Word) -> String {
    let marker = format!("{} = \"\"", word.name);
    program(form, &but(word, &marker)).replace(&format!("{marker}\n"), "")
}

/// Every word that is tried by a fragment, with its place: all but the sections.
pub(crate) fn all() -> impl Iterator<Item = (String, &'static Form, &'static Word)> {
    let forms = forms("program", &PROGRAM).into_iter();
    let words =
        forms.flat_map(|(path, form)| form.words.iter().map(move |word| (format!("{path}.{}", word.name), form, word)));
    words.filter(|(_, form, word)| !(std::ptr::eq(*form, &PROGRAM) && form_of(word).is_some()))
}

#[test]
fn every_section_has_a_program_that_reads_without_a_warning() {
    for word in PROGRAM.words {
        let Some(form) = form_of(word) else { continue };
        let program = Program::read(form.example, &mut Vec::new());
        let program = program.unwrap_or_else(|faults| panic!("{}: {faults:#?}", word.name));
        assert_eq!(program.warnings, [], "{}", word.name);
        let header = [format!("[{}]\n", word.name), format!("[[{}]]\n", word.name)];
        assert!(header.iter().any(|header| form.example.contains(header)), "{} is not in its example", word.name);
    }
    Program::read(PROGRAM.example, &mut Vec::new()).expect("the first example is read");
}

#[test]
fn every_word_is_described_and_its_example_is_read() {
    let mut seen = 0;
    for (path, form, word) in all() {
        assert!(word.meaning.ends_with(['.', '…']), "{path}: a meaning is a sentence");
        assert!(!word.since.is_empty(), "{path}: since when");
        let text = program(form, word.example);
        read(&text).unwrap_or_else(|faults| panic!("{path}: {faults:#?}\n{text}"));
        seen += 1;
    }
    assert!(seen > 150, "{seen} words");
}

#[test]
fn what_is_said_of_absence_is_so() {
    for (path, form, word) in all() {
        match word.absent {
            Absent::Refused => {
                let text = without(form, word);
                let faults = read(&text).expect_err(&path);
                let is_it = |fault: &Fault| fault.problem.starts_with("is missing") && fault.field.ends_with(word.name);
                assert!(faults.iter().any(is_it), "{path}: {faults:#?}\n{text}");
            }
            Absent::Same(value) => {
                let text = program(form, &but(word, &format!("{} = {value}", word.name)));
                let said = read(&text).unwrap_or_else(|faults| panic!("{path} = {value}: {faults:#?}\n{text}"));
                let text = without(form, word);
                let silent = read(&text).unwrap_or_else(|faults| panic!("{path} absent: {faults:#?}\n{text}"));
                assert_eq!(said, silent, "{path}: {value} is not what holds in its absence");
                let text = program(form, word.example);
                assert_ne!(read(&text).ok().as_ref(), Some(&silent), "{path}: the example changes nothing\n{text}");
            }
            Absent::Means(_) => {}
        }
    }
}

#[test]
fn bounds_are_kept() {
    let mut tried = 0;
    for (path, form, word) in all() {
        let Takes::Integer(least, most, _) = word.takes else { continue };
        let refuses = |value: i128, is: bool| {
            let text = program(form, &but(word, &format!("{} = {value}", word.name)));
            let faults = read(&text).err().unwrap_or_default();
            let own = |fault: &Fault| fault.field.ends_with(word.name) && fault.problem.contains("must be");
            let whole = |fault: &Fault| fault.problem.contains("integer") || fault.problem.contains("out of");
            assert_eq!(faults.iter().any(|one| own(one) || whole(one)), is, "{path} = {value}: {faults:#?}");
        };
        refuses(i128::from(least), false);
        refuses(i128::from(most), false);
        refuses(i128::from(least) - 1, true);
        refuses(i128::from(most) + 1, true);
        tried += 1;
    }
    assert!(tried > 30, "{tried} bounds");
}

#[test]
fn what_asks_nothing_is_refused() {
    let told = |when: &str| {
        let text = format!(
            "{}{WALLET}[[earn]]\nid = \"a\"\non = \"purchase\"\nfixed = 1\nwhen = {{ {when} }}\n",
            PROGRAM.frame
        );
        let faults = read(&text).expect_err(when);
        faults.iter().map(|fault| format!("{}: {}\n", fault.field, fault.problem)).collect::<String>()
    };
    let nothing = ["birthday = false", "first = false", "tiers = []", "weekdays = []", "channels = []"];
    expect_test::expect![[r#"
        earn[0].when.birthday: must be true, or be left out: false asks for nothing
        earn[0].when.first: must be true, or be left out: false asks for nothing
        earn[0].when.tiers: is empty: name at least one
        earn[0].when.weekdays: is empty: name at least one
        earn[0].when.channels: is empty: name at least one
    "#]]
    .assert_eq(&nothing.map(told).concat());
}

#[test]
fn rules_as_types_and_their_readers_know_no_table() {
    let mut read = 0;
    for feature in std::fs::read_dir(crate::root().join("ledger-core/src/features")).expect("features are there") {
        let Ok(files) = std::fs::read_dir(feature.expect("a readable entry").path()) else { continue };
        for path in files.map(|file| file.expect("a readable entry").path()) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name == "program.rs" || name.ends_with("_toml.rs") {
                let text = std::fs::read_to_string(&path).expect("a readable file");
                assert!(!text.contains("crate::tables"), "{} imports a table", path.display());
                read += 1;
            }
        }
    }
    assert!(read > 20, "{read} files");
}
