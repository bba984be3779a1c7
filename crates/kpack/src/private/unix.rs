//! Files where owner and mode say who could have written them.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{LOCK_FILE, Unread, bounded};

pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(crate) fn is_private(folder: &Path) -> io::Result<bool> {
    let metadata = fs::metadata(folder)?;
    Ok(metadata.is_dir() && is_owners_alone(&metadata))
}

/// A new file, to be written.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

/// The bytes of a regular file of at most `max` bytes that is the process's user's alone, and not a
/// link.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>, Unread> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Err(Unread::Absent),
        Err(Errno::LOOP) => return Err(Unread::NotPrivate),
        Err(error) => return Err(Unread::Io(error.into())),
    };
    let metadata = file.metadata().map_err(Unread::Io)?;
    if !metadata.is_file() || !is_owners_alone(&metadata) {
        return Err(Unread::NotPrivate);
    }
    bounded(file, max)
}

/// Keeps other writers of the folder waiting, until what is returned is dropped. Whoever can open
/// something can lock it, and others may be able to open the folder: what is locked is a file that
/// only its owner can open.
pub(crate) fn lock(folder: &Path) -> io::Result<File> {
    let path = folder.join(LOCK_FILE);
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        let file = File::from(rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR)?);
        let opened = file.metadata()?;
        if !opened.is_file() || !is_owners_alone(&opened) || opened.mode() & 0o044 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "others than its owner can open the file `lock`",
            ));
        }
        file.lock()?;
        // Where it was removed while this writer waited, the next one would not wait for it.
        match fs::symlink_metadata(&path) {
            Ok(found) if (found.dev(), found.ino()) == (opened.dev(), opened.ino()) => {
                return Ok(file);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
}

/// A rename is on disk only with its folder. Some file systems have no such call, and no need of it.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

fn is_owners_alone(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}
