use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kpack::{Digest, HostPolicy, PackDir, Trust};
use kpack_verify::{SigningKey, sha256, sign_pack};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

use crate::release::{KERNEL, MODULE, NATIVE, Release, VECTOR};

/// An author with a throw-away key, who signs releases of one pack.
pub struct Publisher {
    name: String,
    key: SigningKey,
}

impl Publisher {
    /// An author of the pack of this name, whose key follows from the seed.
    #[must_use]
    pub fn new(name: &str, seed: [u8; 32]) -> Self {
        Self {
            name: name.to_owned(),
            key: SigningKey::from_seed(&seed),
        }
    }

    /// The name of the pack.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The trust in this author, for this pack alone.
    ///
    /// # Errors
    ///
    /// Never: what is written here is a trust file.
    pub fn trust(&self) -> Result<Trust> {
        let key = self.key.public_key().to_string();
        let trust = json!({"kpack_trust": 1, "keys": [{"key": key, "packs": [self.name]}]});
        Ok(Trust::from_json(&trust.to_string())?)
    }

    /// Writes a release to a folder, which must not be there, and signs it. Gives the digest of its
    /// manifest.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or written to.
    pub fn publish(&self, release: Release, folder: &Path) -> Result<Digest> {
        self.publish_as(release, u64::from(release.number), folder)
    }

    /// The same with another sequence than its number.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    pub fn publish_as(&self, release: Release, sequence: u64, folder: &Path) -> Result<Digest> {
        let module = wat::parse_str(release.module()).context("the module's text")?;
        let vector = vector(release)?;
        let kernel = release.kernel(&sha256(&module).to_string(), &sha256(&vector).to_string());
        let manifest = json!({
            "version": "1.0.0", "name": self.name, "description": "A release that marks its results",
            "min_runtime_version": "1.0.0", "max_runtime_version": "1.0.0",
            "created_at": "2026-01-31T12:00:00Z",
            "author": {
                "name": "A", "email": "a@example.org",
                "signing_key": self.key.public_key().to_string()
            },
            "kernels": [kernel], "fallbacks": {KERNEL: NATIVE}, "sequence": sequence,
        });
        let manifest = manifest.to_string();
        fs::create_dir_all(folder.join("vectors"))?;
        fs::write(folder.join(MODULE), module)?;
        fs::write(folder.join(VECTOR), vector)?;
        fs::write(folder.join("kernels.json"), &manifest)?;
        self.sign(folder)?;
        Ok(sha256(manifest.as_bytes()))
    }

    /// Signs what stands in a folder.
    ///
    /// # Errors
    ///
    /// When it is no pack, or cannot be written to.
    pub fn sign(&self, folder: &Path) -> Result<()> {
        let bytes = PackDir::open(folder)?.read()?;
        let signatures = sign_pack(&bytes, &HostPolicy::default(), &self.key)?;
        fs::write(folder.join("kernels.json.sig"), signatures.to_json())?;
        Ok(())
    }
}

/// The golden vector of a release.
fn vector(release: Release) -> Result<Vec<u8>> {
    let tensors = release.vector().map(|(name, values)| {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        (name, (vec![values.len()], bytes))
    });
    let views: Result<HashMap<&str, TensorView<'_>>, _> = tensors
        .iter()
        .map(|(name, (shape, bytes))| {
            Ok((*name, TensorView::new(Dtype::I32, shape.clone(), bytes)?))
        })
        .collect::<Result<_, safetensors::SafeTensorError>>();
    Ok(safetensors::serialize(&views?, None)?)
}
