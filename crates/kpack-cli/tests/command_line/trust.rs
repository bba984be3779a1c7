//! `kpack trust`: the operator's decision, made and changed safely.

use std::fs;

use serde_json::{Value, json};

use crate::support::{SCALE, Work, scale};

const VERIFY: [&str; 4] = ["verify", "pack", "--trust", "trust.json"];
const VERIFY_PINNED: [&str; 6] = [
    "verify",
    "pack",
    "--trust",
    "trust.json",
    "--state",
    "state",
];

/// A signed pack whose trust file was made by hand, and key pairs of these names.
fn work(keys: &[&str]) -> Work {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    for key in keys {
        work.ok(&["keygen", "--out", key]);
    }
    work
}

/// The trust file replaced by one with these root keys, of which `threshold` must sign.
fn rooted(work: &Work, roots: &[&str], threshold: &str) {
    fs::remove_file(work.path("trust.json")).unwrap();
    let mut args = vec!["trust", "init", "trust.json", "--key", "key.pub"];
    args.extend(["--root-threshold", threshold]);
    let files: Vec<String> = roots.iter().map(|root| format!("{root}.pub")).collect();
    for file in &files {
        args.extend(["--root", file]);
    }
    work.ok(&args);
}

fn sign(work: &Work, root: &str) -> Value {
    let args = ["trust", "sign", "trust.json", "--key", root, "--json"];
    work.ok(&args).json()
}

#[test]
fn a_first_file_is_made_and_never_over_another() {
    let work = work(&["other"]);
    let init = [
        "trust",
        "init",
        "new.json",
        "--key",
        "key.pub",
        "--key",
        "other.pub",
    ];
    let more = [
        "--packs",
        "test-*",
        "--threshold",
        "2",
        "--expires",
        "2999-01-01T00:00:00Z",
    ];
    let made = work.ok(&[&init[..], &more, &["--json"]].concat()).json();
    assert_eq!(made["version"], 1);
    let written: Value = serde_json::from_slice(&fs::read(work.path("new.json")).unwrap()).unwrap();
    assert_eq!(written["keys"].as_array().unwrap().len(), 2);
    assert_eq!(written["keys"][1]["packs"], json!(["test-*"]));
    assert_eq!(
        (&written["threshold"], &written["version"]),
        (&json!(2), &json!(1))
    );
    work.fails(&init, 1, "already_exists");
    let text = fs::read_to_string(work.path("key.pub")).unwrap();
    work.ok(&["trust", "init", "text.json", "--key", text.trim()]);
    work.ok(&["verify", "pack", "--trust", "text.json"]);
}

#[test]
fn a_change_keeps_everything_else() {
    let work = work(&["other"]);
    let mut by_hand = work.trust();
    by_hand["keys"][0]["comment"] = json!("the first; \u{6838}\u{5fc3}");
    by_hand["keys"][0]["packs"] = json!(["test-*", "other"]);
    by_hand["allow"] = json!({"test-pack": {"scale": [format!("sha256:{}", "ab".repeat(32))]}});
    work.write_trust(by_hand.clone());
    let add = [
        "trust",
        "add-key",
        "trust.json",
        "other.pub",
        "--comment",
        "the second",
    ];
    let window = [
        "--not-before",
        "2020-01-01T00:00:00Z",
        "--not-after",
        "2999-01-01T00:00:00Z",
    ];
    let added = work
        .ok(&[&add[..], &window, &["--packs", "llama-*", "--json"]].concat())
        .json();
    assert_eq!(
        (&added["version"], &added["changed"]),
        (&json!(1), &json!(true))
    );
    let after = work.trust();
    assert_eq!(after["keys"][0], by_hand["keys"][0]);
    assert_eq!(after["allow"], by_hand["allow"]);
    let second = &after["keys"][1];
    assert_eq!(
        (&second["packs"], &second["comment"]),
        (&json!(["llama-*"]), &json!("the second"))
    );
    assert_eq!(second["not_after"], "2999-01-01T00:00:00Z");
}

#[test]
fn a_key_that_cannot_count_is_added_with_a_note() {
    let work = work(&["revoked", "late", "good"]);
    let add = |args: &[&str]| work.ok(&[&["trust", "add-key", "trust.json"][..], args].concat());
    work.ok(&["trust", "revoke", "trust.json", "--key", "revoked.pub"]);
    let ran = add(&["revoked.pub"]);
    assert!(
        ran.stderr.contains("note: the file revokes this key"),
        "{ran:?}"
    );
    let ran = add(&["late.pub", "--not-after", "2020-01-01T00:00:00Z"]);
    assert!(ran.stderr.contains("note: its time is over"), "{ran:?}");
    let ran = add(&["good.pub", "--not-after", "2999-01-01T00:00:00Z"]);
    assert_eq!(ran.stderr, "");
}

#[test]
fn an_invalid_file_is_never_written() {
    let work = work(&["other"]);
    let before = fs::read(work.path("trust.json")).unwrap();
    let weak = format!("ed25519:{}", "00".repeat(32));
    let add = ["trust", "add-key", "trust.json"];
    work.fails(&[&add[..], &["key.pub"]].concat(), 1, "repeated_key");
    work.fails(&[&add[..], &[&weak]].concat(), 1, "weak_key");
    let threshold = ["other.pub", "--threshold", "3"];
    work.fails(
        &[&add[..], &threshold].concat(),
        1,
        "threshold_out_of_range",
    );
    let never = ["other.pub", "--not-before", "2026-01-01T00:00:00Z"];
    let never = [&never[..], &["--not-after", "2026-01-01T00:00:00Z"]].concat();
    work.fails(&[&add[..], &never].concat(), 1, "key_never_valid");
    work.fails(&[&add[..], &["scarf.pub"]].concat(), 1, "not_found");
    work.fails(
        &[&add[..], &["pack/kernels.json"]].concat(),
        1,
        "malformed_key",
    );
    work.fails(
        &[&add[..], &["ed25519:AAAA"]].concat(),
        2,
        "malformed_argument",
    );
    let soon = ["other.pub", "--not-after", "soon"];
    work.fails(&[&add[..], &soon].concat(), 2, "malformed_argument");
    let rotate = ["trust", "rotate", "trust.json", "--root", "other.pub"];
    let rotate = [&rotate[..], &["--root-threshold", "2"]].concat();
    let error = work.fails(&rotate, 1, "threshold_out_of_range");
    assert_eq!(
        error["message"],
        "the root threshold must be at least 1 and at most 1: `2`"
    );
    assert_eq!(
        error["help"],
        "give --root-threshold, and --root for each root key"
    );
    for nothing in [
        &["trust", "rotate", "trust.json"][..],
        &["trust", "rotate", "trust.json", "--root-threshold", "1"],
        &["trust", "revoke", "trust.json"],
        &["trust", "init"],
        &["trust", "init", "new.json"],
        &["trust", "init", "--state", "state", "--key", "key.pub"],
        &[
            "trust",
            "init",
            "--state",
            "state",
            "--expires",
            "2999-01-01T00:00:00Z",
        ],
        &["trust"],
    ] {
        work.fails(nothing, 2, "usage");
    }
    assert_eq!(fs::read(work.path("trust.json")).unwrap(), before);
    // What is not understood is not changed either.
    work.write_trust(json!({"kpack_trust": 1, "keys": [], "colour": "red"}));
    work.fails(&[&add[..], &["other.pub"]].concat(), 1, "malformed_trust");
    let mut last = serde_json::from_slice::<Value>(&before).unwrap();
    last["version"] = json!(u64::MAX);
    work.write_trust(last);
    work.fails(
        &[&add[..], &["other.pub"]].concat(),
        1,
        "trust_last_version",
    );
}

#[test]
fn revoking_is_never_refused_and_says_what_it_costs() {
    let work = work(&[]);
    let digest = work.ok(&[&VERIFY[..], &["--json"]].concat()).json()["manifest_digest"].clone();
    let digest = digest.as_str().unwrap();
    work.ok(&["trust", "revoke", "trust.json", "--manifest", digest]);
    work.refused(3, "manifest_revoked");
    let revoke = ["trust", "revoke", "trust.json", "--key", "key.pub"];
    let ran = work.ok(&revoke);
    assert!(ran.stderr.contains("no pack passes any more"), "{ran:?}");
    let again = work.ok(&[&revoke[..], &["--json"]].concat()).json();
    assert_eq!(
        (&again["changed"], &again["version"]),
        (&json!(false), &json!(2))
    );
    let shown = work.ok(&["trust", "show", "trust.json", "--json"]).json();
    assert_eq!(shown["keys"][0]["status"], "revoked");
    assert_eq!(shown["revoked_manifests"], json!([digest]));
    // By its id too.
    let id = shown["keys"][0]["key_id"].as_str().unwrap();
    let by_id = ["trust", "revoke", "trust.json", "--key", id, "--json"];
    assert_eq!(work.ok(&by_id).json()["changed"], false);
}

#[test]
fn a_file_with_roots_counts_when_their_threshold_has_signed() {
    let work = work(&["r1", "r2", "r3"]);
    rooted(&work, &["r1", "r2", "r3"], "2");
    work.refused(1, "trust_unsigned");
    let signed = sign(&work, "r1");
    assert_eq!(signed["root_signatures"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&signed["root_threshold"], &signed["own_root"]),
        (&json!(2), &json!(true))
    );
    let error = work.refused(1, "trust_threshold_not_met");
    assert_eq!((&error["found"], &error["needed"]), (&json!(1), &json!(2)));
    sign(&work, "r1");
    work.refused(1, "trust_threshold_not_met");
    sign(&work, "r3");
    let text = work.ok(&VERIFY).stdout;
    assert!(
        text.contains("signed by its own roots, which nothing here knew before"),
        "{text}"
    );
    // A change asks for new signatures.
    let revoked = ["trust", "revoke", "trust.json", "--key", "r2.pub", "--json"];
    let needs = work.ok(&revoked).json()["needs"].clone();
    assert_eq!(needs[0]["signatures"], 2);
    assert!(!work.path("trust.json.sig").exists());
    work.refused(1, "trust_unsigned");
}

#[test]
fn a_rotation_needs_the_old_and_the_new_roots() {
    let work = work(&["old", "new", "attacker"]);
    rooted(&work, &["old"], "1");
    sign(&work, "old");
    let first = ["trust.json", "trust.json.sig"].map(|name| fs::read(work.path(name)).unwrap());
    let put = |files: &[Vec<u8>; 2]| {
        fs::write(work.path("trust.json"), &files[0]).unwrap();
        fs::write(work.path("trust.json.sig"), &files[1]).unwrap();
    };
    work.ok(&["trust", "init", "--state", "state"]);
    let first_use = work.ok(&[&VERIFY_PINNED[..], &["--json"]].concat());
    assert!(first_use.stderr.contains("pins them now"), "{first_use:?}");
    assert_eq!(
        first_use.json()["trust"],
        json!({"origin": "own_roots", "version": 1})
    );
    let second_use = work.ok(&[&VERIFY_PINNED[..], &["--json"]].concat());
    assert_eq!(second_use.stderr, "");
    let verified = second_use.json();
    assert_eq!(
        verified["trust"],
        json!({"origin": "pinned_roots", "version": 1})
    );

    let rotate = |root: &str| {
        work.ok(&["trust", "rotate", "trust.json", "--root", root, "--json"])
            .json()
    };
    rotate("attacker.pub");
    sign(&work, "attacker");
    work.fails(&VERIFY_PINNED, 1, "trust_threshold_not_met");

    put(&first);
    let rotated = rotate("new.pub");
    assert_eq!(rotated["version"], 2);
    assert_eq!(rotated["needs"].as_array().unwrap().len(), 2, "{rotated}");
    sign(&work, "new");
    work.fails(&VERIFY_PINNED, 1, "trust_threshold_not_met");
    assert_eq!(sign(&work, "old")["own_root"], false);
    work.ok(&VERIFY_PINNED);
    put(&first);
    let error = work.fails(&VERIFY_PINNED, 1, "trust_rollback");
    assert_eq!((&error["found"], &error["limit"]), (&json!(1), &json!(2)));
    work.ok(&VERIFY);
}

/// Whichever verb it is that pins them, and whatever becomes of the pack.
#[test]
fn the_first_use_says_that_it_pins() {
    let work = work(&["root"]);
    rooted(&work, &["root"], "1");
    sign(&work, "root");
    let note = "note: the trust file is signed by its own roots: this host knew none before, and pins \
                them now\n";
    assert!(!work.ok(&VERIFY).stderr.contains(note), "without a state");
    let judged = ["--trust", "trust.json", "--state", "state"];
    let tensors = ["--inputs", "none", "--output", "out"];
    for args in [
        [&["run", "pack", "scale"][..], &judged, &tensors].concat(),
        [&["verify", "nowhere"][..], &judged].concat(),
        [&["bench", "nowhere"][..], &judged].concat(),
        VERIFY_PINNED.to_vec(),
    ] {
        work.ok(&["trust", "init", "--state", "state"]);
        let first = work.run(&args);
        assert!(first.stderr.contains(note), "{args:?}: {first:?}");
        let second = work.run(&args);
        assert!(!second.stderr.contains(note), "{args:?}: {second:?}");
        if args == VERIFY_PINNED {
            assert!(
                first.stdout.contains("knew before, and pinned now\n"),
                "{first:?}"
            );
        }
        fs::remove_dir_all(work.path("state")).unwrap();
    }
}

/// Of the last version that was signed nothing is left when the second change is made.
#[test]
fn a_second_change_before_signing_says_that_others_must_sign_too() {
    let work = work(&["old", "new", "other"]);
    rooted(&work, &["old"], "1");
    let hint = "and by the roots of the last signed version: see kpack trust show --state\n";
    let change = |args: &[&str]| {
        let ran = work.ok(&[&["trust"][..], args].concat());
        ran.stdout.contains(hint)
    };
    let add = |key: &'static str| ["add-key", "trust.json", key];
    assert!(!change(&add("new.pub")), "no version was signed as yet");
    sign(&work, "old");
    assert!(!change(&["rotate", "trust.json", "--root", "new.pub"]));
    assert!(change(&add("other.pub")), "the old root must sign");
    sign(&work, "new");
    assert!(!change(&["revoke", "trust.json", "--key", "other.pub"]));
    let again = [
        "trust",
        "revoke",
        "trust.json",
        "--key",
        "key.pub",
        "--json",
    ];
    assert_eq!(work.ok(&again).json()["needs_last_signed"], true);
}

#[test]
fn roots_that_are_pinned_before_the_first_file() {
    let work = work(&["root", "attacker"]);
    let init = [
        "trust", "init", "--state", "state", "--root", "root.pub", "--json",
    ];
    let made = work.ok(&init).json();
    assert_eq!(made["pinned_roots"].as_array().unwrap().len(), 1);
    work.fails(&VERIFY_PINNED, 1, "trust_without_roots");
    rooted(&work, &["attacker"], "1");
    sign(&work, "attacker");
    work.fails(&VERIFY_PINNED, 1, "trust_threshold_not_met");
    rooted(&work, &["root"], "1");
    fs::remove_file(work.path("trust.json.sig")).unwrap();
    sign(&work, "root");
    let verified = work.ok(&[&VERIFY_PINNED[..], &["--json"]].concat()).json();
    assert_eq!(
        verified["trust"],
        json!({"origin": "pinned_roots", "version": 1})
    );
}

#[test]
fn what_the_pinned_roots_did_not_sign() {
    let work = work(&["root"]);
    let by_hand = fs::read(work.path("trust.json")).unwrap();
    rooted(&work, &["root"], "1");
    sign(&work, "root");
    work.ok(&["trust", "init", "--state", "state"]);
    work.ok(&VERIFY_PINNED);
    let signed = fs::read_to_string(work.path("trust.json")).unwrap();
    fs::write(work.path("trust.json"), &by_hand).unwrap();
    work.fails(&VERIFY_PINNED, 1, "trust_without_roots");
    work.fails(
        &["trust", "sign", "trust.json", "--key", "root"],
        1,
        "trust_without_roots",
    );
    // Another file of the same version, signed by the right root.
    fs::write(
        work.path("trust.json"),
        signed.replace("\"packs\"", "\"comment\": \"x\",\n\"packs\""),
    )
    .unwrap();
    sign(&work, "root");
    work.fails(&VERIFY_PINNED, 1, "trust_version_reused");
    fs::write(work.path("trust.json.sig"), "{}").unwrap();
    work.fails(&VERIFY_PINNED, 1, "malformed_trust_signature");
    work.fails(
        &["trust", "sign", "trust.json", "--key", "root"],
        1,
        "malformed_trust_signature",
    );
    fs::write(
        work.path("trust.json"),
        signed.replace("\"version\": 1,", ""),
    )
    .unwrap();
    work.fails(&VERIFY_PINNED, 1, "trust_unversioned");
}

#[test]
fn a_trust_file_that_has_expired() {
    let work = work(&[]);
    work.ok(&[
        "trust",
        "rotate",
        "trust.json",
        "--expires",
        "2026-01-01T00:00:00Z",
    ]);
    let error = work.refused(1, "trust_expired");
    assert_eq!(error["expires"], "2026-01-01T00:00:00Z");
    let shown = work.ok(&["trust", "show", "trust.json"]).stdout;
    assert!(shown.contains("it decides nothing now"), "{shown}");
    work.ok(&[
        "trust",
        "rotate",
        "trust.json",
        "--expires",
        "2999-01-01T00:00:00Z",
    ]);
    work.ok(&VERIFY);
}

#[test]
fn what_is_shown_changes_nothing() {
    let work = work(&["root"]);
    rooted(&work, &["root"], "1");
    work.ok(&["trust", "init", "--state", "state"]);
    let state = fs::read(work.path("state/state")).unwrap();
    let show = ["trust", "show", "trust.json", "--state", "state"];
    let shown = work.ok(&[&show[..], &["--json"]].concat()).json();
    assert_eq!(shown["refused"]["kind"], "trust_unsigned");
    sign(&work, "root");
    let shown = work.ok(&[&show[..], &["--json"]].concat()).json();
    assert_eq!(shown["standing"], "own_roots");
    assert_eq!(shown["state"], json!({"pinned": null, "floors": []}));
    assert_eq!(shown["keys"][0]["status"], "in_service");
    assert_eq!(fs::read(work.path("state/state")).unwrap(), state);
    work.ok(&VERIFY_PINNED);
    let text = work.ok(&show).stdout;
    assert!(
        text.contains("signed by the pinned roots and its own"),
        "{text}"
    );
    assert!(text.contains("pinned     version 1"), "{text}");
    assert!(text.contains("floors     none"), "{text}");
}

#[test]
fn what_a_trust_file_says_steers_no_terminal() {
    let work = work(&[]);
    let mut trust = work.trust();
    trust["keys"][0]["comment"] = json!("a\u{1b}[31mb\u{202e}");
    work.write_trust(trust);
    let shown = work.ok(&["trust", "show", "trust.json"]).stdout;
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
        "{shown:?}"
    );
}

#[test]
fn many_who_change_at_once_lose_nothing() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let work = work(&names);
    std::thread::scope(|scope| {
        for name in names {
            let work = &work;
            scope.spawn(move || {
                work.ok(&["trust", "add-key", "trust.json", &format!("{name}.pub")]);
            });
        }
    });
    let after = work.trust();
    assert_eq!(after["keys"].as_array().unwrap().len(), 7);
    assert_eq!(after["version"], 6);
}
