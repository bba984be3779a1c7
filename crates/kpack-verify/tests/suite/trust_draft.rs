//! Trust files under change: nothing is lost, nothing invalid is made.

use kpack_schema::PublicKey;
use kpack_verify::{KeyId, Trust, TrustDraft, TrustEntry, TrustError, TrustFile, sha256};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Draft, key, outcome, rooted, trust_file, trust_json};

fn public(number: u8) -> PublicKey {
    key(number).public_key()
}

fn to_value(file: &TrustFile) -> Value {
    serde_json::from_str(file.text()).unwrap()
}

/// A file that uses every field.
fn every_field() -> Value {
    let mut json = rooted(41, &[&key(10), &key(11)], 2);
    json["expires"] = json!("2030-01-01T00:00:00Z");
    json["threshold"] = json!(1);
    json["keys"] = json!([
        {"key": public(1).to_string(), "packs": ["llama-*", "m?stral"],
            "not_before": "2026-01-01T00:00:00Z", "not_after": "2031-01-01T00:00:00.5Z",
            "comment": "K\u{fc}hn, \u{6838}\u{5fc3}"},
        {"key": public(2).to_string(), "packs": []},
    ]);
    json["revoked_keys"] = json!([key(3).id().to_string()]);
    json["revoked_manifests"] = json!([sha256(b"m").to_string()]);
    json["allow"] = json!({"llama-core": {"first": [sha256(b"a").to_string()], "second": []}});
    json
}

#[test]
fn a_change_keeps_everything_else_and_raises_the_version_by_one() {
    let before = trust_file(&every_field());
    let mut draft = TrustDraft::of(&before);
    assert!(!draft.is_changed());
    draft.revoke_key(key(2).id());
    assert!(draft.is_changed());
    let after = draft.finish().unwrap();
    let mut expected = every_field();
    expected["version"] = json!(42);
    expected["revoked_keys"] = json!([key(3).id().to_string(), key(2).id().to_string()]);
    assert_eq!(to_value(&after), expected);
    assert!(after.text().ends_with("}\n"));
}

#[test]
fn changes_can_follow_each_other() {
    let mut draft = TrustDraft::of(&trust_file(&every_field()));
    let expires = "2029-01-01T00:00:00Z".parse().unwrap();
    draft
        .revoke_manifest(sha256(b"n"))
        .set_expires(Some(expires))
        .set_threshold(2);
    let after = draft.finish().unwrap();
    let mut expected = every_field();
    expected["version"] = json!(42);
    expected["revoked_manifests"] = json!([sha256(b"m").to_string(), sha256(b"n").to_string()]);
    expected["expires"] = json!("2029-01-01T00:00:00Z");
    expected["threshold"] = json!(2);
    assert_eq!(to_value(&after), expected);
    assert_eq!((after.version(), after.threshold()), (42, 2));

    let mut json = trust_json(&[&key(1)]);
    json["expires"] = expected["expires"].clone();
    let trust = Trust::from_json(&json.to_string()).unwrap();
    assert_eq!(trust.expires(), Some(expires));
}

#[test]
fn a_first_file_trusts_what_it_was_told_to() {
    let mut draft = TrustDraft::new();
    draft.add_key(TrustEntry::new(public(1)));
    let file = draft.finish().unwrap();
    assert_eq!((file.version(), file.threshold()), (1, 1));
    assert_eq!(file.entries().next(), Some(TrustEntry::new(public(1))));
    let trust = Trust::from_json(file.text()).unwrap();
    assert_eq!(outcome(&trust, Draft::new().signed(&[&key(1)])), "ok");
}

#[test]
fn a_file_of_the_first_format_gets_its_first_version() {
    let file = trust_file(&trust_json(&[&key(1)]));
    assert_eq!(file.version(), 0);
    let mut draft = TrustDraft::of(&file);
    draft.set_roots(vec![public(10)], 1);
    let file = draft.finish().unwrap();
    assert_eq!(file.version(), 1);
    assert!(file.roots().unwrap().contains(key(10).id()));
}

#[test]
fn what_is_there_already_is_no_change() {
    let file = trust_file(&every_field());
    let mut draft = TrustDraft::of(&file);
    draft.revoke_key(key(3).id());
    draft.revoke_manifest(sha256(b"m"));
    draft.set_threshold(1);
    draft.set_expires(file.expires());
    draft.set_roots(vec![public(10), public(11)], 2);
    assert!(!draft.is_changed());
}

type Change<'a> = &'a dyn Fn(&mut TrustDraft);

#[test]
fn an_invalid_file_is_never_made() {
    let refusal = |change: Change<'_>| {
        let mut draft = TrustDraft::of(&trust_file(&every_field()));
        change(&mut draft);
        let error = draft.finish().unwrap_err();
        (error.kind(), error.pointer().to_owned())
    };
    let cases: [(Change<'_>, &str, &str); 6] = [
        (
            &|draft| _ = draft.add_key(TrustEntry::new(public(1))),
            "repeated_key",
            "/keys/2/key",
        ),
        (
            &|draft| _ = draft.add_key(TrustEntry::new(PublicKey::from_bytes([0; 32]))),
            "weak_key",
            "/keys/2/key",
        ),
        (
            &|draft| {
                let at = Some("2026-01-01T00:00:00Z".parse().unwrap());
                draft.add_key(TrustEntry {
                    not_before: at,
                    not_after: at,
                    ..TrustEntry::new(public(4))
                });
            },
            "key_never_valid",
            "/keys/2",
        ),
        (
            &|draft| _ = draft.set_threshold(3),
            "threshold_out_of_range",
            "/threshold",
        ),
        (
            &|draft| _ = draft.set_roots(vec![public(10)], 2),
            "threshold_out_of_range",
            "/roots/threshold",
        ),
        (
            &|draft| _ = draft.set_roots(vec![public(10), public(10)], 1),
            "repeated_key",
            "/roots/keys/1",
        ),
    ];
    for (change, kind, pointer) in cases {
        assert_eq!(refusal(change), (kind, pointer.to_owned()));
    }
    let mut last = every_field();
    last["version"] = json!(u64::MAX);
    let mut draft = TrustDraft::of(&trust_file(&last));
    draft.revoke_key(key(1).id());
    assert_eq!(draft.finish().unwrap_err(), TrustError::LastVersion);
    assert!(TrustDraft::new().finish().is_err(), "no key at all");
}

fn entry() -> impl Strategy<Value = TrustEntry> {
    let time = || prop::option::of(0_u32..60);
    (
        1_u8..=40,
        prop::collection::vec("[a-z*?-]{0,8}", 0..3),
        time(),
        time(),
        ".{0,12}",
    )
        .prop_map(|(number, packs, before, after, comment)| {
            let at = |decade: &str, second: Option<u32>| {
                second.map(|second| {
                    format!("{decade}-01-01T00:00:{second:02}Z")
                        .parse()
                        .unwrap()
                })
            };
            TrustEntry {
                packs,
                not_before: at("2020", before),
                not_after: at("2030", after),
                comment,
                ..TrustEntry::new(public(number))
            }
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        entries in prop::collection::vec(entry(), 1..5),
        revoked in prop::collection::vec(any::<u8>(), 0..4),
        roots in prop::collection::btree_set(1_u8..=20, 0..4),
    ) {
        let mut seen = std::collections::BTreeSet::new();
        let entries: Vec<TrustEntry> =
            entries.into_iter().filter(|entry| seen.insert(entry.key)).collect();
        let mut draft = TrustDraft::new();
        for entry in &entries {
            draft.add_key(entry.clone());
        }
        for &number in &revoked {
            draft.revoke_key(key(number).id());
            draft.revoke_manifest(sha256(&[number]));
        }
        if !roots.is_empty() {
            draft.set_roots(roots.iter().map(|&number| public(number)).collect(), 1);
        }
        let file = draft.finish().unwrap();
        prop_assert_eq!(file.entries().collect::<Vec<_>>(), entries);
        let expected: std::collections::BTreeSet<KeyId> =
            revoked.iter().map(|&number| key(number).id()).collect();
        prop_assert_eq!(file.revoked_keys(), &expected);
        prop_assert_eq!(file.roots().is_some(), !roots.is_empty());
        let again = TrustDraft::of(&file).finish().unwrap();
        prop_assert_eq!(again.version(), 2);
        let text = file.text().replacen("\"version\": 1,", "\"version\": 2,", 1);
        prop_assert_eq!(again.text(), text);
    }
}
