//! Disk: RocksDB with the ledger's families, and reading from it.
//!
//! Only `commit` writes the log and only `snapshot` the folded state; this file opens, reads, and
//! writes once what a new ledger is.

use crate::block::Block;
use crate::check::{checked, with_check};
use crate::error::{Damage, OpenError};
use crate::keys;
use crate::sealing::{Own, Seals};
use ledger_core::bytes::{ROW_VERSION, decode, decode_row, encode, encode_row};
use ledger_core::merkle::{FANOUT_HEIGHT, Frontier, Hash, Subtree};
use ledger_core::record::Record;
use ledger_core::salts::{Salt, SaltWalk, Salts};
use ledger_core::units::Position;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
    IteratorMode, Options, WriteBatch, WriteOptions,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The version of keys and values.
pub(crate) const FORMAT: u32 = 2;
/// How long the secret is where it is sealed: its scheme, itself, and the tag.
const SEALED_SECRET_BYTES: usize = 1 + 32 + 16;
const CACHE_BYTES: usize = 256 << 20;

/// A stored row: key and value.
pub(crate) type Row = (Box<[u8]>, Box<[u8]>);

/// The ledger's files.
pub(crate) struct Disk {
    pub(crate) db: DB,
    pub(crate) dir: PathBuf,
    options: Vec<Options>,
    pub(crate) is_read_only: bool,
    /// What seals and opens what was said, and the rows that hashes hang on.
    pub(crate) seals: Seals,
}

/// Where the last snapshot stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotAt {
    /// Rows hold at least all records up to here; later ones are folded again on opening.
    pub(crate) folded: Position,
    /// The tree at some position at or behind `folded`.
    pub(crate) tree: Frontier,
    /// How many event ids the snapshot has.
    pub(crate) ids: u64,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Disk {
    /// Opens the directory, making a ledger in it if there is none. Nothing that is sealed is read.
    pub(crate) fn open_or_make(dir: &Path) -> Result<Disk, OpenError> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        Disk::open_with(dir, options)
    }

    /// The same, whose sealed rows and causes these open.
    pub(crate) fn opened_by(self, seals: Seals) -> Disk {
        Disk { seals, ..self }
    }

    /// Opens the ledger in the directory, which must be there. Nothing that is sealed is read.
    pub(crate) fn open(dir: &Path) -> Result<Disk, OpenError> {
        must_be_there(dir)?;
        Disk::open_with(dir, Options::default())
    }

    fn open_with(dir: &Path, mut options: Options) -> Result<Disk, OpenError> {
        set_up(&mut options);
        let (families, options_of) = families(&keys::FAMILIES);
        let db = DB::open_cf_descriptors(&options, dir, families).map_err(|source| database(dir, source))?;
        let disk =
            Disk { db, dir: dir.to_path_buf(), options: options_of, is_read_only: false, seals: Seals::unread() };
        disk.check_format()?;
        Ok(disk)
    }

    /// Opens the ledger in the directory, which must be there, to read: nothing is written, and a write-ahead log that
    /// is torn stays as it is, and what is sealed stays unread.
    ///
    /// `None` if it is still being made.
    pub(crate) fn look(dir: &Path) -> Result<Option<Disk>, OpenError> {
        must_be_there(dir)?;
        let mut options = Options::default();
        set_up(&mut options);
        let known = DB::list_cf(&options, dir).map_err(|source| database(dir, source))?;
        let known: Vec<&str> = keys::FAMILIES.into_iter().filter(|name| known.iter().any(|one| one == name)).collect();
        let (families, options_of) = families(&known);
        let db = DB::open_cf_descriptors_read_only(&options, dir, families, false);
        let db = db.map_err(|source| database(dir, source))?;
        let disk = Disk { db, dir: dir.to_path_buf(), options: options_of, is_read_only: true, seals: Seals::unread() };
        if known.contains(&keys::META) {
            disk.check_format()?;
        }
        match keys::FAMILIES.into_iter().find(|name| !known.contains(name)) {
            None => Ok(Some(disk)),
            Some(_) if !known.contains(&keys::LOG) || disk.log_end()? == Position(0) => Ok(None),
            Some(missing) => Err(Damage::Row { row: format!("family {missing}"), what: "is missing".into() }.into()),
        }
    }

    fn check_format(&self) -> Result<(), OpenError> {
        match self.get(keys::META, keys::FORMAT)? {
            Some(bytes) => {
                let found = u32::from_le_bytes(bytes.as_slice().try_into().unwrap_or([0xff; 4]));
                match found {
                    FORMAT => Ok(()),
                    1 => Err(OpenError::BeforeRelease { found }),
                    _ => Err(OpenError::Format { found, known: FORMAT }),
                }
            }
            None => {
                self.must_be_new("format")?;
                if self.is_read_only {
                    return Ok(());
                }
                Ok(self.put_meta(keys::FORMAT, FORMAT.to_le_bytes())?)
            }
        }
    }

    /// Damage, unless the log is empty: what a ledger is made with is missing in one that was used.
    pub(crate) fn must_be_new(&self, row: &str) -> Result<(), Damage> {
        match self.scan(keys::LOG, b"").next() {
            None => Ok(()),
            Some(_) => Err(Damage::Row { row: row.into(), what: "is missing".into() }),
        }
    }

    /// The ledger's secret: the one given, or the one drawn when the ledger was made.
    pub(crate) fn secret(&self, given: Option<[u8; 32]>) -> Result<[u8; 32], OpenError> {
        if let Some(stored) = self.own(keys::SECRET, Own::Secret)? {
            // Who is not to read it hashes nothing with it.
            let stored = stored.unwrap_or_else(|| vec![0; 32]);
            let stored: [u8; 32] = stored.as_slice().try_into().map_err(|_| OpenError::Secret)?;
            return if given.is_none_or(|given| given == stored) { Ok(stored) } else { Err(OpenError::Secret) };
        }
        self.must_be_new("secret")?;
        let secret = given.map_or_else(drawn, Ok)?;
        self.put_own(keys::SECRET, Own::Secret, &secret)?;
        Ok(secret)
    }

    /// The salts of causes: those under the root given, or under the one drawn when the ledger was made, but for
    /// those that were taken away since.
    pub(crate) fn salts(&self, given: Option<Salt>) -> Result<Salts, OpenError> {
        let damage = |what: &str| Damage::Row { row: "salts".into(), what: what.into() };
        if let Some(stored) = self.own(keys::SALTS, Own::Salts)? {
            let Some(stored) = stored else { return Ok(Salts::none()) };
            let salts: Salts = decode(checked(&stored).map_err(damage)?).map_err(Damage::from)?;
            return if given.is_none_or(|root| salts.is_under(&root)) { Ok(salts) } else { Err(OpenError::Salts) };
        }
        self.must_be_new("salts")?;
        let salts = Salts::new(given.map_or_else(drawn, Ok)?);
        let mut value = Vec::new();
        encode(&salts, &mut value).map_err(Damage::from)?;
        self.put_own(keys::SALTS, Own::Salts, &with_check(&value))?;
        Ok(salts)
    }

    /// The same, one behind the other.
    pub(crate) fn salt_walk(&self) -> Result<SaltWalk, Damage> {
        match self.salts(None) {
            Ok(salts) => Ok(salts.into()),
            Err(OpenError::Damage(damage)) => Err(damage),
            Err(error) => Err(Damage::Row { row: "salts".into(), what: error.to_string() }),
        }
    }

    /// A row that hashes hang on, opened; nothing in it if it is sealed and nobody is to read it.
    pub(crate) fn own(&self, key: &[u8], of: Own) -> Result<Option<Option<Vec<u8>>>, Damage> {
        let Some(stored) = self.get(keys::META, key)? else { return Ok(None) };
        // Whether the secret is sealed says whether all of them are.
        let is_sealed = self.get(keys::META, keys::SECRET)?.is_some_and(|secret| secret.len() == SEALED_SECRET_BYTES);
        if is_sealed {
            return self.seals.open_own(of, &stored).map(Some);
        }
        self.seals.admit_plain(of)?;
        Ok(Some(Some(stored)))
    }

    /// Writes a row that hashes hang on.
    pub(crate) fn put_own(&self, key: &[u8], of: Own, value: &[u8]) -> Result<(), Damage> {
        match self.seals.seal_own(of, value) {
            Some(sealed) => self.put_meta(key, sealed),
            None => self.put_meta(key, value),
        }
    }

    pub(crate) fn family(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("every family was opened with the database")
    }

    /// The options of a family, for files that are made outside the database.
    pub(crate) fn options(&self, name: &str) -> &Options {
        let at = keys::FAMILIES.iter().position(|family| *family == name);
        &self.options[at.expect("only families of this file are asked for")]
    }

    /// Writes a row of what the ledger is. It is durable before anything rests on it.
    pub(crate) fn put_meta(&self, key: &[u8], value: impl AsRef<[u8]>) -> Result<(), Damage> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.family(keys::META), key, value);
        Ok(self.write_synced(batch)?)
    }

    /// Writes with the write-ahead log and one flush.
    pub(crate) fn write_synced(&self, batch: WriteBatch) -> Result<(), rocksdb::Error> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(batch, &options)
    }

    pub(crate) fn get(&self, family: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Damage> {
        Ok(self.db.get_cf(self.family(family), key)?)
    }

    /// All rows of a family from `from` on, in order.
    pub(crate) fn scan<'a>(&'a self, family: &str, from: &[u8]) -> impl Iterator<Item = Result<Row, Damage>> + use<'a> {
        let mode = IteratorMode::From(from, rocksdb::Direction::Forward);
        self.db.iterator_cf(self.family(family), mode).map(|row| row.map_err(Damage::from))
    }

    /// All rows of a family, the last first.
    pub(crate) fn scan_back<'a>(&'a self, family: &str) -> impl Iterator<Item = Result<Row, Damage>> + use<'a> {
        self.db.iterator_cf(self.family(family), IteratorMode::End).map(|row| row.map_err(Damage::from))
    }

    /// Where the log ends.
    pub(crate) fn log_end(&self) -> Result<Position, Damage> {
        let Some(row) = self.scan_back(keys::LOG).next() else { return Ok(Position(0)) };
        position_of(&row?.0)
    }

    /// The blocks of the log from the one that holds `from` on, as they are stored, with their last positions.
    pub(crate) fn stored_blocks<'a>(
        &'a self,
        from: Position,
    ) -> impl Iterator<Item = Result<(Position, Box<[u8]>), Damage>> + use<'a> {
        let from = keys::block(from);
        self.scan(keys::LOG, &from).map(|row| {
            let (key, value) = row?;
            Ok((position_of(&key)?, value))
        })
    }

    /// The same, unpacked.
    pub(crate) fn blocks<'a>(&'a self, from: Position) -> impl Iterator<Item = Result<Block, Damage>> + use<'a> {
        self.stored_blocks(from).map(|stored| {
            let (last, stored) = stored?;
            Block::unpack(last, stored, &self.seals)
        })
    }

    /// The block that holds `position`, if the log reaches so far.
    pub(crate) fn block(&self, position: Position) -> Result<Option<Block>, Damage> {
        match self.blocks(position).next() {
            Some(block) => block.map(|block| Some(block).filter(|block| block.verdict(position).is_some())),
            None => Ok(None),
        }
    }

    /// A record of the log.
    pub(crate) fn record(&self, position: Position) -> Result<Option<Record>, Damage> {
        self.block(position)?.map_or(Ok(None), |block| block.record(position))
    }

    pub(crate) fn snapshot_at(&self) -> Result<SnapshotAt, Damage> {
        match self.get(keys::META, keys::SNAPSHOT)? {
            Some(bytes) => Ok(decode_row(&bytes)?),
            None => Ok(SnapshotAt::default()),
        }
    }

    pub(crate) fn set_snapshot_at(&self, at: &SnapshotAt) -> Result<(), Damage> {
        let mut bytes = Vec::new();
        encode_row(at, &mut bytes)?;
        self.put_meta(keys::SNAPSHOT, bytes)
    }

    /// Whether folded rows were written by an older version. They are all of one version: the older ones
    /// are dropped before anything is written.
    pub(crate) fn has_older_rows(&self) -> Result<bool, Damage> {
        let is_older = |row: &[u8]| row.first().is_some_and(|version| *version < ROW_VERSION);
        let first = self.scan(keys::STATE, b"").next().transpose()?;
        let snapshot = self.get(keys::META, keys::SNAPSHOT)?;
        Ok(first.is_some_and(|(_, row)| is_older(&row)) || snapshot.is_some_and(|row| is_older(&row)))
    }

    /// Drops everything folded, in one write: the next opening folds the log from its beginning.
    pub(crate) fn drop_rows(&self) -> Result<(), Damage> {
        let mut batch = WriteBatch::default();
        for family in [keys::STATE, keys::HISTORY, keys::IDS, keys::TREE] {
            batch.delete_range_cf(self.family(family), &[][..], &[0xff; 32][..]);
        }
        let mut row = Vec::new();
        encode_row(&SnapshotAt::default(), &mut row)?;
        batch.put_cf(self.family(keys::META), keys::SNAPSHOT, row);
        Ok(self.write_synced(batch)?)
    }

    /// Writes the hashes of subtrees anew, in one write, where the whole log was hashed.
    pub(crate) fn put_tree(&self, subtrees: &[(Subtree, Hash)]) -> Result<(), Damage> {
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(self.family(keys::TREE), &[][..], &[0xff; 10][..]);
        for (Subtree { height, index }, hash) in subtrees {
            batch.put_cf(self.family(keys::TREE), keys::subtree(height / FANOUT_HEIGHT, *index), hash);
        }
        Ok(self.write_synced(batch)?)
    }

    /// Where a source stands.
    pub(crate) fn cursor(&self, source: &str) -> Result<Option<u64>, Damage> {
        let bytes = self.get(keys::META, &keys::cursor(source))?;
        Ok(bytes.and_then(|bytes| bytes.as_slice().try_into().ok()).map(u64::from_le_bytes))
    }

    /// Bytes on disk, all families.
    pub(crate) fn bytes(&self) -> u64 {
        let live = |name: &&str| {
            self.db.property_int_value_cf(self.family(name), "rocksdb.total-sst-files-size").ok().flatten()
        };
        keys::FAMILIES.iter().filter_map(live).sum()
    }
}

/// As many random bytes as are asked for.
pub(crate) fn drawn<const BYTES: usize>() -> Result<[u8; BYTES], OpenError> {
    let mut drawn = [0; BYTES];
    getrandom::fill(&mut drawn).map_err(|error| OpenError::System(error.to_string()))?;
    Ok(drawn)
}

/// RocksDB names what it has in this file, and makes others in the directory before it looks.
pub(crate) fn is_there(dir: &Path) -> bool {
    dir.join("CURRENT").exists()
}

/// What RocksDB tells of its files now: which file says it, and how long that is. It only grows.
pub(crate) fn files_told(dir: &Path) -> Option<(String, u64)> {
    let name = std::fs::read_to_string(dir.join("CURRENT")).ok()?;
    let length = std::fs::metadata(dir.join(name.trim_end())).ok()?.len();
    Some((name, length))
}

fn must_be_there(dir: &Path) -> Result<(), OpenError> {
    if is_there(dir) { Ok(()) } else { Err(OpenError::NoLedger { dir: dir.display().to_string() }) }
}

fn database(dir: &Path, source: rocksdb::Error) -> OpenError {
    OpenError::Database { dir: dir.display().to_string(), source }
}

fn set_up(options: &mut Options) {
    // Up to the first byte that is wrong: whether nobody was answered what lies behind it, the mark says.
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_max_total_wal_size(512 << 20);
    options.increase_parallelism(2);
    options.set_keep_log_file_num(4);
    options.set_paranoid_checks(true);
}

fn families(names: &[&str]) -> (Vec<ColumnFamilyDescriptor>, Vec<Options>) {
    let cache = Cache::new_lru_cache(CACHE_BYTES);
    let options: Vec<Options> = names.iter().map(|name| family(name, &cache)).collect();
    let families = names.iter().zip(&options);
    (families.map(|(name, options)| ColumnFamilyDescriptor::new(*name, options.clone())).collect(), options)
}

/// The position that the key of a block names.
fn position_of(key: &[u8]) -> Result<Position, Damage> {
    let last = key.get(2..10).and_then(|last| last.try_into().ok()).map(u64::from_be_bytes);
    last.map(Position).ok_or_else(|| Damage::Row { row: format!("log {key:02x?}"), what: "is no key".into() })
}

fn family(name: &str, cache: &Cache) -> Options {
    let mut options = Options::default();
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_format_version(5);
    match name {
        // Blocks are compressed already, and their keys only ascend.
        keys::LOG => {
            options.set_compression_type(DBCompressionType::None);
            options.set_write_buffer_size(64 << 20);
            options.set_target_file_size_base(128 << 20);
        }
        // Hashes do not compress, and their keys ascend on each level.
        keys::TREE => options.set_compression_type(DBCompressionType::None),
        keys::IDS => {
            options.set_compression_type(DBCompressionType::None);
            options.set_target_file_size_base(128 << 20);
            table.set_bloom_filter(10.0, false);
        }
        _ => {
            options.set_compression_type(DBCompressionType::Lz4);
            options.set_target_file_size_base(64 << 20);
        }
    }
    options.set_block_based_table_factory(&table);
    options
}
