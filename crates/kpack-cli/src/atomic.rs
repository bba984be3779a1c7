//! Files that are either the old one or the whole new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// A file that is to be made or replaced.
///
/// It is written under another name, forced to disk and renamed, so that at every moment the file is
/// the old one or the whole new one. A process that is killed while it writes leaves a file
/// `.kpack-*.tmp` behind, which means nothing to kpack and may be removed.
#[derive(Debug)]
pub(crate) struct Target {
    file: PathBuf,
    /// Where to write at first; the next one serves where one does not do.
    staging: Vec<PathBuf>,
}

impl Target {
    /// The file that a user names for a result. A symbolic link there stays, and the file that it
    /// leads to is replaced. Nothing is changed yet, but a file can be made in the folder.
    ///
    /// # Errors
    ///
    /// What the operating system says, or [`io::ErrorKind::InvalidInput`] where something other than
    /// a regular file stands there, or a link that leads nowhere.
    pub(crate) fn output(path: &Path) -> io::Result<Self> {
        let file = followed(path)?;
        let folder = folder_of(&file).to_owned();
        drop(temporary_in(&folder)?);
        Ok(Self {
            file,
            staging: vec![folder],
        })
    }

    /// A file of a pack. It is written beside the pack's folder, as a pack with one more file in it
    /// would be refused, and in the folder only where that does not do: where the folder above cannot
    /// be written or is on another file system.
    ///
    /// # Errors
    ///
    /// When there is no such folder.
    pub(crate) fn in_pack(pack: &Path, name: &str) -> io::Result<Self> {
        let pack = fs::canonicalize(pack)?;
        let file = pack.join(name);
        let above = pack.parent().map(Path::to_owned);
        Ok(Self {
            file,
            staging: above.into_iter().chain([pack]).collect(),
        })
    }

    /// Makes or replaces the file.
    ///
    /// # Errors
    ///
    /// What the operating system says. No other file is left then, and what was there is as it was.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut result = Err(io::ErrorKind::NotFound.into());
        for folder in &self.staging {
            result = self.write_by_way_of(folder, bytes);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    fn write_by_way_of(&self, folder: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut temporary = temporary_in(folder)?;
        let file = temporary.as_file_mut();
        if let Ok(existing) = fs::metadata(&self.file) {
            file.set_permissions(existing.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        temporary.persist(&self.file).map_err(|error| error.error)?;
        sync_folder(folder_of(&self.file));
        Ok(())
    }
}

/// Whether a file had to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    Now,
    /// It stood there with the same content.
    Before,
}

/// Makes a file where none is, or finds the same one there. It is written under another name first,
/// as a [`Target`] is.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] where anything else stands at the path, which then stays as it
/// is, and what else the operating system says.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<Made> {
    if fs::symlink_metadata(path).is_ok() {
        return existing(path, bytes);
    }
    match write_new(path, bytes) {
        Ok(()) => Ok(Made::Now),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => existing(path, bytes),
        Err(error) => Err(error),
    }
}

fn existing(path: &Path, bytes: &[u8]) -> io::Result<Made> {
    let found = fs::metadata(path);
    let is_as_long = found.is_ok_and(|found| {
        found.is_file() && u64::try_from(bytes.len()).is_ok_and(|len| len == found.len())
    });
    if is_as_long && fs::read(path)? == bytes {
        return Ok(Made::Before);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Keeps other processes that change the same pack waiting, until what is returned is dropped. They
/// would read what stands there now and write over what this one writes.
///
/// `None` where the platform or the file system has no locks on folders, and for what is no folder.
pub(crate) fn lock_pack(pack: &Path) -> Option<File> {
    // To open a pipe is to wait for its other end.
    if !fs::metadata(pack).is_ok_and(|found| found.is_dir()) {
        return None;
    }
    let folder = File::open(pack).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Keeps other processes that change files of the same folder waiting, as [`lock_pack`] does for those
/// of a pack.
pub(crate) fn lock_beside(path: &Path) -> Option<File> {
    lock_pack(folder_of(path))
}

/// Makes a file where there is none, whole or not at all.
///
/// # Errors
///
/// What the operating system says, [`io::ErrorKind::AlreadyExists`] where anything stands there.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let mut temporary = temporary_in(folder)?;
    let file = temporary.as_file_mut();
    file.write_all(bytes)?;
    file.sync_all()?;
    temporary
        .persist_noclobber(path)
        .map_err(|error| error.error)?;
    sync_folder(folder);
    Ok(())
}

/// Sees that nothing stands at a path and that a file can be made there, and changes nothing.
///
/// # Errors
///
/// As [`write_new`].
pub(crate) fn expect_vacant(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    temporary_in(folder_of(path)).map(drop)
}

/// The folder that a file stands in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A rename itself is on disk only with its folder; not every file system can do that.
fn sync_folder(folder: &Path) {
    _ = File::open(folder).and_then(|folder| folder.sync_all());
}

fn followed(path: &Path) -> io::Result<PathBuf> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::canonicalize(path),
        Ok(_) => refused("something other than a regular file stands there"),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) if fs::symlink_metadata(path).is_ok() => {
            refused("a symbolic link stands there that leads nowhere")
        }
        Err(_) => Ok(path.to_owned()),
    }
}

/// A file that is removed when it is dropped, with the mode that a new file gets. It is opened here,
/// so that errors do not name a file that nobody knows.
fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    Builder::new()
        .prefix(".kpack-")
        .suffix(".tmp")
        .make_in(folder, |path| {
            OpenOptions::new().write(true).create_new(true).open(path)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_made_and_replaced_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        for bytes in ["first", "second"] {
            let target = Target::output(&path).unwrap();
            target.write(bytes.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), bytes);
            assert_eq!(names(folder.path()), ["out"]);
        }
    }

    #[test]
    fn a_path_that_cannot_be_written_is_known_before() {
        let folder = tempfile::tempdir().unwrap();
        let occupied = folder.path().join("occupied");
        fs::create_dir(&occupied).unwrap();
        let error = Target::output(&occupied).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let error = Target::output(&folder.path().join("missing/out")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains(".tmp"), "{error}");
        assert_eq!(names(folder.path()), ["occupied"]);
    }

    #[test]
    fn a_file_of_a_pack_is_written_beside_it_and_else_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("pack");
        fs::create_dir(&pack).unwrap();
        let mut target = Target::in_pack(&pack, "file").unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        assert_eq!(target.staging, [root.clone(), root.join("pack")]);
        target.write(b"first").unwrap();
        target.staging[0] = root.join("nowhere");
        target.write(b"second").unwrap();
        assert_eq!(fs::read_to_string(pack.join("file")).unwrap(), "second");
        assert_eq!(names(folder.path()), ["pack"]);
        assert_eq!(names(&pack), ["file"]);
    }

    #[test]
    fn a_file_that_stands_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        assert_eq!(create(&path, b"first").unwrap(), Made::Now);
        assert_eq!(create(&path, b"first").unwrap(), Made::Before);
        for other in [&b"other"[..], b"", b"longer than the first"] {
            let error = create(&path, other).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&path).unwrap(), b"first");
        }
        let occupied = folder.path().join("occupied");
        fs::create_dir(&occupied).unwrap();
        let error = create(&occupied, b"").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let error = create(&folder.path().join("missing/new"), b"").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(names(folder.path()), ["new", "occupied"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_the_mode_is_kept() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link");
        symlink("real", &link).unwrap();
        Target::output(&link).unwrap().write(b"new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        let mode = fs::metadata(&real).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        let error = Target::output(&link).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(names(folder.path()), ["link"]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
