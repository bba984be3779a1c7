//! Signed packs of one kernel, made on the spot with a throw-away key, and the engines under test.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test crate uses its own part"
)]

pub mod outcome;
pub mod reference;

use std::collections::BTreeMap;

use kpack_exec::{Backend, CompiledKernel, StaticPolicy};
use kpack_schema::HostPolicy;
use kpack_verify::{PackBytes, PackParts, SigningKey, Trust, VerifiedKernel, sha256, sign_pack};
use serde_json::{Value, json};

/// Every engine that is compiled in. A new one is one line here.
pub fn backends() -> Vec<Box<dyn Backend>> {
    vec![
        #[cfg(feature = "wasmtime")]
        Box::new(kpack_exec::Wasmtime::new().unwrap()),
        #[cfg(feature = "wasmer")]
        Box::new(kpack_exec::Wasmer::new().unwrap()),
    ]
}

/// The kernel that tests start from: `x` and `y` are f32 of `n` elements, the entry point is `run`.
/// It has more time than a busy machine keeps a thread from running.
pub fn base() -> Value {
    json!({
        "id": "kernel", "name": "Kernel", "category": "custom",
        "path": "kernel.wasm", "hash": "", "entry_point": "run",
        "inputs": [{"name": "x", "dtype": "f32", "shape": ["n"]}],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["n"]}],
        "resource_limits": {
            "max_memory_pages": 4, "max_epoch_ticks": 500, "max_table_elements": 16,
            "max_stack_size": 65536, "max_globals": 8
        }
    })
}

/// A verified kernel from a module's text and the fields in which it differs from [`base`].
pub fn verified(wat: &str, kernel: Value) -> VerifiedKernel {
    verified_bytes(&wat::parse_str(wat).unwrap(), kernel)
}

/// The same from the bytes of a module.
pub fn verified_bytes(wasm: &[u8], kernel: Value) -> VerifiedKernel {
    verified_files(&[("kernel.wasm", wasm)], kernel)
}

/// The same with the module at `kernel.wasm` and its variants as files.
pub fn verified_files(files: &[(&str, &[u8])], changes: Value) -> VerifiedKernel {
    let mut kernel = base();
    merge(&mut kernel, changes);
    let files: BTreeMap<&str, &[u8]> = files.iter().copied().collect();
    kernel["hash"] = json!(sha256(files["kernel.wasm"]).to_string());
    for variant in kernel
        .get_mut("variants")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let path = variant["path"].as_str().unwrap().to_owned();
        variant["hash"] = json!(sha256(files[path.as_str()]).to_string());
    }
    let key = SigningKey::generate().unwrap();
    let manifest = json!({
        "version": "1.0.0", "name": "pack", "description": "",
        "min_runtime_version": "1.0.0", "max_runtime_version": "1.0.0",
        "created_at": "2026-01-31T12:00:00Z",
        "author": {
            "name": "A", "email": "a@example.org", "signing_key": key.public_key().to_string()
        },
        "kernels": [kernel],
    });
    let files = files
        .iter()
        .map(|(path, bytes)| (path.parse().unwrap(), bytes.to_vec()))
        .collect();
    let manifest = manifest.to_string().into_bytes();
    let mut parts = PackParts {
        manifest,
        signature: None,
        files,
    };
    let unsigned = PackBytes::new(parts.clone()).unwrap();
    let signatures = sign_pack(&unsigned, &HostPolicy::default(), &key).unwrap();
    parts.signature = Some(signatures.to_json().into());
    let trust = json!({"kpack_trust": 1, "keys": [{"key": key.public_key().to_string()}]});
    let trust = Trust::from_json(&trust.to_string()).unwrap();
    let now = std::time::SystemTime::now().try_into().unwrap();
    let pack = trust.verify(PackBytes::new(parts).unwrap(), now).unwrap();
    pack.kernel("kernel").unwrap().clone()
}

/// Compiles a kernel that must compile.
pub fn compile(backend: &dyn Backend, kernel: &VerifiedKernel) -> CompiledKernel {
    let vetted = StaticPolicy::default().vet(kernel).unwrap();
    CompiledKernel::compile(backend, &vetted).unwrap()
}

/// Objects are merged field by field, everything else is replaced.
fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(into.entry(name).or_insert(Value::Null), change);
            }
        }
        (into, change) => *into = change,
    }
}

/// Functions to build kernels from: the argument's fields and copying bytes without bulk memory.
pub const PRELUDE: &str = r#"
    (func $copy (param $to i32) (param $from i32) (param $size i32)
      (local $i i32)
      (block $end (loop $next
        (br_if $end (i32.ge_u (local.get $i) (local.get $size)))
        (i32.store8 (i32.add (local.get $to) (local.get $i))
          (i32.load8_u (i32.add (local.get $from) (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))
    (func $input_a (param $d i32) (result i32) (i32.load (local.get $d)))
    (func $input_a_size (param $d i32) (result i32) (i32.load offset=4 (local.get $d)))
    (func $input_b (param $d i32) (result i32) (i32.load offset=8 (local.get $d)))
    (func $input_b_size (param $d i32) (result i32) (i32.load offset=12 (local.get $d)))
    (func $output (param $d i32) (result i32) (i32.load offset=16 (local.get $d)))
    (func $output_size (param $d i32) (result i32) (i32.load offset=20 (local.get $d)))
    (func $scratch (param $d i32) (result i32) (i32.load offset=24 (local.get $d)))
    (func $params (param $d i32) (result i32) (i32.load offset=32 (local.get $d)))
    (func $params_size (param $d i32) (result i32) (i32.load offset=36 (local.get $d)))
"#;

/// A module that exports a memory of one page and `run`, with [`PRELUDE`] in reach.
pub fn module(run: &str) -> String {
    format!(
        "(module (memory (export \"memory\") 1) {PRELUDE} (func (export \"run\") (param $d i32) \
         (result i32) {run}))"
    )
}
