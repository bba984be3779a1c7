//! The form of `trust.json`.

use kpack_verify::{Trust, TrustError};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Draft, key, outcome, trust, trust_json};

fn with(pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let mut json = trust_json(&[&key(1), &key(2)]);
    json.pointer_mut(parent).unwrap()[field] = value;
    json
}

fn refusal(json: &Value) -> TrustError {
    Trust::from_json(&json.to_string()).unwrap_err()
}

/// `ed25519:` and the hex of `bytes`, as text.
fn key_text(bytes: [u8; 32]) -> String {
    kpack_schema::PublicKey::from_bytes(bytes).to_string()
}

#[test]
fn the_form_of_the_design_is_read() {
    let text = format!(
        r#"{{"kpack_trust":1,"keys":[{{"key":"{}","packs":["llama-*"],"not_before":null,
        "not_after":null,"comment":""}}],"threshold":1,"revoked_keys":[],"revoked_manifests":[],
        "allow":{{}}}}"#,
        key(1).public_key()
    );
    let trust = Trust::from_json(&text).unwrap();
    assert_eq!(outcome(&trust, Draft::new().signed(&[&key(1)])), "ok");
}

#[test]
fn only_the_version_and_the_keys_are_required() {
    assert_eq!(
        outcome(
            &trust(&trust_json(&[&key(1)])),
            Draft::new().signed(&[&key(1)])
        ),
        "ok"
    );
    for field in ["kpack_trust", "keys"] {
        let mut json = trust_json(&[&key(1)]);
        json.as_object_mut().unwrap().remove(field);
        assert_eq!(refusal(&json).kind(), "malformed_trust", "{field}");
    }
}

#[test]
fn keys_are_read_in_hex_and_in_base64() {
    let rfc8032 = [
        "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "ed25519:D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A",
        "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    ];
    let alone = |text: &str| json!({"kpack_trust": 1, "keys": [{"key": text}]});
    let shown = format!("{:?}", trust(&alone(rfc8032[0])));
    for text in rfc8032 {
        assert_eq!(format!("{:?}", trust(&alone(text))), shown, "{text}");
        // In whichever spelling, the same key again is the same key.
        let both = json!({"kpack_trust": 1, "keys": [{"key": rfc8032[0]}, {"key": text}]});
        assert!(
            matches!(refusal(&both), TrustError::RepeatedKey { pointer, .. } if pointer == "/keys/1/key"),
            "{text}"
        );
    }
}

#[test]
fn every_refusal_names_its_place() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let id = key(1).id().to_string();
    let cases = [
        (with("/extra", json!(1)), "malformed_trust", "/extra"),
        (
            with("/keys/1/extra", json!(1)),
            "malformed_trust",
            "/keys/1/extra",
        ),
        (
            with("/kpack_trust", json!(2)),
            "trust_version",
            "/kpack_trust",
        ),
        (
            with("/kpack_trust", json!("1")),
            "malformed_trust",
            "/kpack_trust",
        ),
        (
            with("/keys", json!([])),
            "threshold_out_of_range",
            "/threshold",
        ),
        (
            with("/keys/0/key", json!("ed25519:AAAA")),
            "malformed_trust",
            "/keys/0/key",
        ),
        (
            with("/keys/0/key", json!(key_text([0; 32]))),
            "weak_key",
            "/keys/0/key",
        ),
        (
            with("/keys/0/packs", json!("*")),
            "malformed_trust",
            "/keys/0/packs",
        ),
        (
            with("/keys/0/packs", json!([1])),
            "malformed_trust",
            "/keys/0/packs/0",
        ),
        (
            with("/keys/0/not_before", json!("2026-01-01")),
            "malformed_trust",
            "/keys/0/not_before",
        ),
        (
            with("/keys/0/not_after", json!(0)),
            "malformed_trust",
            "/keys/0/not_after",
        ),
        (
            with("/threshold", json!(0)),
            "threshold_out_of_range",
            "/threshold",
        ),
        (
            with("/threshold", json!(3)),
            "threshold_out_of_range",
            "/threshold",
        ),
        (
            with("/threshold", json!(u64::MAX)),
            "threshold_out_of_range",
            "/threshold",
        ),
        (
            with("/threshold", json!(-1)),
            "malformed_trust",
            "/threshold",
        ),
        (
            with("/threshold", json!(1.5)),
            "malformed_trust",
            "/threshold",
        ),
        (
            with("/threshold", Value::Null),
            "malformed_trust",
            "/threshold",
        ),
        (
            with("/revoked_keys", json!([id, "ab"])),
            "malformed_trust",
            "/revoked_keys/1",
        ),
        (
            with("/revoked_keys", json!([digest])),
            "malformed_trust",
            "/revoked_keys/0",
        ),
        (
            with("/revoked_manifests", json!([id])),
            "malformed_trust",
            "/revoked_manifests/0",
        ),
        (with("/version", json!(-1)), "malformed_trust", "/version"),
        (with("/version", json!("1")), "malformed_trust", "/version"),
        (
            with("/expires", json!("soon")),
            "malformed_trust",
            "/expires",
        ),
        (with("/roots", json!([])), "malformed_trust", "/roots"),
        (
            with("/roots", json!({"keys": [], "extra": 1})),
            "malformed_trust",
            "/roots/extra",
        ),
        (with("/allow", json!([])), "malformed_trust", "/allow"),
        (
            with("/allow", json!({"p": {"k": digest}})),
            "malformed_trust",
            "/allow/p/k",
        ),
        (
            with("/allow", json!({"p": {"k": ["x"]}})),
            "malformed_trust",
            "/allow/p/k/0",
        ),
    ];
    for (json, kind, pointer) in cases {
        let error = refusal(&json);
        assert_eq!((error.kind(), error.pointer()), (kind, pointer), "{json}");
    }
    for allow in [json!({"P": {}}), json!({"p": {"K": []}})] {
        let error = refusal(&with("/allow", allow));
        assert!(error.pointer().starts_with("/allow"), "{}", error.pointer());
    }
}

#[test]
fn a_key_that_is_never_valid() {
    let early = "2026-01-01T00:00:00Z";
    for not_before in [early, "2026-06-01T00:00:00Z"] {
        let mut json = with("/keys/1/not_before", json!(not_before));
        json["keys"][1]["not_after"] = json!(early);
        let error = refusal(&json);
        assert_eq!(
            (error.kind(), error.pointer()),
            ("key_never_valid", "/keys/1")
        );
    }
}

#[test]
fn repeated_keys_and_fields() {
    let twice = trust_json(&[&key(1), &key(2), &key(1)]);
    let error = refusal(&twice);
    assert_eq!(error.pointer(), "/keys/2/key");
    assert!(matches!(error, TrustError::RepeatedKey { key_id, .. } if key_id == key(1).id()));
    let good = trust_json(&[&key(1)]).to_string();
    let fields = [
        good.replacen('{', "{\"threshold\":1,\"threshold\":1,", 1),
        good.replacen('{', "{\"allow\":{\"p\":{},\"p\":{}},", 1),
        format!("{good} x"),
    ];
    for text in fields {
        assert_eq!(
            Trust::from_json(&text).unwrap_err().kind(),
            "malformed_trust",
            "{text}"
        );
    }
}

#[test]
fn more_than_1_mib() {
    let good = trust_json(&[&key(1)]).to_string();
    let fill = |len: usize| format!("{good}{}", " ".repeat(len - good.len()));
    assert!(Trust::from_json(&fill(1 << 20)).is_ok());
    assert_eq!(
        Trust::from_json(&fill((1 << 20) + 1)).unwrap_err().kind(),
        "malformed_trust"
    );
}

proptest! {
    #[test]
    fn no_change_of_a_good_file_panics_the_reader(at: prop::sample::Index, byte in 0_u8..128) {
        let mut bytes = trust_json(&[&key(1), &key(2)]).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = Trust::from_json(std::str::from_utf8(&bytes).unwrap());
    }
}
