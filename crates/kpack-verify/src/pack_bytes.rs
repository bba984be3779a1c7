use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use kpack_schema::PackPath;

/// The name of the manifest, at the root of a pack.
pub const MANIFEST_FILE: &str = "kernels.json";

/// The name of the signature file, beside the manifest.
pub const SIGNATURE_FILE: &str = "kernels.json.sig";

/// The parts of a pack as a reader found them.
#[derive(Debug, Clone, Default)]
pub struct PackParts {
    /// The bytes of `kernels.json`.
    pub manifest: Vec<u8>,
    /// The bytes of `kernels.json.sig`, if there is one.
    pub signature: Option<Vec<u8>>,
    /// Every other file.
    pub files: BTreeMap<PackPath, Vec<u8>>,
}

/// How large a pack may be. A reader stops at these limits too, so that it never holds more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackLimits {
    /// The size of `kernels.json`, in bytes: 1 MiB.
    pub max_manifest_bytes: usize,
    /// The size of `kernels.json.sig`, in bytes: 64 KiB.
    pub max_signature_bytes: usize,
    /// The size of any other file, in bytes: 64 MiB.
    pub max_file_bytes: usize,
    /// The size of all other files together, in bytes: 256 MiB.
    pub max_total_bytes: usize,
    /// The number of other files: 4,096.
    pub max_files: usize,
}

impl Default for PackLimits {
    fn default() -> Self {
        Self {
            max_manifest_bytes: 1 << 20,
            max_signature_bytes: 64 << 10,
            max_file_bytes: 64 << 20,
            max_total_bytes: 256 << 20,
            max_files: 4096,
        }
    }
}

/// The bytes of a pack, bounded in size and number, under paths that are safe and distinct on every
/// file system. Nothing is known of their origin.
#[derive(Clone)]
pub struct PackBytes {
    manifest: Vec<u8>,
    signature: Option<Vec<u8>>,
    files: BTreeMap<PackPath, Arc<[u8]>>,
}

/// Why parts are not a pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackBytesError {
    /// One file is larger than its limit.
    #[error("a file of the pack has {found} bytes, more than {limit}: `{file}`")]
    FileTooLarge {
        /// The file's path.
        file: String,
        /// Its size in bytes.
        found: usize,
        /// The largest size allowed, in bytes.
        limit: usize,
    },
    /// The files together are larger than their limit.
    #[error("the pack's files together have more than {limit} bytes, counted up to: `{file}`")]
    PackTooLarge {
        /// The file with which the limit was passed.
        file: PackPath,
        /// The largest total allowed, in bytes.
        limit: usize,
    },
    /// There are more files than allowed.
    #[error("the pack has more than {limit} files: `{found}`")]
    TooManyFiles {
        /// The number of files.
        found: usize,
        /// The largest number allowed.
        limit: usize,
    },
    /// Two paths that some file systems cannot keep apart: equal but for the case of letters, or
    /// one the folder of the other.
    #[error("the pack has another file where this one stands: `{file}`")]
    Collision {
        /// The second of the two, in the order of their bytes.
        file: PackPath,
    },
    /// A file that has the name of the manifest or of its signature, perhaps in other letter case.
    #[error("the pack has a second file of a reserved name: `{file}`")]
    Reserved {
        /// The file's path.
        file: PackPath,
    },
}

impl PackBytesError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::FileTooLarge { .. } => "file_too_large",
            Self::PackTooLarge { .. } => "pack_too_large",
            Self::TooManyFiles { .. } => "too_many_files",
            Self::Collision { .. } => "path_collision",
            Self::Reserved { .. } => "reserved_path",
        }
    }
}

impl PackBytes {
    /// Takes the parts if they keep within the default limits.
    ///
    /// # Errors
    /// [`PackBytesError`] names the file and the limit.
    pub fn new(parts: PackParts) -> Result<Self, PackBytesError> {
        Self::with_limits(parts, &PackLimits::default())
    }

    /// Takes the parts if they keep within `limits`. Raising the limits of the manifest or of the
    /// signature has no effect: their formats have the default ones.
    ///
    /// # Errors
    /// [`PackBytesError`] names the file and the limit.
    pub fn with_limits(parts: PackParts, limits: &PackLimits) -> Result<Self, PackBytesError> {
        check_size(MANIFEST_FILE, &parts.manifest, limits.max_manifest_bytes)?;
        if let Some(signature) = &parts.signature {
            check_size(SIGNATURE_FILE, signature, limits.max_signature_bytes)?;
        }
        check_files(&parts.files, limits)?;
        check_paths(parts.files.keys())?;
        let files = parts
            .files
            .into_iter()
            .map(|(path, bytes)| (path, bytes.into()))
            .collect();
        Ok(Self {
            manifest: parts.manifest,
            signature: parts.signature,
            files,
        })
    }

    /// The bytes of `kernels.json`.
    #[must_use]
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The bytes of `kernels.json.sig`, if the pack has one.
    #[must_use]
    pub fn signature(&self) -> Option<&[u8]> {
        self.signature.as_deref()
    }

    /// Every other file, sorted by path.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&PackPath, &Arc<[u8]>)> {
        self.files.iter()
    }

    /// The bytes of the file at `path`.
    #[must_use]
    pub fn file(&self, path: &PackPath) -> Option<&Arc<[u8]>> {
        self.files.get(path)
    }
}

impl fmt::Debug for PackBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackBytes")
            .field("manifest_bytes", &self.manifest.len())
            .field("signature_bytes", &self.signature.as_ref().map(Vec::len))
            .field("files", &self.files.keys())
            .finish()
    }
}

fn check_size(file: &str, bytes: &[u8], limit: usize) -> Result<(), PackBytesError> {
    let found = bytes.len();
    if found > limit {
        return Err(PackBytesError::FileTooLarge {
            file: file.to_owned(),
            found,
            limit,
        });
    }
    Ok(())
}

fn check_files(
    files: &BTreeMap<PackPath, Vec<u8>>,
    limits: &PackLimits,
) -> Result<(), PackBytesError> {
    if files.len() > limits.max_files {
        let limit = limits.max_files;
        return Err(PackBytesError::TooManyFiles {
            found: files.len(),
            limit,
        });
    }
    let mut room = limits.max_total_bytes;
    for (path, bytes) in files {
        check_size(path.as_str(), bytes, limits.max_file_bytes)?;
        room = room
            .checked_sub(bytes.len())
            .ok_or_else(|| PackBytesError::PackTooLarge {
                file: path.clone(),
                limit: limits.max_total_bytes,
            })?;
    }
    Ok(())
}

fn check_paths<'a>(
    paths: impl Iterator<Item = &'a PackPath> + Clone,
) -> Result<(), PackBytesError> {
    let mut seen = BTreeSet::new();
    for path in paths.clone() {
        if path.is_reserved() {
            return Err(PackBytesError::Reserved { file: path.clone() });
        }
        if !seen.insert(path.folded()) {
            return Err(PackBytesError::Collision { file: path.clone() });
        }
    }
    for path in paths {
        let folded = path.folded();
        let mut folders = folded.match_indices('/').map(|(end, _)| &folded[..end]);
        if folders.any(|folder| seen.contains(folder)) {
            return Err(PackBytesError::Collision { file: path.clone() });
        }
    }
    Ok(())
}
