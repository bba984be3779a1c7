use std::io;
use std::path::{Path, PathBuf};

use kpack_exec::Blame;
use kpack_schema::PathError;
use kpack_verify::{ArchiveError, MANIFEST_FILE, PackBytesError};

use super::{OpenError, Place};

/// Why the bytes of a pack were not read from its folder or archive.
///
/// Where it is the pack that is refused, [`blame`](ReadPackError::blame) says so. Paths of files are
/// relative to the pack's root.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadPackError {
    /// There is nothing at the pack's path.
    #[error("there is no pack at: `{}`", path.display())]
    NoPack {
        /// The path of the pack.
        path: PathBuf,
    },
    /// The pack's path does not lead to a folder.
    #[error("the pack is not a folder: `{}`", path.display())]
    NotAFolder {
        /// The path of the pack.
        path: PathBuf,
    },
    /// The pack's path leads to a device, a pipe or a socket.
    #[error("the pack is neither a folder nor an archive: `{}`", path.display())]
    NotAPack {
        /// The path of the pack.
        path: PathBuf,
    },
    /// The pack's folder or archive cannot be opened.
    #[error("the pack cannot be opened: `{}`", path.display())]
    Root {
        /// The path of the pack.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The pack has no such file.
    #[error("the pack has no file: `{path}`")]
    NotFound {
        /// The file.
        path: String,
    },
    /// A file or folder cannot be read.
    #[error("reading failed in the pack at: `{path}`")]
    Unreadable {
        /// The file or folder; `.` for the pack's own.
        path: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// A symbolic link, which is never followed.
    #[error("the pack holds a symbolic link: `{path}`")]
    Symlink {
        /// The link.
        path: String,
    },
    /// A folder, device, pipe or socket where a regular file must stand.
    #[error("the pack holds what is not a regular file: `{path}`")]
    NotARegularFile {
        /// What is not one.
        path: String,
    },
    /// A name that no manifest may declare, hidden files among them.
    #[error("the pack holds a file under an unsafe name: `{path}`")]
    UnsafePath {
        /// The file or folder, escaped for display.
        path: String,
        /// What is wrong with its name.
        source: PathError,
    },
    /// Folders within folders, beyond [`MAX_FOLDER_DEPTH`](crate::MAX_FOLDER_DEPTH).
    #[error("the pack's folders are nested deeper than {limit}: `{path}`")]
    TooDeep {
        /// The first folder that is too deep.
        path: String,
        /// The deepest allowed.
        limit: usize,
    },
    /// A file that grew or shrank while it was read.
    #[error("a file of the pack changed while it was read: `{path}`")]
    Changed {
        /// The file.
        path: String,
    },
    /// Too much, or paths that collide on some file systems.
    #[error(transparent)]
    Limits(#[from] PackBytesError),
    /// The file at the pack's path is not the archive of a pack.
    #[error(transparent)]
    Archive(ArchiveError),
}

impl ReadPackError {
    /// Who has to act: the host where something is missing or unreadable, otherwise the pack.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::NoPack { .. }
            | Self::NotAFolder { .. }
            | Self::NotAPack { .. }
            | Self::Root { .. }
            | Self::NotFound { .. }
            | Self::Unreadable { .. } => Blame::Host,
            _ => Blame::Pack,
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoPack { .. } => "not_found",
            Self::NotAFolder { .. } => "not_a_folder",
            Self::NotAPack { .. } => "not_a_pack",
            Self::Root { .. } | Self::Unreadable { .. } => "unreadable",
            Self::NotFound { .. } => "missing_file",
            Self::Symlink { .. } => "symlink",
            Self::NotARegularFile { .. } => "not_a_regular_file",
            Self::UnsafePath { .. } => "unsafe_path",
            Self::TooDeep { .. } => "too_deep",
            Self::Changed { .. } => "file_changed",
            Self::Limits(error) => error.kind(),
            Self::Archive(error) => error.kind(),
        }
    }

    pub(crate) fn of_root(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NoPack { path },
            io::ErrorKind::NotADirectory => Self::NotAFolder { path },
            _ => Self::Root { path, source },
        }
    }

    pub(super) fn of_entry(place: &Place, error: OpenError) -> Self {
        match error {
            OpenError::Symlink => Self::Symlink {
                path: place.0.clone(),
            },
            OpenError::Special => Self::not_a_file(place),
            OpenError::Io(source) if source.kind() == io::ErrorKind::NotFound => {
                Self::not_found(place)
            }
            OpenError::Io(source) => Self::unreadable(place, source),
        }
    }

    pub(super) fn not_found(place: &Place) -> Self {
        Self::NotFound {
            path: place.0.clone(),
        }
    }

    pub(super) fn not_a_file(place: &Place) -> Self {
        Self::NotARegularFile {
            path: place.0.clone(),
        }
    }

    pub(super) fn unreadable(place: &Place, source: io::Error) -> Self {
        let path = match place.0.as_str() {
            "" => ".",
            path => path,
        };
        Self::Unreadable {
            path: path.to_owned(),
            source,
        }
    }
}

/// What a folder can have wrong too is the same error.
impl From<ArchiveError> for ReadPackError {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::NoManifest => Self::NotFound {
                path: MANIFEST_FILE.to_owned(),
            },
            ArchiveError::Pack(limits) => Self::Limits(limits),
            other => Self::Archive(other),
        }
    }
}
