//! The second fold: `ledger-store/tests/secondfold/fold.py`, written from `FORMAT.md` alone, comes to the
//! rows to which the ledger comes, over every story and over a hundred thousand random events, and it
//! finds wrong what the ledger finds wrong.
//!
//! `LEDGER_PYTHON` names the Python that runs it; any from 3.10 on will do that has `zstandard`.

use crate::ledger::{self, root, row_bytes};
use crate::properties::an_op;
use crate::story::{Op, World};
use ledger_core::bytes::{decode, encode};
use ledger_core::event::{self, Body};
use ledger_core::fold::fold;
use ledger_core::memory::Memory;
use ledger_core::merkle::{Frontier, NO_CAUSE, record_leaf};
use ledger_core::record::VerdictPart;
use ledger_core::state::State;
use ledger_core::units::{At, Position, StaffNo};
use ledger_stories::run;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What the second fold prints, a line for each log or vector.
pub fn second_fold(what: &str, paths: &[PathBuf]) -> Vec<String> {
    let python = std::env::var_os("LEDGER_PYTHON").map(PathBuf::from).filter(|python| python.exists());
    let told = Command::new(python.unwrap_or_else(|| "python3".into()))
        .arg(root().join("ledger-store/tests/secondfold/fold.py"))
        .arg(root().join("ledger-store/FORMAT.md"))
        .arg(what)
        .args(paths)
        .output()
        .expect("Python runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).expect("text").lines().map(str::to_string).collect()
}

/// Every row of a state with its key, in order of keys.
pub fn keyed_rows(state: &State) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows: Vec<(Vec<u8>, Vec<u8>)> = vec![(b"sh".to_vec(), row_bytes(&state.shared))];
    rows.extend(
        ledger::members(state).map(|(no, row)| ([b"me".as_slice(), &no.0.to_be_bytes()].concat(), row_bytes(row))),
    );
    for ((key, term), row) in &state.counters {
        rows.push(([b"co".as_slice(), &key.0, &term.0.to_be_bytes()].concat(), row_bytes(row)));
    }
    for (position, case) in &state.cases {
        rows.push(([b"ca".as_slice(), &position.0.to_be_bytes()].concat(), row_bytes(case)));
    }
    for (program, version) in state.programs.iter().zip(1u32..) {
        rows.push(([b"pr".as_slice(), &version.to_be_bytes()].concat(), row_bytes(program)));
    }
    for no in (1..=state.staff_len()).map(StaffNo) {
        let row = state.staff(no).expect("numbers have no gaps");
        rows.push(([b"st".as_slice(), &no.0.to_be_bytes()].concat(), row_bytes(row)));
    }
    rows.sort();
    rows
}

/// The state digest, as `FORMAT.md` says.
fn digest(state: &State) -> String {
    let mut digest = Sha256::new();
    for (key, value) in keyed_rows(state) {
        for part in [key, value] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    ledger::hex(&digest.finalize())
}

/// The file of verdicts of these records, in which nothing was said, as `FORMAT.md` says: some in a block, none packed.
fn file_of_verdicts(records: &[Vec<u8>]) -> Vec<u8> {
    let mut file = [&b"verdict\x01"[..], &[0; 22]].concat();
    let mut entry = |kind: u8, content: &[u8]| {
        file.push(kind);
        file.extend(u32::try_from(content.len()).expect("small").to_le_bytes());
        file.extend(content);
    };
    let mut tree = Frontier::default();
    for records in records.chunks(100) {
        records.iter().for_each(|record| tree.append(record_leaf(record, &NO_CAUSE)));
        let length = |part: &[u8]| u32::try_from(part.len()).expect("small");
        let lengths = records[..records.len() - 1].iter().flat_map(|record| length(record).to_le_bytes());
        let frame: Vec<u8> = [0].into_iter().chain(lengths).chain(records.iter().flatten().copied()).collect();
        let mut verdict_len = Vec::new();
        encode(&length(&frame), &mut verdict_len).expect("a number is a value");
        let count = u8::try_from(records.len() - 1).expect("at most 256");
        // Behind the version byte, which a length in a block has not.
        let block = [&tree.root()[..], &[count], &[0; 8], &verdict_len[1..], &frame].concat();
        let check = Sha256::new().chain_update(tree.size().to_le_bytes()).chain_update(&block).finalize();
        let causes = records.iter().flat_map(|_| NO_CAUSE).collect::<Vec<_>>();
        entry(b'B', &[&[3], &check[..8], &block, &causes].concat());
    }
    entry(b'E', &[&tree.size().to_le_bytes()[..], &tree.root()].concat());
    file
}

/// Logs on their way to the second fold, with what it must say of each.
#[derive(Default)]
struct Logs {
    told: Vec<(String, String, Vec<u8>)>,
}

impl Logs {
    fn add(&mut self, name: &str, records: &[Vec<u8>], expected: String) {
        self.told.push((name.to_string(), expected, file_of_verdicts(records)));
    }

    /// Compares; of what is wrong, where it is.
    fn compare(&self) {
        let directory = std::env::temp_dir().join(format!("secondfold-{}-{:p}", std::process::id(), self));
        fs::create_dir_all(&directory).expect("a directory");
        let paths: Vec<PathBuf> = (0..self.told.len()).map(|n| directory.join(n.to_string())).collect();
        for (path, (.., log)) in paths.iter().zip(&self.told) {
            fs::write(path, log).expect("written");
        }
        let told = second_fold("digest", &paths);
        fs::remove_dir_all(&directory).expect("removed");
        assert_eq!(told.len(), self.told.len());
        for (told, (name, expected, _)) in told.iter().zip(&self.told) {
            let told = if told.starts_with("wrong at ") { told.split(':').next().unwrap_or_default() } else { told };
            assert_eq!(told, expected, "the second fold of {name}");
        }
    }
}

/// The verdict parts of a log.
fn verdicts(memory: &Memory) -> Vec<Vec<u8>> {
    memory.log().iter().map(|stored| stored.verdict.clone()).collect()
}

/// What folding these records comes to: the digest, or where they are wrong.
fn folded(records: &[Vec<u8>]) -> String {
    let mut state = State::new();
    for (record, position) in records.iter().zip(1u64..) {
        let folds = decode::<VerdictPart>(record).and_then(|record| fold(&mut state, Position(position), &record));
        if folds.is_err() {
            return format!("wrong at {position}");
        }
    }
    digest(&state)
}

/// Every story of the programs and of the core, played.
fn stories() -> Vec<(String, Memory)> {
    let mut played = Vec::new();
    for directory in ["programs", "ledger-core/tests/stories"] {
        for entry in fs::read_dir(root().join(directory)).expect("the directory is there") {
            let path = entry.expect("a readable entry").path();
            if path.extension().is_none_or(|ending| ending != "txt") {
                continue;
            }
            let program = |name: &str| fs::read_to_string(path.with_file_name(name).with_extension("toml")).ok();
            let mut memory = Memory::new();
            run(&fs::read_to_string(&path).expect("the story is there"), &mut memory, &program).expect("it is played");
            played.push((path.display().to_string(), memory));
        }
    }
    assert!(played.len() > 30, "{} stories", played.len());
    played.sort_by(|(one, _), (other, _)| one.cmp(other));
    played
}

/// A ledger that heard so many random sayings.
fn random(runner: &mut TestRunner, length: usize) -> Memory {
    let story = prop::collection::vec(an_op(), length).new_tree(runner).expect("a story").current();
    let mut world = World::new();
    for op in &story {
        let said = match op {
            Op::Wait(ms) => {
                // Years of waiting would be the end of all that a long story built up.
                world.now += ms / 8;
                continue;
            }
            Op::Say(said) | Op::Reuse(_, said) => world.event(said),
            Op::Resolve(case, fraud) => world.resolution(*case, *fraud),
            Op::Publish(version) => world.control(Body::ProgramPublished(event::ProgramPublished {
                text: crate::naive::program(*version).into(),
            })),
            Op::Again(_) | Op::Tick => world.control(Body::Tick(event::Tick { up_to: At(world.now) })),
        };
        world.submit(said);
    }
    world.memory
}

#[test]
fn the_second_fold_is_short() {
    let text = fs::read_to_string(root().join("ledger-store/tests/secondfold/fold.py")).expect("the second fold");
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 700, "{lines} lines: who reads it beside the page reads all of it");
}

#[test]
fn the_second_fold_agrees_on_every_story() {
    let mut logs = Logs::default();
    logs.add("an empty log", &[], digest(&State::new()));
    for (name, memory) in stories() {
        logs.add(&name, &verdicts(&memory), digest(&memory.state));
    }
    logs.compare();
}

#[test]
fn the_second_fold_agrees_on_a_hundred_thousand_random_events() {
    let (mut runner, mut logs, mut records) = (TestRunner::deterministic(), Logs::default(), 0);
    for n in 0.. {
        let memory = random(&mut runner, 4_000);
        records += memory.log().len();
        logs.add(&format!("random ledger {n}"), &verdicts(&memory), digest(&memory.state));
        if records >= 100_000 {
            break;
        }
    }
    println!("{records} records in {} ledgers", logs.told.len());
    logs.compare();
}

#[test]
fn the_second_fold_finds_wrong_what_the_ledger_finds_wrong() {
    let (mut runner, mut logs, mut wrong) = (TestRunner::deterministic(), Logs::default(), 0);
    let (mut memories, mut at) = (stories(), 0u64);
    memories.extend((0..40).map(|n| (format!("random ledger {n}"), random(&mut runner, 120))));
    let mut chance = move |below: usize| {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (at >> 33) as usize % below
    };
    for (name, memory) in &memories {
        for _ in 0..40 {
            let mut records = verdicts(memory);
            let record = chance(records.len());
            let byte = chance(records[record].len());
            let old = records[record][byte];
            let new = match chance(6) {
                0 => vec![old ^ 1 << chance(8)],
                1 => vec![old.wrapping_add(2)],
                2 => vec![old.wrapping_sub(2)],
                3 => vec![],
                // The same number in a longer form, if it is one.
                4 => [&[0xfb + chance(3) as u8, old][..], &vec![0; 1 + 2 * chance(4)]].concat(),
                _ => vec![chance(256) as u8],
            };
            records[record].splice(byte..=byte, new);
            let expected = folded(&records);
            wrong += usize::from(expected.starts_with("wrong"));
            logs.add(&format!("{name}, record {} with byte {byte} changed", record + 1), &records, expected);
        }
    }
    let right = logs.told.len() - wrong;
    println!("{wrong} of {} logs are wrong", logs.told.len());
    assert!(wrong > 500 && right > 500, "{wrong} wrong, {right} right");
    logs.compare();
}
