use std::fs;

use serde_json::{Value, json};

use crate::support::{COPY, SCALE, Work, kernel, scale};

#[test]
fn hash_fills_every_digest_and_then_leaves_the_file_alone() {
    let work = Work::new();
    let mut copy = kernel("copy", "copy.wasm", "f32");
    copy["variants"] = json!([{"path": "scale.wasm", "hash": ""}]);
    copy["vectors"] =
        json!([{"path": "v.safetensors", "hash": "x", "tolerance": {"mode": "exact"}}]);
    work.write_pack(
        &[("copy.wasm", COPY), ("scale.wasm", SCALE)],
        json!([copy, scale()]),
    );
    fs::write(work.path("pack/v.safetensors"), "a vector").unwrap();
    let before = work.listing();

    let hashed = work.ok(&["hash", "pack", "--json"]).json();
    assert_eq!(hashed["changed"], true);
    assert_eq!(hashed["files"].as_array().unwrap().len(), 4);
    let manifest = work.manifest();
    let kernel = &manifest["kernels"][0];
    for hash in [
        &kernel["hash"],
        &kernel["variants"][0]["hash"],
        &kernel["vectors"][0]["hash"],
        &manifest["kernels"][1]["hash"],
    ] {
        assert_eq!(hash.as_str().unwrap().len(), 7 + 64, "{hash}");
    }
    let text = fs::read_to_string(work.path("pack/kernels.json")).unwrap();
    assert!(text.ends_with("}\n"));
    assert_eq!(work.listing(), before);

    // Written by hand in another form: the file stays as it is.
    work.write_manifest(&manifest);
    let by_hand = fs::read(work.path("pack/kernels.json")).unwrap();
    let hashed = work.ok(&["hash", "pack", "--json"]).json();
    assert_eq!(hashed["changed"], false);
    assert_eq!(fs::read(work.path("pack/kernels.json")).unwrap(), by_hand);
}

#[test]
fn hash_takes_a_manifest_that_makes_no_sense_yet() {
    let work = Work::new();
    work.write_pack(
        &[("copy.wasm", COPY)],
        json!([kernel("Not An Id", "copy.wasm", "f32")]),
    );
    work.ok(&["hash", "pack"]);
}

#[test]
fn hash_reads_safe_paths_only() {
    let work = Work::new();
    work.write_pack(
        &[("copy.wasm", COPY)],
        json!([kernel("copy", "../key", "f32")]),
    );
    let error = work.fails(&["hash", "pack"], 3, "unsafe_path");
    assert!(error["message"].as_str().unwrap().contains("../key"));
    work.write_manifest(&{
        let mut manifest = work.manifest();
        manifest["kernels"][0]["path"] = json!("nothing.wasm");
        manifest
    });
    let error = work.fails(&["hash", "pack"], 1, "missing_file");
    assert!(error["message"].as_str().unwrap().contains("nothing.wasm"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("copy.wasm", work.path("pack/nothing.wasm")).unwrap();
        work.fails(&["hash", "pack"], 3, "symlink");
    }
}

#[test]
fn hash_takes_neither_the_manifest_nor_the_signature_for_a_kernels_file() {
    let work = Work::new();
    work.write_pack(&[("copy.wasm", COPY)], json!([]));
    for path in ["kernels.json", "kernels.json.sig", "KERNELS.JSON"] {
        let mut manifest = work.manifest();
        manifest["kernels"] = json!([kernel("copy", path, "f32")]);
        work.write_manifest(&manifest);
        let error = work.fails(&["hash", "pack"], 3, "reserved_path");
        assert!(error["message"].as_str().unwrap().contains(path));
        assert_eq!(work.manifest(), manifest);
    }
}

#[test]
fn hash_names_the_place_of_what_is_no_manifest() {
    let work = Work::new();
    work.write_pack(
        &[("copy.wasm", COPY)],
        json!([kernel("copy", "copy.wasm", "f32")]),
    );
    let mut manifest = work.manifest();
    manifest["kernels"][0]["colour"] = json!("red");
    work.write_manifest(&manifest);
    let error = work.fails(&["hash", "pack"], 3, "malformed_manifest");
    assert_eq!(error["problems"][0]["pointer"], "/kernels/0/colour");
    fs::remove_file(work.path("pack/kernels.json")).unwrap();
    work.fails(&["hash", "pack"], 1, "missing_file");
    work.fails(&["hash", "elsewhere"], 1, "not_found");
}

#[test]
fn sign_never_changes_the_manifest() {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let manifest = fs::read(work.path("pack/kernels.json")).unwrap();
    let signature = fs::read(work.path("pack/kernels.json.sig")).unwrap();
    let before = work.listing();
    let signed = work.ok(&["sign", "pack", "--key", "key", "--json"]).json();
    assert_eq!(signed["signatures"].as_array().unwrap().len(), 1);
    assert_eq!(fs::read(work.path("pack/kernels.json")).unwrap(), manifest);
    assert_eq!(
        fs::read(work.path("pack/kernels.json.sig")).unwrap(),
        signature
    );
    assert_eq!(work.listing(), before);
}

#[test]
fn a_second_key_signs_beside_the_author() {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    work.ok(&["keygen", "--out", "second"]);
    let signed = work
        .ok(&["sign", "pack", "--key", "second", "--json"])
        .json();
    assert_eq!(signed["signatures"].as_array().unwrap().len(), 2);
    assert_eq!(signed["unknown_signatures"], json!([]));
    let second_id = signed["key_id"].clone();
    // Whether the second key's entry verifies cannot be known without that key.
    let signed = work.ok(&["sign", "pack", "--key", "key", "--json"]).json();
    assert_eq!(signed["signatures"], json!([signed["key_id"]]));
    assert_eq!(signed["unknown_signatures"], json!([second_id]));
    let text = work.ok(&["sign", "pack", "--key", "key"]).stdout;
    assert!(
        text.ends_with("1 that verify, 1 of keys that are not known here\n"),
        "{text}"
    );

    let mut trust = work.trust();
    let second = fs::read_to_string(work.path("second.pub")).unwrap();
    trust["keys"]
        .as_array_mut()
        .unwrap()
        .push(json!({"key": second.trim()}));
    trust["threshold"] = json!(2);
    work.write_trust(trust);
    work.ok(&["verify", "pack", "--trust", "trust.json"]);
}

#[test]
fn signatures_over_an_older_manifest_are_not_counted_as_valid() {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    work.ok(&["keygen", "--out", "second"]);
    work.ok(&["sign", "pack", "--key", "second"]);
    let mut manifest = work.manifest();
    manifest["version"] = json!("1.1.0");
    work.write_manifest(&manifest);
    let signed = work.ok(&["sign", "pack", "--key", "key", "--json"]).json();
    assert_eq!(signed["signatures"], json!([signed["key_id"]]));
    assert_eq!(signed["unknown_signatures"].as_array().unwrap().len(), 1);
}

#[test]
fn a_pack_that_has_expired_is_signed_with_a_warning() {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    work.release(|manifest| {
        manifest["created_at"] = json!("2020-01-01T00:00:00Z");
        manifest["expires"] = json!("2020-01-02T00:00:00Z");
    });
    let sign = ["sign", "pack", "--key", "key"];
    let ran = work.ok(&sign);
    assert!(
        ran.stderr.starts_with("warning: the pack has expired"),
        "{ran:?}"
    );
    work.release(|manifest| manifest["expires"] = json!("9999-12-31T23:59:59Z"));
    assert_eq!(work.ok(&sign).stderr, "");
}

#[test]
fn another_key_than_the_authors_does_not_sign_alone() {
    let work = Work::new();
    work.write_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    work.ok(&["hash", "pack"]);
    work.ok(&["keygen", "--out", "second"]);
    let sign = ["sign", "pack", "--key", "second"];
    work.fails(&sign, 1, "signing_key_mismatch");
    assert!(!work.path("pack/kernels.json.sig").exists());
}

#[test]
fn what_would_be_refused_is_not_signed() {
    let work = Work::new();
    work.write_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let sign = ["sign", "pack", "--key", "key"];
    let error = work.fails(&sign, 3, "invalid_manifest");
    assert_eq!(error["problems"][0]["pointer"], "/kernels/0/hash");

    work.ok(&["hash", "pack"]);
    let wasm = fs::read(work.path("pack/scale.wasm")).unwrap();
    fs::write(work.path("pack/scale.wasm"), &wasm[1..]).unwrap();
    let error = work.fails(&sign, 3, "digest_mismatch");
    assert!(error["message"].as_str().unwrap().contains("scale.wasm"));
    fs::remove_file(work.path("pack/scale.wasm")).unwrap();
    let error = work.fails(&sign, 1, "missing_file");
    assert_eq!(error["file"], "scale.wasm");
    let help = "put the file there, or take it out of kernels.json";
    assert_eq!(error["help"], help);
    fs::write(work.path("pack/scale.wasm"), wasm).unwrap();
    fs::write(work.path("pack/extra"), "").unwrap();
    let error = work.fails(&sign, 3, "undeclared_file");
    assert_eq!(error["file"], "extra");
    let help = "remove the file, or declare it in kernels.json";
    assert_eq!(error["help"], help);
    fs::remove_file(work.path("pack/extra")).unwrap();
    fs::write(work.path("pack/kernels.json.sig"), "{}").unwrap();
    work.fails(&sign, 3, "malformed_signature");
}

#[test]
fn a_key_that_is_none_is_named() {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    work.fails(&["sign", "pack", "--key", "nowhere"], 1, "not_found");
    work.fails(&["sign", "pack", "--key", "key.pub"], 1, "malformed_key");
    work.fails(&["sign", "pack", "--key", "pack"], 1, "unreadable");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    assert_eq!(work.ok(&["sign", "pack", "--key", "key"]).stderr, "");
    let loose = fs::Permissions::from_mode(0o644);
    fs::set_permissions(work.path("key"), loose).unwrap();
    let ran = work.ok(&["sign", "pack", "--key", "key"]);
    assert!(ran.stderr.starts_with("warning: ") && ran.stderr.contains("0644"));
}

#[test]
fn named_fallbacks_of_this_host_are_taken() {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    work.release(|manifest| manifest["fallbacks"] = json!({"scale": "rmsnorm_reference"}));
    work.ok(&["verify", "pack", "--trust", "trust.json"]);
}

/// Co-signers at the same time: each that says it has signed has.
#[cfg(unix)]
#[test]
fn keys_that_sign_at_once_lose_nothing() {
    let work = Work::with_pack(
        &[("copy.wasm", COPY)],
        json!([kernel("copy", "copy.wasm", "f32")]),
    );
    let keys: Vec<String> = (0..6).map(|index| format!("key{index}")).collect();
    for key in &keys {
        work.ok(&["keygen", "--out", key]);
    }
    std::thread::scope(|scope| {
        for key in &keys {
            let work = &work;
            scope.spawn(move || work.ok(&["sign", "pack", "--key", key]));
        }
    });
    let file = fs::read(work.path("pack/kernels.json.sig")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(file["signatures"].as_array().unwrap().len(), 1 + keys.len());
}
