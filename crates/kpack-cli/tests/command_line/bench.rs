use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use crate::support::{COPY, SCALE, Work, f32s, kernel, module, scale};

const BENCH: [&str; 6] = [
    "bench",
    "pack",
    "--trust",
    "trust.json",
    "--backend",
    "wasmtime",
];

fn bench_with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&BENCH[..], more].concat()
}

fn dims(work: &Work, more: &[&str]) -> Value {
    let measured = work.ok(&bench_with(&[more, &["--json"]].concat())).json();
    measured["results"][0]["dims"].clone()
}

#[test]
fn a_kernel_is_measured() {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let args = ["scale", "--dim", "rows=3", "--dim", "hidden=64"];
    let measured = work
        .ok(&bench_with(&[&args[..], &["--json"]].concat()))
        .json();
    assert_eq!(measured["engines"], json!(["wasmtime"]));
    let result = &measured["results"][0];
    assert_eq!(result["kernel"], "scale");
    assert_eq!(result["bytes_in"], (3 * 64 + 64) * 4);
    assert_eq!(result["bytes_out"], 3 * 64 * 4);
    let (ns, gb) = (
        result["median_ns"].as_f64().unwrap(),
        result["gb_per_s"].as_f64().unwrap(),
    );
    assert!(ns > 0.0 && (gb * ns - f64::from((3 * 64 * 2 + 64) * 4)).abs() < 1e-6);
    let text = work.ok(&bench_with(&args)).stdout;
    assert!(
        text.starts_with("KERNEL") && text.contains("rows=3 hidden=64"),
        "{text}"
    );
}

#[test]
fn every_kernel_is_measured_where_none_is_named() {
    let late = {
        let mut late = kernel("late", "copy.wasm", "f32");
        late["platforms"] = json!({"wasmtime": {"min_version": "999.0.0"}});
        late
    };
    let kernels = json!([
        kernel("floats", "copy.wasm", "f32"),
        kernel("blocks", "copy.wasm", "q8"),
        late
    ]);
    let work = Work::with_pack(&[("copy.wasm", COPY)], kernels);
    let ran = work.ok(&bench_with(&["--dim", "n=64", "--json"]));
    let results = ran.json()["results"].clone();
    let ids: Vec<&str> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["kernel"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["floats", "blocks"]);
    assert!(ran.stderr.contains("skipped on wasmtime: late"), "{ran:?}");
    work.fails(&bench_with(&["late", "--dim", "n=64"]), 3, "engine_version");
}

#[test]
fn sizes_come_from_dim_then_benchmarks_then_vectors() {
    let mut k = scale();
    k["params"]["eps"]["default"] = Value::Null;
    k["vectors"] = json!([{
        "path": "v.safetensors", "hash": "", "params": {"eps": 0.25},
        "tolerance": {"mode": "exact"}
    }]);
    let work = Work::new();
    work.write_pack(&[("scale.wasm", SCALE)], json!([k]));
    work.write_tensors(
        "pack/v.safetensors",
        &[
            ("x", Dtype::F32, &[2, 3], f32s(&[0.0; 6])),
            ("weight", Dtype::F32, &[3], f32s(&[0.0; 3])),
            ("y", Dtype::F32, &[2, 3], f32s(&[0.25; 6])),
        ],
    );
    work.release(|_| ());
    assert_eq!(dims(&work, &[]), json!({"rows": 2, "hidden": 3}));
    assert_eq!(
        dims(&work, &["--dim", "rows=5"]),
        json!({"rows": 5, "hidden": 3})
    );
    work.release(|manifest| {
        let claim = json!({"latency_us": 1, "throughput_gflops": 1.0});
        manifest["kernels"][0]["benchmarks"] = json!({"rows_7_hidden_8": claim});
    });
    assert_eq!(dims(&work, &[]), json!({"rows": 7, "hidden": 8}));
    assert_eq!(
        dims(&work, &["--dim", "hidden=9"]),
        json!({"rows": 7, "hidden": 9})
    );
}

#[test]
fn a_dim_sets_the_parameter_that_binds_it() {
    let mut k = kernel("k", "k.wasm", "i32");
    k["outputs"][0]["shape"] = json!(["n", "half"]);
    k["params"] = json!({"half": {"type": "u32", "default": null}});
    let work = Work::with_pack(&[("k.wasm", &module("i32.const 0"))], json!([k]));
    assert_eq!(
        dims(&work, &["--dim", "n=4", "--dim", "half=16"]),
        json!({"n": 4, "half": 16})
    );
    let error = work.fails(&bench_with(&["--dim", "n=4"]), 2, "missing_dimension");
    assert_eq!(error["missing"], json!(["half"]));
}

#[test]
fn sizes_that_cannot_be() {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let error = work.fails(&bench_with(&["scale"]), 2, "missing_dimension");
    assert_eq!(error["missing"], json!(["rows", "hidden"]));
    let both = |rows: &'static str| bench_with(&["--dim", rows, "--dim", "hidden=4"]);
    work.fails(&both("rows=x"), 2, "malformed_argument");
    work.fails(&both("hidden=4"), 2, "repeated_argument");
    work.fails(&both("columns=4"), 2, "unknown_dimension");
    work.fails(&both("rows=0"), 1, "invalid_dimension");
    work.fails(&both("rows=99999999999999999999"), 1, "invalid_dimension");
    work.fails(&both("rows=1000000"), 4, "memory_limit");
    work.fails(&bench_with(&["nothing"]), 1, "unknown_kernel");
    let other = ["bench", "pack", "--trust", "trust.json", "--backend", "v8"];
    work.fails(&other, 2, "unknown_backend");
}

#[test]
fn a_kernel_that_fails_is_not_measured() {
    let k = kernel("k", "k.wasm", "f32");
    let work = Work::with_pack(&[("k.wasm", &module("unreachable"))], json!([k]));
    work.fails(&bench_with(&["--dim", "n=4"]), 5, "unreachable");
}

#[test]
fn a_pack_for_one_engine_is_measured_on_that_engine() {
    let mut only = kernel("only", "copy.wasm", "f32");
    only["platforms"] = json!({"wasmtime": {"min_version": "1.0.0"}});
    let work = Work::with_pack(&[("copy.wasm", COPY)], json!([only]));
    for kernel in [&[][..], &["only"]] {
        let args = ["bench", "pack", "--trust", "trust.json", "--dim", "n=32"];
        let ran = work.ok(&[&args[..], kernel, &["--json"]].concat());
        let results = ran.json()["results"].as_array().unwrap().len();
        assert_eq!(results, 1);
        assert!(
            ran.stderr
                .contains("skipped on wasmer: only: the kernel runs only on wasmtime"),
            "{ran:?}"
        );
    }
}
