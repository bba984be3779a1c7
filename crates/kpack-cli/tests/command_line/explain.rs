//! `kpack verify --explain`: how far a pack came.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Ran, SCALE, Work, module, scale};

const EXPLAIN: [&str; 5] = ["verify", "pack", "--trust", "trust.json", "--explain"];

const STEPS: [&str; 13] = [
    "trust",
    "read",
    "revocation",
    "signatures",
    "manifest",
    "scope",
    "author",
    "expiry",
    "allow",
    "digests",
    "floor",
    "policy",
    "accept",
];

fn good() -> Work {
    Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]))
}

fn explain(work: &Work, more: &[&str]) -> Ran {
    work.run(&[&EXPLAIN[..], more].concat())
}

/// The outcome of each step, of which each stands once and in order.
fn outcomes(steps: &Value) -> Vec<String> {
    let steps = steps.as_array().unwrap();
    let names: Vec<&str> = steps
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(names, STEPS);
    let outcome = |step: &Value| step["outcome"].as_str().unwrap().to_owned();
    steps.iter().map(outcome).collect()
}

#[test]
fn a_good_pack_passes_every_step() {
    let work = good();
    work.ok(&["trust", "init", "--state", "state"]);
    let json = explain(&work, &["--state", "state", "--json"]).json();
    assert!(
        outcomes(&json["steps"])
            .iter()
            .all(|outcome| outcome == "passed")
    );
    assert_eq!(json["verified"], true);
    let text = explain(&work, &["--state", "state"]).stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("the trust file is proven and in force"));
    assert!(lines[12].ends_with("the floor is remembered"));
    for (line, step) in lines.iter().zip(STEPS) {
        let mut words = line.split_whitespace();
        assert_eq!((words.next(), words.next()), (Some("passed"), Some(step)));
    }
    assert!(lines[13].starts_with("verified: test-pack"), "{text}");
}

#[test]
fn without_a_state_the_floor_is_skipped_and_verify_says_so() {
    let work = good();
    let json = explain(&work, &["--json"]).json();
    let outcomes = outcomes(&json["steps"]);
    assert_eq!([&outcomes[10], &outcomes[12]], ["skipped", "skipped"]);
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| *outcome == "passed")
            .count(),
        11
    );
    assert_eq!(
        (&json["floor"], &json["state"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(json["trust"]["origin"], "local");
    let text = work.ok(&EXPLAIN[..4]).stdout;
    assert!(text.contains("floor     none is kept"), "{text}");
    assert!(
        text.contains("trust     the operator's own file, not signed"),
        "{text}"
    );
}

/// Each way of spoiling a pack, and the step at which it is refused.
#[test]
fn the_step_that_was_not_passed_is_shown_between_those_that_were_and_the_rest() {
    let signed_at =
        |work: &Work, change: &dyn Fn(&mut Value)| work.release(|manifest| change(manifest));
    let with_trust = |work: &Work, change: &dyn Fn(&mut Value)| {
        let mut trust = work.trust();
        change(&mut trust);
        work.write_trust(trust);
    };
    type Spoil<'a> = &'a dyn Fn(&Work);
    let cases: [(&str, &str, Spoil<'_>); 10] = [
        ("trust", "malformed_trust", &|work| {
            with_trust(work, &|trust| trust["colour"] = json!("red"));
        }),
        ("trust", "trust_expired", &|work| {
            with_trust(work, &|trust| {
                trust["expires"] = json!("2026-01-01T00:00:00Z")
            });
        }),
        ("read", "unsafe_path", &|work| {
            fs::write(work.path("pack/.hidden"), "").unwrap();
        }),
        ("revocation", "manifest_revoked", &|work| {
            let digest = explain(work, &["--json"]).json()["manifest_digest"].clone();
            with_trust(work, &|trust| trust["revoked_manifests"] = json!([digest]));
        }),
        ("signatures", "missing_signature", &|work| {
            fs::remove_file(work.path("pack/kernels.json.sig")).unwrap();
        }),
        ("scope", "out_of_scope", &|work| {
            with_trust(work, &|trust| {
                trust["keys"][0]["packs"] = json!(["other-*"])
            });
        }),
        ("expiry", "expired", &|work| {
            signed_at(work, &|manifest| {
                manifest["created_at"] = json!("2020-01-01T00:00:00Z");
                manifest["expires"] = json!("2020-01-02T00:00:00Z");
            });
        }),
        ("allow", "pack_not_allowed", &|work| {
            with_trust(work, &|trust| trust["allow"] = json!({"other": {}}));
        }),
        ("digests", "digest_mismatch", &|work| {
            let wasm = wat::parse_str(module("i32.const 0")).unwrap();
            fs::write(work.path("pack/scale.wasm"), wasm).unwrap();
        }),
        ("policy", "entry_point_missing", &|work| {
            signed_at(work, &|manifest| {
                manifest["kernels"][0]["entry_point"] = json!("nowhere");
            });
        }),
    ];
    for (step, kind, spoil) in cases {
        let work = good();
        spoil(&work);
        let text = explain(&work, &[]);
        let json = explain(&work, &["--json"]).json();
        let error = &json["error"];
        assert_eq!(error["kind"], kind, "{error}");
        assert_eq!(error["exit_code"], text.code, "{text:?}");
        let at = STEPS.iter().position(|name| *name == step).unwrap();
        for (index, outcome) in outcomes(&error["steps"]).iter().enumerate() {
            let expected = match index {
                index if index == at => "failed",
                index if index > at => "not_reached",
                10 => "skipped",
                _ => "passed",
            };
            assert_eq!(outcome, expected, "{step}: step {index}");
        }
        assert_eq!(text.stdout.lines().count(), STEPS.len(), "{text:?}");
        let failed: Vec<&str> = text
            .stdout
            .lines()
            .filter(|line| line.starts_with("failed "))
            .collect();
        assert_eq!(failed.len(), 1, "{text:?}");
        assert!(failed[0].contains(step), "{text:?}");
        assert_eq!(
            text.stderr.lines().count(),
            2,
            "what, and why or what to do: {text:?}"
        );
    }
}

/// What a forger learns from the command line about a signature that failed is that it failed.
#[test]
fn no_step_says_why_a_signature_failed() {
    let work = good();
    let signed = fs::read_to_string(work.path("pack/kernels.json.sig")).unwrap();
    let at = signed.find("\"sig\": \"").unwrap() + 8;
    let mut said = std::collections::BTreeSet::new();
    for (offset, digits) in [(0, "00"), (62, "ff"), (64, "00"), (126, "ff"), (126, "10")] {
        let mut forged = signed.clone();
        let place = at + offset..at + offset + 2;
        if &forged[place.clone()] == digits {
            continue;
        }
        forged.replace_range(place, digits);
        fs::write(work.path("pack/kernels.json.sig"), forged).unwrap();
        let text = explain(&work, &[]);
        let json = explain(&work, &["--json"]);
        assert_eq!((text.code, json.code), (3, 3));
        said.insert((text.stdout, text.stderr, json.stdout));
    }
    assert_eq!(said.len(), 1, "{said:?}");
}
