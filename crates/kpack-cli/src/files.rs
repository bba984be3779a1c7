//! The files that the user names: read whole, but never more than a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;

/// The largest key file that is read; a key has fewer than 200 bytes.
const MAX_KEY_BYTES: u64 = 64 << 10;

/// The largest file of tensors that is read: more than any kernel's memory holds.
const MAX_TENSOR_BYTES: u64 = 4 << 30;

/// The bytes of a key, private or public.
pub(crate) fn key(path: &Path) -> Result<Vec<u8>, Failure> {
    read(path, MAX_KEY_BYTES)
}

/// The bytes of a safetensors file.
pub(crate) fn tensors(path: &Path) -> Result<Vec<u8>, Failure> {
    read(path, MAX_TENSOR_BYTES)
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| Failure::file("read", path, &error);
    let file = File::open(path).map_err(unreadable)?;
    let expected = file.metadata().map_err(unreadable)?.len();
    if expected > limit {
        return Err(Failure::too_large(path, limit));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|read| read > limit) {
        return Err(Failure::too_large(path, limit));
    }
    Ok(bytes)
}
