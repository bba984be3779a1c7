//! Forgeries: none of them needs the private key of a trusted signer, and none is taken.

use kpack_verify::{
    PackParts, Signature, SignatureEntry, SignatureFile, SigningKey, Trust, VerifyError,
};
use ring::signature::Ed25519KeyPair;
use serde_json::json;

use crate::support::{Draft, key, outcome, signature_file, trust, trust_json, trusting, verify};

/// What `key` signs when nobody puts a domain before the bytes.
fn sign_raw(key: &SigningKey, message: &[u8]) -> SignatureEntry {
    let pair = Ed25519KeyPair::from_pkcs8(key.to_pkcs8_der()).unwrap();
    let bytes = pair.sign(message).as_ref().try_into().unwrap();
    SignatureEntry::new(key.id(), Signature::from_bytes(bytes))
}

#[test]
fn no_signature_file() {
    let parts = PackParts {
        signature: None,
        ..Draft::new().signed(&[&key(1)])
    };
    assert_eq!(outcome(&trusting(&[&key(1)]), parts), "missing_signature");
}

#[test]
fn an_attacker_signs_with_the_key_in_his_own_signing_key() {
    let attacker = key(66);
    let parts = Draft::new().author(&attacker).signed(&[&attacker]);
    let error = verify(&trusting(&[&key(1)]), parts).unwrap_err();
    assert!(matches!(error, VerifyError::UntrustedKey { key_id } if key_id == attacker.id()));
}

#[test]
fn an_attacker_files_his_signature_under_a_trusted_key_id() {
    let (attacker, draft) = (key(66), Draft::new());
    let signature = attacker.sign_manifest(&draft.manifest_bytes()).signature();
    let parts = draft.with_entries(vec![SignatureEntry::new(key(1).id(), signature)]);
    assert_eq!(outcome(&trusting(&[&key(1)]), parts), "bad_signature");
}

#[test]
fn a_good_signature_under_a_wrong_key_id_is_of_an_unknown_key() {
    let draft = Draft::new();
    let signature = key(1).sign_manifest(&draft.manifest_bytes()).signature();
    let parts = draft.with_entries(vec![SignatureEntry::new(key(66).id(), signature)]);
    assert_eq!(outcome(&trusting(&[&key(1)]), parts), "untrusted_key");
}

#[test]
fn signing_key_differs_from_every_valid_signer() {
    let trusted = trusting(&[&key(1), &key(2)]);
    let draft = Draft::new().author(&key(2));
    assert_eq!(
        outcome(&trusted, draft.signed(&[&key(1)])),
        "author_signature"
    );

    let manifest = draft.manifest_bytes();
    let forged = SignatureEntry::new(key(2).id(), key(66).sign_manifest(&manifest).signature());
    let parts = draft.with_entries(vec![key(1).sign_manifest(&manifest), forged]);
    assert_eq!(outcome(&trusted, parts), "author_signature");
    assert_eq!(outcome(&trusted, draft.signed(&[&key(1), &key(2)])), "ok");
}

#[test]
fn an_author_whom_nobody_trusts_needs_a_trusted_signer_beside_him() {
    let draft = Draft::new().author(&key(66));
    assert_eq!(
        outcome(&trusting(&[&key(1)]), draft.signed(&[&key(66)])),
        "untrusted_key"
    );
    assert_eq!(
        outcome(&trusting(&[&key(1)]), draft.signed(&[&key(66), &key(1)])),
        "ok"
    );
}

#[test]
fn a_small_order_signing_key_under_which_anyone_can_sign() {
    let identity = kpack_schema::PublicKey::from_bytes(std::array::from_fn(|i| u8::from(i == 0)));
    let constant = Signature::from_bytes(std::array::from_fn(|i| u8::from(i == 0)));
    let draft = Draft::new().with("/author/signing_key", json!(identity.to_string()));
    let parts = draft.with_entries(vec![
        key(1).sign_manifest(&draft.manifest_bytes()),
        SignatureEntry::new(kpack_verify::KeyId::of(&identity), constant),
    ]);
    assert_eq!(outcome(&trusting(&[&key(1)]), parts), "weak_key");
}

#[test]
fn each_of_512_flipped_bits_of_the_signature() {
    let (signer, draft) = (key(1), Draft::new());
    let trust = trusting(&[&signer]);
    let entry = signer.sign_manifest(&draft.manifest_bytes());
    for bit in 0..512 {
        let mut bytes = *entry.signature().as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let flipped = SignatureEntry::new(signer.id(), Signature::from_bytes(bytes));
        assert_eq!(
            outcome(&trust, draft.with_entries(vec![flipped])),
            "bad_signature",
            "bit {bit}"
        );
    }
}

#[test]
fn a_flipped_bit_in_each_byte_of_the_manifest() {
    let trust = trusting(&[&key(1)]);
    let signed = Draft::new().signed(&[&key(1)]);
    for at in 0..signed.manifest.len() {
        let mut parts = signed.clone();
        parts.manifest[at] ^= 1 << (at % 8);
        assert_eq!(outcome(&trust, parts), "bad_signature", "byte {at}");
    }
}

#[test]
fn a_flipped_bit_in_each_byte_of_the_signature_file_is_never_taken_for_another_meaning() {
    let trust = trusting(&[&key(1)]);
    let signed = Draft::new().signed(&[&key(1)]);
    let good = SignatureFile::parse(signed.signature.as_ref().unwrap()).unwrap();
    for at in 0..signed.signature.as_ref().unwrap().len() {
        for bit in 0..8 {
            let mut bytes = signed.signature.clone().unwrap();
            bytes[at] ^= 1 << bit;
            let same = SignatureFile::parse(&bytes).is_ok_and(|file| file == good);
            let parts = PackParts {
                signature: Some(bytes),
                ..signed.clone()
            };
            let accepted = outcome(&trust, parts) == "ok";
            assert_eq!(
                accepted, same,
                "byte {at}, bit {bit}: only white space may change"
            );
        }
    }
}

#[test]
fn a_manifest_that_means_the_same_in_other_bytes() {
    let trust = trusting(&[&key(1)]);
    let signed = Draft::new().signed(&[&key(1)]);
    let compact = serde_json::to_vec(&Draft::new().manifest).unwrap();
    let newline = [signed.manifest.as_slice(), b"\n"].concat();
    let crlf = String::from_utf8(signed.manifest.clone())
        .unwrap()
        .replace('\n', "\r\n");
    let bom = [b"\xef\xbb\xbf", signed.manifest.as_slice()].concat();
    for manifest in [compact, newline, crlf.into_bytes(), bom] {
        let parts = PackParts {
            manifest,
            ..signed.clone()
        };
        assert_eq!(outcome(&trust, parts), "bad_signature");
    }
}

#[test]
fn a_signature_made_for_another_domain_or_for_none() {
    let (signer, draft) = (key(1), Draft::new());
    let manifest = draft.manifest_bytes();
    let cases: [(&[u8], &str); 5] = [
        (b"kpack manifest v1\0", "ok"),
        (b"", "bad_signature"),
        (b"kpack trust v1\0", "bad_signature"),
        (b"kpack manifest v1", "bad_signature"),
        (b"kpack manifest v2\0", "bad_signature"),
    ];
    for (domain, expected) in cases {
        let entry = sign_raw(&signer, &[domain, manifest.as_slice()].concat());
        let parts = draft.with_entries(vec![entry]);
        assert_eq!(
            outcome(&trusting(&[&signer]), parts),
            expected,
            "{domain:?}"
        );
    }
}

#[test]
fn a_signed_file_that_is_not_a_manifest() {
    let signer = key(1);
    let trust_file = trust_json(&[&signer]).to_string().into_bytes();
    for other in [
        b"".to_vec(),
        b"{}".to_vec(),
        b"\xff\xfe".to_vec(),
        trust_file,
    ] {
        let signature = signature_file(vec![signer.sign_manifest(&other)]);
        let parts = PackParts {
            manifest: other,
            signature: Some(signature),
            ..PackParts::default()
        };
        assert_eq!(outcome(&trusting(&[&signer]), parts), "malformed_manifest");
    }
}

#[test]
fn nothing_is_parsed_before_a_trusted_key_has_signed() {
    let bad = Draft::new()
        .with("/name", json!("Not A Name"))
        .with("/unknown", json!(1));
    assert_eq!(
        outcome(&trusting(&[&key(1)]), bad.signed(&[&key(66)])),
        "untrusted_key"
    );
    assert_eq!(
        outcome(&trusting(&[&key(1)]), bad.signed(&[&key(1)])),
        "malformed_manifest"
    );
    let invalid = Draft::new().with("/name", json!("Not A Name"));
    assert_eq!(
        outcome(&trusting(&[&key(1)]), invalid.signed(&[&key(1)])),
        "invalid_manifest"
    );
}

/// Trust in `key(1)` and `key(2)`, who must both sign.
fn two_of_two() -> Trust {
    let mut file = trust_json(&[&key(1), &key(2)]);
    file["threshold"] = json!(2);
    trust(&file)
}

#[test]
fn a_threshold_of_two_of_which_one_signed() {
    let draft = Draft::new();
    assert_eq!(
        outcome(&two_of_two(), draft.signed(&[&key(1)])),
        "threshold_not_met"
    );
    let with_a_stranger = draft.signed(&[&key(1), &key(66)]);
    assert_eq!(outcome(&two_of_two(), with_a_stranger), "threshold_not_met");
    assert_eq!(
        outcome(&two_of_two(), draft.signed(&[&key(1), &key(2)])),
        "ok"
    );
}

#[test]
fn the_same_key_twice() {
    let draft = Draft::new();
    let entry = key(1).sign_manifest(&draft.manifest_bytes());
    let line = format!(
        r#"{{"key_id":"{}","sig":"{}"}}"#,
        entry.key_id(),
        entry.signature()
    );
    let twice = format!(r#"{{"kpack_signature":1,"signatures":[{line},{line}]}}"#);
    let parts = PackParts {
        signature: Some(twice.into()),
        ..draft.signed(&[&key(1)])
    };
    assert_eq!(outcome(&two_of_two(), parts), "malformed_signature");
}

#[test]
fn the_same_key_under_two_ids() {
    let draft = Draft::new();
    let entry = key(1).sign_manifest(&draft.manifest_bytes());
    for other in [key(2).id(), key(66).id()] {
        let again = SignatureEntry::new(other, entry.signature());
        let parts = draft.with_entries(vec![entry, again]);
        assert_eq!(outcome(&two_of_two(), parts), "threshold_not_met");
    }
}

#[test]
fn seventeen_signatures() {
    let draft = Draft::new();
    let manifest = draft.manifest_bytes();
    let of = |count: u8| {
        let lines = (1..=count).map(|number| {
            let entry = key(number).sign_manifest(&manifest);
            json!({"key_id": entry.key_id().to_string(), "sig": entry.signature().to_string()})
        });
        let file = json!({"kpack_signature": 1, "signatures": lines.collect::<Vec<_>>()});
        PackParts {
            signature: Some(file.to_string().into()),
            ..draft.signed(&[&key(1)])
        }
    };
    let trust = trusting(&[&key(1)]);
    assert_eq!(outcome(&trust, of(16)), "ok");
    assert_eq!(outcome(&trust, of(17)), "malformed_signature");
}

#[test]
fn entries_that_do_not_count_do_no_harm() {
    let draft = Draft::new();
    let manifest = draft.manifest_bytes();
    let forged = SignatureEntry::new(key(2).id(), key(66).sign_manifest(&manifest).signature());
    let entries = vec![
        key(1).sign_manifest(&manifest),
        forged,
        key(67).sign_manifest(&manifest),
    ];
    let pack = verify(&trusting(&[&key(1), &key(2)]), draft.with_entries(entries)).unwrap();
    assert_eq!(pack.signers(), [key(1).id()]);
}

#[test]
fn messages_do_not_say_why_a_signature_failed() {
    let (signer, draft) = (key(1), Draft::new());
    let entry = signer.sign_manifest(&draft.manifest_bytes());
    let broken = |change: fn(&mut [u8; 64])| {
        let mut bytes = *entry.signature().as_bytes();
        change(&mut bytes);
        let entry = SignatureEntry::new(signer.id(), Signature::from_bytes(bytes));
        verify(&trusting(&[&signer]), draft.with_entries(vec![entry]))
            .unwrap_err()
            .to_string()
    };
    let expected = format!(
        "the signature does not match the manifest, for key: `{}`",
        signer.id()
    );
    assert_eq!(broken(|bytes| bytes[0] ^= 1), expected);
    assert_eq!(broken(|bytes| bytes[63] = 0xff), expected);
    assert_eq!(broken(|bytes| bytes.fill(0)), expected);
}
