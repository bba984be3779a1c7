use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{SCALE, Work, scale};

#[test]
fn the_version_names_runtime_and_engines() {
    let work = Work::new();
    let text = work.ok(&["--version"]).stdout;
    let version = env!("CARGO_PKG_VERSION");
    assert!(text.starts_with(&format!(
        "kpack {version}\nruntime 1.0.0\nengine wasmtime 48."
    )));
    assert_eq!(work.ok(&["-V"]).stdout, text);
    let json = work.ok(&["--version", "--json"]).json();
    assert_eq!(json["version"], version);
    assert_eq!(json["runtime_version"], "1.0.0");
    assert_eq!(json["engines"][0]["name"], "wasmtime");
}

#[test]
fn wrong_command_lines() {
    let work = Work::new();
    let none: [&str; 0] = [];
    for (args, named) in [
        (&["frobnicate"][..], "frobnicate"),
        (&["verify", "pack", "--trsut", "t"], "--trsut"),
        (&["verify", "pack"], "--trust"),
        (&["verify", "--trust", "t"], "<PACK>"),
        (&["keygen", "--out", "a", "--out", "b"], "--out"),
        (&["hash", "a", "b"], "b"),
        (&["run", "pack", "k", "--trust"], "--trust"),
        (&none, "verb"),
    ] {
        let error = work.fails(args, 2, "usage");
        assert!(
            error["message"].as_str().unwrap().contains(named),
            "{error}"
        );
        assert!(!error["help"].as_str().unwrap().is_empty());
    }
}

#[test]
fn help_is_no_error() {
    let work = Work::new();
    let help = work.ok(&["--help"]).stdout;
    for verb in [
        "keygen", "hash", "sign", "verify", "inspect", "run", "bench",
    ] {
        assert!(help.contains(verb), "{help}");
        assert!(work.ok(&[verb, "--help"]).stdout.contains("Usage:"));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let work = Work::new();
    work.write_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let mut child = Command::new(env!("CARGO_BIN_EXE_kpack"))
        .args(["inspect", "pack"])
        .current_dir(work.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(stderr, "");
}
