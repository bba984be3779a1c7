use anyhow::{Context, Result};
use kpack_schema::{HostPolicy, Timestamp};
use kpack_verify::{
    PackBytes, PackParts, SigningKey, Trust, VerifiedKernel, VerifiedPack, VerifyError, sha256,
    sign_pack,
};
use serde_json::{Value, json};

/// The module's place in every pack that is made here.
pub(crate) const MODULE: &str = "kernel.wasm";

/// The one kernel of every pack that is made here.
pub(crate) const KERNEL: &str = "kernel";

/// When every pack is judged.
const NOW: &str = "2026-06-01T00:00:00Z";

/// A key that everybody knows signs packs of one kernel, and the trust in it: the same bytes every
/// time, so that a finding can be repeated and seeds can be committed.
pub struct Signer {
    key: SigningKey,
    trust: Trust,
    now: Timestamp,
}

impl Default for Signer {
    fn default() -> Self {
        Self::new()
    }
}

impl Signer {
    /// The signer.
    ///
    /// # Panics
    ///
    /// Never: its trust file is as good as its key.
    #[must_use]
    pub fn new() -> Self {
        let key = SigningKey::from_seed(&[7; 32]);
        let trust = json!({"kpack_trust": 1, "keys": [{"key": key.public_key().to_string()}]});
        Self {
            trust: Trust::from_json(&trust.to_string()).expect("a trust file of one key"),
            now: NOW.parse().expect("a time"),
            key,
        }
    }

    /// The key that signs.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// A pack that is trusted, of one kernel whose manifest entry differs from the plainest one by
    /// the fields of `changes`.
    ///
    /// # Errors
    ///
    /// When the changes make a manifest that is refused.
    pub fn verified(&self, wasm: &[u8], changes: &Value) -> Result<VerifiedKernel> {
        let pack = self.judge(PackBytes::new(self.signed(wasm, changes)?)?)?;
        let kernel = pack.kernel(KERNEL).context("the pack has no kernel")?;
        Ok(kernel.clone())
    }

    /// The parts of such a pack.
    pub(crate) fn signed(&self, wasm: &[u8], changes: &Value) -> Result<PackParts> {
        let manifest = self.manifest(wasm, changes);
        let mut parts = PackParts {
            manifest: manifest.to_string().into_bytes(),
            signature: None,
            files: [(MODULE.parse()?, wasm.to_vec())].into(),
        };
        let unsigned = PackBytes::new(parts.clone())?;
        let signatures = sign_pack(&unsigned, &HostPolicy::default(), &self.key)?;
        parts.signature = Some(signatures.to_json().into());
        Ok(parts)
    }

    /// Judges a pack by the trust in this signer alone.
    pub(crate) fn judge(&self, pack: PackBytes) -> Result<VerifiedPack, VerifyError> {
        self.judge_by(&self.trust, pack)
    }

    /// Judges a pack by any trust, at the same time.
    pub(crate) fn judge_by(
        &self,
        trust: &Trust,
        pack: PackBytes,
    ) -> Result<VerifiedPack, VerifyError> {
        trust.verify(pack, self.now)
    }

    fn manifest(&self, wasm: &[u8], changes: &Value) -> Value {
        let mut kernel = json!({
            "id": KERNEL, "name": "Kernel", "category": "custom",
            "path": MODULE, "hash": sha256(wasm).to_string(), "entry_point": "run",
            "inputs": [{"name": "x", "dtype": "f32", "shape": ["n"]}],
            "outputs": [{"name": "y", "dtype": "f32", "shape": ["n"]}],
            "resource_limits": {
                "max_memory_pages": 16, "max_epoch_ticks": 5, "max_table_elements": 1024
            },
        });
        for (field, value) in changes.as_object().into_iter().flatten() {
            kernel[field] = value.clone();
        }
        json!({
            "version": "1.0.0", "name": "pack", "description": "",
            "min_runtime_version": "1.0.0", "max_runtime_version": "1.0.0",
            "created_at": "2026-01-31T12:00:00Z",
            "author": {
                "name": "A", "email": "a@example.org",
                "signing_key": self.key.public_key().to_string(),
            },
            "kernels": [kernel],
        })
    }
}
