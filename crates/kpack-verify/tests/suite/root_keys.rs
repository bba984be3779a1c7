//! Signed trust files: who may replace the operator's decision, and who may not.

use kpack_verify::{
    HostState, PinnedTrust, ProvenTrust, Signature, SignatureEntry, SignatureFile, SigningKey,
    TrustError, TrustFile, TrustOrigin, TrustProofError,
};
use proptest::prelude::*;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use crate::support::{
    Draft, key, now, outcome, root_signatures, rooted, signature_file, time, trust_file, trust_json,
};

/// The end of proving a file that these keys signed.
fn proven(
    json: &Value,
    signers: &[&SigningKey],
    pinned: Option<&PinnedTrust>,
) -> Result<ProvenTrust, TrustProofError> {
    let file = trust_file(json);
    let signatures = (!signers.is_empty()).then(|| root_signatures(&file, signers));
    file.prove(signatures.as_deref(), pinned)
}

fn kind(result: Result<ProvenTrust, TrustProofError>) -> &'static str {
    result.map_or_else(|error| error.kind(), |proven| proven.origin().name())
}

/// What a host pinned of version 1, which `key(10)` and `key(11)` decide about together.
fn pinned_two_of_two() -> PinnedTrust {
    let first = rooted(1, &[&key(10), &key(11)], 2);
    let proven = proven(&first, &[&key(10), &key(11)], None).unwrap();
    proven.pin().unwrap().clone()
}

#[test]
fn a_file_without_roots_is_the_operators_own() {
    let proven = proven(&trust_json(&[&key(1)]), &[], None).unwrap();
    assert_eq!(proven.origin(), TrustOrigin::Local);
    assert!(proven.pin().is_none());
    let parts = Draft::new().signed(&[&key(1)]);
    assert_eq!(outcome(proven.trust(), parts), "ok");
}

#[test]
fn a_file_with_roots_counts_only_when_their_threshold_has_signed() {
    let file = rooted(1, &[&key(10), &key(11), &key(12)], 2);
    let by = |keys: &[&SigningKey]| kind(proven(&file, keys, None));
    assert_eq!(by(&[]), "trust_unsigned");
    assert_eq!(by(&[&key(10)]), "trust_threshold_not_met");
    assert_eq!(by(&[&key(10), &key(66)]), "trust_threshold_not_met");
    assert_eq!(by(&[&key(10), &key(12)]), "own_roots");
    assert_eq!(by(&[&key(10), &key(12), &key(66)]), "own_roots");
    // A key that may sign packs decides nothing about the trust file.
    assert_eq!(by(&[&key(10), &key(1)]), "trust_threshold_not_met");
}

#[test]
fn a_file_with_roots_is_never_read_without_their_signatures() {
    let text = rooted(1, &[&key(10)], 1).to_string();
    let error = kpack_verify::Trust::from_json(&text).unwrap_err();
    assert_eq!(
        (error.kind(), error.pointer()),
        ("trust_unproven", "/roots")
    );
}

#[test]
fn one_root_key_counts_once_however_often_it_signs() {
    let file = trust_file(&rooted(1, &[&key(10), &key(11)], 2));
    let entry = key(10).sign_trust(&file);
    for other in [key(11).id(), key(66).id()] {
        let again = SignatureEntry::new(other, entry.signature());
        let bytes = signature_file(vec![entry, again]);
        let result = file.clone().prove(Some(&bytes), None);
        assert_eq!(kind(result), "trust_threshold_not_met");
    }
}

#[test]
fn a_signature_made_for_another_domain_or_for_none() {
    let (root, file) = (key(10), trust_file(&rooted(1, &[&key(10)], 1)));
    let pair = Ed25519KeyPair::from_pkcs8(root.to_pkcs8_der()).unwrap();
    let cases: [(&[u8], &str); 5] = [
        (b"kpack trust v1\0", "own_roots"),
        (b"", "trust_threshold_not_met"),
        (b"kpack manifest v1\0", "trust_threshold_not_met"),
        (b"kpack trust v1", "trust_threshold_not_met"),
        (b"kpack trust v2\0", "trust_threshold_not_met"),
    ];
    for (domain, expected) in cases {
        let message = [domain, file.text().as_bytes()].concat();
        let bytes = pair.sign(&message).as_ref().try_into().unwrap();
        let entry = SignatureEntry::new(root.id(), Signature::from_bytes(bytes));
        let result = file.clone().prove(Some(&signature_file(vec![entry])), None);
        assert_eq!(kind(result), expected, "{domain:?}");
    }
}

#[test]
fn each_of_512_flipped_bits_of_a_root_signature() {
    let file = trust_file(&rooted(1, &[&key(10)], 1));
    let entry = key(10).sign_trust(&file);
    for bit in 0..512 {
        let mut bytes = *entry.signature().as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let flipped = SignatureEntry::new(key(10).id(), Signature::from_bytes(bytes));
        let result = file
            .clone()
            .prove(Some(&signature_file(vec![flipped])), None);
        assert_eq!(kind(result), "trust_threshold_not_met", "bit {bit}");
    }
}

#[test]
fn a_flipped_bit_in_each_byte_of_a_signed_trust_file() {
    let file = trust_file(&rooted(1, &[&key(10)], 1));
    let signatures = root_signatures(&file, &[&key(10)]);
    for at in 0..file.text().len() {
        let mut bytes = file.text().as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 7);
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        if let Ok(changed) = TrustFile::from_json(&text) {
            let result = changed.prove(Some(&signatures), None);
            assert!(result.is_err(), "byte {at}: {text}");
        }
    }
}

#[test]
fn a_trust_file_that_means_the_same_in_other_bytes() {
    let json = rooted(1, &[&key(10)], 1);
    let signatures = root_signatures(&trust_file(&json), &[&key(10)]);
    let pretty = serde_json::to_string_pretty(&json).unwrap();
    let newline = format!("{json}\n");
    for text in [pretty, newline] {
        let file = TrustFile::from_json(&text).unwrap();
        let result = file.prove(Some(&signatures), None);
        assert_eq!(kind(result), "trust_threshold_not_met");
    }
}

#[test]
fn signature_files_that_are_none() {
    let file = trust_file(&rooted(1, &[&key(10)], 1));
    let too_many: Vec<_> = (0..17)
        .map(|number| {
            let entry = key(number).sign_trust(&file);
            json!({"key_id": entry.key_id().to_string(), "sig": entry.signature().to_string()})
        })
        .collect();
    let too_many = json!({"kpack_signature": 1, "signatures": too_many}).to_string();
    for bytes in [b"".as_slice(), b"{}", b"\xff", too_many.as_bytes()] {
        let result = file.clone().prove(Some(bytes), None);
        assert_eq!(kind(result), "malformed_trust_signature");
    }
}

#[test]
fn a_rotation_needs_the_old_and_the_new_roots() {
    let pinned = pinned_two_of_two();
    let next = rooted(2, &[&key(20), &key(21)], 2);
    let by = |keys: &[&SigningKey]| proven(&next, keys, Some(&pinned));
    let (old, new) = ([key(10), key(11)], [key(20), key(21)]);
    let missing = |result: Result<ProvenTrust, TrustProofError>| result.unwrap_err().to_string();
    assert_eq!(
        missing(by(&[&new[0], &new[1]])),
        "the trust file needs signatures by 2 of the root keys pinned here and has: `0`"
    );
    assert_eq!(
        missing(by(&[&old[0], &new[0], &new[1]])),
        "the trust file needs signatures by 2 of the root keys pinned here and has: `1`"
    );
    assert_eq!(
        missing(by(&[&old[0], &old[1], &new[0]])),
        "the trust file needs signatures by 2 of its own root keys and has: `1`"
    );
    let accepted = by(&[&old[0], &old[1], &new[0], &new[1]]).unwrap();
    assert_eq!(accepted.origin(), TrustOrigin::PinnedRoots);

    // From here on the new roots decide, and the old ones do not.
    let pinned = accepted.pin().unwrap();
    let third = rooted(3, &[&key(20), &key(21)], 2);
    let by = |keys: &[&SigningKey]| kind(proven(&third, keys, Some(pinned)));
    assert_eq!(by(&[&old[0], &old[1]]), "trust_threshold_not_met");
    assert_eq!(by(&[&new[0], &new[1]]), "pinned_roots");
}

#[test]
fn a_root_key_that_the_file_revokes_is_none_of_its_roots() {
    let revoking = |mut json: Value, revoked: &SigningKey| {
        json["revoked_keys"] = json!([revoked.id().to_string()]);
        json
    };
    let all = [&key(10), &key(11), &key(12)];
    let file = revoking(rooted(3, &all, 2), &key(10));
    let by = |keys: &[&SigningKey]| kind(proven(&file, keys, None));
    assert_eq!(by(&[&key(10), &key(11)]), "trust_threshold_not_met");
    assert_eq!(by(&[&key(11), &key(12)]), "own_roots");
    let signed = trust_file(&file);
    let signatures = SignatureFile::parse(&root_signatures(&signed, &all)).unwrap();
    assert_eq!(
        signed.root_signers(&signatures),
        [key(11).id(), key(12).id()]
    );

    // Nor is it one for the files that follow.
    let accepted = proven(&file, &all, None).unwrap();
    let pinned = accepted.pin().unwrap();
    assert!(!pinned.roots().contains(key(10).id()));
    let next = rooted(4, &[&key(66)], 1);
    let by = |keys: &[&SigningKey]| kind(proven(&next, keys, Some(pinned)));
    assert_eq!(
        by(&[&key(10), &key(11), &key(66)]),
        "trust_threshold_not_met"
    );
    assert_eq!(by(&[&key(11), &key(12), &key(66)]), "pinned_roots");
    let again = proven(&file, &[&key(11), &key(12)], Some(pinned));
    assert_eq!(kind(again), "pinned_roots", "the same file");

    // But what is pinned decides until then: the only root key can be replaced and revoked at once.
    let only = proven(&rooted(1, &[&key(10)], 1), &[&key(10)], None).unwrap();
    let replaced = revoking(rooted(2, &[&key(20)], 1), &key(10));
    let replaced = proven(&replaced, &[&key(10), &key(20)], only.pin());
    assert_eq!(kind(replaced), "pinned_roots");
}

#[test]
fn an_attacker_who_names_himself_the_root() {
    let pinned = pinned_two_of_two();
    let his = rooted(2, &[&key(66)], 1);
    assert_eq!(
        kind(proven(&his, &[&key(66)], Some(&pinned))),
        "trust_threshold_not_met"
    );
    // One stolen root key of two is not enough either.
    assert_eq!(
        kind(proven(&his, &[&key(66), &key(10)], Some(&pinned))),
        "trust_threshold_not_met"
    );
}

#[test]
fn an_unsigned_file_where_roots_are_pinned() {
    let pinned = pinned_two_of_two();
    let unsigned = trust_json(&[&key(66)]);
    assert_eq!(
        kind(proven(&unsigned, &[], Some(&pinned))),
        "trust_without_roots"
    );
    assert_eq!(
        kind(proven(&unsigned, &[&key(10), &key(11)], Some(&pinned))),
        "trust_without_roots"
    );
}

#[test]
fn an_older_trust_file_and_another_of_the_same_version() {
    let roots = [&key(10), &key(11)];
    let of = |version: u64| rooted(version, &roots, 2);
    let mut state = HostState::default();
    let mut prove = |json: &Value| {
        let file = trust_file(json);
        let signatures = root_signatures(&file, &roots);
        kind(state.prove(file, Some(&signatures)))
    };
    assert_eq!(prove(&of(5)), "own_roots");
    assert_eq!(prove(&of(5)), "pinned_roots");
    assert_eq!(prove(&of(4)), "trust_rollback");
    let mut other = of(5);
    other["revoked_keys"] = json!([key(1).id().to_string()]);
    assert_eq!(prove(&other), "trust_version_reused");
    // The same roots vouch for whichever later version they sign.
    assert_eq!(prove(&of(7)), "pinned_roots");
    assert_eq!(prove(&of(6)), "trust_rollback");
}

#[test]
fn a_host_that_missed_a_rotation_takes_the_version_in_between() {
    let mut state = HostState::default();
    let mut prove = |json: &Value, signers: &[&SigningKey]| {
        let file = trust_file(json);
        let signatures = root_signatures(&file, signers);
        kind(state.prove(file, Some(&signatures)))
    };
    let (first, second) = (rooted(1, &[&key(10)], 1), rooted(2, &[&key(20)], 1));
    let third = rooted(3, &[&key(20)], 1);
    assert_eq!(prove(&first, &[&key(10)]), "own_roots");
    assert_eq!(prove(&third, &[&key(20)]), "trust_threshold_not_met");
    assert_eq!(prove(&second, &[&key(10), &key(20)]), "pinned_roots");
    assert_eq!(prove(&third, &[&key(20)]), "pinned_roots");
}

#[test]
fn roots_that_the_operator_pinned_before_the_first_file() {
    let roots = kpack_verify::Roots::new([key(10).public_key()], 1).unwrap();
    let mut state = HostState::pinning(roots);
    state = HostState::from_text(&state.to_text()).unwrap();
    let mut prove = |json: &Value, signers: &[&SigningKey]| {
        let file = trust_file(json);
        let signatures = root_signatures(&file, signers);
        kind(state.prove(file, Some(&signatures)))
    };
    let his = rooted(1, &[&key(66)], 1);
    assert_eq!(prove(&his, &[&key(66)]), "trust_threshold_not_met");
    let first = rooted(1, &[&key(10)], 1);
    assert_eq!(prove(&first, &[&key(10)]), "pinned_roots");
    assert_eq!(
        prove(&trust_json(&[&key(1)]), &[&key(10)]),
        "trust_without_roots"
    );
    assert!(kpack_verify::Roots::new([], 1).is_err());
}

#[test]
fn a_refused_trust_file_changes_nothing() {
    let mut state = HostState::default();
    let file = trust_file(&rooted(1, &[&key(10)], 1));
    let signatures = root_signatures(&file, &[&key(10)]);
    state.prove(file, Some(&signatures)).unwrap();
    let before = state.clone();
    let his = trust_file(&rooted(2, &[&key(66)], 1));
    let signatures = root_signatures(&his, &[&key(66)]);
    assert!(state.prove(his, Some(&signatures)).is_err());
    assert_eq!(state, before);
}

#[test]
fn root_keys_that_no_file_may_name() {
    let refusal = |roots: Value| {
        let mut json = rooted(1, &[&key(10), &key(11)], 1);
        json["roots"] = roots;
        let error = TrustFile::from_json(&json.to_string()).unwrap_err();
        (error.kind(), error.pointer().to_owned())
    };
    let [one, two] = [key(10), key(11)].map(|key| key.public_key().to_string());
    let weak = kpack_schema::PublicKey::from_bytes([0; 32]).to_string();
    for (roots, kind, pointer) in [
        (json!({"keys": [one, weak]}), "weak_key", "/roots/keys/1"),
        (
            json!({"keys": [one, two, one]}),
            "repeated_key",
            "/roots/keys/2",
        ),
        (
            json!({"keys": []}),
            "threshold_out_of_range",
            "/roots/threshold",
        ),
        (
            json!({"keys": [one], "threshold": 0}),
            "threshold_out_of_range",
            "/roots/threshold",
        ),
        (
            json!({"keys": [one], "threshold": 2}),
            "threshold_out_of_range",
            "/roots/threshold",
        ),
    ] {
        assert_eq!(
            refusal(roots.clone()),
            (kind, pointer.to_owned()),
            "{roots}"
        );
    }
    let many: Vec<_> = (10..19).map(|n| key(n).public_key().to_string()).collect();
    let of = |threshold: u64| json!({"keys": many, "threshold": threshold});
    assert_eq!(refusal(of(9)).0, "threshold_out_of_range");
    let mut json = rooted(1, &[], 8);
    json["roots"] = of(8);
    assert_eq!(trust_file(&json).roots().unwrap().threshold(), 8);
}

#[test]
fn roots_without_a_version() {
    let error = TrustFile::from_json(&rooted(0, &[&key(10)], 1).to_string()).unwrap_err();
    assert_eq!(error, TrustError::Unversioned);
    let mut absent = rooted(1, &[&key(10)], 1);
    absent.as_object_mut().unwrap().remove("version");
    let error = TrustFile::from_json(&absent.to_string()).unwrap_err();
    assert_eq!(
        (error.kind(), error.pointer()),
        ("trust_unversioned", "/version")
    );
}

#[test]
fn a_trust_file_decides_nothing_from_expires_on() {
    let mut json = trust_json(&[&key(1)]);
    json["expires"] = json!("2026-06-01T00:00:00Z");
    let trust = crate::support::trust(&json);
    let cases = [
        ("0001-01-01T00:00:00Z", "ok"),
        ("2026-05-31T23:59:59.999999999Z", "ok"),
        ("2026-06-01T00:00:00Z", "trust_expired"),
        ("9999-12-31T23:59:59Z", "trust_expired"),
    ];
    for (moment, expected) in cases {
        let pack = kpack_verify::PackBytes::new(Draft::new().signed(&[&key(1)])).unwrap();
        let result = trust.verify(pack, time(moment));
        let found = result.map_or_else(|error| error.kind(), |_| "ok");
        assert_eq!(found, expected, "{moment}");
    }
    // Nobody is asked what a pack says by a trust that is over.
    let forged = Draft::new().author(&key(66)).signed(&[&key(66)]);
    assert_eq!(outcome(&trust, forged), "trust_expired");
    assert!(trust.at(now()).is_err());
}

#[test]
fn messages_do_not_say_why_a_root_signature_failed() {
    let file = trust_file(&rooted(1, &[&key(10)], 1));
    let entry = key(10).sign_trust(&file);
    let broken = |change: fn(&mut [u8; 64])| {
        let mut bytes = *entry.signature().as_bytes();
        change(&mut bytes);
        let entry = SignatureEntry::new(key(10).id(), Signature::from_bytes(bytes));
        let result = file.clone().prove(Some(&signature_file(vec![entry])), None);
        result.unwrap_err().to_string()
    };
    let expected = "the trust file needs signatures by 1 of its own root keys and has: `0`";
    assert_eq!(broken(|bytes| bytes[0] ^= 1), expected);
    assert_eq!(broken(|bytes| bytes[63] = 0xff), expected);
    assert_eq!(broken(|bytes| bytes.fill(0)), expected);
}

proptest! {
    /// The rule of rotation in one line, against all of its machinery: keys 1 to 6, of which some are
    /// old roots, some are new ones and some sign.
    #[test]
    fn a_file_is_taken_exactly_if_both_thresholds_are_met(
        old in prop::collection::btree_set(1_u8..=6, 1..=4),
        new in prop::collection::btree_set(1_u8..=6, 1..=4),
        signers in prop::collection::btree_set(1_u8..=6, 0..=6),
        old_threshold in 1_usize..=4,
        new_threshold in 1_usize..=4,
    ) {
        let keys = |numbers: &std::collections::BTreeSet<u8>| -> Vec<SigningKey> {
            numbers.iter().map(|&number| key(number)).collect()
        };
        let (old_keys, new_keys, signing) = (keys(&old), keys(&new), keys(&signers));
        let old_refs: Vec<&SigningKey> = old_keys.iter().collect();
        let old_threshold = old_threshold.min(old.len());
        let new_threshold = new_threshold.min(new.len());
        let first = rooted(1, &old_refs, u64::try_from(old_threshold).unwrap());
        let first = proven(&first, &old_refs, None).unwrap();
        let next = rooted(
            2,
            &new_keys.iter().collect::<Vec<_>>(),
            u64::try_from(new_threshold).unwrap(),
        );
        let result = proven(&next, &signing.iter().collect::<Vec<_>>(), first.pin());
        let counts = signers.intersection(&old).count() >= old_threshold
            && signers.intersection(&new).count() >= new_threshold;
        prop_assert_eq!(result.is_ok(), counts);
    }
}
