//! Files: everything that the files of a ledger's directory hold, read without RocksDB.
//!
//! RocksDB shows what it still counts as its own. A table that nobody needs any more, a write-ahead log of yesterday, a
//! snapshot that was cut short are files all the same, and whoever has the disk reads them. So tables (format 5, blocks
//! as they are or under LZ4) and write-ahead logs are read here as their files say, wherever they lie; all other files
//! are looked at as they are.

use std::fs;
use std::path::Path;

/// Families by their numbers, which RocksDB gives in the order in which they are made.
const FAMILIES: [&str; 8] = ["default", "log", "commits", "meta", "state", "history", "ids", "tree"];
/// A write-ahead log is cut into so many bytes.
const LOG_BLOCK: usize = 32 << 10;
const TABLE_MAGIC: u64 = 0x88e2_41b7_85f4_cff7;
const FOOTER: usize = 53;

/// Something in a file.
pub enum Piece {
    /// A row, as it is or was at some time, or the bounds of many that were dropped.
    Row { family: &'static str, key: Vec<u8>, value: Vec<u8> },
    /// Bytes beside rows, and in which kind of file.
    Raw { of: &'static str, bytes: Vec<u8> },
}

/// How many of each kind there are.
#[derive(Debug, Default)]
pub struct Seen {
    pub tables: usize,
    pub logs: usize,
    pub others: usize,
}

/// Hands over every piece of every file of a directory and of those in it.
pub fn each_piece(dir: &Path, seen: &mut Seen, each: &mut dyn FnMut(Piece)) {
    for entry in fs::read_dir(dir).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            each_piece(&path, seen, each);
            continue;
        }
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("readable");
        if name.ends_with(".sst") || name.ends_with(".tmp") {
            seen.tables += 1;
            table(&bytes, each);
        } else if name.ends_with(".log") {
            seen.logs += 1;
            write_ahead_log(&bytes, each);
        } else {
            seen.others += 1;
            each(Piece::Raw { of: "another file", bytes });
        }
    }
}

/// Bytes that are read from the front.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn int(&mut self) -> u64 {
        let (mut int, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            int |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return int;
            }
            shift += 7;
        }
    }

    fn length(&mut self) -> usize {
        usize::try_from(self.int()).expect("a length")
    }

    fn slice(&mut self) -> &'b [u8] {
        let length = self.length();
        self.take(length)
    }
}

/// The batches of a write-ahead log, put together again from its records.
fn write_ahead_log(bytes: &[u8], each: &mut dyn FnMut(Piece)) {
    let mut batch = Vec::new();
    for mut block in bytes.chunks(LOG_BLOCK) {
        while block.len() >= 7 {
            let length = usize::from(u16::from_le_bytes([block[4], block[5]]));
            let kind = block[6];
            let (part, rest) = block[7..].split_at(length.min(block.len() - 7));
            block = rest;
            match kind {
                // Whole, first, middle, last; and nothing, where room was made ahead.
                1 => batch_of(part, each),
                2 => batch = part.to_vec(),
                3 => batch.extend_from_slice(part),
                4 => {
                    batch.extend_from_slice(part);
                    batch_of(&std::mem::take(&mut batch), each);
                }
                0 => break,
                // What is said of the log itself.
                9.. => each(Piece::Raw { of: "a write-ahead log", bytes: part.to_vec() }),
                other => panic!("a record of kind {other}"),
            }
        }
    }
}

fn batch_of(bytes: &[u8], each: &mut dyn FnMut(Piece)) {
    let mut read = Reader(bytes);
    read.take(12);
    while !read.0.is_empty() {
        let tag = read.byte();
        let family = match tag {
            0x4 | 0x5 | 0x8 | 0xe => FAMILIES[read.length()],
            _ => FAMILIES[0],
        };
        let (key, value) = match tag {
            0x0 | 0x4 | 0x7 | 0x8 => (read.slice(), &[][..]),
            0x1 | 0x5 | 0xe | 0xf => (read.slice(), read.slice()),
            0x3 => (&[][..], read.slice()),
            other => panic!("a write of kind {other:#x}"),
        };
        each(Piece::Row { family, key: key.to_vec(), value: value.to_vec() });
    }
}

/// The rows of a table, and whatever else is in it.
fn table(bytes: &[u8], each: &mut dyn FnMut(Piece)) {
    if !bytes.ends_with(&TABLE_MAGIC.to_le_bytes()) {
        return each(Piece::Raw { of: "a table that is not written to its end", bytes: bytes.to_vec() });
    }
    let (blocks, footer) = bytes.split_at(bytes.len() - FOOTER);
    assert_eq!(footer[41..45], [5, 0, 0, 0], "a table of format 5");
    let mut handles = Reader(&footer[1..41]);
    let mut handle = || (handles.length(), handles.length());
    let (meta, index) = (handle(), handle());
    let mut family = "";
    for (name, at) in entries(&block(blocks, meta)) {
        let mut at = Reader(&at);
        let found = block(blocks, (at.length(), at.length()));
        if name == b"rocksdb.properties" {
            let named = entries(&found).into_iter().find(|(key, _)| key == b"rocksdb.column.family.name");
            let named = named.map(|(_, name)| name).unwrap_or_default();
            family = FAMILIES.into_iter().find(|known| known.as_bytes() == named).unwrap_or_default();
        }
        each(Piece::Raw { of: "a table", bytes: found });
    }
    let index = block(blocks, index);
    let mut read = Reader(&index[..index.len() - restarts(&index)]);
    while !read.0.is_empty() {
        let (shared, own) = (read.length(), read.length());
        assert_eq!(shared, 0, "every entry of an index stands for itself");
        each(Piece::Raw { of: "a table", bytes: read.take(own).to_vec() });
        let rows = block(blocks, (read.length(), read.length()));
        for (mut key, value) in entries(&rows) {
            // Behind a key stands which write it was of.
            key.truncate(key.len() - 8);
            each(Piece::Row { family: if family.is_empty() { family_of(&key) } else { family }, key, value });
        }
    }
}

/// The family of a row in a table that was made outside of the database, which does not say it.
fn family_of(key: &[u8]) -> &'static str {
    match key.len() {
        16 => "ids",
        12 => "history",
        _ => "state",
    }
}

/// How many bytes at the end of a block say where its entries begin anew.
fn restarts(block: &[u8]) -> usize {
    let count = u32::from_le_bytes(block[block.len() - 4..].try_into().expect("4 bytes"));
    4 + 4 * (count & 0x7fff_ffff) as usize
}

/// The keys and values of a block.
fn entries(block: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut read = Reader(&block[..block.len() - restarts(block)]);
    let (mut found, mut key) = (Vec::new(), Vec::new());
    while !read.0.is_empty() {
        let (shared, own, length) = (read.length(), read.length(), read.length());
        key.truncate(shared);
        key.extend_from_slice(read.take(own));
        found.push((key.clone(), read.take(length).to_vec()));
    }
    found
}

/// A block of a table, unpacked.
fn block(table: &[u8], (from, length): (usize, usize)) -> Vec<u8> {
    let stored = &table[from..from + length];
    match table[from + length] {
        0 => stored.to_vec(),
        4 => {
            let mut read = Reader(stored);
            let length = read.length();
            let unpacked = lz4(read.0);
            assert_eq!(unpacked.len(), length, "LZ4 unpacks to what it says");
            unpacked
        }
        other => panic!("a block packed by {other}"),
    }
}

/// One block of LZ4.
fn lz4(packed: &[u8]) -> Vec<u8> {
    let (mut read, mut out) = (Reader(packed), Vec::new());
    let longer = |read: &mut Reader<'_>, short: usize| {
        if short < 15 {
            return short;
        }
        let mut length = short;
        loop {
            let byte = read.byte();
            length += usize::from(byte);
            if byte < 255 {
                return length;
            }
        }
    };
    loop {
        let token = read.byte();
        let literals = longer(&mut read, usize::from(token >> 4));
        out.extend_from_slice(read.take(literals));
        if read.0.is_empty() {
            return out;
        }
        let back = usize::from(u16::from_le_bytes([read.byte(), read.byte()]));
        let length = 4 + longer(&mut read, usize::from(token & 15));
        for _ in 0..length {
            out.push(out[out.len() - back]);
        }
    }
}
