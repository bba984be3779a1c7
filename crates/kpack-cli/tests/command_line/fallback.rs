use std::fs;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use crate::support::{COPY, Work, f32s, kernel, module};

const RUN: [&str; 9] = [
    "run",
    "pack",
    "k",
    "--trust",
    "trust.json",
    "--inputs",
    "in",
    "--output",
    "out",
];

/// A pack whose kernel `k` has this body, and this fallback.
fn work(body: &str, fallback: &str) -> Work {
    let kernels = json!([
        kernel("k", "k.wasm", "f32"),
        kernel("copy", "copy.wasm", "f32")
    ]);
    let work = Work::with_pack(&[("k.wasm", &module(body)), ("copy.wasm", COPY)], kernels);
    work.release(|manifest| manifest["fallbacks"] = json!({"k": fallback}));
    work.write_tensors("in", &[("x", Dtype::F32, &[2], f32s(&[3.0, 4.0]))]);
    work
}

fn y(work: &Work) -> Vec<u8> {
    let bytes = fs::read(work.path("out")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.tensor("y").unwrap().data().to_vec()
}

fn kinds(list: &Value) -> Vec<(String, String)> {
    let links = list.as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    links
        .map(|link| (text(&link["link"]), text(&link["kind"])))
        .collect()
}

#[test]
fn a_kernel_that_fails_is_replaced_by_its_fallback_visibly() {
    let work = work("unreachable", "copy");
    let ran = work.ok(&RUN);
    assert_eq!(y(&work), f32s(&[3.0, 4.0]));
    assert_eq!(
        ran.stdout,
        "k of test-pack by copy on wasmtime (copy.wasm): out\ny f32 [2]\n"
    );
    assert_eq!(
        ran.stderr,
        "note: `k` did not serve: the kernel ran into unreachable code\n"
    );

    let json = work.ok(&[&RUN[..], &["--json"]].concat()).json();
    assert_eq!(json["kernel"], "k");
    assert_eq!(
        json["served_by"],
        json!({"kernel": "copy", "engine": "wasmtime", "module": "copy.wasm", "features": []})
    );
    assert_eq!(
        kinds(&json["passed_over"]),
        [("k".to_owned(), "unreachable".to_owned())]
    );
    assert!(json["time_ns"].as_u64().unwrap() > 0);
    assert!(json["ticks"].as_u64().unwrap() > 0);
}

#[test]
fn strict_fails_where_the_kernel_fails() {
    for (body, code, kind) in [
        ("unreachable", 5, "unreachable"),
        ("i32.const 6", 5, "status"),
        ("(loop $l (br $l)) i32.const 0", 4, "deadline"),
    ] {
        let work = work(body, "copy");
        let error = work.fails(&[&RUN[..], &["--strict"]].concat(), code, kind);
        assert_eq!(error.get("causes"), None);
        work.ok(&RUN);
    }
}

#[test]
fn a_callers_error_leads_to_no_fallback() {
    let work = work("i32.const 1", "copy");
    let error = work.fails(&RUN, 5, "rejected");
    assert_eq!(error.get("causes"), None);
}

#[test]
fn the_native_reference_serves() {
    let mut norm = crate::support::scale();
    norm["id"] = json!("k");
    norm["path"] = json!("k.wasm");
    let work = Work::with_pack(&[("k.wasm", &module("unreachable"))], json!([norm]));
    work.release(|manifest| manifest["fallbacks"] = json!({"k": "rmsnorm_reference"}));
    let tensors = [
        ("x", Dtype::F32, &[1, 2][..], f32s(&[3.0, 4.0])),
        ("weight", Dtype::F32, &[2], f32s(&[1.0, 2.0])),
    ];
    work.write_tensors("in", &tensors);
    let json = work.ok(&[&RUN[..], &["--json"]].concat()).json();
    assert_eq!(json["served_by"], json!({"native": "rmsnorm_reference"}));
    assert_eq!(json["module"], Value::Null);
    // x / sqrt(mean(x^2)), where the mean is 12.5.
    let root = 12.5_f32.sqrt();
    assert_eq!(y(&work), f32s(&[3.0 * (1.0 / root), 8.0 * (1.0 / root)]));
}

#[test]
fn when_nothing_serves_the_error_is_the_kernels_and_every_cause_is_told() {
    let work = work("(loop $l (br $l)) i32.const 0", "builtin:nothing");
    let error = work.fails(&RUN, 4, "deadline");
    let causes = [("k", "deadline"), ("builtin:nothing", "not_registered")];
    let causes = causes.map(|(link, kind)| (link.to_owned(), kind.to_owned()));
    assert_eq!(kinds(&error["causes"]), causes);
    assert_eq!(error["limit"], 500);

    // It takes other tensors than its kernel has.
    let work = self::work("unreachable", "builtin:rmsnorm_reference");
    let error = work.fails(&RUN, 5, "unreachable");
    assert_eq!(kinds(&error["causes"])[1].1, "native_mismatch");
    let ran = work.run(&RUN);
    let notes: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("note: "))
        .collect();
    assert_eq!(notes.len(), 2, "{ran:?}");
}

#[test]
fn a_kernel_for_another_engine_is_replaced_visibly() {
    let work = work("unreachable", "copy");
    work.release(|manifest| {
        manifest["kernels"][0]["platforms"] = json!({"another": {"min_version": "1.0.0"}});
    });
    let json = work.ok(&[&RUN[..], &["--json"]].concat()).json();
    assert_eq!(kinds(&json["passed_over"])[0].1, "engine_not_listed");
    work.fails(&[&RUN[..], &["--strict"]].concat(), 3, "engine_not_listed");
}
