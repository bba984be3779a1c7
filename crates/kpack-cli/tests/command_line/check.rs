use std::path::Path;

use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use crate::support::{COPY, SCALE, Work, engines, f32s, kernel, module, scale};

const CHECK: [&str; 4] = ["check", "pack", "--trust", "trust.json"];

fn check_with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&CHECK[..], more].concat()
}

/// A pack of [`SCALE`] with one vector, of these results.
fn with_vector(y: &[f32]) -> Work {
    let mut scale = scale();
    scale["vectors"] = vectors();
    let work = Work::new();
    work.write_pack(&[("scale.wasm", SCALE)], json!([scale]));
    work.write_tensors(
        "pack/vector.safetensors",
        &[
            ("x", Dtype::F32, &[2, 2], f32s(&[1.0, 2.0, 3.0, 4.0])),
            ("weight", Dtype::F32, &[2], f32s(&[10.0, 100.0])),
            ("y", Dtype::F32, &[y.len() / 2, 2], f32s(y)),
        ],
    );
    work.release(|_| {});
    work
}

fn vectors() -> Value {
    json!([{
        "path": "vector.safetensors", "hash": "sha256:", "params": {"eps": 0.5},
        "tolerance": {"mode": "elementwise", "rtol": 1e-6}
    }])
}

/// Kernel `k`, whose module has this body, and a vector of ten numbers, twice.
fn with_body(body: &str) -> Work {
    let mut k = kernel("k", "k.wasm", "f32");
    k["resource_limits"]["max_epoch_ticks"] = json!(2);
    k["vectors"] = json!([{
        "path": "vector.safetensors", "hash": "sha256:", "tolerance": {"mode": "exact"}
    }]);
    let work = Work::new();
    work.write_pack(&[("k.wasm", body)], json!([k]));
    let numbers = || f32s(&[0.5; 10]);
    work.write_tensors(
        "pack/vector.safetensors",
        &[
            ("x", Dtype::F32, &[10], numbers()),
            ("y", Dtype::F32, &[10], numbers()),
        ],
    );
    work.release(|_| {});
    work
}

/// What a check that fails prints for people is a table, and then the error.
fn fails(work: &Work, code: i32, kind: &str) -> Value {
    let text = work.run(&CHECK);
    assert_eq!(text.code, code, "{text:?}");
    assert!(text.stdout.starts_with("KERNEL"), "{text:?}");
    assert!(text.stdout.contains(kind), "{text:?}");
    assert!(text.stderr.starts_with("error: "), "{text:?}");
    let json = work.run(&check_with(&["--json"]));
    assert_eq!(json.code, code, "{json:?}");
    let error = json.json()["error"].clone();
    assert_eq!(error["kind"], kind, "{error}");
    let documented = crate::support::documented_kinds();
    assert!(documented.contains(&(kind.to_owned(), code)));
    error
}

#[test]
fn the_reference_pack_passes_on_every_engine() {
    let work = Work::new();
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kpack/reference-pack");
    let (pack, trust) = (reference.join("llama-core"), reference.join("trust.json"));
    let args = ["check", pack.to_str().unwrap(), "--trust"];
    let args = [&args[..], &[trust.to_str().unwrap(), "--json"]].concat();
    let json = work.ok(&args).json();
    let found: Vec<&str> = engines().collect();
    assert_eq!(json["engines"], json!(found));
    assert_eq!(json["untested"], json!([]), "every kernel ships a vector");
    let results = json["results"].as_array().unwrap();
    for engine in found {
        let of_engine = results.iter().filter(|result| result["engine"] == engine);
        assert!(of_engine.count() >= 10, "{results:?}");
    }
    for result in results {
        assert_eq!(result["verdict"], "passed", "{result}");
        assert!(result["deviation"].as_f64().unwrap() <= 1.0, "{result}");
    }
}

#[test]
fn a_vector_that_fits_is_passed_with_its_deviation() {
    let work = with_vector(&[10.5, 200.5, 30.5, 400.5]);
    for engine in engines() {
        let args = check_with(&["--backend", engine, "--json"]);
        let json = work.ok(&args).json();
        assert_eq!(
            json,
            json!({
                "pack": "test-pack", "version": "1.0.0", "engines": [engine], "untested": [],
                "results": [{
                    "kernel": "scale", "engine": engine, "vector": "vector.safetensors",
                    "module": "scale.wasm", "features": [], "verdict": "passed",
                    "deviation": 0.0, "relative": 0.0
                }]
            })
        );
    }
    let text = work.ok(&CHECK).stdout;
    assert_eq!(text.lines().count(), 1 + engines().count(), "{text}");
    assert!(text.contains("passed   0.0 % of the tolerance"), "{text}");
}

#[test]
fn numbers_that_differ_are_named() {
    let work = with_vector(&[10.5, 200.5, 31.0, 400.5]);
    let error = fails(&work, 5, "wrong_numbers");
    assert_eq!(
        (&error["kernel"], &error["file"], &error["engine"]),
        (
            &json!("scale"),
            &json!("vector.safetensors"),
            &json!("wasmtime")
        )
    );
    assert_eq!(
        (&error["tensor"], &error["index"]),
        (&json!("y"), &json!(2))
    );
    assert_eq!(
        (&error["expected"], &error["found"]),
        (&json!(31.0), &json!(30.5))
    );
    let message = error["message"].as_str().unwrap();
    for named in [
        "scale",
        "vector.safetensors",
        "`y`",
        "element 2",
        "31.0",
        "30.5",
    ] {
        assert!(message.contains(named), "{message}");
    }
    assert_eq!(error["results"][0]["verdict"], "wrong_numbers");
    assert_eq!(
        error["results"].as_array().unwrap().len(),
        engines().count()
    );
}

#[test]
fn a_vector_of_another_shape_refuses_the_pack() {
    let error = fails(&with_vector(&[10.5, 200.5]), 3, "malformed_vector");
    assert_eq!(error["fault"], "author");
    assert_eq!(error["tensor"], "y");
    assert_eq!(
        (&error["expected"], &error["found"]),
        (&json!([2, 2]), &json!([1, 2]))
    );
}

#[test]
fn a_kernel_that_fails_its_vector_is_told_by_its_exit_code() {
    fails(&with_body(&module("unreachable")), 5, "unreachable");
    let error = fails(&with_body(&module("(i32.const 6)")), 5, "status");
    assert_eq!(error["status"], 6);
    let endless = module("(loop $again (br $again)) (i32.const 0)");
    fails(&with_body(&endless), 4, "deadline");
}

#[test]
fn a_pack_without_vectors_says_so() {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let ran = work.ok(&CHECK);
    assert_eq!(ran.stdout, "no vector was run: the pack ships none\n");
    assert_eq!(
        ran.stderr,
        "note: the pack ships no vector for kernel: `scale`\n"
    );
    let json = work.ok(&check_with(&["--json"])).json();
    assert_eq!(json["untested"], json!(["scale"]));
    assert_eq!(json["results"], json!([]));
}

#[test]
fn a_pack_that_no_engine_runs_is_refused() {
    let mut late = kernel("late", "copy.wasm", "f32");
    late["platforms"] = json!({"wasmtime": {"min_version": "999.0.0"}});
    let work = Work::with_pack(&[("copy.wasm", COPY)], json!([late]));
    work.fails(&check_with(&["--backend", "wasmtime"]), 3, "engine_version");
}

#[test]
fn what_is_not_verified_is_not_run() {
    let work = with_vector(&[10.5, 200.5, 30.5, 400.5]);
    std::fs::write(work.path("pack/vector.safetensors"), "another").unwrap();
    work.fails(&CHECK, 3, "digest_mismatch");
    std::fs::remove_file(work.path("pack/kernels.json.sig")).unwrap();
    work.fails(&CHECK, 3, "missing_signature");
}

#[test]
fn a_pack_that_fails_raises_no_floor() {
    let work = with_vector(&[10.5, 200.5, 31.0, 400.5]);
    work.ok(&["trust", "init", "--state", "state"]);
    let good = with_vector(&[10.5, 200.5, 30.5, 400.5]);
    good.ok(&["trust", "init", "--state", "state"]);
    for (work, code, floors) in [(&work, 5, 0), (&good, 0, 1)] {
        work.release(|manifest| manifest["sequence"] = json!(7));
        let ran = work.run(&check_with(&["--state", "state"]));
        assert_eq!(ran.code, code, "{ran:?}");
        let args = ["trust", "show", "trust.json", "--state", "state", "--json"];
        let shown = work.ok(&args).json();
        assert_eq!(
            shown["state"]["floors"].as_array().unwrap().len(),
            floors,
            "{shown}"
        );
    }
}
