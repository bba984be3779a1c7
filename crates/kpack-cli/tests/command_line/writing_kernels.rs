//! `docs/writing-kernels.md`, word for word, with a project of `kpack new`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use safetensors::tensor::{Dtype, SafeTensors};

use crate::support::{Work, commands, engines, f32s};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const BEGIN: &str = "kpack new my-kernels\ncd my-kernels\n";

fn repository(file: &str) -> PathBuf {
    Path::new(REPOSITORY).join(file)
}

fn new_project(work: &Work) -> PathBuf {
    let guest = repository("crates/kpack-guest");
    work.ok(&["new", "my-kernels", "--guest-path", guest.to_str().unwrap()]);
    work.path("my-kernels")
}

#[test]
fn the_guide_leads_from_nothing_to_a_pack_that_runs() {
    if !has_wasm_target() {
        eprintln!("skipped: `rustup target add wasm32-unknown-unknown`");
        return;
    }
    let work = Work::new();
    let folder = new_project(&work);
    let x: Vec<f32> = (0_u8..12).map(|i| f32::from(i) / 7.0 - 1.0).collect();
    let tensors = [("x", Dtype::F32, &[4, 3][..], f32s(&x))];
    work.write_tensors("my-kernels/in.safetensors", &tensors);

    let page = commands(&fs::read_to_string(repository("docs/writing-kernels.md")).unwrap());
    let commands = page.strip_prefix(BEGIN).unwrap();
    work.shell(&folder, &[], commands);
    let scaled = |factor: f32| f32s(&x.iter().map(|x| factor * x).collect::<Vec<_>>());
    let result = || fs::read(folder.join("out.safetensors")).unwrap();
    let y = |file: &[u8]| {
        let tensors = SafeTensors::deserialize(file).unwrap();
        tensors.tensor("y").unwrap().data().to_vec()
    };
    assert_eq!(y(&result()), scaled(2.0));

    let run = commands.lines().find(|line| line.starts_with("kpack run "));
    let run = run.unwrap().replace("factor=2", "factor=-0.3");
    for engine in engines() {
        let archived = run.replace(" pack ", " my-kernels.kpack ");
        work.shell(&folder, &[], &format!("{archived} --backend {engine}"));
        assert_eq!(y(&result()), scaled(-0.3), "{engine}");
    }

    let again = ["build", "my-kernels", "--out", "my-kernels/pack", "--json"];
    let built = work.ok(&again).json();
    assert_eq!(built["kernels"][0], "scale_f32");
    assert_eq!(built["modules"].as_array().unwrap().len(), 2, "{built}");
    assert!(folder.join("pack.previous/kernels.json.sig").exists());
    let signed = fs::read(folder.join("pack.previous/kernels.json")).unwrap();
    assert_eq!(fs::read(folder.join("pack/kernels.json")).unwrap(), signed);

    // The page's list of vectors.
    let page = fs::read_to_string(repository("docs/writing-kernels.md")).unwrap();
    let list = page.split("```json\n").nth(1).unwrap().split("```").next();
    fs::write(folder.join("vectors.json"), list.unwrap()).unwrap();
    fs::create_dir(folder.join("vectors")).unwrap();
    let scaled = ("y", Dtype::F32, &[4, 3][..], scaled(2.0));
    let tensors = [tensors[0].clone(), scaled];
    work.write_tensors("my-kernels/vectors/small.safetensors", &tensors);
    work.ok(&again);
    let manifest = fs::read(folder.join("pack/kernels.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let vector = &manifest["kernels"][0]["vectors"][0];
    assert_eq!(vector["path"], "vectors/small.safetensors");
    work.shell(&folder, &[], "kpack sign pack --key author.key");
    work.shell(&folder, &[], "kpack verify pack --trust trust.json");
    let signed = fs::read(folder.join("pack/kernels.json")).unwrap();

    // What is no pack stays, and so does a pack where what is to replace it does not compile.
    let error = work.fails(
        &["build", "my-kernels", "--out", "my-kernels/src"],
        1,
        "build_failed",
    );
    assert!(
        error["message"].as_str().unwrap().contains("lib.rs"),
        "{error}"
    );
    fs::write(folder.join("src/lib.rs"), "no kernel").unwrap();
    let failed = work.run(&again);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert_eq!(failed.json()["error"]["kind"], "build_failed");
    assert!(
        failed.stderr.contains("src/lib.rs:1"),
        "rustc's: {failed:?}"
    );
    assert_eq!(fs::read(folder.join("pack/kernels.json")).unwrap(), signed);
}

#[test]
fn the_guide_and_the_readme_of_a_new_project_say_the_same() {
    let work = Work::new();
    let readme = fs::read_to_string(new_project(&work).join("README.md")).unwrap();
    let page = fs::read_to_string(repository("docs/writing-kernels.md")).unwrap();
    assert_eq!(format!("{BEGIN}{}", commands(&readme)), commands(&page));

    let source = fs::read_to_string(work.path("my-kernels/src/lib.rs")).unwrap();
    let (_, shown) = page.split_once("```rust\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    assert!(source.contains(shown), "{shown}");
}

#[test]
fn a_new_project_is_built_with_the_flags_of_the_reference_kernels() {
    let work = Work::new();
    let flags = |file: PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        let lines = text.lines().map(|line| line.trim().to_owned());
        let flags: Vec<_> = lines.filter(|line| line.starts_with("\"-C")).collect();
        assert!(flags.len() > 5, "{flags:?}");
        flags
    };
    let folder = new_project(&work);
    assert_eq!(
        flags(folder.join(".cargo/config.toml")),
        flags(repository("kernels-src/.cargo/config.toml"))
    );
}

#[test]
fn nothing_is_overwritten_and_names_are_those_of_packs() {
    let work = Work::new();
    fs::create_dir(work.path("there")).unwrap();
    work.fails(&["new", "there"], 1, "already_exists");
    for name in ["", "../up", "Upper", "1st", "a b", "a.b"] {
        work.fails(&["new", name], 2, "malformed_argument");
    }
    work.fails(
        &["new", "kernels", "--guest-path", "nowhere"],
        1,
        "not_found",
    );
    assert!(!work.path("kernels").exists());
    work.fails(&["build", "there", "--out", "pack"], 1, "build_failed");
    assert!(!work.path("pack").exists());

    work.ok(&["new", "kernels"]);
    let manifest = fs::read_to_string(work.path("kernels/Cargo.toml")).unwrap();
    let release = format!("kpack-guest = \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(manifest.contains(&release), "{manifest}");
}

#[test]
fn where_there_is_no_compiler_the_error_says_how_to_get_one() {
    if Path::new("/usr/bin/rustc").exists() {
        eprintln!("skipped: Debian's compiler is found without a search path");
        return;
    }
    let work = Work::new();
    let folder = new_project(&work);
    let built = Command::new(env!("CARGO_BIN_EXE_kpack"))
        .args(["build", "--out", "pack", "--json"])
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(built.status.code(), Some(1), "{built:?}");
    let error: serde_json::Value = serde_json::from_slice(&built.stdout).unwrap();
    assert_eq!(error["error"]["kind"], "no_wasm_compiler");
    let help = error["error"]["help"].as_str().unwrap();
    assert!(help.contains("rustup target add"), "{help}");
}

fn has_wasm_target() -> bool {
    let target = [
        "--target",
        "wasm32-unknown-unknown",
        "--print",
        "target-libdir",
    ];
    let libraries = Command::new("rustc").args(target).output().unwrap().stdout;
    Path::new(String::from_utf8(libraries).unwrap().trim()).is_dir()
}
