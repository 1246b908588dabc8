//! Pages: one for each section of a program file, the index, and the refusals.

use crate::{form_of, forms, hold, root};
use ledger_core::kernel::amounts::show_duration;
use ledger_core::kernel::words::{Absent, Form, Takes, Word};
use ledger_core::program_file::PROGRAM;
use ledger_core::refusal::Refusal;
use std::collections::BTreeSet;

const GENERATED: &str = "<!-- Made from the code by `make reference`. -->\n\n";

/// The sections, with their headers as they stand in a file.
fn sections() -> Vec<(&'static Word, &'static Form, String)> {
    let words = PROGRAM.words.iter().filter_map(|word| Some((word, form_of(word)?)));
    let header = |word: &Word| match word.takes {
        Takes::Table(_) => format!("[{}]", word.name),
        _ => format!("[[{}]]", word.name),
    };
    words.map(|(word, form)| (word, form, header(word))).collect()
}

fn bounds(least: i64, most: i64) -> String {
    match (least, most) {
        (i64::MIN, i64::MAX) => "any whole number".into(),
        (least, i64::MAX) => format!("{least} or more"),
        (least, most) => format!("{least} to {most}"),
    }
}

fn takes(takes: &Takes) -> String {
    match takes {
        Takes::Id => "a new name of a-z, 0-9, _ and -".into(),
        Takes::Name("earn") => "the name of an earlier `[[earn]]`".into(),
        Takes::Name("attribute") => "a declared attribute".into(),
        Takes::Name(what) => format!("the name of a `[[{what}]]`"),
        Takes::Text(least, most) => format!("a text of {least} to {most} bytes"),
        Takes::Shape(_, what) => (*what).into(),
        Takes::Integer(least, most, "") => bounds(*least, *most),
        Takes::Integer(least, most, unit) => format!("{} {unit}", bounds(*least, *most)),
        Takes::Flag => "`true` or `false`".into(),
        Takes::True => "`true`".into(),
        Takes::OneOf(words) => words().iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "),
        Takes::OneOfThe(title, _) => {
            let (of, anchor) = (title.to_lowercase(), title.to_lowercase().replace(' ', "-"));
            format!("a word of [{of}](../events.md#{anchor})")
        }
        Takes::Money(0) => "an amount".into(),
        Takes::Money(_) => "an amount, more than 0".into(),
        Takes::Duration(1, most) => format!("a duration in m, h or d, up to {}", show_duration(*most)),
        Takes::Duration(least, most) => {
            format!("a duration in m, h or d: {} to {}", show_duration(*least), show_duration(*most))
        }
        Takes::Days(least, most) => format!("\"{least}d\" to \"{most}d\""),
        Takes::Percent(least, most) => format!("\"{least}%\" to \"{most}%\", whole"),
        Takes::Rate(_, most) => format!("a percentage with at most two decimals, up to \"{}%\"", most / 100),
        Takes::List(entry, least, most) => format!("a list of {least} to {most}: {}", self::takes(entry)),
        Takes::Table(_) => "a table".into(),
        Takes::Tables(_, most) => format!("a list of tables, at most {most}"),
        Takes::Either(ways) => ways.iter().map(self::takes).collect::<Vec<_>>().join("; or "),
    }
}

fn absent(word: &Word) -> String {
    match word.absent {
        Absent::Refused => "must be there".into(),
        Absent::Same(value) => format!("`{value}`"),
        Absent::Means(what) => what.into(),
    }
}

fn table(form: &Form) -> String {
    let mut text =
        "| word | takes | if absent | what it says | example | since |\n|---|---|---|---|---|---|\n".to_string();
    for word in form.words {
        // An example that begins with tables of its own stands in the last of them.
        let mine = word.example.rsplit_once("]\n").filter(|_| word.example.starts_with('[')).map(|(_, mine)| mine);
        let own = mine.unwrap_or(word.example).lines().take_while(|line| !line.starts_with('['));
        let example = own.map(|line| format!("`{line}`")).collect::<Vec<_>>().join(", ");
        let (name, since) = (word.name, word.since);
        let line = [takes(&word.takes), absent(word), word.meaning.into(), example].join(" | ");
        text += &format!("| `{name}` | {line} | {since} |\n");
    }
    text
}

fn page(word: &Word, form: &'static Form, header: &str) -> String {
    let mut text = format!("# {header}\n\n{GENERATED}{}\n\n{}\n## Words\n\n", word.meaning, form.about);
    for (path, form) in forms(word.name, form) {
        if path != word.name {
            text += &format!("\n### `{path}`\n\n{}\n\n", form.about);
        }
        text += &table(form);
    }
    text + &format!("\n## Example\n\n```toml\n{}```\n", form.example)
}

#[test]
fn each_section_has_its_page() {
    for (word, form, header) in sections() {
        hold(&format!("program/{}.md", word.name), &page(word, form, &header));
    }
    let mut known: BTreeSet<String> = sections().iter().map(|(word, ..)| format!("{}.md", word.name)).collect();
    known.insert("README.md".into());
    let there = std::fs::read_dir(root().join("docs/program"))
        .expect("pages")
        .map(|page| page.expect("a page").file_name().to_string_lossy().into_owned());
    assert_eq!(there.collect::<BTreeSet<String>>(), known, "no page of a section that is no more");
}

#[test]
fn the_file_itself_has_its_page() {
    let own: Vec<&Word> = PROGRAM.words.iter().filter(|word| form_of(word).is_none()).collect();
    let mut text = format!("# Program files\n\n{GENERATED}{}\n## Above the sections\n\n", PROGRAM.about);
    text += "| word | takes | if absent | what it says | example | since |\n|---|---|---|---|---|---|\n";
    for line in
        table(&PROGRAM).lines().filter(|line| own.iter().any(|word| line.starts_with(&format!("| `{}` ", word.name))))
    {
        text += &format!("{line}\n");
    }
    text += "\n## Sections\n\n| section | what it says |\n|---|---|\n";
    for (word, _, header) in sections() {
        text += &format!("| [`{header}`]({}.md) | {} |\n", word.name, word.meaning);
    }
    text += &format!("\n## Example\n\n```toml\n{}```\n", PROGRAM.example);
    hold("program/README.md", &text);
}

#[test]
fn refusals_have_a_page() {
    let mut text = format!(
        "# Refusals\n\n{GENERATED}A refusal is the numbered no of the business: a record like any other, and answered \
         again for the same\nevent. *Later* says whether the same wish, under a new id and with nothing else changed, may \
         succeed.\n\n| number | reason | what it means and what to do | later |\n|---|---|---|---|\n"
    );
    for (number, refusal) in Refusal::ALL.iter().enumerate() {
        let later = if refusal.retry_may_succeed() { "yes" } else { "no" };
        text += &format!("| {number} | `{}` | {refusal} | {later} |\n", refusal.reason());
    }
    hold("refusals.md", &text);
}
