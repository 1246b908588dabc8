//! What every fuzz target does, as plain functions of bytes. Each says in its assertions what must hold
//! whatever the bytes are; `fuzz_targets/` hands them to libFuzzer, the tests below to the stable
//! compiler. What a campaign starts from, and every input that ever broke something, is under `corpus/`,
//! by target.
//!
//! Stories, invariants and the clerk who checks them are those of `ledger-core/tests`.

#![allow(dead_code)]

use ledger_core::bytes::{VERSION, decode, encode};
use ledger_core::event::{self, Event, MemberRef, Name};
use ledger_core::fold::{Corrupt, fold};
use ledger_core::judge::projected_to;
use ledger_core::member::Member;
use ledger_core::memory::Memory;
use ledger_core::outcome::Outcome;
use ledger_core::program::{Earner, Program};
use ledger_core::record::VerdictPart;
use ledger_core::state::{Case, CounterRow, HistoryPage, ProgramRow, Shared, State};
use ledger_core::units::{At, Day, MemberNo, Position};
use ledger_stories::run;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::sync::OnceLock;

#[path = "../../ledger-core/tests/main/ledger.rs"]
mod ledger;
mod messages;
#[path = "../../ledger-core/tests/main/naive/mod.rs"]
mod naive;
#[path = "../../ledger-core/tests/main/story.rs"]
mod story;

use naive::{Act, DAY, HOUR, Keys};
use story::{Op, Said, WHO, World};

const CAFE: &str = include_str!("../../programs/cafe.toml");
const COMMUNITY: &str = include_str!("../../programs/community.toml");

/// A value from the bytes, or none; what was read is written and read again as the same.
fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) -> Option<T> {
    // Without the version byte nothing gets far.
    let value: T = decode(&[&[VERSION], data].concat()).ok()?;
    let mut bytes = Vec::new();
    let written = encode(&value, &mut bytes).expect("what was read can be written");
    assert_eq!(written, bytes.len());
    assert_eq!(decode::<T>(&bytes).as_ref(), Ok(&value), "written and read again");
    Some(value)
}

/// A ledger some way into its life.
fn lived_in() -> &'static Memory {
    static LEDGER: OnceLock<Memory> = OnceLock::new();
    LEDGER.get_or_init(|| {
        let mut memory = Memory::new();
        let story = include_str!("../../programs/cafe.txt");
        run(story, &mut memory, &|_| Some(CAFE.into())).expect("the story can be played");
        memory
    })
}

/// Any bytes are an event or none; an event that keeps to the limits is judged.
pub fn event_bytes(data: &[u8]) {
    read::<Event<MemberRef>>(data);
    let Some(mut event) = read::<Event<Name>>(data) else { return };
    if !event.violations().is_empty() {
        return;
    }
    let mut memory = Memory::new();
    let at = At(1_767_225_600_000);
    let publish = ledger_core::event::Body::ProgramPublished(event::ProgramPublished { text: CAFE.into() });
    memory.submit(ledger::event("program", "", at, publish), at).expect("the program folds");
    let first = memory.submit(event.clone(), at).expect("an event within the limits folds");
    let again = memory.submit(event, at).expect("a duplicate folds");
    assert_eq!(again, Outcome { duplicate: true, ..first });
    ledger::check(&memory);
}

/// Any bytes are a message of Kafka or none.
pub fn message_bytes(data: &[u8]) {
    messages::read(data);
}

/// Any bytes are the verdict part of a record or none; it folds or is corrupt.
pub fn record_bytes(data: &[u8]) {
    let Some(record) = read::<VerdictPart>(data) else { return };
    let mut fresh = State::new();
    let _: Result<(), Corrupt> = fold(&mut fresh, Position(1), &record);
    let mut state = lived_in().state.clone();
    let position = state.shared.position.next();
    if fold(&mut state, position, &record).is_ok() {
        for wallet in &state.shared.wallets {
            let sum = wallet.accounts.iter().try_fold(0i64, |sum, balance| sum.checked_add(*balance));
            assert_eq!(sum, Some(0), "what folds, balances");
        }
        let once = ledger::rows(&state);
        assert_eq!(fold(&mut state, position, &record), Ok(()), "what folds once, folds twice");
        assert!(ledger::rows(&state) == once, "and changes nothing then");
    }
    let outcome = Outcome::of(position, &record, false);
    assert_eq!(outcome.available, record.verdict.available);
    let members = record.members();
    assert!(!members.contains(&MemberNo::NOBODY));
}

/// Any bytes are a row or none; a row that is none of ours is still only numbers.
pub fn row_bytes(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 6 {
        0 => {
            read::<Shared>(data);
        }
        1 => {
            read::<CounterRow>(data);
        }
        2 => {
            read::<Case>(data);
        }
        3 => {
            read::<ProgramRow>(data);
        }
        4 => {
            read::<HistoryPage>(data);
        }
        _ => {
            let Ok(member) = decode::<Member>(&[&[VERSION], data].concat()) else { return };
            let mut state = State::new();
            assert!(state.load_member(MemberNo(1), member), "the first row is the first member's");
            let member = state.member(MemberNo(1)).expect("it was loaded");
            let _ = member.balances(member.purses.first().wallet);
            let program = lived_in().programs.current().expect("the café has a program");
            let at = member.next_due.at;
            let _ = projected_to(&lived_in().state, Some(program), MemberNo(1), member, at);
        }
    }
}

/// Any text is a program or has faults, each on a line of it.
pub fn program_text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut terms = Vec::new();
    let lines = text.split('\n').count();
    match Program::read(text, &mut terms) {
        Ok(program) => {
            let mut again = terms.clone();
            let same = Program::read(text, &mut again).expect("a program is one however often it is read");
            assert_eq!(again, terms, "and brings no new words");
            assert_eq!(format!("{:?}", same.earn), format!("{:?}", program.earn));
            for day in [i32::MIN, -1, 0, 20_000, i32::MAX] {
                for wallet in program.wallets() {
                    let _ = program.expires_at(wallet, Day(day), Earner::default());
                }
            }
            let at = At(1_767_225_600_000);
            let mut memory = Memory::new();
            let publish = ledger_core::event::Body::ProgramPublished(event::ProgramPublished { text: text.into() });
            let mut publish = ledger::event("program", "", at, publish);
            if publish.violations().is_empty() {
                assert_eq!(memory.submit(publish, at).expect("it folds").refusal, None);
                let check_in = ledger::event("e-1", "M1", at, ledger_core::event::Body::CheckIn(event::CheckIn));
                memory.submit(check_in, at).expect("whatever the program, events fold");
                memory.tick(At(at.0 + 400 * DAY)).expect("and so do timers");
                ledger::check(&memory);
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "a program that is none has a fault");
            assert!(faults.is_sorted_by_key(|fault| fault.line), "in order of lines: {faults:?}");
            assert!(faults.iter().all(|fault| (1..=lines).contains(&(fault.line as usize))), "{faults:?}");
        }
    }
}

/// Any text can be played or not; what was played is played again as it is.
pub fn scenario_text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let program = |name: &str| (name == "cafe").then(|| CAFE.to_string());
    let mut memory = Memory::new();
    let played = run(text, &mut memory, &program);
    ledger::check(&memory);
    if let Ok(played) = played {
        assert_eq!(played.lines().count(), text.lines().count());
        assert_eq!(run(&played, &mut Memory::new(), &program).as_ref(), Ok(&played), "a story told twice is one story");
    }
}

/// Bytes that run out into zeros.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, limit: i64) -> i64 {
        let wide = i64::from(self.next()) << 16 | i64::from(self.next()) << 8 | i64::from(self.next());
        wide % limit
    }

    fn key(&mut self) -> Option<u8> {
        Some(self.next() % 8).filter(|key| *key < 2)
    }

    fn act(&mut self) -> Act {
        let order = |bytes: &mut Self| format!("o-{}", bytes.next() % 5);
        let hold = |bytes: &mut Self| format!("h-{}", bytes.next() % 6);
        match self.next() % 23 {
            0 => Act::Enrol {
                birthday: [None, Some((2, 29)), Some((12, 25)), Some((3, 1))][usize::from(self.next() % 4)],
            },
            1 => Act::Attribute { known: !self.next().is_multiple_of(4), value: self.below(20) },
            2 => Act::Purchase { order: order(self), paid: self.below(40_000) },
            3 => Act::Cancel { order: order(self) },
            4 => Act::Refund { order: order(self), amount: 1 + self.below(20_000) },
            5 => Act::CheckIn,
            6 => Act::Refer { referee: WHO[usize::from(self.next() % 4)] },
            7 => Act::Redeem { points: 1 + self.below(150) },
            8 => {
                let (name, points) = (hold(self), 1 + self.below(100));
                Act::Hold { name, points, ttl: Some(1 + self.below(100 * HOUR)).filter(|ttl| ttl % 2 == 0) }
            }
            9 => {
                let (name, points) = (hold(self), 1 + self.below(100));
                Act::Capture {
                    name,
                    points: Some(points).filter(|points| points % 3 != 0),
                    last: self.next().is_multiple_of(2),
                }
            }
            10 => Act::Void { name: hold(self) },
            11 => Act::Credit { points: 1 + self.below(300), by: self.person() },
            12 => Act::Debit { points: 1 + self.below(100), by: self.person() },
            13 => {
                let (earn, redeem) = self.scope();
                Act::Freeze { earn, redeem }
            }
            14 => {
                let (earn, redeem) = self.scope();
                Act::Unfreeze { earn, redeem }
            }
            15 => Act::Extend { name: hold(self), ttl: Some(1 + self.below(100 * HOUR)) },
            16 => {
                let points = Some(1 + self.below(60)).filter(|points| points % 3 != 0);
                Act::GiveBack { nth: self.next().into(), points }
            }
            17 => Act::Give { to: WHO[usize::from(self.next() % 4)], points: 1 + self.below(130) },
            18 => {
                let age = self.below(70) - 1;
                let left = Some(self.below(90) - 1).filter(|left| left % 3 != 0);
                let debt = Some(1 + self.below(90)).filter(|debt| debt % 5 == 0);
                let spent = vec![(self.below(200) - 1, 1 + self.below(12_000))];
                Act::Open { lots: vec![(1 + self.below(60), age, left)], debt, spent }
            }
            19 => Act::Approve { nth: self.next().into(), by: ["ann", "bob", "cid"][usize::from(self.next() % 3)] },
            21 => Act::Donate { known: !self.next().is_multiple_of(8), points: 1 + self.below(80) },
            20 => Act::Withdraw { nth: self.next().into() },
            _ if self.next().is_multiple_of(4) => Act::Close,
            _ => Act::CheckIn,
        }
    }

    fn person(&mut self) -> &'static str {
        ["", "ann", "bob", "cid"][usize::from(self.next() % 4)]
    }

    fn scope(&mut self) -> (bool, bool) {
        [(true, false), (false, true), (true, true)][usize::from(self.next() % 3)]
    }

    fn said(&mut self) -> Said {
        let who = WHO[usize::from(self.next() % 4)];
        let keys = Keys { device: self.key(), ip: self.key(), phone: self.key() };
        let ago = match self.next() % 8 {
            0 => self.below(80) * DAY,
            1 => -self.below(3) * DAY,
            2 => self.below(2 * DAY),
            _ => 0,
        };
        Said { who, keys, ago, act: self.act() }
    }

    fn op(&mut self) -> Op {
        match self.next() % 16 {
            0 => Op::Again(usize::from(self.next())),
            1 => Op::Reuse(usize::from(self.next()), self.said()),
            2 => Op::Resolve(usize::from(self.next() % 6), self.next().is_multiple_of(2)),
            3 => Op::Publish(usize::from(self.next() % 2)),
            4 => Op::Tick,
            5 => Op::Wait(self.below(HOUR)),
            6 => Op::Wait(self.below(60) * DAY),
            7 => Op::Wait(self.below(1_000) * DAY),
            8 => Op::Wait(self.below(2 * DAY)),
            _ => Op::Say(self.said()),
        }
    }
}

/// Any bytes are a story; the ledger and the clerk agree on it.
pub fn ledger_ops(data: &[u8]) {
    let mut bytes = Bytes(data);
    let mut world = World::new();
    for _ in 0..100 {
        if bytes.0.is_empty() {
            break;
        }
        world.play(&bytes.op());
        ledger::check_balances(&world.memory.state);
        world.compare();
        world.look();
    }
    world.play(&Op::Tick);
    world.compare();
    ledger::check(&world.memory);
    world.look_back();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// xorshift64*, after Marsaglia and Vigna: the same numbers on every machine.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
        }

        fn below(&mut self, limit: usize) -> usize {
            (self.next() % limit.max(1) as u64) as usize
        }
    }

    /// The corpus that is kept, by target.
    fn kept(target: &str) -> Vec<Vec<u8>> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("a readable entry").path()).collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read(path).expect("a readable seed")).collect()
    }

    /// Something near a seed: bytes changed, taken out, doubled, or parts of two seeds together.
    fn near(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
        let mut data = seeds[random.below(seeds.len())].clone();
        for _ in 0..1 + random.below(4) {
            let at = random.below(data.len() + 1);
            match random.below(6) {
                0 => data.truncate(at),
                1 => data.insert(at, random.next() as u8),
                2 if at < data.len() => data[at] ^= 1 << random.below(8),
                3 if at < data.len() => data[at] = random.next() as u8,
                4 => {
                    let other = &seeds[random.below(seeds.len())];
                    data.truncate(at);
                    data.extend_from_slice(&other[random.below(other.len() + 1)..]);
                }
                _ => {
                    let length = random.below(16).min(data.len() - at.min(data.len()));
                    let part = data[at..at + length].to_vec();
                    data.splice(at..at, part);
                }
            }
        }
        data
    }

    /// Runs the target over its seeds, and over so many inputs near them. `FUZZ_INPUTS` scales.
    fn check(target: fn(&[u8]), name: &str, mut seeds: Vec<Vec<u8>>, inputs: usize) {
        seeds.extend(kept(name));
        let scale = std::env::var("FUZZ_INPUTS").ok().and_then(|text| text.parse::<usize>().ok()).unwrap_or(1);
        let mut random = Random(0x5eed);
        let inputs = (0..inputs * scale).map(|_| near(&seeds, &mut random));
        for data in seeds.clone().into_iter().chain(inputs) {
            let outcome = std::panic::catch_unwind(|| target(&data));
            assert!(outcome.is_ok(), "{name} breaks on {:?}", hex(&data));
        }
    }

    fn hex(data: &[u8]) -> String {
        ledger::hex(data)
    }

    /// Verdict parts as they are in the log of the café, without their version byte.
    fn records() -> Vec<Vec<u8>> {
        lived_in().log().iter().map(|stored| stored.verdict[1..].to_vec()).collect()
    }

    #[test]
    fn any_bytes_are_an_event_or_none() {
        let causes = lived_in().log().iter().map(|stored| &stored.cause);
        let events = causes.filter(|cause| !cause.is_empty()).map(|cause| cause[1..].to_vec());
        let mut named: Vec<Vec<u8>> = Vec::new();
        for (n, body) in [
            ledger_core::event::Body::CheckIn(event::CheckIn),
            ledger::purchase("o-1", 1_000),
            ledger_core::event::Body::Referral(event::Referral { referee: "M2".into() }),
        ]
        .into_iter()
        .enumerate()
        {
            let event = ledger::event(&format!("e-{n}"), "M1", At(1_767_225_600_000), body);
            named.push(ledger::bytes(&event)[1..].to_vec());
        }
        check(event_bytes, "event_bytes", events.chain(named).collect(), 20_000);
    }

    #[test]
    fn any_bytes_are_a_record_or_none() {
        check(record_bytes, "record_bytes", records(), 20_000);
    }

    #[test]
    fn any_bytes_are_a_row_or_none() {
        let state = &lived_in().state;
        let row = |kind: u8, bytes: Vec<u8>| [&[kind], &bytes[1..]].concat();
        let mut rows = vec![row(0, ledger::bytes(&state.shared))];
        rows.extend(state.counters.values().map(|counter| row(1, ledger::bytes(counter))));
        rows.extend(state.cases.values().map(|case| row(2, ledger::bytes(case))));
        rows.extend(state.programs.iter().map(|program| row(3, ledger::bytes(program))));
        rows.extend(ledger::members(state).map(|(_, member)| row(5, ledger::bytes(member))));
        check(row_bytes, "row_bytes", rows, 20_000);
    }

    #[test]
    fn any_bytes_are_a_message_or_none() {
        let texts = [
            r#"{"id":12345678901234567890123,"items":[{"price":-19.90e1,"qty":0.345},null,true],"a/b~c":"\\u00e9\\n"}"#,
            "{\"a\":1,\"b\":{\"a\":[[],{}]},\"a\":2}",
            "-1234567.8900e-2",
            "0.30000000000000004",
        ];
        let mut seeds: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        seeds.push([&[0, 0, 0, 1, 2, 4, 2, 0x80, 1][..], b"message"].concat());
        seeds.push([&[1][..], &[7; 16], &[0]].concat());
        seeds.push("[".repeat(126).into_bytes());
        check(message_bytes, "message_bytes", seeds, 20_000);
    }

    #[test]
    fn any_text_is_a_program_or_has_faults() {
        let seeds = vec![CAFE.as_bytes().to_vec(), COMMUNITY.as_bytes().to_vec()];
        check(program_text, "program_text", seeds, 2_000);
    }

    #[test]
    fn any_text_is_a_story_or_not() {
        // Short scenes: a fault in the first line of a long story would be all that is ever met.
        let story = include_str!("../../programs/cafe.txt");
        let scenes = story.split("\n# ----").map(|scene| format!("publish cafe\n#{scene}").into_bytes());
        check(scenario_text, "scenario_text", scenes.collect(), 2_000);
    }

    #[test]
    fn any_bytes_are_a_story_on_which_the_clerk_agrees() {
        let mut random = Random(7);
        let seeds = (0..64).map(|_| (0..400).map(|_| random.next() as u8).collect());
        check(ledger_ops, "ledger_ops", seeds.collect(), 1_000);
    }
}
