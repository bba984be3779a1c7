use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kpack_schema::Digest;
use kpack_verify::{CacheKey, CodeOrigin, ProvenCode, RandomnessError};

use crate::private::{self, TEMPORARY_PREFIX, Unread};

/// A folder that keeps the machine code of compiled modules between runs.
///
/// The folder and the key in it belong to one owner, and nobody else may write there. What stands in
/// it is trusted no further: every entry carries a tag under the key, over the code and all that it
/// depends on, and what does not fit is compiled anew. Entries are written to a temporary file,
/// forced to disk and renamed, so that none is ever seen half written.
#[derive(Debug)]
pub struct CompileCache {
    folder: PathBuf,
    key: CacheKey,
}

/// An entry of a [`CompileCache`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// The name: a digest of all that the code depends on.
    pub id: Digest,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it was written.
    pub written: SystemTime,
}

/// Why a folder cannot be used as a [`CompileCache`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The folder or its key could not be made, read or removed.
    #[error("the compile cache cannot be used: `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Others than the process's user own the folder or the key, or may write there.
    #[error("the compile cache must be its owner's alone: `{}`", path.display())]
    NotPrivate {
        /// The file or folder.
        path: PathBuf,
    },
    /// There is no key of the right length in the key file.
    #[error("the compile cache's key is damaged; remove it: `{}`", path.display())]
    Key {
        /// The key file.
        path: PathBuf,
    },
    /// No key could be made.
    #[error("the compile cache has no key")]
    Randomness(#[from] RandomnessError),
}

/// The largest entry that is read; the largest module's code is a fraction of it.
const MAX_ENTRY_BYTES: u64 = 256 << 20;

const KEY_FILE: &str = "key";
const ENTRY_SUFFIX: &str = ".code";

impl CacheError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Io { .. } => "cache_io",
            Self::NotPrivate { .. } => "cache_not_private",
            Self::Key { .. } => "cache_key",
            Self::Randomness(_) => "no_randomness",
        }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

impl CompileCache {
    /// Opens the cache in a folder, which is made if it is not there, as its key is.
    ///
    /// # Errors
    ///
    /// When the folder or the key cannot be made or read, or is not the process's user's alone.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let folder = folder.into();
        private::make_folder(&folder).map_err(CacheError::io(&folder))?;
        if !private::is_private(&folder).map_err(CacheError::io(&folder))? {
            return Err(CacheError::NotPrivate { path: folder });
        }
        let key = key(&folder)?;
        Ok(Self { folder, key })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every entry, in the order of their names.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn entries(&self) -> Result<Vec<CacheEntry>, CacheError> {
        let mut entries = Vec::new();
        for name in self.names()? {
            let id = name.strip_suffix(ENTRY_SUFFIX).unwrap_or_default();
            let Ok(id) = format!("sha256:{id}").parse() else {
                continue;
            };
            let path = self.folder.join(&name);
            // Another process may have removed it since.
            let Ok(metadata) = fs::symlink_metadata(&path) else {
                continue;
            };
            entries.push(CacheEntry {
                id,
                bytes: metadata.len(),
                written: metadata.modified().map_err(CacheError::io(&path))?,
            });
        }
        entries.sort_by_key(|entry| entry.id);
        Ok(entries)
    }

    /// Removes every entry, and what an interrupted write left; the key stays.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or an entry not be removed.
    pub fn clear(&self) -> Result<usize, CacheError> {
        let mut removed = 0;
        for name in self.names()? {
            let (entry, left) = (
                name.ends_with(ENTRY_SUFFIX),
                name.starts_with(TEMPORARY_PREFIX),
            );
            if !entry && !left {
                continue;
            }
            let path = self.folder.join(&name);
            match fs::remove_file(&path) {
                Ok(()) => removed += usize::from(entry),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(CacheError::io(&path)(error)),
            }
        }
        Ok(removed)
    }

    /// The code of this origin, if it is there and proven.
    pub(crate) fn get(&self, origin: CodeOrigin) -> Option<ProvenCode> {
        let path = self.path(&origin);
        match private::read(&path, MAX_ENTRY_BYTES) {
            Ok(sealed) => self.key.open(origin, sealed),
            Err(Unread::Absent | Unread::NotPrivate | Unread::TooLarge) => None,
            Err(Unread::Io(error)) => {
                tracing::warn!(path = %path.display(), %error, "compile cache entry is not readable");
                None
            }
        }
    }

    /// Stores code. What goes wrong is only worth a warning: the code is compiled anew next time.
    pub(crate) fn put(&self, origin: &CodeOrigin, code: &[u8]) {
        let path = self.path(origin);
        if let Err(error) = private::write(&self.folder, &path, &self.key.seal(origin, code)) {
            tracing::warn!(path = %path.display(), %error, "compile cache entry was not written");
        }
    }

    fn path(&self, origin: &CodeOrigin) -> PathBuf {
        let id = origin.id().to_string();
        let id = id.strip_prefix("sha256:").unwrap_or(&id);
        self.folder.join(format!("{id}{ENTRY_SUFFIX}"))
    }

    fn names(&self) -> Result<Vec<String>, CacheError> {
        let entries = fs::read_dir(&self.folder).map_err(CacheError::io(&self.folder))?;
        // A name that is no text is none of the cache's.
        let name =
            |entry: io::Result<fs::DirEntry>| entry.map(|e| e.file_name().into_string().ok());
        let names: io::Result<Vec<Option<String>>> = entries.map(name).collect();
        let names = names.map_err(CacheError::io(&self.folder))?;
        Ok(names.into_iter().flatten().collect())
    }
}

/// The key of a folder; two processes that make it at the same time end with the same one.
fn key(folder: &Path) -> Result<CacheKey, CacheError> {
    let path = folder.join(KEY_FILE);
    if !path.try_exists().map_err(CacheError::io(&path))? {
        make_key(folder, &path)?;
    }
    let bytes = match private::read(&path, 1024) {
        Ok(bytes) => bytes,
        Err(Unread::Io(error)) => return Err(CacheError::io(&path)(error)),
        Err(Unread::TooLarge) => return Err(CacheError::Key { path }),
        Err(Unread::Absent | Unread::NotPrivate) => return Err(CacheError::NotPrivate { path }),
    };
    CacheKey::from_bytes(&bytes).ok_or(CacheError::Key { path })
}

fn make_key(folder: &Path, path: &Path) -> Result<(), CacheError> {
    let key = CacheKey::generate()?;
    match private::write_new(folder, path, key.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(CacheError::io(path)(error))
        }
        _ => Ok(()),
    }
}

impl fmt::Display for CacheEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.id, self.bytes)
    }
}
