//! Every scenario, played on the ledger in memory.

use ledger_core::memory::Memory;
use ledger_core::scenario::run;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn program(name: &str) -> Option<String> {
    std::fs::read_to_string(root().join("programs").join(name).with_extension("toml")).ok()
}

fn check(path: &Path) {
    let text = std::fs::read_to_string(path).expect("the scenario is there");
    let mut memory = Memory::new();
    let played = run(&text, &mut memory, &program).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &played).expect("the scenario can be rewritten");
    }
    assert_eq!(text, played, "\n{} told another story; as it is now:\n{played}", path.display());
    let again = memory.refold().expect("the log folds");
    assert_eq!(again.shared, memory.state.shared, "{}", path.display());
}

#[test]
fn programs_tell_their_stories() {
    for entry in std::fs::read_dir(root().join("programs")).expect("programs are there") {
        let path = entry.expect("a readable entry").path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            check(&path);
        }
    }
}
