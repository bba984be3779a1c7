use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::{self, JsonError};
use crate::{KernelCategory, KernelInfo};

/// The largest manifest, in bytes, that is read.
pub const MAX_MANIFEST_BYTES: usize = 1024 * 1024;

const MAX_MANIFEST_DEPTH: usize = 16;

/// A pack's `kernels.json` as it is written: the shape of the document and nothing more.
///
/// Whether names, shapes, limits and versions make sense is judged by
/// [`check`](KernelManifest::check).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KernelManifest {
    /// The address of the JSON Schema, for editors.
    #[serde(rename = "$schema", default, skip_serializing_if = "String::is_empty")]
    pub schema: String,
    /// The pack's own version, semver.
    pub version: String,
    /// The pack's name.
    pub name: String,
    /// What the pack is, for people.
    pub description: String,
    /// The lowest runtime version that may load the pack.
    pub min_runtime_version: String,
    /// The highest runtime version that may load the pack.
    pub max_runtime_version: String,
    /// When the pack was made, RFC 3339 in UTC.
    pub created_at: String,
    /// Who made the pack.
    pub author: AuthorInfo,
    /// The kernels.
    pub kernels: Vec<KernelInfo>,
    /// Which kernel serves when one fails: kernel id to fallback id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fallbacks: BTreeMap<String, String>,
    /// Rises with every release of a pack name; 0 where releases are not ordered.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sequence: u64,
    /// From when on the pack is refused, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// Who made a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AuthorInfo {
    /// The author's name.
    pub name: String,
    /// Where to write to.
    pub email: String,
    /// The key that the author says he signs with: `ed25519:` and hex or base64. Never a source of
    /// trust.
    pub signing_key: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes the field by reference"
)]
fn is_zero(sequence: &u64) -> bool {
    *sequence == 0
}

impl KernelManifest {
    /// Reads a manifest of at most [`MAX_MANIFEST_BYTES`], nested at most 16 deep.
    ///
    /// # Errors
    ///
    /// A document that is too large or too deep, not JSON, holds a repeated key, an unknown field, a
    /// wrong type or an array for a struct, lacks a field, or is followed by anything. The error
    /// names the place by a JSON pointer.
    pub fn from_json(text: &str) -> Result<Self, JsonError> {
        let limits = json::Limits {
            max_bytes: MAX_MANIFEST_BYTES,
            max_depth: MAX_MANIFEST_DEPTH,
        };
        json::from_str(text, limits)
    }

    /// The manifest as indented JSON, without a newline at the end. Optional fields at their default
    /// are left out.
    ///
    /// # Errors
    ///
    /// A number that JSON cannot write: a NaN or an infinity in
    /// [`throughput_gflops`](crate::BenchmarkResult::throughput_gflops) or a tolerance.
    pub fn to_json(&self) -> Result<String, ToJsonError> {
        let non_finite = self
            .kernels
            .iter()
            .find(|kernel| kernel.has_non_finite_number());
        if let Some(kernel) = non_finite {
            return Err(ToJsonError::NotFinite {
                kernel: kernel.id.clone(),
            });
        }
        serde_json::to_string_pretty(self).map_err(|error| ToJsonError::Other(error.to_string()))
    }

    /// The kernel with this id.
    #[must_use]
    pub fn get_kernel(&self, id: &str) -> Option<&KernelInfo> {
        self.kernels.iter().find(|kernel| kernel.id == id)
    }

    /// The id that serves when the kernel with this id fails.
    #[must_use]
    pub fn get_fallback(&self, id: &str) -> Option<&str> {
        self.fallbacks.get(id).map(String::as_str)
    }

    /// The ids of all kernels, in the order of the manifest.
    #[must_use]
    pub fn kernel_ids(&self) -> Vec<&str> {
        self.kernels
            .iter()
            .map(|kernel| kernel.id.as_str())
            .collect()
    }

    /// The kernels of one category, in the order of the manifest.
    #[must_use]
    pub fn kernels_by_category(&self, category: KernelCategory) -> Vec<&KernelInfo> {
        self.kernels
            .iter()
            .filter(|kernel| kernel.category == category)
            .collect()
    }
}

/// Why a manifest cannot be written as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToJsonError {
    /// JSON has no NaN and no infinity.
    #[error("a number is not finite in kernel: `{kernel}`")]
    NotFinite {
        /// The kernel's id.
        kernel: String,
    },
    /// Anything else that the writer refused.
    #[error("cannot be written as JSON: {0}")]
    Other(String),
}
