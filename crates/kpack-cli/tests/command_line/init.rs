//! `kpack trust init`: everything that was asked for is made, or nothing.

use std::fs;

use serde_json::json;

use crate::support::{SCALE, Work, scale};

const BOTH: [&str; 7] = [
    "trust", "init", "new.json", "--key", "key.pub", "--state", "state",
];

fn work() -> Work {
    Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]))
}

#[test]
fn where_the_state_is_there_no_trust_file_is_made() {
    let work = work();
    work.ok(&["trust", "init", "--state", "state"]);
    let before = work.listing();
    let error = work.fails(&BOTH, 1, "state_exists");
    assert_eq!(
        error["help"],
        "the state was left as it is; nothing was pinned"
    );
    assert_eq!(work.listing(), before);
}

#[test]
fn where_the_trust_file_is_there_no_state_is_made() {
    let work = work();
    fs::write(work.path("new.json"), "").unwrap();
    let before = work.listing();
    let error = work.fails(&BOTH, 1, "already_exists");
    assert_eq!(
        error["message"],
        "cannot create: `new.json`: a file stands there"
    );
    assert_eq!(work.listing(), before);
    let nowhere = BOTH.map(|arg| {
        if arg == "new.json" {
            "no/new.json"
        } else {
            arg
        }
    });
    work.fails(&nowhere, 1, "not_found");
    assert_eq!(work.listing(), before);
    fs::remove_file(work.path("new.json")).unwrap();
    work.ok(&BOTH);
}

#[test]
fn a_threshold_of_no_root_keys_is_a_wrong_command_line() {
    let work = work();
    let before = work.listing();
    for init in [
        &BOTH[..],
        &BOTH[..5],
        &["trust", "init", "--state", "state"],
    ] {
        let error = work.fails(&[init, &["--root-threshold", "2"]].concat(), 2, "usage");
        assert!(error["help"].as_str().unwrap().contains("--root KEY"));
    }
    assert_eq!(work.listing(), before);
}
