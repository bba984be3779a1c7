use anyhow::{Context, Result};
use kpack_schema::{HostPolicy, Timestamp};
use kpack_verify::{PackBytes, PackParts, SigningKey, Trust, VerifiedKernel, sha256, sign_pack};
use serde_json::{Map, Value, json};

use crate::case::Case;
use crate::harness::ENTRY_POINT;
use crate::inputs::INPUT_BYTES;
use crate::observation::OUTPUT_BYTES;

pub(crate) const INPUT: &str = "x";
pub(crate) const OUTPUT: &str = "y";

const KERNEL: &str = "kernel";
const MODULE: &str = "kernel.wasm";

/// A throw-away key that signs every case's pack, and the trust in it.
pub(crate) struct Signer {
    key: SigningKey,
    trust: Trust,
    now: Timestamp,
}

impl Signer {
    pub(crate) fn new() -> Result<Self> {
        let key = SigningKey::generate()?;
        let trust = json!({"kpack_trust": 1, "keys": [{"key": key.public_key().to_string()}]});
        Ok(Self {
            trust: Trust::from_json(&trust.to_string())?,
            now: std::time::SystemTime::now().try_into()?,
            key,
        })
    }

    /// Makes a pack of the case's kernel, signs it and verifies it.
    pub(crate) fn verified(&self, case: &Case, engines: &[&str]) -> Result<VerifiedKernel> {
        let manifest = self.manifest(case, engines);
        let mut parts = PackParts {
            manifest: manifest.to_string().into_bytes(),
            signature: None,
            files: [(MODULE.parse()?, case.module.clone())].into(),
        };
        let unsigned = PackBytes::new(parts.clone())?;
        let signatures = sign_pack(&unsigned, &HostPolicy::default(), &self.key)?;
        parts.signature = Some(signatures.to_json().into());
        let pack = self.trust.verify(PackBytes::new(parts)?, self.now)?;
        let kernel = pack.kernel(KERNEL).context("the pack has no kernel")?;
        Ok(kernel.clone())
    }

    fn manifest(&self, case: &Case, engines: &[&str]) -> Value {
        let author = self.key.public_key().to_string();
        json!({
            "version": "1.0.0", "name": "pack", "description": "",
            "min_runtime_version": "1.0.0", "max_runtime_version": "1.0.0",
            "created_at": "2026-01-31T12:00:00Z",
            "author": {"name": "A", "email": "a@example.org", "signing_key": author},
            "kernels": [{
                "id": KERNEL, "name": "Kernel", "category": "custom",
                "path": MODULE, "hash": sha256(&case.module).to_string(),
                "entry_point": ENTRY_POINT,
                "inputs": [{"name": INPUT, "dtype": "u8", "shape": [INPUT_BYTES]}],
                "outputs": [{"name": OUTPUT, "dtype": "u8", "shape": [OUTPUT_BYTES]}],
                "resource_limits": case.choices.limits,
                "platforms": platforms(case, engines),
            }],
        })
    }
}

fn platforms(case: &Case, engines: &[&str]) -> Map<String, Value> {
    let features = &case.choices.features;
    let names: Vec<_> = features.iter().map(|feature| feature.name()).collect();
    let platform = json!({"min_version": "0.0.1", "features": names});
    engines
        .iter()
        .map(|&engine| (engine.to_owned(), platform.clone()))
        .collect()
}
