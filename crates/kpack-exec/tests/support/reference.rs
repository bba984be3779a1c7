//! The kernels of the committed reference pack.

use std::path::Path;

use kpack_verify::VerifiedKernel;
use serde_json::{Value, json};

use super::verified_bytes;

/// A kernel of the committed reference pack, as if it stood alone, once for each of its modules
/// whose results are the same everywhere: all but those with relaxed SIMD.
pub fn reference(id: &str) -> Vec<VerifiedKernel> {
    let pack = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../kpack/reference-pack/llama-core"
    );
    let manifest = std::fs::read_to_string(Path::new(pack).join("kernels.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let kernels = manifest["kernels"].as_array().unwrap();
    let kernel = kernels.iter().find(|k| k["id"] == id).unwrap();
    let baseline = (kernel["path"].clone(), json!([]));
    let variants = kernel["variants"].as_array().unwrap().iter();
    let variants = variants.map(|v| (v["path"].clone(), v["features"].clone()));
    let alone = |(path, features): (Value, Value)| {
        let mut kernel = kernel.clone();
        kernel["id"] = json!("kernel");
        kernel["path"] = json!("kernel.wasm");
        let fields = kernel.as_object_mut().unwrap();
        fields.remove("variants");
        fields.remove("vectors");
        let platform = json!({"min_version": "0.0.1", "features": features});
        kernel["platforms"] = json!({"wasmtime": platform, "wasmer": platform});
        let module = Path::new(pack).join(path.as_str().unwrap());
        verified_bytes(&std::fs::read(module).unwrap(), kernel)
    };
    let modules = [baseline].into_iter().chain(variants);
    let exact = modules.filter(|(_, features)| features[0] != "relaxed-simd");
    let kernels: Vec<VerifiedKernel> = exact.map(alone).collect();
    assert_eq!(kernels.len(), 2, "without and with SIMD");
    kernels
}
