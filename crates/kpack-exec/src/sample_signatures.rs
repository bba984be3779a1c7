//! Signatures for the tests of how calls are cut.

use kpack_schema::{HostPolicy, KernelManifest, Signature};

/// The signature of a kernel with these tensors and parallel dimensions, all as JSON.
pub(crate) fn signature(inputs: &str, outputs: &str, parallel: &str) -> Signature {
    signature_with(inputs, outputs, parallel, "")
}

/// The same, with more fields of the kernel, each ending in a comma.
pub(crate) fn signature_with(inputs: &str, outputs: &str, parallel: &str, more: &str) -> Signature {
    let digest = "0".repeat(64);
    let manifest = format!(
        r#"{{"version": "1.0.0", "name": "p", "description": "", "min_runtime_version": "1.0.0",
        "max_runtime_version": "1.0.0", "created_at": "2026-01-31T12:00:00Z",
        "author": {{"name": "", "email": "", "signing_key": "ed25519:{digest}"}},
        "kernels": [{{"id": "k", "name": "", "category": "custom", "path": "k.wasm",
        "hash": "sha256:{digest}", "entry_point": "k", {more} "inputs": {inputs}, "outputs": {outputs},
        "parallel_dims": {parallel}, "resource_limits": {{"max_memory_pages": 1,
        "max_epoch_ticks": 1, "max_table_elements": 0}}}}]}}"#
    );
    let manifest = KernelManifest::from_json(&manifest).unwrap();
    let checked = manifest.check(&HostPolicy::default()).unwrap();
    checked.kernels()[0].signature().clone()
}

/// `rope_f32` without its parameter.
pub(crate) fn rope() -> Signature {
    signature(
        r#"[{"name": "x", "dtype": "f32", "shape": ["batch", "seq", "heads", "dim"]},
            {"name": "freqs", "dtype": "f32", "shape": ["seq", 2, "half"]}]"#,
        r#"[{"name": "y", "dtype": "f32", "shape": ["batch", "seq", "heads", "dim"]}]"#,
        r#"["batch", "seq"]"#,
    )
}

/// `rmsnorm_f32` without its parameters.
pub(crate) fn norm() -> Signature {
    signature(
        r#"[{"name": "x", "dtype": "f32", "shape": ["rows", "hidden"]},
            {"name": "weight", "dtype": "f32", "shape": ["hidden"]}]"#,
        r#"[{"name": "y", "dtype": "f32", "shape": ["rows", "hidden"]}]"#,
        r#"["rows"]"#,
    )
}
