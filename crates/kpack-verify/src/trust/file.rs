use std::collections::{BTreeMap, BTreeSet};

use kpack_schema::{Digest, KernelId, PackName, PublicKey, Timestamp, json};
use serde::Deserialize;

use super::{AllowList, Glob, Trust, TrustedKey};
use crate::KeyId;
use crate::ed25519::{VerifyingKey, WeakKeyError};
use crate::text::Text;

/// The largest trust file, in bytes, that is read.
const MAX_TRUST_BYTES: usize = 1 << 20;

const MAX_TRUST_DEPTH: usize = 8;

const VERSION: u64 = 1;

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
    #[error("the trust file lists an unsafe key at: `/keys/{index}/key`")]
    WeakKey {
        /// Which entry of `keys`, counted from 0.
        index: usize,
        /// What is wrong with the key.
        source: WeakKeyError,
    },
    /// One key in two entries, in whichever spelling: it would seem to count twice.
    #[error("the trust file lists a key for the second time at: `/keys/{index}/key`")]
    RepeatedKey {
        /// The second entry of `keys`, counted from 0.
        index: usize,
        /// The key that stands twice.
        key_id: KeyId,
    },
    /// A key whose `not_after` is not later than its `not_before`.
    #[error("the trust file lists a key that is never valid at: `/keys/{index}`")]
    NeverValid {
        /// Which entry of `keys`, counted from 0.
        index: usize,
    },
    /// A threshold of 0, or one that the listed keys cannot reach.
    #[error("{}: `{found}`", allowed_threshold(*keys))]
    Threshold {
        /// The threshold that was found.
        found: u64,
        /// The number of keys.
        keys: usize,
    },
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
        }
    }

    /// Where in the file the problem stands, as a JSON pointer; empty for the whole file.
    #[must_use]
    pub fn pointer(&self) -> String {
        match self {
            Self::Malformed(error) => error.pointer().to_owned(),
            Self::Version { .. } => "/kpack_trust".to_owned(),
            Self::WeakKey { index, .. } | Self::RepeatedKey { index, .. } => {
                format!("/keys/{index}/key")
            }
            Self::NeverValid { index } => format!("/keys/{index}"),
            Self::Threshold { .. } => "/threshold".to_owned(),
        }
    }
}

impl Trust {
    /// Reads a `trust.json`.
    ///
    /// # Errors
    /// [`TrustError`] names the first thing that is wrong. A file that is even partly not understood
    /// is refused whole: half of an operator's decision is not a decision.
    pub fn from_json(text: &str) -> Result<Self, TrustError> {
        let limits = json::Limits {
            max_bytes: MAX_TRUST_BYTES,
            max_depth: MAX_TRUST_DEPTH,
        };
        let wire: WireTrust = json::from_str(text, limits).map_err(TrustError::Malformed)?;
        if wire.kpack_trust != VERSION {
            return Err(TrustError::Version {
                found: wire.kpack_trust,
            });
        }
        let keys = trusted_keys(wire.keys)?;
        let threshold = match usize::try_from(wire.threshold) {
            Ok(threshold) if (1..=keys.len()).contains(&threshold) => threshold,
            _ => {
                return Err(TrustError::Threshold {
                    found: wire.threshold,
                    keys: keys.len(),
                });
            }
        };
        Ok(Self {
            keys,
            threshold,
            revoked_keys: unwrap_all(wire.revoked_keys),
            revoked_manifests: unwrap_all(wire.revoked_manifests),
            allow: allow_list(wire.allow),
        })
    }
}

fn allowed_threshold(keys: usize) -> String {
    match keys {
        0 => "the trust file lists no key, so that no pack could reach its threshold".to_owned(),
        keys => format!("the trust file's threshold must be at least 1 and at most {keys}"),
    }
}

fn trusted_keys(wire: Vec<WireKey>) -> Result<Vec<TrustedKey>, TrustError> {
    let mut seen = BTreeSet::new();
    let mut keys = Vec::with_capacity(wire.len());
    for (index, wire) in wire.into_iter().enumerate() {
        let trusted = wire.into_trusted(index)?;
        let key_id = trusted.key.id();
        if !seen.insert(key_id) {
            return Err(TrustError::RepeatedKey { index, key_id });
        }
        keys.push(trusted);
    }
    Ok(keys)
}

fn unwrap_all<T: Ord>(texts: Vec<Text<T>>) -> BTreeSet<T> {
    texts.into_iter().map(|Text(value)| value).collect()
}

fn allow_list(wire: WireAllow) -> AllowList {
    let kernels = |kernels: BTreeMap<Text<KernelId>, Vec<Text<Digest>>>| {
        kernels
            .into_iter()
            .map(|(Text(id), digests)| (id, unwrap_all(digests)))
            .collect()
    };
    AllowList::new(
        wire.into_iter()
            .map(|(Text(pack), of)| (pack, kernels(of)))
            .collect(),
    )
}

type WireAllow = BTreeMap<Text<PackName>, BTreeMap<Text<KernelId>, Vec<Text<Digest>>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTrust {
    kpack_trust: u64,
    keys: Vec<WireKey>,
    #[serde(default = "one")]
    threshold: u64,
    #[serde(default)]
    revoked_keys: Vec<Text<KeyId>>,
    #[serde(default)]
    revoked_manifests: Vec<Text<Digest>>,
    #[serde(default)]
    allow: WireAllow,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireKey {
    key: Text<PublicKey>,
    #[serde(default = "every_pack")]
    packs: Vec<String>,
    #[serde(default)]
    not_before: Option<Text<Timestamp>>,
    #[serde(default)]
    not_after: Option<Text<Timestamp>>,
    /// For the operator's own eyes.
    #[serde(default, rename = "comment")]
    _comment: String,
}

impl WireKey {
    fn into_trusted(self, index: usize) -> Result<TrustedKey, TrustError> {
        let key = VerifyingKey::try_from(self.key.0)
            .map_err(|source| TrustError::WeakKey { index, source })?;
        let not_before = self.not_before.map(|Text(time)| time);
        let not_after = self.not_after.map(|Text(time)| time);
        if let (Some(not_before), Some(not_after)) = (not_before, not_after)
            && not_after <= not_before
        {
            return Err(TrustError::NeverValid { index });
        }
        let packs = self.packs.into_iter().map(Glob::new).collect();
        Ok(TrustedKey {
            key,
            packs,
            not_before,
            not_after,
        })
    }
}

const fn one() -> u64 {
    1
}

fn every_pack() -> Vec<String> {
    vec!["*".to_owned()]
}
