//! Every scenario, played on the ledger in memory: those beside the example programs, and the odd ones
//! under `tests/stories`.

use crate::ledger;
use ledger_core::memory::Memory;
use ledger_stories::run;
use std::fs;
use std::path::{Path, PathBuf};

/// Plays the file and compares. `UPDATE_EXPECT=1` writes what was played.
pub fn check(path: &Path) {
    let program = |name: &str| fs::read_to_string(path.with_file_name(name).with_extension("toml")).ok();
    let text = fs::read_to_string(path).expect("the scenario is there");
    let mut memory = Memory::new();
    let played = run(&text, &mut memory, &program).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, &played).expect("the scenario can be rewritten");
    } else if text != played {
        let differ = |(n, (told, now)): (usize, (&str, &str))| {
            (told != now).then(|| format!("line {}\n  told {told}\n  now  {now}\n", n + 1))
        };
        let lines: String = text.lines().zip(played.lines()).enumerate().filter_map(differ).collect();
        panic!("{} tells another story (UPDATE_EXPECT=1 rewrites it):\n{lines}", path.display());
    }
    ledger::check(&memory);
}

fn check_all(directory: PathBuf, at_least: usize) {
    let entries = fs::read_dir(&directory).expect("the directory is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    paths.sort();
    assert!(paths.len() >= at_least, "{} holds no stories", directory.display());
    paths.iter().for_each(|path| check(path));
}

#[test]
fn programs_tell_their_stories() {
    check_all(ledger::root().join("programs"), 3);
}

#[test]
fn odd_stories_end_as_told() {
    check_all(ledger::root().join("ledger-core/tests/stories"), 2);
}
