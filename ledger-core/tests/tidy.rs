//! The workspace, read as text: what must stay so and no compiler asks for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::as_conversions, clippy::panic)]

use expect_test::expect_file;
use ledger_core::refusal::Refusal;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LINE_CHARS_MAX: usize = 120;
/// Of tests, benches and fuzz targets.
const FILE_LINES_MAX: usize = 800;
/// Of what ships.
const SOURCE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the workspace is there")
}

/// A file of the workspace: its path from the root, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    /// Whether it is what ships: not a test, bench or fuzz target.
    fn is_source(&self) -> bool {
        self.path.ends_with(".rs") && self.path.contains("/src/") && !self.path.starts_with("benches/")
    }

    /// The lines with their numbers, each in its file.
    fn lines(&self) -> impl Iterator<Item = (String, &str)> {
        let name = |n: usize| format!("{}:{}", self.path, n + 1);
        self.text.lines().enumerate().map(move |(n, line)| (name(n), line))
    }
}

/// Every text file that is part of the workspace.
fn files() -> Vec<File> {
    let root = root();
    let (mut found, mut directories) = (Vec::new(), vec![root.clone()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_string();
            let foreign = ["target", "node_modules", "corpus", "artifacts", "coverage", "__pycache__"];
            if path.is_dir() {
                if !foreign.contains(&name.as_str()) && (!name.starts_with('.') || name == ".ci") {
                    directories.push(path);
                }
                continue;
            }
            // What is no text is not read here.
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let path = path.strip_prefix(&root).expect("under the root").to_string_lossy().into_owned();
            found.push(File { path, text });
        }
    }
    assert!(found.len() > 50, "only {} files found", found.len());
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

fn none(found: &[String], what: &str) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

/// The crates a manifest depends on, in every section of dependencies.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = read(manifest).unwrap_or_else(|| panic!("{manifest} is there"));
    let (mut inside, mut found) = (false, BTreeSet::new());
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside
            && !line.starts_with('#')
            && let Some((name, _)) = line.split_once(['.', '=', ' '])
        {
            found.insert(name.trim().to_string());
        }
    }
    assert!(!found.is_empty(), "{manifest} has dependencies");
    found
}

#[test]
fn imports_go_one_way() {
    let banned = [
        ("ledger-core", "ledger-store ledger-grpc rocksdb tokio tokio-stream prost tonic rdkafka rand getrandom"),
        ("ledger-store", "ledger-grpc tokio tokio-stream prost prost-types tonic rdkafka"),
    ];
    for (name, banned) in banned {
        let known = dependencies(&format!("{name}/Cargo.toml"));
        let banned: Vec<&str> = banned.split(' ').filter(|banned| known.contains(*banned)).collect();
        assert!(banned.is_empty(), "{name} must not depend on {banned:?}");
    }
}

#[test]
fn the_core_is_pure_all_the_way_down() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let tree = Command::new(cargo)
        .args(["tree", "-p", "ledger-core", "--edges", "normal,build,dev", "--prefix", "none", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let told = String::from_utf8_lossy(&tree.stdout);
    assert!(tree.status.success(), "cargo tree: {}", String::from_utf8_lossy(&tree.stderr));
    let crates: BTreeSet<&str> = told.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains("bincode") && crates.contains("proptest"), "the tree is read: {crates:?}");
    for banned in ["librocksdb-sys", "rocksdb", "tokio", "prost", "tonic", "rdkafka", "cc", "bindgen", "zstd-sys"] {
        assert!(!crates.contains(banned), "ledger-core comes to depend on {banned}");
    }
}

#[test]
fn bincode_has_one_door() {
    let door = "ledger-core/src/kernel/bytes.rs";
    let named = files().into_iter().filter(|file| file.is_source() && file.text.contains("bincode::"));
    let named: Vec<String> = named.map(|file| file.path).filter(|path| path != door).collect();
    none(&named, &format!("bincode is named outside {door}"));
}

#[test]
fn the_clock_is_read_in_one_place() {
    let place = "ledger-grpc/src/engine/clock.rs";
    let reads = |file: &File| file.is_source() && file.path != place && file.text.contains("SystemTime::now");
    let found: Vec<String> = files().into_iter().filter(reads).map(|file| file.path).collect();
    none(&found, &format!("the clock is read outside {place}"));
}

#[test]
fn sources_fit_a_screen() {
    let mut long = Vec::new();
    for file in files().iter().filter(|file| file.is_source()) {
        let wide = |(at, line): (String, &str)| {
            let chars = line.chars().count();
            (chars > LINE_CHARS_MAX).then(|| format!("{at}: {chars} characters; at most {LINE_CHARS_MAX}"))
        };
        long.extend(file.lines().filter_map(wide));
    }
    none(&long, "too long");
}

/// A crate that neither takes the lints of the workspace nor forbids it itself would not notice.
#[test]
fn unsafe_code_stands_in_one_crate() {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| !file.path.starts_with("heap/")) {
        if file.path.ends_with("/Cargo.toml") && file.path != "fuzz/Cargo.toml" {
            let forbids = ["[lints]\nworkspace = true", "unsafe_code = \"forbid\""];
            let does = forbids.iter().any(|words| file.text.contains(words));
            found.extend((!does).then(|| format!("{}: does not forbid unsafe code", file.path)));
        }
        if file.path.ends_with(".rs") && file.path != "ledger-core/tests/tidy.rs" {
            let unsafe_code = |line: &str| {
                ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "#[unsafe("]
                    .iter()
                    .any(|word| line.contains(word))
            };
            found.extend(file.lines().filter(|(_, line)| unsafe_code(line)).map(|(at, _)| format!("{at}: unsafe")));
        }
    }
    none(&found, "only heap/ may");
}

/// What `tests/too-long.txt` lists is too long today, and by how much. A change that shortens it shortens the list; one
/// that lengthens it, or adds to it, is not meant to pass a review. The aim is an empty list.
#[test]
fn files_and_functions_are_short() {
    let mut long = String::new();
    for file in files().iter().filter(|file| file.path.ends_with(".rs")) {
        let most = if file.path.contains("/src/") { SOURCE_LINES_MAX } else { FILE_LINES_MAX };
        let lines = file.text.lines().count();
        if lines > most {
            long.push_str(&format!("{}: {lines} lines\n", file.path));
        }
        for (name, lines) in functions(&file.text) {
            if file.path.contains("/src/") && lines > FUNCTION_LINES_MAX {
                long.push_str(&format!("{} fn {name}: {lines} lines\n", file.path));
            }
        }
    }
    expect_file!["too-long.txt"].assert_eq(&long);
}

/// The functions of a source outside its unit tests, each with the lines from its `fn` to its last brace.
fn functions(source: &str) -> Vec<(String, usize)> {
    let code: Vec<char> = without_tests(&code_of(source)).chars().collect();
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let mut found = Vec::new();
    for at in 0..code.len() {
        let starts = code[at..].starts_with(&['f', 'n', ' ']) && !code[..at].last().is_some_and(is_word);
        let name: String = code[at..].iter().skip(3).take_while(|c| is_word(c)).collect();
        if !starts || name.is_empty() {
            continue;
        }
        // The body begins at the first brace outside parentheses, unless a declaration ends before it.
        let mut inside = 0;
        let body = code[at..].iter().position(|c| {
            inside += i32::from(matches!(c, '(' | '[')) - i32::from(matches!(c, ')' | ']'));
            inside == 0 && matches!(c, '{' | ';')
        });
        let Some(body) = body.map(|body| at + body).filter(|body| code[*body] == '{') else { continue };
        let lines = code[at..=end_of(&code, body)].iter().filter(|c| **c == '\n').count() + 1;
        found.push((name, lines));
    }
    found
}

/// Where the brace closes that opens at `open`.
fn end_of(code: &[char], open: usize) -> usize {
    let mut depth = 0;
    let closes = code[open..].iter().position(|c| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        depth == 0
    });
    open + closes.expect("braces are balanced")
}

/// Code without its modules of unit tests.
fn without_tests(code: &str) -> String {
    let mut rest = code;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("#[cfg(test)]\nmod ") {
        kept.push_str(before);
        let text: Vec<char> = after.chars().collect();
        let open = text.iter().position(|c| matches!(c, '{' | ';')).expect("a module has a body or a file");
        let end = if text[open] == '{' { end_of(&text, open) } else { open };
        rest = text.get(..=end).map_or("", |module| &after[module.iter().map(|c| c.len_utf8()).sum()..]);
    }
    kept + rest
}

/// A source with its lines, but without comments and what strings and characters say.
fn code_of(source: &str) -> String {
    let text: Vec<char> = source.chars().collect();
    let (mut code, mut at) = (String::new(), 0);
    let starts = |at: usize, word: &str| text[at..].iter().take(word.len()).copied().eq(word.chars());
    let find = |from: usize, word: &str| (from..text.len()).find(|at| starts(*at, word)).unwrap_or(text.len());
    while at < text.len() {
        let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
        let is_raw = text[at] == 'r' && text.get(at + 1 + hashes) == Some(&'"');
        let ends_word = at > 0 && (text[at - 1].is_alphanumeric() && text[at - 1] != 'b' || text[at - 1] == '_');
        let next = match text[at] {
            '/' if starts(at, "//") => find(at, "\n"),
            '/' if starts(at, "/*") => find(at, "*/") + 2,
            'r' if is_raw && !ends_word => {
                let quote = format!("\"{}", "#".repeat(hashes));
                find(at + 2 + hashes, &quote) + quote.len()
            }
            '"' => {
                let mut end = at + 1;
                while text.get(end).is_some_and(|c| *c != '"') {
                    end += if text[end] == '\\' { 2 } else { 1 };
                }
                end + 1
            }
            '\'' if text.get(at + 1) == Some(&'\\') => find(at + 3, "'") + 1,
            '\'' if text.get(at + 2) == Some(&'\'') => at + 3,
            _ => {
                code.push(text[at]);
                at += 1;
                continue;
            }
        };
        let next = next.min(text.len());
        code.extend(text[at..next].iter().filter(|c| **c == '\n'));
        at = next;
    }
    code
}

#[test]
fn functions_are_found_and_measured() {
    let source = r###"
trait Shape { fn sides(&self) -> [u8; 2]; }
impl Shape for Square {
    // fn commented() {
    fn sides(&self) -> [u8; 2] {
        let text = "} fn quoted() {"; let brace = '{'; let escaped = '\''; let raw = r#"" } "#;
        /* fn also_commented() { */
        call::<'static>(b"{\"")
    }
}
fn outer<F: Fn(u8) -> u8>(f: F)
where
    F: Copy,
{
    fn inner() {}
    let pointer: fn(u8) = f;
}
#[cfg(test)]
mod tests {
    fn a_test() {}
}
fn last() {}
"###;
    let found = functions(source);
    let expected = [("sides", 5), ("outer", 7), ("inner", 1), ("last", 1)];
    assert_eq!(found, expected.map(|(name, lines)| (name.to_string(), lines)));
}

#[test]
fn nothing_is_left_lying_about() {
    let banned =
        ["dbg!(", "todo!(", "unimplemented!(", "FIXME", "// XXX", "#[ignore", "thread::sleep(Duration::from_secs"];
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with(".rs") && file.path != "ledger-core/tests/tidy.rs") {
        for (at, line) in file.lines() {
            found.extend(banned.iter().filter(|word| line.contains(**word)).map(|word| format!("{at}: {word}")));
            // A comparison whose answer nobody hears.
            if line.trim_start().starts_with("matches!(") && line.trim_end().ends_with(");") {
                found.push(format!("{at}: a bare matches!"));
            }
        }
    }
    none(&found, "to be finished or taken out");
}

#[test]
fn text_files_end_with_a_line_and_have_no_trailing_blanks() {
    let endings = [".rs", ".toml", ".proto", ".md", ".sh", ".py"];
    let mut found = Vec::new();
    for file in files().iter().filter(|file| endings.iter().any(|ending| file.path.ends_with(ending))) {
        if !file.text.ends_with('\n') || file.text.ends_with("\n\n") {
            found.push(format!("{}: does not end with one line", file.path));
        }
        let trailing = |(at, line): (String, &str)| (line.ends_with([' ', '\t', '\r'])).then_some(at);
        found.extend(file.lines().filter_map(trailing));
    }
    none(&found, "blanks");
}

/// What a document names between backticks or in links that looks like a file or directory.
fn named(document: &str) -> BTreeSet<String> {
    let endings = [".rs", ".toml", ".txt", ".md", ".proto", ".sh", ".py", ".gz", ".csv", "/"];
    let mut fenced = false;
    let mut found = BTreeSet::new();
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        let quoted = line.split('`').skip(1).step_by(2);
        let linked = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for word in quoted.chain(linked) {
            let is_path = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
            let is_file = endings.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending));
            if is_path && is_file && !word.starts_with('/') {
                found.insert(word.to_string());
            }
        }
    }
    found
}

#[test]
fn every_file_that_is_named_is_there() {
    let files = files();
    let mut missing = Vec::new();
    for document in ["README.md", "ARCHITECTURE.md", "ledger-store/FORMAT.md"] {
        let Some(text) = read(document) else { continue };
        for name in named(&text) {
            // A name may leave out the crate whose section it stands in.
            let tail = format!("/{}", name.trim_start_matches("../"));
            let whole = |path: &str| format!("/{path}");
            let is_there = files.iter().any(|file| match tail.ends_with('/') {
                true => whole(&file.path).contains(&tail),
                false => whole(&file.path).ends_with(&tail),
            });
            if !is_there && !root().join(&name).exists() {
                missing.push(format!("{document} names {name}"));
            }
        }
    }
    none(&missing, "not there");
}

#[test]
fn every_program_has_its_story() {
    let programs: Vec<File> = files().into_iter().filter(|file| file.path.starts_with("programs/")).collect();
    let named = |ending: &str| -> BTreeSet<String> {
        programs.iter().filter_map(|file| file.path.strip_suffix(ending).map(str::to_string)).collect()
    };
    assert_eq!(named(".toml"), named(".txt"));
    for file in programs.iter().filter(|file| file.path.ends_with(".txt")) {
        let unplayed = |(at, line): (String, &str)| line.trim_end().ends_with("->").then_some(at);
        none(&file.lines().filter_map(unplayed).collect::<Vec<_>>(), "an arrow without an answer");
    }
}

#[test]
fn every_dependency_says_why_it_is_here() {
    let manifest = read("Cargo.toml").expect("the workspace has a manifest");
    let (_, section) = manifest.split_once("[workspace.dependencies]\n").expect("dependencies are the workspace's");
    let section = section.split("\n[").next().unwrap_or_default();
    let silent =
        section.lines().filter(|line| line.contains('=') && !line.contains("path = ") && !line.contains(" # "));
    none(&silent.map(str::to_string).collect::<Vec<_>>(), "a dependency without its reason");
    let deny = read("deny.toml").expect("the licences are declared");
    let exceptions = deny.lines().filter(|line| line.trim_start().starts_with("{ id") || line.contains("{ crate"));
    let silent = exceptions.filter(|line| !line.contains("reason = ")).map(str::to_string);
    none(&silent.collect::<Vec<_>>(), "an exception without its reason");
}

#[test]
fn every_dependency_is_used() {
    let files = files();
    // What the generated code of messages and services names, which stands nowhere in the workspace.
    let generated = [("ledger-grpc", "tonic-prost")];
    let manifests = files.iter().filter_map(|file| file.path.strip_suffix("/Cargo.toml"));
    let mut unused = Vec::new();
    for package in manifests {
        let sources: Vec<String> = files
            .iter()
            .filter(|file| file.path.starts_with(&format!("{package}/")) && file.path.ends_with(".rs"))
            .map(|file| code_of(&file.text))
            .collect();
        for name in dependencies(&format!("{package}/Cargo.toml")) {
            let word = name.replace('-', "_");
            let is_use = |(at, _): (usize, &str), code: &str| {
                let before = code[..at].chars().next_back();
                let after = &code[at + word.len()..];
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
                    && ["::", ";", " as "].iter().any(|next| after.starts_with(next))
            };
            let is_used = sources.iter().any(|code| code.match_indices(&word).any(|found| is_use(found, code)));
            if !is_used && !generated.contains(&(package, &name)) {
                unused.push(format!("{package} does not use {name}"));
            }
        }
    }
    none(&unused, "dependencies nobody uses");
}

/// Key kinds are byte strings of two letters; FORMAT.md has each between backticks.
#[test]
fn every_kind_of_key_is_described() {
    let (Some(keys), Some(format)) = (read("ledger-store/src/keys.rs"), read("ledger-store/FORMAT.md")) else {
        return;
    };
    let kinds: BTreeSet<&str> = keys
        .match_indices("b\"")
        .filter_map(|(at, _)| keys.get(at + 2..at + 4))
        .filter(|kind| kind.chars().all(|letter| letter.is_ascii_lowercase()))
        .collect();
    assert!(kinds.len() > 3, "the kinds are read: {kinds:?}");
    let missing = kinds.iter().filter(|kind| !format.contains(&format!("`{kind}`"))).map(|kind| kind.to_string());
    none(&missing.collect::<Vec<_>>(), "kinds of keys that FORMAT.md does not have");
    let families = keys.lines().filter_map(|line| line.split_once(": &str = \"")?.1.strip_suffix("\";"));
    let missing = families.filter(|family| !format.contains(&format!("`{family}`"))).map(str::to_string);
    none(&missing.collect::<Vec<_>>(), "families that FORMAT.md does not have");
}

#[test]
fn refusals_are_told_to_people() {
    let messages: BTreeSet<&str> = Refusal::ALL.iter().map(|refusal| refusal.message()).collect();
    assert_eq!(messages.len(), Refusal::ALL.len(), "each refusal has a message of its own");
    assert!(messages.iter().all(|message| !message.ends_with('.')), "a message is no sentence");
}

/// Where messages of the API may be named: where something is read from one or told in one.
#[test]
fn messages_stay_where_they_come_in_and_go_out() {
    let places = [
        "ledger-grpc/src/wire/",
        "ledger-grpc/src/answers.rs",
        "ledger-grpc/src/answers/",
        "ledger-grpc/src/service.rs",
        "ledger-grpc/src/server.rs",
        "ledger-grpc/src/json.rs",
        "ledger-grpc/src/json/",
        "ledger-grpc/src/kafka/decode",
        "ledger-grpc/src/kafka/outbox/",
        "ledger-grpc/src/cli/",
    ];
    let files = files();
    let named: Vec<&File> = files.iter().filter(|file| file.is_source() && file.text.contains("proto::")).collect();
    let outside = named.iter().filter(|file| !places.iter().any(|place| file.path.starts_with(place)));
    none(&outside.map(|file| file.path.clone()).collect::<Vec<_>>(), "messages of the API are named elsewhere");
    let idle = places.iter().filter(|place| !named.iter().any(|file| file.path.starts_with(**place)));
    none(&idle.map(|place| place.to_string()).collect::<Vec<_>>(), "places that name no message need not be listed");
}
