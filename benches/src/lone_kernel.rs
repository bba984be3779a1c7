//! Packs of one kernel of a few lines, for what no reference kernel shows.

use anyhow::{Context, Result};
use kpack::{BoundKernel, HostPolicy, Kernel, PackBytes, Runtime, Timestamp, Trust};
use kpack_verify::{PackParts, SigningKey, sha256, sign_pack};
use serde_json::json;

/// A kernel that returns at once.
pub const EMPTY: &str = r#"(module (memory (export "memory") 1)
  (func (export "run") (param i32) (result i32) i32.const 0))"#;

/// The entry point of every such kernel.
pub const ENTRY_POINT: &str = "run";

/// The name of the one input, `[n]` of f32; the output `y` is like it.
pub const INPUT: &str = "x";

/// The bytes of a module from its text.
///
/// # Errors
///
/// When the text is no module.
pub fn wasm(text: &str) -> Result<Vec<u8>> {
    wat::parse_str(text).context("the module's text is malformed")
}

/// Signs a pack with a throw-away key and loads its kernel, whose calls may take `ticks`.
///
/// # Errors
///
/// When the module is not that of such a kernel.
pub fn load(runtime: &Runtime, text: &str, ticks: u64) -> Result<Kernel> {
    let key = SigningKey::generate().context("the system has no randomness")?;
    let wasm = wasm(text)?;
    let mut parts = PackParts {
        manifest: manifest(&wasm, ticks, &key).into_bytes(),
        signature: None,
        files: [("kernel.wasm".parse()?, wasm)].into(),
    };
    let unsigned = PackBytes::new(parts.clone())?;
    let signature = sign_pack(&unsigned, &HostPolicy::default(), &key)?;
    parts.signature = Some(signature.to_json().into_bytes());
    let trust = json!({"kpack_trust": 1, "keys": [{"key": key.public_key().to_string()}]});
    let trust = Trust::from_json(&trust.to_string())?;
    let now = Timestamp::try_from(std::time::SystemTime::now())?;
    let pack = runtime.load_bytes(PackBytes::new(parts)?, &trust, now)?;
    Ok(pack.kernel("kernel")?)
}

/// Binds such a kernel to one element and writes it.
///
/// # Errors
///
/// When the kernel cannot be instantiated.
pub fn bind(kernel: &Kernel) -> Result<BoundKernel> {
    let mut bound = kernel.bind(&[("n", 1)], &[])?;
    bound.input_mut::<f32>(INPUT)?.fill(0.0);
    Ok(bound)
}

fn manifest(wasm: &[u8], ticks: u64, key: &SigningKey) -> String {
    let platform = json!({"min_version": "0.0.1", "features": ["bulk-memory"]});
    json!({
        "version": "1.0.0", "name": "lone-kernel", "description": "",
        "min_runtime_version": "1.0.0", "max_runtime_version": "1.999.999",
        "created_at": "2026-01-01T00:00:00Z",
        "author": {
            "name": "A", "email": "a@example.org", "signing_key": key.public_key().to_string()
        },
        "kernels": [{
            "id": "kernel", "name": "Kernel", "category": "custom",
            "path": "kernel.wasm", "hash": sha256(wasm).to_string(), "entry_point": ENTRY_POINT,
            "inputs": [{"name": INPUT, "dtype": "f32", "shape": ["n"]}],
            "outputs": [{"name": "y", "dtype": "f32", "shape": ["n"]}],
            "platforms": {"wasmtime": platform, "wasmer": platform},
            "resource_limits": {
                "max_memory_pages": 64, "max_epoch_ticks": ticks, "max_table_elements": 0
            }
        }],
    })
    .to_string()
}
