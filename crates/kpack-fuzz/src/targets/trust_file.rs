use std::sync::LazyLock;

use kpack_schema::PublicKey;
use kpack_verify::{KeyId, PackBytes, Trust};
use serde_json::{Value, json};

use super::{Verdict, expect_showable};
use crate::Signer;

/// A pack with one signature, of a key that is in the seeds.
static PACK: LazyLock<(Signer, PackBytes)> = LazyLock::new(|| {
    let signer = Signer::new();
    let parts = signer.signed(b"\0asm\x01\0\0\0", &json!({}));
    let pack = PackBytes::new(parts.expect("a plain pack"));
    (signer, pack.expect("a small pack"))
});

/// A `trust.json`, and what it says of a pack with one signature.
pub(super) fn read(bytes: &[u8]) -> Verdict {
    let (signer, pack) = &*PACK;
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Verdict::Refused;
    };
    let trust = match Trust::from_json(text) {
        Ok(trust) => trust,
        Err(error) => {
            expect_showable(&error);
            assert!(error.pointer().is_empty() || error.pointer().starts_with('/'));
            return Verdict::Refused;
        }
    };
    match signer.judge_by(&trust, pack.clone()) {
        Ok(pack) => {
            assert_eq!(pack.signers(), [signer.key().id()]);
            expect_trusted_by_the_letter(text, signer);
        }
        Err(error) => expect_showable(&error),
    }
    Verdict::Accepted
}

/// That the file really says so, read in the plainest way.
fn expect_trusted_by_the_letter(text: &str, signer: &Signer) {
    let file: Value = serde_json::from_str(text).expect("a trust file is JSON");
    let key = signer.key().public_key();
    let is_key = |entry: &Value| {
        let listed = entry["key"]
            .as_str()
            .and_then(|key| key.parse::<PublicKey>().ok());
        listed == Some(key)
    };
    let listed = file["keys"].as_array().into_iter().flatten().any(is_key);
    assert!(listed, "the key is not listed: {text}");
    assert!(file["threshold"].as_u64().unwrap_or(1) == 1, "{text}");
    let is_id = |entry: &Value| {
        let id = entry.as_str().and_then(|id| id.parse::<KeyId>().ok());
        id == Some(signer.key().id())
    };
    let revoked = file["revoked_keys"]
        .as_array()
        .into_iter()
        .flatten()
        .any(is_id);
    assert!(!revoked, "the key is revoked: {text}");
}
