use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kpack_verify::{PackLimits, ProvenTrust, TrustError, TrustFile, TrustProofError};

use crate::pack_dir::{Folder, OpenError, Opened};
use crate::state_dir::{StateDir, StateError};

/// A trust file and the signatures beside it, read and not yet proven.
///
/// ```
/// use kpack::{StateDir, TrustOnDisk};
/// # use kpack_verify::{SigningKey, TrustDraft, TrustEntry};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("trust.json");
/// # let mut draft = TrustDraft::new();
/// # draft.add_key(TrustEntry::new(SigningKey::generate()?.public_key()));
/// # std::fs::write(&path, draft.finish()?.text())?;
///
/// let state = StateDir::init(folder.path().join("state"))?;
/// let proven = TrustOnDisk::read(&path)?.prove(Some(&state))?;
/// assert_eq!(proven.origin().name(), "local");
/// let trust = proven.into_trust();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TrustOnDisk {
    file: TrustFile,
    signatures: Option<Vec<u8>>,
}

/// Why a trust file cannot be used. The host's fault, never a pack's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustLoadError {
    /// The trust file or its signatures could not be read.
    #[error("the trust file cannot be read: `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is no text.
    #[error("the trust file is not UTF-8: `{}`", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// It is no trust file.
    #[error(transparent)]
    File(#[from] TrustError),
    /// It is not signed by those who may decide.
    #[error(transparent)]
    Proof(#[from] TrustProofError),
    /// The host's state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The largest trust file that is read, one byte above what `TrustFile` takes, so that it can say so.
const MAX_TRUST_BYTES: u64 = (1 << 20) + 1;

impl TrustLoadError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "not_found",
            Self::Io { .. } => "unreadable",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::File(error) => error.kind(),
            Self::Proof(error) => error.kind(),
            Self::State(error) => error.kind(),
        }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

impl TrustOnDisk {
    /// Reads a `trust.json`, and the `trust.json.sig` beside it if there is one.
    ///
    /// Whoever replaces the two does so one after the other, and what is read in between does not fit:
    /// [`prove`](Self::prove) refuses it, as it does whatever the signatures were not made for. A caller
    /// that cannot be refused so reads again.
    ///
    /// # Errors
    ///
    /// When the files cannot be read or are not regular files, or the first is no trust file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TrustLoadError> {
        let path = path.as_ref();
        let bytes = bounded(path, MAX_TRUST_BYTES).map_err(TrustLoadError::io(path))?;
        let text = String::from_utf8(bytes).map_err(|_| TrustLoadError::NotUtf8 {
            path: path.to_owned(),
        })?;
        let file = TrustFile::from_json(&text)?;
        let beside = Self::signature_path(path);
        let max = u64::try_from(PackLimits::default().max_signature_bytes).unwrap_or(u64::MAX);
        let signatures = match bounded(&beside, max.saturating_add(1)) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(TrustLoadError::io(&beside)(error)),
        };
        Ok(Self { file, signatures })
    }

    /// Where the signatures of a trust file lie.
    #[must_use]
    pub fn signature_path(path: &Path) -> PathBuf {
        let mut beside = OsString::from(path);
        beside.push(".sig");
        beside.into()
    }

    /// The trust file, which decides nothing before it is proven.
    #[must_use]
    pub const fn file(&self) -> &TrustFile {
        &self.file
    }

    /// The bytes beside it.
    #[must_use]
    pub fn signatures(&self) -> Option<&[u8]> {
        self.signatures.as_deref()
    }

    /// Proves by whose word the trust file decides. With a state, the roots that are pinned there must
    /// have signed it, and it is pinned in turn; the first file that names root keys is trusted at its
    /// first use.
    ///
    /// # Errors
    ///
    /// When the signatures do not reach a threshold, the file is older than the pinned one, or the
    /// state cannot be used.
    pub fn prove(&self, state: Option<&StateDir>) -> Result<ProvenTrust, TrustLoadError> {
        let Some(state) = state else {
            return Ok(self.file.clone().prove(self.signatures(), None)?);
        };
        state.update(|state| Ok(state.prove(self.file.clone(), self.signatures())?))
    }
}

/// Up to `max` bytes of a regular file, to which links may lead. To open a pipe would be to wait for
/// its other end.
fn bounded(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let file = match Folder::open_path(path) {
        Ok(Opened::File { file, .. }) => file,
        Ok(Opened::Folder(_)) => return Err(io::ErrorKind::IsADirectory.into()),
        Err(OpenError::Io(error)) => return Err(error),
        Err(OpenError::Symlink | OpenError::Special) => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
    };
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}
