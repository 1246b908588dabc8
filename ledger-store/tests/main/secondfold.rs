//! The second fold, `tests/secondfold/fold.py`, over logs that were on disk: blocks are taken apart as
//! `FORMAT.md` says, and it comes to the digest that `verify` prints. What else it is held to is in
//! `ledger-core/tests/main/secondfold.rs`.

use crate::blocks::take_apart;
use crate::fixtures;
use crate::ledger::{self, directory, hex, open, say};
use crate::raw::Raw;
use crate::said::{Random, Stream};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The digest that the second fold comes to.
fn second_fold(dir: &Path) -> String {
    let mut log = Vec::new();
    for row in Raw::open(dir).rows("log") {
        let block = take_apart(&row);
        for (verdict, position) in block.verdicts.iter().zip(block.first..) {
            log.extend(position.to_le_bytes());
            log.extend((verdict.len() as u32).to_le_bytes());
            log.extend(verdict);
        }
    }
    let path = dir.join("verdicts");
    fs::write(&path, log).expect("written");
    let python = std::env::var_os("LEDGER_PYTHON").map(PathBuf::from).filter(|python| python.exists());
    let told = Command::new(python.unwrap_or_else(|| "python3".into()))
        .arg(ledger::root().join("ledger-store/tests/secondfold/fold.py"))
        .arg(ledger::root().join("ledger-store/FORMAT.md"))
        .arg("digest")
        .arg(&path)
        .output()
        .expect("Python runs");
    fs::remove_file(path).expect("removed");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).expect("text").trim().to_string()
}

#[test]
fn the_second_fold_comes_to_the_digest_of_verify() {
    let everything = directory();
    fixtures::write(everything.path());
    let (mut random, seed) = Random::seeded();
    let stream = Stream { seed, members: 70, step_ms: 400_000 };
    let streamed = directory();
    let ledger = open(streamed.path(), 2_000);
    say(&ledger.handle(), vec![stream.program()]);
    let mut next = 0;
    while next < 8_000 {
        let end = next + 1 + random.below(300);
        say(&ledger.handle(), stream.events(next..end));
        next = end;
    }
    ledger.close().expect("nothing failed");
    for dir in [&everything, &streamed] {
        let report = ledger::verified(dir.path());
        assert_eq!(second_fold(dir.path()), hex(&report.digest), "{} records", report.records);
    }
}
