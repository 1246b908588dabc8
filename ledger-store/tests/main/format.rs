//! `FORMAT.md` is true: its examples are the bytes a ledger writes and reads, its layouts are those of
//! the source, and it names every family and key.

use crate::ledger::{self, directory, hex, member, open, say, unhex};
use crate::raw::{FAMILIES, Raw};
use crate::said::{BEGIN, event, publish, purchase};
use ledger_core::bytes::decode;
use ledger_core::record::Record;
use ledger_core::units::{At, Points, Position, RiskKey};
use sha2::{Digest, Sha256};
use std::fs;
use tempfile::TempDir;

/// The program of the examples.
const PROGRAM: &str = "id = \"t\"
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

/// The lines of a fenced block of the document.
fn fenced(name: &str) -> String {
    let document = document();
    let fence = format!("\n```{name}\n");
    let (_, behind) = document.split_once(&fence).unwrap_or_else(|| panic!("FORMAT.md has no {name}"));
    behind.split_once("\n```").expect("the fence ends").0.to_string()
}

/// The bytes of an example: what stands before the bars.
fn example(name: &str) -> Vec<u8> {
    unhex(&fenced(name).lines().map(|line| line.split('|').next().unwrap_or_default()).collect::<String>())
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

fn leaf(record: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
}

fn node(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// A block, taken apart as the document says and by nothing else.
struct Block {
    first: u64,
    root: [u8; 32],
    raw: Vec<u8>,
    records: Vec<Vec<u8>>,
}

fn take_apart(block: &[u8]) -> Block {
    assert_eq!(block[0], 1, "version");
    assert_eq!(block[1..9], Sha256::digest(&block[9..])[..8], "check");
    let int = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap()) as usize;
    let (count, length) = (int(&block[17..21]), int(&block[53..57]));
    let raw = zstd::decode_all(&block[57..]).expect("a zstd frame");
    assert_eq!(raw.len(), length, "raw_len");
    let ends = raw[..count * 4].chunks(4).map(int);
    let bytes = &raw[count * 4..];
    let mut start = 0;
    let records: Vec<Vec<u8>> = ends.map(|end| bytes[std::mem::replace(&mut start, end)..end].to_vec()).collect();
    assert_eq!(start, bytes.len(), "the last end");
    let first = u64::from_le_bytes(block[9..17].try_into().unwrap());
    Block { first, root: block[21..53].try_into().unwrap(), raw, records }
}

#[test]
fn the_record_of_the_document_is_what_a_ledger_writes() {
    let dir = written();
    let blocks = Raw::open(dir.path()).rows("log");
    assert_eq!(blocks.len(), 1);
    let record = take_apart(&blocks[0].1).records[1].clone();
    assert_eq!(hex(&example("record")), hex(&record), "the purchase");
    let decoded: Record = decode(&record).expect("it decodes");
    assert_eq!(ledger::bytes(&decoded), record);
}

#[test]
fn the_block_of_the_document_is_what_a_ledger_writes_and_reads() {
    let dir = written();
    let (key, block) = Raw::open(dir.path()).rows("log").remove(0);
    assert_eq!(hex(&example("block-key")), hex(&key), "the key");
    let (written, told) = (take_apart(&block), take_apart(&example("block")));
    // Another version of zstd may pack otherwise; what it packs stays.
    assert_eq!((told.first, hex(&told.raw)), (written.first, hex(&written.raw)), "{}", hex(&block));
    assert_eq!(hex(&told.root), hex(&written.root));
    assert_eq!(told.records.len(), 2);
    assert_eq!(told.root, node(leaf(&told.records[0]), leaf(&told.records[1])), "RFC 6962");

    let again = directory();
    let raw = Raw::create(again.path());
    raw.put("meta", b"fo", &example("format"));
    raw.put("meta", b"se", &ledger::SECRET);
    raw.put("log", &example("block-key"), &example("block"));
    drop(raw);
    let (one, other) = (ledger::verified(again.path()), ledger::verified(dir.path()));
    assert_eq!((one.root, one.digest), (other.root, other.digest), "the document's block is the whole ledger");
    let ledger = open(again.path(), 1_000);
    assert_eq!(ledger::balances(&member(&ledger.handle(), "m1").member).available, Points(12));
}

#[test]
fn the_rows_of_the_document_are_what_a_ledger_writes() {
    let dir = written();
    let raw = Raw::open(dir.path());
    let row = |family: &str, key: &[u8]| raw.get(family, key).unwrap_or_else(|| panic!("{family} {}", hex(key)));
    assert_eq!(hex(&example("format")), hex(&row("meta", b"fo")));
    assert_eq!(hex(&example("snapshot")), hex(&row("meta", b"sn")));
    assert_eq!(hex(&example("member")), hex(&row("state", b"me\0\0\0\x01")));
    assert_eq!(hex(&example("shared")), hex(&row("state", b"sh")));
    let ids: Vec<String> = raw.rows("ids").iter().map(|(key, value)| hex(&[&key[..], value].concat())).collect();
    assert!(ids.contains(&hex(&example("id"))), "{ids:#?}");
    drop(raw);
    let ledger = open(dir.path(), 1_000);
    let RiskKey(device) = ledger.handle().risk_key("device", "d-1");
    assert_eq!(hex(&example("risk-key")), hex(&device));
    drop(ledger);
    let digest = ledger::verified(dir.path()).digest;
    assert_eq!(hex(&example("digest")), hex(&digest));
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
    assert_eq!(kinds.len(), 9, "{kinds:?}");
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

#[test]
fn the_layouts_of_the_document_are_those_of_the_source() {
    let layouts = fenced("layout");
    let mut checked = 0;
    let core = ["units", "event", "record", "life", "visit", "refusal", "counter", "lots", "member", "state", "merkle"];
    let files = core.map(|file| format!("ledger-core/src/{file}.rs"));
    for file in files.into_iter().chain(["ledger-store/src/disk.rs".into()]) {
        let path = ledger::root().join(&file);
        let source = fs::read_to_string(&path).expect("the source is there");
        for (name, words) in stored_types(&source) {
            let head = format!("\n{name} =");
            let found = format!("\n{layouts}").split_once(&head).map(|(_, behind)| behind.to_string());
            let behind = found.unwrap_or_else(|| panic!("FORMAT.md has no layout of {name} ({file})"));
            let layout = behind.split("\n\n").next().expect("a part");
            assert_eq!(layout_words(layout), words, "the layout of {name} ({file})");
            checked += 1;
        }
    }
    let entries = layouts.split("\n\n").count();
    assert!(checked >= 40, "{checked} types are stored");
    assert_eq!(entries, checked, "FORMAT.md has layouts of types that are not stored");
}
