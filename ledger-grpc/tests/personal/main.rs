//! Personal data is where `docs/personal-data.md` says, and nowhere else.
//!
//! Every text that the API takes with an event is said, with a value of its own, to a ledger without a key and to one
//! under a key. Then every file of both directories is decoded, those too that RocksDB needs no more, and each value
//! must be in clear exactly where the page has it. The fields come from the descriptor of the API, and what is stored
//! from the layouts of `FORMAT.md`: a new text has no row on the page, and these tests fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod files;
mod page;
mod said;
mod search;

use ledger_store::{rebuild, verify, verify_under};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const KEY: [u8; 32] = [0x5a; 32];

/// Copies the files of a directory as they are now into one within it, where nobody counts them as the ledger's.
fn keep(dir: &Path, name: &str) {
    let kept = dir.join(name);
    fs::create_dir(&kept).expect("a directory");
    for entry in fs::read_dir(dir).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_file() {
            fs::copy(&path, kept.join(path.file_name().expect("a file"))).expect("copied");
        }
    }
}

/// A directory of a ledger in which everything was said, with its files of several times.
fn written(key: Option<[u8; 32]>) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let ledger = said::open(dir.path(), key);
    said::say_everything(&ledger.handle());
    // A snapshot may be under way.
    std::thread::sleep(std::time::Duration::from_secs(1));
    keep(dir.path(), "while it is open");
    ledger.close().expect("nothing failed");
    keep(dir.path(), "once it is closed");
    rebuild(dir.path()).expect("the log is sound");
    keep(dir.path(), "without rows");
    said::open(dir.path(), key).close().expect("it folds");
    dir
}

/// Where each field is in clear, by its path; fields that are nowhere too.
fn found(dir: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let (mut places, seen) = search::search(dir);
    assert!(seen.tables > 10 && seen.logs > 3 && seen.others > 20, "{seen:?}");
    said::fields().into_iter().enumerate().map(|(n, path)| (path, places.remove(&n).unwrap_or_default())).collect()
}

fn lines(rows: &BTreeMap<String, page::Row>) -> String {
    let words = |places: &BTreeSet<String>| places.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    rows.iter().map(|(path, (plain, sealed))| format!("{path}: {} | {}\n", words(plain), words(sealed))).collect()
}

#[test]
fn personal_data_is_where_the_page_says_and_nowhere_else() {
    let (plain, sealed) = (written(None), written(Some(KEY)));
    let (in_clear, under_a_key) = (found(plain.path()), found(sealed.path()));
    let mut told = page::rows("What is said", 1);
    for code in said::CODES {
        let (plain, sealed) = told.remove(code).unwrap_or_else(|| panic!("the page has no {code}"));
        assert_eq!((plain, sealed), (BTreeSet::from(["cause".to_owned()]), BTreeSet::new()), "{code}");
    }
    let seen = in_clear.into_iter().filter(|(path, _)| !said::CODES.contains(&&**path));
    let seen = seen.map(|(path, plain)| (path.clone(), (plain, under_a_key[&path].clone()))).collect();
    assert_eq!(lines(&told), lines(&seen), "left: docs/personal-data.md, right: what the files have");
    // And both are whole ledgers, which say the same.
    let told = verify(plain.path(), &mut |_| {}).expect("readable");
    let kept = verify_under(sealed.path(), KEY, None, &mut |_| {}).expect("readable");
    assert_eq!((told.findings.as_slice(), kept.findings.as_slice()), (&[][..], &[][..]));
    assert_eq!((told.records, told.members, told.wallets), (kept.records, kept.members, kept.wallets));
}

#[test]
fn every_text_that_is_stored_has_a_row() {
    let told: BTreeSet<String> = page::rows("What is stored", 0).into_keys().collect();
    assert_eq!(told, page::stored_texts(), "left: docs/personal-data.md, right: the layouts of FORMAT.md");
}
