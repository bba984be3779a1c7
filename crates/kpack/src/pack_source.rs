use std::fs::File;
use std::path::Path;

use kpack_verify::{ArchiveError, PackBytes, PackLimits};

use crate::pack_dir::{Folder, OpenError, Opened, PackDir, Place, ReadPackError, read_bounded};

/// A pack on disk, in either of its two forms.
///
/// An archive is read into memory once, when it is opened, and never unpacked to disk.
#[derive(Debug)]
#[non_exhaustive]
pub enum PackSource {
    /// A folder.
    Folder(PackDir),
    /// What was in an archive.
    Archive(PackBytes),
}

impl PackSource {
    /// Opens the pack at a path, with the default limits: an archive where a regular file stands
    /// there, whatever its name.
    ///
    /// # Errors
    ///
    /// When there is nothing, or neither a folder nor a regular file; when it cannot be opened; and
    /// when the file is not the archive of a pack within the limits.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadPackError> {
        Self::open_with(path, PackLimits::default())
    }

    /// Opens the pack at a path.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, limits: PackLimits) -> Result<Self, ReadPackError> {
        let path = path.as_ref();
        match Folder::open_path(path) {
            Ok(Opened::Folder(root)) => Ok(Self::Folder(PackDir::of(root, path, limits))),
            Ok(Opened::File { file, len }) => {
                let archive = read_archive(file, len, path, &limits)?;
                Ok(Self::Archive(PackBytes::from_archive(&archive, &limits)?))
            }
            Err(OpenError::Symlink | OpenError::Special) => Err(ReadPackError::NotAPack {
                path: path.to_owned(),
            }),
            Err(OpenError::Io(source)) => Err(ReadPackError::of_root(path, source)),
        }
    }

    /// The bytes of `kernels.json`.
    ///
    /// # Errors
    ///
    /// As [`PackDir::manifest`].
    pub fn manifest(&self) -> Result<Vec<u8>, ReadPackError> {
        match self {
            Self::Folder(folder) => folder.manifest(),
            Self::Archive(pack) => Ok(pack.manifest().to_vec()),
        }
    }

    /// The bytes of `kernels.json.sig`, if there is one.
    ///
    /// # Errors
    ///
    /// As [`PackDir::signature`].
    pub fn signature(&self) -> Result<Option<Vec<u8>>, ReadPackError> {
        match self {
            Self::Folder(folder) => folder.signature(),
            Self::Archive(pack) => Ok(pack.signature().map(<[u8]>::to_vec)),
        }
    }

    /// The whole pack.
    ///
    /// # Errors
    ///
    /// As [`PackDir::read`].
    pub fn read(&self) -> Result<PackBytes, ReadPackError> {
        match self {
            Self::Folder(folder) => folder.read(),
            Self::Archive(pack) => Ok(pack.clone()),
        }
    }
}

/// The bytes of an archive, never more than that of the largest pack has.
fn read_archive(
    file: File,
    len: u64,
    path: &Path,
    limits: &PackLimits,
) -> Result<Vec<u8>, ReadPackError> {
    let limit = limits.max_archive_bytes();
    if len > limit {
        return Err(ArchiveError::TooLarge { found: len, limit }.into());
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    read_bounded(file, len, limit, &Place(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_grows_or_shrinks_while_it_is_read_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.kpack");
        std::fs::write(&path, [0; 1024]).unwrap();
        for claimed in [0, 512, 1023, 1025] {
            let file = File::open(&path).unwrap();
            let limits = PackLimits::default();
            let error = read_archive(file, claimed, &path, &limits).unwrap_err();
            assert_eq!(error.kind(), "file_changed", "{claimed}");
        }
    }
}
