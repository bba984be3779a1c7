//! Files where the platform's owners and modes are not looked at.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::{LOCK_FILE, Unread, bounded};

pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

pub(crate) fn is_private(folder: &Path) -> io::Result<bool> {
    Ok(fs::metadata(folder)?.is_dir())
}

/// A new file, to be written.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).open(path)
}

/// The bytes of a regular file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>, Unread> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unread::Absent),
        Err(error) => return Err(Unread::Io(error)),
    };
    if !metadata.is_file() {
        return Err(Unread::NotPrivate);
    }
    bounded(File::open(path).map_err(Unread::Io)?, max)
}

/// Keeps other writers of the folder waiting, until what is returned is dropped.
pub(crate) fn lock(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(LOCK_FILE))?;
    file.lock()?;
    Ok(file)
}

/// Folders cannot be forced to disk here.
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
