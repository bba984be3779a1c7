//! Failures about trust files, the state, and floors.

use std::path::Path;

use kpack::{FloorError, StateError, TrustError, TrustLoadError, TrustProofError};

use super::fields::Fields;
use super::{Exit, Failure, advice};

/// Where the threshold of root keys stands; the other one is of keys that sign packs.
const ROOT_THRESHOLD: &str = "/roots/threshold";

impl From<TrustLoadError> for Failure {
    fn from(error: TrustLoadError) -> Self {
        match error {
            TrustLoadError::Io { path, source } => Self::file("read", &path, &source),
            TrustLoadError::NotUtf8 { path } => Self::not_utf8(&path),
            TrustLoadError::File(error) => error.into(),
            TrustLoadError::Proof(error) => error.into(),
            TrustLoadError::State(error) => error.into(),
            other => Self::of(other.kind(), Exit::Failed, &other),
        }
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        let failure = match &error {
            TrustError::Threshold {
                pointer: ROOT_THRESHOLD,
                found,
                max,
            } => Self::new(error.kind(), Exit::Failed, root_threshold(*found, *max))
                .help("give --root-threshold, and --root for each root key"),
            _ => {
                Self::of(error.kind(), Exit::Failed, &error).advised(advice::of_kind(error.kind()))
            }
        };
        failure.detail("pointer", error.pointer())
    }
}

impl From<TrustProofError> for Failure {
    fn from(error: TrustProofError) -> Self {
        let fields: Fields = match &error {
            TrustProofError::Threshold { found, needed, .. } => {
                vec![("found", (*found).into()), ("needed", (*needed).into())]
            }
            TrustProofError::Rollback { found, pinned } => {
                vec![("found", (*found).into()), ("limit", (*pinned).into())]
            }
            TrustProofError::Reused { version } => vec![("found", (*version).into())],
            _ => Vec::new(),
        };
        Self::of(error.kind(), Exit::Failed, &error)
            .advised(advice::of_kind(error.kind()))
            .fields(fields)
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::of_state(&error)
    }
}

impl Failure {
    pub(super) fn of_state(error: &StateError) -> Self {
        Self::of(error.kind(), Exit::Failed, error)
            .advised(advice::of_kind(error.kind()))
            .detail("file", error.path().display().to_string())
    }

    pub(super) fn of_floor(error: &FloorError) -> Self {
        let fields: Fields = match error {
            FloorError::Rollback { found, floor, .. } => {
                vec![("found", (*found).into()), ("limit", (*floor).into())]
            }
            FloorError::Reused {
                accepted, found, ..
            } => vec![
                ("found", found.to_string().into()),
                ("expected", accepted.to_string().into()),
            ],
            _ => Vec::new(),
        };
        let signers: Vec<String> = error.signers().iter().map(ToString::to_string).collect();
        Self::of(error.kind(), Exit::Refused, error)
            .reason(format!("the floor was set by {}", signers.join(", ")))
            .help(advice::of_floor(error))
            .detail("pack", error.pack().as_str())
            .detail("signers", signers)
            .fields(fields)
    }

    /// Something other than a folder that was named as a state.
    pub(crate) fn state_is_no_folder(path: &Path) -> Self {
        let what = format!("the state must be a folder: `{}`", path.display());
        Self::new("not_a_folder", Exit::Failed, what)
            .help("kpack trust init --state DIR makes one")
            .detail("file", path.display().to_string())
    }

    /// A file that was named as a public key.
    pub(crate) fn not_a_public_key(path: &Path) -> Self {
        let what = format!("the file holds no public key: `{}`", path.display());
        Self::new("malformed_key", Exit::Failed, what)
            .help("kpack keygen writes it to KEY.pub: ed25519: and 64 hex characters")
            .detail("file", path.display().to_string())
    }

    /// A trust file that nobody is to sign.
    pub(crate) fn nothing_to_sign(path: &Path) -> Self {
        let what = format!("the trust file names no root keys: `{}`", path.display());
        Self::new("trust_without_roots", Exit::Failed, what)
            .help(
                "kpack trust rotate --root KEY names them; without, it is the operator's own file",
            )
            .detail("file", path.display().to_string())
    }
}

fn root_threshold(found: u64, max: usize) -> String {
    match max {
        0 => {
            format!("there is no root key, so that none could reach the root threshold: `{found}`")
        }
        max => format!("the root threshold must be at least 1 and at most {max}: `{found}`"),
    }
}
