//! Files where the platform's owners and modes are not looked at: the tag under the key alone says
//! what is taken.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

pub(super) fn is_private(folder: &Path) -> io::Result<bool> {
    Ok(fs::metadata(folder)?.is_dir())
}

/// The bytes of a regular file; `None` where there is none, or it is larger than `max`.
pub(super) fn read(path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !metadata.is_file() || metadata.len() > max {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(max).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
