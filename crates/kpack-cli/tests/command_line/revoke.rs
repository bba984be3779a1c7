//! `kpack trust revoke`: what was asked for is done, or it is said that it is not.

use serde_json::json;

use crate::support::{Ran, SCALE, Work, scale};

fn work() -> Work {
    Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]))
}

fn revoke(work: &Work, key: &str) -> Ran {
    work.ok(&["trust", "revoke", "trust.json", "--key", key])
}

#[test]
fn an_id_of_no_listed_key_is_said() {
    let work = work();
    let wrong = "ab".repeat(32);
    let ran = revoke(&work, &wrong);
    let warning = format!("warning: this is none of the keys that the file lists: `{wrong}`");
    assert!(ran.stderr.contains(&warning), "{ran:?}");
    assert_eq!(work.trust()["revoked_keys"], json!([wrong]));
    work.ok(&["verify", "pack", "--trust", "trust.json"]);
}

#[test]
fn the_digits_of_a_listed_key_are_that_key() {
    let work = work();
    let public = work.trust()["keys"][0]["key"].as_str().unwrap().to_owned();
    let shown = work.ok(&["trust", "show", "trust.json", "--json"]).json();
    let ran = revoke(&work, public.trim_start_matches("ed25519:"));
    assert!(!ran.stderr.contains("none of the keys"), "{ran:?}");
    assert_eq!(
        work.trust()["revoked_keys"],
        json!([shown["keys"][0]["key_id"]])
    );
    work.refused(3, "key_revoked");
}

#[test]
fn a_root_key_stays_one() {
    let work = work();
    work.ok(&["keygen", "--out", "root"]);
    work.ok(&["trust", "rotate", "trust.json", "--root", "root.pub"]);
    let ran = revoke(&work, "root.pub");
    assert!(
        ran.stderr.contains("warning: this is a root key"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("kpack trust rotate --root"), "{ran:?}");
    assert!(!ran.stderr.contains("none of the keys"), "{ran:?}");
}
