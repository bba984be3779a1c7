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
