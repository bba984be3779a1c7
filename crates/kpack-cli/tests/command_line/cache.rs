use std::fs;

use safetensors::tensor::Dtype;
use serde_json::json;

use crate::support::{COPY, Work, f32s, kernel};

const RUN: [&str; 9] = [
    "run",
    "pack",
    "copy",
    "--trust",
    "trust.json",
    "--inputs",
    "in",
    "--output",
    "out",
];

fn work() -> Work {
    let work = Work::with_pack(
        &[("copy.wasm", COPY)],
        json!([kernel("copy", "copy.wasm", "f32")]),
    );
    work.write_tensors("in", &[("x", Dtype::F32, &[2], f32s(&[1.0, 2.0]))]);
    work
}

fn entries(work: &Work) -> usize {
    let listed = work.ok(&["cache", "list", "--json"]).json();
    listed["entries"].as_array().unwrap().len()
}

#[test]
fn compiled_code_is_kept_shown_and_cleared() {
    let work = work();
    assert_eq!(entries(&work), 0);
    work.ok(&RUN);
    let first = fs::read(work.path("out")).unwrap();
    assert_eq!(entries(&work), 1);
    work.ok(&RUN);
    assert_eq!(entries(&work), 1);
    assert!(fs::read(work.path("out")).unwrap() == first);
    work.ok(&[&RUN[..], &["--backend", "wasmer"]].concat());
    assert_eq!(entries(&work), 2);
    let text = work.ok(&["cache", "list"]).stdout;
    assert!(
        text.contains("2 entries") && text.contains("sha256:"),
        "{text}"
    );
    let cleared = work.ok(&["cache", "clear", "--json"]).json();
    assert_eq!(cleared["removed"], 2);
    assert_eq!(entries(&work), 0);
}

#[test]
fn the_cache_can_be_left_out() {
    let work = work();
    work.ok(&[&RUN[..], &["--no-cache"]].concat());
    assert!(!work.cache().exists());
}

#[test]
fn a_cache_that_cannot_be_used_is_a_warning() {
    let work = work();
    fs::write(work.cache(), "not a folder").unwrap();
    let ran = work.ok(&RUN);
    assert!(
        ran.stderr.contains("working without a compile cache"),
        "{ran:?}"
    );
    work.fails(&["cache", "list"], 1, "cache_io");
}

#[test]
fn a_revoked_pack_is_refused_with_its_code_in_the_cache() {
    let work = work();
    work.ok(&RUN);
    fs::remove_file(work.path("out")).unwrap();
    let mut trust = work.trust();
    let verified = work
        .ok(&["verify", "pack", "--trust", "trust.json", "--json"])
        .json();
    trust["revoked_manifests"] = json!([verified["manifest_digest"]]);
    work.write_trust(trust);
    work.fails(&RUN, 3, "manifest_revoked");
    assert!(!work.path("out").exists());

    let mut trust = work.trust();
    trust["revoked_manifests"] = json!([]);
    trust["revoked_keys"] = verified["signers"].clone();
    work.write_trust(trust);
    work.fails(&RUN, 3, "key_revoked");
    assert!(!work.path("out").exists());
}
