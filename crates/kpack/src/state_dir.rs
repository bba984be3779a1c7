use std::io;
use std::path::{Path, PathBuf};

use kpack_verify::{HostState, HostStateError, MAX_STATE_BYTES};

use crate::private::{self, Unread};

/// The folder in which a host remembers what it has accepted: the floors under pack names, and the
/// root keys that it has pinned.
///
/// An operator [makes](StateDir::init) it once. From then on it must be there, whole, and its owner's
/// alone: a state that was lost is never begun anew without a word, as the next older pack would be
/// taken then. It is written to a temporary file, forced to disk and renamed, under a lock that keeps
/// other writers waiting, so that a crash leaves the old state or the new one, and that what one
/// writer accepted is held against what the next one brings.
///
/// ```
/// use kpack::StateDir;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("state");
/// assert_eq!(StateDir::open(&path).unwrap_err().kind(), "state_missing");
/// let state = StateDir::init(&path)?;
/// assert_eq!(state.read()?.floors().iter().count(), 0);
/// assert_eq!(StateDir::open(&path)?, state);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    folder: PathBuf,
}

/// Why a host's state cannot be used. The host's fault, never a pack's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// There is no state in the folder, or no folder.
    #[error("the state folder holds no state: `{}`", path.display())]
    Missing {
        /// The file that must be there.
        path: PathBuf,
    },
    /// The state is not what was written.
    #[error("the state is damaged: `{}`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: HostStateError,
    },
    /// The file is larger than any state.
    #[error("the state has more than {MAX_STATE_BYTES} bytes: `{}`", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Others than the process's user own the folder or the state, or may write there; or a link
    /// stands in its place.
    #[error("the state folder must be its owner's alone: `{}`", path.display())]
    NotPrivate {
        /// The file or folder.
        path: PathBuf,
    },
    /// A state is there already.
    #[error("the state folder holds a state already: `{}`", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The folder or the state could not be made, read, locked or written.
    #[error("the state folder cannot be used: `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

const STATE_FILE: &str = "state";

/// A state is text; what is no UTF-8 is no longer what was written.
const NOT_TEXT: HostStateError = HostStateError::Digest;

impl StateError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "state_missing",
            Self::Damaged { .. } => "state_damaged",
            Self::TooLarge { .. } => "state_too_large",
            Self::NotPrivate { .. } => "state_not_private",
            Self::Exists { .. } => "state_exists",
            Self::Io { .. } => "state_io",
        }
    }

    /// The file or folder that cannot be used.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Missing { path }
            | Self::Damaged { path, .. }
            | Self::TooLarge { path }
            | Self::NotPrivate { path }
            | Self::Exists { path }
            | Self::Io { path, .. } => path,
        }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

impl StateDir {
    /// [`init_with`](Self::init_with) a state that remembers nothing: the first trust file that names
    /// root keys is trusted at its first use.
    ///
    /// # Errors
    ///
    /// As for `init_with`.
    pub fn init(folder: impl Into<PathBuf>) -> Result<Self, StateError> {
        Self::init_with(folder, &HostState::default())
    }

    /// Makes the folder where it is not there, and the first state in it.
    ///
    /// # Errors
    ///
    /// [`StateError::Exists`] where there is a state, even a damaged one, and when the folder or the
    /// state cannot be made or is not the process's user's alone.
    pub fn init_with(folder: impl Into<PathBuf>, first: &HostState) -> Result<Self, StateError> {
        let state = Self {
            folder: folder.into(),
        };
        private::make_folder(&state.folder).map_err(StateError::io(&state.folder))?;
        state.expect_private()?;
        let path = state.path();
        match private::write_new(&state.folder, &path, first.to_text().as_bytes()) {
            Ok(()) => Ok(state),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(StateError::Exists { path })
            }
            Err(error) => Err(StateError::io(&path)(error)),
        }
    }

    /// Opens a folder that [`init`](Self::init) made, and reads its state once, to see that it is
    /// there and whole.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StateError> {
        let state = Self {
            folder: folder.into(),
        };
        state.read()?;
        Ok(state)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the host remembers now.
    ///
    /// # Errors
    ///
    /// When the state is missing, damaged, not the process's user's alone, or cannot be read.
    pub fn read(&self) -> Result<HostState, StateError> {
        let path = self.path();
        self.expect_private()?;
        let max = u64::try_from(MAX_STATE_BYTES).unwrap_or(u64::MAX);
        let bytes = match private::read(&path, max) {
            Ok(bytes) => bytes,
            Err(Unread::Absent) => return Err(StateError::Missing { path }),
            Err(Unread::NotPrivate) => return Err(StateError::NotPrivate { path }),
            Err(Unread::TooLarge) => return Err(StateError::TooLarge { path }),
            Err(Unread::Io(error)) => return Err(StateError::io(&path)(error)),
        };
        let text = String::from_utf8(bytes).map_err(|_| NOT_TEXT);
        text.and_then(|text| HostState::from_text(&text))
            .map_err(|source| StateError::Damaged { path, source })
    }

    /// Changes what the host remembers, durably. Nothing is written where nothing changes, so that a
    /// folder that takes no writes at the moment is only felt by what is new.
    ///
    /// The change may be asked for twice, and has to come from the state that it is given: it is
    /// tried without a lock first, and made under one.
    pub(crate) fn update<T, E: From<StateError>>(
        &self,
        mut change: impl FnMut(&mut HostState) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.read()?;
        let before = state.clone();
        let result = change(&mut state)?;
        if state == before {
            return Ok(result);
        }
        let _lock = private::lock(&self.folder).map_err(StateError::io(&self.folder))?;
        let mut state = self.read()?;
        let before = state.clone();
        let result = change(&mut state)?;
        if state != before {
            self.write(&state)?;
        }
        Ok(result)
    }

    fn write(&self, state: &HostState) -> Result<(), StateError> {
        let (path, text) = (self.path(), state.to_text());
        if text.len() > MAX_STATE_BYTES {
            return Err(StateError::TooLarge { path });
        }
        private::write(&self.folder, &path, text.as_bytes()).map_err(StateError::io(&path))
    }

    fn path(&self) -> PathBuf {
        self.folder.join(STATE_FILE)
    }

    fn expect_private(&self) -> Result<(), StateError> {
        match private::is_private(&self.folder) {
            Ok(true) => Ok(()),
            Ok(false) => Err(StateError::NotPrivate {
                path: self.folder.clone(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StateError::Missing { path: self.path() })
            }
            Err(error) => Err(StateError::io(&self.folder)(error)),
        }
    }
}
