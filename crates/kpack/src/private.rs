//! Files of one owner: made for nobody else, read only where nobody else could have written, and
//! replaced whole.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

#[cfg_attr(unix, path = "private/unix.rs")]
#[cfg_attr(not(unix), path = "private/portable.rs")]
mod platform;

pub(crate) use platform::{is_private, lock, make_folder, read};

/// Why there are no bytes of a private file.
#[derive(Debug)]
pub(crate) enum Unread {
    /// There is none.
    Absent,
    /// Others own it or may write it, or it is a link or no regular file.
    NotPrivate,
    /// It is larger than the caller allows.
    TooLarge,
    Io(io::Error),
}

/// What stands for files that are being written, and may be removed where it was left behind.
pub(crate) const TEMPORARY_PREFIX: &str = ".kpack-";

/// What stands for its folder where writers keep each other waiting; it is never removed.
const LOCK_FILE: &str = "lock";

/// Makes or replaces a file of the folder, which at every moment is the old one or the whole new one,
/// and is on disk when this returns.
pub(crate) fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = written(folder, bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    platform::sync_folder(folder)
}

/// Makes a file of the folder, unless there is one by then.
pub(crate) fn write_new(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = written(folder, bytes)?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    platform::sync_folder(folder)
}

/// A file that only its owner can read, removed when it is dropped. It is opened here, so that errors
/// do not name a file that nobody knows.
fn written(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .suffix(".tmp")
        .make_in(folder, platform::create)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// The bytes of an open file, if it is not larger.
fn bounded(file: fs::File, max: u64) -> Result<Vec<u8>, Unread> {
    use std::io::Read;
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(Unread::Io)?;
    match u64::try_from(bytes.len()) {
        Ok(len) if len <= max => Ok(bytes),
        _ => Err(Unread::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_never_names_the_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let path = missing.join("state");
        for result in [
            write(&missing, &path, b"whole"),
            write_new(&missing, &path, b"whole"),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert!(!error.to_string().contains(TEMPORARY_PREFIX), "{error}");
        }
    }
}
