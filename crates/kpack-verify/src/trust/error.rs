use kpack_schema::json;

use crate::KeyId;
use crate::ed25519::WeakKeyError;

/// Why a text is not a trust file. [`pointer`](TrustError::pointer) says where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Not JSON, JSON of another shape, an unknown field, larger than 1 MiB, or a key, time, name or
    /// digest that is not one.
    #[error("the trust file is malformed")]
    Malformed(#[source] json::JsonError),
    /// `kpack_trust` is not 1.
    #[error("the trust file's version must be 1: `{found}`")]
    Version {
        /// The version that was found.
        found: u64,
    },
    /// A key that must never be trusted.
    #[error("the trust file lists an unsafe key at: `{pointer}`")]
    WeakKey {
        /// Where the key stands.
        pointer: String,
        /// What is wrong with the key.
        source: WeakKeyError,
    },
    /// One key in two entries of a list, in whichever spelling: it would seem to count twice.
    #[error("the trust file lists a key for the second time at: `{pointer}`")]
    RepeatedKey {
        /// Where the key stands for the second time.
        pointer: String,
        /// The key that stands twice.
        key_id: KeyId,
    },
    /// A key whose `not_after` is not later than its `not_before`.
    #[error("the trust file lists a key that is never valid at: `{pointer}`")]
    NeverValid {
        /// The key's entry.
        pointer: String,
    },
    /// A threshold of 0, or one that the listed keys cannot reach.
    #[error("{}: `{found}`", allowed_threshold(*max))]
    Threshold {
        /// Where the threshold stands, or would stand.
        pointer: &'static str,
        /// The threshold that was found.
        found: u64,
        /// The highest that is allowed, from the number of the keys; 0 where there is none.
        max: usize,
    },
    /// Root keys without a `version` of at least 1: nothing would tell an older file from a newer.
    #[error("a trust file that names root keys has a version of at least 1: `0`")]
    Unversioned,
    /// A `version` after which there can be none.
    #[error("there is no version after that of the trust file: `{}`", u64::MAX)]
    LastVersion,
    /// A file that names root keys, where nothing verifies their signatures.
    #[error("the trust file names root keys, so that it counts only with their signatures")]
    Unproven,
}

impl TrustError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_trust",
            Self::Version { .. } => "trust_version",
            Self::WeakKey { .. } => "weak_key",
            Self::RepeatedKey { .. } => "repeated_key",
            Self::NeverValid { .. } => "key_never_valid",
            Self::Threshold { .. } => "threshold_out_of_range",
            Self::Unversioned => "trust_unversioned",
            Self::LastVersion => "trust_last_version",
            Self::Unproven => "trust_unproven",
        }
    }

    /// Where in the file the problem stands, as a JSON pointer; empty for the whole file.
    #[must_use]
    pub fn pointer(&self) -> &str {
        match self {
            Self::Malformed(error) => error.pointer(),
            Self::Version { .. } => "/kpack_trust",
            Self::WeakKey { pointer, .. }
            | Self::RepeatedKey { pointer, .. }
            | Self::NeverValid { pointer } => pointer,
            Self::Threshold { pointer, .. } => pointer,
            Self::Unversioned | Self::LastVersion => "/version",
            Self::Unproven => "/roots",
        }
    }
}

fn allowed_threshold(max: usize) -> String {
    match max {
        0 => "the trust file lists no key, so that no pack could reach its threshold".to_owned(),
        max => format!("the trust file's threshold must be at least 1 and at most {max}"),
    }
}
