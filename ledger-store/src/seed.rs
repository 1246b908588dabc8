//! Seed: the file with which checkpoints are signed. It is a person's to keep, so it lies outside the ledger's
//! directory, where no copy of the ledger takes it along, and nobody but its owner may read it.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// More than a seed can have in any form.
const FILE_BYTES_MAX: u64 = 1 << 10;
/// Readable by the owner alone.
const OWNER_ONLY: u32 = 0o600;

/// Why a seed is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The file is not there, or cannot be read or made.
    #[error("the checkpoint key {path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("the checkpoint key {path} may be read by others (mode {mode:04o}); chmod 600 makes it its owner's")]
    Open {
        /// Which.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// It lies where every copy of the ledger takes it along.
    #[error("the checkpoint key {path} lies inside the ledger's directory {dir}; keep it elsewhere")]
    Inside {
        /// Which.
        path: String,
        /// The ledger's directory.
        dir: String,
    },
    /// It is no seed.
    #[error("the checkpoint key {path} holds {bytes} bytes; a seed is 32 bytes or 64 hexadecimal digits")]
    Content {
        /// Which.
        path: String,
        /// How long it is.
        bytes: usize,
    },
}

/// What a signing key is made of.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed([u8; 32]);

/// It is not shown.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seed").finish_non_exhaustive()
    }
}

impl Seed {
    /// A seed that is kept elsewhere than in a file.
    pub fn new(bytes: [u8; 32]) -> Seed {
        Seed(bytes)
    }

    /// Reads the seed that is to sign the checkpoints of the ledger in `data`, which need not be there yet.
    ///
    /// # Errors
    /// [`SeedError`].
    pub fn read(path: &Path, data: &Path) -> Result<Seed, SeedError> {
        let shown = || path.display().to_string();
        let failed = |source| SeedError::File { path: shown(), source };
        let (real, dir) = (path.canonicalize().map_err(failed)?, real(data).map_err(failed)?);
        if real.starts_with(&dir) {
            return Err(SeedError::Inside { path: shown(), dir: data.display().to_string() });
        }
        let file = File::open(&real).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
        if mode & !OWNER_ONLY != 0 {
            return Err(SeedError::Open { path: shown(), mode });
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
        key_from(&bytes).map(Seed).ok_or_else(|| SeedError::Content { path: shown(), bytes: bytes.len() })
    }

    /// Draws a seed and puts it into a new file that its owner alone may read.
    ///
    /// # Errors
    /// [`SeedError::File`]; also if there is such a file already.
    pub fn make(path: &Path) -> Result<Seed, SeedError> {
        let failed = |source| SeedError::File { path: path.display().to_string(), source };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| failed(std::io::Error::other(error.to_string())))?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path).map_err(failed)?;
        // The mask of the process may have taken rights away, never given any.
        file.set_permissions(Permissions::from_mode(OWNER_ONLY)).map_err(failed)?;
        let digits: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(file, "{digits}").and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(Seed(seed))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A path without links and dots, as far as it is there.
fn real(path: &Path) -> std::io::Result<PathBuf> {
    let whole = std::path::absolute(path)?;
    let (mut known, mut behind) = (whole.as_path(), PathBuf::new());
    loop {
        match known.canonicalize() {
            Ok(real) => return Ok(real.join(behind)),
            Err(error) => match (known.parent(), known.file_name()) {
                (Some(parent), Some(name)) => {
                    behind = Path::new(name).join(behind);
                    known = parent;
                }
                _ => return Err(error),
            },
        }
    }
}

/// A key of so many bytes, written as they are or in hexadecimal digits with perhaps an end of line.
pub fn key_from<const BYTES: usize>(bytes: &[u8]) -> Option<[u8; BYTES]> {
    bytes.try_into().ok().or_else(|| from_hex(bytes.trim_ascii()))
}

fn from_hex<const BYTES: usize>(digits: &[u8]) -> Option<[u8; BYTES]> {
    let mut key = [0; BYTES];
    if digits.len() != 2 * BYTES {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_seed_is_read_as_it_was_made_and_in_either_form() {
        let dir = tempfile::tempdir().unwrap();
        let (path, data) = (dir.path().join("key"), dir.path().join("data"));
        let seed = Seed::make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(Seed::read(&path, &data).unwrap(), seed);
        assert!(matches!(Seed::make(&path), Err(SeedError::File { .. })), "a key is never written over");
        fs::write(&path, seed.bytes()).unwrap();
        assert_eq!(Seed::read(&path, &data).unwrap(), seed);
        let digits = b"ABcdef0123456789".repeat(4);
        assert_eq!(key_from::<32>(&digits), key_from(&digits.to_ascii_lowercase()));
        assert_eq!(key_from::<1>(b"123"), None);
        mode(&path, 0o400);
        assert_eq!(Seed::read(&path, &data).unwrap(), seed);
        assert_eq!(format!("{seed:?}"), "Seed { .. }");
    }

    #[test]
    fn a_seed_that_anybody_may_have_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let (path, data) = (dir.path().join("key"), dir.path().join("data"));
        let refused = |path: &Path| Seed::read(path, &data).unwrap_err().to_string();
        assert!(refused(&path).contains("No such file"), "{}", refused(&path));
        Seed::make(&path).unwrap();
        for open in [0o604, 0o640, 0o660, 0o602, 0o700, 0o4600] {
            mode(&path, open);
            assert!(refused(&path).contains(&format!("{open:04o}")), "{}", refused(&path));
        }
        mode(&path, 0o600);
        for wrong in [&b""[..], &[7; 31], &[7; 33], &[b'x'; 64], &[b'a'; 66], &[b'a'; 2_000]] {
            fs::write(&path, wrong).unwrap();
            assert!(refused(&path).contains("64 hexadecimal digits"), "{}", refused(&path));
        }
        fs::create_dir(&data).unwrap();
        let inside = data.join("key");
        Seed::make(&inside).unwrap();
        let link = dir.path().join("link");
        symlink(&inside, &link).unwrap();
        for path in [inside, link, data.join("../data/key"), dir.path().join("data/./key")] {
            assert!(refused(&path).contains("inside"), "{}", refused(&path));
        }
        let linked = dir.path().join("linked");
        symlink(&data, &linked).unwrap();
        let error = Seed::read(&data.join("key"), &linked).unwrap_err();
        assert!(matches!(error, SeedError::Inside { .. }), "{error}");
        assert!(matches!(Seed::read(dir.path(), &data), Err(SeedError::Open { .. } | SeedError::File { .. })));
    }
}
