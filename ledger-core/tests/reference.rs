//! The reference: pages under docs/ and the schema of program files are made of what the code knows, and held to it.
//!
//! `make reference` writes them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "reference/events.rs"]
mod events;
#[path = "reference/pages.rs"]
mod pages;
#[path = "reference/schema.rs"]
mod schema;
#[path = "reference/words.rs"]
mod words;

use ledger_core::kernel::words::{Form, Takes, Word};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace is there")
}

/// Holds a file of docs/ to a text; writes it where expectations are written anew.
fn hold(path: &str, text: &str) {
    let path = root().join("docs").join(path);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("it is writable");
    expect_test::expect_file![path].assert_eq(text);
}

/// The forms that a word takes: one, none, or the same as one table and as a list.
fn form_of(word: &Word) -> Option<&'static Form> {
    fn of(takes: &Takes) -> Option<&'static Form> {
        match takes {
            Takes::Table(form) | Takes::Tables(form, _) => Some(form),
            Takes::Either(ways) => ways.iter().find_map(of),
            _ => None,
        }
    }
    of(&word.takes)
}

/// Every table within a section, with its path: the section itself first.
fn forms(path: &str, form: &'static Form) -> Vec<(String, &'static Form)> {
    let inner = form.words.iter().filter_map(|word| Some((word, form_of(word)?)));
    let inner = inner.flat_map(|(word, form)| forms(&format!("{path}.{}", word.name), form));
    core::iter::once((path.to_string(), form)).chain(inner).collect()
}
