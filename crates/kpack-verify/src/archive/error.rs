use kpack_schema::{PackPath, PathError};

use crate::{PackBytesError, PackLimits};

/// Why bytes are not the archive of a pack. Offsets are in bytes from the archive's start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The archive is larger than that of any pack within the limits.
    #[error("the archive has more than {limit} bytes: `{found}`")]
    TooLarge {
        /// Its size in bytes.
        found: u64,
        /// The largest size allowed, in bytes.
        limit: u64,
    },
    /// It ends before what it announces, or without its two last blocks.
    #[error("the archive ends too early, at byte: `{offset}`")]
    Truncated {
        /// Where it ends.
        offset: u64,
    },
    /// It holds no file.
    #[error("the archive holds no kernels.json")]
    NoManifest,
    /// A header in which one field is not as it must be; the first one of what is no archive at
    /// all.
    #[error("the archive's header at byte {offset} is not that of a pack, in its field: `{field}`")]
    Header {
        /// Where the header stands.
        offset: u64,
        /// The field.
        field: &'static str,
    },
    /// A link, a device, a folder, or an extension of the format.
    #[error("the archive holds at byte {offset} what is not a regular file but a {}: `{}`", type_name(*found), found.escape_ascii())]
    EntryType {
        /// Where its header stands.
        offset: u64,
        /// The type in the header.
        found: u8,
    },
    /// A name that no manifest may declare.
    #[error("the archive holds a file under an unsafe name, at byte: `{offset}`")]
    UnsafePath {
        /// Where its header stands.
        offset: u64,
        /// What is wrong with its name.
        source: PathError,
    },
    /// A file that must stand before the one that it follows.
    #[error("the archive holds a file out of order: `{path}`")]
    Order {
        /// The file.
        path: PackPath,
    },
    /// A file for the second time.
    #[error("the archive holds a file twice: `{path}`")]
    Duplicate {
        /// The file.
        path: PackPath,
    },
    /// Something else than zeros between a file's end and the next block.
    #[error("the archive hides bytes behind a file: `{path}`")]
    Padding {
        /// The file.
        path: PackPath,
    },
    /// Something behind the end.
    #[error("the archive goes on behind its end, at byte: `{offset}`")]
    TrailingData {
        /// Where it goes on.
        offset: u64,
    },
    /// The files are not a pack: too large, too many, or under paths that collide.
    #[error(transparent)]
    Pack(#[from] PackBytesError),
}

/// Why a pack has no archive: the format has no place for one of its files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnarchivableError {
    /// A path of more than 100 bytes without a `/` that leaves at most 155 before it and 100 behind.
    #[error("an archive has no place for the path: `{path}`")]
    Path {
        /// The path.
        path: String,
    },
    /// A file of 8 GiB or more.
    #[error("a file has {found} bytes, more than an archive has a place for ({limit}): `{path}`")]
    Size {
        /// The file's path.
        path: String,
        /// Its size in bytes.
        found: u64,
        /// The largest size that can be written, in bytes.
        limit: u64,
    },
}

impl ArchiveError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "pack_too_large",
            Self::Truncated { .. } => "archive_truncated",
            Self::NoManifest => "missing_file",
            Self::Header { .. } => "archive_header",
            Self::EntryType { .. } => "archive_entry_type",
            Self::UnsafePath { .. } => "unsafe_path",
            Self::Order { .. } => "archive_order",
            Self::Duplicate { .. } => "archive_duplicate",
            Self::Padding { .. } => "archive_padding",
            Self::TrailingData { .. } => "archive_trailing_data",
            Self::Pack(error) => error.kind(),
        }
    }

    pub(super) fn truncated(offset: usize) -> Self {
        Self::Truncated {
            offset: saturated(offset),
        }
    }

    pub(super) fn trailing_data(offset: usize) -> Self {
        Self::TrailingData {
            offset: saturated(offset),
        }
    }

    pub(super) fn file_too_large(path: &PackPath, found: u64, limit: usize) -> Self {
        Self::Pack(PackBytesError::FileTooLarge {
            file: path.to_string(),
            found: usize::try_from(found).unwrap_or(usize::MAX),
            limit,
        })
    }

    pub(super) fn pack_too_large(path: &PackPath, limits: &PackLimits) -> Self {
        Self::Pack(PackBytesError::PackTooLarge {
            file: path.clone(),
            limit: limits.max_total_bytes,
        })
    }

    pub(super) fn too_many_files(limits: &PackLimits) -> Self {
        Self::Pack(PackBytesError::TooManyFiles {
            found: limits.max_files.saturating_add(1),
            limit: limits.max_files,
        })
    }
}

impl UnarchivableError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Path { .. } => "unarchivable_path",
            Self::Size { .. } => "file_too_large",
        }
    }
}

fn saturated(offset: usize) -> u64 {
    u64::try_from(offset).unwrap_or(u64::MAX)
}

const fn type_name(found: u8) -> &'static str {
    match found {
        b'1' => "hard link",
        b'2' => "symbolic link",
        b'3' | b'4' => "device",
        b'5' => "folder",
        b'6' => "pipe",
        b'g' | b'x' => "pax header",
        b'D' | b'K' | b'L' | b'M' | b'N' | b'S' | b'V' => "GNU extension",
        _ => "type unknown here",
    }
}
