//! `--state`: what was accepted is a floor under what comes.

use std::fs;

use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use crate::support::{COPY, Work, f32s, kernel, module};

const VERIFY: [&str; 6] = [
    "verify",
    "pack",
    "--trust",
    "trust.json",
    "--state",
    "state",
];

const RUN: [&str; 11] = [
    "run",
    "pack",
    "copy",
    "--trust",
    "trust.json",
    "--state",
    "state",
    "--inputs",
    "in",
    "--output",
    "out",
];

/// A pack of sequence 2, and an empty state.
fn work() -> Work {
    let work = Work::with_pack(
        &[("copy.wasm", COPY)],
        json!([kernel("copy", "copy.wasm", "f32")]),
    );
    work.write_tensors("in", &[("x", Dtype::F32, &[2], f32s(&[1.0, 2.0]))]);
    work.ok(&["trust", "init", "--state", "state"]);
    publish(&work, 2);
    work
}

fn publish(work: &Work, sequence: u64) {
    work.release(|manifest| manifest["sequence"] = json!(sequence));
}

/// What the state remembers of floors.
fn floors(work: &Work) -> Vec<(String, u64)> {
    let shown = ["trust", "show", "trust.json", "--state", "state", "--json"];
    let shown = work.ok(&shown).json();
    let floors = shown["state"]["floors"].as_array().unwrap();
    let floor = |floor: &Value| {
        let name = floor["pack"].as_str().unwrap().to_owned();
        (name, floor["sequence"].as_u64().unwrap())
    };
    floors.iter().map(floor).collect()
}

/// The names of the files in the state's folder.
fn in_state(work: &Work) -> Vec<String> {
    let files = fs::read_dir(work.path("state")).unwrap();
    let name = |file: std::io::Result<fs::DirEntry>| file.unwrap().file_name();
    let mut names: Vec<String> = files
        .map(|file| name(file).into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What becomes of each floor by the trust file.
fn statuses(work: &Work) -> Vec<(u64, String)> {
    let shown = ["trust", "show", "trust.json", "--state", "state", "--json"];
    let shown = work.ok(&shown).json();
    let floors = shown["state"]["floors"].as_array().unwrap();
    let status = |floor: &Value| {
        let status = floor["status"].as_str().unwrap().to_owned();
        (floor["sequence"].as_u64().unwrap(), status)
    };
    floors.iter().map(status).collect()
}

/// A floor that a second set of signers left behind lies below; by a trust file that decides nothing,
/// nobody knows which one stands.
#[test]
fn what_lies_below_another_floor_and_what_is_not_known() {
    let work = work();
    work.ok(&VERIFY);
    work.ok(&["keygen", "--out", "second"]);
    work.ok(&["trust", "add-key", "trust.json", "second.pub"]);
    publish(&work, 3);
    work.ok(&["sign", "pack", "--key", "second"]);
    work.ok(&VERIFY);
    let both = |three: &str, two: &str| [(3, three.to_owned()), (2, two.to_owned())];
    assert_eq!(statuses(&work), both("stands", "below"));
    work.ok(&["keygen", "--out", "root"]);
    work.ok(&["trust", "rotate", "trust.json", "--root", "root.pub"]);
    assert_eq!(statuses(&work), both("unknown", "unknown"));
}

#[test]
fn a_lower_sequence_and_none_and_another_of_the_same() {
    let work = work();
    let verified = work.ok(&[&VERIFY[..], &["--json"]].concat()).json();
    assert_eq!(verified["floor"], 2);
    assert_eq!(verified["state"], "state");
    assert_eq!(floors(&work), [("test-pack".to_owned(), 2)]);

    publish(&work, 1);
    let error = work.fails(&VERIFY, 3, "rollback");
    assert_eq!((&error["found"], &error["limit"]), (&json!(1), &json!(2)));
    assert_eq!(error["pack"], "test-pack");
    publish(&work, 0);
    work.fails(&VERIFY, 3, "rollback");
    work.fails(&RUN, 3, "rollback");
    assert!(!work.path("out").exists());
    let bench = ["bench", "pack", "--trust", "trust.json", "--state", "state"];
    work.fails(&[&bench[..], &["--dim", "n=8"]].concat(), 3, "rollback");
    work.ok(&VERIFY[..4]);

    work.release(|manifest| {
        manifest["sequence"] = json!(2);
        manifest["version"] = json!("1.0.1");
    });
    work.fails(&VERIFY, 3, "sequence_reused");
    publish(&work, u64::MAX);
    work.ok(&VERIFY);
    assert_eq!(floors(&work), [("test-pack".to_owned(), u64::MAX)]);
}

#[test]
fn a_pack_without_sequence_sets_no_floor() {
    let work = work();
    publish(&work, 0);
    let text = work.ok(&VERIFY).stdout;
    assert!(
        text.contains("floor     none: the pack has no sequence"),
        "{text}"
    );
    assert_eq!(floors(&work), []);
}

#[test]
fn run_and_bench_raise_the_floor_once_the_pack_is_loaded() {
    let work = work();
    work.ok(&RUN);
    assert_eq!(floors(&work)[0].1, 2);
    publish(&work, 3);
    let bench = [
        "bench",
        "pack",
        "copy",
        "--trust",
        "trust.json",
        "--state",
        "state",
    ];
    work.ok(&[&bench[..], &["--dim", "n=8"]].concat());
    assert_eq!(floors(&work)[0].1, 3);
    publish(&work, 4);
    let nowhere = RUN.map(|arg| if arg == "copy" { "nope" } else { arg });
    work.fails(&nowhere, 1, "unknown_kernel");
    assert_eq!(floors(&work)[0].1, 3, "it was not loaded");
}

#[test]
fn a_refused_pack_raises_nothing() {
    let work = work();
    let wasm = wat::parse_str(module("i32.const 0")).unwrap();
    fs::write(work.path("pack/copy.wasm"), wasm).unwrap();
    work.fails(&VERIFY, 3, "digest_mismatch");
    assert_eq!(floors(&work), []);
}

#[test]
fn the_floor_that_a_revoked_key_set_is_forgotten() {
    let work = work();
    let mine = work.trust()["keys"][0]["key"].as_str().unwrap().to_owned();
    let stolen = work.ok(&["keygen", "--out", "stolen", "--json"]).json();
    work.ok(&["trust", "add-key", "trust.json", "stolen.pub"]);
    work.release(|manifest| manifest["sequence"] = json!(u64::MAX));
    // The thief's own: his key in the manifest, his signature alone.
    let mut manifest = work.manifest();
    manifest["author"]["signing_key"] = stolen["public_key"].clone();
    work.write_manifest(&manifest);
    fs::remove_file(work.path("pack/kernels.json.sig")).unwrap();
    work.ok(&["sign", "pack", "--key", "stolen"]);
    work.ok(&VERIFY);

    manifest["author"]["signing_key"] = json!(mine);
    manifest["sequence"] = json!(3);
    work.write_manifest(&manifest);
    fs::remove_file(work.path("pack/kernels.json.sig")).unwrap();
    work.ok(&["sign", "pack", "--key", "key"]);
    let error = work.fails(&VERIFY, 3, "rollback");
    let help = error["help"].as_str().unwrap();
    assert!(help.contains("was stolen, revoke it"), "{help}");
    assert_eq!(error["signers"], json!([stolen["key_id"]]));
    let max = u64::MAX;
    assert_eq!(statuses(&work), [(max, "stands".to_owned())]);
    let show = ["trust", "show", "trust.json", "--state", "state"];
    let shown = work.ok(&show).stdout;
    let thief = stolen["key_id"].as_str().unwrap();
    let row = shown.lines().find(|line| line.starts_with("test-pack"));
    assert!(row.unwrap().ends_with(thief), "who set it: {shown}");
    work.ok(&["trust", "revoke", "trust.json", "--key", "stolen.pub"]);
    let verified = work.ok(&[&VERIFY[..], &["--json"]].concat()).json();
    assert_eq!(verified["floor"], 3);
    let forgotten = [(max, "forgotten".to_owned()), (3, "stands".to_owned())];
    assert_eq!(statuses(&work), forgotten);
    manifest["sequence"] = json!(2);
    work.write_manifest(&manifest);
    work.ok(&["sign", "pack", "--key", "key"]);
    work.fails(&VERIFY, 3, "rollback");
}

#[test]
fn to_revoke_the_newest_manifest_brings_back_no_older_one() {
    let work = work();
    publish(&work, 3);
    let newest = work.ok(&[&VERIFY[..], &["--json"]].concat()).json();
    let digest = newest["manifest_digest"].as_str().unwrap();
    work.ok(&["trust", "revoke", "trust.json", "--manifest", digest]);
    work.fails(&VERIFY, 3, "manifest_revoked");
    publish(&work, 2);
    let error = work.fails(&VERIFY, 3, "rollback");
    let help = error["help"].as_str().unwrap();
    assert!(
        help.starts_with("its manifest is revoked, and its floor stands"),
        "{help}"
    );
    publish(&work, 4);
    work.ok(&VERIFY);
}

#[test]
fn a_state_that_is_missing_or_damaged_is_never_begun_anew() {
    let work = work();
    work.ok(&VERIFY);
    let good = fs::read(work.path("state/state")).unwrap();
    let mut flipped = good.clone();
    let at = flipped.iter().position(|byte| *byte == b'2').unwrap();
    flipped[at] = b'1';
    for damaged in [&b""[..], &flipped, &good[..good.len() / 2], b"\xff"] {
        fs::write(work.path("state/state"), damaged).unwrap();
        let error = work.fails(&VERIFY, 1, "state_damaged");
        assert!(
            error["help"].as_str().unwrap().contains("backup"),
            "{error}"
        );
        work.fails(&RUN, 1, "state_damaged");
        work.fails(&["trust", "init", "--state", "state"], 1, "state_exists");
        assert_eq!(fs::read(work.path("state/state")).unwrap(), damaged);
    }
    fs::remove_file(work.path("state/state")).unwrap();
    let error = work.fails(&VERIFY, 1, "state_missing");
    assert!(
        error["help"]
            .as_str()
            .unwrap()
            .contains("kpack trust init --state")
    );
    fs::remove_dir_all(work.path("state")).unwrap();
    work.fails(&VERIFY, 1, "state_missing");
    work.fails(&RUN, 1, "state_missing");
    assert!(!work.path("state").exists());
}

#[test]
fn a_state_that_is_no_folder() {
    let work = work();
    let file = VERIFY.map(|arg| if arg == "state" { "state/state" } else { arg });
    let show = ["trust", "show", "trust.json", "--state", "state/state"];
    let init = ["trust", "init", "--state", "state/state"];
    for args in [&file[..], &show, &init] {
        let error = work.fails(args, 1, "not_a_folder");
        assert_eq!(
            error["message"],
            "the state must be a folder: `state/state`"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_state_that_others_may_write() {
    use std::os::unix::fs::PermissionsExt;
    let work = work();
    fs::set_permissions(work.path("state"), fs::Permissions::from_mode(0o770)).unwrap();
    work.fails(&VERIFY, 1, "state_not_private");
}

/// A disk that takes nothing more: what is known stands, and nothing new is accepted.
#[cfg(target_os = "linux")]
#[test]
fn a_floor_that_cannot_be_remembered() {
    let work = work();
    work.ok(&VERIFY);
    let full = || {
        let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
        let output = std::process::Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_kpack")])
            .args(VERIFY)
            .args(["--explain", "--json"])
            .current_dir(work.path("."))
            .output()
            .unwrap();
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), json)
    };
    assert_eq!(full().0, 0, "nothing new to remember");
    publish(&work, 3);
    let (code, json) = full();
    assert_eq!(
        (code, &json["error"]["kind"]),
        (1, &json!("state_io")),
        "{json}"
    );
    let steps = json["error"]["steps"].as_array().unwrap();
    let (last, before) = steps.split_last().unwrap();
    assert_eq!(
        (&last["step"], &last["outcome"]),
        (&json!("accept"), &json!("failed"))
    );
    assert!(
        before.iter().all(|step| step["outcome"] == "passed"),
        "{json}"
    );
    assert_eq!(floors(&work)[0].1, 2);
    work.ok(&VERIFY);
    assert_eq!(floors(&work)[0].1, 3);
    assert_eq!(in_state(&work), ["lock", "state"], "no temporary file");
}

#[test]
fn two_hosts_that_verify_at_once_both_succeed() {
    let work = work();
    for sequence in 3..8 {
        publish(&work, sequence);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| work.ok(&VERIFY));
            }
        });
        assert_eq!(floors(&work)[0].1, sequence);
    }
    assert_eq!(in_state(&work), ["lock", "state"], "no temporary file");
}

/// Killed at any moment, a process leaves the old state or the new one, and the next one goes on.
#[test]
fn a_process_that_is_killed_leaves_the_old_state_or_the_new_one() {
    let work = work();
    work.ok(&VERIFY);
    let before = fs::read(work.path("state/state")).unwrap();
    publish(&work, 3);
    for milliseconds in 0..40 {
        fs::write(work.path("state/state"), &before).unwrap();
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_kpack"))
            .args(VERIFY)
            .current_dir(work.path("."))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        _ = child.kill();
        child.wait().unwrap();
        let floor = floors(&work)[0].1;
        assert!(floor == 2 || floor == 3, "after {milliseconds} ms: {floor}");
    }
    work.ok(&VERIFY);
    assert_eq!(floors(&work)[0].1, 3);
}
