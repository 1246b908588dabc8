//! What the table of words tells people: help in a terminal, and a page of the reference.

use crate::verbs::{Detail, details, verbs};
use std::fmt::Write;

/// The program that the examples are played under.
pub const EXAMPLE_PROGRAM: &str = include_str!("example.toml");

/// What every example begins with.
pub const EXAMPLE_START: &str = "publish example\nat 2026-03-02 10:00\nenrol M1\nenrol M2\n";

const TOP: &str = "\
# Stories

A story is a text file beside a program file: what happens, in the words of the trade, and what the ledger
answers. `ledgerd program test shop.toml` plays `shop.txt` on a ledger in memory and shows every line that comes
out otherwise; with `--update` it writes what the ledger says. The same stories are played on disk and over gRPC.

A line begins with a verb. Behind `->` stands what the ledger answers; a line without an arrow is played silently,
and nothing in it may be refused.
`#` begins a comment, blank lines and blanks at the beginning of a line mean nothing. In the tables, words in small
letters are written as they stand, words in CAPITALS stand for yours, `|` is between words of which one is written,
and what is between brackets may be left out.

What the ledger answers to an event of a member is `earned N, available N` (of the program's first wallet), and where
there is more to say: points of other wallets (`+ N WALLET`), points that wait (`pending N until ...`), the tier,
`parked` (it waits for its purchase), `proposed` (it waits for more people) and `beyond AMOUNT` (so much more went
back than was there to). `earned` counts what waits in review, what a household was given of it and what was converted
at once; `available` is what the member itself can spend. Other events are `ok`. A refusal is `refused REASON`;
`again` comes before the answer to an event that had come before.

This page is made from the table of words in `ledger-stories`; every example in it is played by its tests.
";

/// Every word of stories in a line or two, for a terminal.
pub fn help() -> String {
    let mut help = String::from("Verbs, each with what it means:\n");
    for (_, verb) in verbs() {
        verb.syntax.iter().for_each(|way| put(&mut help, format_args!("  {way}\n")));
        put(&mut help, format_args!("      {}\n", verb.meaning));
    }
    help.push_str("\nWhat may follow an event, each with a value:\n");
    for (_, detail) in details() {
        put(&mut help, format_args!("  {} {}\n      {}\n", detail.word, detail.value, detail.meaning));
    }
    help
}

/// The page of the reference that tells of stories, in Markdown.
pub fn page() -> String {
    let mut page = String::from(TOP);
    let mut title = "";
    for (of, verb) in verbs() {
        if of != title {
            end_of(&mut page, title);
            put(&mut page, format_args!("\n## {of}\n"));
            title = of;
        }
        put(&mut page, format_args!("\n### `{}`\n\n```text\n{}\n```\n\n", verb.word, verb.syntax.join("\n")));
        put(&mut page, format_args!("{}\n\n```text\n{}\n```\n", verb.meaning, verb.example.trim()));
    }
    end_of(&mut page, title);
    put(&mut page, format_args!("\n## The program of the examples\n\nEvery example begins with\n\n"));
    put(&mut page, format_args!("```text\n{}```\n\nand is played under\n\n```toml\n", EXAMPLE_START));
    page.push_str(EXAMPLE_PROGRAM);
    page.push_str("```\n");
    page
}

/// The details of a feature, behind its verbs.
fn end_of(page: &mut String, title: &str) {
    let own: Vec<&Detail> = details().filter(|(of, _)| *of == title).map(|(_, detail)| detail).collect();
    if own.is_empty() {
        return;
    }
    page.push_str("\n| what may follow | behind | means |\n|---|---|---|\n");
    for detail in own {
        let verbs: Vec<String> = detail.of.iter().map(|verb| format!("`{verb}`")).collect();
        let verbs = if verbs.is_empty() { "every event of a member".to_string() } else { verbs.join(", ") };
        put(page, format_args!("| `{} {}` | {verbs} | {} |\n", detail.word, detail.value, detail.meaning));
    }
}

/// Writing to a text does not fail.
fn put(text: &mut String, told: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(told);
}
