//! `FORMAT.md` is true: its examples are the bytes a ledger writes and reads, its layouts are those of
//! the source, and it names every family and key.

use crate::blocks::{Block, cause_hash, leaf, put_together, salt, take_apart, verdict_frame};
use crate::ledger::{self, LEDGER, directory, hex, member, open, say, unhex};
use crate::raw::{FAMILIES, Raw};
use crate::said::{BEGIN, event, publish, purchase};
use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use hmac::{Hmac, KeyInit, Mac};
use ledger_core::account::Account;
use ledger_core::bytes::{ROW_VERSION, VALUE_BYTES_MAX, VERSION};
use ledger_core::change::{Change, LifeChange};
use ledger_core::event::{Kind, RiskKind};
use ledger_core::member::HISTORY_PAGE;
use ledger_core::names::Found;
use ledger_core::record::Record;
use ledger_core::refusal::Refusal;
use ledger_core::units::{At, Points, Position, RiskKey};
use ledger_store::{Ledger, Options};
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher24;
use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;
use tempfile::TempDir;

/// The program of the examples.
pub const PROGRAM: &str = "id = \"t\"
timezone = \"UTC\"
currency = \"EUR\"
[[wallet]]
id = \"points\"
expiry = { after = \"12M\" }
[[earn]]
id = \"base\"
on = \"purchase\"
per = \"1.00\"
give = 1
";

fn document() -> String {
    fs::read_to_string(ledger::root().join("ledger-store/FORMAT.md")).expect("FORMAT.md is there")
}

/// The place of a fenced block in the document.
fn place(document: &str, name: &str) -> Range<usize> {
    let fence = format!("\n```{name}\n");
    let from = document.find(&fence).unwrap_or_else(|| panic!("FORMAT.md has no {name}")) + fence.len();
    from..from + document[from..].find("\n```").expect("the fence ends")
}

/// The lines of a fenced block of the document.
fn fenced(name: &str) -> String {
    let document = document();
    document[place(&document, name)].to_string()
}

/// The bytes of a line of an example: what stands before the bar.
fn line_bytes(line: &str) -> Vec<u8> {
    unhex(line.split('|').next().unwrap_or_default())
}

/// The bytes of an example.
fn example(name: &str) -> Vec<u8> {
    fenced(name).lines().flat_map(line_bytes).collect()
}

/// The line with other bytes, as many as it has: blanks and what is said of them stay.
fn with_bytes(line: &str, bytes: &[u8]) -> String {
    let (told, remark) = line.split_at(line.find('|').unwrap_or(line.len()));
    let digits = hex(bytes);
    let mut digits = digits.chars();
    let told: String = told.chars().map(|old| if old == ' ' { old } else { digits.next().unwrap_or(old) }).collect();
    told + remark
}

/// An example with these bytes. Lines that are true stay, from either end; those between keep their places and
/// remarks if there are as many bytes as before, and else are written anew, without remarks.
fn rewritten(example: &str, bytes: &[u8]) -> String {
    let lines: Vec<(&str, Vec<u8>)> = example.lines().map(|line| (line, line_bytes(line))).collect();
    let (mut first, mut last, mut left) = (0, lines.len(), bytes);
    while let Some(rest) = lines.get(first).and_then(|(_, line)| left.strip_prefix(&line[..])) {
        (first, left) = (first + 1, rest);
    }
    while let Some(rest) = lines[first..last].last().and_then(|(_, line)| left.strip_suffix(&line[..])) {
        (last, left) = (last - 1, rest);
    }
    let kept = |lines: &[(&str, Vec<u8>)]| lines.iter().map(|(line, _)| line.to_string()).collect::<Vec<_>>();
    let mut told = kept(&lines[..first]);
    if lines[first..last].iter().map(|(_, line)| line.len()).sum::<usize>() == left.len() {
        for (line, old) in &lines[first..last] {
            let (new, rest) = left.split_at(old.len());
            told.push(with_bytes(line, new));
            left = rest;
        }
    } else {
        told.extend(left.chunks(15).map(|part| format!("{:<32}|", hex(part))));
    }
    told.extend(kept(&lines[last..]));
    told.join("\n")
}

/// Asserts that the document has these bytes; under `UPDATE_EXPECT=1` it gets them.
fn assert_example(name: &str, bytes: &[u8]) {
    static WRITING: Mutex<()> = Mutex::new(());
    if std::env::var_os("UPDATE_EXPECT").is_some() && example(name) != bytes {
        let _alone = WRITING.lock().expect("nobody panics while it is written");
        let mut document = document();
        let place = place(&document, name);
        document.replace_range(place.clone(), &rewritten(&document[place], bytes));
        // Others read it meanwhile: they see it as it was or as it is.
        let (path, aside) = (ledger::root().join("ledger-store/FORMAT.md"), directory());
        let aside = aside.path().join("FORMAT.md");
        fs::write(&aside, document).expect("it can be written");
        let beside = path.with_extension("md.new");
        fs::copy(aside, &beside).and_then(|_| fs::rename(beside, path)).expect("it can be written");
    }
    assert_eq!(hex(&example(name)), hex(bytes), "the example {name} of FORMAT.md; UPDATE_EXPECT=1 writes it anew");
}

#[test]
fn the_examples_of_what_is_sealed_are_what_a_ledger_under_a_key_has() {
    let dir = directory();
    let options = Options { sealing_key: Some([0x5a; 32]), ..ledger::simulated(1_000) };
    let ledger = Ledger::open(dir.path(), options, ledger::far_future()).expect("it opens");
    say(
        &ledger.handle(),
        vec![publish(PROGRAM, BEGIN), event("till", "e-1", At(BEGIN.0 + 1), "m1", purchase("o-1", 1))],
    );
    ledger.close().expect("nothing failed");
    let raw = Raw::open(dir.path());
    let secret = raw.get("meta", b"se").expect("every ledger has it");
    assert_example("sealed-secret", &secret);
    // Version, position and records, then the scheme and the length.
    let member = raw.get("state", b"me\0\0\0\x01").expect("the member is there");
    assert_eq!(member[..5], [ROW_VERSION, 2, 1, 1, 18]);
    assert_example("sealed-name", &member[5..23]);
    let key = Aes256GcmSiv::new(&[0x5a; 32].into());
    let open = |field: u8, member: u32, sealed: &[u8]| {
        let nonce = Nonce::try_from(&[field, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..]).expect("12 bytes");
        key.decrypt(&nonce, Payload { msg: sealed, aad: &member.to_le_bytes() }).expect("it opens")
    };
    assert_eq!(open(1, 1, &example("sealed-name")), b"m1");
    assert_eq!((example("sealed-secret")[0], open(6, 0, &example("sealed-secret")[1..])), (1, ledger::SECRET.to_vec()));
    let sealed = |row: &[u8]| raw.get("meta", row).expect("every ledger has it");
    assert_eq!(open(7, 0, &sealed(b"pe")[1..]), example("pepper"));
    assert_eq!(open(8, 0, &sealed(b"sa")[1..]), example("salts"));
}

#[test]
fn an_example_is_rewritten_where_it_is_not_true() {
    let told = "01          | version\n02 0304     | two\n05          | last";
    assert_eq!(rewritten(told, &[1, 2, 3, 4, 5]), told);
    let changed = "01          | version\n02 0904     | two\n05          | last";
    assert_eq!(rewritten(told, &[1, 2, 9, 4, 5]), changed);
    let longer = "01          | version\n02 0304     | two\n07                              |\n05          | last";
    assert_eq!(rewritten(told, &[1, 2, 3, 4, 7, 5]), longer);
    assert_eq!(rewritten(told, &[1, 5]), "01          | version\n05          | last");
}

/// The ledger of the examples: a program and a purchase, closed.
fn written() -> TempDir {
    let dir = directory();
    let ledger = open(dir.path(), 1_000);
    let buy = event("till", "e-1", At(BEGIN.0 + 1), "m1", purchase("o-1", 12_50));
    let outcomes = say(&ledger.handle(), vec![publish(PROGRAM, BEGIN), buy]);
    assert_eq!((outcomes[1].position, outcomes[1].available), (Position(2), Points(12)));
    ledger.close().expect("nothing failed");
    dir
}

fn node(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The file of a mark whose first slot says this, as the document says: the second slot said it a turn before.
fn mark(slot: &[u8]) -> Vec<u8> {
    let mut before = slot.to_vec();
    before[1] -= 1;
    let check = Sha256::digest(&before[..slot.len() - 8]);
    before[slot.len() - 8..].copy_from_slice(&check[..8]);
    let mut file = vec![0; 8192];
    file[..slot.len()].copy_from_slice(slot);
    file[4096..4096 + slot.len()].copy_from_slice(&before);
    file
}

#[test]
fn the_commit_and_the_mark_of_the_document_are_what_a_ledger_writes() {
    let dir = written();
    let raw = Raw::open(dir.path());
    let (key, commit) = raw.rows("commits").remove(0);
    assert_eq!(key, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_example("commit", &commit);
    let before = Sha256::new().chain_update([3]).chain_update(LEDGER.0).chain_update([0, 0]).finalize();
    assert_eq!(commit[1..33], before[..], "the first follows the ledger's identity");
    let root = take_apart(&raw.rows("log").remove(0)).root;
    let hash = Sha256::new().chain_update([3]).chain_update(1u64.to_le_bytes()).chain_update(root);
    let hash = hash.chain_update(&commit).finalize();
    drop(raw);
    let file = fs::read(dir.path().join("mark")).expect("beside the database");
    assert_eq!(file.len(), 8192);
    let slots = [&file[..119], &file[4096..4215]];
    let newest = slots.into_iter().max_by_key(|slot| slot[1]).expect("two slots");
    assert_example("mark", newest);
    assert_eq!(newest[39..71], root, "the root");
    assert_eq!(newest[79..111], hash[..], "the commit");
    assert_eq!(newest[111..], Sha256::digest(&newest[..111])[..8], "the check");
}

#[test]
fn the_record_of_the_document_is_what_a_ledger_writes() {
    let dir = written();
    let blocks = Raw::open(dir.path()).rows("log");
    assert_eq!(blocks.len(), 1);
    let Block { verdicts, causes, .. } = take_apart(&blocks[0]);
    assert_example("verdict", &verdicts[1]);
    assert_example("cause", &causes[1]);
    let decoded = Record::decode(&verdicts[1], &causes[1]).expect("it decodes");
    let (mut verdict, mut cause) = (Vec::new(), Vec::new());
    decoded.encode(&mut verdict, &mut cause).expect("it can be encoded");
    assert_eq!((verdict, cause), (verdicts[1].clone(), causes[1].clone()));
    assert_example("salt", &salt(2));
    assert_example("cause-hash", &cause_hash(2, &causes[1]));
    assert_example("leaf", &leaf(2, &verdicts[1], &causes[1]));
}

#[test]
fn the_block_of_the_document_is_what_a_ledger_writes_and_reads() {
    let dir = written();
    let row = Raw::open(dir.path()).rows("log").remove(0);
    assert_example("block-key", &row.0);
    let written = take_apart(&row);
    // Another version of zstd may pack otherwise; what it packs stays.
    if example("block")[0] != row.1[0] || take_apart(&(row.0.clone(), example("block"))) != written {
        assert_example("block", &row.1);
    }
    let (verdicts, causes) = (&written.verdicts, &written.causes);
    assert_eq!((written.first, verdicts.len(), causes.len()), (1, 2, 2));
    let [one, two] = [0, 1].map(|at| leaf(at as u64 + 1, &verdicts[at], &causes[at]));
    assert_eq!(written.root, node(one, two), "RFC 6962");
    assert_eq!(take_apart(&(row.0, put_together(&written))), written);

    let again = directory();
    let raw = Raw::create(again.path());
    raw.put("meta", b"fo", &example("format"));
    raw.put("meta", b"se", &ledger::SECRET);
    raw.put("meta", b"id", &example("identity"));
    raw.put("meta", b"sa", &example("salts"));
    raw.put("meta", b"pe", &example("pepper"));
    raw.put("commits", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 1], &example("commit"));
    raw.put("log", &example("block-key"), &example("block"));
    drop(raw);
    fs::write(again.path().join("mark"), mark(&example("mark"))).expect("written");
    let (one, other) = (ledger::verified(again.path()), ledger::verified(dir.path()));
    assert_eq!((one.root, one.digest), (other.root, other.digest), "the document's block is the whole ledger");
    let ledger = open(again.path(), 1_000);
    assert_eq!(ledger::balances(&member(&ledger.handle(), "m1").member).available, Points(12));
}

#[test]
fn a_block_of_one_record_has_fifty_bytes_and_its_parts() {
    let dir = written();
    let ledger = open(dir.path(), 1_000);
    for n in 2..12 {
        let (id, order) = (format!("e-{n}"), format!("o-{n}"));
        say(&ledger.handle(), vec![event("till", &id, At(BEGIN.0 + n), "m1", purchase(&order, 12_50))]);
    }
    ledger.close().expect("nothing failed");
    for row in &Raw::open(dir.path()).rows("log")[1..] {
        let block = take_apart(row);
        let parts = block.verdicts[0].len() + block.causes[0].len();
        assert_eq!((block.verdicts.len(), row.1.len()), (1, 50 + 3 + parts), "a length, and a byte for each frame");
    }
}

#[test]
fn the_rows_of_the_document_are_what_a_ledger_writes() {
    let dir = written();
    let raw = Raw::open(dir.path());
    let row = |family: &str, key: &[u8]| raw.get(family, key).unwrap_or_else(|| panic!("{family} {}", hex(key)));
    assert_example("format", &row("meta", b"fo"));
    assert_example("identity", &row("meta", b"id"));
    assert_example("salts", &row("meta", b"sa"));
    assert_example("pepper", &row("meta", b"pe"));
    assert_example("snapshot", &row("meta", b"sn"));
    assert_example("member", &row("state", b"me\0\0\0\x01"));
    assert_example("shared", &row("state", b"sh"));
    let ids = raw.rows("ids");
    assert_eq!(ids.len(), 2, "of the program and of the purchase");
    let of_purchase = ids.iter().find(|(_, value)| value[0] == 2).expect("the purchase has an id");
    assert_example("id", &[&of_purchase.0[..], &of_purchase.1].concat());
    drop(raw);
    let ledger = open(dir.path(), 1_000);
    let RiskKey(device) = ledger.handle().risk_key("device", "d-1");
    assert_example("risk-key", &device);
    drop(ledger);
    let digest = ledger::verified(dir.path()).digest;
    assert_example("digest", &digest);
}

#[test]
fn the_short_name_of_the_document_is_that_of_a_ledger() {
    assert_example("short-name", &ledger::name_key().short(Found::Order, "o-1").to_le_bytes());
    // And by another hand: SipHash-2-4 of the number and the name.
    let mac = Hmac::<Sha256>::new_from_slice(&ledger::SECRET).expect("any length will do").chain_update(b"key\0names");
    let mut hasher = SipHasher24::new_with_key(&mac.finalize().into_bytes()[..16].try_into().expect("16 bytes"));
    hasher.write(b"\x01o-1");
    assert_example("short-name", &hasher.finish().to_le_bytes());
    let order = u64::from_le_bytes(example("short-name").try_into().expect("8 bytes"));
    let dir = written();
    let ledger = open(dir.path(), 1_000);
    assert_eq!(member(&ledger.handle(), "m1").member.purchases[0].order, order);
}

#[test]
fn the_document_names_every_family_and_every_kind_of_key() {
    let document = document();
    let keys = fs::read_to_string(ledger::root().join("ledger-store/src/keys.rs")).expect("keys.rs is there");
    for family in FAMILIES {
        assert!(keys.contains(&format!("\"{family}\"")), "{family} is a family");
        assert!(document.contains(&format!("## `{family}`: ")), "FORMAT.md has no chapter on {family}");
    }
    // Every kind is written there as the first two letters of a byte string.
    let kinds = keys.split("b\"").skip(1).map(|behind| &behind[..2]);
    let kinds: std::collections::BTreeSet<&str> = kinds.collect();
    assert_eq!(kinds.len(), 14, "{kinds:?}");
    for kind in kinds {
        assert!(document.contains(&format!("### `{kind}`: ")), "FORMAT.md does not describe {kind:?}");
    }
}

/// The stored types of a source file: each with its fields, or its variants and their fields, in order.
fn stored_types(source: &str) -> Vec<(String, Vec<String>)> {
    let mut types = Vec::new();
    for part in source.split("\n#[derive(").skip(1) {
        let (derives, behind) = part.split_once(")]").expect("a derive ends");
        let Some(start) = behind.find("struct ").or_else(|| behind.find("enum ")) else { continue };
        if !derives.contains("Serialize") || behind[..start].contains("\n\n") {
            continue;
        }
        let head = behind[start..].lines().next().expect("a line");
        let name = head.split([' ', '<', '(', '{']).nth(1).expect("a name");
        let body = behind[start..].split_once("\n}").map_or("", |(body, _)| body);
        let mut skipped = false;
        let mut words = Vec::new();
        for line in body.lines().skip(1).map(str::trim) {
            let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let word: String = line.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            if line.starts_with("#[serde(skip)]") {
                skipped = true;
            } else if !word.is_empty() && !line.starts_with('#') && !std::mem::take(&mut skipped) {
                words.push(word);
            }
        }
        if !head.ends_with(';') {
            types.push((name.to_string(), words));
        }
    }
    types
}

/// The words of a layout: names before colons, and variants behind their numbers.
fn layout_words(layout: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut number = 0;
    let mut before = String::new();
    for word in layout.split(|letter: char| letter.is_whitespace() || "{}(),".contains(letter)) {
        if let Some(name) = word.strip_suffix(':') {
            words.push(name.to_string());
        } else if before.parse() == Ok(number) && word != "bytes" {
            words.push(word.to_string());
            number += 1;
        }
        if !word.is_empty() {
            before = word.to_string();
        }
    }
    words
}

/// Every source file of the core, with its text.
fn core_sources() -> Vec<(PathBuf, String)> {
    let (mut found, mut directories) = (Vec::new(), vec![ledger::root().join("ledger-core/src")]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a readable source");
                found.push((path, text));
            }
        }
    }
    found
}

/// The layout of this name in the document.
fn layout(name: &str) -> Option<String> {
    let layouts = format!("\n{}", fenced("layout"));
    let (_, behind) = layouts.split_once(&format!("\n{name} ="))?;
    behind.split("\n\n").next().map(str::to_string)
}

/// The tables: each with the files in which the payloads of its variants are, and their names in order.
fn tables() -> [(&'static str, &'static str, Vec<String>); 4] {
    let names = |all: &[&str]| all.iter().map(|name| name.to_string()).collect();
    let kinds = Kind::ALL.iter().map(|kind| format!("{kind:?}")).collect();
    [
        ("Refusal", "none", Refusal::ALL.iter().map(|refusal| format!("{refusal:?}")).collect()),
        ("Body", "event.rs", kinds),
        ("Change", "change.rs", names(Change::NAMES)),
        ("LifeChange", "change.rs", names(LifeChange::NAMES)),
    ]
}

/// Variants that hold something with a layout of its own.
const APART: [(&str, &str); 2] = [("CaseOpened", "CaseOpened"), ("ExchangeOpened", "OpenExchange")];

#[test]
fn the_layouts_of_the_document_are_those_of_the_source() {
    let mut payloads = BTreeMap::new();
    let mut checked = 0;
    let own = ["disk.rs", "chain.rs"].map(|file| ledger::root().join("ledger-store/src").join(file));
    let own = own.map(|path| (path.clone(), fs::read_to_string(path).expect("the source is there")));
    for (path, source) in core_sources().into_iter().chain(own) {
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name").to_string();
        for (name, words) in stored_types(&source) {
            let is_payload = tables().iter().any(|(_, of, names)| *of == file && names.contains(&name));
            if is_payload && !APART.iter().any(|(_, held)| *held == name) {
                assert_eq!(
                    payloads.insert((file.clone(), name.clone()), words),
                    None,
                    "{name} is there twice in {file}"
                );
                continue;
            }
            let layout = layout(&name).unwrap_or_else(|| panic!("FORMAT.md has no layout of {name} ({path:?})"));
            assert_eq!(layout_words(&layout), words, "the layout of {name} ({path:?})");
            checked += 1;
        }
    }
    for (table, file, names) in tables() {
        let written = layout(table).unwrap_or_else(|| panic!("FORMAT.md has no layout of {table}"));
        let mut words = Vec::new();
        for name in names {
            if let Some((_, held)) = APART.iter().find(|(variant, _)| *variant == name) {
                assert!(written.contains(&format!(" {name} ({held})")), "{table}: {name} holds {held}");
            }
            let fields = payloads.get(&(file.to_string(), name.clone())).cloned().unwrap_or_default();
            words.extend([name].into_iter().chain(fields));
        }
        assert_eq!(layout_words(&written), words, "the layout of {table}");
        checked += 1;
    }
    assert!(checked >= 70 && payloads.len() >= 70, "{checked} types are stored, and {} payloads", payloads.len());
    let entries = fenced("layout").split("\n\n").count();
    assert_eq!(entries, checked, "FORMAT.md has layouts of types that are not stored");
}

/// A number that a source of the store has as a constant.
fn constant(file: &str, name: &str) -> u64 {
    let source = fs::read_to_string(ledger::root().join("ledger-store/src").join(file)).expect("the source is there");
    let behind = source.split_once(&format!("const {name}: ")).unwrap_or_else(|| panic!("{file} has no {name}")).1;
    let (_, value) = behind.split(';').next().and_then(|line| line.split_once(" = ")).expect("a value");
    let number = |text: &str| text.trim().parse::<u64>().unwrap_or_else(|_| panic!("{name} is {value}"));
    value.split_once("<<").map_or_else(|| number(value), |(count, by)| number(count) << number(by))
}

/// The version of a crate that the workspace is built with.
fn locked(name: &str) -> String {
    let lock = fs::read_to_string(ledger::root().join("Cargo.lock")).expect("Cargo.lock is there");
    let (_, behind) = lock.split_once(&format!("\nname = \"{name}\"\nversion = \"")).expect("the crate is locked");
    behind.split('"').next().expect("a version").to_string()
}

#[test]
fn the_versions_and_limits_of_the_document_are_those_of_the_code() {
    let document = document().split_whitespace().collect::<Vec<_>>().join(" ");
    let (format, block) = (constant("disk.rs", "FORMAT"), constant("block.rs", "VERSION"));
    let (check, page) = (constant("check.rs", "CHECK"), HISTORY_PAGE);
    let sealed = constant("block.rs", "SEALED_VERSION");
    let rocksdb = locked("librocksdb-sys");
    let rocksdb = rocksdb.split(['+', '.']).nth(3).expect("the version of RocksDB");
    let bincode = locked("bincode");
    let bincode = bincode.split('.').next().expect("a version");
    let sixteen = ["fourteen", "fifteen", "sixteen", "seventeen", "eighteen"][Account::KINDS - 14];
    let risks = RiskKind::ALL.map(|kind| format!("`{}`", kind.name()));
    for said in [
        format!("Format {format}. A ledger is a directory with a RocksDB database ({rocksdb}.x)"),
        format!(
            "The version byte is `{VERSION:02x}` for records and what hashes are taken of, and `{ROW_VERSION:02x}`"
        ),
        format!("It is bincode {bincode} in its standard configuration"),
        format!("at most {} MiB for one value", VALUE_BYTES_MAX >> 20),
        format!("cut into blocks of at most {} records", constant("block.rs", "BLOCK_RECORDS")),
        format!("once it has {} MiB of records", constant("block.rs", "BLOCK_BYTES") >> 20),
        format!("key shard u16 BE ({}) | position", constant("keys.rs", "SHARD")),
        format!(
            "value version u8 ({block}; {sealed} if what was said is sealed) 1 check the first {check} bytes of SHA-256"
        ),
        format!("raw is at most {} MiB", constant("frame.rs", "RAW_BYTES_MAX") >> 20),
        format!("A page holds the positions of {page} records"),
        format!("accounts: {sixteen} i64"),
        format!("over a kind ({} or {})", risks[..risks.len() - 1].join(", "), risks[risks.len() - 1]),
        format!("`tests/fixtures/format-{format}` is a log of this format"),
    ] {
        assert!(document.contains(&said), "FORMAT.md does not say: {said}");
    }
    assert_eq!((At::NEVER, At::SLIDING), (At(i64::MAX), At(i64::MAX - 1)), "as under Numbers and values");
    assert_eq!(example("format"), u32::try_from(format).expect("small").to_le_bytes());
    for (name, version) in [
        ("verdict", VERSION),
        ("cause", VERSION),
        ("snapshot", ROW_VERSION),
        ("member", ROW_VERSION),
        ("shared", ROW_VERSION),
    ] {
        assert_eq!(example(name)[0], version, "the version byte of the example {name}");
    }
    assert_eq!(u64::from(example("block")[0]), block, "the version byte of the example block");
}

#[test]
fn the_hashes_of_the_tree_are_those_of_the_document() {
    let dir = directory();
    let ledger = open(dir.path(), 1_000);
    let buy = |n: u64| event("till", &format!("e-{n}"), At(BEGIN.0 + 1), "m1", purchase(&format!("o-{n}"), 1_00));
    say(&ledger.handle(), vec![publish(PROGRAM, BEGIN)]);
    (0..3).for_each(|part| drop(say(&ledger.handle(), (part * 200..(part + 1) * 200).map(buy).collect())));
    ledger.close().expect("nothing failed");
    let raw = Raw::open(dir.path());
    let mut leaves = Vec::new();
    for row in raw.rows("log") {
        let Block { verdicts, causes, .. } = take_apart(&row);
        let parts = verdicts.iter().zip(&causes);
        parts.for_each(|(verdict, cause)| leaves.push(leaf(leaves.len() as u64 + 1, verdict, cause)));
    }
    assert_eq!(leaves.len(), 601);
    let root = |leaves: &[[u8; 32]]| {
        let mut level = leaves.to_vec();
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| node(pair[0], pair[1])).collect();
        }
        level[0]
    };
    let row =
        |place: u64| ([&[1][..], &place.to_be_bytes()].concat(), root(&leaves[place as usize * 256..][..256]).to_vec());
    assert_eq!(raw.rows("tree"), [row(0), row(1)]);
}

#[test]
fn the_file_of_verdicts_is_what_the_document_says() {
    let dir = written();
    let away = directory();
    let file = away.path().join("verdicts");
    ledger_store::export_verdicts(dir.path(), &file, &mut |_| {}).expect("the log is whole");
    let row = Raw::open(dir.path()).rows("log").remove(0);
    let block = take_apart(&row);
    let hashes: Vec<[u8; 32]> = (1..).zip(&block.causes).map(|(at, cause)| cause_hash(at, cause)).collect();
    let content = [&row.1[..verdict_frame(&row.1).end], &hashes.concat()].concat();
    let end = [&2u64.to_le_bytes()[..], &block.root].concat();
    let entry = |kind: u8, content: &[u8]| [&[kind], &(content.len() as u32).to_le_bytes()[..], content].concat();
    let expected = [&b"verdict\x01"[..], &example("identity"), &entry(b'B', &content), &entry(b'E', &end)].concat();
    assert_eq!(hex(&fs::read(&file).expect("it is there")), hex(&expected));
    let read = ledger_store::read_export(&file, &[0, 1, 2, 3], &mut |_| {}).expect("it is whole");
    let sizes: Vec<Option<u64>> = read.heads.iter().map(|head| head.map(|head| head.size)).collect();
    assert_eq!((read.head.root, sizes), (block.root, vec![Some(0), Some(1), Some(2), None]));
}

#[test]
fn what_a_proof_shows_is_what_the_document_says() {
    let dir = written();
    let block = take_apart(&Raw::open(dir.path()).rows("log").remove(0));
    let ledger = open(dir.path(), 1_000);
    let (handle, head) = (ledger.handle(), ledger.handle().tree_head(2).expect("readable").expect("it is there"));
    let (verdict, cause) = (&block.verdicts[1], &block.causes[1]);
    let length = (verdict.len() as u32).to_le_bytes();
    for with_cause in [false, true] {
        let proved = handle.prove_inclusion(Position(2), &head, with_cause).expect("readable");
        let (shown, hashes) = proved.expect("it is there");
        assert_eq!(shown.leaf(), leaf(2, verdict, cause));
        let text = ledger_store::InclusionProof { shown, index: 1, hashes, checkpoint: "a\n".into() }.to_string();
        let extra = text.lines().nth(1).and_then(|line| line.strip_prefix("extra ")).expect("the second line");
        let told = match with_cause {
            false => [&[1], &length[..], verdict, &[0], &cause_hash(2, cause)].concat(),
            true => [&[1], &length[..], verdict, &[1], &salt(2), cause].concat(),
        };
        assert_eq!(hex(&base64(extra)), hex(&told));
    }
}

/// Base64 as anybody reads it.
fn base64(text: &str) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = |digit: u8| digits.iter().position(|one| *one == digit).expect("a digit") as u32;
    let mut bytes = Vec::new();
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = four.iter().fold(0, |bits, digit| bits << 6 | value(*digit)) << (6 * (4 - four.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    bytes
}
