//! Packs to sign, trust files to hold them against, and the kinds in which that ends.

use std::collections::BTreeMap;

use kpack_schema::{PackPath, Timestamp};
use kpack_verify::{
    PackBytes, PackParts, SignatureEntry, SignatureFile, SigningKey, Trust, TrustFile,
    VerifiedPack, VerifyError, sha256,
};
use serde_json::{Value, json};

/// A key that is the same in every run.
pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

/// The moment at which tests verify unless time is what they are about.
pub(crate) fn now() -> Timestamp {
    time("2026-06-01T00:00:00Z")
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn path(text: &str) -> PackPath {
    text.parse().unwrap()
}

/// A pack under construction: `llama-core` with three kernels, of which two share a module and the
/// third has a variant and a vector. Its author is `key(1)`.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) manifest: Value,
    pub(crate) files: BTreeMap<PackPath, Vec<u8>>,
}

pub(crate) const SHARED: &[u8] = b"\0asm\x01\0\0\0 shared";
pub(crate) const PLAIN: &[u8] = b"\0asm\x01\0\0\0 plain";
pub(crate) const SIMD: &[u8] = b"\0asm\x01\0\0\0 simd";
pub(crate) const VECTOR: &[u8] = b"safetensors";

impl Draft {
    pub(crate) fn new() -> Self {
        let mut third = kernel("third", "third/plain.wasm", PLAIN);
        let hash = |bytes| sha256(bytes).to_string();
        third["variants"] =
            json!([{"path": "third/simd.wasm", "hash": hash(SIMD), "features": ["simd"]}]);
        third["vectors"] = json!([{"path": "third/one.safetensors", "hash": hash(VECTOR),
            "params": {}, "tolerance": {"mode": "exact", "rtol": 0.0, "atol": 0.0}}]);
        let kernels = [
            kernel("first", "shared.wasm", SHARED),
            kernel("second", "shared.wasm", SHARED),
            third,
        ];
        let manifest = json!({
            "version": "1.0.0", "name": "llama-core", "description": "A pack",
            "min_runtime_version": "1.0.0", "max_runtime_version": "1.99.0",
            "created_at": "2026-01-18T00:00:00Z",
            "author": {"name": "A", "email": "a@example.org",
                "signing_key": key(1).public_key().to_string()},
            "kernels": kernels,
        });
        let files = [
            ("shared.wasm", SHARED),
            ("third/plain.wasm", PLAIN),
            ("third/simd.wasm", SIMD),
            ("third/one.safetensors", VECTOR),
        ];
        let files = files
            .map(|(name, bytes)| (path(name), bytes.to_vec()))
            .into();
        Self { manifest, files }
    }

    /// Puts `value` at a JSON pointer of the manifest, of which the last segment may be new.
    pub(crate) fn with(mut self, pointer: &str, value: Value) -> Self {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        self.manifest.pointer_mut(parent).unwrap()[field] = value;
        self
    }

    pub(crate) fn author(self, author: &SigningKey) -> Self {
        self.with(
            "/author/signing_key",
            json!(author.public_key().to_string()),
        )
    }

    pub(crate) fn manifest_bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(&self.manifest).unwrap()
    }

    /// The parts with a signature by each key, made over the manifest as it stands: a draft that no
    /// `kpack sign` would sign is signed as well.
    pub(crate) fn signed(&self, keys: &[&SigningKey]) -> PackParts {
        let manifest = self.manifest_bytes();
        let entries = keys.iter().map(|key| key.sign_manifest(&manifest));
        self.with_entries(entries.collect::<Vec<_>>())
    }

    pub(crate) fn with_entries(&self, entries: Vec<SignatureEntry>) -> PackParts {
        PackParts {
            manifest: self.manifest_bytes(),
            signature: Some(signature_file(entries)),
            files: self.files.clone(),
        }
    }
}

fn kernel(id: &str, path: &str, bytes: &[u8]) -> Value {
    json!({
        "id": id, "name": id, "category": "custom", "path": path,
        "hash": sha256(bytes).to_string(), "entry_point": id,
        "inputs": [{"name": "x", "dtype": "f32", "shape": ["n"]}],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["n"]}],
        "resource_limits": {"max_memory_pages": 16, "max_epoch_ticks": 10, "max_table_elements": 0},
    })
}

pub(crate) fn signature_file(entries: Vec<SignatureEntry>) -> Vec<u8> {
    let mut entries = entries.into_iter();
    let mut file = SignatureFile::new(entries.next().unwrap());
    entries.for_each(|entry| file.upsert(entry).unwrap());
    file.to_json().into_bytes()
}

/// A trust file as JSON, in which each key is trusted for everything.
pub(crate) fn trust_json(keys: &[&SigningKey]) -> Value {
    let keys = keys
        .iter()
        .map(|key| json!({"key": key.public_key().to_string()}));
    json!({"kpack_trust": 1, "keys": keys.collect::<Vec<_>>()})
}

pub(crate) fn trust(json: &Value) -> Trust {
    Trust::from_json(&json.to_string()).unwrap()
}

pub(crate) fn trusting(keys: &[&SigningKey]) -> Trust {
    trust(&trust_json(keys))
}

pub(crate) fn verify(trust: &Trust, parts: PackParts) -> Result<VerifiedPack, VerifyError> {
    trust.verify(PackBytes::new(parts).unwrap(), now())
}

/// The kind in which verification ends; `ok` if the pack is accepted.
pub(crate) fn outcome(trust: &Trust, parts: PackParts) -> &'static str {
    verify(trust, parts).map_or_else(|error| error.kind(), |_| "ok")
}

/// A trust file of this version in which `key(1)` is trusted for everything, and these are the roots.
pub(crate) fn rooted(version: u64, roots: &[&SigningKey], threshold: u64) -> Value {
    let mut json = trust_json(&[&key(1)]);
    let roots = roots.iter().map(|key| json!(key.public_key().to_string()));
    json["version"] = json!(version);
    json["roots"] = json!({"keys": roots.collect::<Vec<_>>(), "threshold": threshold});
    json
}

pub(crate) fn trust_file(json: &Value) -> TrustFile {
    TrustFile::from_json(&json.to_string()).unwrap()
}

/// The bytes of a `trust.json.sig` with an entry by each key.
pub(crate) fn root_signatures(file: &TrustFile, keys: &[&SigningKey]) -> Vec<u8> {
    signature_file(keys.iter().map(|key| key.sign_trust(file)).collect())
}
