//! `trust.json` as it is written.

use std::collections::BTreeMap;

use kpack_schema::{Digest, KernelId, PackName, PublicKey, Timestamp, json};
use serde::{Deserialize, Serialize};

use super::TrustError;
use crate::KeyId;
use crate::text::Text;

/// The largest trust file, in bytes, that is read.
const MAX_TRUST_BYTES: usize = 1 << 20;

const MAX_TRUST_DEPTH: usize = 8;

const VERSION: u64 = 1;

pub(super) type WireAllow = BTreeMap<Text<PackName>, BTreeMap<Text<KernelId>, Vec<Text<Digest>>>>;

/// Every field of the format, so that what is read and written again has lost nothing. The fields
/// that came later are left out at their default: a file without them stays one.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireTrust {
    kpack_trust: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<Text<Timestamp>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) roots: Option<WireRoots>,
    pub(super) keys: Vec<WireKey>,
    #[serde(default = "one")]
    pub(super) threshold: u64,
    #[serde(default)]
    pub(super) revoked_keys: Vec<Text<KeyId>>,
    #[serde(default)]
    pub(super) revoked_manifests: Vec<Text<Digest>>,
    #[serde(default)]
    pub(super) allow: WireAllow,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireKey {
    pub(super) key: Text<PublicKey>,
    #[serde(default = "every_pack")]
    pub(super) packs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) not_before: Option<Text<Timestamp>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) not_after: Option<Text<Timestamp>>,
    /// For the operator's own eyes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) comment: String,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireRoots {
    pub(super) keys: Vec<Text<PublicKey>>,
    #[serde(default = "one")]
    pub(super) threshold: u64,
}

impl WireTrust {
    /// A file that lists nothing, and is not valid yet.
    pub(super) const fn empty() -> Self {
        Self {
            kpack_trust: VERSION,
            version: 0,
            expires: None,
            roots: None,
            keys: Vec::new(),
            threshold: 1,
            revoked_keys: Vec::new(),
            revoked_manifests: Vec::new(),
            allow: BTreeMap::new(),
        }
    }

    pub(super) fn from_json(text: &str) -> Result<Self, TrustError> {
        let limits = json::Limits {
            max_bytes: MAX_TRUST_BYTES,
            max_depth: MAX_TRUST_DEPTH,
        };
        let wire: Self = json::from_str(text, limits).map_err(TrustError::Malformed)?;
        match wire.kpack_trust {
            VERSION => Ok(wire),
            found => Err(TrustError::Version { found }),
        }
    }

    pub(super) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("texts and numbers are JSON");
        text.push('\n');
        text
    }
}

pub(super) const fn one() -> u64 {
    1
}

pub(super) fn every_pack() -> Vec<String> {
    vec!["*".to_owned()]
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives a reference to the field"
)]
fn is_zero(version: &u64) -> bool {
    *version == 0
}
