use std::collections::BTreeMap;
use std::sync::Arc;

use kpack_schema::{CheckedManifest, Digest, KernelId, PackPath};

use crate::{PackBytes, sha256};

/// Why a pack's files are not the ones that its manifest declares.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// A declared file is not there.
    #[error("a file of kernel {kernel} is missing: `{path}`")]
    Missing {
        /// The file.
        path: PackPath,
        /// The first kernel that declares it.
        kernel: KernelId,
    },
    /// A file is not the one that was declared.
    #[error("digest of {path} does not match for kernel: `{kernel}`")]
    DigestMismatch {
        /// The file.
        path: PackPath,
        /// The first kernel that declares it with another digest.
        kernel: KernelId,
        /// The digest in the manifest.
        declared: Digest,
        /// The digest of the file's bytes.
        found: Digest,
    },
    /// A file that the manifest does not name.
    #[error("the manifest does not declare the file: `{path}`")]
    Undeclared {
        /// The file.
        path: PackPath,
    },
}

impl FilesError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing_file",
            Self::DigestMismatch { .. } => "digest_mismatch",
            Self::Undeclared { .. } => "undeclared_file",
        }
    }

    /// The file that is not there, if that is what went wrong.
    #[must_use]
    pub const fn missing_file(&self) -> Option<&PackPath> {
        match self {
            Self::Missing { path, .. } => Some(path),
            _ => None,
        }
    }
}

/// Exactly the files that a manifest declares, each with the digest that it declares. Only
/// [`match_files`] makes one.
pub(crate) struct MatchedFiles(BTreeMap<PackPath, MatchedFile>);

/// The bytes that were hashed, and their digest.
#[derive(Clone)]
pub(crate) struct MatchedFile {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) digest: Digest,
}

impl MatchedFiles {
    /// The file that some kernel of the matched manifest declares at `path`.
    pub(crate) fn declared(&self, path: &PackPath) -> &MatchedFile {
        self.0.get(path).expect("every declared file was matched")
    }
}

/// Compares a pack's files with what its manifest declares: all there, all equal, none beside them.
/// Each file is hashed once.
pub(crate) fn match_files(
    manifest: &CheckedManifest,
    pack: &PackBytes,
) -> Result<MatchedFiles, FilesError> {
    let mut matched = BTreeMap::new();
    for declared in declarations(manifest) {
        let Some(bytes) = pack.file(declared.path) else {
            return Err(declared.missing());
        };
        let file = matched
            .entry(declared.path.clone())
            .or_insert_with(|| MatchedFile {
                bytes: Arc::clone(bytes),
                digest: sha256(bytes),
            });
        if file.digest != declared.digest {
            return Err(declared.mismatch(file.digest));
        }
    }
    match pack.files().find(|(path, _)| !matched.contains_key(*path)) {
        Some((path, _)) => Err(FilesError::Undeclared { path: path.clone() }),
        None => Ok(MatchedFiles(matched)),
    }
}

/// One place of the manifest that names a file.
struct Declaration<'a> {
    kernel: &'a KernelId,
    path: &'a PackPath,
    digest: Digest,
}

impl Declaration<'_> {
    fn missing(&self) -> FilesError {
        FilesError::Missing {
            path: self.path.clone(),
            kernel: self.kernel.clone(),
        }
    }

    fn mismatch(&self, found: Digest) -> FilesError {
        FilesError::DigestMismatch {
            path: self.path.clone(),
            kernel: self.kernel.clone(),
            declared: self.digest,
            found,
        }
    }
}

/// Read from the kernels rather than from the manifest's own summary, so that two kernels which
/// declare one path with two digests can never both be served.
fn declarations(manifest: &CheckedManifest) -> impl Iterator<Item = Declaration<'_>> {
    manifest.kernels().iter().flat_map(|kernel| {
        kernel.files().map(|file| Declaration {
            kernel: kernel.id(),
            path: file.path,
            digest: file.digest,
        })
    })
}
