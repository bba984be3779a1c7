use std::fs;

use serde_json::{Value, json};

use crate::support::{SCALE, Work, kernel, scale};

fn problems(inspected: &Value) -> Vec<&str> {
    let problems = inspected["problems"].as_array().unwrap();
    problems
        .iter()
        .map(|problem| problem["kind"].as_str().unwrap())
        .collect()
}

#[test]
fn a_pack_is_shown_without_trust() {
    let mut late = kernel("late", "scale.wasm", "f32");
    late["platforms"] = json!({"wasmtime": {"min_version": "999.0.0"}});
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale(), late]));
    let inspected = work.ok(&["inspect", "pack", "--json"]).json();
    assert_eq!(inspected["verified"], false);
    assert_eq!(inspected["manifest"], work.manifest());
    assert_eq!(inspected["signatures"].as_array().unwrap().len(), 1);
    assert_eq!(problems(&inspected), Vec::<&str>::new());
    assert_eq!(inspected["engines"]["scale"][0]["runs"], true);
    assert_eq!(inspected["engines"]["late"][0]["kind"], "engine_version");
    let text = work.ok(&["inspect", "pack"]).stdout;
    assert!(text.starts_with("nothing was verified"), "{text}");
    assert!(
        text.contains("x f32[rows,hidden], weight f32[hidden]"),
        "{text}"
    );
}

#[test]
fn a_kernel_is_shown_with_all_that_is_said_of_it() {
    let mut k = scale();
    k["scratch"] = json!({"dtype": "f32", "shape": ["hidden"]});
    k["parallel_dims"] = json!(["rows"]);
    k["resource_limits"]["max_stack_size"] = json!(65_536);
    k["platforms"] = json!({
        "wasmtime": {"min_version": "1.0.0", "features": ["simd"], "aot_available": true},
        "v8": {"min_version": "13.0.0"},
    });
    k["benchmarks"] = json!({"rows_7_hidden_8": {"latency_us": 12, "throughput_gflops": 3.5}});
    k["variants"] = json!([{"path": "scale.wasm", "hash": "", "features": ["relaxed-simd"]}]);
    k["vectors"] = json!([{"path": "v.safetensors", "hash": "", "tolerance": {"mode": "exact"}}]);
    let work = Work::new();
    work.write_pack(&[("scale.wasm", SCALE)], json!([k]));
    fs::write(work.path("pack/v.safetensors"), "a vector").unwrap();
    work.release(|manifest| manifest["fallbacks"] = json!({"scale": "builtin:scale"}));
    let text = work.ok(&["inspect", "pack"]).stdout;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for line in [
        "kernel       scale (Scale)",
        "module       scale.wasm, entry point run",
        "inputs       x f32[rows,hidden], weight f32[hidden]",
        "params       eps f32 = 0.0, from 0.0, up to 1.0",
        "scratch      f32[hidden]",
        "parallel     rows",
        "limits       16 pages (1 MiB), 100 ticks (1.00 s), 0 table elements, \
         65536 bytes of stack, 1000 globals",
        "platforms    v8 13.0.0 or later; wasmtime 1.0.0 or later with simd",
        "variants     scale.wasm with relaxed-simd",
        "vectors      v.safetensors",
        "fallback     builtin:scale",
        "author says  rows_7_hidden_8: 12 us, 3.5 GFLOP/s; compiled ahead of time for wasmtime",
    ] {
        assert!(lines.contains(&line), "{line} is not in {text}");
    }
    assert!(text.contains("\nsignatures   claimed by "), "{text}");
}

#[test]
fn an_engine_that_does_not_run_a_kernel_says_why() {
    let of_platforms = |id: &str, platforms: Value| {
        let mut kernel = kernel(id, "scale.wasm", "f32");
        kernel["platforms"] = platforms;
        kernel
    };
    let kernels = json!([
        of_platforms("late", json!({"wasmtime": {"min_version": "999.0.0"}})),
        of_platforms("other", json!({"v8": {"min_version": "1.0.0"}})),
    ]);
    let work = Work::with_pack(&[("scale.wasm", SCALE)], kernels);
    let engines = work.ok(&["inspect", "pack", "--json"]).json()["engines"].clone();
    let late = &engines["late"][0];
    assert_eq!(
        (&late["engine"], &late["runs"]),
        (&json!("wasmtime"), &json!(false))
    );
    assert_eq!(
        (&late["kind"], &late["expected"]),
        (&json!("engine_version"), &json!("999.0.0"))
    );
    assert_eq!(late["found"], late["version"]);
    assert_eq!(engines["other"][0]["kind"], "engine_not_listed");
    assert_eq!(engines["other"][0]["known"], json!(["v8"]));
    let text = work.ok(&["inspect", "pack"]).stdout;
    assert!(
        text.contains("does not run: the kernel needs wasmtime 999.0.0 or later"),
        "{text}"
    );
}

#[cfg(feature = "wasmer")]
#[test]
fn a_feature_that_an_engine_does_not_offer_is_named() {
    let mut k = kernel("k", "scale.wasm", "f32");
    k["platforms"] = json!({"wasmer": {"min_version": "1.0.0", "features": ["relaxed-simd"]}});
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([k]));
    let inspected = work.ok(&["inspect", "pack", "--json"]).json();
    let wasmer = &inspected["engines"]["k"][1];
    assert_eq!(wasmer["engine"], "wasmer");
    assert_eq!(wasmer["kind"], "engine_missing_feature");
    assert_eq!(wasmer["feature"], "relaxed-simd");
}

#[test]
fn a_pack_that_declares_no_kernel_says_so() {
    let work = Work::with_pack(&[], json!([]));
    let text = work.ok(&["inspect", "pack"]).stdout;
    assert!(text.contains("kernels.json declares no kernel"), "{text}");
}

#[test]
fn nothing_that_a_pack_says_begins_a_line() {
    let work = Work::new();
    let mut k = kernel("k", "scale.wasm", "f32");
    k["name"] = json!("K)\n  wasmtime     1.0.0: runs\u{2028}x\rproblem: none");
    work.write_pack(&[("scale.wasm", SCALE)], json!([k]));
    let text = work.ok(&["inspect", "pack"]).stdout;
    let forged = text
        .lines()
        .filter(|line| line.starts_with("  wasmtime     1.0.0"));
    assert_eq!(forged.count(), 0, "{text}");
    assert!(!text.contains(['\u{2028}', '\r']), "{text:?}");
}

#[test]
fn a_pack_that_would_be_refused_is_shown_with_its_problems() {
    let work = Work::new();
    work.write_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let inspected = work.ok(&["inspect", "pack", "--json"]).json();
    assert_eq!(
        problems(&inspected),
        ["missing_signature", "digest_mismatch", "hash"]
    );

    work.ok(&["hash", "pack"]);
    fs::write(work.path("pack/extra"), "").unwrap();
    fs::remove_file(work.path("pack/scale.wasm")).unwrap();
    fs::write(work.path("pack/kernels.json.sig"), "{}").unwrap();
    let inspected = work.ok(&["inspect", "pack", "--json"]).json();
    let expected = ["malformed_signature", "undeclared_file", "missing_file"];
    assert_eq!(problems(&inspected), expected);
    fs::write(work.path("pack/.hidden"), "").unwrap();
    let inspected = work.ok(&["inspect", "pack", "--json"]).json();
    assert_eq!(problems(&inspected), ["malformed_signature", "unsafe_path"]);
    let text = work.ok(&["inspect", "pack"]).stdout;
    assert!(text.contains("\nproblem: "), "{text}");
}

#[test]
fn what_is_no_manifest_cannot_be_shown() {
    let work = Work::new();
    work.write_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    fs::write(work.path("pack/kernels.json"), "[]").unwrap();
    work.fails(&["inspect", "pack"], 3, "malformed_manifest");
    fs::write(work.path("pack/kernels.json"), [0xff]).unwrap();
    work.fails(&["inspect", "pack"], 3, "malformed_manifest");
    work.fails(&["inspect", "nowhere"], 1, "not_found");
}

#[test]
fn a_pack_does_not_steer_the_terminal() {
    let work = Work::new();
    work.write_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let mut manifest = work.manifest();
    manifest["description"] = json!("red \u{1b}[31m \u{7} \u{202e}evil\u{9b}\nnew line");
    work.write_manifest(&manifest);
    let text = work.ok(&["inspect", "pack"]).stdout;
    assert!(
        !text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
        "{text:?}"
    );
    assert!(text.contains("\\u{1b}[31m"), "{text}");
    let shown = work.ok(&["inspect", "pack", "--json"]);
    assert!(!shown.stdout.contains(['\u{7f}', '\u{9b}', '\u{202e}']));
    assert_eq!(shown.json()["manifest"], work.manifest());
}
