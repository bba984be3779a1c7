//! The seeds in `fuzz/seeds` are what this test makes, so that they stay valid as formats grow.
//! `KPACK_UPDATE=1 cargo test -p kpack-fuzz --test seeds` writes them.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kpack_fuzz::{Target, Verdict};
use kpack_schema::PackPath;
use kpack_verify::{PackBytes, PackParts, SignatureFile, SigningKey, sha256};
use serde_json::{Value, json};

/// The module that the targets' own pack holds.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// By target and file name.
type Seeds = BTreeMap<(&'static str, String), Vec<u8>>;

#[test]
fn the_committed_seeds_are_these() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let seeds = seeds();
    if std::env::var_os("KPACK_UPDATE").is_some() {
        for ((target, name), bytes) in &seeds {
            let folder = folder.join(target);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
    let mut committed = Seeds::new();
    for target in Target::ALL {
        for entry in fs::read_dir(folder.join(target.name)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            committed.insert((target.name, name), fs::read(path).unwrap());
        }
    }
    let names = |seeds: &Seeds| seeds.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&seeds));
    for (name, bytes) in &seeds {
        assert!(
            committed[name] == *bytes,
            "stale, see the first lines of this test: {name:?}"
        );
    }
}

#[test]
fn every_target_has_seeds_that_are_accepted_and_seeds_that_are_refused() {
    for target in Target::ALL {
        let seeds = seeds();
        let own = seeds.iter().filter(|((of, _), _)| *of == target.name);
        let accepted = own
            .clone()
            .filter(|(_, bytes)| (target.run)(bytes) == Verdict::Accepted);
        let (accepted, all) = (accepted.count(), own.count());
        assert!(
            0 < accepted && accepted < all,
            "{}: {accepted} of {all}",
            target.name
        );
    }
}

fn seeds() -> Seeds {
    let mut seeds = Seeds::new();
    let mut add = |target, name: &str, bytes: Vec<u8>| {
        assert!(seeds.insert((target, name.to_owned()), bytes).is_none());
    };
    for (name, text) in manifests() {
        add("manifest", name, text);
    }
    for (name, text) in signature_files() {
        add("signature-file", name, text);
    }
    for (name, text) in trust_files() {
        add("trust-file", name, text);
    }
    for (name, bytes) in archives() {
        add("archive", name, bytes);
    }
    for (name, bytes) in modules() {
        add("module", &name, bytes);
    }
    for (name, bytes) in memory_plans() {
        add("memory-plan", name, bytes.to_vec());
    }
    seeds
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn manifest(kernels: Value) -> Value {
    json!({
        "version": "1.0.0", "name": "pack", "description": "",
        "min_runtime_version": "1.0.0", "max_runtime_version": "1.0.0",
        "created_at": "2026-01-31T12:00:00Z",
        "author": {
            "name": "A", "email": "a@example.org", "signing_key": key(7).public_key().to_string(),
        },
        "kernels": kernels,
    })
}

/// The manifest of the targets' own pack, as it is signed there.
fn plain_manifest() -> Value {
    manifest(json!([{
        "id": "kernel", "name": "Kernel", "category": "custom",
        "path": "kernel.wasm", "hash": sha256(MODULE).to_string(), "entry_point": "run",
        "inputs": [{"name": "x", "dtype": "f32", "shape": ["n"]}],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["n"]}],
        "resource_limits": {
            "max_memory_pages": 16, "max_epoch_ticks": 5, "max_table_elements": 1024
        },
    }]))
}

fn manifests() -> Vec<(&'static str, Vec<u8>)> {
    let hash = sha256(MODULE).to_string();
    let vector_hash = sha256(b"vector").to_string();
    let mut full = manifest(json!([
        {
            "id": "full", "name": "Every field", "category": "kv_cache",
            "path": "a/full.wasm", "hash": hash, "entry_point": "run",
            "inputs": [
                {"name": "x", "dtype": "q8", "shape": ["rows", "dim"]},
                {"name": "w", "dtype": "bf16", "shape": ["dim/2", 7]}
            ],
            "outputs": [{"name": "y", "dtype": "f16", "shape": ["rows", "dim*2", "k"]}],
            "params": {
                "eps": {"type": "f32", "default": 1e-5, "min": 0, "max": 1, "description": "small"},
                "k": {"type": "u32", "default": null},
                "flag": {"type": "bool", "default": true}
            },
            "resource_limits": {
                "max_memory_pages": 16, "max_epoch_ticks": 5, "max_table_elements": 0,
                "max_stack_size": 65536, "max_globals": 3
            },
            "platforms": {
                "wasmtime": {"min_version": "48.0.0", "features": ["simd"], "aot_available": true}
            },
            "benchmarks": {"rows_1_dim_32": {"latency_us": 3, "throughput_gflops": 0.5}},
            "abi": 1, "scratch": {"dtype": "u8", "shape": ["rows", 64]}, "parallel_dims": [],
            "variants": [{"path": "a/relaxed.wasm", "hash": hash, "features": ["relaxed-simd"]}],
            "vectors": [{
                "path": "v/1.safetensors", "hash": vector_hash, "params": {"k": 2},
                "tolerance": {"mode": "rowmax", "rtol": 1e-5, "atol": 0}
            }]
        },
        {
            "id": "plain", "name": "Plain", "category": "custom",
            "path": "plain.wasm", "hash": hash, "entry_point": "run",
            "inputs": [{"name": "x", "dtype": "i32", "shape": ["n"]}],
            "outputs": [{"name": "y", "dtype": "i8", "shape": ["n"]}],
            "resource_limits": {
                "max_memory_pages": 1, "max_epoch_ticks": 1, "max_table_elements": 0
            },
            "parallel_dims": ["n"]
        }
    ]));
    full["$schema"] = json!("https://example.org/kernel-pack-v1.json");
    full["fallbacks"] = json!({"plain": "builtin:copy"});
    full["sequence"] = json!(3);
    full["expires"] = json!("2027-01-31T12:00:00Z");
    let placeholders = include_str!("../../kpack-schema/tests/manifests/placeholders.json");
    vec![
        ("plain.json", plain_manifest().to_string().into()),
        ("every-field.json", full.to_string().into()),
        ("placeholders.json", placeholders.into()),
        ("no-kernels.json", manifest(json!([])).to_string().into()),
    ]
}

fn signature_files() -> Vec<(&'static str, Vec<u8>)> {
    let manifest = plain_manifest().to_string();
    let genuine = SignatureFile::new(key(7).sign_manifest(manifest.as_bytes()));
    let mut two = genuine.clone();
    two.upsert(key(9).sign_manifest(manifest.as_bytes()))
        .unwrap();
    let stranger = SignatureFile::new(key(9).sign_manifest(manifest.as_bytes()));
    let stale = SignatureFile::new(key(7).sign_manifest(b"another manifest"));
    vec![
        ("genuine.json", genuine.to_json().into()),
        ("two-signers.json", two.to_json().into()),
        ("stranger.json", stranger.to_json().into()),
        ("another-manifest.json", stale.to_json().into()),
    ]
}

fn trust_files() -> Vec<(&'static str, Vec<u8>)> {
    let (known, other) = (key(7), key(9));
    let plain = json!({"kpack_trust": 1, "keys": [{"key": known.public_key().to_string()}]});
    let full = json!({
        "kpack_trust": 1,
        "keys": [
            {
                "key": known.public_key().to_string(), "packs": ["pa?k", "llama-*"],
                "not_before": "2026-01-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z",
                "comment": "the author's"
            },
            {"key": other.public_key().to_string(), "packs": [], "not_before": null}
        ],
        "threshold": 1,
        "revoked_keys": [other.id().to_string()],
        "revoked_manifests": [sha256(b"").to_string()],
        "allow": {"pack": {"kernel": [sha256(MODULE).to_string()]}}
    });
    let mut revoked = plain.clone();
    revoked["revoked_keys"] = json!([known.id().to_string()]);
    let mut unreachable = plain.clone();
    unreachable["threshold"] = json!(2);
    vec![
        ("plain.json", plain.to_string().into()),
        ("every-field.json", full.to_string().into()),
        ("revoked.json", revoked.to_string().into()),
        (
            "threshold-out-of-reach.json",
            unreachable.to_string().into(),
        ),
    ]
}

/// Archives of the targets' own pack, and what is nearly one.
fn archives() -> Vec<(&'static str, Vec<u8>)> {
    let manifest = plain_manifest().to_string().into_bytes();
    let signature = SignatureFile::new(key(7).sign_manifest(&manifest));
    let file = |path: &str, bytes: &[u8]| (path.parse().unwrap(), bytes.to_vec());
    let archive = |signature: Option<Vec<u8>>, files: Vec<(PackPath, Vec<u8>)>| {
        let parts = PackParts {
            manifest: manifest.clone(),
            signature,
            files: files.into_iter().collect(),
        };
        PackBytes::new(parts).unwrap().to_archive().unwrap()
    };
    let signed = archive(
        Some(signature.to_json().into()),
        vec![file("kernel.wasm", MODULE)],
    );
    let several = vec![file("a/kernel.wasm", MODULE), file("b.safetensors", b"")];
    let mut trailing = signed.clone();
    trailing.extend([0; 512]);
    let mut other_mode = signed.clone();
    other_mode[105] = b'7';
    vec![
        ("signed.kpack", signed.clone()),
        ("several-files.kpack", archive(None, several)),
        ("cut.kpack", signed[..600].to_vec()),
        ("trailing-block.kpack", trailing),
        ("another-mode.kpack", other_mode),
    ]
}

/// Small modules of every kind, each behind the byte that says which features are on.
fn modules() -> Vec<(String, Vec<u8>)> {
    let exec = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kpack-exec/tests/hostile");
    let hostile = [
        "call-past-the-table",
        "copy-input",
        "divide-by-zero",
        "full-memory-copies",
        "globals-at-the-cap",
        "import-function",
        "infinite-loop",
        "memory-grow-bomb",
        "recursion",
        "rewrite-descriptor",
        "scribble-everywhere",
        "simd-declared",
        "table-grow-bomb",
        "tail-call",
    ];
    let mut modules: Vec<(String, Vec<u8>)> = hostile
        .iter()
        .map(|name| {
            let text = fs::read_to_string(exec.join(format!("{name}.wat"))).unwrap();
            (format!("{name}.module"), wat::parse_str(text).unwrap())
        })
        .collect();
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kpack/reference-pack/llama-core");
    for name in ["swiglu/swiglu_f32.wasm", "swiglu/swiglu_f32.simd.wasm"] {
        let file = name.rsplit('/').next().unwrap();
        modules.push((
            file.replace(".wasm", ".module"),
            fs::read(pack.join(name)).unwrap(),
        ));
    }
    for (_, module) in &mut modules {
        module.insert(0, 7);
    }
    modules
}

fn memory_plans() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("plainest.plan", b""),
        // Pages, three sizes, tensors, scratch and parameters.
        ("several-tensors.plan", b"\x01\x05\x06\x09\x0e\x02\x00\x01\x00\x05\x01\x05\x04\x00\x02\x05"),
        ("blocks.plan", b"\x00\x06\x0d\x0e\x0d\x03\x07\x00\x00\x05\x06\x00\x01\x05\x01\x02\x02\x05\x01\x03\x06\x01\x05"),
        ("too-large.plan", b"\x03\x03\x13\x13\x13\x01\x00\x00\x00\x05"),
        ("gaps.plan", b"\x02\x07\x01\x02\x03\x03\x04\x00\x00\x05\x04\x00\x01\x05\x03\x00\x02\x05\x04\x00\x00\x05\x02\x04\x00\x01\x05"),
    ]
}
