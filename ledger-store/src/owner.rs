//! Owner: one process writes a ledger, and its files are its owner's alone.
//!
//! The directory itself is locked. It holds no file that somebody could remove to get round the lock, and a lock ends
//! with the process that holds it.

use crate::error::OpenError;
use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

const DIRECTORY: u32 = 0o700;
const FILE: u32 = 0o600;
/// Whoever looks whether a directory is owned holds it for a moment: so often an owner tries again.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// A directory that nobody else can own as long as this is there.
#[derive(Debug)]
pub(crate) struct Owner {
    _dir: File,
}

/// Makes the directory if there is none, and owns it. Others than the owner of its files can read none of them from
/// then on.
pub(crate) fn make_and_own(dir: &Path) -> Result<Owner, OpenError> {
    let failed = |error: &io::Error| OpenError::System(format!("{}: {error}", dir.display()));
    DirBuilder::new().recursive(true).mode(DIRECTORY).create(dir).map_err(|error| failed(&error))?;
    let owner = own(dir)?;
    keep_private(dir)?;
    Ok(owner)
}

/// Takes from others what they may do with the directory and the files in it.
pub(crate) fn keep_private(dir: &Path) -> Result<(), OpenError> {
    tighten_all(dir).map_err(|error| OpenError::System(format!("{}: {error}", dir.display())))
}

/// Owns a directory that is there.
pub(crate) fn own(dir: &Path) -> Result<Owner, OpenError> {
    let failed = |error: &io::Error| OpenError::System(format!("{}: {error}", dir.display()));
    let opened = File::open(dir).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => OpenError::NoLedger { dir: dir.display().to_string() },
        _ => failed(&error),
    })?;
    for _ in 0..TRIES {
        match opened.try_lock() {
            Ok(()) => return Ok(Owner { _dir: opened }),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
    }
    Err(OpenError::InUse { dir: dir.display().to_string() })
}

/// Whether somebody owns the directory.
pub(crate) fn is_owned(dir: &Path) -> bool {
    File::open(dir).is_ok_and(|dir| matches!(dir.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn tighten_all(dir: &Path) -> io::Result<()> {
    let tighten = |path: &Path, most: u32| -> io::Result<()> {
        let mode = match fs::metadata(path) {
            Ok(about) => about.permissions().mode() & 0o7777,
            // RocksDB drops files by itself.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if mode & !most == 0 { Ok(()) } else { fs::set_permissions(path, Permissions::from_mode(mode & most)) }
    };
    tighten(dir, DIRECTORY)?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            tighten(&entry.path(), FILE)?;
        }
    }
    Ok(())
}
