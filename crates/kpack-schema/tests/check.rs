//! What a manifest means: each problem is named with its place, and all are reported at once.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use kpack_schema::{FallbackTarget, HostPolicy, KernelManifest, LimitPolicy, ManifestProblems};
use serde_json::{Value, json};

const GOOD: &str = include_str!("manifests/good.json");

/// The good manifest with the values at some pointers replaced; a missing last key is added.
fn with(changes: &[(&str, Value)]) -> KernelManifest {
    let mut document: Value = serde_json::from_str(GOOD).unwrap();
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match document
            .pointer_mut(parent)
            .unwrap_or_else(|| panic!("{pointer}"))
        {
            Value::Array(array) => {
                let index: usize = key.parse().unwrap();
                if index == array.len() {
                    array.push(value.clone())
                } else {
                    array[index] = value.clone()
                }
            }
            object => object[key.replace("~1", "/")] = value.clone(),
        }
    }
    KernelManifest::from_json(&document.to_string()).unwrap()
}

fn problems(changes: &[(&str, Value)]) -> ManifestProblems {
    with(changes).check(&HostPolicy::default()).unwrap_err()
}

#[test]
fn the_good_manifest_is_accepted() {
    let checked = with(&[]).check(&HostPolicy::default()).unwrap();
    assert_eq!(checked.name().as_str(), "example-core");
    assert_eq!(checked.version().to_string(), "1.2.3");
    assert_eq!(checked.files().len(), 1);
    let kernel = checked.kernel("rmsnorm_f32").unwrap();
    assert_eq!(kernel.limits().stack_bytes, 512 * 1024);
    assert_eq!(kernel.limits().globals, 1000);
    assert!(matches!(
        checked.fallback("rmsnorm_f32"),
        Some(FallbackTarget::Builtin(_))
    ));
}

#[test]
fn each_problem_is_found_at_its_place() {
    let long = |length: usize| json!("x".repeat(length));
    let k = |rest: &str| format!("/kernels/0/{rest}");
    let cases: Vec<(String, Value, &str)> = vec![
        ("/version".into(), json!("1.0"), "version"),
        ("/version".into(), json!("01.0.0"), "version"),
        ("/version".into(), json!("1.0.0+build"), "version"),
        ("/min_runtime_version".into(), json!("2.0.0"), "version"),
        (
            "/max_runtime_version".into(),
            json!("0.9.0"),
            "runtime_version",
        ),
        (
            "/max_runtime_version".into(),
            json!("1.0.0-alpha"),
            "runtime_version",
        ),
        ("/created_at".into(), json!("2026-01-18"), "time"),
        (
            "/created_at".into(),
            json!("2026-01-18T00:00:00+01:00"),
            "time",
        ),
        ("/expires".into(), json!("2026-01-18T00:00:00Z"), "time"),
        ("/expires".into(), json!("never"), "time"),
        ("/name".into(), json!("Llama"), "name"),
        ("/name".into(), json!(""), "name"),
        ("/description".into(), long(65_537), "too_large"),
        ("/$schema".into(), long(65_537), "too_large"),
        (
            "/version".into(),
            json!(format!("1.0.0-{}", "a".repeat(65_536))),
            "too_large",
        ),
        (
            k("platforms/wasmtime/min_version"),
            json!(format!("1.0.0-{}", "a".repeat(65_536))),
            "too_large",
        ),
        (
            k("benchmarks"),
            json!({"n".repeat(65_537): {"latency_us": 1, "throughput_gflops": 1.0}}),
            "too_large",
        ),
        (k("params/eps/description"), long(65_537), "too_large"),
        ("/author/name".into(), long(257), "too_large"),
        (
            "/author/signing_key".into(),
            json!("ed25519:AAAA..."),
            "key",
        ),
        (k("id"), json!("rmsn\u{43e}rm"), "name"),
        (k("id"), json!("RMSNorm"), "name"),
        (k("id"), json!("rms\u{0}norm"), "name"),
        (k("id"), long(257), "name"),
        (k("name"), long(257), "too_large"),
        (k("path"), json!("../escape.wasm"), "path"),
        (k("path"), json!("/etc/passwd"), "path"),
        (k("path"), json!("a/con.wasm"), "path"),
        (k("path"), json!("kernels.json"), "path"),
        (k("path"), json!("Kernels.JSON.sig"), "path"),
        (k("path"), long(257), "too_large"),
        (k("hash"), json!("sha256:abc"), "hash"),
        (
            k("hash"),
            json!(format!("sha256:{}", "A".repeat(64))),
            "hash",
        ),
        (
            k("hash"),
            json!("md5:d41d8cd98f00b204e9800998ecf8427e"),
            "hash",
        ),
        (k("entry_point"), json!(""), "entry_point"),
        (k("entry_point"), json!("a\nb"), "entry_point"),
        (k("entry_point"), long(257), "entry_point"),
        (k("inputs/0/name"), json!("X"), "name"),
        (k("inputs/1/name"), json!("x"), "duplicate"),
        (k("outputs/0/name"), json!("x"), "duplicate"),
        (k("inputs/0/shape/0"), json!(0), "shape"),
        (k("inputs/0/shape/0"), json!((1_u64 << 31) + 1), "shape"),
        (k("inputs/0/shape/0"), json!(""), "shape"),
        (k("inputs/0/shape/0"), json!("64"), "shape"),
        (k("inputs/0/shape/0"), json!("rows/0"), "shape"),
        (
            k("inputs/0/shape"),
            json!([1, 1, 1, 1, 1, 1, 1, 1, 1]),
            "shape",
        ),
        (
            k("inputs/0"),
            json!({"name": "x", "dtype": "q8", "shape": ["rows", 33]}),
            "shape",
        ),
        (
            k("inputs/0"),
            json!({"name": "x", "dtype": "q4", "shape": []}),
            "shape",
        ),
        (k("outputs/0/shape/0"), json!("lines"), "unbound_symbol"),
        (k("inputs/0/shape/1"), json!("lines*2"), "unbound_symbol"),
        (k("params/eps/default"), json!(1e39), "param"),
        (k("params/eps/default"), json!(2.0), "param"),
        (k("params/eps/default"), json!("1e-5"), "param"),
        (k("params/eps/default"), json!("NaN"), "param"),
        (k("params/eps/default"), json!(true), "param"),
        (k("params/eps/min"), json!(2), "param"),
        (k("params/eps/max"), json!("1"), "param"),
        (
            k("params/Eps"),
            json!({"type": "f32", "default": 0}),
            "name",
        ),
        (
            k("params/flag"),
            json!({"type": "bool", "default": 0}),
            "param",
        ),
        (
            k("params/flag"),
            json!({"type": "bool", "default": true, "max": true}),
            "param",
        ),
        (
            k("params/n"),
            json!({"type": "u32", "default": 1.0}),
            "param",
        ),
        (
            k("params/n"),
            json!({"type": "u32", "default": -1}),
            "param",
        ),
        (k("resource_limits/max_memory_pages"), json!(0), "limit"),
        (
            k("resource_limits/max_memory_pages"),
            json!(16_385),
            "limit",
        ),
        (k("resource_limits/max_epoch_ticks"), json!(0), "limit"),
        (
            k("resource_limits/max_epoch_ticks"),
            json!(u64::MAX),
            "limit",
        ),
        (
            k("resource_limits/max_table_elements"),
            json!(65_537),
            "limit",
        ),
        (k("resource_limits/max_stack_size"), json!(0), "limit"),
        (
            k("resource_limits/max_stack_size"),
            json!(1_048_577),
            "limit",
        ),
        (k("resource_limits/max_globals"), json!(1_001), "limit"),
        (k("platforms/wasmtime/min_version"), json!("48"), "version"),
        (
            k("platforms/wasmtime/features/0"),
            json!("threads"),
            "feature",
        ),
        (
            k("platforms/Wasm Time"),
            json!({"min_version": "1.0.0"}),
            "name",
        ),
        (k("abi"), json!(2), "abi"),
        (
            k("scratch"),
            json!({"dtype": "f32", "shape": ["lines"]}),
            "unbound_symbol",
        ),
        (k("parallel_dims/0"), json!("lines"), "shape"),
        (k("parallel_dims/1"), json!("rows"), "duplicate"),
        (
            k("variants"),
            json!([{"path": "RMSNORM/rmsnorm_f32.wasm", "hash": format!("sha256:{}", "0".repeat(64))}]),
            "path",
        ),
        (
            k("variants"),
            json!([{"path": "rmsnorm/rmsnorm_f32.wasm", "hash": format!("sha256:{}", "0".repeat(64))}]),
            "hash",
        ),
        (
            k("vectors"),
            json!([{"path": "v", "hash": format!("sha256:{}", "0".repeat(64)),
            "tolerance": {"mode": "rowmax", "rtol": -1.0}}]),
            "tolerance",
        ),
        (
            k("vectors"),
            json!([{"path": "v", "hash": format!("sha256:{}", "0".repeat(64)),
            "tolerance": {"mode": "elementwise", "rtol": 1.001}}]),
            "tolerance",
        ),
        (
            k("vectors"),
            json!([{"path": "v", "hash": format!("sha256:{}", "0".repeat(64)),
            "tolerance": {"mode": "elementwise", "rtol": 1e308}}]),
            "tolerance",
        ),
        (
            k("vectors"),
            json!([{"path": "v", "hash": format!("sha256:{}", "0".repeat(64)),
            "tolerance": {"mode": "elementwise", "rtol": 1.0, "atol": -1e-9}}]),
            "tolerance",
        ),
        (
            k("vectors"),
            json!([{"path": "v", "hash": format!("sha256:{}", "0".repeat(64)),
            "params": {"epsilon": 1}, "tolerance": {"mode": "exact"}}]),
            "param",
        ),
        (
            "/fallbacks/rmsnorm_f32".into(),
            json!("rmsnorm_f32"),
            "fallback",
        ),
        (
            "/fallbacks/rmsnorm_f32".into(),
            json!("rmsnorm_reference"),
            "fallback",
        ),
        (
            "/fallbacks/rmsnorm_f32".into(),
            json!("builtin:"),
            "fallback",
        ),
        ("/fallbacks/unknown".into(), json!("builtin:x"), "fallback"),
    ];
    for (pointer, value, kind) in cases {
        let found = problems(&[(&pointer, value.clone())]);
        let names: Vec<_> = found
            .problems()
            .iter()
            .map(|p| (p.pointer.as_str(), p.kind.name()))
            .collect();
        let hit = names
            .iter()
            .any(|(at, name)| *name == kind && at.starts_with(&pointer));
        assert!(
            hit || (kind == "version" && names.iter().any(|(_, name)| *name == kind)),
            "{pointer} = {value}: {names:?}"
        );
    }
}

/// As many symbols as a manifest holds: a search for each among all would take minutes.
#[test]
fn a_kernel_of_very_many_symbols_is_checked_and_bound() {
    let symbol = |n: usize| format!("a{n:x}");
    let inputs: Vec<Value> = (0..8_000)
        .map(|n| {
            let shape: Vec<String> = (1..=8).map(|axis| symbol(9 * n + axis)).collect();
            json!({"name": symbol(9 * n), "dtype": "u8", "shape": shape})
        })
        .collect();
    let outputs = json!([{"name": "y", "dtype": "u8", "shape": [symbol(1)]}]);
    let manifest = with(&[
        ("/kernels/0/inputs", json!(inputs)),
        ("/kernels/0/outputs", outputs),
        (
            "/kernels/0/parallel_dims",
            json!([symbol(1), symbol(71_999)]),
        ),
    ]);
    let checked = manifest.check(&HostPolicy::default()).unwrap();
    let signature = checked.kernels()[0].signature();
    assert_eq!(signature.symbols().len(), 64_000);
    let names: Vec<String> = signature.inputs().iter().map(|i| i.name.clone()).collect();
    let shape: &[usize] = &[1; 8];
    let shapes: Vec<(&str, &[usize])> = names.iter().map(|name| (name.as_str(), shape)).collect();
    let binding = signature.bind_shapes(&shapes, &[]).unwrap();
    assert_eq!(binding.params_block().len(), 4 * 64_000 + 2 * 4);
}

#[test]
fn the_last_second_of_the_calendar_is_a_time_to_expire() {
    for expires in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999999Z"] {
        let manifest = with(&[("/expires", json!(expires))]);
        let checked = manifest.check(&HostPolicy::default()).unwrap();
        assert_eq!(checked.expires().unwrap().to_string(), expires);
    }
    let found = problems(&[("/expires", json!("2027-01-18T12:00:60Z"))]);
    assert_eq!(found.problems()[0].kind.name(), "time");
}

/// The pointer to every problem below a name repeats the name.
#[test]
fn a_long_name_with_many_problems_below_it_takes_no_memory() {
    let engine = "e".repeat(500_000);
    let features = vec!["x"; 100_000];
    let found = problems(&[(
        &format!("/kernels/0/platforms/{engine}"),
        json!({"min_version": "1.0.0", "features": features}),
    )]);
    let pointers: usize = found.problems().iter().map(|p| p.pointer.len()).sum();
    assert!(pointers < 2_000_000, "{pointers} bytes of pointers");
}

#[test]
fn all_problems_are_reported_at_once() {
    let found = problems(&[
        ("/version", json!("1.0")),
        ("/created_at", json!("yesterday")),
        ("/kernels/0/hash", json!("sha256:abc123")),
        ("/kernels/0/inputs/0/shape/0", json!(0)),
        ("/kernels/0/resource_limits/max_epoch_ticks", json!(0)),
    ]);
    let at: Vec<&str> = found
        .problems()
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    for pointer in [
        "/version",
        "/created_at",
        "/kernels/0/hash",
        "/kernels/0/inputs/0/shape/0",
        "/kernels/0/resource_limits/max_epoch_ticks",
    ] {
        assert!(at.contains(&pointer), "{pointer} is not among {at:?}");
    }
    let first = &found.problems()[0];
    assert_eq!(
        first.to_string(),
        "/version must be a semantic version without build metadata, such as 1.2.3: `1.0`"
    );
}

#[test]
fn the_runtime_window_is_inclusive() {
    let window = [
        ("/min_runtime_version", json!("1.0.0")),
        ("/max_runtime_version", json!("1.0.0")),
    ];
    assert!(with(&window).check(&HostPolicy::default()).is_ok());
    let window = [
        ("/min_runtime_version", json!("1.0.1")),
        ("/max_runtime_version", json!("1.0.1")),
    ];
    assert!(with(&window).check(&HostPolicy::default()).is_err());
}

#[test]
fn a_pack_has_at_most_256_kernels_with_ids_of_their_own() {
    let kernel: Value = with(&[])
        .kernels
        .first()
        .map(|kernel| serde_json::to_value(kernel).unwrap())
        .unwrap();
    let numbered = |count: usize| -> Value {
        (0..count)
            .map(|index| {
                let mut kernel = kernel.clone();
                kernel["id"] = json!(format!("k{index}"));
                kernel
            })
            .collect()
    };
    let without_fallback = ("/fallbacks", json!({}));
    assert!(
        with(&[("/kernels", numbered(256)), without_fallback.clone()])
            .check(&HostPolicy::default())
            .is_ok()
    );
    let found = problems(&[("/kernels", numbered(257)), without_fallback.clone()]);
    assert_eq!(found.problems()[0].kind.name(), "too_large");
    let found = problems(&[("/kernels", json!([kernel, kernel])), without_fallback]);
    assert_eq!(found.problems()[0].pointer, "/kernels/1/id");
    assert_eq!(found.problems()[0].kind.name(), "duplicate");
}

#[test]
fn fallbacks_may_chain_but_not_in_a_circle_and_not_to_another_signature() {
    let kernel: Value = serde_json::from_str::<Value>(GOOD).unwrap()["kernels"][0].clone();
    let named = |id: &str| {
        let mut kernel = kernel.clone();
        kernel["id"] = json!(id);
        kernel
    };
    let three = json!([named("a"), named("b"), named("c")]);
    let chain = json!({"a": "b", "b": "c", "c": "builtin:rmsnorm"});
    assert!(
        with(&[("/kernels", three.clone()), ("/fallbacks", chain)])
            .check(&HostPolicy::default())
            .is_ok()
    );
    let circle = json!({"a": "b", "b": "c", "c": "a"});
    let found = problems(&[("/kernels", three), ("/fallbacks", circle)]);
    assert_eq!(found.problems().len(), 3);

    let mut other = named("b");
    other["inputs"][0]["dtype"] = json!("f16");
    let found = problems(&[
        ("/kernels", json!([named("a"), other])),
        ("/fallbacks", json!({"a": "b"})),
    ]);
    assert_eq!(
        (
            found.problems()[0].pointer.as_str(),
            found.problems()[0].kind.name()
        ),
        ("/fallbacks/a", "fallback")
    );

    let mut fewer = named("b");
    fewer["params"] = json!({});
    let found = problems(&[
        ("/kernels", json!([named("a"), fewer])),
        ("/fallbacks", json!({"a": "b"})),
    ]);
    assert_eq!(found.problems()[0].kind.name(), "fallback");
}

#[test]
fn a_host_may_name_fallbacks_and_tighten_limits() {
    let named = HostPolicy {
        named_fallbacks: ["rmsnorm_reference".parse().unwrap()].into(),
        ..HostPolicy::default()
    };
    let manifest = with(&[("/fallbacks/rmsnorm_f32", json!("rmsnorm_reference"))]);
    let checked = manifest.check(&named).unwrap();
    assert!(matches!(
        checked.fallback("rmsnorm_f32"),
        Some(FallbackTarget::Host(_))
    ));

    let tight = LimitPolicy {
        max_memory_pages: 1023,
        ..LimitPolicy::default()
    };
    let policy = HostPolicy {
        limits: tight,
        ..HostPolicy::default()
    };
    let found = with(&[]).check(&policy).unwrap_err();
    assert_eq!(
        found.problems()[0].pointer,
        "/kernels/0/resource_limits/max_memory_pages"
    );
}

#[test]
fn an_integer_parameter_may_bind_a_symbol() {
    let kernel = [
        (
            "/kernels/0/inputs",
            json!([{"name": "positions", "dtype": "i32", "shape": ["seq"]}]),
        ),
        (
            "/kernels/0/outputs",
            json!([{"name": "freqs", "dtype": "f32", "shape": ["seq", 2, "half"]}]),
        ),
        (
            "/kernels/0/params",
            json!({"half": {"type": "u32", "default": null}, "theta": {"type": "f32", "default": 10000}}),
        ),
        ("/kernels/0/parallel_dims", json!(["seq"])),
    ];
    assert!(with(&kernel).check(&HostPolicy::default()).is_ok());
    let mut float = kernel.clone();
    float[2].1 = json!({"half": {"type": "f32", "default": null}});
    assert_eq!(problems(&float).problems()[0].kind.name(), "unbound_symbol");
    let mut parallel = kernel;
    parallel[3].1 = json!(["half"]);
    assert_eq!(problems(&parallel).problems()[0].kind.name(), "shape");
}
