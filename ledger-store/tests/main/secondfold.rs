//! The second fold, `tests/secondfold/fold.py`, over files of verdicts as `ledgerd export` writes them: it proves their
//! checks and roots as `FORMAT.md` says, and comes to the digest that `verify` prints. What else it is held to is in
//! `ledger-core/tests/main/secondfold.rs`.

use crate::fixtures;
use crate::ledger::{self, directory, hex, open, say};
use crate::said::{Random, Stream};
use ledger_store::{export_verdicts, read_export};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What the second fold says of files of verdicts, a line for each.
fn second_fold(files: &[PathBuf]) -> Vec<String> {
    let python = std::env::var_os("LEDGER_PYTHON").map(PathBuf::from).filter(|python| python.exists());
    let told = Command::new(python.unwrap_or_else(|| "python3".into()))
        .arg(ledger::root().join("ledger-store/tests/secondfold/fold.py"))
        .arg(ledger::root().join("ledger-store/FORMAT.md"))
        .arg("digest")
        .args(files)
        .output()
        .expect("Python runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let lines: Vec<String> = String::from_utf8(told.stdout).expect("text").lines().map(str::to_string).collect();
    assert_eq!(lines.len(), files.len());
    lines
}

/// Files of verdicts on their way to the second fold, each with the digest of its ledger.
pub struct Exports {
    away: TempDir,
    told: Vec<(String, String)>,
    files: Vec<PathBuf>,
}

impl Exports {
    pub fn new() -> Exports {
        Exports { away: directory(), told: Vec::new(), files: Vec::new() }
    }

    /// Verifies a ledger, and exports it.
    pub fn add(&mut self, what: &str, dir: &Path) {
        let report = ledger::verified(dir);
        let file = self.away.path().join(self.files.len().to_string());
        let head = export_verdicts(dir, &file, &mut |_| {}).expect("the log is whole");
        assert_eq!((head.size, head.root), (report.records, report.root));
        self.told.push((format!("{what}, {} records", report.records), hex(&report.digest)));
        self.files.push(file);
    }

    /// The second fold must come to the same.
    pub fn compare(&self) {
        for ((what, expected), told) in self.told.iter().zip(second_fold(&self.files)) {
            assert_eq!(told, *expected, "the second fold of {what}");
        }
    }
}

/// A ledger with this many random events at least.
fn streamed(events: u64, random: &mut Random, seed: u64) -> TempDir {
    let stream = Stream { seed, members: 70, step_ms: 400_000 };
    let dir = directory();
    let ledger = open(dir.path(), 20_000);
    say(&ledger.handle(), vec![stream.program()]);
    let mut next = 0;
    while next < events {
        // Many small commits, and some that are cut into blocks.
        let most = if random.one_in(20) { 2_000 } else { 40 };
        let end = next + 1 + random.below(most);
        say(&ledger.handle(), stream.events(next..end));
        next = end;
    }
    ledger.close().expect("nothing failed");
    dir
}

#[test]
fn the_second_fold_comes_to_the_digest_of_verify() {
    let mut exports = Exports::new();
    let everything = directory();
    fixtures::write(everything.path());
    exports.add("every variant", everything.path());
    let under_a_key = directory();
    fixtures::write_under(under_a_key.path(), Some([0x5a; 32]));
    exports.add("every variant under a key, without it", under_a_key.path());
    let (mut random, seed) = Random::seeded();
    exports.add("random events", streamed(100_000, &mut random, seed).path());
    exports.compare();
}

#[test]
fn the_second_fold_refuses_the_files_that_check_refuses() {
    let (mut random, seed) = Random::seeded();
    let dir = streamed(100, &mut random, seed);
    let away = directory();
    let whole = away.path().join("whole");
    export_verdicts(dir.path(), &whole, &mut |_| {}).expect("the log is whole");
    let bytes = fs::read(&whole).expect("it is there");
    let mut files = vec![whole];
    for n in 0..400 {
        let mut bytes = bytes.clone();
        match n % 8 {
            0 => bytes.truncate(random.below(bytes.len() as u64) as usize),
            1 => bytes.push(b'E'),
            _ => {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << random.below(8);
            }
        }
        let file = away.path().join(n.to_string());
        fs::write(&file, bytes).expect("written");
        files.push(file);
    }
    let digest = hex(&ledger::verified(dir.path()).digest);
    let mut refused = 0;
    for (file, told) in files.iter().zip(second_fold(&files)) {
        match read_export(file, &[], &mut |_| {}) {
            Ok(_) => assert_eq!(told, digest, "{}", file.display()),
            Err(error) => {
                assert!(told.starts_with("wrong at "), "{}: {told}, and {error}", file.display());
                refused += 1;
            }
        }
    }
    assert!((380..=400).contains(&refused), "{refused} of 400 refused: who is named at the head is not under the root");
}
