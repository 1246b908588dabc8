//! The rows of a ledger without the ledger: plain RocksDB, as anyone who can write the disk has it.

use rocksdb::{DB, IteratorMode, Options};
use std::fs;
use std::path::Path;

/// The families, as `FORMAT.md` names them.
pub const FAMILIES: [&str; 7] = ["log", "commits", "meta", "state", "history", "ids", "tree"];

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A directory, opened raw.
pub struct Raw(DB);

impl Raw {
    pub fn open(dir: &Path) -> Raw {
        Raw(DB::open_cf(&Options::default(), dir, FAMILIES).expect("the directory opens raw"))
    }

    /// A directory with the families of a ledger and nothing in them.
    pub fn create(dir: &Path) -> Raw {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        Raw(DB::open_cf(&options, dir, FAMILIES).expect("the directory is made"))
    }

    pub fn rows(&self, family: &str) -> Vec<Row> {
        let rows = self.0.iterator_cf(self.family(family), IteratorMode::Start);
        rows.map(|row| row.expect("readable")).map(|(key, value)| (key.into(), value.into())).collect()
    }

    pub fn get(&self, family: &str, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get_cf(self.family(family), key).expect("readable")
    }

    pub fn put(&self, family: &str, key: &[u8], value: &[u8]) {
        self.0.put_cf(self.family(family), key, value).expect("writable");
    }

    pub fn delete(&self, family: &str, key: &[u8]) {
        self.0.delete_cf(self.family(family), key).expect("writable");
    }

    /// Makes a family hold these rows and no others.
    pub fn replace(&self, family: &str, rows: &[Row]) {
        self.rows(family).iter().for_each(|(key, _)| self.delete(family, key));
        rows.iter().for_each(|(key, value)| self.put(family, key, value));
    }

    fn family(&self, name: &str) -> &rocksdb::ColumnFamily {
        self.0.cf_handle(name).expect("opened with its families")
    }
}

/// Copies the files of a directory that nobody has open.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        fs::copy(&path, to.join(path.file_name().expect("a file"))).expect("copied");
    }
}

/// The files of a directory whose names end so, in order of their names.
pub fn files(dir: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).expect("readable").map(|entry| entry.expect("readable").path());
    let mut files: Vec<_> = entries.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    files
}
