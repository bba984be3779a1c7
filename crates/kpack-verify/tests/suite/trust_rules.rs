//! The operator's decision, rule by rule.

use kpack_schema::{HostPolicy, LimitPolicy};
use kpack_verify::{PackBytes, sha256};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    Draft, PLAIN, SHARED, SIMD, key, now, outcome, time, trust, trust_json, trusting, verify,
};

/// The outcome for the usual pack, signed by `key(1)`, at a moment.
fn outcome_at(trust_file: &Value, draft: &Draft, moment: &str) -> &'static str {
    let pack = PackBytes::new(draft.signed(&[&key(1)])).unwrap();
    trust(trust_file)
        .verify(pack, time(moment))
        .map_or_else(|error| error.kind(), |_| "ok")
}

#[test]
fn a_key_is_valid_from_not_before_until_just_before_not_after() {
    let mut file = trust_json(&[&key(1)]);
    file["keys"][0]["not_before"] = json!("2026-01-01T00:00:00Z");
    file["keys"][0]["not_after"] = json!("2026-02-01T00:00:00Z");
    let cases = [
        ("2025-12-31T23:59:59.999999999Z", "key_not_yet_valid"),
        ("2026-01-01T00:00:00Z", "ok"),
        ("2026-01-31T23:59:59.999999999Z", "ok"),
        ("2026-02-01T00:00:00Z", "key_expired"),
    ];
    for (moment, expected) in cases {
        assert_eq!(
            outcome_at(&file, &Draft::new(), moment),
            expected,
            "{moment}"
        );
    }
}

#[test]
fn absent_and_null_bounds_are_open() {
    let mut null = trust_json(&[&key(1)]);
    null["keys"][0]["not_before"] = Value::Null;
    null["keys"][0]["not_after"] = Value::Null;
    for file in [null, trust_json(&[&key(1)])] {
        for moment in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(outcome_at(&file, &Draft::new(), moment), "ok", "{moment}");
        }
    }
}

#[test]
fn the_last_second_of_the_calendar_stands_for_never() {
    let mut file = trust_json(&[&key(1)]);
    file["keys"][0]["not_after"] = json!("9999-12-31T23:59:59Z");
    let draft = Draft::new().with("/expires", json!("9999-12-31T23:59:59Z"));
    for moment in ["2026-02-01T00:00:00Z", "9999-12-31T23:59:58Z"] {
        assert_eq!(outcome_at(&file, &draft, moment), "ok", "{moment}");
    }
}

#[test]
fn a_pack_is_refused_from_expires_on() {
    let draft = Draft::new().with("/expires", json!("2026-02-01T00:00:00Z"));
    let file = trust_json(&[&key(1)]);
    assert_eq!(outcome_at(&file, &draft, "2026-01-31T23:59:59.999Z"), "ok");
    assert_eq!(outcome_at(&file, &draft, "2026-02-01T00:00:00Z"), "expired");
    assert_eq!(outcome_at(&file, &draft, "2036-02-01T00:00:00Z"), "expired");
}

#[test]
fn a_revoked_key_does_not_count_whether_it_is_still_listed_or_not() {
    let mut listed = trust_json(&[&key(1), &key(2)]);
    listed["revoked_keys"] = json!([key(1).id().to_string()]);
    let mut removed = trust_json(&[&key(2)]);
    removed["revoked_keys"] = listed["revoked_keys"].clone();
    for file in [listed, removed] {
        let trust = trust(&file);
        assert_eq!(
            outcome(&trust, Draft::new().signed(&[&key(1)])),
            "key_revoked"
        );
        let pack = verify(&trust, Draft::new().signed(&[&key(1), &key(2)])).unwrap();
        assert_eq!(pack.signers(), [key(2).id()]);
    }
}

#[test]
fn a_revoked_key_does_not_help_to_reach_the_threshold() {
    let mut file = trust_json(&[&key(1), &key(2)]);
    file["threshold"] = json!(2);
    file["revoked_keys"] = json!([key(2).id().to_string()]);
    let parts = Draft::new().signed(&[&key(1), &key(2)]);
    assert_eq!(outcome(&trust(&file), parts), "threshold_not_met");
}

#[test]
fn a_revoked_manifest_is_refused_whoever_signed_it() {
    let parts = Draft::new().signed(&[&key(1), &key(2)]);
    let mut file = trust_json(&[&key(1)]);
    file["revoked_manifests"] = json!([sha256(&parts.manifest).to_string()]);
    assert_eq!(outcome(&trust(&file), parts), "manifest_revoked");
    let next = Draft::new()
        .with("/version", json!("1.0.1"))
        .signed(&[&key(1)]);
    assert_eq!(outcome(&trust(&file), next), "ok");
}

#[test]
fn a_key_signs_only_for_the_packs_of_its_scope() {
    let cases = [
        (json!(["llama-*"]), "ok"),
        (json!(["other", "llama-c?re"]), "ok"),
        (json!(["*"]), "ok"),
        (json!(["llama"]), "out_of_scope"),
        (json!(["mistral-*"]), "out_of_scope"),
        (json!(["LLAMA-*"]), "out_of_scope"),
        (json!([]), "out_of_scope"),
    ];
    for (packs, expected) in cases {
        let mut file = trust_json(&[&key(1)]);
        file["keys"][0]["packs"] = packs.clone();
        assert_eq!(
            outcome(&trust(&file), Draft::new().signed(&[&key(1)])),
            expected,
            "{packs}"
        );
    }
}

#[test]
fn the_threshold_counts_keys_in_scope() {
    let mut file = trust_json(&[&key(1), &key(2), &key(3)]);
    file["threshold"] = json!(2);
    file["keys"][1]["packs"] = json!(["mistral-*"]);
    let trust = trust(&file);
    assert_eq!(
        outcome(&trust, Draft::new().signed(&[&key(1), &key(2)])),
        "out_of_scope"
    );
    assert_eq!(
        outcome(&trust, Draft::new().signed(&[&key(1), &key(3)])),
        "ok"
    );
    let all = verify(&trust, Draft::new().signed(&[&key(1), &key(2), &key(3)])).unwrap();
    assert!(!all.signers().contains(&key(2).id()));
}

#[test]
fn the_allow_list_names_pack_kernel_and_every_module() {
    let digest = |bytes| sha256(bytes).to_string();
    let complete = json!({
        "first": [digest(SHARED)], "second": [digest(b"older"), digest(SHARED)],
        "third": [digest(PLAIN), digest(SIMD)],
    });
    let without = |kernel: &str| {
        let mut kernels = complete.clone();
        kernels.as_object_mut().unwrap().remove(kernel);
        json!({"llama-core": kernels})
    };
    let with_third = |digests: Value| {
        let mut kernels = complete.clone();
        kernels["third"] = digests;
        json!({"llama-core": kernels})
    };
    let cases = [
        (json!({}), "ok"),
        (json!({"llama-core": complete}), "ok"),
        (json!({"other": complete}), "pack_not_allowed"),
        (json!({"llama-core": {}}), "kernel_not_allowed"),
        (without("second"), "kernel_not_allowed"),
        (with_third(json!([digest(PLAIN)])), "digest_not_allowed"),
        (with_third(json!([digest(SIMD)])), "digest_not_allowed"),
        (with_third(json!([])), "digest_not_allowed"),
    ];
    for (allow, expected) in cases {
        let mut file = trust_json(&[&key(1)]);
        file["allow"] = allow.clone();
        assert_eq!(
            outcome(&trust(&file), Draft::new().signed(&[&key(1)])),
            expected,
            "{allow}"
        );
    }
}

#[test]
fn the_most_telling_of_several_refusals_is_shown() {
    let mut file = trust_json(&[&key(1), &key(2), &key(3), &key(4)]);
    file["keys"][1]["not_after"] = json!("2026-01-01T00:00:00Z");
    file["keys"][2]["not_before"] = json!("2027-01-01T00:00:00Z");
    file["revoked_keys"] = json!([key(4).id().to_string()]);
    let trust = trust(&file);
    let by = |numbers: &[u8]| {
        let keys: Vec<_> = numbers.iter().map(|&number| key(number)).collect();
        Draft::new().signed(&keys.iter().collect::<Vec<_>>())
    };
    assert_eq!(outcome(&trust, by(&[66])), "untrusted_key");
    assert_eq!(outcome(&trust, by(&[66, 3])), "key_not_yet_valid");
    assert_eq!(outcome(&trust, by(&[66, 3, 2])), "key_expired");
    assert_eq!(outcome(&trust, by(&[66, 3, 2, 4])), "key_revoked");
    assert_eq!(outcome(&trust, by(&[66, 3, 2, 4, 1])), "ok");
}

#[test]
fn a_manifest_above_the_host_policy_is_refused() {
    let limits = LimitPolicy {
        max_memory_pages: 15,
        ..LimitPolicy::default()
    };
    let policy = HostPolicy {
        limits,
        ..HostPolicy::default()
    };
    let pack = PackBytes::new(Draft::new().signed(&[&key(1)])).unwrap();
    let error = trusting(&[&key(1)])
        .verify_with(pack, now(), &policy)
        .unwrap_err();
    assert_eq!(error.kind(), "invalid_manifest");
}

/// One key as the operator and the signers treat it, each choice independent of the others.
#[derive(Debug, Clone, Copy)]
struct Treatment {
    listed: bool,
    revoked: bool,
    in_time: bool,
    in_scope: bool,
    signs: bool,
    intact: bool,
}

impl Treatment {
    fn counts(self) -> bool {
        self.listed && !self.revoked && self.in_time && self.in_scope && self.signs && self.intact
    }
}

fn treatment() -> impl Strategy<Value = Treatment> {
    // Mostly in order, so that thresholds are reached often.
    let mostly = || prop::bool::weighted(0.85);
    (
        mostly(),
        prop::bool::weighted(0.15),
        mostly(),
        mostly(),
        mostly(),
        mostly(),
    )
        .prop_map(
            |(listed, revoked, in_time, in_scope, signs, intact)| Treatment {
                listed,
                revoked,
                in_time,
                in_scope,
                signs,
                intact,
            },
        )
}

/// The trust file that treats `key(1)`, `key(2)` ... so; `None` if nobody is listed.
fn trust_file(treatments: &[Treatment], threshold: usize) -> Option<Value> {
    let mut file = json!({"kpack_trust": 1, "keys": [], "revoked_keys": []});
    for (number, treatment) in (1..).zip(treatments) {
        let mut entry = json!({"key": key(number).public_key().to_string()});
        if !treatment.in_time {
            entry["not_after"] = json!("2026-01-01T00:00:00Z");
        }
        if !treatment.in_scope {
            entry["packs"] = json!(["mistral-*"]);
        }
        if treatment.listed {
            file["keys"].as_array_mut().unwrap().push(entry);
        }
        if treatment.revoked {
            let revoked = file["revoked_keys"].as_array_mut().unwrap();
            revoked.push(json!(key(number).id().to_string()));
        }
    }
    let listed = file["keys"].as_array().unwrap().len();
    file["threshold"] = json!(threshold.min(listed));
    (listed > 0).then_some(file)
}

proptest! {
    /// The rule of the trust file in one line, against all of its machinery. The author is a key
    /// that nobody lists.
    #[test]
    fn a_pack_is_taken_exactly_if_enough_keys_count(
        treatments in prop::collection::vec(treatment(), 1..6),
        threshold in 1_usize..4,
    ) {
        let Some(file) = trust_file(&treatments, threshold) else { return Ok(()) };
        let threshold = usize::try_from(file["threshold"].as_u64().unwrap()).unwrap();
        let draft = Draft::new().author(&key(99));
        let manifest = draft.manifest_bytes();
        let mut entries = vec![key(99).sign_manifest(&manifest)];
        let mut counting = Vec::new();
        for (number, treatment) in (1..).zip(&treatments) {
            let signed: &[u8] = if treatment.intact { &manifest } else { b"{}" };
            if treatment.signs {
                entries.push(key(number).sign_manifest(signed));
            }
            if treatment.counts() {
                counting.push(key(number).id());
            }
        }
        counting.sort();
        match verify(&trust(&file), draft.with_entries(entries)) {
            Ok(pack) => {
                prop_assert_eq!(pack.signers(), &counting);
                prop_assert!(counting.len() >= threshold);
            }
            Err(error) => prop_assert!(counting.len() < threshold, "{}", error),
        }
    }
}
