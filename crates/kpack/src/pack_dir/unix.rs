use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{OpenError, Opened};

/// To read, and to wait for nothing.
const FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// A folder by its descriptor: whatever its path becomes, this is the folder that was opened.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    /// Opens what stands at a path that is the user's word and may lead through links.
    pub(crate) fn open_path(path: &Path) -> Result<Opened<Self>, OpenError> {
        let io = |errno: Errno| OpenError::Io(errno.into());
        // As in `open`: a look that proves nothing keeps what is none of ours from being opened.
        let seen = rustix::fs::stat(path).map_err(io)?;
        openable(FileType::from_raw_mode(seen.st_mode))?;
        Self::opened(rustix::fs::open(path, FLAGS, Mode::empty()).map_err(io)?)
    }

    /// The first `max` names in the folder, hidden ones too.
    pub(crate) fn names(&self, max: usize) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if names.len() == max {
                break;
            }
            names.push(OsStr::from_bytes(name).to_owned());
        }
        Ok(names)
    }

    /// Opens what stands under a name of this folder, without following it if it is a link.
    pub(crate) fn open(&self, name: &OsStr) -> Result<Opened<Self>, OpenError> {
        // To open a device or a pipe can have effects, so what is none of ours is not opened. The
        // look proves nothing: what was opened is looked at again below.
        let seen = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        openable(FileType::from_raw_mode(seen.st_mode))?;

        let flags = FLAGS | OFlags::NOFOLLOW;
        Self::opened(rustix::fs::openat(&self.0, name, flags, Mode::empty())?)
    }

    fn opened(opened: OwnedFd) -> Result<Opened<Self>, OpenError> {
        let stat = rustix::fs::fstat(&opened)?;
        match openable(FileType::from_raw_mode(stat.st_mode))? {
            FileType::Directory => Ok(Opened::Folder(Self(opened))),
            _ => Ok(Opened::File {
                len: u64::try_from(stat.st_size).map_err(|_| OpenError::Special)?,
                file: File::from(opened),
            }),
        }
    }
}

fn openable(found: FileType) -> Result<FileType, OpenError> {
    match found {
        FileType::RegularFile | FileType::Directory => Ok(found),
        FileType::Symlink => Err(OpenError::Symlink),
        _ => Err(OpenError::Special),
    }
}

impl From<Errno> for OpenError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::LOOP => Self::Symlink,
            _ => Self::Io(errno.into()),
        }
    }
}
