//! Packs in one file: made from a folder, and taken by every verb that reads a pack.

use std::fs;

use safetensors::tensor::Dtype;
use serde_json::json;

use crate::support::{SCALE, Work, f32s, kernel, scale};

const MAKE: &[&str] = &["archive", "pack", "--out", "x.kpack"];

fn archived() -> Work {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    work.ok(MAKE);
    work
}

fn refused(work: &Work, code: i32, kind: &str) -> serde_json::Value {
    work.fails(&["verify", "x.kpack", "--trust", "trust.json"], code, kind)
}

#[test]
fn every_verb_that_reads_a_pack_takes_its_archive() {
    let work = archived();
    let of = |verb: &str, pack: &str| work.ok(&[verb, pack, "--trust", "trust.json"]).stdout;
    assert_eq!(of("verify", "x.kpack"), of("verify", "pack"));
    let inspected = |pack: &str| work.ok(&["inspect", pack, "--json"]).json();
    assert_eq!(inspected("x.kpack"), inspected("pack"));
    assert_eq!(inspected("x.kpack")["problems"], json!([]));

    work.write_tensors(
        "in",
        &[
            ("x", Dtype::F32, &[1, 2], f32s(&[1.0, 2.0])),
            ("weight", Dtype::F32, &[2], f32s(&[10.0, 100.0])),
        ],
    );
    let mut outputs = Vec::new();
    for pack in ["pack", "x.kpack"] {
        let mut run = vec!["run", pack, "scale", "--trust", "trust.json"];
        run.extend(["--inputs", "in", "--output", "out"]);
        work.ok(&run);
        outputs.push(fs::read(work.path("out")).unwrap());
    }
    assert_eq!(outputs[0], outputs[1]);
    let mut bench = vec!["bench", "x.kpack", "scale", "--trust", "trust.json"];
    bench.extend(["--dim", "rows=1", "--dim", "hidden=8", "--json"]);
    work.ok(&bench);
}

/// Neither the time nor the order of files on disk is in an archive, nor the folder's name.
#[test]
fn the_same_pack_gives_the_same_archive() {
    let kernels = json!([kernel("a", "a.wasm", "f32"), kernel("b", "b.wasm", "f32")]);
    let work = Work::with_pack(&[("b.wasm", SCALE), ("a.wasm", SCALE)], kernels);
    let made = work.ok(&[MAKE, &["--json"]].concat()).json();
    assert_eq!(made["changed"], true);
    assert_eq!(made["pack"], "test-pack");
    assert_eq!(
        made["bytes"],
        fs::metadata(work.path("x.kpack")).unwrap().len()
    );
    fs::create_dir(work.path("copy")).unwrap();
    for name in ["a.wasm", "kernels.json.sig", "b.wasm", "kernels.json"] {
        fs::copy(work.path("pack").join(name), work.path("copy").join(name)).unwrap();
    }
    let copied = work
        .ok(&["archive", "copy", "--out", "y.kpack", "--json"])
        .json();
    assert_eq!(copied["digest"], made["digest"]);
    let again = work
        .ok(&["archive", "x.kpack", "--out", "z.kpack", "--json"])
        .json();
    assert_eq!(again["digest"], made["digest"]);
    let x = fs::read(work.path("x.kpack")).unwrap();
    assert!(x == fs::read(work.path("y.kpack")).unwrap());
    assert!(x == fs::read(work.path("z.kpack")).unwrap());
}

#[test]
fn an_archive_is_never_overwritten_by_another() {
    let work = archived();
    let first = fs::read(work.path("x.kpack")).unwrap();
    let again = work.ok(&[MAKE, &["--json"]].concat()).json();
    assert_eq!(again["changed"], false);
    work.release(|manifest| manifest["version"] = json!("1.0.1"));
    let before = work.listing();
    let error = work.fails(MAKE, 1, "already_exists");
    assert_eq!(error["file"], "x.kpack");
    assert_eq!(fs::read(work.path("x.kpack")).unwrap(), first);
    work.fails(&["archive", "pack", "--out", "missing/x"], 1, "not_found");
    let error = work.fails(&["archive", "pack", "--out", "pack/x"], 1, "unwritable");
    assert!(
        error["help"].as_str().unwrap().contains("outside"),
        "{error}"
    );
    assert_eq!(work.listing(), before, "nothing is left behind");
}

/// What no host would take is not given away.
#[test]
fn packs_that_are_not_archived() {
    let work = Work::new();
    work.write_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    work.ok(&["hash", "pack"]);
    work.fails(MAKE, 3, "missing_signature");
    work.ok(&["sign", "pack", "--key", "key"]);
    fs::write(work.path("pack/extra"), "").unwrap();
    work.fails(MAKE, 3, "undeclared_file");
    fs::remove_file(work.path("pack/extra")).unwrap();
    fs::rename(work.path("pack/scale.wasm"), work.path("aside")).unwrap();
    work.fails(MAKE, 1, "missing_file");
    fs::write(work.path("pack/scale.wasm"), "another").unwrap();
    work.fails(MAKE, 3, "digest_mismatch");
    fs::rename(work.path("aside"), work.path("pack/scale.wasm")).unwrap();
    let manifest = work.manifest();
    work.write_manifest(&json!({"not": "a manifest"}));
    work.fails(MAKE, 3, "malformed_manifest");
    let mut changed = manifest;
    changed["description"] = json!("changed since it was signed");
    work.write_manifest(&changed);
    work.fails(MAKE, 3, "author_signature");
    work.ok(&["sign", "pack", "--key", "key"]);
    work.ok(MAKE);

    let long = format!("{}.wasm", "k".repeat(120));
    let work = Work::with_pack(&[(&long, SCALE)], json!([kernel("k", &long, "f32")]));
    let error = work.fails(MAKE, 3, "unarchivable_path");
    assert_eq!(error["file"], long.as_str());
    assert!(!work.path("x.kpack").exists());
}

#[test]
fn hash_and_sign_change_folders_only() {
    let work = archived();
    for args in [
        &["hash", "x.kpack"][..],
        &["sign", "x.kpack", "--key", "key"],
    ] {
        let error = work.fails(args, 1, "not_a_folder");
        assert!(
            error["help"].as_str().unwrap().contains("kpack archive"),
            "{error}"
        );
    }
}

#[test]
fn archives_that_are_refused() {
    let work = archived();
    let whole = fs::read(work.path("x.kpack")).unwrap();
    let write = |bytes: &[u8]| fs::write(work.path("x.kpack"), bytes).unwrap();
    write(&whole[..whole.len() - 1]);
    let error = refused(&work, 3, "archive_truncated");
    assert_eq!(error["offset"], whole.len() - 1);
    assert_eq!(error["fault"], "delivery");
    write(&[&whole[..], b"x"].concat());
    let error = refused(&work, 3, "archive_trailing_data");
    assert_eq!(error["offset"], whole.len());
    write(&b"{}".repeat(512));
    refused(&work, 3, "archive_header");
    let changed = |at: usize, byte: u8| {
        let mut changed = whole.clone();
        changed[at] = byte;
        changed
    };
    write(&changed(156, b'2'));
    refused(&work, 3, "archive_header");
    let content_end = 512 + fs::metadata(work.path("pack/kernels.json")).unwrap().len();
    write(&changed(usize::try_from(content_end).unwrap(), 1));
    let error = refused(&work, 3, "archive_padding");
    assert_eq!(error["file"], "kernels.json");
    write(&[&whole[..whole.len() - 1024], &whole].concat());
    let error = refused(&work, 3, "archive_duplicate");
    assert_eq!(error["file"], "kernels.json");
    write(&[0; 1024]);
    refused(&work, 1, "missing_file");
    fs::File::create(work.path("x.kpack"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    refused(&work, 3, "pack_too_large");
    fs::remove_file(work.path("x.kpack")).unwrap();
    refused(&work, 1, "not_found");
    write(&whole);
    work.ok(&["verify", "x.kpack", "--trust", "trust.json"]);
}

/// With GNU tar's own order and types, as somebody would make an archive by hand.
#[cfg(unix)]
#[test]
fn archives_of_other_programs_are_refused() {
    let work = archived();
    let tar = |args: &[&str]| {
        fs::remove_file(work.path("x.kpack")).unwrap();
        let mut command = std::process::Command::new("tar");
        let command = command.current_dir(work.path("pack"));
        assert!(
            command
                .args(["-cf", "../x.kpack"])
                .args(args)
                .status()
                .unwrap()
                .success()
        );
    };
    tar(&["--format=ustar", "."]);
    refused(&work, 3, "archive_entry_type");
    tar(&[
        "--format=pax",
        "kernels.json",
        "kernels.json.sig",
        "scale.wasm",
    ]);
    refused(&work, 3, "archive_entry_type");
    tar(&[
        "--format=ustar",
        "scale.wasm",
        "kernels.json",
        "kernels.json.sig",
    ]);
    refused(&work, 3, "archive_header");
    tar(&[
        "--format=ustar",
        "-b1",
        "--numeric-owner",
        "--owner=0",
        "--group=0",
        "--mode=0644",
        "--mtime=@0",
        "scale.wasm",
        "kernels.json",
        "kernels.json.sig",
    ]);
    let error = refused(&work, 3, "archive_order");
    assert_eq!(error["file"], "scale.wasm");
}

#[cfg(unix)]
#[test]
fn what_is_neither_a_folder_nor_a_file() {
    let work = archived();
    fs::remove_file(work.path("x.kpack")).unwrap();
    let mut mkfifo = std::process::Command::new("mkfifo");
    assert!(mkfifo.arg(work.path("x.kpack")).status().unwrap().success());
    refused(&work, 1, "not_a_pack");
    work.fails(&["inspect", "x.kpack"], 1, "not_a_pack");
    work.fails(&["hash", "x.kpack"], 1, "not_a_folder");
    work.fails(&["sign", "x.kpack", "--key", "key"], 1, "not_a_folder");
    work.fails(&["archive", "x.kpack", "--out", "y.kpack"], 1, "not_a_pack");
}
