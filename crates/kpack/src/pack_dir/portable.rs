use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::{OpenError, Opened};

/// A folder by its path, where the platform has no way to open relative to a folder.
///
/// What stands under a name is looked at before it is opened, and an open file again. Between the two
/// looks, one who can write the folder can swap a link in; the digests still hold what was read
/// against what was signed.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Opens what stands at a path that is the user's word and may lead through links.
    pub(crate) fn open_path(path: &Path) -> Result<Opened<Self>, OpenError> {
        Self::opened(path, &fs::metadata(path)?)
    }

    /// The first `max` names in the folder, hidden ones too.
    pub(crate) fn names(&self, max: usize) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.0)?
            .take(max)
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    }

    /// Opens what stands under a name of this folder, unless it is a link.
    pub(crate) fn open(&self, name: &OsStr) -> Result<Opened<Self>, OpenError> {
        let path = self.0.join(name);
        let seen = fs::symlink_metadata(&path)?;
        if seen.is_symlink() {
            return Err(OpenError::Symlink);
        }
        Self::opened(&path, &seen)
    }

    fn opened(path: &Path, seen: &Metadata) -> Result<Opened<Self>, OpenError> {
        if seen.is_dir() {
            return Ok(Opened::Folder(Self(path.to_owned())));
        }
        regular(seen)?;
        let file = File::open(path)?;
        let len = regular(&file.metadata()?)?;
        Ok(Opened::File { file, len })
    }
}

fn regular(metadata: &Metadata) -> Result<u64, OpenError> {
    if metadata.is_file() {
        Ok(metadata.len())
    } else {
        Err(OpenError::Special)
    }
}

impl From<io::Error> for OpenError {
    fn from(source: io::Error) -> Self {
        Self::Io(source)
    }
}
