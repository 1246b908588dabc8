//! The page `docs/personal-data.md`, and what it must have a row for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where something is in clear: without a key, and under one.
pub type Row = (BTreeSet<String>, BTreeSet<String>);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The rows of the table under a heading: what stands in one of its columns, each with the places that the last two name.
pub fn rows(heading: &str, column: usize) -> BTreeMap<String, Row> {
    let page = fs::read_to_string(root().join("docs/personal-data.md")).expect("the page is there");
    let from = page.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let section = page[from + 1..].split("\n## ").next().unwrap_or_default();
    let words = |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut rows = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let [_, _, plain, sealed] = cells.as_slice() else { panic!("{line}: four columns") };
        for what in words(cells[column]) {
            let row = (words(plain), words(sealed));
            assert!(rows.insert(what.clone(), row).is_none(), "{what} has two rows");
        }
    }
    rows
}

/// Words of the layouts that are texts: as they are, sealed, and sealed with a short name beside.
const TEXTS: [&str; 3] = ["text", "Sealed", "HiddenName"];
/// What is stored and folded, beside what was said.
const ROOTS: [&str; 10] = [
    "VerdictPart",
    "Member",
    "CounterRow",
    "Case",
    "ProgramRow",
    "StaffRow",
    "Shared",
    "HistoryPage",
    "Commit",
    "SnapshotAt",
];

/// Every text of what is stored, but of the cause parts, as the layouts of `FORMAT.md` have them.
pub fn stored_texts() -> BTreeSet<String> {
    let document = fs::read_to_string(root().join("ledger-store/FORMAT.md")).expect("it is there");
    let fence = document.split("\n```layout\n").nth(1).and_then(|behind| behind.split("\n```").next());
    let layouts = fence.expect("it has layouts").split("\n\n").filter_map(|layout| layout.split_once(" ="));
    let layouts: BTreeMap<&str, &str> = layouts.map(|(name, told)| (name.trim(), told)).collect();
    let (mut next, mut known, mut texts) = (ROOTS.to_vec(), BTreeSet::from(ROOTS), BTreeSet::new());
    while let Some(name) = next.pop() {
        let told = layouts.get(name).unwrap_or_else(|| panic!("no layout of {name}"));
        let (mut variant, mut field, mut before) = ("", "", "");
        let is_apart = |letter: char| letter.is_whitespace() || "{}(),".contains(letter);
        for word in told.split(is_apart).filter(|word| !word.is_empty()) {
            if let Some(name) = word.strip_suffix(':') {
                field = name;
            } else if before.parse::<u32>().is_ok() && word != "bytes" {
                (variant, field) = (word, "");
            } else if TEXTS.contains(&word) && !TEXTS.contains(&name) {
                let path = [name, variant, field].into_iter().filter(|part| !part.is_empty());
                texts.insert(path.collect::<Vec<_>>().join("."));
            } else if let Some((name, _)) = layouts.get_key_value(word)
                && known.insert(name)
            {
                next.push(name);
            }
            before = word;
        }
    }
    texts
}
