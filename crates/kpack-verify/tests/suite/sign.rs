//! What `kpack sign` rests on.

use kpack_schema::HostPolicy;
use kpack_verify::{PackBytes, PackParts, SignError, SignatureFile, SigningKey, sign_pack};
use serde_json::json;

use crate::support::{Draft, key, outcome, path, trust, trust_json, trusting};

fn try_sign(parts: &PackParts, key: &SigningKey) -> Result<SignatureFile, SignError> {
    let pack = PackBytes::new(parts.clone()).unwrap();
    sign_pack(&pack, &HostPolicy::default(), key)
}

fn unsigned(draft: &Draft) -> PackParts {
    PackParts {
        signature: None,
        ..draft.signed(&[&key(1)])
    }
}

#[test]
fn what_was_signed_verifies_and_signing_again_changes_nothing() {
    let mut parts = unsigned(&Draft::new());
    let first = try_sign(&parts, &key(1)).unwrap();
    parts.signature = Some(first.to_json().into_bytes());
    assert_eq!(outcome(&trusting(&[&key(1)]), parts.clone()), "ok");
    assert_eq!(try_sign(&parts, &key(1)).unwrap(), first);
}

#[test]
fn a_second_key_adds_its_entry_and_keeps_the_first() {
    let mut parts = unsigned(&Draft::new());
    for signer in [key(1), key(2)] {
        parts.signature = Some(try_sign(&parts, &signer).unwrap().to_json().into_bytes());
    }
    let mut both = trust_json(&[&key(1), &key(2)]);
    both["threshold"] = json!(2);
    assert_eq!(outcome(&trust(&both), parts), "ok");
}

#[test]
fn a_key_replaces_its_own_entry_over_an_older_manifest() {
    let older = Draft::new().signed(&[&key(1)]);
    let newer = Draft::new().with("/version", json!("1.1.0"));
    let mut parts = PackParts {
        signature: older.signature,
        ..unsigned(&newer)
    };
    let signatures = try_sign(&parts, &key(1)).unwrap();
    assert_eq!(signatures.entries().len(), 1);
    parts.signature = Some(signatures.to_json().into_bytes());
    assert_eq!(outcome(&trusting(&[&key(1)]), parts), "ok");
}

#[test]
fn an_entry_is_a_signature_of_its_key_over_its_bytes_and_of_no_other() {
    let parts = unsigned(&Draft::new());
    let signatures = try_sign(&parts, &key(1)).unwrap();
    let is_signed = |by: u8, bytes: &[u8]| signatures.is_signed_by(&key(by).verifying_key(), bytes);
    assert!(is_signed(1, &parts.manifest));
    assert!(!is_signed(2, &parts.manifest));
    assert!(!is_signed(1, &parts.manifest[1..]));
}

#[test]
fn the_author_signs_first() {
    let parts = unsigned(&Draft::new());
    let error = try_sign(&parts, &key(2)).unwrap_err();
    assert_eq!(error.kind(), "signing_key_mismatch");
    assert!(matches!(error, SignError::SigningKeyMismatch { author } if author == key(1).id()));

    // The author's entry over another manifest is as good as none.
    let stale = Draft::new()
        .with("/version", json!("0.9.0"))
        .signed(&[&key(1)])
        .signature;
    let parts = PackParts {
        signature: stale,
        ..parts
    };
    assert_eq!(
        try_sign(&parts, &key(2)).unwrap_err().kind(),
        "signing_key_mismatch"
    );
}

#[test]
fn a_pack_that_would_be_refused_is_not_signed() {
    let mut swapped = Draft::new();
    swapped.files.insert(path("shared.wasm"), Vec::new());
    let mut extra = Draft::new();
    extra.files.insert(path("extra"), Vec::new());
    let mut missing = Draft::new();
    missing.files.remove("shared.wasm");
    let weak = format!("ed25519:{}", "00".repeat(32));
    let cases = [
        (
            Draft::new().with("/name", json!("Not A Name")),
            "invalid_manifest",
        ),
        (
            Draft::new().with("/unknown", json!(0)),
            "malformed_manifest",
        ),
        (
            Draft::new().with("/author/signing_key", json!(weak)),
            "signing_key_mismatch",
        ),
        (swapped, "digest_mismatch"),
        (extra, "undeclared_file"),
        (missing, "missing_file"),
    ];
    for (draft, expected) in cases {
        let error = try_sign(&unsigned(&draft), &key(1)).unwrap_err();
        assert_eq!(error.kind(), expected);
        assert_eq!(error.missing_file().is_some(), expected == "missing_file");
    }
}

#[test]
fn an_existing_signature_file_that_is_malformed_or_full_is_left_alone() {
    let keys: Vec<_> = (1..=16).map(key).collect();
    let full = Draft::new().signed(&keys.iter().collect::<Vec<_>>());
    assert_eq!(
        try_sign(&full, &key(17)).unwrap_err().kind(),
        "malformed_signature"
    );
    assert_eq!(try_sign(&full, &key(16)).unwrap().entries().len(), 16);
    let broken = PackParts {
        signature: Some(b"{}".to_vec()),
        ..full
    };
    assert_eq!(
        try_sign(&broken, &key(1)).unwrap_err().kind(),
        "malformed_signature"
    );
}
