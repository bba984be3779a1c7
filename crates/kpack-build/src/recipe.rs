//! What stands at the top of a manifest, as a project's author writes it.

use std::collections::BTreeMap;

use kpack_schema::{AuthorInfo, KernelInfo, KernelManifest};
use serde::Deserialize;

/// Stands in `author.signing_key` where the recipe does not say who will sign: a key that no one can
/// have.
const PLACEHOLDER_KEY: &str =
    "ed25519:0000000000000000000000000000000000000000000000000000000000000000";

/// `pack.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    name: String,
    version: String,
    description: String,
    sequence: u64,
    created_at: String,
    min_runtime_version: String,
    max_runtime_version: String,
    /// The folders whose crates have the kernels; without any, the project is one crate itself.
    #[serde(default)]
    pub(crate) families: Vec<String>,
    author: RecipeAuthor,
    #[serde(default)]
    fallbacks: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipeAuthor {
    name: String,
    email: String,
    #[serde(default = "placeholder_key")]
    signing_key: String,
}

fn placeholder_key() -> String {
    PLACEHOLDER_KEY.to_owned()
}

impl Recipe {
    /// The manifest with these kernels.
    pub(crate) fn into_manifest(self, kernels: Vec<KernelInfo>) -> KernelManifest {
        KernelManifest {
            schema: String::new(),
            version: self.version,
            name: self.name,
            description: self.description,
            min_runtime_version: self.min_runtime_version,
            max_runtime_version: self.max_runtime_version,
            created_at: self.created_at,
            author: AuthorInfo {
                name: self.author.name,
                email: self.author.email,
                signing_key: self.author.signing_key,
            },
            kernels,
            fallbacks: self.fallbacks,
            sequence: self.sequence,
            expires: None,
        }
    }
}
