//! The house, read as text: which file may know which, and that none knows itself by a detour.
//!
//! A file knows another by what it imports and by the methods that it calls: a method whose name is defined in one
//! file alone is a way there, whether it is imported or not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Most files that may know each other in a circle.
const CYCLE_MAX: usize = 3;
/// The pairs of features that may know each other.
const PAIRS: &str = include_str!("house.txt");
/// Files of larger circles that are still to be opened.
const CIRCLES: [&str; 0] = [];
/// Names of methods that types of other crates have as well: a call says nothing about where it goes.
const ANYBODYS: &[&str] = &[
    "add",
    "all",
    "any",
    "as_str",
    "at",
    "clear",
    "clone",
    "contains",
    "count",
    "days",
    "default",
    "end",
    "find",
    "first",
    "first_key_value",
    "get",
    "insert",
    "is_empty",
    "is_none_or",
    "is_some_and",
    "iter",
    "iter_mut",
    "keys",
    "kind",
    "last",
    "len",
    "map",
    "max",
    "min",
    "name",
    "next",
    "of",
    "position",
    "push",
    "range",
    "remove",
    "retain",
    "set",
    "sum",
    "take",
    "values",
];

/// The sources, by their path under `src`, as words and signs.
struct House(BTreeMap<String, Vec<String>>);

impl House {
    fn open() -> House {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let (mut files, mut directories) = (BTreeMap::new(), vec![src.clone()]);
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(&directory).expect("a readable directory") {
                let path: PathBuf = entry.expect("a readable entry").path();
                if path.is_dir() {
                    directories.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(&src).expect("under src").to_string_lossy().into_owned();
                    files.insert(name, words(&fs::read_to_string(&path).expect("a readable file")));
                }
            }
        }
        assert!(files.len() > 50, "only {} files found", files.len());
        House(files)
    }

    /// The file in which a path of modules, types and functions ends.
    fn file(&self, path: &[String]) -> Option<&str> {
        let inner = (1..=path.len()).rev().flat_map(|n| {
            let stem = path[..n].join("/");
            [format!("{stem}.rs"), format!("{stem}/mod.rs")]
        });
        let found = inner.into_iter().find_map(|name| self.0.get_key_value(&name));
        found.map(|(name, _)| name.as_str())
    }

    /// What each file imports or names by its path.
    fn imports(&self) -> Edges<'_> {
        let mut found = Edges::default();
        for (name, words) in &self.0 {
            for (at, _) in words.iter().enumerate().filter(|(_, word)| *word == "crate") {
                for path in paths(&words[at + 1..], &[]) {
                    let to =
                        self.file(&path).unwrap_or_else(|| panic!("{name}: crate::{} is no file", path.join("::")));
                    found.add(name, to);
                }
            }
        }
        found
    }

    /// Whose methods each file calls, as far as their names say it.
    fn calls(&self) -> Edges<'_> {
        let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, words) in &self.0 {
            for (at, _) in words.iter().enumerate().filter(|(_, word)| *word == "fn") {
                if is_method(&words[at + 2..]) {
                    owners.entry(&words[at + 1]).or_default().insert(name);
                }
            }
        }
        let mut found = Edges::default();
        for (name, words) in &self.0 {
            for three in words.windows(3).filter(|three| three[0] == "." && ["(", ":"].contains(&three[2].as_str())) {
                let called = three[1].as_str();
                let owner = owners.get(called).filter(|owners| owners.len() == 1 && !ANYBODYS.contains(&called));
                owner.into_iter().flatten().for_each(|owner| found.add(name, owner));
            }
        }
        found
    }

    fn knows(&self) -> Edges<'_> {
        let mut all = self.imports();
        for (from, to) in self.calls().0 {
            all.0.entry(from).or_default().extend(to);
        }
        all
    }
}

/// Which file knows which.
#[derive(Default)]
struct Edges<'h>(BTreeMap<&'h str, BTreeSet<&'h str>>);

impl<'h> Edges<'h> {
    fn add(&mut self, from: &'h str, to: &'h str) {
        if from != to {
            self.0.entry(from).or_default().insert(to);
        }
    }

    fn each(&self) -> impl Iterator<Item = (&'h str, &'h str)> + '_ {
        self.0.iter().flat_map(|(from, to)| to.iter().map(|to| (*from, *to)))
    }

    /// All that can be reached from a file.
    fn reached(&self, from: &'h str) -> BTreeSet<&'h str> {
        let (mut found, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(from) = next.pop() {
            let more = self.0.get(from).into_iter().flatten().filter(|to| found.insert(**to));
            next.extend(more.copied().collect::<Vec<_>>());
        }
        found
    }

    /// Files that know each other in a circle, the largest circle first.
    fn circles(&self) -> Vec<BTreeSet<&'h str>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> = self.0.keys().map(|from| (*from, self.reached(from))).collect();
        let mut found: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
        for (from, to) in &reached {
            let back = to.iter().copied().filter(|to| reached.get(to).is_some_and(|back| back.contains(from)));
            let circle: BTreeSet<&str> = back.collect();
            if !circle.is_empty() {
                found.insert(circle);
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        found
    }
}

/// A text as words and signs, without comments, strings and characters.
fn words(text: &str) -> Vec<String> {
    let (mut found, mut chars) = (Vec::new(), text.chars().peekable());
    while let Some(letter) = chars.next() {
        match letter {
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|letter| *letter != '\n').is_some() {},
            '"' => {
                while let Some(letter) = chars.next().filter(|letter| *letter != '"') {
                    if letter == '\\' {
                        chars.next();
                    }
                }
            }
            '\'' if chars.peek() == Some(&'"') => {
                chars.next();
            }
            letter if letter.is_alphanumeric() || letter == '_' => {
                let mut word = String::from(letter);
                while let Some(letter) = chars.next_if(|letter| letter.is_alphanumeric() || *letter == '_') {
                    word.push(letter);
                }
                found.push(word);
            }
            letter if letter.is_whitespace() => {}
            sign => found.push(sign.into()),
        }
    }
    found
}

/// The paths that go on behind a word: one, or as many as a tree of imports has.
fn paths(words: &[String], before: &[String]) -> Vec<Vec<String>> {
    let is = |at: usize, sign: &str| words.get(at).is_some_and(|word| word == sign);
    let whole = || if before.is_empty() { Vec::new() } else { vec![before.to_vec()] };
    if !(is(0, ":") && is(1, ":")) {
        return whole();
    }
    if !is(2, "{") {
        let Some(word) = words.get(2).filter(|word| word.chars().all(|c| c.is_alphanumeric() || c == '_')) else {
            return whole();
        };
        return paths(&words[3..], &[before, std::slice::from_ref(word)].concat());
    }
    let (mut found, mut depth, mut starts) = (Vec::new(), 0, true);
    for (at, word) in words.iter().enumerate().skip(2) {
        match word.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if depth == 1 && starts => {
                let path = [before, std::slice::from_ref(word)].concat();
                found.extend(if word == "self" { whole() } else { paths(&words[at + 1..], &path) });
            }
            _ => {}
        }
        starts = depth == 1 && (word == "{" || word == ",");
        if depth == 0 {
            break;
        }
    }
    found
}

/// Whether what stands behind the name of a function takes `self`.
fn is_method(words: &[String]) -> bool {
    let mut depth = 0;
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "<" => depth += 1,
            ">" if at > 0 && words[at - 1] != "-" => depth -= 1,
            "(" if depth == 0 => {
                let first = words[at + 1..].iter().take_while(|word| ![",", ")", ":"].contains(&word.as_str()));
                return first.into_iter().any(|word| word == "self");
            }
            _ => {}
        }
    }
    false
}

fn feature(file: &str) -> Option<&str> {
    let (feature, rest) = file.strip_prefix("features/")?.split_once('/')?;
    (!rest.is_empty()).then_some(feature)
}

/// What reads programs goes by the words of a file, not by features.
fn reads_programs(file: &str) -> bool {
    file.ends_with("_toml.rs")
}

fn none(found: &BTreeSet<String>, what: &str) {
    assert!(found.is_empty(), "{what}:\n{}", found.iter().cloned().collect::<Vec<_>>().join("\n"));
}

/// The written pairs, each with its reason.
fn written() -> BTreeSet<(&'static str, &'static str)> {
    let lines = PAIRS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pair = |line: &'static str| {
        let (pair, why) = line.split_once(": ").unwrap_or_else(|| panic!("a pair without its reason: {line}"));
        assert!(why.len() > 10, "a pair without its reason: {line}");
        pair.split_once(" -> ").unwrap_or_else(|| panic!("no pair: {line}"))
    };
    lines.map(pair).collect()
}

#[test]
fn features_know_each_other_along_the_written_pairs() {
    let (house, written) = (House::open(), written());
    let (mut used, mut unwritten) = (BTreeSet::new(), BTreeSet::new());
    // Rules as types are one tree, whose root is the program, and what is folded is one, whose root is the row of a
    // member: a wallet has its expiry, a purse what waits in it.
    let data = ["/program.rs", "/state.rs", "/fold.rs", "/due.rs"];
    let is_data = |file: &str| data.iter().any(|name| file.ends_with(name));
    let is_pair = |from: &str, to: &str| !(reads_programs(from) || reads_programs(to) || is_data(from) && is_data(to));
    for (from, to) in house.knows().each().filter(|(from, to)| is_pair(from, to)) {
        let Some((one, other)) = feature(from).zip(feature(to)).filter(|(one, other)| one != other) else { continue };
        match written.get(&(one, other)) {
            Some(pair) => {
                used.insert(*pair);
            }
            None => {
                unwritten.insert(format!("{one} -> {other}: {from} knows {to}"));
            }
        }
    }
    none(&unwritten, "pairs of features that tests/house.txt does not have");
    let idle = written.difference(&used).map(|(one, other)| format!("{one} -> {other}")).collect();
    none(&idle, "pairs of tests/house.txt that no code needs");
    let mut features = Edges::default();
    written.iter().for_each(|(one, other)| features.add(one, other));
    assert_eq!(features.circles(), Vec::<BTreeSet<&str>>::new(), "features know each other in a circle");
}

#[test]
fn what_is_below_does_not_know_what_is_above() {
    let house = House::open();
    let is_in = |file: &str, folders: &[&str]| folders.iter().any(|folder| file.starts_with(folder));
    // A rule is what works on a draft.
    let knows = house.imports();
    let works_on = |file: &str| knows.0.get(file).is_some_and(|known| known.contains("tables/draft.rs"));
    let is_rule = |file: &str| is_in(file, &["features/"]) && (file.ends_with("/rules.rs") || works_on(file));
    let data = ["/event.rs", "/change.rs", "/state.rs", "/program.rs", "/fold.rs"];
    let is_data = |file: &str| is_in(file, &["features/"]) && data.iter().any(|name| file.ends_with(name));
    let above = ["decide.rs", "consequences.rs", "timers.rs", "judge.rs", "explain.rs", "memory.rs", "scenario"];
    let mut found = BTreeSet::new();
    for (from, to) in knows.each() {
        let why = if is_in(from, &["kernel/"]) && is_in(to, &["features/", "tables/"]) {
            "the kernel knows no feature and no table"
        } else if is_in(from, &["tables/"]) && is_rule(to) {
            "tables know no rule"
        } else if is_data(from) && (is_rule(to) || is_in(to, &["tables/draft", "tables/desk.rs"])) {
            "data knows no rule and no draft"
        } else if is_in(from, &["kernel/", "tables/", "features/"]) && is_in(to, &above) {
            "what judges stands above"
        } else {
            continue;
        };
        found.insert(format!("{from} -> {to}: {why}"));
    }
    none(&found, "known from below");
    assert!(house.0.keys().filter(|file| is_rule(file)).count() > 20, "the rules are found");
}

#[test]
fn no_file_knows_itself_by_a_detour() {
    let house = House::open();
    let knows = house.knows();
    let circles = knows.circles();
    let large = circles.iter().filter(|circle| circle.len() > CYCLE_MAX).flatten().copied();
    let large: BTreeSet<&str> = large.collect();
    let known = BTreeSet::from(CIRCLES);
    let new = large.difference(&known).map(|file| (*file).to_string()).collect();
    none(&new, &format!("in a circle of more than {CYCLE_MAX} files"));
    let gone = known.difference(&large).map(|file| (*file).to_string()).collect();
    none(&gone, "in no circle any more: take them out of the list");
}

#[test]
fn other_members_are_reached_by_one_door() {
    let house = House::open();
    let mut found = BTreeSet::new();
    for (file, words) in house.0.iter().filter(|(file, _)| file.starts_with("features/")) {
        for four in words.windows(4) {
            let four: Vec<&str> = four.iter().map(String::as_str).collect();
            if let ["Draft" | "Party", ":", ":", "new" | "of_timer"] = four.as_slice() {
                found.insert(format!("{file}: {}", four.concat()));
            }
        }
    }
    none(&found, "drafts of other members are made by Draft::beside alone");
}

/// The first word of what is said above a line, if it is a class of events.
fn class_above(lines: &[&str], at: usize) -> Option<String> {
    let above = lines[..at].iter().rev().map(|line| line.trim());
    let said =
        above.take_while(|line| line.starts_with("//") || line.starts_with("#[")).filter(|line| !line.starts_with('#'));
    let first = said.last()?.trim_start_matches('/').trim();
    first.split_once(':').map(|(class, _)| class.to_string())
}

#[test]
fn the_class_of_an_event_is_the_same_wherever_it_is_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_else(|_| panic!("{path} is there"));
    let mut kinds = BTreeMap::new();
    let table = read("src/tables/event.rs");
    let lines: Vec<&str> = table.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let class = ["Fact", "Command", "Control"].into_iter().find(|class| line.contains(&format!(": {class} \"")));
        let Some(class) = class else { continue };
        let name = line.split([' ', '<', ':']).filter(|word| !word.is_empty()).nth(1).expect("a kind has a name");
        assert_eq!(class_above(&lines, at).as_deref(), Some(class), "tables/event.rs: {name}");
        kinds.insert(name.to_string(), class);
    }
    assert!(kinds.len() > 30, "the kinds are read");
    let mut told = 0;
    for entry in fs::read_dir(root.join("src/features")).expect("features are there") {
        let Ok(text) = fs::read_to_string(entry.expect("a readable entry").path().join("event.rs")) else { continue };
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(rest) = line.strip_prefix("pub struct ") else { continue };
            let Some(class) = rest.split([' ', '<', ';']).next().and_then(|name| kinds.get(name)) else { continue };
            assert_eq!(class_above(&lines, at).as_deref(), Some(*class), "{rest}");
            told += 1;
        }
    }
    assert_eq!(told, kinds.len(), "every kind has its struct");
    let proto = read("../proto/ledger/v1/event.proto");
    let lines: Vec<&str> = proto.lines().collect();
    let mut told = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some(class) = line.trim().split_once(' ').and_then(|(name, _)| kinds.get(name)) else { continue };
        if line.ends_with(';') && line.contains(" = ") {
            assert_eq!(class_above(&lines, at).as_deref(), Some(*class), "event.proto: {}", line.trim());
            told += 1;
        }
    }
    assert_eq!(told, kinds.len(), "every kind is a field of an event");
}
