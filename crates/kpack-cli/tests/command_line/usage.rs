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
fn the_version_is_printed_behind_any_verb() {
    let work = Work::new();
    let text = work.ok(&["--version"]).stdout;
    let json = work.ok(&["--version", "--json"]).json();
    for args in [
        &["verify", "--version"][..],
        &["run", "-V"],
        &["keygen", "--out", "key", "--version"],
    ] {
        assert_eq!(work.ok(args).stdout, text);
        assert_eq!(work.ok(&[args, &["--json"]].concat()).json(), json);
    }
    assert_eq!(work.listing().len(), 0);
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
        "keygen", "new", "build", "hash", "sign", "archive", "verify", "inspect", "run", "check",
        "bench", "trust", "cache",
    ] {
        assert!(help.contains(verb), "{help}");
        let text = work.ok(&[verb, "--help"]).stdout;
        assert!(text.contains("Usage:"));
        let json = work.ok(&[verb, "--json", "--help"]).json();
        assert_eq!(json, json!({"help": text}));
    }
    let json = work.ok(&["--help", "--json"]).json();
    assert_eq!(json, json!({"help": help}));
}

/// Runs the command with a stdout that takes nothing.
#[cfg(target_os = "linux")]
fn with_full_stdout(work: &Work, args: &[&str]) -> (i32, String) {
    let full = std::fs::File::options().write(true).open("/dev/full");
    let output = Command::new(env!("CARGO_BIN_EXE_kpack"))
        .args(args)
        .current_dir(work.path("."))
        .stdout(full.unwrap())
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    (code, String::from_utf8(output.stderr).unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_done_stays_done_where_stdout_is_full() {
    let work = Work::new();
    let (code, stderr) = with_full_stdout(&work, &["keygen", "--out", "key"]);
    assert_eq!(code, 1);
    assert!(
        stderr.starts_with("error: cannot write to stdout\n"),
        "{stderr}"
    );
    assert!(
        stderr.contains("files that were to be written are written"),
        "{stderr}"
    );
    assert!(work.path("key").exists() && work.path("key.pub").exists());
    for help in [&["--help"][..], &["sign", "--help"], &["--version"]] {
        assert_eq!(with_full_stdout(&work, help).0, 1);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_error_for_programs_goes_to_stderr_where_stdout_is_full() {
    let work = Work::new();
    for (args, kind) in [
        (&["--json", "verify"][..], "usage"),
        (&["--json", "--help"], "stdout"),
        (&["--json", "inspect", "nowhere"], "not_found"),
    ] {
        let (_, stderr) = with_full_stdout(&work, args);
        let error: serde_json::Value = serde_json::from_str(&stderr).unwrap();
        assert_eq!(error["error"]["kind"], kind, "{stderr}");
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
