//! Signed packs in temporary folders, made on the spot with a throw-away key.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test crate uses its own part, and a failed test may panic"
)]

use std::fs;
use std::path::Path;

use kpack::{HostPolicy, PackDir, References, Runtime, RuntimeBuilder, Trust};
use kpack_verify::{SigningKey, sha256, sign_pack};
use serde_json::{Value, json};
use tempfile::TempDir;

/// `y = x * weight + eps`, row by row: the tensors of RMSNorm in a module of few lines.
pub const SCALE: &str = include_str!("scale.wat");

/// A module that does nothing: `run` says that all is well, `other` that an input is not.
pub const NOTHING: &str = r#"(module (memory (export "memory") 1)
  (func (export "run") (param i32) (result i32) i32.const 0)
  (func (export "other") (param i32) (result i32) i32.const 1))"#;

/// The kernel that [`SCALE`] is the module of.
pub fn scale() -> Value {
    json!({
        "id": "rmsnorm_f32", "name": "Scale", "category": "normalization",
        "path": "scale.wasm", "hash": "", "entry_point": "run",
        "inputs": [
            {"name": "x", "dtype": "f32", "shape": ["rows", "hidden"]},
            {"name": "weight", "dtype": "f32", "shape": ["hidden"]}
        ],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["rows", "hidden"]}],
        "params": {"eps": {"type": "f32", "default": 0.0}},
        "resource_limits": {
            "max_memory_pages": 16, "max_epoch_ticks": 100, "max_table_elements": 0
        }
    })
}

/// A kernel of one input and one output of `n` f32.
pub fn kernel(id: &str, path: &str) -> Value {
    json!({
        "id": id, "name": id, "category": "custom",
        "path": path, "hash": "", "entry_point": "run",
        "inputs": [{"name": "x", "dtype": "f32", "shape": ["n"]}],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["n"]}],
        "resource_limits": {
            "max_memory_pages": 4, "max_epoch_ticks": 3, "max_table_elements": 0
        }
    })
}

/// A pack on disk and the trust in its key.
pub struct Made {
    pub folder: TempDir,
    pub trust_json: String,
    key: SigningKey,
}

impl Made {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn trust(&self) -> Trust {
        Trust::from_json(&self.trust_json).unwrap()
    }

    /// Changes the manifest, and signs it again.
    pub fn release(&self, change: impl FnOnce(&mut Value)) {
        let path = self.path().join("kernels.json");
        let mut manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut manifest);
        fs::write(path, manifest.to_string()).unwrap();
        sign(self.path(), &self.key);
    }
}

fn sign(folder: &Path, key: &SigningKey) {
    _ = fs::remove_file(folder.join("kernels.json.sig"));
    let bytes = PackDir::open(folder).unwrap().read().unwrap();
    let signatures = sign_pack(&bytes, &any_fallback(folder), key).unwrap();
    fs::write(folder.join("kernels.json.sig"), signatures.to_json()).unwrap();
}

/// A host that names every fallback of a manifest.
fn any_fallback(folder: &Path) -> HostPolicy {
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.join("kernels.json")).unwrap()).unwrap();
    let targets = manifest["fallbacks"].as_object().into_iter().flatten();
    let targets = targets.filter_map(|(_, target)| target.as_str()?.parse().ok());
    HostPolicy {
        named_fallbacks: targets.collect(),
        ..HostPolicy::default()
    }
}

/// Writes modules (from text) and a manifest with these kernels, and signs them.
pub fn pack(modules: &[(&str, &str)], mut kernels: Value) -> Made {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in modules {
        let wasm = wat::parse_str(text).unwrap();
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, &wasm).unwrap();
        for kernel in kernels.as_array_mut().unwrap() {
            if kernel["path"] == *path {
                kernel["hash"] = json!(sha256(&wasm).to_string());
            }
            for variant in kernel
                .get_mut("variants")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                if variant["path"] == *path {
                    variant["hash"] = json!(sha256(&wasm).to_string());
                }
            }
        }
    }
    let key = SigningKey::generate().unwrap();
    let public = key.public_key().to_string();
    let manifest = json!({
        "version": "1.0.0", "name": "test-pack", "description": "",
        "min_runtime_version": "1.0.0", "max_runtime_version": "1.0.0",
        "created_at": "2026-01-31T12:00:00Z",
        "author": {"name": "A", "email": "a@example.org", "signing_key": public},
        "kernels": kernels,
    });
    fs::write(folder.path().join("kernels.json"), manifest.to_string()).unwrap();
    sign(folder.path(), &key);
    Made {
        folder,
        key,
        trust_json: json!({"kpack_trust": 1, "keys": [{"key": public}]}).to_string(),
    }
}

/// `y = x` too, unless the first element asks for something else: see the module.
pub const MOODY: &str = include_str!("moody.wat");

/// `y = x`, for a kernel of [`kernel`].
pub const COPY: &str = include_str!("copy.wat");

/// A runtime on every engine that is compiled in, with these native kernels.
pub fn runtimes(references: &References) -> Vec<Runtime> {
    let build = |builder: RuntimeBuilder| builder.references(references.clone()).build();
    vec![
        #[cfg(feature = "wasmtime")]
        build(Runtime::builder(kpack::Wasmtime::new().unwrap())),
        #[cfg(feature = "wasmer")]
        build(Runtime::builder(kpack::Wasmer::new().unwrap())),
    ]
}
