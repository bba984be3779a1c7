//! The bytes of a pack in a folder, read once and within limits.

#[cfg(any(not(unix), test))]
mod portable;
mod read_error;
#[cfg(unix)]
mod unix;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kpack_schema::{PackPath, PathError};
use kpack_verify::{
    MANIFEST_FILE, PackBytes, PackBytesError, PackLimits, PackParts, SIGNATURE_FILE,
};

pub use read_error::ReadPackError;

#[cfg(not(unix))]
pub(crate) use portable::Folder;
#[cfg(unix)]
pub(crate) use unix::Folder;

/// How deep folders may be nested in a pack.
pub const MAX_FOLDER_DEPTH: usize = 32;

/// The folder of a pack, open for reading.
///
/// Nothing outside the folder is ever opened, and nothing but regular files is read. On Unix every
/// step of a path is opened relative to the folder before it and follows no symbolic link, so a
/// link that is swapped in between does not help. Elsewhere each step is looked at before it is
/// opened, which a writer of the folder can race.
///
/// The path to the folder itself is the user's word and may lead through symbolic links.
#[derive(Debug)]
pub struct PackDir {
    root: Folder,
    path: PathBuf,
    limits: PackLimits,
}

/// What stands under a name in a folder.
pub(crate) enum Opened<F> {
    File { file: File, len: u64 },
    Folder(F),
}

/// Why what stands under a name was not opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    Symlink,
    /// A device, a pipe, a socket.
    Special,
    Io(io::Error),
}

impl PackDir {
    /// Opens the folder of a pack, with the default limits.
    ///
    /// # Errors
    ///
    /// When there is no such folder or it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadPackError> {
        Self::open_with(path, PackLimits::default())
    }

    /// Opens the folder of a pack.
    ///
    /// # Errors
    ///
    /// When there is no such folder or it cannot be opened.
    pub fn open_with(path: impl AsRef<Path>, limits: PackLimits) -> Result<Self, ReadPackError> {
        let path = path.as_ref();
        match Folder::open_path(path) {
            Ok(Opened::Folder(root)) => Ok(Self::of(root, path, limits)),
            Ok(Opened::File { .. }) | Err(OpenError::Symlink | OpenError::Special) => {
                Err(ReadPackError::NotAFolder {
                    path: path.to_owned(),
                })
            }
            Err(OpenError::Io(source)) => Err(ReadPackError::of_root(path, source)),
        }
    }

    pub(crate) fn of(root: Folder, path: &Path, limits: PackLimits) -> Self {
        Self {
            root,
            path: path.to_owned(),
            limits,
        }
    }

    /// The path under which the folder was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of `kernels.json`.
    ///
    /// # Errors
    ///
    /// When it is missing, unreadable, no regular file, or larger than the limit.
    pub fn manifest(&self) -> Result<Vec<u8>, ReadPackError> {
        let place = Place::root().join(MANIFEST_FILE);
        self.read_below(&place, self.limits.max_manifest_bytes)
    }

    /// The bytes of `kernels.json.sig`, if there is one.
    ///
    /// # Errors
    ///
    /// When it is unreadable, no regular file, or larger than the limit.
    pub fn signature(&self) -> Result<Option<Vec<u8>>, ReadPackError> {
        let place = Place::root().join(SIGNATURE_FILE);
        match self.read_below(&place, self.limits.max_signature_bytes) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ReadPackError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The bytes of one other file.
    ///
    /// # Errors
    ///
    /// When it is missing, unreadable, no regular file, behind a symbolic link, or larger than the
    /// limit.
    pub fn file(&self, path: &PackPath) -> Result<Vec<u8>, ReadPackError> {
        self.read_below(&Place(path.as_str().to_owned()), self.limits.max_file_bytes)
    }

    /// The whole pack: manifest, signature and every file in the folder and the folders in it,
    /// hidden ones too. Each file is opened once and read once.
    ///
    /// # Errors
    ///
    /// When the manifest is missing, something is unreadable, too large, too many or nested too
    /// deeply, or when the folder holds what no pack may: a symbolic link, a special file, a name
    /// that is not safe on every platform.
    pub fn read(&self) -> Result<PackBytes, ReadPackError> {
        let mut walk = Walk {
            limits: &self.limits,
            files: BTreeMap::new(),
            entries: 0,
            bytes: 0,
        };
        let manifest = self.manifest()?;
        let signature = self.signature()?;
        walk.folder(&self.root, &Place::root(), 0)?;
        let parts = PackParts {
            manifest,
            signature,
            files: walk.files,
        };
        Ok(PackBytes::with_limits(parts, &self.limits)?)
    }

    /// Opens one file step by step from the root.
    fn read_below(&self, place: &Place, limit: usize) -> Result<Vec<u8>, ReadPackError> {
        let mut folder: Option<Folder> = None;
        let mut reached = Place::root();
        for segment in place.0.split('/') {
            reached = reached.join(segment);
            let parent = folder.as_ref().unwrap_or(&self.root);
            let opened = parent
                .open(OsStr::new(segment))
                .map_err(|error| ReadPackError::of_entry(&reached, error))?;
            match opened {
                Opened::Folder(next) if reached.0 != place.0 => folder = Some(next),
                Opened::File { file, len } if reached.0 == place.0 => {
                    return read_bounded(file, len, limit, &reached);
                }
                Opened::Folder(_) => return Err(ReadPackError::not_a_file(&reached)),
                Opened::File { .. } => return Err(ReadPackError::not_found(place)),
            }
        }
        Err(ReadPackError::not_found(place))
    }
}

/// Where in a pack something stands, `/` between the steps; empty for the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) String);

impl Place {
    fn root() -> Self {
        Self(String::new())
    }

    fn join(&self, name: &str) -> Self {
        if self.0.is_empty() {
            Self(name.to_owned())
        } else {
            Self(format!("{}/{name}", self.0))
        }
    }
}

/// A walk through all folders of a pack, with what it has taken so far.
struct Walk<'a> {
    limits: &'a PackLimits,
    files: BTreeMap<PackPath, Vec<u8>>,
    entries: usize,
    bytes: usize,
}

impl Walk<'_> {
    fn folder(
        &mut self,
        folder: &Folder,
        place: &Place,
        depth: usize,
    ) -> Result<(), ReadPackError> {
        if depth > MAX_FOLDER_DEPTH {
            return Err(ReadPackError::TooDeep {
                path: place.0.clone(),
                limit: MAX_FOLDER_DEPTH,
            });
        }
        // Manifest, signature and one more, so that one file too many is seen.
        let room = (self.limits.max_files + 3).saturating_sub(self.entries);
        let mut names = folder
            .names(room)
            .map_err(|source| ReadPackError::unreadable(place, source))?;
        self.entries += names.len();
        if self.entries > self.limits.max_files + 2 {
            return Err(ReadPackError::Limits(PackBytesError::TooManyFiles {
                found: self.entries,
                limit: self.limits.max_files,
            }));
        }
        // The same pack gives the same error on every file system.
        names.sort_unstable();
        for name in names {
            self.entry(folder, place, &name, depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        folder: &Folder,
        parent: &Place,
        name: &OsStr,
        depth: usize,
    ) -> Result<(), ReadPackError> {
        let place = parent.join(&name.to_string_lossy());
        if place.0 == MANIFEST_FILE || place.0 == SIGNATURE_FILE {
            return Ok(());
        }
        let path = safe_path(name, &place)?;
        let opened = folder
            .open(name)
            .map_err(|error| ReadPackError::of_entry(&place, error))?;
        match opened {
            Opened::Folder(folder) => self.folder(&folder, &place, depth + 1),
            Opened::File { file, len } => {
                let bytes = self.take(file, len, &path, &place)?;
                self.files.insert(path, bytes);
                Ok(())
            }
        }
    }

    fn take(
        &mut self,
        file: File,
        len: u64,
        path: &PackPath,
        place: &Place,
    ) -> Result<Vec<u8>, ReadPackError> {
        let room = self.limits.max_total_bytes.saturating_sub(self.bytes);
        let fits_file = usize::try_from(len).is_ok_and(|len| len <= self.limits.max_file_bytes);
        let fits_pack = usize::try_from(len).is_ok_and(|len| len <= room);
        if fits_file && !fits_pack {
            return Err(ReadPackError::Limits(PackBytesError::PackTooLarge {
                file: path.clone(),
                limit: self.limits.max_total_bytes,
            }));
        }
        let bytes = read_bounded(file, len, self.limits.max_file_bytes, place)?;
        self.bytes = self.bytes.saturating_add(bytes.len());
        Ok(bytes)
    }
}

fn safe_path(name: &OsStr, place: &Place) -> Result<PackPath, ReadPackError> {
    let unsafe_path = |source| ReadPackError::UnsafePath {
        path: place.0.escape_debug().to_string(),
        source,
    };
    if name.to_str().is_none() {
        return Err(unsafe_path(PathError::Segment {
            segment: name.to_string_lossy().escape_debug().to_string(),
        }));
    }
    place.0.parse().map_err(unsafe_path)
}

/// One read of a whole file of `len` bytes, which the file system said it has.
pub(crate) fn read_bounded(
    file: File,
    len: u64,
    limit: usize,
    place: &Place,
) -> Result<Vec<u8>, ReadPackError> {
    let too_large = |found: u64| {
        ReadPackError::Limits(PackBytesError::FileTooLarge {
            file: place.0.clone(),
            found: usize::try_from(found).unwrap_or(usize::MAX),
            limit,
        })
    };
    let expected = usize::try_from(len)
        .ok()
        .filter(|&len| len <= limit)
        .ok_or_else(|| too_large(len))?;
    let mut bytes = Vec::with_capacity(expected + 1);
    // One byte more than there should be shows a file that grows.
    file.take(len + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| ReadPackError::unreadable(place, source))?;
    if bytes.len() == expected {
        Ok(bytes)
    } else {
        Err(ReadPackError::Changed {
            path: place.0.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
