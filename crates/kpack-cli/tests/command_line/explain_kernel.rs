use serde_json::{Value, json};

use crate::support::{COPY, SCALE, Work, kernel, scale};

const EXPLAIN: [&str; 5] = ["explain", "pack", "scale", "--trust", "trust.json"];

fn work() -> Work {
    let mut copy = scale();
    copy["id"] = json!("copy");
    copy["path"] = json!("copy.wasm");
    let modules = [("scale.wasm", SCALE), ("copy.wasm", COPY)];
    let work = Work::with_pack(&modules, json!([scale(), copy]));
    work.release(|manifest| {
        manifest["fallbacks"] = json!({"scale": "copy", "copy": "rmsnorm_reference"});
    });
    work
}

fn explained(work: &Work) -> Value {
    work.ok(&[&EXPLAIN[..], &["--json"]].concat()).json()
}

fn verdicts(json: &Value) -> Vec<&str> {
    let links = json["links"].as_array().unwrap().iter();
    links
        .map(|link| link["verdict"].as_str().unwrap())
        .collect()
}

#[test]
fn a_chain_is_shown_with_what_would_run() {
    let work = work();
    let text = work.ok(&EXPLAIN).stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("scale of test-pack on wasmtime "),
        "{text}"
    );
    assert_eq!(
        lines[1..],
        [
            "scale              runs       scale.wasm",
            "copy               stands by  copy.wasm",
            "rmsnorm_reference  stands by  native, outside the sandbox",
        ]
    );
    let json = explained(&work);
    assert_eq!(json["runs"], "scale");
    assert_eq!(verdicts(&json), ["serves", "stands_by", "stands_by"]);
    assert_eq!(
        json["links"][2]["runs_as"],
        json!({"native": "rmsnorm_reference"})
    );
}

#[test]
fn what_cannot_run_is_shown_with_the_reason() {
    let work = work();
    work.release(|manifest| {
        manifest["kernels"][0]["platforms"] = json!({"another": {"min_version": "1.0.0"}});
        manifest["fallbacks"] = json!({"scale": "builtin:nothing"});
    });
    let json = explained(&work);
    assert_eq!(json["runs"], Value::Null);
    assert_eq!(verdicts(&json), ["engine_not_listed", "not_registered"]);
    assert_eq!(json["links"][0]["engine"], "wasmtime");
    let text = work.ok(&EXPLAIN).stdout;
    assert!(text.contains("scale            cannot run  "), "{text}");
    assert!(
        text.contains("this command has no native kernel of this id"),
        "{text}"
    );
}

#[test]
fn what_run_refuses_is_refused() {
    let work = work();
    let mut args = EXPLAIN;
    args[2] = "nothing";
    work.fails(&args, 1, "unknown_kernel");
    work.fails(
        &[&EXPLAIN[..], &["--backend", "nothing"]].concat(),
        2,
        "unknown_backend",
    );
    std::fs::remove_file(work.path("pack/kernels.json.sig")).unwrap();
    work.fails(&EXPLAIN, 3, "missing_signature");
}

#[test]
fn a_backend_can_be_chosen() {
    let work = Work::with_pack(
        &[("copy.wasm", COPY)],
        json!([kernel("scale", "copy.wasm", "f32")]),
    );
    for engine in ["wasmtime", "wasmer"] {
        let json = work
            .ok(&[&EXPLAIN[..], &["--json", "--backend", engine]].concat())
            .json();
        assert_eq!(json["engine"], engine);
        assert_eq!(json["links"][0]["runs_as"]["engine"], engine);
    }
}
