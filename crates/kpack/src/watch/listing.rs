use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kpack_verify::{MANIFEST_FILE, PackLimits, SIGNATURE_FILE};

use crate::pack_dir::MAX_FOLDER_DEPTH;

/// The name of an archive ends so.
const ARCHIVE: &str = "kpack";

/// What a pack looks like from outside: each of its files with what changes when it is written. Links
/// are seen and not followed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Look(Vec<(PathBuf, Entry)>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    len: u64,
    modified: Option<SystemTime>,
    inode: Inode,
}

/// Which file it is, and when it was last changed in any way: a copy may bring its time along.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Inode(u64, i64, i64);

/// Every pack in a folder that may be whole.
pub(super) fn packs(folder: &Path) -> io::Result<BTreeMap<PathBuf, Look>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        // What is taken away meanwhile is not there.
        if let Ok(kind) = entry.file_type()
            && (kind.is_dir() && is_complete(&path) || kind.is_file() && is_archive(&path))
        {
            found.insert(path.clone(), Look::at(&path));
        }
    }
    Ok(found)
}

fn is_complete(folder: &Path) -> bool {
    let is_there = |name| fs::symlink_metadata(folder.join(name)).is_ok();
    is_there(MANIFEST_FILE) && is_there(SIGNATURE_FILE)
}

fn is_archive(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == ARCHIVE)
}

impl Look {
    fn at(pack: &Path) -> Self {
        let mut look = Self::default();
        look.add(pack, 0);
        look.0.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        look
    }

    /// Of a folder that is too deep or too full for a pack, only a part: it is refused all the same.
    fn add(&mut self, path: &Path, depth: usize) {
        let Ok(metadata) = fs::symlink_metadata(path) else {
            return;
        };
        self.0.push((path.to_owned(), Entry::of(&metadata)));
        if !metadata.is_dir() || depth > MAX_FOLDER_DEPTH {
            return;
        }
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            if self.0.len() > 2 * PackLimits::default().max_files {
                return;
            }
            self.add(&entry.path(), depth + 1);
        }
    }
}

impl Entry {
    fn of(metadata: &Metadata) -> Self {
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            inode: Inode::of(metadata),
        }
    }
}

impl Inode {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self(0, 0, 0)
    }
}

#[cfg(test)]
impl Look {
    /// Of an archive of so many bytes.
    pub(super) fn of_len(len: u64) -> Self {
        Self(vec![(
            PathBuf::from("x.kpack"),
            Entry {
                len,
                modified: None,
                inode: Inode(0, 0, 0),
            },
        )])
    }
}
