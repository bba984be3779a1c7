//! Packs that are refused, each for one reason.

use std::fs;

use serde_json::{Value, json};

use crate::support::{COPY, SCALE, Work, kernel, module, scale};

fn good() -> Work {
    Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]))
}

fn with_module(text: &str) -> Work {
    Work::with_pack(&[("k.wasm", text)], json!([kernel("k", "k.wasm", "f32")]))
}

#[test]
fn a_good_pack_is_verified() {
    let work = good();
    let verified = work
        .ok(&["verify", "pack", "--trust", "trust.json", "--json"])
        .json();
    assert_eq!(verified["verified"], true);
    assert_eq!(verified["pack"], "test-pack");
    assert_eq!(verified["signers"].as_array().unwrap().len(), 1);
    assert_eq!(verified["kernels"][0]["id"], "scale");
    let text = work.ok(&["verify", "pack", "--trust", "trust.json"]).stdout;
    assert!(text.starts_with("verified: test-pack 1.0.0\n"), "{text}");
}

#[test]
fn a_pack_without_signature() {
    let work = good();
    fs::remove_file(work.path("pack/kernels.json.sig")).unwrap();
    work.refused(3, "missing_signature");
}

#[test]
fn a_key_that_is_not_trusted() {
    let work = good();
    let made = work.ok(&["keygen", "--out", "other", "--json"]).json();
    work.write_trust(json!({"kpack_trust": 1, "keys": [{"key": made["public_key"]}]}));
    work.refused(3, "untrusted_key");
}

#[test]
fn keys_out_of_service_or_scope() {
    let work = good();
    let trust = work.trust();
    let key_id = work.ok(&["sign", "pack", "--key", "key", "--json"]).json()["key_id"].clone();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut trust = trust.clone();
        change(&mut trust);
        work.write_trust(trust);
    };
    with(&|trust| trust["revoked_keys"] = json!([key_id]));
    work.refused(3, "key_revoked");
    with(&|trust| trust["keys"][0]["not_after"] = json!("2020-01-01T00:00:00Z"));
    work.refused(3, "key_expired");
    with(&|trust| trust["keys"][0]["not_before"] = json!("2920-01-01T00:00:00Z"));
    work.refused(3, "key_not_yet_valid");
    with(&|trust| trust["keys"][0]["packs"] = json!(["other-*"]));
    work.refused(3, "out_of_scope");
    with(&|trust| trust["allow"] = json!({"other": {}}));
    work.refused(3, "pack_not_allowed");
    with(&|trust| trust["allow"] = json!({"test-pack": {}}));
    work.refused(3, "kernel_not_allowed");
    with(&|trust| trust["allow"] = json!({"test-pack": {"scale": []}}));
    work.refused(3, "digest_not_allowed");
}

#[test]
fn a_trust_file_that_is_bad_is_not_the_packs_fault() {
    let work = good();
    fs::remove_file(work.path("trust.json")).unwrap();
    work.refused(1, "not_found");
    work.write_trust(json!({"kpack_trust": 1, "keys": [], "colour": "red"}));
    let error = work.refused(1, "malformed_trust");
    assert_eq!(error["pointer"], "/colour");
    work.write_trust(json!({"kpack_trust": 2, "keys": []}));
    work.refused(1, "trust_version");
    work.write_trust(json!({"kpack_trust": 1, "keys": []}));
    let error = work.refused(1, "threshold_out_of_range");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("the trust file lists no key"),
        "{message}"
    );
    let id = "AB".repeat(32);
    work.write_trust(json!({"kpack_trust": 1, "keys": [], "revoked_keys": [id]}));
    let error = work.refused(1, "malformed_trust");
    assert_eq!(error["pointer"], "/revoked_keys/0");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("lower-case") && message.contains(&id),
        "{message}"
    );
    let weak = format!("ed25519:{}", "00".repeat(32));
    work.write_trust(json!({"kpack_trust": 1, "keys": [{"key": weak}]}));
    work.refused(1, "weak_key");
    fs::write(work.path("trust.json"), [0xff]).unwrap();
    work.refused(1, "not_utf8");
}

#[test]
fn every_flipped_byte_of_the_signature_file() {
    let work = good();
    every_flip_is_refused(&work, "pack/kernels.json.sig", 1);
}

#[test]
fn a_sample_of_flipped_bytes_of_the_other_files() {
    let work = good();
    every_flip_is_refused(&work, "pack/kernels.json", 11);
    every_flip_is_refused(&work, "pack/scale.wasm", 5);
}

fn every_flip_is_refused(work: &Work, file: &str, step: usize) {
    let stored = fs::read(work.path(file)).unwrap();
    for at in (0..stored.len()).step_by(step) {
        let mut flipped = stored.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(work.path(file), &flipped).unwrap();
        let ran = work.run(&["verify", "pack", "--trust", "trust.json"]);
        assert_eq!(ran.code, 3, "byte {at} of {file}: {ran:?}");
    }
    fs::write(work.path(file), stored).unwrap();
    work.ok(&["verify", "pack", "--trust", "trust.json"]);
}

#[test]
fn files_that_are_missing() {
    let work = good();
    fs::remove_file(work.path("pack/scale.wasm")).unwrap();
    let error = work.refused(1, "missing_file");
    assert!(error["message"].as_str().unwrap().contains("scale.wasm"));
    fs::remove_file(work.path("pack/kernels.json")).unwrap();
    let error = work.refused(1, "missing_file");
    let help = error["help"].as_str().unwrap();
    assert!(help.contains("is this the right one?"), "{help}");
    fs::remove_dir_all(work.path("pack")).unwrap();
    work.refused(1, "not_found");
    fs::write(work.path("pack"), "").unwrap();
    work.refused(3, "archive_truncated");
}

#[test]
fn a_pack_that_declares_no_kernel() {
    let work = Work::with_pack(&[], json!([]));
    work.ok(&["verify", "pack", "--trust", "trust.json"]);
    let mut run = vec!["run", "pack", "k", "--trust", "trust.json"];
    run.extend(["--inputs", "in", "--output", "out"]);
    let error = work.fails(&run, 1, "unknown_kernel");
    assert_eq!(error["help"], "its manifest declares no kernel");
}

#[test]
fn files_that_no_pack_may_hold() {
    let work = good();
    for (name, kind) in [
        ("extra.wasm", "undeclared_file"),
        (".hidden", "unsafe_path"),
        ("con.wasm", "unsafe_path"),
        ("SCALE.wasm", "path_collision"),
        ("KERNELS.json", "reserved_path"),
    ] {
        let path = work.path("pack").join(name);
        fs::write(&path, "").unwrap();
        let error = work.refused(3, kind);
        let message = error["message"].as_str().unwrap().to_lowercase();
        assert!(message.contains(&name.to_lowercase()), "{error}");
        fs::remove_file(path).unwrap();
    }
    let sparse = fs::File::create(work.path("pack/sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    work.refused(3, "file_too_large");
    fs::remove_file(work.path("pack/sparse")).unwrap();
    work.ok(&["verify", "pack", "--trust", "trust.json"]);
}

#[cfg(unix)]
#[test]
fn links_in_a_pack_and_links_to_a_pack() {
    use std::os::unix::fs::symlink;
    let work = good();
    fs::rename(work.path("pack/scale.wasm"), work.path("scale.wasm")).unwrap();
    symlink("../scale.wasm", work.path("pack/scale.wasm")).unwrap();
    work.refused(3, "symlink");
    fs::remove_file(work.path("pack/scale.wasm")).unwrap();
    fs::create_dir(work.path("pack/scale.wasm")).unwrap();
    work.refused(1, "missing_file");
    fs::remove_dir(work.path("pack/scale.wasm")).unwrap();
    fs::rename(work.path("scale.wasm"), work.path("pack/scale.wasm")).unwrap();
    symlink("pack", work.path("link")).unwrap();
    work.ok(&["verify", "link", "--trust", "trust.json"]);
}

#[test]
fn manifests_that_this_host_does_not_take() {
    let work = good();
    let signed_by_hand = |change: &dyn Fn(&mut Value)| {
        let mut manifest = work.manifest();
        change(&mut manifest);
        work.write_manifest(&manifest);
        // `sign` refuses what `verify` would, so that each problem is seen there.
        work.fails(&["sign", "pack", "--key", "key"], 3, "invalid_manifest")
    };
    let error = signed_by_hand(&|manifest| {
        manifest["kernels"][0]["resource_limits"]["max_memory_pages"] = json!(16_385);
    });
    assert_eq!(error["problems"][0]["kind"], "limit");
    let error = signed_by_hand(&|manifest| {
        manifest["min_runtime_version"] = json!("9.0.0");
        manifest["max_runtime_version"] = json!("9.0.0");
    });
    let problems = error["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    for problem in problems {
        for field in ["pointer", "kind", "found", "allowed", "message"] {
            assert!(problem[field].is_string(), "{problem}");
        }
    }
}

#[test]
fn a_pack_that_has_expired() {
    let work = good();
    work.release(|manifest| {
        manifest["created_at"] = json!("2020-01-01T00:00:00Z");
        manifest["expires"] = json!("2020-01-02T00:00:00Z");
    });
    work.refused(3, "expired");
}

#[test]
fn modules_that_the_static_policy_refuses() {
    let start = r#"(module (memory (export "memory") 1) (func $s) (start $s)
        (func (export "run") (param i32) (result i32) i32.const 0))"#;
    let import = r#"(module (import "env" "f" (func)) (memory (export "memory") 1)
        (func (export "run") (param i32) (result i32) i32.const 0))"#;
    let large = r#"(module (memory (export "memory") 4)
        (func (export "run") (param i32) (result i32) i32.const 0))"#;
    for (text, kind) in [
        (start, "start_function"),
        (import, "import"),
        (large, "memory_minimum"),
        ("(module)", "memory_export"),
        (
            r#"(module (memory (export "memory") 1))"#,
            "entry_point_missing",
        ),
        (
            &module("v128.const i64x2 0 0 drop i32.const 0"),
            "undeclared_feature",
        ),
    ] {
        let work = with_module(text);
        let error = work.refused(3, kind);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("k.wasm"), "{message}");
    }
}

#[test]
fn a_forbidden_variant_for_another_engine_refuses_the_pack() {
    let mut k = kernel("k", "copy.wasm", "f32");
    k["variants"] = json!([{"path": "bad.wasm", "hash": "", "features": ["simd"]}]);
    let work = Work::with_pack(&[("copy.wasm", COPY), ("bad.wasm", "(module)")], json!([k]));
    work.refused(3, "memory_export");
}

/// What, whose fault, and what to do: on two lines, whoever has to act.
#[test]
fn a_refusal_says_whose_fault_it_is() {
    let work = good();
    let said = |kind: &str| {
        let error = work.refused(3, kind);
        let text = work
            .run(&["verify", "pack", "--trust", "trust.json"])
            .stderr;
        (error["fault"].as_str().unwrap().to_owned(), text)
    };
    fs::write(work.path("pack/extra.wasm"), "").unwrap();
    let (fault, text) = said("undeclared_file");
    assert_eq!(fault, "delivery");
    assert!(
        text.contains("; the fault of whoever delivered it; "),
        "{text}"
    );
    fs::remove_file(work.path("pack/extra.wasm")).unwrap();

    let trust = work.trust();
    let mut scoped = trust.clone();
    scoped["keys"][0]["packs"] = json!(["other-*"]);
    work.write_trust(scoped);
    let (fault, text) = said("out_of_scope");
    assert_eq!(fault, "operator");
    assert!(
        text.contains("refused by the decision of this host's operator"),
        "{text}"
    );
    work.write_trust(trust);

    work.release(|manifest| manifest["kernels"][0]["entry_point"] = json!("nowhere"));
    let (fault, text) = said("entry_point_missing");
    assert_eq!(fault, "author");
    assert!(text.contains("the fault of its author"), "{text}");
}
